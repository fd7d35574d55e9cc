package cluster_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"etcdsim/node"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// admin is a client that asks one thing at a time.
type admin struct {
	s      *story
	op     uint64
	answer *node.Answer
}

func (a *admin) Answer(answer node.Answer) {
	if answer.Op == a.op {
		a.answer = &answer
	}
}

func (*admin) Wake(uint64) {}

// ask sends a request to a member and returns the answer.
func (s *story) ask(member uint64, r store.Request) store.Response {
	s.t.Helper()
	a := &admin{s: s, op: s.NextOp()}
	s.Attach(trace.Client(1), a)
	s.Call(trace.Client(1), member, a.op, r)
	s.until(store.Describe(r)+" is answered", func() bool { return a.answer != nil })
	return a.answer.Response
}

// must asks for a change until it is done.
func (s *story) must(member uint64, r store.Request) []store.Member {
	s.t.Helper()
	for {
		switch res := s.ask(member, r).Result.(type) {
		case *store.MembersResult:
			return res.Members
		case *store.MemberAddResult:
			return res.Members
		}
		s.run(500 * time.Millisecond)
		if s.Now().Sub(0) > 2*time.Minute {
			s.t.Fatalf("%s is not done after two minutes", store.Describe(r))
		}
	}
}

func (s *story) refused(member uint64, r store.Request, want *store.Error) {
	s.t.Helper()
	if got := s.ask(member, r); got.Err != want {
		s.t.Errorf("n%d, %s: got %s, want %q", member, store.Describe(r), store.DescribeAnswered(r, got), want.Text)
	}
}

func addition(id uint64, learner bool) *store.MemberAddRequest {
	return &store.MemberAddRequest{PeerURLs: []string{store.PeerURL(id)}, Learner: learner}
}

// follower returns a running member that does not lead.
func (s *story) follower() uint64 {
	for id := uint64(1); id <= uint64(s.Size()); id++ {
		if v := s.Member(id); v.State == cluster.Up && v.Member && !v.Learner && id != s.Leader() {
			return id
		}
	}
	s.t.Fatal("no follower runs")
	return 0
}

func roster(members []store.Member) string {
	var parts []string
	for _, m := range members {
		name := store.MemberName(m.ID)
		if m.Learner {
			name += " learner"
		}
		if !m.Started() {
			name += " not started"
		}
		parts = append(parts, name)
	}
	return strings.Join(parts, ", ")
}

// settled waits until all members that run agree on the store and on each other.
func (s *story) settled() {
	s.t.Helper()
	s.until("the members that run converge", s.Converged)
	for _, m := range s.Members() {
		if !m.Running {
			continue
		}
		if got, want := roster(s.Node(m.ID).Members()), roster(s.Roster()); got != want {
			s.t.Errorf("n%d knows the members %s, the log says %s", m.ID, got, want)
		}
	}
}

