package chronicle

import (
	"cmp"
	"maps"
	"slices"

	"etcdsim/sim/trace"
)

// keptEntries is how much of a log, at its end, is remembered from before a
// window.
const keptEntries = 400

// world is what the events so far have made of members, links and packets.
type world struct {
	members []memberState // by number, from 1
	links   map[[2]trace.Addr]uint64
	// underWay are the packets that were sent and have not arrived; sent are those
	// of the window, and places tells where each is.
	underWay map[uint64]Packet
	places   map[uint64]int
	clients  int
	// ended are the places of packets that ended since somebody asked.
	ended []int
}

type memberState struct {
	fields [numFields]uint64
	// first is the index of the first of terms.
	first uint64
	terms []uint64
}

func newWorld() world {
	return world{
		members: make([]memberState, 1), links: map[[2]trace.Addr]uint64{}, underWay: map[uint64]Packet{}, places: map[uint64]int{},
	}
}

func (w *world) clone() world {
	c := world{
		members: slices.Clone(w.members), links: maps.Clone(w.links), underWay: maps.Clone(w.underWay), places: map[uint64]int{},
		clients: w.clients,
	}
	for i := range c.members {
		c.members[i].terms = slices.Clone(c.members[i].terms)
	}
	return c
}

func (w *world) size() (members, clients int) { return len(w.members) - 1, w.clients }

// describe tells how the window begins.
func (w *world) describe(c *Chronicle) {
	for i := range w.members {
		m := &w.members[i]
		for f, v := range m.fields {
			if v != 0 {
				c.Changes = append(c.Changes, Change{At: c.From, Member: trace.Addr(i), Field: Field(f), Value: v})
			}
		}
		for k, term := range m.terms {
			c.Entries = append(c.Entries, Entry{At: c.From, Member: trace.Addr(i), Index: m.first + uint64(k), Term: term})
		}
	}
	links := slices.SortedFunc(maps.Keys(w.links), func(a, b [2]trace.Addr) int { // unordered: sorted by both ends
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	})
	for _, l := range links {
		c.Changes = append(c.Changes, Change{At: c.From, Member: l[0], Peer: l[1], Field: Link, Value: w.links[l]})
	}
	for _, id := range slices.Sorted(maps.Keys(w.underWay)) {
		w.places[id] = len(c.Packets)
		c.Packets = append(c.Packets, w.underWay[id])
	}
}

// fold takes the next event in. c, if there is one, is told what it changed.
func (w *world) fold(e *trace.Event, c *Chronicle) {
	w.meet(e.Member)
	w.meet(e.Peer)
	switch e.Kind {
	case trace.Send:
		w.sent(Packet{
			ID: e.ID, Kind: e.Aux, From: e.Member, To: e.Peer, Sent: e.At,
			Term: e.Term, Index: e.Index, LogTerm: e.A, Commit: e.B,
		}, c)
	case trace.Deliver:
		w.end(e, Arrived, c)
	case trace.Drop:
		w.end(e, fates[e.Aux], c)
	default:
		if c != nil {
			c.Notes = append(c.Notes, *e)
		}
		w.changed(e, c)
	}
}

// meet makes room for an endpoint.
func (w *world) meet(a trace.Addr) {
	if a.IsClient() {
		w.clients = max(w.clients, int(a-trace.FirstClient)+1)
		return
	}
	for int(a) >= len(w.members) {
		w.members = append(w.members, memberState{})
	}
}

func (w *world) sent(p Packet, c *Chronicle) {
	w.underWay[p.ID] = p
	if c != nil {
		w.places[p.ID] = len(c.Packets)
		c.Packets = append(c.Packets, p)
	}
}

func (w *world) end(e *trace.Event, fate Fate, c *Chronicle) {
	if c == nil {
		delete(w.underWay, e.ID)
		return
	}
	place, known := w.places[e.ID]
	if !known {
		return // the copy of a packet from before the window
	}
	p := &c.Packets[place]
	if p.Fate == UnderWay {
		p.Ended, p.Fate = e.At, fate
		w.ended = append(w.ended, place)
		return
	}
	if fate == Arrived {
		fate = Again
	}
	again := *p
	again.Ended, again.Fate = e.At, fate
	c.Packets = append(c.Packets, again)
}

// packets returns the packets in the order in which they were sent.
func (w *world) packets(all []Packet) []Packet {
	slices.SortStableFunc(all, func(a, b Packet) int { return cmp.Or(cmp.Compare(a.Sent, b.Sent), cmp.Compare(a.ID, b.ID)) })
	return all
}

