package live

import (
	"fmt"
	"time"

	"etcdsim/node"
	"etcdsim/sim"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// World is what a universe is made of, and what changes it: usually a scenario
// that goes on as long as somebody has statements for it.
type World interface {
	// Cluster returns the members and what surrounds them.
	Cluster() *cluster.Cluster
	// Log returns the trace.
	Log() *trace.Log
	// Outside is the address at which the outside world hangs on the network.
	Outside() trace.Addr
	// Do lets a statement take effect, which may take virtual time. It returns what
	// there is to tell of it. An error means that it was not understood, could not
	// be done or does not hold.
	Do(statement string) (note string, err error)
	// Close ends what runs inside.
	Close()
}

// Universe is a world with an opening to the outside. Everything in it is
// deterministic: the same inputs at the same places give the same trace. It is not
// for concurrent use.
type Universe struct {
	world World
	c     *cluster.Cluster
	log   *trace.Log
	self  trace.Addr
	steps uint64
	// answered is called with each answer to the outside.
	answered func(*node.Answer)
	// witness, if not nil, notes operations.
	witness *Witness
}

// open returns the universe of a world in which nothing has happened yet. Answers
// go to the given function.
func open(w World, answered func(*node.Answer)) *Universe {
	u := &Universe{world: w, c: w.Cluster(), log: w.Log(), self: w.Outside(), answered: answered}
	u.c.Attach(u.self, (*outside)(u))
	return u
}

// bootLimit is how long members may take to be ready, in virtual time.
const bootLimit = 10 * time.Second

// boot lets the universe happen until its members serve clients, or nobody can
// expect it any more: a scenario may begin with a cluster that does not work.
func (u *Universe) boot() {
	for limit := u.c.Now().Add(bootLimit); !u.ready() && u.c.NextAt() <= limit; {
		u.step()
	}
}

// ready reports whether the members that run serve clients.
func (u *Universe) ready() bool {
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

// step lets the next event happen.
func (u *Universe) step() bool {
	u.steps++
	return u.c.Step()
}

// idle lets time pass until the given instant, or the next event.
func (u *Universe) idle(until sim.Time) {
	if until = min(until, u.c.NextAt()); until > u.c.Now() {
		u.c.Idle(until)
	}
}

// enter lets an input take effect now. It fills in where that was, and the number
// of an operation that begins.
func (u *Universe) enter(in *Input) (note string, err error) {
	in.Step, in.At = u.steps, u.c.Now()
	switch in.Kind {
	case Call:
		in.Op = u.c.NextOp()
		u.invoke(in)
		u.c.CallAs(u.self, in.Member, in.Op, in.As, in.Request)
	case Open:
		in.Op = u.c.NextOp()
		u.invoke(in)
		u.c.StreamAs(u.self, in.Member, in.Op, in.As, in.Request)
	case Send:
		u.c.Stream(u.self, in.Member, in.Op, in.Request)
	case HangUp:
		u.c.HangUp(in.Op)
		u.left(in.Op)
	case GiveUp:
		u.c.GiveUp(u.self, in.Member, in.Op)
		u.left(in.Op)
	case Do:
		return u.world.Do(in.Text)
	case Advertise:
		u.c.Advertise(in.Member, in.Text)
	}
	return "", nil
}

// left notes that the outside waits for an operation no longer.
func (u *Universe) left(op uint64) {
	if u.witness != nil {
		u.witness.hungUp(op, u.c.Now())
	}
}

// invoke notes that an operation begins.
func (u *Universe) invoke(in *Input) {
	if u.witness != nil {
		u.witness.invoked(in, u.c.Now())
	}
	u.log.Emit(trace.Event{
		Kind: trace.Invoke, Member: u.self, Peer: trace.Addr(in.Member), A: store.HashRequest(in.Request), ID: in.Op,
	})
}

// outside is the universe as an endpoint on the network.
type outside Universe

// Answer passes an answer on.
func (o *outside) Answer(a node.Answer) {
	u := (*Universe)(o)
	outcome := trace.OutcomeOK
	switch {
	case a.Err == nil:
	case a.Err.MaybeApplied():
		outcome = trace.OutcomeUnknown
	default:
		outcome = trace.OutcomeFailed
	}
	u.log.Emit(trace.Event{
		Kind: trace.Return, Aux: outcome, Member: u.self, Peer: trace.Addr(a.Member),
		A: store.HashResponse(a.Response), B: uint64(a.Revision), ID: a.Op,
	})
	if u.witness != nil {
		u.witness.answered(&a, u.c.Now())
	}
	u.answered(&a)
}

// Wake is never called: the outside has clocks of its own.
func (*outside) Wake(token uint64) {
	panic(fmt.Sprintf("live: a timer %d that nobody set", token))
}
