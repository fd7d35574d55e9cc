package node

import (
	"slices"
	"time"

	"go.etcd.io/raft/v3"

	"etcdsim/sim"
	"etcdsim/store"
)

// Some requests only the leader can serve: it alone counts the time of leases.
// A follower passes them on, as etcd does over its peers' HTTP endpoints, and
// asks again while there is no leader or the leader refuses. Such requests may
// be served twice without harm.

// forwardRetry is how long a member waits before it asks again.
const forwardRetry = 50 * time.Millisecond

// forwarded are the calls that this member passes on to the leader.
type forwarded struct {
	calls []forwardedCall // in the order of their arrival
	armed bool            // a timer is set
}

type forwardedCall struct {
	Call
	arrived sim.Time
	// revision of the store when it arrived, and authRevision of its rules.
	revision     int64
	authRevision uint64
	// asked is the number of the call under way to the leader, and askedAt when
	// it left; 0 waits.
	asked   uint64
	askedAt sim.Time
}

// forward passes a call on to the leader, now or once there is one.
func (n *Node) forward(c Call) {
	n.forwardAgain(n.arrived(c))
}

func (n *Node) arrived(c Call) forwardedCall {
	return forwardedCall{Call: c, arrived: n.now, revision: n.kv.Revision(), authRevision: n.kv.AuthRevision()}
}

// forwardAgain passes on a call that waited here before.
func (n *Node) forwardAgain(c forwardedCall) {
	c.asked = 0
	n.forwarded.calls = append(n.forwarded.calls, c)
	n.askLeader()
}

// askLeader asks the leader on behalf of the calls that wait.
func (n *Node) askLeader() {
	f := &n.forwarded
	for i := range f.calls {
		c := &f.calls[i]
		if c.asked != 0 || n.leader == raft.None || n.leader == n.id {
			continue
		}
		c.asked, c.askedAt = n.nextID(), n.now
		n.out.Calls = append(n.out.Calls, PeerCall{
			To: n.leader, Call: Call{Client: n.addr, Op: c.asked, For: c.Op, Request: c.Request},
		})
	}
	if len(f.calls) > 0 && !f.armed {
		f.armed = true
		n.out.Timers = append(n.out.Timers, Timer{After: forwardRetry, Token: tokenForward})
	}
}

// answered takes another member's answer.
func (n *Node) answered(a *Answer) {
	for i, c := range n.forwarded.calls {
		if c.asked != a.Op {
			continue
		}
		if wrongMember(a.Err) || retryPromotion(c.Request, a.Err) {
			n.forwarded.calls[i].asked = 0
			return
		}
		n.forwarded.calls = slices.Delete(n.forwarded.calls, i, i+1)
		// The header is this member's. That of a renewal was made before it, so that
		// it never names the revision that ended the lease.
		r := a.Response
		if !store.Reconfigures(c.Request) {
			r.Revision = n.kv.Revision()
		}
		if _, ok := r.Result.(*store.LeaseKeepAliveResult); ok {
			r.Revision = c.revision
		}
		if t, ok := c.Request.(*store.LeaseTimeToLiveRequest); ok && t.Keys && n.kv.AuthEnabled() && n.kv.AuthRevision() != c.authRevision {
			r = store.Response{Err: store.ErrAuthOldRevision} // the keys were allowed to be seen then
		}
		n.answer(c.Client, c.Op, r, a.Applied)
		return
	}
}

// wrongMember tells whether a refusal says only that nobody was asked, or
// somebody who does not lead.
func wrongMember(err *store.Error) bool {
	switch err {
	case store.ErrNotLeader, store.ErrConnectionRefused, store.ErrConnectionReset, store.ErrStopped:
		return true
	}
	return false
}

// retryPromotion tells whether a member asks the leader again to promote: unless
// it knows what the refusal means, as in etcd's PromoteMember.
func retryPromotion(req store.Request, err *store.Error) bool {
	switch err {
	case nil, store.ErrLearnerNotReady, store.ErrMemberNotFound, store.ErrMemberNotLearner:
		return false
	}
	return store.Reconfigures(req)
}

// serveForwarded serves a call here that was to be forwarded, since this member
// leads by now.
func (n *Node) serveForwarded(c forwardedCall) {
	switch r := c.Request.(type) {
	case *store.LeaseKeepAliveRequest:
		n.renew(c)
	case *store.LeaseTimeToLiveRequest:
		n.timeToLive(c, r)
	default:
		n.request(c.Call)
	}
}

// retryForwarded asks again, gives up on calls that waited too long, and serves
// here what waits if this member leads by now.
func (n *Node) retryForwarded() {
	f := &n.forwarded
	f.armed = false
	waiting := f.calls
	f.calls = nil
	for _, c := range waiting {
		switch {
		case n.now.Sub(c.arrived) >= n.cfg.RequestTimeout():
			why := store.ErrTimeout
			if n.leader == raft.None && !store.Reconfigures(c.Request) {
				why = store.ErrNoLeader
			}
			n.answer(c.Client, c.Op, store.Response{Err: why}, n.applied)
			continue
		case n.leader == n.id:
			n.serveForwarded(c)
			continue
		case c.asked != 0 && n.now.Sub(c.askedAt) >= n.cfg.Election():
			c.asked = 0 // the answer is late, or lost
		}
		f.calls = append(f.calls, c)
	}
	n.askLeader()
}
