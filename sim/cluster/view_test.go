package cluster_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"etcdsim/node"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// ear hears answers.
type ear struct{ heard bool }

func (e *ear) Answer(node.Answer) { e.heard = true }
func (e *ear) Wake(uint64)        {}

// owes asks a member for something, and fails if the members have converged while it
// owes the answer.
func (s *story) owes(member uint64, as store.Credential, request store.Request) {
	s.t.Helper()
	var client ear
	s.Attach(trace.Client(0), &client)
	op := s.NextOp()
	s.CallAs(trace.Client(0), member, op, as, request)
	owed := 0
	s.until("the request is answered", func() bool {
		if slices.ContainsFunc(s.Node(member).Pending(), func(c node.Call) bool { return c.Op == op }) {
			owed++
			if s.Converged() {
				s.t.Fatalf("at %v n%d owes an answer to %s, and the members have converged", s.Now(), member, store.Describe(request))
			}
		}
		return client.heard
	})
	if owed == 0 {
		s.t.Errorf("%s was never seen under way at n%d", store.Describe(request), member)
	}
}

// Members have not converged while one of them owes an answer: to a write, to a read
// that waits for the others to confirm who leads, to what it passes on to the leader, or
// to what is about the member itself.
func TestWhoOwesAnAnswerHasNotConverged(t *testing.T) {
	const lease = 7
	everywhere := []store.Request{
		&store.PutRequest{Key: "k", Value: "v"}, &store.RangeRequest{Key: "k"}, &store.DefragmentRequest{},
		&store.MemberUpdateRequest{ID: 1, PeerURLs: []string{"http://elsewhere:2380"}},
	}
	passedOn := []store.Request{
		&store.LeaseKeepAliveRequest{ID: lease}, &store.LeaseTimeToLiveRequest{ID: lease}, &store.MemberPromoteRequest{ID: 9},
	}
	for member := range uint64(3) {
		s := newStory(t, 5, nil)
		s.must(1, &store.MemberListRequest{})
		s.ask(1, &store.LeaseGrantRequest{ID: lease, TTL: 600})
		requests := slices.Clone(everywhere)
		if s.Leader() == member+1 {
			requests = append(requests, &store.MoveLeaderRequest{Target: s.follower()})
		} else {
			requests = append(requests, passedOn...)
		}
		for _, request := range requests {
			s.until("the members converge", s.Converged)
			s.owes(member+1, store.Credential{}, request)
		}
	}
}

// Reads wait for the end of a defragmentation.
func TestWhoOwesAReadAfterDefragmentingHasNotConverged(t *testing.T) {
	s := newStory(t, 5, nil)
	s.ask(1, &store.PutRequest{Key: "k", Value: strings.Repeat("v", 1<<20)})
	s.until("the members converge", s.Converged)
	s.Call(trace.Client(1), 1, s.NextOp(), &store.DefragmentRequest{})
	s.until("n1 defragments", func() bool { return len(s.Node(1).Pending()) > 0 })
	s.owes(1, store.Credential{}, &store.RangeRequest{Key: "k", Serializable: true})
}

// Reads of the next round wait, like those of the one under way.
func TestNextReadsArePending(t *testing.T) {
	s := newStory(t, 5, nil)
	s.until("the members converge", s.Converged)
	s.Kill(2)
	s.Kill(3)
	for range 2 {
		s.Call(trace.Client(0), 1, s.NextOp(), &store.RangeRequest{Key: "k"})
		s.run(100 * time.Millisecond)
	}
	if n := len(s.Node(1).Pending()); n != 2 {
		t.Errorf("two reads without a quorum, and %d are pending", n)
	}
}

// A write for which there is no space waits until the alarm is on.
func TestWhoOwesARefusalForSpaceHasNotConverged(t *testing.T) {
	s := newStory(t, 5, tight)
	s.until("the members converge", s.Converged)
	for s.log.Hits(trace.ProbeNoSpace) == 0 {
		s.owes(1, store.Credential{}, &store.PutRequest{Key: "k", Value: strings.Repeat("v", 20<<10)})
	}
}

// A renewal that comes after the lease's time waits until the lease has been revoked.
func TestWhoOwesARenewalHasNotConverged(t *testing.T) {
	const lease, ttl = 7, 5
	s := newStory(t, 5, nil)
	s.until("the members converge", s.Converged)
	s.ask(s.Leader(), &store.LeaseGrantRequest{ID: lease, TTL: ttl})
	s.run(ttl*time.Second + 50*time.Millisecond)
	s.owes(s.Leader(), store.Credential{}, &store.LeaseKeepAliveRequest{ID: lease})
	if s.log.Hits(trace.ProbeRenewedLate) == 0 {
		t.Error("the lease had time left")
	}
}

// Whoever logs in waits for a token, and whoever shows one that the member does not know
// yet for its entry.
func TestWhoOwesATokenHasNotConverged(t *testing.T) {
	s, _, _ := guarded(t, nil)
	s.until("the members converge", s.Converged)
	s.owes(2, store.Credential{}, &store.AuthenticateRequest{Name: "u", Password: "u"})
	s.until("the members converge", s.Converged)
	s.owes(2, store.Credential{Token: "early.1000000"}, &store.RangeRequest{Key: "f1", Serializable: true})
}

// Who waits for a client is owed nothing by the members: they have converged although
// somebody queues for a lock, watches, or asked the older store to wait.
func TestWaitingForOthersIsNoDebt(t *testing.T) {
	s := newStory(t, 5, nil)
	s.until("the members converge", s.Converged)
	s.ask(1, &store.LockRequest{Name: "lock"})
	waiting := []store.Request{
		&store.LockRequest{Name: "lock"},
		&store.HTTPRequest{Method: "GET", Path: "/v2/keys/k", Query: "wait=true"},
	}
	var client ear
	s.Attach(trace.Client(0), &client)
	for _, request := range waiting {
		s.Call(trace.Client(0), 1, s.NextOp(), request)
	}
	s.run(time.Second)
	if !s.Converged() || client.heard || len(s.Node(1).Pending()) != len(waiting) {
		t.Errorf("converged: %v, heard: %v, waiting: %v; expected the members at rest and %d that wait",
			s.Converged(), client.heard, s.Node(1).Pending(), len(waiting))
	}
}
