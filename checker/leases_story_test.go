package checker

import (
	"testing"
	"time"

	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store"
	"etcdsim/store/saved"
)

// leaseStory is a hand-made run with one lease, 7, of two seconds: granted at
// 10 ms, with a key on it from 30 ms on, renewed at 105 ms. The leader of term 2 is
// n1.
type leaseStory struct {
	chronicle
	lessors Lessors
}

func newLeaseStory() *leaseStory {
	s := &leaseStory{}
	s.leads(-5000, 1, 2)
	s.op(0, 1, 0, 20, &store.LeaseGrantRequest{TTL: 2}, granted(1, 7, 2), 5)
	s.op(0, 1, 21, 40, &store.PutRequest{Key: "k", Value: "1", Lease: 7}, wrote(2), 6)
	s.commit(1, 5, 10, &store.LeaseGrantRequest{ID: 7, TTL: 2}, granted(1, 7, 2))
	s.commit(2, 6, 30, &store.PutRequest{Key: "k", Value: "1", Lease: 7}, wrote(2))
	s.keepAlive(100, 110, 2, 6)
	s.renewed(105, 1, 2)
	return s
}

func granted(rev, id, ttl int64) store.Response {
	return store.Response{Revision: rev, Result: &store.LeaseGrantResult{ID: id, TTL: ttl}}
}

func (s *leaseStory) at(n int, e trace.Event) {
	e.At = ms(n)
	s.lessors.Observe(&e)
}

// leads lets a member become the leader of a term.
func (s *leaseStory) leads(at int, member trace.Addr, term uint64) {
	s.at(at, trace.Event{Kind: trace.RoleChange, Aux: trace.RoleLeader, Member: member, Term: term})
}

// promoted lets a new leader begin the times anew.
func (s *leaseStory) promoted(at int, member trace.Addr, term uint64) {
	s.at(at, trace.Event{Kind: trace.LeasesPromoted, Member: member, Term: term, A: 1, B: uint64(time.Second)})
}

// succeeded: n2 succeeds n1 after a second.
func (s *leaseStory) succeeded() {
	s.leads(1000, 2, 3)
	s.promoted(1010, 2, 3)
}

func (s *leaseStory) renewed(at int, member trace.Addr, term uint64) {
	s.at(at, trace.Event{Kind: trace.LeaseRenewed, Member: member, Term: term, ID: 7, A: 2, B: uint64(ms(at + 2000))})
}

// paced lets the clock of n1 run at another pace.
func (s *leaseStory) paced(drift sim.Drift) {
	s.at(-100, trace.Event{Kind: trace.MemberFault, Aux: trace.FaultClockPace, Member: 1, A: uint64(drift)})
}

func (s *leaseStory) keepAlive(from, to int, ttl int64, applied uint64) {
	s.op(0, 1, from, to, &store.LeaseKeepAliveRequest{ID: 7},
		store.Response{Revision: 2, Result: &store.LeaseKeepAliveResult{ID: 7, TTL: ttl}}, applied)
}

func (s *leaseStory) timeToLive(from, to int, applied uint64, res store.LeaseTimeToLiveResult) {
	res.ID = 7
	s.op(1, 2, from, to, &store.LeaseTimeToLiveRequest{ID: 7, Keys: true}, store.Response{Revision: 2, Result: &res}, applied)
}

// revoked lets a member end the lease.
func (s *leaseStory) revoked(at int) {
	last := s.Commits[len(s.Commits)-1]
	s.commit(ownRequest|1, last.Index+1, at, &store.LeaseRevokeRequest{ID: 7},
		store.Response{Revision: last.Response.Revision + 1, Result: &store.LeaseRevokeResult{}})
}

// goesOn lets the leader of term 2 commit what a client asked for 20 ms before.
func (s *leaseStory) goesOn(at int) {
	last := s.Commits[len(s.Commits)-1]
	r, answer := put("x", "1"), wrote(last.Response.Revision+1)
	op := s.op(4, 1, at-20, at+10, r, answer, last.Index+1)
	s.commit(op.ID, last.Index+1, at, r, answer)
}