// set changes a field.
func (w *world) set(e *trace.Event, f Field, value uint64, c *Chronicle) {
	m := &w.members[e.Member]
	if m.fields[f] == value {
		return
	}
	m.fields[f] = value
	if c != nil {
		c.Changes = append(c.Changes, Change{At: e.At, Member: e.Member, Field: f, Value: value})
	}
}

// connect changes a link.
func (w *world) connect(e *trace.Event, value uint64, c *Chronicle) {
	link := [2]trace.Addr{e.Member, e.Peer}
	if w.links[link] == value {
		return
	}
	w.links[link] = value
	if value == Open {
		delete(w.links, link)
	}
	if c != nil {
		c.Changes = append(c.Changes, Change{At: e.At, Member: e.Member, Peer: e.Peer, Field: Link, Value: value})
	}
}

// write makes the log of the event's member end with an entry of term at index; with
// term 0 before it.
func (w *world) write(e *trace.Event, index, term uint64, c *Chronicle) {
	m := &w.members[e.Member]
	switch {
	case len(m.terms) == 0 || index < m.first || index > m.first+uint64(len(m.terms)):
		m.first, m.terms = index, m.terms[:0]
	default:
		m.terms = m.terms[:index-m.first]
	}
	last := index - 1
	if term != 0 {
		m.terms = append(m.terms, term)
		last = index
	}
	if excess := len(m.terms) - 2*keptEntries; excess > 0 {
		m.terms = append(m.terms[:0], m.terms[len(m.terms)-keptEntries:]...)
		m.first = index - keptEntries + 1
	}
	if c != nil {
		c.Entries = append(c.Entries, Entry{At: e.At, Member: e.Member, Index: index, Term: term})
	}
	w.set(e, Last, last, c)
}

// termAt returns the term of an entry of a member's log, or 0.
func (w *world) termAt(member trace.Addr, index uint64) uint64 {
	m := &w.members[member]
	if index < m.first || index >= m.first+uint64(len(m.terms)) {
		return 0
	}
	return m.terms[index-m.first]
}

// changed takes in what an event says about members and links.
func (w *world) changed(e *trace.Event, c *Chronicle) {
	switch e.Kind {
	case trace.MemberStart:
		w.set(e, Life, Up, c)
		w.ail(e, 0, DiskWiped, c)
		w.set(e, Role, uint64(trace.RoleFollower), c)
		w.set(e, Leader, 0, c)
		if w.members[e.Member].fields[Term] == 0 {
			w.set(e, Term, e.Term, c)
		}
		w.set(e, Applied, e.A, c)
		w.set(e, Durable, e.Index, c)
		// What is not in the log any more was lost with the process before.
		if w.members[e.Member].fields[Last] > e.Index {
			w.write(e, e.Index+1, 0, c)
		}
		if w.termAt(e.Member, e.Index) != e.Term && e.Index > 0 {
			w.write(e, e.Index, e.Term, c)
		}
		w.set(e, Last, e.Index, c)
	case trace.MemberCrash, trace.MemberStop, trace.MemberPanic:
		w.set(e, Life, Down, c)
	case trace.MemberPause:
		w.set(e, Life, Paused, c)
	case trace.MemberResume:
		w.set(e, Life, Up, c)
	case trace.MemberRemoved:
		w.set(e, Life, Gone, c)
	case trace.RoleChange, trace.LeaderKnown:
		w.set(e, Role, uint64(e.Aux), c)
		w.set(e, Term, e.Term, c)
		w.set(e, Leader, e.B, c)
	case trace.CommitMoved:
		w.set(e, Commit, e.Index, c)
	case trace.LogAppend:
		w.write(e, e.Index, e.Term, c)
	case trace.LogDurable:
		w.set(e, Durable, e.Index, c)
	case trace.StateDurable:
		w.set(e, Vote, e.A, c)
	case trace.SnapInstall:
		w.write(e, e.Index, e.Term, c)
		w.set(e, Commit, e.Index, c)
		w.set(e, Applied, e.Index, c)
		w.set(e, Durable, e.Index, c)
	case trace.Apply, trace.ConfApplied:
		w.set(e, Applied, e.Index, c)
	case trace.DiskFault:
		w.diskFault(e, c)
	case trace.MemberFault:
		w.memberFault(e, c)
	case trace.LinkCut:
		w.connect(e, Blocked, c)
	case trace.LinkHold:
		w.connect(e, Held, c)
	case trace.LinkHeal, trace.LinkFree:
		w.connect(e, Open, c)
	}
}
