package cluster

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// Single packets. Whoever looks at the network may take one packet off its way, move its
// arrival, or let it arrive twice.

// Flight is a packet on its way. It stays so until the next event happens.
type Flight struct {
	// ID is the packet's number; a packet and its double share it.
	ID       uint64
	From, To trace.Addr
	// Kind is a raft message type, trace.ClientRequest or trace.ClientResponse.
	Kind uint16
	// Term and Index are those of a raft message; Op is the operation that a client's
	// packet belongs to.
	Term, Index, Op uint64
	// Arrives is when it will, or sim.Forever while its link holds it back.
	Arrives sim.Time
	// Twice is why the packet cannot arrive twice, ErrOnce or ErrHeld, or nil if it can.
	Twice error

	slot uint32
}

// Held reports whether the packet waits on a link that is held.
func (f *Flight) Held() bool { return f.Arrives == sim.Forever }

// InFlight returns the packets that are on their way, in the order in which they will
// arrive, those of one instant in the order in which they were sent; and behind them
// those that held links keep. What has come to the mailbox of a member is no longer on
// its way.
func (c *Cluster) InFlight() []Flight {
	var all []Flight
	c.queue.Each(func(at sim.Time, e *event) {
		if e.kind == evPacket {
			all = append(all, c.flight(uint32(e.ref), at))
		}
	})
	for _, slot := range c.held { // unordered: sorted below
		all = append(all, c.flight(slot, sim.Forever))
	}
	slices.SortFunc(all, func(a, b Flight) int {
		return cmp.Or(cmp.Compare(a.Arrives, b.Arrives), cmp.Compare(a.ID, b.ID))
	})
	return all
}

func (c *Cluster) flight(slot uint32, arrives sim.Time) Flight {
	p := &c.packets.slots[slot]
	f := Flight{ID: p.id, From: p.from, To: p.to, Kind: p.kind, Arrives: arrives, slot: slot}
	if p.message != nil {
		f.Term, f.Index = p.message.GetTerm(), p.message.GetIndex()
	} else {
		f.Op = p.op()
	}
	switch {
	case p.once():
		f.Twice = ErrOnce
	case f.Held():
		f.Twice = ErrHeld
	}
	return f
}

// ErrOnce is the answer to whoever wants a packet to arrive twice that cannot: the
// connection below delivers it once, and nothing above would send it again.
var ErrOnce = errors.New("its connection delivers it once")

// ErrHeld is the answer where a packet is held back and must be on its way.
var ErrHeld = errors.New("its link is held")

// Take takes a packet off its way: it is lost, and its sender notices what it would
// notice of any loss.
func (c *Cluster) Take(f Flight) {
	c.ground(f)
	c.net.Take(c.packets.slots[f.slot].asPacket())
	c.lost(c.packets.take(f.slot), false)
}

// Delay lets a packet arrive so much later than it would; one that is held goes its way
// now, and arrives after that time.
func (c *Cluster) Delay(f Flight, by time.Duration) {
	at := f.Arrives
	if f.Held() {
		at = c.Now()
	}
	c.reschedule(f, at.Add(by), by)
}

// Hasten lets a packet arrive now.
func (c *Cluster) Hasten(f Flight) {
	by := time.Duration(0)
	if !f.Held() {
		by = c.Now().Sub(f.Arrives)
	}
	c.reschedule(f, c.Now(), by)
}

func (c *Cluster) reschedule(f Flight, at sim.Time, by time.Duration) {
	c.ground(f)
	if by != 0 {
		c.net.Delay(c.packets.slots[f.slot].asPacket(), at, by)
	}
	c.queue.Push(at, event{kind: evPacket, ref: uint64(f.slot)})
}

// Double lets a packet arrive once more, unless Twice says why it cannot.
func (c *Cluster) Double(f Flight) error {
	if f.Twice != nil {
		return f.Twice
	}
	at := c.net.Double(c.packets.slots[f.slot].asPacket(), f.Arrives)
	c.queue.Push(at, event{kind: evPacket, ref: uint64(c.packets.again(f.slot))})
	return nil
}

// ground voids the arrival of a packet, whose slot it keeps; of a held one the wait.
func (c *Cluster) ground(f Flight) {
	if f.Held() {
		delete(c.held, f.ID)
		c.net.LetGo(c.packets.slots[f.slot].asPacket())
		return
	}
	c.queue.Each(func(_ sim.Time, e *event) {
		if e.kind == evPacket && e.ref == uint64(f.slot) {
			e.kind = evNothing
		}
	})
}