// over lets a leader find the lease over, and hand its end to raft.
func (s *leaseStory) over(at int, member trace.Addr, term uint64) {
	s.at(at, trace.Event{Kind: trace.LeaseExpired, Member: member, Term: term, ID: 7})
	s.at(at, trace.Event{Kind: trace.Propose, Aux: trace.RoleLeader, Member: member, Term: term, ID: ownRequest | uint64(at)})
}

// found lets n1 find the lease over at 2200 ms; proposes lets a member hand something to
// raft.
func (s *leaseStory) found(how uint16) {
	s.at(2200, trace.Event{Kind: trace.LeaseExpired, Aux: how, Member: 1, Term: 2, ID: 7})
}

func (s *leaseStory) proposes(at int, member trace.Addr, id uint64) {
	s.at(at, trace.Event{Kind: trace.Propose, Aux: trace.RoleLeader, Member: member, Term: 2, ID: id})
}

// beats lets the leader send heartbeats.
func (s *leaseStory) beats(at int, member trace.Addr) {
	s.at(at, trace.Event{Kind: trace.Send, Aux: msgHeartbeat, Member: member, Peer: 9})
}

func (s *leaseStory) judge(t *testing.T) Judgement {
	t.Helper()
	o := Options{Lessors: &s.lessors}
	all := s.Ops
	h := s.History
	h.Ops = keyValueOps(h.Ops)
	j, ok := judgeLeases(newLinearity(newRecord(h, nil), o), all, o)
	if !ok {
		t.Fatal("no lease was judged")
	}
	return j
}

// inherits lets lease 9 be there in the beginning.
func (s *leaseStory) inherits(ttl, remaining int64) {
	s.Initial = &saved.Snapshot{Revision: 1, Compacted: -1, Leases: []saved.Lease{{ID: 9, TTL: ttl, Remaining: remaining}}}
}

// ends lets a member end a lease that has no keys.
func (s *leaseStory) ends(lease int64, at int) {
	last := s.Commits[len(s.Commits)-1]
	s.commit(ownRequest|uint64(at), last.Index+1, at, &store.LeaseRevokeRequest{ID: lease},
		store.Response{Revision: last.Response.Revision, Result: &store.LeaseRevokeResult{}})
}

// checkpoint writes down what is left of a lease.
func (s *leaseStory) checkpoint(at int, lease, left int64) {
	last := s.Commits[len(s.Commits)-1]
	s.commit(ownRequest|uint64(at), last.Index+1, at,
		&store.LeaseCheckpointRequest{Checkpoints: []store.LeaseCheckpoint{{ID: lease, RemainingTTL: left}}},
		store.Response{Revision: last.Response.Revision, Result: &store.LeaseCheckpointResult{}})
}

// long makes the lease one of a minute that nobody renews.
func (s *leaseStory) long() {
	s.Commits[0].Response, s.Ops[0].Response = granted(1, 7, 60), granted(1, 7, 60)
	s.Ops, s.lessors.renewals = s.Ops[:2], nil
}

// later lets the leader of term 3 commit what a client asked for.
func (s *leaseStory) later(at int) {
	s.goesOn(at)
	s.Commits[len(s.Commits)-1].Term = 3
}

// replaced: n1 was replaced long ago, something happens to it, and it renews.
func (s *leaseStory) replaced(something trace.Kind) {
	s.succeeded()
	s.at(3600, trace.Event{Kind: something, Member: 1, Term: 2})
	s.renewed(3650, 1, 2)
	s.revoked(6000)
	s.keepAlive(3600, 3700, 2, 6)
}

// reads lets a client read the key on lease 7, as of a revision, at one where it was
// put, and asking for an old one or 0.
func (s *leaseStory) reads(at int, rev, put, old int64) {
	left := kv("k", "1", put, put, 1)
	left.Lease = 7
	s.op(2, 3, at, at+10, &store.RangeRequest{Key: "k", Revision: old}, read(rev, left), 7)
}

// forget drops the operation at a position of the history.
func (s *leaseStory) forget(i int) { s.Ops = append(s.Ops[:i:i], s.Ops[i+1:]...) }
