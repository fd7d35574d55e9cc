package cluster

import (
	"strconv"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// A member does what it does at once, as on a processor that is fast beside disks and
// networks. On a slow one each step takes its time, and what comes meanwhile waits its
// turn. Ticks are the exception: etcd's ticker keeps one, and drops the others.

// pace is how fast the processor of a member's machine is. The zero value is fast.
type pace struct {
	// step is how long a step takes; the zero range if it takes no time. The draws come
	// from the member's own stream of that name.
	step sim.Range
	rand sim.Rand
	// until is when the present step is over.
	until sim.Time
	// waiting: the event is under way that looks at the backlog then.
	waiting bool
	// ticked: a tick is in the backlog.
	ticked bool
}

func (p *pace) slow() bool { return p.step.Max > 0 }

// idle is the state of a processor on which no process runs.
func (p *pace) idle() { p.until, p.waiting, p.ticked = 0, false, false }

// Slow makes each step of a member take so long from now on; the zero range makes its
// processor fast again.
func (c *Cluster) Slow(id uint64, step sim.Range) {
	m := c.members[id-1]
	if m.pace.step == step {
		return
	}
	if m.pace.rand == (sim.Rand{}) {
		m.pace.rand = c.seed.Stream("cpu/" + strconv.FormatUint(id, 10))
	}
	m.pace.step = step
	c.log.Emit(trace.Event{
		Kind: trace.MemberFault, Aux: trace.FaultSlowSteps, Member: m.addr, A: uint64(step.Max), B: uint64(step.Min),
	})
}

// occupied reports that a member has no time now. What comes then is not lost, and is
// not served before what came earlier.
func (c *Cluster) occupied(m *member) bool {
	return m.state == Up && (m.pace.until > c.Now() || m.pace.waiting && len(m.backlog) > 0)
}

// queueUp keeps an event until the member has time for it.
func (m *member) queueUp(e event) {
	if e.kind == evTick {
		if m.pace.ticked {
			return
		}
		m.pace.ticked = true
	}
	m.backlog = append(m.backlog, e)
}

// spend lets a step of a member take its time.
func (c *Cluster) spend(m *member) {
	p := &m.pace
	p.until = max(p.until, c.Now()).Add(p.rand.Within(p.step))
	c.attendLater(m)
}

// attendLater makes a member look at what waits for it when its present step is over.
func (c *Cluster) attendLater(m *member) {
	if p := &m.pace; !p.waiting {
		p.waiting = true
		c.queue.Push(max(p.until, c.Now()), event{kind: evFree, member: m.addr, incarnation: m.incarnation})
	}
}

// attend lets a member take what has waited longest.
func (c *Cluster) attend(m *member) {
	p := &m.pace
	p.waiting = false
	if m.state == Paused || len(m.backlog) == 0 {
		return
	}
	if p.until > c.Now() {
		c.attendLater(m) // several steps came at once
		return
	}
	c.log.Hit(trace.ProbeBusy)
	e := m.backlog[0]
	m.backlog = m.backlog[1:]
	if e.kind == evTick {
		p.ticked = false
	}
	incarnation := m.incarnation
	c.act(m, e)
	if len(m.backlog) > 0 && m.incarnation == incarnation {
		c.attendLater(m)
	}
}
