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
	"fmt"

	"etcdsim/checker/history"
	"etcdsim/network"
	"etcdsim/node"
	"etcdsim/sim"
	"etcdsim/sim/bug"
	"etcdsim/sim/trace"
	"etcdsim/store"
	"etcdsim/store/disk"
	"etcdsim/store/membership"
	"etcdsim/store/saved"
)

// Config describes a universe.
type Config struct {
	// Nodes is the number of founding members, all voters, with the IDs 1 to Nodes.
	Nodes int
	Net   network.Config
	Disk  disk.Config
	Node  node.Config
	Bugs  bug.Set
	// From is a snapshot that the members begin with, or nil. Of their own they have
	// who they are: see node.Founding.
	From *saved.Snapshot
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
	calls   sim.Slab[node.Call]
	answers sim.Slab[node.Answer]
	decoded node.Decoded
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

// New returns a universe at time 0 in which the members are about to start.
func New(cfg Config, seed uint64, log *trace.Log) (*Cluster, error) {
	if cfg.Nodes < 1 || cfg.Nodes > MaxNodes {
		return nil, fmt.Errorf("cluster.nodes: %d members: expected 1 to %d", cfg.Nodes, MaxNodes)
	}
	if cfg.From != nil {
		cfg.Node.State = node.Founding(cfg.Node, cfg.From)
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
	c.CallAs(client, member, op, store.Credential{}, r)
}

// CallAs sends a client's request in somebody's name.
func (c *Cluster) CallAs(client trace.Addr, member, op uint64, as store.Credential, r store.Request) {
	call := c.calls.New()
	*call = node.Call{Client: client, Op: op, Request: r, As: as}
	c.sendPacket(&packet{from: client, to: trace.Addr(member), kind: trace.ClientRequest, call: call, size: requestBytes})
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

// ResumeDisk ends a stall of a member's disk.
func (c *Cluster) ResumeDisk(id uint64) {
	m := c.members[id-1]
	for _, t := range m.disk.Resume() {
		c.synced(m, t)
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
		c.ended(m, out.Fatal)
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
