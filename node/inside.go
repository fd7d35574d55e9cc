package node

import (
	"fmt"
	"reflect"
	"unsafe"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// This is the one file that reaches into raft, for two things that the library has no
// words for: its one random draw is replaced (randomness.go), and what it has ready is
// seen and taken without the garbage of its own Ready (driver.go).
//
// What is reached is named below and checked when the program starts; a test fails
// when an upgrade of raft moves it, and another when it comes to mean something else.

// inside are pointers to what a RawNode keeps to itself. They are valid as long as it.
type inside struct {
	// Of raft.raft.

	term, vote, lead *uint64
	state            *raft.StateType
	// timeout is the drawn election timeout, of which elapsed ticks have passed.
	timeout, elapsed *int
	// messages may be sent at once, afterAppend when what raft has ready is durable.
	messages, afterAppend *[]*pb.Message
	reads                 *[]raft.ReadState

	// Of raft.raftLog. Of the committed entries those up to applying were handed out.

	committed, applying *uint64
	// fresh are the entries that raft's storage does not hold yet, from the index offset on.
	// Those before inProgress were handed out to be written. snapshot comes before them,
	// if there is one.
	fresh              *[]*pb.Entry
	offset, inProgress *uint64
	snapshot           **pb.Snapshot

	// Of RawNode: the hard state that it told last.

	told **pb.HardState
}

// look returns the inside of a RawNode. Invariant of the program: fields.err is nil.
func look(rn *raft.RawNode) inside {
	r := *(*unsafe.Pointer)(unsafe.Add(unsafe.Pointer(rn), fields.raft))
	log := *(*unsafe.Pointer)(unsafe.Add(r, fields.log))
	return inside{
		term:        (*uint64)(unsafe.Add(r, fields.term)),
		vote:        (*uint64)(unsafe.Add(r, fields.vote)),
		lead:        (*uint64)(unsafe.Add(r, fields.lead)),
		state:       (*raft.StateType)(unsafe.Add(r, fields.state)),
		timeout:     (*int)(unsafe.Add(r, fields.timeout)),
		elapsed:     (*int)(unsafe.Add(r, fields.elapsed)),
		messages:    (*[]*pb.Message)(unsafe.Add(r, fields.messages)),
		afterAppend: (*[]*pb.Message)(unsafe.Add(r, fields.afterAppend)),
		reads:       (*[]raft.ReadState)(unsafe.Add(r, fields.reads)),
		committed:   (*uint64)(unsafe.Add(log, fields.committed)),
		applying:    (*uint64)(unsafe.Add(log, fields.applying)),
		fresh:       (*[]*pb.Entry)(unsafe.Add(log, fields.fresh)),
		offset:      (*uint64)(unsafe.Add(log, fields.offset)),
		inProgress:  (*uint64)(unsafe.Add(log, fields.inProgress)),
		snapshot:    (**pb.Snapshot)(unsafe.Add(log, fields.snapshot)),
		told:        (**pb.HardState)(unsafe.Add(unsafe.Pointer(rn), fields.told)),
	}
}

// raftFields are the offsets of what is reached.
type raftFields struct {
	raft, told                                     uintptr // in RawNode
	term, vote, lead, state, timeout, elapsed, log uintptr // in raft.raft
	messages, afterAppend, reads                   uintptr // likewise
	committed, applying                            uintptr // in raft.raftLog
	fresh, offset, inProgress, snapshot            uintptr // in its field unstable, but from the log's beginning
	err                                            error
}

var fields = findRaftFields(reflect.TypeFor[raft.RawNode]())

func findRaftFields(rawNode reflect.Type) (f raftFields) {
	node := layout{rawNode, "RawNode", &f.err}
	inner, offset := node.pointer("raft")
	f.raft = offset
	f.told = node.field("prevHardSt", reflect.TypeFor[*pb.HardState]())
	f.term = inner.field("Term", reflect.TypeFor[uint64]())
	f.vote = inner.field("Vote", reflect.TypeFor[uint64]())
	f.lead = inner.field("lead", reflect.TypeFor[uint64]())
	f.state = inner.field("state", reflect.TypeFor[raft.StateType]())
	f.timeout = inner.field("randomizedElectionTimeout", reflect.TypeFor[int]())
	f.elapsed = inner.field("electionElapsed", reflect.TypeFor[int]())
	f.messages = inner.field("msgs", reflect.TypeFor[[]*pb.Message]())
	f.afterAppend = inner.field("msgsAfterAppend", reflect.TypeFor[[]*pb.Message]())
	f.reads = inner.field("readStates", reflect.TypeFor[[]raft.ReadState]())
	log, offset := inner.pointer("raftLog")
	f.log = offset
	f.committed = log.field("committed", reflect.TypeFor[uint64]())
	f.applying = log.field("applying", reflect.TypeFor[uint64]())
	unstable, offset := log.inner("unstable")
	f.fresh = offset + unstable.field("entries", reflect.TypeFor[[]*pb.Entry]())
	f.offset = offset + unstable.field("offset", reflect.TypeFor[uint64]())
	f.inProgress = offset + unstable.field("offsetInProgress", reflect.TypeFor[uint64]())
	f.snapshot = offset + unstable.field("snapshot", reflect.TypeFor[*pb.Snapshot]())
	return f
}

// layout finds the fields of a struct of raft's. The first that is not as expected
// becomes the error.
type layout struct {
	of   reflect.Type
	name string
	err  *error
}

// field returns the offset of a field of the given type.
func (l layout) field(name string, want reflect.Type) uintptr {
	f := l.find(name)
	if f.Type != want {
		l.fail(name, "of type "+want.String())
	}
	return f.Offset
}

// pointer returns the struct that a field points to, and the offset of the field.
func (l layout) pointer(name string) (layout, uintptr) {
	f := l.find(name)
	if f.Type == nil || f.Type.Kind() != reflect.Pointer || f.Type.Elem().Kind() != reflect.Struct {
		l.fail(name, "that points to a struct")
		return layout{name: name, err: l.err}, 0
	}
	return layout{f.Type.Elem(), name, l.err}, f.Offset
}

// inner returns the struct that a field is, and the offset of the field.
func (l layout) inner(name string) (layout, uintptr) {
	f := l.find(name)
	if f.Type == nil || f.Type.Kind() != reflect.Struct {
		l.fail(name, "that is a struct")
		return layout{name: name, err: l.err}, 0
	}
	return layout{f.Type, name, l.err}, f.Offset
}

func (l layout) find(name string) (f reflect.StructField) {
	if l.of != nil {
		f, _ = l.of.FieldByName(name)
	}
	return f
}

func (l layout) fail(name, what string) {
	if *l.err == nil {
		*l.err = fmt.Errorf("raft's %s has no field %q %s: this build knows raft v3.7.0", l.name, name, what)
	}
}
