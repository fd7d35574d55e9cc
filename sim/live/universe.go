package live

import (
	"time"

	"etcdsim/sim"
	"etcdsim/sim/cluster"
	"etcdsim/sim/outside"
	"etcdsim/sim/trace"
)

// World is what a universe is made of, and what changes it: usually a scenario
// that goes on as long as somebody has statements for it.
type World interface {
	// Cluster returns the members and what surrounds them.
	Cluster() *cluster.Cluster
	// Log returns the trace.
	Log() *trace.Log
	// Opening is where requests enter.
	Opening() *outside.Opening
	// Step lets the next event happen, and reports whether there was one. Idle lets
	// time pass in which nothing happens.
	Step() bool
	Idle(until sim.Time)
	// Place returns how far it has come.
	Place() outside.Place
	// Do lets a statement take effect, which may take virtual time. It returns the
	// statement as a recording holds it, empty if it was not understood and changed
	// nothing, and what there is to tell of it. An error means that it was not
	// understood, could not be done or does not hold.
	Do(statement string) (done, note string, err error)
	// Close ends what runs inside.
	Close()
}

// universe is a world as its driver sees it. Everything in it is deterministic: the
// same inputs at the same places give the same trace.
type universe struct {
	World
	c *cluster.Cluster
}

// bootLimit is how long members may take to be ready, in virtual time.
const bootLimit = 10 * time.Second

// boot lets the universe happen until its members serve clients, or nobody can
// expect it any more: a scenario may begin with a cluster that does not work.
func (u *universe) boot() {
	for limit := u.c.Now().Add(bootLimit); !u.ready() && u.c.NextAt() <= limit && len(u.c.Breakdowns()) == 0; {
		u.Step()
	}
}

// ready reports whether the members that run serve clients.
func (u *universe) ready() bool {
	if u.c.Leader() == 0 {
		return false
	}
	for id := uint64(1); id <= uint64(u.c.Size()); id++ {
		if m := u.c.Member(id); m.State == cluster.Up && !m.Serving {
			return false
		}
	}
	return true
}

// pass lets time pass until the given instant, or the next event.
func (u *universe) pass(until sim.Time) {
	if until = min(until, u.c.NextAt()); until > u.c.Now() {
		u.Idle(until)
	}
}

// condition returns what the outside can see of a member.
func (u *universe) condition(id uint64) Condition {
	m, net, addr, self := u.c.Member(id), u.c.Network(), trace.Addr(id), u.Opening().Addr()
	return Condition{
		Up:          m.State != cluster.Down,
		Silent:      m.State == cluster.Paused || net.IsCut(self, addr) || net.IsCut(addr, self),
		Incarnation: m.Incarnation,
	}
}