// TestRefusals goes through etcd's refusals, on a follower and on the leader.
func TestRefusals(t *testing.T) {
	s := newStory(t, 1, nil)
	s.until("the members serve clients", func() bool {
		return s.Member(1).Serving && s.Member(2).Serving && s.Member(3).Serving
	})
	leader, follower := s.Leader(), s.follower()
	if s.Now().Sub(0) > 4*time.Second {
		t.Fatalf("the first leader came at %v: too late for this test", s.Now())
	}
	s.refused(follower, addition(4, false), store.ErrUnhealthy) // connected for less than 5 s
	s.refused(leader, addition(4, true), store.ErrUnhealthy)
	s.refused(leader, &store.MemberRemoveRequest{ID: follower}, store.ErrUnhealthy)
	s.run(6 * time.Second)
	for _, member := range []uint64{leader, follower} {
		s.refused(member, addition(2, false), store.ErrPeerURLExists)
		s.refused(member, &store.MemberAddRequest{PeerURLs: []string{"n4:2380"}}, store.ErrMemberBadURLs)
		s.refused(member, &store.MemberRemoveRequest{ID: 9}, store.ErrMemberNotFound)
		s.refused(member, &store.MemberUpdateRequest{ID: 9, PeerURLs: []string{"http://x:1"}}, store.ErrMemberNotFound)
		s.refused(member, &store.MemberUpdateRequest{ID: 1, PeerURLs: []string{store.PeerURL(2)}}, store.ErrPeerURLExists)
		s.refused(member, &store.MemberPromoteRequest{ID: 9}, store.ErrMemberNotFound)
		s.refused(member, &store.MemberPromoteRequest{ID: 1}, store.ErrMemberNotLearner)
	}
	s.refused(follower, &store.MoveLeaderRequest{Target: leader}, store.ErrNotLeader)
	s.refused(leader, &store.MoveLeaderRequest{Target: 9}, store.ErrBadLeaderTransferee)

	s.must(follower, addition(4, true))
	s.refused(leader, addition(5, true), store.ErrTooManyLearners)
	s.refused(follower, &store.MemberPromoteRequest{ID: 4}, store.ErrLearnerNotReady)
	s.refused(leader, &store.MemberPromoteRequest{ID: 4}, store.ErrLearnerNotReady)
	s.refused(leader, &store.MoveLeaderRequest{Target: 4}, store.ErrBadLeaderTransferee)
	s.refused(4, &store.MemberListRequest{}, store.ErrConnectionRefused) // announced, not started
	s.refused(5, &store.MemberListRequest{}, store.ErrConnectionRefused) // never heard of

	s.Start(4)
	s.until("n4 has told its name", func() bool { return s.Node(4).Members() != nil && s.Node(leader).Members()[3].Started() })
	s.settled()
	for _, r := range []store.Request{
		&store.PutRequest{Key: "k"}, &store.RangeRequest{Key: "k"}, &store.MemberListRequest{},
		&store.MemberPromoteRequest{ID: 4}, &store.MoveLeaderRequest{Target: 1},
	} {
		s.refused(4, r, store.ErrNotSupportedForLearner)
	}
	if r := s.ask(4, &store.RangeRequest{Key: "k", Serializable: true}); r.Err != nil {
		t.Errorf("a learner refuses a serializable read: %v", r.Err)
	}

	// One member is away: the cluster must not get smaller, nor larger by a voter.
	s.Kill(s.follower())
	s.refused(leader, addition(5, false), store.ErrUnhealthy)
	s.refused(leader, &store.MemberRemoveRequest{ID: s.follower()}, store.ErrUnhealthy)
	if got := roster(s.must(leader, &store.MemberPromoteRequest{ID: 4})); !strings.Contains(got, "n4") || strings.Contains(got, "learner") {
		t.Errorf("after the promotion: %s", got)
	}
}

// TestAnnouncedMembersCount: a voter that was announced and does not start counts
// for the quorum; a second one is refused.
func TestAnnouncedMembersCount(t *testing.T) {
	s := newStory(t, 2, func(c *cluster.Config) { c.Nodes = 1 })
	s.run(6 * time.Second)
	s.must(1, addition(2, false))
	a := &admin{s: s, op: s.NextOp()}
	s.Attach(trace.Client(1), a)
	s.Call(trace.Client(1), 1, a.op, addition(3, false))
	s.until("the second is answered", func() bool { return a.answer != nil })
	if a.answer.Err != store.ErrNotEnoughStarted {
		t.Errorf("a second voter that is only announced: got %v, want %v", a.answer.Err, store.ErrNotEnoughStarted)
	}
	s.refused(1, &store.MemberRemoveRequest{ID: 1}, store.ErrNotEnoughStarted)
	s.Start(2)
	s.until("n2 has told its name", func() bool { return s.Node(1).Members()[1].Started() })
	s.settled()
}

