package cluster

import (
	"time"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// Each member's machine has a clock of its own. The member is told only what that
// shows, and what it waits for by it takes as long as the clock makes it take. The
// disk and the network have true time.

// Drift changes the pace of a member's clock. A timer that runs already rings when
// it would have rung; the next one goes by the new pace.
func (c *Cluster) Drift(id uint64, d sim.Drift) {
	m := c.members[id-1]
	if m.clock.Drift() == d {
		return
	}
	m.clock.SetDrift(c.Now(), d)
	c.log.Emit(trace.Event{Kind: trace.MemberFault, Aux: trace.FaultClockPace, Member: m.addr, A: uint64(d)})
}

// TurnClock sets how far the wall clock of a member's machine is ahead of its steady
// one: it jumps. Of the members' doings only those follow that go by the wall clock.
func (c *Cluster) TurnClock(id uint64, ahead time.Duration) {
	m := c.members[id-1]
	jump := ahead - m.clock.Offset()
	if jump == 0 {
		return
	}
	m.clock.SetOffset(ahead)
	if m.node != nil {
		m.node.TurnWallClock(ahead)
	}
	c.log.Emit(trace.Event{
		Kind: trace.MemberFault, Aux: trace.FaultClockTurned, Member: m.addr, A: uint64(ahead), B: uint64(jump),
	})
}

// Clock returns the clock of a member's machine.
func (c *Cluster) Clock(id uint64) sim.Clock { return c.members[id-1].clock }

// wait returns how long a wait of a member's process truly takes from now on.
func (c *Cluster) wait(m *member, d time.Duration) time.Duration {
	if m.clock.Drift() != 0 {
		c.log.Hit(trace.ProbeClockDrifts)
	}
	return m.clock.Wait(c.Now(), d)
}

// shown returns what the steady clock of a member showed at a true time.
func (m *member) shown(at sim.Time) sim.Time {
	if at == sim.Forever {
		return at
	}
	return max(m.clock.Steady(at), 0)
}
