package cluster

import (
	"slices"

	"etcdsim/checker/history"
	"etcdsim/node"
	"etcdsim/sim/trace"
)

// View is what an observer may know of a member.
type View struct {
	node.View
	ID          uint64
	State       State
	Incarnation uint32
	// Member: it is one of the cluster's members by the committed log; Learner: one
	// without a vote; Removed: it was one.
	Member, Learner, Removed bool
	// Stopping: it was asked to stop and has not stopped yet.
	Stopping bool
}

// Size returns the number of members there ever were: those that were announced
// and have not started count, and those that were removed.
func (c *Cluster) Size() int { return len(c.members) }

// Member returns the present state of a member. Of one that is down only ID,
// State and Incarnation are known.
func (c *Cluster) Member(id uint64) View {
	m := c.members[id-1]
	v := View{ID: m.id, State: m.state, Incarnation: m.incarnation, Removed: m.removed != 0, Stopping: m.stopping}
	if entry := c.entry(id); entry != nil {
		v.Member, v.Learner = true, entry.Learner
	}
	if m.node != nil {
		v.View = m.node.View()
	}
	return v
}

// Node returns a member to be looked at closely, or nil while it is down.
func (c *Cluster) Node(id uint64) *node.Node { return c.members[id-1].node }

// Leader returns the running member that leads in the highest term, or 0. One that
// was removed does not count, though it may lead for a moment longer.
// During a partition an older leader may still believe in itself.
func (c *Cluster) Leader() (id uint64) {
	var term uint64
	for _, m := range c.members {
		if m.state != Up || m.removed != 0 {
			continue
		}
		if t, role := m.node.Role(); role == trace.RoleLeader && t > term {
			id, term = m.id, t
		}
	}
	return id
}

// Converged reports that the running members are at rest and agree: they follow
// one leader among them, have applied the same whole log, and owe nobody an
// answer.
func (c *Cluster) Converged() bool {
	leader := c.Leader()
	if leader == 0 {
		return false
	}
	want := c.members[leader-1].node.View()
	for _, m := range c.members {
		if m.state == Down || m.removed != 0 {
			continue
		}
		v := m.node.View()
		if m.state == Paused || v.Leader != leader || v.Term != want.Term || !v.Serving || v.Applied != v.LastIndex ||
			v.LastIndex != want.LastIndex || m.node.Busy() {
			return false
		}
	}
	return true
}

// Members returns the final state of the members, for the judges.
func (c *Cluster) Members() []history.Member {
	states := make([]history.Member, len(c.members))
	for i, m := range c.members {
		states[i] = history.Member{ID: m.id, Running: m.state == Up && m.removed == 0, Founder: m.id <= uint64(c.cfg.Nodes)}
		if m.node != nil {
			v := m.node.View()
			states[i].Term, states[i].Commit, states[i].Applied = v.Term, v.Commit, v.Applied
			states[i].Revision, states[i].Hash = v.Revision, v.Hash
			states[i].OlderIndex, states[i].OlderHash = m.node.OlderState()
		}
	}
	return slices.Clip(states)
}
