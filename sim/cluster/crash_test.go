package cluster_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"etcdsim/node"
	"etcdsim/sim/bug"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
	"etcdsim/store/mvcc"
)

// driver is a client that asks for something of everything that goes through the
// log, one request after another.
type driver struct {
	c    *cluster.Cluster
	self trace.Addr
	n    int64
	op   uint64
	done bool
}

func (d *driver) Wake(uint64) { d.next() }

func (d *driver) Answer(a node.Answer) {
	if a.Op == d.op {
		d.c.WakeAt(d.c.Now().Add(2*time.Millisecond), d.self, 0)
	}
}

func (d *driver) next() {
	if d.done {
		return
	}
	d.op = d.c.NextOp()
	d.c.Call(d.self, max(d.c.Leader(), 1), d.op, d.request())
	d.n++
}

func (d *driver) request() store.Request {
	key := fmt.Sprint("k", d.n%3)
	switch d.n % 9 {
	case 2:
		return &store.LeaseGrantRequest{ID: 1 + d.n/9, TTL: 1000}
	case 3:
		return &store.PutRequest{Key: key, Value: fmt.Sprint(d.n), Lease: 1 + d.n/9}
	case 5:
		return &store.TxnRequest{Success: []store.Op{&store.PutRequest{Key: "t", Value: fmt.Sprint(d.n)}, &store.DeleteRangeRequest{Key: key}}}
	case 6:
		return &store.CompactionRequest{Revision: 1 + d.n/2}
	case 8:
		return &store.LeaseRevokeRequest{ID: d.n / 9}
	}
	return &store.PutRequest{Key: key, Value: fmt.Sprint(d.n)}
}

// eager lets all that the backend does happen within a few events.
func eager(c *cluster.Config) {
	c.Node.SnapshotEntries, c.Node.SnapshotCatchUp = 12, 4
	c.Node.Batch = 10 * time.Millisecond
	c.Node.Segment = 1 << 10
}

// deaths are the ways in which a member dies and starts again.
var deaths = map[string]func(s *story, victim uint64){
	"power":   func(s *story, victim uint64) { s.Kill(victim); s.Start(victim) },
	"process": func(s *story, victim uint64) { s.KillProcess(victim); s.Start(victim) },
	// What the second process read must be durable before it relies on it.
	"process, then power": func(s *story, victim uint64) {
		s.KillProcess(victim)
		s.Start(victim)
		index := s.Node(victim).View().LastIndex
		s.Kill(victim)
		s.Start(victim)
		if got := s.Node(victim).View().LastIndex; got != index {
			s.t.Errorf("n%d starts with a log through %d, and after a power cut with one through %d", victim, index, got)
		}
	},
	"process, and power before the next": func(s *story, victim uint64) {
		s.KillProcess(victim)
		s.Kill(victim)
		if n := s.Disk(victim).Unsynced(); n > 0 {
			s.t.Errorf("the disk of n%d has %d bytes that are not synced, after a power cut", victim, n)
		}
		s.Start(victim)
	},
}

// crashing is a short run in which one member dies after so many events of a
// working cluster, and starts again at once. It returns how many events there
// were to die at.
func crashing(t *testing.T, seed uint64, after int, die func(*story, uint64), change func(*cluster.Config)) int {
	t.Helper()
	s := newStory(t, seed, change)
	s.until("the members are at rest", s.Converged)
	d := &driver{c: s.Cluster, self: trace.Client(0)}
	s.Attach(d.self, d)
	d.next()
	events := 0
	for d.n < 60 && events != after {
		s.Step()
		events++
	}
	victim := uint64(max(after, 0)%s.Size() + 1)
	die(s, victim)
	// What comes next is applied on top of what was found.
	end := s.Now().Add(30 * time.Millisecond)
	s.until("time passes", func() bool { return s.NextAt() > end })
	d.done = true
	s.until("the members converge", s.Converged)
	sameAsLog(t, s, fmt.Sprintf("seed %d, n%d killed after %d events", seed, victim, after))
	return events
}

// sameAsLog compares the stores of all members, byte for byte, with one that
// applied the committed log in one go.
func sameAsLog(t *testing.T, s *story, what string) {
	t.Helper()
	applied := s.Node(s.Leader()).View().Applied
	want := mvcc.New(mvcc.Config{MinLeaseTTL: 2})
	for _, c := range s.Commits() {
		if _, ok := c.Proposal.Request.(*store.MemberPublishRequest); !ok { // of no concern to the store
			want.Apply(c.Index, c.Proposal)
		}
	}
	want.Skip(applied)
	for id := uint64(1); id <= uint64(s.Size()); id++ {
		got := s.Node(id).Store()
		if got.StateHash() != want.StateHash() || string(got.Encode()) != string(want.Encode()) {
			t.Fatalf("%s: n%d at applied index %d, rev %d, holds another store than the log makes, which is at rev %d",
				what, id, got.Applied(), got.Revision(), want.Revision())
		}
	}
}