// TestLearnerJoinsByLogAndBySnapshot: a learner learns everything, does not
// count, is promoted, and counts.
func TestLearnerJoins(t *testing.T) {
	for name, entries := range map[string]uint64{"by log": 1e6, "by snapshot": 50} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, 3, func(c *cluster.Config) { c.Node.SnapshotEntries, c.Node.SnapshotCatchUp = entries, 10 })
			s.write()
			s.run(6 * time.Second)
			s.must(s.follower(), addition(4, true))
			s.Start(4)
			s.until("n4 follows", func() bool { return s.Member(4).Applied+20 > s.Member(s.Leader()).Applied })
			if got := s.log.Hits(trace.ProbeSnapshotInstalled); got == 0 {
				t.Error("n4 began without a snapshot, though no log begins at its beginning")
			}
			// Without the learner two of three are a quorum, with it they would not be.
			victim := s.follower()
			s.Kill(victim)
			acked := s.w.acked
			s.until("writes go on", func() bool { return s.w.acked > acked+20 })
			s.Start(victim)
			s.must(s.Leader(), &store.MemberPromoteRequest{ID: 4})
			s.converge()
			s.settled()
			if got, want := roster(s.Roster()), "n1, n2, n3, n4"; got != want {
				t.Errorf("members %s, want %s", got, want)
			}
			// Now it counts: two of four are none.
			s.Kill(1)
			s.Kill(2)
			s.run(3 * time.Second)
			before := s.Member(4).Commit
			s.Start(1)
			s.until("three of four go on", func() bool { return s.Leader() != 0 && s.Member(4).Commit > before })
			s.Start(2)
			s.settled()
		})
	}
}

// TestMemberReplaced: a member dies for good, is removed, and another takes its
// place.
func TestMemberReplaced(t *testing.T) {
	s := newStory(t, 4, func(c *cluster.Config) { c.Node.SnapshotEntries, c.Node.SnapshotCatchUp = 50, 10 })
	s.write()
	s.run(6 * time.Second)
	dead := s.Leader()
	s.Kill(dead)
	s.until("another member leads", func() bool { return s.Leader() != 0 && s.Leader() != dead })
	s.must(s.Leader(), &store.MemberRemoveRequest{ID: dead})
	s.run(6 * time.Second)
	s.must(s.Leader(), addition(4, false))
	s.Start(4)
	s.converge()
	s.settled()

	// The dead one comes back with its old disk: it does not know, and is told.
	s.Start(dead)
	if s.Member(dead).State != cluster.Up {
		t.Fatalf("n%d cannot know of its removal, and yet does not start", dead)
	}
	term := s.Member(s.Leader()).Term
	s.until("it is told and ends", func() bool { return s.Member(dead).State == cluster.Down })
	s.run(2 * time.Second)
	if got := s.Member(s.Leader()).Term; got != term {
		t.Errorf("its return moved the term from %d to %d", term, got)
	}
	s.settled()
}

// TestLeaderRemovesItself: it commits its own removal, lets it arrive, and ends;
// the others elect another. It does not start again.
func TestLeaderRemovesItself(t *testing.T) {
	s := newStory(t, 5, nil)
	s.write()
	s.run(6 * time.Second)
	old := s.Leader()
	members := s.must(old, &store.MemberRemoveRequest{ID: old})
	if slices.ContainsFunc(members, func(m store.Member) bool { return m.ID == old }) {
		t.Fatalf("after the removal of n%d: %s", old, roster(members))
	}
	s.until("it ends", func() bool { return s.Member(old).State == cluster.Down })
	s.until("another leads", func() bool { return s.Leader() != 0 && s.Leader() != old })
	s.Start(old)
	if v := s.Member(old); v.State != cluster.Down || !v.Removed {
		t.Errorf("n%d was removed and is %v", old, v.State)
	}
	s.converge()
	s.settled()
	if s.log.Hits(trace.ProbeLeaderRemoved) != 1 {
		t.Error("the probe for a removed leader was not hit once")
	}
	s.refused(s.Leader(), &store.MemberRemoveRequest{ID: old}, store.ErrMemberNotFound)
}

func TestMoveLeader(t *testing.T) {
	s := newStory(t, 6, nil)
	s.write()
	s.run(time.Second)
	old, target := s.Leader(), s.follower()
	if r := s.ask(old, &store.MoveLeaderRequest{Target: target}); r.Err != nil {
		t.Fatal(r.Err)
	}
	s.until("the target leads", func() bool { return s.Leader() == target })
	if r := s.ask(target, &store.MoveLeaderRequest{Target: target}); r.Err != nil {
		t.Errorf("to itself: %v", r.Err)
	}
	// The target is cut off: the leader stays, and says so in the end.
	away := s.follower()
	s.Network().Isolate(trace.Addr(away))
	s.refused(target, &store.MoveLeaderRequest{Target: away}, store.ErrTimeoutLeaderTransfer)
	s.Network().HealAll()
	s.converge()
}

