package node

import (
	"etcdsim/sim/bug"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// A member asks some things of itself, in the way of a client: that an expired
// lease be revoked, whether it still leads, and all that a lock or an election
// consists of. Such a call takes the same way as a client's, with the same
// checks, waits and timeouts; only its answer goes back inside.

// own are the member's calls of itself.
type own struct {
	// waiting holds what to do with the answer to a call.
	waiting map[uint64]func(store.Response)
	// answers have come in this step.
	answers []Answer
	// id is the last identifier given out.
	id uint64
}

// nextID returns an identifier that no other request of the run has: neither a
// client's, nor another member's, nor one from before a restart of this member.
// It is made like etcd's (pkg/idutil): from the member, the time at which the
// member began to give them out, and a count.
func (n *Node) nextID() uint64 {
	if n.own.id == 0 {
		n.own.id = 1<<63 | n.id<<48 | uint64(n.wall()/1e6)<<8&(1<<48-1)
	}
	n.own.id++
	return n.own.id
}

// ask makes a request of this member itself; then is called with the answer
// within a later step, or at the end of the present one.
func (n *Node) ask(r store.Request, then func(store.Response)) {
	n.request(Call{Client: n.addr, Op: n.expect(then), Request: r, self: true})
}

// askFor makes a request of this member in a client's name.
func (n *Node) askFor(as store.Credential, r store.Request, then func(store.Response)) uint64 {
	id := n.expect(then)
	n.request(Call{Client: n.addr, Op: id, Request: r, As: as})
	return id
}

// confirm lets a quorum confirm who leads, as a linearizable read does, and then
// calls then.
func (n *Node) confirm(then func(store.Response)) {
	n.read(Call{Client: n.addr, Op: n.expect(then)})
}

func (n *Node) expect(then func(store.Response)) uint64 {
	if n.own.waiting == nil {
		n.own.waiting = make(map[uint64]func(store.Response))
	}
	id := n.nextID()
	n.own.waiting[id] = then
	return id
}

// forgetOwn makes sure that the answer to a call goes nowhere.
func (n *Node) forgetOwn(id uint64) { delete(n.own.waiting, id) }

// goOnInside goes on with what waited for the answers of this step, or for what
// watches were told in it. That may make raft ready again.
func (n *Node) goOnInside() {
	for len(n.own.answers)+len(n.services.ready) > 0 && n.out.Fatal == nil {
		n.serveReady()
		answers := n.own.answers
		n.own.answers = nil
		for _, a := range answers {
			if then, ok := n.own.waiting[a.Op]; ok {
				delete(n.own.waiting, a.Op)
				then(a.Response)
			}
		}
		n.pump()
	}
}

// ensureLeadership finds out whether this member, which believes that it leads,
// does. While raft's clock ticks it need not ask: CheckQuorum sees to it. Only
// when the clock stood still, behind a slow disk or in a stopped process, others
// may have elected a leader meanwhile (etcd #15247).
func (n *Node) ensureLeadership(then func(leads bool)) {
	if !n.mustAsk() {
		then(true)
		return
	}
	n.log.Hit(trace.ProbeLeadershipAsked)
	n.confirm(func(r store.Response) {
		leads := r.Err == nil && n.leader == n.id
		if !leads {
			n.log.Hit(trace.ProbeLeadershipLost)
		}
		then(leads)
	})
}

// mustAsk reports whether this member may have been replaced: raft's clock has stood
// still for long, or raft does know of another leader, and what it says of that waits
// behind a save. (etcd 3.7.3 looks at the clock alone. A leader that was stopped, ticks
// once and hears of its successor then revokes leases for that one.)
func (n *Node) mustAsk() bool {
	doubt := n.lastTick.Add(3*n.cfg.Tick) <= n.now || n.role != trace.RoleLeader
	return doubt && !n.bugs.Has(bug.LeaseOldLeader)
}
