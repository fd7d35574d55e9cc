package cluster_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// story is a universe under test: a cluster, and one client that puts every
// 10 ms and goes on whatever happens.
type story struct {
	*cluster.Cluster
	t   testing.TB
	log *trace.Log
	w   *writer
}

func newStory(t testing.TB, seed uint64, change func(*cluster.Config)) *story {
	t.Helper()
	cfg := cluster.DefaultConfig()
	if change != nil {
		change(&cfg)
	}
	log := trace.NewLog()
	c, err := cluster.New(cfg, seed, log)
	if err != nil {
		t.Fatal(err)
	}
	s := &story{Cluster: c, t: t, log: log}
	s.until("a leader is elected", func() bool { return c.Leader() != 0 })
	return s
}

func (s *story) write() {
	s.w = (&writer{c: s.Cluster, self: trace.Client(0), every: 10 * time.Millisecond}).start()
}

// until lets events happen until the condition holds; 30 s without it fail.
func (s *story) until(what string, holds func() bool) {
	s.t.Helper()
	for deadline := s.Now().Add(30 * time.Second); !holds(); {
		if s.NextAt() > deadline {
			s.t.Fatalf("at %v still waiting until %s", s.Now(), what)
		}
		s.Step()
	}
	for _, b := range s.Breakdowns() {
		s.t.Fatalf("member %d broke down at %v: %s\n%s", b.Member, b.At, b.Text, b.Stack)
	}
}

func (s *story) run(d time.Duration) {
	s.t.Helper()
	end := s.Now().Add(d)
	s.until("time passes", func() bool { return s.NextAt() > end })
}

// converge ends the writing and waits until the members agree.
func (s *story) converge() {
	s.t.Helper()
	if s.w != nil {
		s.w.every = time.Hour
	}
	s.until("the members converge", s.Converged)
	states := s.Members()
	for _, m := range states {
		if m.Running && (m.Revision != states[s.Leader()-1].Revision || m.Hash != states[s.Leader()-1].Hash) {
			s.t.Errorf("converged, but the stores differ: %+v", states)
		}
	}
}

// lost returns the operations that were acknowledged and are not committed.
func (s *story) lost() (lost []history.Op) {
	committed := map[uint64]bool{}
	for _, c := range s.Commits() {
		committed[c.Proposal.ID] = true
	}
	for _, op := range s.w.ops {
		if op.Outcome == history.OK && !committed[op.ID] {
			lost = append(lost, op)
		}
	}
	return lost
}

func TestLeaderKill(t *testing.T) {
	s := newStory(t, 7, nil)
	s.write()
	s.run(time.Second)
	old := s.Leader()
	s.Kill(old)
	s.until("another member leads", func() bool { return s.Leader() != 0 && s.Leader() != old })
	acked := s.w.acked
	s.until("writes go on", func() bool { return s.w.acked > acked+50 })
	s.Start(old)
	s.converge()
	if lost := s.lost(); len(lost) > 0 {
		t.Errorf("acknowledged and lost: %+v", lost)
	}
	if s.log.Hits(trace.ProbeLeaderCrash) != 1 {
		t.Error("the probe for a leader's crash was not hit once")
	}
}

// TestAllDie kills every member at once, again and again; what was acknowledged
// must be there.
func TestAllDie(t *testing.T) {
	for seed := range uint64(20) {
		s := newStory(t, seed, func(c *cluster.Config) { c.Node.SnapshotEntries, c.Node.SnapshotCatchUp = 40, 10 })
		s.write()
		for range 4 {
			s.run(777 * time.Millisecond)
			for id := range uint64(3) {
				s.Kill(id + 1)
			}
			for id := range uint64(3) {
				s.Start(id + 1)
			}
			s.until("a leader is elected", func() bool { return s.Leader() != 0 })
		}
		s.converge()
		if lost := s.lost(); len(lost) > 0 {
			t.Fatalf("seed %d: acknowledged and lost: %+v", seed, lost)
		}
		if s.w.acked < 50 {
			t.Fatalf("seed %d: only %d writes were acknowledged: nothing was tested", seed, s.w.acked)
		}
	}
}

func TestLaggardGetsSnapshot(t *testing.T) {
	s := newStory(t, 3, func(c *cluster.Config) { c.Node.SnapshotEntries, c.Node.SnapshotCatchUp = 50, 10 })
	laggard := s.Leader()%3 + 1
	s.Kill(laggard)
	s.write()
	s.until("300 writes are acknowledged", func() bool { return s.w.acked >= 300 })
	s.Start(laggard)
	s.converge()
	if s.log.Hits(trace.ProbeSnapshotInstalled) == 0 {
		t.Error("the laggard caught up without a snapshot")
	}
}

func TestGracefulStopHandsOver(t *testing.T) {
	s := newStory(t, 5, nil)
	s.write()
	s.run(500 * time.Millisecond)
	old, before := s.Leader(), s.Now()
	s.Stop(old)
	s.until("the member is down and another leads", func() bool {
		return s.Member(old).State == cluster.Down && s.Leader() != 0
	})
	if took := s.Now().Sub(before); took > 500*time.Millisecond {
		t.Errorf("the handover took %v: an election timeout passed", took)
	}
	s.Start(old)
	s.converge()
}

func TestPausedMemberCatchesUp(t *testing.T) {
	s := newStory(t, 11, nil)
	s.write()
	old := s.Leader()
	s.Pause(old)
	s.until("another member leads", func() bool { return s.Leader() != 0 && s.Leader() != old })
	s.run(time.Second)
	s.Resume(old)
	s.converge()
	if s.Member(old).Role != trace.RoleFollower {
		t.Error("the resumed leader still leads")
	}
}