// TestCrashAtEveryEvent lets a member die at every event of a short run: with its
// batch, base, mark or snapshot anywhere between memory and platter.
func TestCrashAtEveryEvent(t *testing.T) {
	step := 1
	if testing.Short() {
		step = 7
	}
	for _, nodes := range []int{1, 3} {
		for name, die := range deaths {
			t.Run(fmt.Sprintf("nodes=%d/%s", nodes, name), func(t *testing.T) {
				t.Parallel()
				change := func(c *cluster.Config) { eager(c); c.Nodes = nodes }
				all := crashing(t, 1, -1, die, change)
				if all < 300 {
					t.Fatalf("only %d events: nothing was tested", all)
				}
				step := step
				if name != "power" {
					step *= 3
				}
				for after := 0; after < all; after += step {
					crashing(t, uint64(after), after, die, change)
				}
			})
		}
	}
}

// TestCrashOfALaggard kills a member at every event while it takes in a leader's
// snapshot.
func TestCrashOfALaggard(t *testing.T) {
	installs := uint64(0)
	for after := range 60 {
		s := newStory(t, uint64(after), eager)
		d := &driver{c: s.Cluster, self: trace.Client(0)}
		s.Attach(d.self, d)
		laggard := s.Leader()%3 + 1
		s.Kill(laggard)
		d.next()
		s.until("the log has moved on", func() bool { return d.n >= 60 })
		s.Start(laggard)
		s.until("a snapshot is on its way", func() bool { return s.log.Hits(trace.ProbeSnapshotSent) > 0 })
		for range after {
			s.Step()
		}
		s.Kill(laggard)
		s.Start(laggard)
		d.done = true
		s.until("the members converge", s.Converged)
		sameAsLog(t, s, fmt.Sprintf("seed %d, n%d killed %d events after a snapshot was sent", after, laggard, after))
		installs += s.log.Hits(trace.ProbeSnapshotInstalled)
	}
	if installs < 50 {
		t.Errorf("%d snapshots were installed in 60 runs", installs)
	}
}

// The two defects of the consistent index are seen: otherwise the tests above
// prove little.
func TestMisplacedIndexShows(t *testing.T) {
	for _, b := range []bug.ID{bug.CindexAhead, bug.CindexBehind} {
		s := newStory(t, 1, func(c *cluster.Config) { eager(c); c.Bugs = c.Bugs.With(b); c.Node.SnapshotEntries = 1000 })
		d := &driver{c: s.Cluster, self: trace.Client(0)}
		s.Attach(d.self, d)
		d.next()
		s.until("some requests are answered", func() bool { return d.n >= 40 })
		s.Kill(1)
		s.Start(1)
		d.done = true
		s.until("the members converge", s.Converged)
		if s.Node(1).Store().StateHash() == s.Node(2).Store().StateHash() {
			t.Errorf("defect %v leaves no trace", bug.Set(0).With(b))
		}
	}
}

// A trap is told when it is set, when it springs and when it is taken away, and not once
// more when there is none, however the last one was to kill.
func TestTrapsAreToldOnce(t *testing.T) {
	s := newStory(t, 1, nil)
	var told []uint16
	s.log.Subscribe(trace.Kinds(trace.MemberFault), func(e *trace.Event) { told = append(told, e.Aux) })
	none := node.Trap{}
	s.until("the members converge", s.Converged)
	for _, how := range []cluster.Death{cluster.PowerCut, cluster.ProcessOnly} {
		s.Arm(1, node.Trap{At: node.BeforeSync}, how)
		s.Arm(1, none, how)
		s.Arm(1, none, cluster.PowerCut)
		s.Arm(1, node.Trap{At: node.BeforeSync}, how)
		s.ask(s.Leader(), &store.PutRequest{Key: "k", Value: "v"})
		s.until("n1 dies", func() bool { return s.Member(1).State == cluster.Down })
		s.Arm(1, none, cluster.PowerCut)
		s.Start(1)
		s.until("the members converge", s.Converged)
	}
	once := []uint16{trace.FaultTrapSet, trace.FaultTrapSet, trace.FaultTrapSet, trace.FaultTrapSprung}
	if want := slices.Concat(once, once); !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}
