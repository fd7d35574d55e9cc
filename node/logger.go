package node

import "fmt"

// logger is what raft writes to. The library's messages are not part of the
// simulation (the trace is), so they are dropped; its panics are findings.
type logger struct{}

func (logger) Debug(...any)            {}
func (logger) Debugf(string, ...any)   {}
func (logger) Info(...any)             {}
func (logger) Infof(string, ...any)    {}
func (logger) Warning(...any)          {}
func (logger) Warningf(string, ...any) {}
func (logger) Error(...any)            {}
func (logger) Errorf(string, ...any)   {}

func (logger) Fatal(v ...any)            { panic(raftPanic(fmt.Sprint(v...))) }
func (logger) Fatalf(f string, v ...any) { panic(raftPanic(fmt.Sprintf(f, v...))) }
func (logger) Panic(v ...any)            { panic(raftPanic(fmt.Sprint(v...))) }
func (logger) Panicf(f string, v ...any) { panic(raftPanic(fmt.Sprintf(f, v...))) }

// raftPanic is a panic that raft asked for: an invariant of the library was
// broken by what its caller did.
type raftPanic string

func (p raftPanic) String() string { return "raft: " + string(p) }
