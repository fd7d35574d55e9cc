package v2store

import (
	"fmt"
	"strings"
)

// Command is what a log entry carries: one write, one read that asked for a
// quorum, or the expiry of nodes. Everything that could differ between members,
// time above all, was decided by the member that proposed it.
type Command struct {
	Method Method
	Path   string

	// Value is what to write.
	Value string
	// Dir makes a directory rather than a file, or allows to delete one that is
	// empty.
	Dir bool
	// Recursive allows to delete a directory with all that is in it, or reads one.
	Recursive bool
	// Refresh keeps the value, sets the TTL and tells no watcher.
	Refresh bool
	// Expiration is when the node shall expire; 0 means never.
	Expiration Time

	// Conditions of a write. PrevValue holds for a file with this value, PrevIndex
	// for one last written at this index; empty and 0 ask nothing.
	PrevExist Existence
	PrevValue string
	PrevIndex uint64

	// Time is the proposer's clock. Remaining TTLs are counted from it, and a
	// MethodSync expires what is due by then.
	Time Time
}

// Sync returns the command that expires all nodes which are due at cutoff. The
// leader proposes it when [Store.NextExpiration] has passed; etcd looks every
// 500 ms.
func Sync(cutoff Time) Command { return Command{Method: MethodSync, Time: cutoff} }

// Method is what a command does; the names are those in etcd's log.
type Method uint8

// The methods; the zero value is none.
const (
	// MethodPost creates a file under the directory Path, with the command's
	// index as its name: names are in the order of creation.
	MethodPost Method = 1 + iota
	// MethodPut sets, creates, updates or compares and swaps, depending on the
	// conditions.
	MethodPut
	// MethodDelete deletes, or compares and deletes.
	MethodDelete
	// MethodQGet reads through the log.
	MethodQGet
	// MethodSync expires.
	MethodSync
)

var methodNames = [...]string{
	MethodPost:   "POST",
	MethodPut:    "PUT",
	MethodDelete: "DELETE",
	MethodQGet:   "QGET",
	MethodSync:   "SYNC",
}

// String returns the name.
func (m Method) String() string {
	if !m.valid() {
		return fmt.Sprintf("method %d", uint8(m))
	}
	return methodNames[m]
}

func (m Method) valid() bool { return m >= MethodPost && m <= MethodSync }

// Existence is what a write asks of the node before it.
type Existence uint8

// What can be asked.
const (
	// ExistAny asks nothing.
	ExistAny Existence = iota
	// ExistNo is prevExist=false: create the node.
	ExistNo
	// ExistYes is prevExist=true: update the node.
	ExistYes
)

// String describes the command in one line, for traces.
func (c Command) String() string {
	var b strings.Builder
	b.WriteString(c.Method.String())
	if c.Method == MethodSync {
		fmt.Fprintf(&b, " time=%d", c.Time)
		return b.String()
	}
	b.WriteByte(' ')
	b.WriteString(c.Path)
	if c.Value != "" {
		fmt.Fprintf(&b, " value=%q", c.Value)
	}
	for _, flag := range []struct {
		set  bool
		name string
	}{
		{c.Dir, " dir"},
		{c.Recursive, " recursive"},
		{c.Refresh, " refresh"},
		{c.PrevExist == ExistNo, " prevExist=false"},
		{c.PrevExist == ExistYes, " prevExist=true"},
	} {
		if flag.set {
			b.WriteString(flag.name)
		}
	}
	if c.PrevValue != "" {
		fmt.Fprintf(&b, " prevValue=%q", c.PrevValue)
	}
	if c.PrevIndex != 0 {
		fmt.Fprintf(&b, " prevIndex=%d", c.PrevIndex)
	}
	if c.Expiration != 0 {
		fmt.Fprintf(&b, " expiration=%d", c.Expiration)
	}
	return b.String()
}
