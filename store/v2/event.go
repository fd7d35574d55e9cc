package v2store

// Event is what one command did, or what one read found. Events are shared by
// answers, history and watchers, and are never changed once they were returned.
type Event struct {
	Action Action
	// Refresh marks a write that changed nothing but the TTL. It takes an index
	// and a place in the history, but no watcher is told.
	Refresh bool
	Node    *Node
	// PrevNode is the node as it was before; nil if there was none.
	PrevNode *Node
}

// Index returns the index at which the event happened. It has no meaning for a
// read.
func (e *Event) Index() uint64 { return e.Node.Modified }

// Creates reports whether the event brought a node into being.
func (e *Event) Creates() bool {
	return e.Action == ActionCreate || e.Action == ActionSet && e.PrevNode == nil
}

// Node is one node of the tree as an event shows it.
type Node struct {
	// Key is the full path; empty for the root.
	Key string
	// Value is meaningful if HasValue: a file's. What was deleted is shown
	// without it.
	Value    string
	HasValue bool
	Dir      bool
	// Expiration is 0 for a permanent node. TTL is the whole seconds that were
	// left of it when the event was made.
	Expiration Time
	TTL        int64
	// Nodes are the visible children of a directory that was read, by name.
	Nodes []*Node
	// Created and Modified are the indexes of the node's first and last write.
	Created, Modified uint64
}

// Action is the kind of an event.
type Action uint8

// The actions; the zero value is none.
const (
	ActionGet Action = 1 + iota
	ActionCreate
	ActionSet
	ActionUpdate
	ActionDelete
	ActionCompareAndSwap
	ActionCompareAndDelete
	ActionExpire
)

var actionNames = [...]string{
	ActionGet:              "get",
	ActionCreate:           "create",
	ActionSet:              "set",
	ActionUpdate:           "update",
	ActionDelete:           "delete",
	ActionCompareAndSwap:   "compareAndSwap",
	ActionCompareAndDelete: "compareAndDelete",
	ActionExpire:           "expire",
}

// String returns the name that the APIs use.
func (a Action) String() string { return actionNames[a] }

func (a Action) valid() bool { return a >= ActionGet && a <= ActionExpire }
