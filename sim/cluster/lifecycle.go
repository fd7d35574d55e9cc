package cluster

import (
	"errors"
	"fmt"
	"time"

	"etcdsim/network"
	"etcdsim/node"
	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store"
	"etcdsim/store/disk"
)

// State says whether a member's process runs.
type State uint8

// States of a member.
const (
	Up State = iota
	Down
	Paused // the process is stopped in its tracks; its clock and its mailbox are not
)

// String returns the state in lower case.
func (s State) String() string { return [...]string{"up", "down", "paused"}[s] }

// member is a machine, with its disk and its clock, and the process on it while one
// runs.
type member struct {
	id   uint64
	addr trace.Addr
	node *node.Node // nil while Down
	disk *disk.Disk
	// lost is the disk that the member had before it was wiped, or nil; refusal is why
	// it did not start the last time, or nil.
	lost    *disk.Disk
	refusal error
	// clock is the machine's; it goes on whatever becomes of the process.
	clock sim.Clock
	// trap is where the member's process shall die, the next one's if none runs.
	trap node.Trap
	// trapped is how it shall die there.
	trapped Death
	state   State
	// incarnation counts the starts, from 1. Events of an earlier incarnation
	// are void.
	incarnation uint32
	// backlog is what arrived while the member was paused, or had no time.
	backlog []event
	pace    pace
	// stopping: a graceful stop waits for leadership to move on.
	stopping bool
	// awake is since when the process has run without a pause that others noticed;
	// asleep is when it was paused.
	awake, asleep sim.Time
	// removed is the index of the entry that removed the member, or 0.
	removed uint64
	// clientURL is what the member tells at its next start, or empty; see Advertise.
	clientURL string
}

// Death is how a member dies.
type Death uint8

// Ways to die.
const (
	// PowerCut: the machine dies, and what its disk had not synced may be gone.
	PowerCut Death = iota
	// ProcessOnly: the process dies, by kill -9 or by itself, and its machine goes on:
	// what was written can be read, synced or not.
	ProcessOnly
)

// Kill cuts the power of a member's machine. Clients that wait on it see their
// connections reset. Where no process runs, what the last one left unsynced may be gone.
func (c *Cluster) Kill(id uint64) { c.kill(c.members[id-1], PowerCut) }

// KillProcess ends a member's process without warning, and its machine goes on.
// Killing a member that is down does nothing.
func (c *Cluster) KillProcess(id uint64) { c.kill(c.members[id-1], ProcessOnly) }

func (c *Cluster) kill(m *member, how Death) {
	if m.state == Down {
		if how == PowerCut {
			c.crash(m)
		}
		return
	}
	if m.node.View().Role == trace.RoleLeader {
		c.log.Hit(trace.ProbeLeaderCrash)
	}
	if m.node.Saving() {
		c.log.Hit(trace.ProbeCrashInSync)
	}
	c.log.Emit(trace.Event{Kind: trace.MemberCrash, Member: m.addr, A: uint64(how), B: uint64(m.incarnation)})
	c.down(m, store.ErrConnectionReset)
	if how == PowerCut {
		c.crash(m)
	} else {
		m.disk.Abandon()
	}
}

// Stop ends a member's process gracefully: a leader first hands over, as etcd's
// does, for at most one election timeout; then all is synced and waiting
// clients are refused. Stopping a member that is not up does nothing.
func (c *Cluster) Stop(id uint64) {
	m := c.members[id-1]
	if m.state != Up || m.stopping {
		return
	}
	m.stopping = true
	if to := c.successor(m); to != 0 && m.node.View().Role == trace.RoleLeader {
		patience := c.cfg.Node.Election()
		c.queue.Push(c.Now().Add(patience), event{kind: evStop, member: m.addr, incarnation: m.incarnation})
		c.step(m, &node.Input{Kind: node.TransferLeader, Peer: to})
		return
	}
	c.finishStop(m)
}

// successor returns the running voter with the longest log, or 0.
func (c *Cluster) successor(leader *member) (id uint64) {
	var longest uint64
	for _, m := range c.members {
		if m == leader || m.state != Up || !c.votes(m.id) {
			continue
		}
		if last := m.node.View().LastIndex; id == 0 || last > longest {
			id, longest = m.id, last
		}
	}
	return id
}

func (c *Cluster) finishStop(m *member) {
	m.node.Close()
	c.log.Emit(trace.Event{Kind: trace.MemberStop, Member: m.addr, B: uint64(m.incarnation)})
	c.finish(m)
}

