// Package cluster owns a universe: the event queue and its clock, the members
// with their disks, the network, and the endpoints that clients hang on. It is
// the only router. Members return what they want sent, answered and synced; the
// cluster asks the network and the disks what becomes of it, and queues the
// consequences.
//
// Everything happens in Step, one event at a time, in the order (time,
// sequence). The package decides nothing by itself except who is up.
package cluster

import (
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"slices"
	"time"

	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"etcdsim/checker/history"
	"etcdsim/network"
	"etcdsim/node"
	"etcdsim/sim"
	"etcdsim/sim/bug"
	"etcdsim/sim/trace"
	"etcdsim/store"
	"etcdsim/store/disk"
	"etcdsim/store/membership"
)

// Config describes a universe.
type Config struct {
	// Nodes is the number of founding members, all voters, with the IDs 1 to Nodes.
	Nodes int
	Net   network.Config
	Disk  disk.Config
	Node  node.Config
	Bugs  bug.Set
	// ClientURLs say where clients reach the founders, by ID - 1, for members that are
	// reached from outside; none means the names of the simulation.
	ClientURLs []string
	// Forget keeps no list of what was committed: a universe without an end would
	// grow by it for ever. Only judges read it.
	Forget bool
	// Marshal sends each raft message as bytes and decodes it on arrival, rather
	// than passing the immutable message itself. It changes no trace; it proves
	// that members share nothing they may change, and costs half as much again.
	Marshal bool
}

// MaxNodes bounds the size of a cluster. etcd recommends at most seven members.
const MaxNodes = store.MaxMembers

// DefaultConfig returns three members with etcd's settings on a fast network.
func DefaultConfig() Config {
	return Config{Nodes: 3, Net: network.Default(), Disk: disk.Default(), Node: node.DefaultConfig()}
}

// Receiver is an endpoint outside the cluster: a client, or the scenario.
type Receiver interface {
	// Answer delivers a response to a Call.
	Answer(node.Answer)
	// Wake rings the timer that was set with WakeAt.
	Wake(token uint64)
}

// Cluster is one universe. It is not for concurrent use; any number of them may
// run beside each other.
type Cluster struct {
	cfg  Config
	seed sim.Seed
	log  *trace.Log
	net  *network.Network

	queue   sim.Queue[event]
	packets packets
	held    map[uint64]uint32 // slots of the packets that the network holds, by packet number
	members []*member         // by ID - 1; those that were removed stay
	roster  []store.Member    // who the members are, by the committed log
	clients []Receiver
	script  Receiver // at address 0

	conns   map[uint64]*conn // of streams, by operation
	flaps   []*flap          // also those that have ended
	lastOp  uint64
	commits []history.Commit
	// committed is the index of the last entry with a request that a member applied.
	committed uint64
	faults    []Breakdown
}

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
	trap  node.Trap
	state State
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

// New returns a universe at time 0 in which the members are about to start.
func New(cfg Config, seed uint64, log *trace.Log) (*Cluster, error) {
	if cfg.Nodes < 1 || cfg.Nodes > MaxNodes {
		return nil, fmt.Errorf("cluster.nodes: %d members: expected 1 to %d", cfg.Nodes, MaxNodes)
	}
	if cfg.Node.Image != nil {
		if _, err := node.CheckSaved(cfg.Node.Image); err != nil {
			return nil, fmt.Errorf("the image that the members begin with: %w", err)
		}
	}
	c := &Cluster{cfg: cfg, seed: sim.NewSeed(seed), log: log, net: network.New(cfg.Net, seed, log), held: make(map[uint64]uint32)}
	for range cfg.Nodes {
		c.announce()
	}
	c.roster = membership.New(membership.Config{}, c.founders()).Members()
	for i, url := range cfg.ClientURLs {
		c.Advertise(uint64(i+1), url)
	}
	for _, m := range c.members {
		c.Start(m.id)
	}
	return c, nil
}