// A process that is killed while it is paused has not read what came for it. Who sent
// it learns of that: a leader would not send a snapshot again otherwise.
func TestKilledWhilePaused(t *testing.T) {
	s := newStory(t, 11, nil)
	s.write()
	s.run(time.Second)
	follower := s.Leader()%3 + 1
	s.Pause(follower)
	s.run(50 * time.Millisecond)
	stale := 0
	s.log.Subscribe(trace.Kinds(trace.Drop), func(e *trace.Event) {
		if e.Aux == trace.DropStale && e.Peer == trace.Addr(follower) {
			stale++
		}
	})
	s.Kill(follower)
	if stale == 0 {
		t.Error("what came for the paused member is gone without a trace")
	}
	s.Start(follower)
	s.converge()
}

func TestPartitionedLeaderStepsDown(t *testing.T) {
	s := newStory(t, 2, nil)
	s.write()
	s.run(time.Second)
	old := s.Leader()
	for id := range uint64(3) {
		if id+1 != old {
			s.Network().Cut(trace.Addr(old), trace.Addr(id+1))
			s.Network().Cut(trace.Addr(id+1), trace.Addr(old))
		}
	}
	s.until("the majority elects", func() bool { return s.Leader() != old && s.Leader() != 0 })
	s.until("the old leader steps down", func() bool { return s.Member(old).Role != trace.RoleLeader })
	s.Network().HealAll()
	s.converge()
}

// TestHeldPackets holds the links of a follower and lets go.
func TestHeldPackets(t *testing.T) {
	s := newStory(t, 4, nil)
	s.write()
	s.run(time.Second)
	leader := trace.Addr(s.Leader())
	follower := leader%3 + 1
	s.Network().Hold(leader, follower)
	s.run(300 * time.Millisecond)
	behind := s.Member(uint64(leader)).Commit - s.Member(uint64(follower)).Commit
	if behind < 10 {
		t.Fatalf("the follower is only %d entries behind after 300 ms without packets", behind)
	}
	s.Release(leader, follower)
	s.converge()
}

// digest runs a short story with a crash, and returns its digest.
func digest(t testing.TB, seed uint64, marshal bool) trace.Digest {
	s := newStory(t, seed, func(c *cluster.Config) {
		c.Marshal = marshal
		c.Node.SnapshotEntries, c.Node.SnapshotCatchUp = 30, 5
		c.Net.Drop, c.Net.Duplicate, c.Net.Reorder = sim.Percent(1), sim.Percent(1), sim.Percent(1)
	})
	s.write()
	s.run(time.Second)
	victim := s.Leader()
	s.Kill(victim)
	s.run(3 * time.Second)
	s.Start(victim)
	s.run(2 * time.Second)
	if s.w.acked < 50 {
		t.Errorf("seed %d: only %d writes were acknowledged", seed, s.w.acked)
	}
	return s.log.Digest()
}

// TestSameSeedSameTrace runs eight universes beside each other in one process,
// two of each seed.
func TestSameSeedSameTrace(t *testing.T) {
	var digests [8]trace.Digest
	var wg sync.WaitGroup
	for i := range digests {
		wg.Go(func() { digests[i] = digest(t, uint64(i%4), false) })
	}
	wg.Wait()
	seen := map[trace.Digest]bool{}
	for i := range 4 {
		if digests[i] != digests[i+4] {
			t.Errorf("seed %d: two runs, two digests: %v and %v", i, digests[i], digests[i+4])
		}
		seen[digests[i]] = true
	}
	if len(seen) != 4 {
		t.Errorf("four seeds gave %d digests", len(seen))
	}
}

// TestMarshalledMessages proves that members share nothing they change: passing
// messages as bytes gives the same trace as passing them by pointer.
func TestMarshalledMessages(t *testing.T) {
	for seed := range uint64(5) {
		if a, b := digest(t, seed, false), digest(t, seed, true); a != b {
			t.Errorf("seed %d: by pointer %v, as bytes %v", seed, a, b)
		}
	}
}

// TestRefusedAndReset: a member that is down refuses, and one that dies resets
// the connections of those who wait.
func TestRefusedAndReset(t *testing.T) {
	s := newStory(t, 6, nil)
	s.until("the members are at rest", s.Converged)
	leader := s.Leader()
	w := (&writer{c: s.Cluster, self: trace.Client(0), every: time.Hour}).start()
	w.put()
	s.until("the leader has the request", s.Node(leader).Busy)
	s.Kill(leader)
	s.until("the client is told", func() bool { return w.ops[0].Return != 0 })
	if err := w.ops[0].Response.Err; err != store.ErrConnectionReset {
		t.Errorf("killed under a request: got %v, want a reset connection", err)
	}
	op := s.NextOp()
	w.ops = append(w.ops, history.Op{ID: op})
	s.Call(w.self, leader, op, &store.RangeRequest{Key: "k"})
	s.until("the client is told", func() bool { return w.ops[1].Return != 0 })
	if err := w.ops[1].Response.Err; err != store.ErrConnectionRefused {
		t.Errorf("asked a dead member: got %v, want a refused connection", err)
	}
}

func TestClusterSize(t *testing.T) {
	for _, nodes := range []int{0, -1, cluster.MaxNodes + 1} {
		cfg := cluster.DefaultConfig()
		cfg.Nodes = nodes
		if _, err := cluster.New(cfg, 1, trace.NewLog()); err == nil {
			t.Errorf("%d members were accepted", nodes)
		}
	}
	for _, nodes := range []int{1, 2, 5, 7} {
		t.Run(fmt.Sprint(nodes), func(t *testing.T) {
			s := newStory(t, 1, func(c *cluster.Config) { c.Nodes = nodes })
			s.write()
			s.until("20 writes are acknowledged", func() bool { return s.w.acked >= 20 })
			s.converge()
		})
	}
}