// finish ends a process in good order. A disk that fails keeps what it would not sync
// for the next process to find.
func (c *Cluster) finish(m *member) {
	if err := m.disk.Flush(); err != nil {
		c.diskRefused(err)
	}
	c.down(m, store.ErrStopped)
	m.disk.Abandon()
}

// down ends the process of m and refuses its clients.
func (c *Cluster) down(m *member, reason *store.Error) {
	pending := m.node.Pending()
	view := m.node.View()
	m.node.Halt()
	m.node, m.state, m.stopping = nil, Down, false
	m.pace.idle()
	c.unread(m)
	for _, call := range pending {
		why := reason
		if call.Streamed {
			why = store.ErrConnectionReset // its connection goes with the process
		}
		c.answer(m, node.Answer{
			Client: call.Client, Streamed: call.Streamed, Op: call.Op, Response: store.Response{Err: why},
			Applied: view.Applied, Term: view.Term, Member: m.id,
		})
	}
}

// Start starts a member's process from what its disk holds. Starting a member
// that runs does nothing; one that knows that it was removed refuses.
func (c *Cluster) Start(id uint64) {
	m := c.members[id-1]
	if m.state != Down {
		return
	}
	m.incarnation++
	m.refusal = nil
	if m.lost != nil && m.incarnation > 1 {
		c.refused(m, errBootstrapped)
		return
	}
	defer c.catch(m)
	var voters []uint64 // whoever joins later learns of them
	if id <= uint64(c.cfg.Nodes) {
		voters = c.founders()
	}
	cfg := c.cfg.Node
	cfg.ClientURL = m.clientURL
	cfg.Decoded = &c.decoded
	n, err := node.Start(id, voters, cfg, m.disk, m.clock.Steady(c.Now()), c.seed, c.cfg.Bugs, c.log)
	if errors.Is(err, node.ErrRemoved) {
		c.log.Emit(trace.Event{Kind: trace.MemberRemoved, Member: m.addr, Index: m.removed, B: uint64(m.incarnation)})
		return
	}
	if errors.Is(err, disk.ErrFull) || errors.Is(err, disk.ErrIO) {
		c.diskRefused(err)
		m.refusal = err
		m.disk.Abandon()
		return
	}
	if err != nil && m.spoiled() {
		c.refused(m, err)
		return
	}
	if err != nil {
		c.breakdown(m, err.Error(), "")
		return
	}
	n.TurnWallClock(m.clock.Offset())
	n.Arm(m.trap)
	m.node, m.state, m.awake = n, Up, c.Now()
	v := n.View()
	c.log.Emit(trace.Event{
		Kind: trace.MemberStart, Member: m.addr, Term: v.Term, Index: v.LastIndex, A: v.Applied, B: uint64(m.incarnation),
	})
	// Members do not tick in step: each has its own phase.
	r := c.seed.Stream(fmt.Sprintf("member/%d/%d", m.id, m.incarnation))
	phase := time.Duration(r.Below(uint64(c.cfg.Node.Tick)))
	c.queue.Push(c.Now().Add(c.wait(m, phase)), event{kind: evTick, member: m.addr, incarnation: m.incarnation})
}

func (c *Cluster) founders() []uint64 {
	ids := make([]uint64, c.cfg.Nodes)
	for i := range ids {
		ids[i] = uint64(i + 1)
	}
	return ids
}

// Pause stops a member's process in its tracks: what arrives waits in its
// mailbox, and of its clock's ticks one. Pausing a member that is not up does
// nothing.
func (c *Cluster) Pause(id uint64) {
	if m := c.members[id-1]; m.state == Up {
		m.state, m.asleep = Paused, c.Now()
		c.log.Emit(trace.Event{Kind: trace.MemberPause, Member: m.addr})
	}
}

// Resume lets a paused member go on with what waits in its mailbox.
func (c *Cluster) Resume(id uint64) {
	m := c.members[id-1]
	if m.state != Paused {
		return
	}
	m.state = Up
	if c.Now().Sub(m.asleep) >= network.Patience {
		m.awake = c.Now()
	}
	c.log.Emit(trace.Event{Kind: trace.MemberResume, Member: m.addr})
	if m.pace.slow() || m.pace.until > c.Now() {
		c.attendLater(m)
		return
	}
	backlog := m.backlog
	m.backlog = nil
	for _, e := range backlog {
		c.happen(e)
	}
}
