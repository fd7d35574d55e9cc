package cluster

import (
	"errors"
	"fmt"
	"runtime/debug"

	"etcdsim/node"
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// Breakdown is the end of a member through a defect: a panic in raft, log or
// store, or a disk it could not start from.
type Breakdown struct {
	At     sim.Time
	Member uint64
	Text   string
	// Stack is where it happened, for a panic. It differs between builds: it
	// belongs into no digest and no golden file.
	Stack string
}

// Breakdowns returns the members' ends through defects, in order.
func (c *Cluster) Breakdowns() []Breakdown { return c.faults }

// guarded runs one step; a panic in it is the end of the member, and a finding.
func (c *Cluster) guarded(m *member, in *node.Input) (out *node.Output) {
	defer func() {
		if out == nil { // it never is unless Step panicked
			c.caught(m, recover())
		}
	}()
	return m.node.Step(m.clock.Steady(c.Now()), in)
}

// catch turns a panic in a member's code into a breakdown. It must be deferred.
func (c *Cluster) catch(m *member) { c.caught(m, recover()) }

func (c *Cluster) caught(m *member, r any) {
	if r != nil {
		c.breakdown(m, fmt.Sprint(r), string(debug.Stack()))
	}
}

func (c *Cluster) breakdown(m *member, text, stack string) {
	if m.disk.Forgot() {
		// The others hold it to what it no longer knows. etcd's ends so, too.
		if m.node != nil {
			c.KillProcess(m.id)
		}
		c.refused(m, errors.New(text))
		return
	}
	c.log.Emit(trace.Event{Kind: trace.MemberPanic, Member: m.addr, A: sim.Hash([]byte(text))})
	c.faults = append(c.faults, Breakdown{At: c.Now(), Member: m.id, Text: text, Stack: stack})
	if m.node != nil {
		m.node.Halt()
	}
	m.node, m.state, m.stopping = nil, Down, false
	m.pace.idle()
	c.unread(m)
	m.disk.Abandon()
}