// Turn makes all that members, disks and the network draw from now on other draws:
// see sim.Seed.
func (c *Cluster) Turn(by uint64) {
	c.seed.Turn(by)
	c.net.Turn(by)
	for _, f := range c.flaps {
		f.rand.Turn(by)
	}
	for _, m := range c.members {
		m.disk.Turn(by)
		if m.pace.rand != (sim.Rand{}) {
			m.pace.rand.Turn(by)
		}
		if m.node != nil {
			m.node.Turn(by)
		}
	}
}

// Now returns the present virtual time.
func (c *Cluster) Now() sim.Time { return c.log.Now }

// Idle lets time pass in which nothing happens. The next event must not be due
// before.
func (c *Cluster) Idle(until sim.Time) {
	if until > c.queue.NextAt() || until < c.log.Now {
		panic(fmt.Sprintf("cluster: idle from %v until %v, past the next event at %v", c.log.Now, until, c.queue.NextAt()))
	}
	c.log.Now = until
}

// NextAt returns the time of the next event.
func (c *Cluster) NextAt() sim.Time { return c.queue.NextAt() }

// Attach makes r the endpoint at the address: trace.Client(i), or 0 for the
// scenario.
func (c *Cluster) Attach(addr trace.Addr, r Receiver) {
	if addr == 0 {
		c.script = r
		return
	}
	i := int(addr - trace.FirstClient)
	for len(c.clients) <= i {
		c.clients = append(c.clients, nil)
	}
	c.clients[i] = r
}

func (c *Cluster) receiver(addr trace.Addr) Receiver {
	if addr == 0 {
		return c.script
	}
	return c.clients[addr-trace.FirstClient]
}

// NextOp returns a fresh operation ID.
func (c *Cluster) NextOp() uint64 {
	c.lastOp++
	return c.lastOp
}

// Call sends a client's request to a member, in nobody's name. The answer may never
// come.
func (c *Cluster) Call(client trace.Addr, member, op uint64, r store.Request) {
	c.CallAs(client, member, op, "", r)
}

// CallAs sends a client's request in the name of whom the token stands for.
func (c *Cluster) CallAs(client trace.Addr, member, op uint64, token string, r store.Request) {
	c.sendPacket(&packet{
		from: client, to: trace.Addr(member), kind: trace.ClientRequest,
		call: &node.Call{Client: client, Op: op, Request: r, Token: token}, size: requestBytes,
	})
}

// GiveUp tells a member that the client of a call waits no longer. If the network
// loses that, the member finds out by itself when it gives up, too.
func (c *Cluster) GiveUp(client trace.Addr, member, op uint64) {
	c.sendPacket(&packet{
		from: client, to: trace.Addr(member), kind: trace.ClientRequest,
		call: &node.Call{Client: client, Op: op, Request: &store.StreamCloseRequest{}}, size: requestBytes,
	})
}

// WakeAt rings the endpoint's timer at the given time, once.
func (c *Cluster) WakeAt(at sim.Time, addr trace.Addr, token uint64) {
	c.queue.Push(at, event{kind: evWake, member: addr, ref: token})
}

// Network returns the network, to be cut, healed and slowed.
func (c *Cluster) Network() *network.Network { return c.net }

// Disk returns the disk of a member.
func (c *Cluster) Disk(id uint64) *disk.Disk { return c.members[id-1].disk }

// Commits returns the committed requests in log order. The slice grows; it must
// not be changed.
func (c *Cluster) Commits() []history.Commit { return c.commits }

// Breakdowns returns the members' ends through defects, in order.
func (c *Cluster) Breakdowns() []Breakdown { return c.faults }

