// Package network is the simulated network: it decides the fate of each packet.
//
// The model is a directed link for each ordered pair of endpoints, with a
// latency, a probability of loss, of duplication and of reordering, a bandwidth
// and a queue. A link is a line, as TCP is: packets arrive in the order they
// were sent, unless they are drawn to leave it. Links can be cut (packets are
// lost, those in flight too) and held (packets wait until the link is
// released), each direction on its own, and endpoints can be unplugged.
//
//	send ─> cut? ─> held? ─> queue full? ─> lost? ─> latency ─> twice? ─> arrive ─> cut meanwhile?
//	        drop    wait     drop           drop                                    drop
//
// The network carries nothing and keeps no queue of packets in flight. It is
// told of a packet and answers with a verdict; the cluster's loop keeps the
// payload and delivers it when its time has come. Whoever has a packet taken away,
// delayed or doubled that is on its way tells the network, which notes it.
//
// Each link draws from a stream of its own ("net/2->3", "net/c0->1"), and an
// option that is certain or impossible draws nothing. So a fault added to one
// link leaves the fate of the packets on all others as it was.
//
// The network never looks into a packet, never changes one, never invents one,
// and never reads a clock but the log's.
package network

import (
	"math/bits"
	"time"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// Packet is what the network knows of a packet.
type Packet struct {
	// ID is unique within a run.
	ID       uint64
	From, To trace.Addr
	// Kind is the packet's type as events show it; it decides nothing.
	Kind uint16
	// Once exempts the packet from duplication: the TCP connection under it
	// delivers at most once, and nothing above it sends it again.
	Once bool
	// Size in bytes, for bandwidth.
	Size int
}

// Fate is what becomes of a packet.
type Fate uint8

// Fates.
const (
	// Deliver: it arrives at Verdict.At, unless the link is cut before.
	Deliver Fate = iota
	// Drop: it is gone.
	Drop
	// Held: it waits until its link is released, and is then sent again.
	Held
)

// Verdict is the network's decision on one packet.
type Verdict struct {
	Fate Fate
	// At is when the packet arrives, if its fate is Deliver.
	At sim.Time
	// Again is when it arrives a second time, or 0. It is not before At.
	Again sim.Time
}

// Network decides the fate of each packet of one universe. It is not for
// concurrent use.
type Network struct {
	log  *trace.Log
	seed sim.Seed
	// config is that of every link without one of its own.
	config  Config
	members ports
	clients ports
	// isolated is the number of unplugged endpoints, and cuts that of cut links:
	// nearly always 0.
	isolated, cuts int
}

// New returns a network in which every link behaves as config says.
func New(config Config, seed uint64, log *trace.Log) *Network {
	return &Network{config: config, seed: sim.NewSeed(seed), log: log}
}

// Turn makes all that the network draws from now on other draws: see sim.Seed.
func (n *Network) Turn(by uint64) {
	n.seed.Turn(by)
	for _, all := range []ports{n.members, n.clients} {
		for i := range all {
			for _, row := range [][]link{all[i].toMembers, all[i].toClients} {
				for j := range row {
					if row[j].named {
						row[j].rand.Turn(by)
						row[j].turnHarm(by)
					}
				}
			}
		}
	}
}

// Send decides the fate of a packet that its sender hands over now.
func (n *Network) Send(p Packet) Verdict {
	l := n.link(p.From, p.To)
	if l.cut || n.isolated > 0 && (n.unplugged(p.From) || n.unplugged(p.To)) {
		return n.drop(p, trace.DropCut, trace.ProbePacketCut)
	}
	if l.hold {
		// Nothing is drawn: its fate is decided when it is sent again.
		l.held = append(l.held, p)
		n.log.Emit(event(trace.Hold, p))
		return Verdict{Fate: Held}
	}

	c := l.own
	if c == nil {
		c = &n.config
	} else {
		n.log.Hit(trace.ProbeLinkOfItsOwn)
	}
	if c.plain() {
		at := max(n.log.Now.Add(l.rand.Within(c.Latency)), l.last)
		l.last = at
		return Verdict{Fate: Deliver, At: at}
	}
	start := n.log.Now // when its last byte is on the wire
	if c.Bandwidth > 0 {
		if start = l.transmit(start, c, p.Size); start == sim.Forever {
			n.log.Emit(dropped(p, trace.DropFull))
			return Verdict{Fate: Drop}
		}
	}
	if l.rand.Hit(c.Drop) {
		return n.drop(p, trace.DropLoss, trace.ProbePacketLost)
	}
	at := start.Add(l.rand.Within(c.Latency))
	if c.Tail.Num > 0 || c.Corrupt.Num > 0 {
		late, corrupted := n.harm(l, c, p)
		if corrupted {
			return n.drop(p, trace.DropCorrupt, trace.ProbePacketCorrupted)
		}
		at = at.Add(late)
	}
	switch {
	case l.rand.Hit(c.Reorder):
		at = at.Add(l.rand.Between(0, c.Latency.Max))
		n.note(event(trace.Reorder, p), trace.ProbePacketReordered)
	case at < l.last:
		at = l.last
	default:
		l.last = at
	}
	v := Verdict{Fate: Deliver, At: at}
	if !p.Once && l.rand.Hit(c.Duplicate) {
		v.Again = at.Add(l.rand.Within(c.Latency))
		n.note(event(trace.Duplicate, p), trace.ProbePacketDuplicated)
	}
	return v
}

// turnHarm turns the stream of harm, if it is derived yet.
func (l *link) turnHarm(by uint64) {
	if l.harm != (sim.Rand{}) {
		l.harm.Turn(by)
	}
}

// tailMax bounds how late a packet is: Latency.Max doubled so often.
const tailMax = 10

// harm draws whether a packet is much too late, and by how much, and whether it is
// corrupted.
func (n *Network) harm(l *link, c *Config, p Packet) (late time.Duration, corrupted bool) {
	if l.harm == (sim.Rand{}) {
		l.harm = n.seed.Stream("fault-" + linkName(p.From, p.To))
	}
	if l.harm.Hit(c.Tail) {
		doublings := 1 + min(bits.TrailingZeros64(l.harm.Uint64()), tailMax-1)
		late = max(c.Latency.Max, time.Millisecond) << doublings
		n.log.Hit(trace.ProbePacketLate)
	}
	return late, l.harm.Hit(c.Corrupt)
}

// Arrive is asked when a packet's time has come: false means that its link was
// cut while it travelled, and that it is lost.
func (n *Network) Arrive(p Packet) bool {
	if !n.IsCut(p.From, p.To) {
		return true
	}
	n.drop(p, trace.DropCut, trace.ProbePacketCut)
	return false
}

// transmit puts size bytes on the wire and returns when the last of them is, or
// Forever if the queue has no room for them.
func (l *link) transmit(now sim.Time, c *Config, size int) sim.Time {
	free := max(now, l.free)
	if c.Queue > 0 && free > now {
		// Bytes that still wait: those that the wire takes until it is free. The
		// product may exceed 64 bits, the quotient only if the queue is full anyway.
		hi, lo := bits.Mul64(uint64(free-now), uint64(c.Bandwidth))
		if hi >= 1e9 {
			return sim.Forever
		}
		if waiting, _ := bits.Div64(hi, lo, 1e9); waiting+uint64(size) > uint64(c.Queue) {
			return sim.Forever
		}
	}
	l.free = free + sim.Time(uint64(size)*1e9/uint64(c.Bandwidth))
	return l.free
}

func (n *Network) drop(p Packet, reason uint16, probe trace.ProbeID) Verdict {
	n.note(dropped(p, reason), probe)
	return Verdict{Fate: Drop}
}

func (n *Network) note(e trace.Event, probe trace.ProbeID) {
	n.log.Emit(e)
	n.log.Hit(probe)
}

func event(kind trace.Kind, p Packet) trace.Event {
	return trace.Event{Kind: kind, Aux: p.Kind, Member: p.From, Peer: p.To, ID: p.ID}
}

func dropped(p Packet, reason uint16) trace.Event {
	e := event(trace.Drop, p)
	e.Aux, e.A = reason, uint64(p.Kind)
	return e
}
