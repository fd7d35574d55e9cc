package network

import (
	"slices"
	"time"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// What somebody does to single packets that are on their way. None of it draws: the fate
// of all other packets stays as it was.

// Take takes a packet away: it is lost.
func (n *Network) Take(p Packet) { n.log.Emit(dropped(p, trace.DropTaken)) }

// Delay lets a packet leave the line, to arrive at another time, which is so much later
// or earlier: what was sent behind it does not wait for it.
func (n *Network) Delay(p Packet, arrives sim.Time, by time.Duration) {
	e := event(trace.Reorder, p)
	e.A, e.B = uint64(by), uint64(arrives)
	n.note(e, trace.ProbePacketReordered)
}

// Double makes a packet that arrives at the given time arrive once more, and returns
// when: as soon after it as the link can carry anything.
func (n *Network) Double(p Packet, arrives sim.Time) sim.Time {
	n.note(event(trace.Duplicate, p), trace.ProbePacketDuplicated)
	return arrives.Add(n.LinkConfig(p.From, p.To).Latency.Min)
}

// LetGo ends the wait of one packet on a held link, which stays held for all others. It
// is the caller's from then on, and on its way.
func (n *Network) LetGo(p Packet) {
	l := n.link(p.From, p.To)
	if i := slices.IndexFunc(l.held, func(q Packet) bool { return q.ID == p.ID }); i >= 0 {
		l.held = slices.Delete(l.held, i, i+1)
		n.log.Emit(event(trace.Release, p))
	}
}
