package chronicle

import (
	"slices"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// DefaultLimit is the number of events that a window holds unless somebody asks
// for another: what a page shows smoothly, and a run of some seconds has.
const DefaultLimit = 20_000

// Film keeps a window of a run's events. It is attached before the run begins.
type Film struct {
	// Focus is the moment that the window is about: a quarter of it lies behind.
	// Zero means the end of the run.
	Focus sim.Time
	// Limit is the number of events kept; 0 means DefaultLimit.
	Limit int

	before world // the state in which the window begins
	ring   []trace.Event
	oldest int // the place of the oldest event in a full ring
	total  uint64
	behind int // events behind the focus
	ended  bool
}

// Attach makes the film see everything that happens from now on.
func (f *Film) Attach(log *trace.Log) {
	if f.Limit == 0 {
		f.Limit = DefaultLimit
	}
	if f.Focus == 0 {
		f.Focus = sim.Forever
	}
	f.before = newWorld()
	log.Subscribe(trace.AllKinds, f.see)
}

// Cut reports that the window does not hold the whole run.
func (f *Film) Cut() bool { return f.total > uint64(len(f.ring)) }

func (f *Film) see(e *trace.Event) {
	f.total++
	if f.ended {
		return
	}
	if e.At > f.Focus {
		if f.behind == f.Limit/4 {
			f.ended = true
			return
		}
		f.behind++
	}
	if len(f.ring) < f.Limit {
		f.ring = append(f.ring, *e)
		return
	}
	f.before.fold(&f.ring[f.oldest], nil)
	f.ring[f.oldest] = *e
	f.oldest = (f.oldest + 1) % f.Limit
}

// Attribute says whose the packets and notes of operations are: clients that stand for
// others share an address, and differ in what they ask. client returns the client of an
// operation, or 0 if it is not known.
func (c *Chronicle) Attribute(client func(op uint64) trace.Addr) {
	to := func(a *trace.Addr, op uint64) {
		if known := client(op); a.IsClient() && known != 0 {
			*a = known
			c.Clients = max(c.Clients, int(known-trace.FirstClient)+1)
		}
	}
	for i := range c.Packets {
		p := &c.Packets[i]
		if kind := p.Kind &^ trace.Rejected; kind == trace.ClientRequest || kind == trace.ClientResponse {
			to(&p.From, p.Index)
			to(&p.To, p.Index)
		}
	}
	for i := range c.Notes {
		if n := &c.Notes[i]; n.Kind == trace.Invoke || n.Kind == trace.Return || n.Kind == trace.Abandon {
			to(&n.Member, n.ID)
		}
	}
}

// Chronicle returns what the film shows.
func (f *Film) Chronicle() *Chronicle {
	c := &Chronicle{Total: f.total, Kept: uint64(len(f.ring))}
	if len(f.ring) == 0 {
		return c
	}
	events := slices.Concat(f.ring[f.oldest:], f.ring[:f.oldest])
	c.From, c.To = events[0].At, events[len(events)-1].At
	if !f.Cut() {
		c.From = 0
	}
	w := f.before.clone()
	w.describe(c)
	for i := range events {
		w.fold(&events[i], c)
	}
	c.Packets = w.packets(c.Packets)
	c.Members, c.Clients = w.size()
	return c
}
