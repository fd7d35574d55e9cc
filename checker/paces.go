package checker

import (
	"time"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// paces are the extremes of how the clocks of members ran. Members count the time
// of leases by their own clocks; a judge, who has true time, allows for the fastest
// and the slowest of them. So clients must do who rely on a lease. The zero value is
// that all clocks were true.
type paces struct {
	slowest, fastest sim.Drift
	// ahead is the furthest that a wall clock was ahead of the steady one.
	ahead time.Duration
}

// observe takes note of what becomes of a member's clock.
func (p *paces) observe(e *trace.Event) {
	switch e.Aux {
	case trace.FaultClockPace:
		p.slowest, p.fastest = min(p.slowest, sim.Drift(e.A)), max(p.fastest, sim.Drift(e.A))
	case trace.FaultClockTurned:
		p.ahead = max(p.ahead, time.Duration(e.A))
	}
}

// latestShown is the latest that a wall clock may have shown at a true time.
func (p paces) latestShown(at sim.Time) sim.Time {
	return sim.Time(0).Add(p.fastest.Shows(time.Duration(at))).Add(p.ahead)
}

// shortest is how long so many seconds take at least by the clock of any member.
func (p paces) shortest(seconds int64) time.Duration { return p.fastest.Takes(wholeSeconds(seconds)) }

// longest is how long so many seconds take at most.
func (p paces) longest(seconds int64) time.Duration { return p.slowest.Takes(wholeSeconds(seconds)) }

func wholeSeconds(n int64) time.Duration { return time.Duration(n) * time.Second }
