package cluster_test

import (
	"slices"
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
	s.CallAs(trace.Client(0), member, s.NextOp(), as, request)
	owed := 0
	s.until("the request is answered", func() bool {
		if len(s.Node(member).Pending()) > 0 {
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
// that waits for the others to confirm who leads, or to what it passes on to the leader.
func TestWhoOwesAnAnswerHasNotConverged(t *testing.T) {
	const lease = 7
	everywhere := []store.Request{&store.PutRequest{Key: "k", Value: "v"}, &store.RangeRequest{Key: "k"}}
	passedOn := []store.Request{
		&store.LeaseKeepAliveRequest{ID: lease}, &store.LeaseTimeToLiveRequest{ID: lease}, &store.MemberPromoteRequest{ID: 9},
	}
	for member := range uint64(3) {
		s := newStory(t, 5, nil)
		s.must(1, &store.MemberListRequest{})
		s.ask(1, &store.LeaseGrantRequest{ID: lease, TTL: 600})
		requests := slices.Clone(everywhere)
		if s.Leader() != member+1 {
			requests = append(requests, passedOn...)
		}
		for _, request := range requests {
			s.until("the members converge", s.Converged)
			s.owes(member+1, store.Credential{}, request)
		}
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

// Whoever shows a token that the member does not know yet waits for its entry.
func TestWhoHoldsACallByAnEarlyTokenHasNotConverged(t *testing.T) {
	s, _, _ := guarded(t, nil)
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
