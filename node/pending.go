package node

import (
	"cmp"
	"slices"
)

// Who waits for this member. Some calls end by what the members do: the answer to
// them is owed, and comes within the time that a request may take. The others end
// when somebody else does something, which may be never: a watcher waits for a
// change of its keys, the next in a queue for the holder of a lock.

// owed returns the calls whose answer is owed, in no order and some of them twice:
// those of clients, of other members and of this member itself, and those that their
// clients have abandoned while it works on them. Wherever in a member such calls
// wait, they are looked for here.
func (n *Node) owed() []Call {
	calls := slices.Concat(
		n.requests.early, n.reads.underWay, n.reads.next, n.tokens.logins,
		n.maintaining.outOfSpace, n.maintaining.rewrites, n.maintaining.readers,
	)
	for op, w := range n.requests.waiting { // unordered: so is the whole
		calls = append(calls, Call{Client: w.client, Streamed: n.older.calls[op].Streamed, Op: op})
	}
	for _, c := range n.forwarded.calls {
		calls = append(calls, c.Call)
	}
	for _, c := range n.leasing.renewals {
		calls = append(calls, c.Call)
	}
	for _, c := range n.tokens.early {
		calls = append(calls, c.Call)
	}
	for _, c := range n.reconfig.waiting {
		calls = append(calls, c.Call)
	}
	for _, a := range n.reconfig.answers {
		calls = append(calls, Call{Client: a.Client, Op: a.Op})
	}
	for _, m := range n.reconfig.moves {
		calls = append(calls, m.Call)
	}
	return calls
}

// Busy reports that the member owes somebody an answer, or has a save under way. Who
// waits for what others do does not make it busy.
func (n *Node) Busy() bool { return n.save.underWay || len(n.owed()) > 0 }

// Pending returns the operations that the member took in and has not answered, in
// order of their IDs: those that it owes an answer, and those that wait for what
// others do. When the process dies, its clients see their connections reset.
func (n *Node) Pending() []Call {
	calls := n.owed()
	for _, w := range n.older.waits {
		calls = append(calls, w.Call)
	}
	for _, s := range n.services.all {
		if !s.gone {
			calls = append(calls, s.call)
		}
	}
	for _, s := range n.watch.streams {
		calls = append(calls, Call{Client: s.client, Streamed: true, Op: s.op})
	}
	calls = slices.DeleteFunc(calls, func(c Call) bool { return c.Client == n.addr || c.Client == nobody })
	slices.SortFunc(calls, func(a, b Call) int { return cmp.Compare(a.Op, b.Op) })
	// A call may wait in two places, and a stream may have sent more than one request.
	return slices.CompactFunc(calls, func(a, b Call) bool { return a.Op == b.Op })
}
