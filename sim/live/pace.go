package live

import (
	"time"

	"etcdsim/sim"
)

// Lead is how far what an input sets off may run ahead of the wall clock, in virtual
// time. Within it nobody waits for simulated latencies.
const Lead = sim.Time(2 * time.Millisecond)

// Grace is how long time passes while the clock stands and a call waits for its
// answer. A call that takes longer waits until somebody turns the clock.
const Grace = time.Second

// maxLag is how far virtual time may fall behind before it no longer tries to
// catch up: a process that was stopped for an hour does not hurry through that
// hour.
const maxLag = time.Second

// pace relates virtual time to the wall clock.
type pace struct {
	// speed is how many seconds of virtual time pass in one of real time; 0 means
	// that the clock stands.
	speed float64
	// At real, virtual time was to be virtual.
	real    time.Time
	virtual sim.Time
}

// newPace returns a pace from now on.
func newPace(speed float64, now time.Time, at sim.Time) pace { return pace{speed, now, at} }

// at returns where virtual time is to be at a real time.
func (p *pace) at(now time.Time) sim.Time {
	return p.virtual.Add(time.Duration(float64(now.Sub(p.real)) * p.speed))
}

// until returns how long it is until virtual time is to be t; negative if the clock
// stands.
func (p *pace) until(t sim.Time, now time.Time) time.Duration {
	if p.speed == 0 || t == sim.Forever {
		return -1
	}
	return max(0, time.Duration(float64(t.Sub(p.at(now)))/p.speed))
}

// forgive makes up for lost time beyond maxLag: reached is where virtual time is.
func (p *pace) forgive(now time.Time, reached sim.Time) {
	lag := time.Duration(float64(maxLag) * p.speed)
	if want := p.at(now); want.Sub(reached) > lag {
		p.real, p.virtual = now, reached.Add(lag)
	}
}
