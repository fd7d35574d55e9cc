package cluster

import (
	"slices"
	"strings"
	"time"

	"etcdsim/network"
	"etcdsim/node"
	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store"
	"etcdsim/store/disk"
)

// Members come and go by the committed log. The cluster follows it, as whoever
// operates a cluster does: it provides a machine for each member that is
// announced, which somebody then starts, and never gives an ID again.

// announce provides the machine of the next member: an empty disk, and nothing
// that runs.
func (c *Cluster) announce() {
	id := uint64(len(c.members) + 1)
	addr := trace.Addr(id)
	c.members = append(c.members, &member{id: id, addr: addr, disk: c.emptyDisk(addr), state: Down})
}

func (c *Cluster) emptyDisk(owner trace.Addr) *disk.Disk {
	d := disk.New(owner, c.cfg.Disk, c.seed.Origin(), c.log)
	d.Turn(c.seed.Turned())
	return d
}

// enroll follows a change of the membership that was committed.
func (c *Cluster) enroll(a *node.Applied) {
	switch res := a.Response.Result.(type) {
	case *store.MemberAddResult:
		c.roster = res.Members
		c.announce()
	case *store.MembersResult:
		c.roster = res.Members
		if r, ok := a.Proposal.Request.(*store.MemberRemoveRequest); ok {
			c.members[r.ID-1].removed = a.Index
		}
	case *store.MemberPublishResult:
		r, ok := a.Proposal.Request.(*store.MemberPublishRequest)
		if ok && c.entry(r.ID) != nil {
			c.roster = slices.Clone(c.roster)
			entry := c.entry(r.ID)
			entry.Name, entry.ClientURLs = r.Name, r.ClientURLs
		}
	}
}

// Advertise sets where a member says that clients reach it, from its next start
// on.
func (c *Cluster) Advertise(id uint64, clientURL string) { c.members[id-1].clientURL = clientURL }

// entry returns what the committed log says of a member, or nil if it is none.
func (c *Cluster) entry(id uint64) *store.Member {
	i := slices.IndexFunc(c.roster, func(m store.Member) bool { return m.ID == id })
	if i < 0 {
		return nil
	}
	return &c.roster[i]
}

// Roster returns who the members are by the committed log, in the order of their
// IDs. The slice must not be changed.
func (c *Cluster) Roster() []store.Member { return c.roster }

// votes reports whether a member votes.
func (c *Cluster) votes(id uint64) bool {
	entry := c.entry(id)
	return entry != nil && !entry.Learner
}

// removalDelay is how long a member that has applied its own removal goes on, so
// that what it sent can arrive; as in etcd.
const removalDelay = time.Second

// expel makes a member end that was removed. One that was away when it was
// removed hears of it from the first member that it speaks to, which refuses its
// messages; etcd's answers 410 Gone.
func (c *Cluster) expel(m *member, after time.Duration) {
	c.queue.Push(c.Now().Add(after), event{kind: evRemoved, member: m.addr, incarnation: m.incarnation})
}

func (c *Cluster) finishRemoval(m *member) {
	m.node.Close()
	c.log.Emit(trace.Event{Kind: trace.MemberRemoved, Member: m.addr, Index: m.removed, B: uint64(m.incarnation)})
	c.finish(m)
}

// request hands a client's or another member's call to a member. For a change of
// the membership its transport says how long it has been connected to whom.
func (c *Cluster) request(m *member, call *node.Call) {
	in := node.Input{Kind: node.Request, Call: call}
	if reconfigures(call.Request) {
		in.Connected = make([]sim.Time, len(c.members)+1)
		for i := range in.Connected {
			in.Connected[i] = node.Unconnected
		}
		for _, other := range c.members {
			in.Connected[other.id] = m.shown(c.connectedSince(m, other))
		}
	}
	c.step(m, &in)
}

// reconfigures reports whether a request changes who the members are, by whichever
// API.
func reconfigures(r store.Request) bool {
	if r, ok := r.(*store.HTTPRequest); ok {
		return r.Method != "GET" && strings.HasPrefix(r.Path, "/v2/members")
	}
	return store.Reconfigures(r)
}

// connectedSince returns since when two members have been connected.
func (c *Cluster) connectedSince(a, b *member) sim.Time {
	if b.state == Down || b.state == Paused && c.Now().Sub(b.asleep) >= network.Patience {
		return node.Unconnected
	}
	return max(a.awake, b.awake, c.net.ConnectedSince(a.addr, b.addr))
}
