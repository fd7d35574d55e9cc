package cluster

import (
	"fmt"
	"slices"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// flap is a link that breaks and mends by itself, again and again.
type flap struct {
	index    int
	from, to trace.Addr
	// up and down are how long it lasts each time, drawn from a stream of the flap's own.
	up, down sim.Range
	rand     sim.Rand
	ended    bool
	// broken: it is cut by now.
	broken bool
}

// Flap lets one direction of a link break and mend again and again, from now on. It holds
// for a time drawn from up first. A link flaps once at most: an earlier flap ends.
func (c *Cluster) Flap(from, to trace.Addr, up, down sim.Range) {
	c.Heal(from, to)
	f := &flap{index: len(c.flaps), from: from, to: to, up: up, down: down}
	f.rand = c.seed.Stream(fmt.Sprintf("flap/%d->%d/%d", from, to, f.index))
	c.flaps = append(c.flaps, f)
	c.queue.Push(c.Now().Add(f.rand.Within(up)), event{kind: evFlap, ref: uint64(f.index)})
}

// flap breaks a link that holds, or mends it.
func (c *Cluster) flap(f *flap) {
	if f.ended {
		return
	}
	lasts := f.up
	if f.broken = !f.broken; f.broken {
		lasts = f.down
		c.net.Cut(f.from, f.to)
		c.log.Hit(trace.ProbeLinkFlapped)
	} else {
		c.net.Heal(f.from, f.to)
	}
	c.queue.Push(c.Now().Add(f.rand.Within(lasts)), event{kind: evFlap, ref: uint64(f.index)})
}

// Heal ends the cut of one direction of a link, and its flapping.
func (c *Cluster) Heal(from, to trace.Addr) {
	if i := slices.IndexFunc(c.flaps, func(f *flap) bool { return !f.ended && f.from == from && f.to == to }); i >= 0 {
		c.flaps[i].ended = true
	}
	c.net.Heal(from, to)
}

// HealAll ends every cut, every isolation and all flapping. Held links stay held.
func (c *Cluster) HealAll() {
	for _, f := range c.flaps {
		f.ended = true
	}
	c.net.HealAll()
}
