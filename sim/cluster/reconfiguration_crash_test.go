package cluster_test

import (
	"fmt"
	"testing"
	"time"

	"etcdsim/node"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// TestCrashInTheMiddleOfAChange asks for a change and, so many events later,
// lets everybody or the leader lose its power. Afterwards the change has happened
// or it has not, for all members alike, and if it was acknowledged it has.
func TestCrashInTheMiddleOfAChange(t *testing.T) {
	const between = 3 // events from one crash to the next
	for _, c := range []struct {
		name   string
		before []store.Request
		change store.Request
		did    string // the members with the change
	}{
		{"add", nil, addition(4, true), "n1, n2, n3, n4 learner not started"},
		{"promote", []store.Request{addition(4, true)}, &store.MemberPromoteRequest{ID: 4}, "n1, n2, n3, n4"},
		{"update", nil, &store.MemberUpdateRequest{ID: 2, PeerURLs: []string{"http://new:1"}}, "n1, n2, n3"},
		{"remove", nil, &store.MemberRemoveRequest{ID: 1}, "n2, n3"},
	} {
		for _, everybody := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s everybody=%v", c.name, everybody), func(t *testing.T) {
				outcomes := map[bool]int{}
				for after := 0; after < 90; after += between {
					outcomes[crashInChange(t, c.before, c.change, c.did, after, everybody)]++
				}
				if outcomes[true] == 0 || outcomes[false] == 0 {
					t.Errorf("the change happened %d times and did not %d times: the crashes came too late or too early", outcomes[true], outcomes[false])
				}
			})
		}
	}
}

// crashInChange reports whether the change happened.
func crashInChange(t *testing.T, before []store.Request, change store.Request, did string, after int, everybody bool) bool {
	s := newStory(t, 3, func(c *cluster.Config) { c.Node.SnapshotEntries, c.Node.SnapshotCatchUp = 5, 2 })
	s.run(6 * time.Second)
	for _, r := range before {
		s.must(s.Leader(), r)
		s.Start(4)
		s.until("n4 has joined", func() bool { return s.Node(s.Leader()).Members()[3].Started() })
		s.settled()
	}
	without := roster(s.Roster())
	leader := s.Leader()
	if r, ok := change.(*store.MemberRemoveRequest); ok {
		r.ID = leader%3 + 1
	}
	a := &admin{s: s, op: s.NextOp()}
	s.Attach(trace.Client(1), a)
	s.Call(trace.Client(1), leader, a.op, change)
	for range after {
		s.Step()
	}
	acknowledged := a.answer != nil && a.answer.Err == nil
	victim := uint64(0)
	if !everybody {
		victim = leader
	}
	s.restart(victim)
	s.run(time.Second)
	s.settled()

	happened := false
	for _, commit := range s.Commits() {
		if commit.Proposal.ID == a.op && commit.Response.Err == nil {
			happened = true
		}
	}
	if acknowledged && !happened {
		t.Errorf("crash %d events after the request: acknowledged, and not in the log", after)
	}
	got := roster(s.Node(s.leader()).Members())
	if _, ok := change.(*store.MemberRemoveRequest); ok {
		did = "two members"
		if len(s.Roster()) == 2 {
			got = did
		}
	}
	if want := map[bool]string{true: did, false: without}[happened]; got != want {
		t.Errorf("crash %d events after the request: the change happened: %v, but the members are %s, want %s", after, happened, got, want)
	}
	return happened
}

var _ cluster.Receiver = (*admin)(nil)

// TestPromotionAskedOfAFollower: a follower passes a promotion on, asks again
// while there is no leader to ask, and gives up in time.
func TestPromotionAskedOfAFollower(t *testing.T) {
	s := newStory(t, 8, nil)
	s.run(6 * time.Second)
	s.must(s.Leader(), addition(4, true))
	s.Start(4)
	s.until("n4 has joined", func() bool { return s.Node(s.Leader()).Members()[3].Started() })
	s.settled()
	old, follower := s.Leader(), s.follower()
	s.Kill(old)
	var answers []node.Answer
	ask := func() {
		a := &admin{s: s, op: s.NextOp()}
		s.Attach(trace.Client(1), a)
		s.Call(trace.Client(1), follower, a.op, &store.MemberPromoteRequest{ID: 4})
		s.until("it is answered", func() bool { return a.answer != nil })
		answers = append(answers, *a.answer)
	}
	ask()
	if err := answers[0].Err; err != nil {
		t.Errorf("asked while the leader was dead: %v, though there was another soon", err)
	}
	if got := roster(s.Roster()); got != "n1, n2, n3, n4" {
		t.Errorf("the members are %s", got)
	}
	for id := uint64(1); id <= 4; id++ {
		if id != follower && id != old {
			s.Kill(id)
		}
	}
	ask()
	if err := answers[1].Err; err != store.ErrTimeout {
		t.Errorf("asked without a quorum: got %v, want %v", err, store.ErrTimeout)
	}
}
