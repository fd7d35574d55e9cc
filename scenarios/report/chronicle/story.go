package chronicle

import (
	"cmp"
	"slices"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// Part is one step in the story of an operation: a packet or a note.
type Part struct {
	At sim.Time
	// Packet is a position in Packets, or -1; Note one in Notes, or -1.
	Packet, Note int
}

// Stories tells what belongs to each operation: the packets between client and
// member, the proposal, the entry in each log, the packets that carried it and
// those that acknowledged it, and where it was applied. entries gives the place in
// the log of the operations that have one.
func (c *Chronicle) Stories(entries map[uint64]uint64) map[uint64][]Part {
	t := teller{c: c, stories: map[uint64][]Part{}, byIndex: map[uint64]uint64{}}
	for op, index := range entries { // unordered: each entry is one operation's
		t.byIndex[index] = op
	}
	for i := range c.Notes {
		t.note(i)
	}
	t.carriers()
	for op, parts := range t.stories { // unordered: each story is sorted by itself
		slices.SortStableFunc(parts, func(a, b Part) int { return cmp.Compare(a.At, b.At) })
		t.stories[op] = parts
	}
	return t.stories
}

type teller struct {
	c       *Chronicle
	stories map[uint64][]Part
	byIndex map[uint64]uint64 // the operation of an entry
	// written are the notes of entries written, in order.
	written []int
}

func (t *teller) add(op uint64, p Part) { t.stories[op] = append(t.stories[op], p) }

func (t *teller) note(i int) {
	e := &t.c.Notes[i]
	op := e.ID
	switch e.Kind {
	case trace.Invoke, trace.Return, trace.Abandon, trace.Propose:
	case trace.LogAppend, trace.Apply:
		if e.Kind == trace.LogAppend {
			t.written = append(t.written, i)
		}
		op = t.byIndex[e.Index]
	default:
		return
	}
	if op != 0 {
		t.add(op, Part{e.At, -1, i})
	}
}

// carriers finds the packets of each operation. An entry came with the latest of
// the appends that its writer had got by then and that start before it; a sync
// under way may have delayed the writing. An acknowledgement is the first that
// covers the entry.
func (t *teller) carriers() {
	appends := map[trace.Addr][]int{} // arrived, by receiver
	acked := map[trace.Addr]uint64{}  // through which index a member has acknowledged
	for i := range t.c.Packets {
		p := &t.c.Packets[i]
		switch p.Kind {
		case trace.ClientRequest, trace.ClientResponse:
			t.add(p.Index, Part{p.Sent, i, -1})
		case trace.MsgApp:
			if p.Fate == Arrived {
				appends[p.To] = append(appends[p.To], i)
			}
		case trace.MsgAppResp:
			from, known := acked[p.From]
			if !known {
				from = max(p.Index, 1) - 1
			}
			for index := from + 1; index <= p.Index; index++ {
				if op := t.byIndex[index]; op != 0 {
					t.add(op, Part{p.Sent, i, -1})
				}
			}
			acked[p.From] = max(from, p.Index)
		}
	}
	for _, list := range appends { // unordered: each list is sorted by itself
		slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(t.c.Packets[a].Ended, t.c.Packets[b].Ended) })
	}
	for _, n := range t.written {
		e := &t.c.Notes[n]
		op := t.byIndex[e.Index]
		if op == 0 {
			continue
		}
		if i := carrier(t.c.Packets, appends[e.Member], e); i >= 0 {
			t.add(op, Part{t.c.Packets[i].Sent, i, -1})
		}
	}
}

// recent is how many appends before a writing may have brought its entry.
const recent = 64

// carrier returns the append that brought an entry, or -1: the leader wrote it by
// itself.
func carrier(packets []Packet, arrived []int, e *trace.Event) int {
	found := -1
	end, _ := slices.BinarySearchFunc(arrived, e.At+1, func(i int, at sim.Time) int { return cmp.Compare(packets[i].Ended, at) })
	for _, i := range slices.Backward(arrived[max(0, end-recent):end]) {
		p := &packets[i]
		if p.Term >= e.Term && p.Index < e.Index && (found < 0 || p.Index > packets[found].Index) {
			found = i
		}
	}
	return found
}