// TestChangesOneAtATime: a change that comes while another is under way vanishes,
// and its client hears nothing for as long as a request may take.
func TestChangesOneAtATime(t *testing.T) {
	s := newStory(t, 7, nil)
	s.run(6 * time.Second)
	leader := s.Leader()
	first, second := &admin{s: s, op: s.NextOp()}, &admin{s: s, op: s.NextOp()}
	for i, a := range []*admin{first, second} {
		s.Attach(trace.Client(i), a)
		s.Call(trace.Client(i), leader, a.op, addition(uint64(4+i), false))
	}
	s.until("both are answered", func() bool { return first.answer != nil && second.answer != nil })
	if first.answer.Err != nil {
		first, second = second, first // it came later
	}
	if first.answer.Err != nil || second.answer.Err != store.ErrTimeout {
		t.Errorf("got %v and %v, want success and %v", first.answer.Err, second.answer.Err, store.ErrTimeout)
	}
	if s.Size() != 4 {
		t.Errorf("%d members, want 4", s.Size())
	}
	// As soon as the first is answered, the next one may come (etcd #15528).
	s.Start(4)
	s.until("n4 has told its name", func() bool { return s.Node(leader).Members()[3].Started() })
	s.run(6 * time.Second)
	s.must(leader, addition(6, true))
	if r := s.ask(leader, &store.MemberRemoveRequest{ID: 5}); r.Err != nil {
		t.Errorf("right behind another change: %v", r.Err)
	}
}

// TestRestartsDuringChanges kills a member, or all of them, at every moment of a
// sequence of changes, and starts them again: nothing of the membership is lost.
func TestRestartsDuringChanges(t *testing.T) {
	steps := []func(s *story){
		func(s *story) { s.must(s.leader(), addition(4, true)); s.Start(4) },
		func(s *story) { s.must(s.leader(), &store.MemberPromoteRequest{ID: 4}) },
		func(s *story) {
			s.must(s.leader(), &store.MemberUpdateRequest{ID: 4, PeerURLs: []string{"http://new:1"}})
		},
		func(s *story) { s.must(s.leader(), &store.MemberRemoveRequest{ID: 2}) },
	}
	want := []string{"n1, n2, n3, n4 learner", "n1, n2, n3, n4", "n1, n2, n3, n4", "n1, n3, n4"}
	for _, snapshot := range []uint64{5, 1000} {
		for moment := range steps {
			for victim := range uint64(5) { // 0 is everybody
				name := fmt.Sprintf("snapshot=%d after step %d n%d", snapshot, moment+1, victim)
				t.Run(name, func(t *testing.T) {
					s := newStory(t, 10+uint64(moment), func(c *cluster.Config) {
						c.Node.SnapshotEntries, c.Node.SnapshotCatchUp = snapshot, 2
					})
					s.w = &writer{c: s.Cluster, self: trace.Client(0), every: 100 * time.Millisecond}
					s.w.start()
					s.run(6 * time.Second)
					for i, step := range steps {
						step(s)
						if i == moment {
							s.restart(victim)
							s.run(8 * time.Second) // connected long enough for the next change
						}
						s.until("the change is known", func() bool {
							return roster(s.Roster()) == want[i] && s.leader() != 0 && roster(s.Node(s.leader()).Members()) == want[i]
						})
						s.run(300 * time.Millisecond)
					}
					s.converge()
					s.settled()
					if got := s.Roster()[len(s.Roster())-1].PeerURLs[0]; got != "http://new:1" {
						t.Errorf("n4 is at %s", got)
					}
				})
			}
		}
	}
}

// leader waits for a leader that all know.
func (s *story) leader() uint64 {
	s.t.Helper()
	s.until("there is a leader", func() bool { return s.Leader() != 0 })
	return s.Leader()
}

func (s *story) restart(victim uint64) {
	s.t.Helper()
	var ids []uint64
	for id := uint64(1); id <= uint64(s.Size()); id++ {
		if v := s.Member(id); (id == victim || victim == 0) && !v.Removed && v.Incarnation > 0 {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		s.Kill(id)
	}
	for _, id := range ids {
		s.Start(id)
	}
	s.leader()
}
