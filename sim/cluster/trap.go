package cluster

import (
	"etcdsim/node"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// Arm makes a member's process die when it comes to a point in its code: see Kill. If
// none runs, it is the next one that will. The zero trap takes an earlier one away.
func (c *Cluster) Arm(id uint64, t node.Trap, how Death) {
	m := c.members[id-1]
	if t == (node.Trap{}) {
		how = PowerCut // nobody dies of it, and one without a trap is as another
	}
	if m.trap == t && m.trapped == how {
		return
	}
	m.trap, m.trapped = t, how
	if m.node != nil {
		m.node.Arm(t)
	}
	c.log.Emit(trace.Event{
		Kind: trace.MemberFault, Aux: trace.FaultTrapSet, Member: m.addr, Index: uint64(how), A: uint64(t.At), B: t.Skip,
	})
}

// died ends a member whose process died within a step. Whom it had just answered sees
// its connection reset, as all others do who wait for it.
func (c *Cluster) died(m *member, out *node.Output) {
	how := m.trapped
	m.trap, m.trapped = node.Trap{}, PowerCut
	c.log.Hit(trace.ProbeCrashAtPoint)
	c.log.Emit(trace.Event{
		Kind: trace.MemberFault, Aux: trace.FaultTrapSprung, Member: m.addr, A: uint64(out.Died), B: uint64(m.incarnation),
	})
	c.record(out.Applied)
	unheard := out.Answers
	c.kill(m, how)
	for i := range unheard {
		unheard[i].Response = store.Response{Err: store.ErrConnectionReset}
		c.answer(m, unheard[i])
	}
}
