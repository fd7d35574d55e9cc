package node

import (
	"slices"

	"etcdsim/sim/trace"
)

// A client that hangs up, or whose deadline passes, ends what waits for it: in etcd
// each wait of a request ends with the context of its gRPC call. What was handed to
// raft by then goes on and may be applied; what waited for a leader is never
// proposed. A round of reads goes on for the others, and the next ones still wait
// for its end.

// nobody is the client of a call for which nobody waits any more.
const nobody trace.Addr = 0

// abandon ends the wait for the answer to a call. It may have been answered by now,
// or never have come. What takes a bounded time by itself, as a login and a
// defragmentation do, goes on, and its answer finds nobody.
func (n *Node) abandon(op uint64) {
	call := func(c Call) bool { return c.Op == op }
	passedOn := func(c forwardedCall) bool { return c.Op == op }
	delete(n.requests.waiting, op) // what is held for a leader is looked up there
	n.requests.early = slices.DeleteFunc(n.requests.early, call)
	n.tokens.early = slices.DeleteFunc(n.tokens.early, func(c earlyCall) bool { return c.Op == op })
	n.reads.next = slices.DeleteFunc(n.reads.next, call)
	if i := slices.IndexFunc(n.reads.underWay, call); i >= 0 {
		n.reads.underWay[i] = Call{Client: nobody}
	}
	n.forwarded.calls = slices.DeleteFunc(n.forwarded.calls, passedOn)
	n.leasing.renewals = slices.DeleteFunc(n.leasing.renewals, passedOn)
	n.reconfig.waiting = slices.DeleteFunc(n.reconfig.waiting, func(c change) bool { return c.Op == op })
	n.reconfig.moves = slices.DeleteFunc(n.reconfig.moves, func(m move) bool { return m.Op == op })
}
