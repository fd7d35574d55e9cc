package v2store

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrCorrupt is wrapped by the errors of [DecodeCommand] and [Restore].
var ErrCorrupt = errors.New("corrupt encoding")

// commandVersion begins every encoded command.
const commandVersion = 1

// Bits of an encoded command's flags.
const (
	flagDir = 1 << iota
	flagRecursive
	flagRefresh
	flagExistNo
	flagExistYes
	flagsEnd
)

// Append appends the command in the form in which the log carries it: equal
// commands have equal bytes.
func (c *Command) Append(b []byte) []byte {
	var flags byte
	for _, f := range []struct {
		set  bool
		flag byte
	}{
		{c.Dir, flagDir},
		{c.Recursive, flagRecursive},
		{c.Refresh, flagRefresh},
		{c.PrevExist == ExistNo, flagExistNo},
		{c.PrevExist == ExistYes, flagExistYes},
	} {
		if f.set {
			flags |= f.flag
		}
	}
	b = append(b, commandVersion, byte(c.Method), flags)
	b = binary.AppendUvarint(b, c.PrevIndex)
	b = binary.AppendVarint(b, int64(c.Expiration))
	b = binary.AppendVarint(b, int64(c.Time))
	b = appendText(b, c.Path)
	b = appendText(b, c.Value)
	return appendText(b, c.PrevValue)
}

// DecodeCommand reads what [Command.Append] wrote, all of it and nothing more.
// The command it returns is one that [Store.Apply] accepts. An error wraps
// [ErrCorrupt].
func DecodeCommand(b []byte) (Command, error) {
	r := reader{what: "command", b: b}
	var c Command
	if v := r.byte(); v != commandVersion {
		r.fail("version 1, not %d", v)
	}
	c.Method = Method(r.byte())
	if !c.Method.valid() {
		r.fail("a method, not %d", c.Method)
	}
	flags := r.byte()
	if flags >= flagsEnd || flags&flagExistNo != 0 && flags&flagExistYes != 0 {
		r.fail("flags, not %#x", flags)
	}
	c.Dir = flags&flagDir != 0
	c.Recursive = flags&flagRecursive != 0
	c.Refresh = flags&flagRefresh != 0
	switch {
	case flags&flagExistNo != 0:
		c.PrevExist = ExistNo
	case flags&flagExistYes != 0:
		c.PrevExist = ExistYes
	}
	c.PrevIndex = r.uint()
	c.Expiration = Time(r.int())
	c.Time = Time(r.int())
	c.Path = r.text()
	c.Value = r.text()
	c.PrevValue = r.text()
	r.end()
	if r.err != nil {
		return Command{}, r.err
	}
	return c, nil
}

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// reader takes encoded values off a slice. The first error stays: later reads
// return zero values, so that a decoder may check once at its end.
type reader struct {
	what string
	b    []byte
	at   int
	err  error
}

func (r *reader) fail(want string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("v2store: %w: %s, byte %d: want %s", ErrCorrupt, r.what, r.at, fmt.Sprintf(want, args...))
	}
}

func (r *reader) rest() []byte {
	if r.err != nil {
		return nil
	}
	return r.b[r.at:]
}

func (r *reader) byte() byte {
	rest := r.rest()
	if len(rest) == 0 {
		r.fail("a byte, not the end")
		return 0
	}
	r.at++
	return rest[0]
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.rest())
	if n <= 0 {
		r.fail("an unsigned number")
		return 0
	}
	r.at += n
	return v
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.rest())
	if n <= 0 {
		r.fail("a number")
		return 0
	}
	r.at += n
	return v
}

// count reads how many items follow, each of which takes at least so many bytes.
func (r *reader) count(least int) int {
	v := r.uint()
	if limit := uint64(len(r.rest()) / least); v > limit {
		r.fail("a count of at most %d, not %d", limit, v)
		return 0
	}
	return int(v)
}

func (r *reader) text() string {
	n := r.count(1)
	s := string(r.rest()[:n])
	r.at += n
	return s
}

func (r *reader) end() {
	if n := len(r.rest()); n > 0 {
		r.fail("the end, not %d more bytes", n)
	}
}