// Kill ends a member's process without warning, as a power cut would: what its
// disk had not synced may be gone. Clients that wait on it see their
// connections reset. Killing a member that is down does nothing.
func (c *Cluster) Kill(id uint64) {
	m := c.members[id-1]
	if m.state == Down {
		return
	}
	if m.node.View().Role == trace.RoleLeader {
		c.log.Hit(trace.ProbeLeaderCrash)
	}
	if m.node.Saving() {
		c.log.Hit(trace.ProbeCrashInSync)
	}
	c.log.Emit(trace.Event{Kind: trace.MemberCrash, Member: m.addr, B: uint64(m.incarnation)})
	c.down(m, store.ErrConnectionReset)
	c.crash(m)
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
	m.disk.Flush()
	c.down(m, store.ErrStopped)
	m.disk.Crash() // closes the files; nothing is left unsynced
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
	n, err := node.Start(id, voters, cfg, m.disk, m.clock.Steady(c.Now()), c.seed, c.cfg.Bugs, c.log)
	if errors.Is(err, node.ErrRemoved) {
		c.log.Emit(trace.Event{Kind: trace.MemberRemoved, Member: m.addr, Index: m.removed, B: uint64(m.incarnation)})
		return
	}
	if errors.Is(err, disk.ErrFull) || errors.Is(err, disk.ErrIO) {
		c.diskRefused(err)
		m.refusal = err
		m.disk.Crash() // closes the files
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

// ResumeDisk ends a stall of a member's disk.
func (c *Cluster) ResumeDisk(id uint64) {
	m := c.members[id-1]
	for _, t := range m.disk.Resume() {
		c.synced(m, t)
	}
}

// Release frees a held link and lets its packets go.
func (c *Cluster) Release(from, to trace.Addr) {
	c.resend(c.net.Release(from, to))
}

// ReleaseAll frees every held link.
func (c *Cluster) ReleaseAll() { c.resend(c.net.ReleaseAll()) }

func (c *Cluster) resend(held []network.Packet) {
	for _, p := range held {
		slot := c.held[p.ID]
		delete(c.held, p.ID)
		c.travel(slot, p)
	}
}

// Close ends what the members have running inside. Nothing happens afterwards.
func (c *Cluster) Close() {
	for _, m := range c.members {
		if m.node != nil {
			m.node.Halt()
		}
	}
}

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

// sendPacket gives a packet of a client, or to one, to the network and queues its
// arrival.
func (c *Cluster) sendPacket(q *packet) {
	slot, p := c.packets.add(q)
	if !p.streamed {
		c.connect(p)
	}
	c.log.Emit(trace.Event{Kind: trace.Send, Aux: p.kind, Member: p.from, Peer: p.to, Index: p.op(), ID: p.id})
	c.travel(slot, p.asPacket())
}

// sendMessages gives raft messages of a member to the network.
func (c *Cluster) sendMessages(m *member, messages []*pb.Message) {
	for _, msg := range messages {
		if c.cfg.Marshal {
			msg = reencode(msg)
		}
		slot, p := c.packets.open()
		p.from, p.to, p.kind, p.message, p.size = m.addr, trace.Addr(msg.GetTo()), uint16(msg.GetType()), msg, messageBytes(msg)
		c.connect(p)
		aux := p.kind
		if msg.GetReject() {
			aux |= trace.Rejected
		}
		c.log.Emit(trace.Event{
			Kind: trace.Send, Aux: aux, Member: p.from, Peer: p.to, ID: p.id,
			Term: msg.GetTerm(), Index: msg.GetIndex(), A: msg.GetLogTerm(), B: msg.GetCommit(),
		})
		c.travel(slot, p.asPacket())
	}
}

// connect notes to which process the packet's connection leads, if any runs.
func (c *Cluster) connect(p *packet) {
	if i := int(p.to) - 1; i < len(c.members) && c.members[i].state != Down {
		p.incarnation = c.members[i].incarnation
	}
}

// travel asks the network what becomes of the packet in a slot.
func (c *Cluster) travel(slot uint32, p network.Packet) {
	v := c.net.Send(p)
	switch v.Fate {
	case network.Deliver:
		c.queue.Push(v.At, event{kind: evPacket, ref: uint64(slot)})
		if v.Again != 0 {
			again := c.packets.again(slot)
			c.queue.Push(v.Again, event{kind: evPacket, ref: uint64(again)})
		}
	case network.Drop:
		c.lost(c.packets.take(slot), false)
	case network.Held:
		c.held[p.ID] = slot
	}
}

// lost tells a sender's raft what its transport would notice: that nobody
// listens, or that a snapshot did not arrive.
func (c *Cluster) lost(p packet, refused bool) {
	if p.streamed {
		c.resendLater(p)
		return
	}
	if p.message == nil || p.from.IsClient() {
		return
	}
	sender := c.members[p.from-1]
	switch {
	case p.message.GetType() == pb.MsgSnap:
		c.queue.Push(c.Now().Add(snapshotPatience), event{
			kind: evSnapshotLost, member: p.from, incarnation: sender.incarnation, ref: uint64(p.to),
		})
	case refused && sender.state != Down:
		c.queue.Push(c.Now(), event{kind: evUnreachable, member: p.from, incarnation: sender.incarnation, ref: uint64(p.to)})
	}
}

// snapshotPatience is how long a member's transport waits before it gives up on
// a snapshot whose packets vanish.
const snapshotPatience = time.Second

// answer sends an answer from a member to its client.
func (c *Cluster) answer(m *member, a node.Answer) {
	if a.Streamed {
		c.answerStream(m, a)
		return
	}
	c.sendPacket(&packet{from: m.addr, to: a.Client, kind: trace.ClientResponse, answer: &a, size: requestBytes})
}

// step lets something happen to a member that is up, and routes what it wants.
func (c *Cluster) step(m *member, in *node.Input) {
	if m.pace.slow() {
		c.spend(m)
	}
	out := c.guarded(m, in)
	if out == nil {
		return
	}
	c.sendMessages(m, out.Messages)
	if out.Died != node.Nowhere {
		c.died(m, out)
		return
	}
	for i := range out.Calls {
		call := out.Calls[i]
		c.sendPacket(&packet{from: m.addr, to: trace.Addr(call.To), kind: trace.ClientRequest, call: &call.Call, size: requestBytes})
	}
	for _, t := range out.Timers {
		c.queue.Push(c.Now().Add(c.wait(m, t.After)), event{kind: evAlarm, member: m.addr, incarnation: m.incarnation, ref: uint64(t.Token)})
	}
	for _, t := range out.Syncs {
		if !t.Held {
			c.synced(m, t)
		}
	}
	if len(out.Applied) > 0 {
		c.record(out.Applied)
	}
	for i := range out.Answers {
		c.answer(m, out.Answers[i])
	}
	for _, id := range out.Gone {
		if stray := c.members[id-1]; !c.net.IsCut(m.addr, stray.addr) {
			c.expel(stray, 0)
		}
	}
	if out.Fatal != nil {
		c.diskRefused(out.Fatal)
		c.Kill(m.id)
		return
	}
	if out.Removed {
		c.expel(m, removalDelay)
	}
	if m.stopping && m.node.View().Role != trace.RoleLeader {
		c.finishStop(m)
	}
}

// record takes note of what a member applied before any other.
func (c *Cluster) record(applied []node.Applied) {
	for i := range applied {
		a := &applied[i]
		if a.Index <= c.committed {
			continue
		}
		c.committed = a.Index
		if !c.cfg.Forget {
			c.commits = append(c.commits, history.Commit{
				Index: a.Index, Term: a.Term, Proposal: a.Proposal, Response: a.Response, At: c.Now(),
			})
		}
		c.enroll(a)
	}
}

// synced queues the end of a sync.
func (c *Cluster) synced(m *member, t disk.Ticket) {
	c.queue.Push(c.Now().Add(t.Latency), event{kind: evSynced, member: m.addr, incarnation: m.incarnation, ref: t.ID})
}

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
			c.Kill(m.id)
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
	m.disk.Crash()
}

func reencode(m *pb.Message) *pb.Message {
	data, err := proto.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("cluster: raft message %v does not marshal: %v", m.GetType(), err))
	}
	decoded := &pb.Message{}
	if err := proto.Unmarshal(data, decoded); err != nil {
		panic(fmt.Sprintf("cluster: raft message %v does not unmarshal: %v", m.GetType(), err))
	}
	return decoded
}

// requestBytes is what a client's packet counts for on a link with a bandwidth.
const requestBytes = 256

// messageBytes estimates the size of a raft message on the wire.
func messageBytes(m *pb.Message) int32 {
	size := 40 + len(m.GetContext()) + len(m.GetSnapshot().GetData())
	for _, e := range m.Entries {
		size += 16 + len(e.GetData())
	}
	return int32(min(size, math.MaxInt32))
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
