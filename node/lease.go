package node

import (
	"slices"
	"time"

	"etcdsim/sim/bug"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// Leases, after etcd's lease requests (v3_server.go) and its lessor. Granting and
// revoking go through the log. Time does not: the leader alone counts it, renews
// leases in its memory, and proposes to revoke those whose time is over. A new
// leader begins their times anew, so that an election never shortens what was
// promised.

// leasing is what a member has to do with leases beyond its store.
type leasing struct {
	lessor lessor
	// leads is whether this member leads as of the last Ready: what etcd's server
	// believes. During a save raft may know better already.
	leads bool
	// renewals wait for the revocation of a lease that expired.
	renewals []forwardedCall
	// looking: the timer of the next look at the leases is set.
	looking bool
	// recording are the checkpoints on their way through the log. etcd's lessor
	// looks at nothing else meanwhile.
	recording []store.LeaseCheckpoint
	// clearing are leases whose renewals wait until their checkpoints are erased.
	clearing []int64
}

// errNotPrimary is etcd's lease.ErrNotPrimary as it reaches a client.
var errNotPrimary = &store.Error{Code: store.Unknown, Text: "not a primary lessor"}

// withLeaseID returns the request with an ID for the lease, which the member
// chooses if the client did not: a positive one.
func (n *Node) withLeaseID(r *store.LeaseGrantRequest) *store.LeaseGrantRequest {
	if r.ID != 0 {
		return r
	}
	id := int64(n.nextID())
	if !n.bugs.Has(bug.LeaseNotReloaded) { // it takes negative ones to show
		id &^= -1 << 63
	}
	return &store.LeaseGrantRequest{TTL: r.TTL, ID: id}
}

// followed takes note of who leads as of a Ready.
func (n *Node) followed(leads bool) {
	n.leasing.leads = leads
	if leads {
		return
	}
	n.leasing.lessor.demote()
	// The lease may live on under another leader: the callers ask that one.
	waiting := n.leasing.renewals
	n.leasing.renewals = nil
	for _, c := range waiting {
		c.arrived = n.now
		n.notPrimary(c)
	}
}

// promoteLessor begins to count the time of all leases. It happens when the
// leader applies an empty entry: by then it has applied all that was granted or
// revoked before its term.
func (n *Node) promoteLessor() {
	if !n.leasing.leads {
		return
	}
	n.expireOlderLater()
	leases := n.kv.Leases()
	if n.bugs.Has(bug.LeaseTTLReset) {
		for i := range leases {
			leases[i].Remaining = leases[i].TTL
		}
	}
	n.leasing.lessor.promote(n.now, leases, n.cfg.Election())
	if len(leases) == 0 {
		return
	}
	n.log.Emit(trace.Event{
		Kind: trace.LeasesPromoted, Member: n.addr, Term: n.term, Index: n.applied,
		A: uint64(len(leases)), B: uint64(n.cfg.Election()),
	})
	n.lookLater()
}

// leaseApplied follows what the log does to leases.
func (n *Node) leaseApplied(r store.Request, resp store.Response) {
	if resp.Err != nil {
		return
	}
	l := &n.leasing.lessor
	switch r := r.(type) {
	case *store.LeaseGrantRequest:
		if lease, ok := n.kv.Lease(r.ID); ok {
			l.grant(n.now, lease)
		}
	case *store.LeaseRevokeRequest:
		l.revoke(r.ID)
		n.answerRenewals(r.ID)
	case *store.LeaseCheckpointRequest:
		for _, c := range r.Checkpoints {
			if lease, ok := n.kv.Lease(c.ID); ok {
				l.plan(n.now, lease)
			}
		}
	}
	n.lookLater()
}

// answerRenewals tells those who wanted to renew a lease that it is gone.
func (n *Node) answerRenewals(id int64) {
	waiting := n.leasing.renewals
	n.leasing.renewals = nil
	for _, c := range waiting {
		if keepAliveID(c) == id {
			n.answerKeepAlive(c, 0)
		} else {
			n.leasing.renewals = append(n.leasing.renewals, c)
		}
	}
}

// lookLater sets the timer of the next look, if there is anything to look at.
func (n *Node) lookLater() {
	if l := &n.leasing; l.lessor.primary && !l.looking && !l.lessor.idle() {
		l.looking = true
		n.setTimer(n.untilBeat(leasePeriod), tokenLeases)
	}
}

// lookAtLeases revokes what has expired and records what is due.
func (n *Node) lookAtLeases() {
	l := &n.leasing
	l.looking = false
	if l.lessor.primary && l.recording == nil {
		if expired := l.lessor.expired(n.now, revokeRate/2); len(expired) > 0 {
			n.revokeExpired(expired)
		}
		n.recordCheckpoints(0)
	}
	n.lookLater()
}

// maxPendingRevokes is how many leases of one look are being revoked at a time.
const maxPendingRevokes = 16

// revokeExpired revokes leases through the log.
func (n *Node) revokeExpired(ids []int64) {
	how := uint16(0)
	if n.mustAsk() {
		how = trace.ExpiryWaits
	}
	for _, id := range ids {
		n.log.Emit(trace.Event{
			Kind: trace.LeaseExpired, Aux: how, Member: n.addr, Term: n.term,
			A: uint64(n.leasing.lessor.countdowns[id].expiry), ID: uint64(id),
		})
	}
	n.ensureLeadership(func(leads bool) {
		if !leads {
			return // the leader sees to it
		}
		n.log.Hit(trace.ProbeLeaseExpired)
		var next func(store.Response)
		next = func(store.Response) {
			// What fails is named again by the lessor, after a while. What has got time
			// again while a quorum was asked, by an election that this member won, stays
			// (etcd 3.7.3 does not look). Who no longer leads must send nothing: raft would
			// pass it on to a leader that may have given the lease more time.
			ids = slices.DeleteFunc(ids, func(id int64) bool { return !n.leasing.lessor.overdue(id, n.now) })
			if len(ids) > 0 && (n.role == trace.RoleLeader || n.bugs.Has(bug.LeaseOldLeader)) {
				id := ids[0]
				ids = ids[1:]
				n.ask(&store.LeaseRevokeRequest{ID: id}, next)
			}
		}
		for range min(maxPendingRevokes, len(ids)) {
			next(store.Response{})
		}
	})
}

// recordCheckpoints sends the checkpoints that are due through the log, entry
// after entry, if this member leads; so many entries were sent before.
func (n *Node) recordCheckpoints(entries int) {
	l := &n.leasing
	due := l.lessor.due(n.now, checkpointBatch, n.kv.Lease)
	full := len(due) == checkpointBatch
	if due = n.uncrossed(due); len(due) == 0 {
		return
	}
	l.recording = due
	n.log.Emit(trace.Event{Kind: trace.LeasesRecorded, Member: n.addr, Term: n.term, A: uint64(len(due))})
	// Meanwhile a quorum may be asked, and some of the leases renewed.
	still := func() []store.LeaseCheckpoint {
		l.recording = n.uncrossed(due)
		return l.recording
	}
	n.checkpoint(still, func(leads bool, _ store.Response) {
		l.recording = nil
		n.log.Emit(trace.Event{Kind: trace.LeasesRecorded, Member: n.addr, Term: n.term})
		if leads && full && entries+1 < checkpointRate/2 {
			n.recordCheckpoints(entries + 1)
		}
	})
}

// checkpoint sends the checkpoints that are due by then through the log, if this
// member leads, and tells what became of them.
func (n *Node) checkpoint(due func() []store.LeaseCheckpoint, then func(leads bool, r store.Response)) {
	n.ensureLeadership(func(leads bool) {
		if !leads {
			then(false, store.Response{})
			return
		}
		checkpoints := due()
		if len(checkpoints) == 0 {
			then(true, store.Response{})
			return
		}
		n.log.Hit(trace.ProbeLeaseCheckpoint)
		n.ask(&store.LeaseCheckpointRequest{Checkpoints: checkpoints}, func(r store.Response) { then(true, r) })
	})
}

// keepAlive takes in a request to renew a lease.
func (n *Node) keepAlive(c Call) {
	call := n.arrived(c)
	if !n.leasing.leads || n.fromMember(c) {
		n.renew(call)
		return
	}
	n.ensureLeadership(func(leads bool) {
		if !leads {
			n.answer(c.Client, c.Op, store.Response{Err: errNotPrimary}, n.applied)
			return
		}
		n.renew(call)
	})
}

// renew begins the time of a lease anew, if this member is who counts it.
func (n *Node) renew(c forwardedCall) {
	l := &n.leasing.lessor
	if !l.primary {
		n.notPrimary(c)
		return
	}
	id := keepAliveID(c)
	lease, ok := n.kv.Lease(id)
	late := ok && l.left(id, n.now) <= 0
	if late {
		n.log.Hit(trace.ProbeRenewedLate)
	}
	switch {
	case !ok:
		n.answerKeepAlive(c, 0)
	case late && !n.bugs.Has(bug.RenewAfterRevoke):
		// It is being revoked, or will be; whether that succeeds is not known yet.
		n.leasing.renewals = append(n.leasing.renewals, c)
	case n.cfg.LeaseCheckpoint && (lease.Remaining != lease.TTL || n.recordingOf(id)):
		// The checkpoint says less than what is promised now: it goes first.
		n.leasing.clearing = append(n.leasing.clearing, id)
		erase := func() []store.LeaseCheckpoint { return []store.LeaseCheckpoint{{ID: id}} }
		n.checkpoint(erase, func(leads bool, r store.Response) {
			i := slices.Index(n.leasing.clearing, id)
			n.leasing.clearing = slices.Delete(n.leasing.clearing, i, i+1)
			switch {
			case !leads:
				n.notPrimary(c)
			case r.Err != nil && !n.bugs.Has(bug.StaleCheckpoint):
				n.answer(c.Client, c.Op, store.Response{Err: r.Err}, n.applied)
			default:
				n.refresh(c)
			}
		})
	default:
		n.refresh(c)
	}
}

// A checkpoint says what was left before a renewal; if it is in force afterwards, the
// next leader goes by it and ends the lease too early. etcd 3.7 lets that happen
// (its feature is in alpha): lessor.Renew erases only checkpoints that were applied,
// others are sent while it waits for that, and it does not look whether it
// succeeded. Here, a checkpoint that is on its way is erased as well, none is sent
// while a renewal waits, and a renewal fails if the erasure does. Nor does
// lessor.Renew look whether the lease expired while it waited, and is being revoked.

// uncrossed returns the checkpoints of leases that are not being renewed, and were
// not renewed since they were due.
func (n *Node) uncrossed(due []store.LeaseCheckpoint) []store.LeaseCheckpoint {
	if n.bugs.Has(bug.StaleCheckpoint) {
		return due
	}
	return slices.DeleteFunc(due, func(c store.LeaseCheckpoint) bool {
		return slices.Contains(n.leasing.clearing, c.ID) || n.leasing.lessor.renewed(n.now, c)
	})
}

// recordingOf reports whether a checkpoint of the lease is on its way.
func (n *Node) recordingOf(id int64) bool {
	return !n.bugs.Has(bug.StaleCheckpoint) &&
		slices.ContainsFunc(n.leasing.recording, func(c store.LeaseCheckpoint) bool { return c.ID == id })
}

// refresh is the renewal itself. Since the request came, the lease may have been
// revoked (etcd #14758), or somebody else elected.
func (n *Node) refresh(c forwardedCall) {
	l := &n.leasing.lessor
	id := keepAliveID(c)
	lease, ok := n.kv.Lease(id)
	switch {
	case !l.primary:
		n.notPrimary(c)
		return
	case !ok:
		n.answerKeepAlive(c, 0)
		return
	case l.left(id, n.now) <= 0 && !n.bugs.Has(bug.StaleCheckpoint) && !n.bugs.Has(bug.RenewAfterRevoke):
		n.leasing.renewals = append(n.leasing.renewals, c)
		return
	}
	l.start(n.now, lease, 0)
	n.log.Emit(trace.Event{
		Kind: trace.LeaseRenewed, Member: n.addr, Term: n.term,
		A: uint64(lease.Remaining), B: uint64(l.countdowns[id].expiry), ID: uint64(id),
	})
	n.answerKeepAlive(c, lease.TTL)
}

func (n *Node) answerKeepAlive(c forwardedCall, ttl int64) {
	n.answer(c.Client, c.Op, store.Response{
		Revision: c.revision, Result: &store.LeaseKeepAliveResult{ID: keepAliveID(c), TTL: ttl},
	}, n.applied)
}

func keepAliveID(c forwardedCall) int64 { return c.Request.(*store.LeaseKeepAliveRequest).ID }

// notPrimary handles a call that only the primary lessor can serve: a member is
// told to ask another one, and for a client this member asks.
func (n *Node) notPrimary(c forwardedCall) {
	if n.fromMember(c.Call) {
		n.answer(c.Client, c.Op, store.Response{Err: store.ErrNotLeader}, n.applied)
		return
	}
	n.forwardAgain(c)
}

// fromMember reports whether another member passed the call on.
func (n *Node) fromMember(c Call) bool { return !c.Client.IsClient() && c.Client != n.addr }

// timeToLive takes in a question for the time that a lease has left. The leader
// answers as far as it knows.
func (n *Node) timeToLive(c forwardedCall, req *store.LeaseTimeToLiveRequest) {
	if !n.leasing.leads {
		n.notPrimary(c)
		return
	}
	r := n.kv.Read(req)
	if _, ok := n.kv.Lease(req.ID); ok {
		if !n.leasing.lessor.primary {
			// It leads, and does not know yet how long the lease has.
			why := store.ErrLeaderChanged
			if n.fromMember(c.Call) {
				why = store.ErrNotLeader
			}
			n.answer(c.Client, c.Op, store.Response{Err: why}, n.applied)
			return
		}
		res := *r.Result.(*store.LeaseTimeToLiveResult)
		res.TTL = int64(n.leasing.lessor.left(req.ID, n.now) / time.Second)
		r.Result = &res
	}
	n.answer(c.Client, c.Op, r, n.applied)
}
