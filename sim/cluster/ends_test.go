package cluster_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
)

// A follower with a slow disk gets a leader's snapshot while a batch of its own is on its
// way to that disk. It does not mark its log with the batch, which is older, and goes on.
func TestSlowLaggardGetsASnapshot(t *testing.T) {
	for seed := range uint64(40) {
		s := newStory(t, seed, eager)
		d := &driver{c: s.Cluster, self: trace.Client(0)}
		s.Attach(d.self, d)
		leader := s.Leader()
		laggard := leader%3 + 1
		d.next()
		s.until("the log has moved on", func() bool { return d.n >= 20+int64(seed) })
		s.Disk(laggard).Slow(200)
		s.run(20 * time.Millisecond)
		s.Network().Cut(trace.Addr(leader), trace.Addr(laggard))
		ahead := d.n + 40
		s.until("the others are ahead", func() bool { return d.n >= ahead })
		s.Heal(trace.Addr(leader), trace.Addr(laggard))
		s.until("a snapshot is installed, or the process has ended", func() bool {
			return s.log.Hits(trace.ProbeSnapshotInstalled) > 0 || s.Member(laggard).State != cluster.Up
		})
		if s.Member(laggard).State != cluster.Up {
			t.Fatalf("seed %d: n%d has ended", seed, laggard)
		}
		s.Disk(laggard).Slow(1)
		d.done = true
		s.until("the members converge", s.Converged)
	}
}

// A member that cannot go on, and whose disk is not why, has a defect: here the names of
// all snapshots to come are taken, as nobody but itself could have done.
func TestEndWithoutReasonIsABreakdown(t *testing.T) {
	s := newStory(t, 1, eager)
	d := &driver{c: s.Cluster, self: trace.Client(0)}
	s.Attach(d.self, d)
	leader := s.Leader()
	for index := range 200 {
		if _, err := s.Disk(leader).Create(fmt.Sprintf("%016x-%016x.snap", index, s.Node(leader).View().Term)); err != nil {
			t.Fatal(err)
		}
	}
	d.next()
	for end := s.Now().Add(time.Minute); len(s.Breakdowns()) == 0 && s.Now() < end; {
		s.Step()
	}
	if b := s.Breakdowns(); len(b) != 1 || b[0].Member != leader || !strings.Contains(b[0].Text, "file exists") {
		t.Errorf("breakdowns %+v, want one of n%d", b, leader)
	}
}
