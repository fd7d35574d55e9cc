package cluster_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"etcdsim/node"
	"etcdsim/sim"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// spectator is a client with one stream to one member, which writes down what comes.
type spectator struct {
	*story
	self       trace.Addr
	member, op uint64
	// idle: it tells the member nothing of what it has dealt with.
	idle  bool
	heard []store.WatchResponse
	at    []sim.Time
	pongs int
	// count is the number of events that came.
	count int
	// ended is the error that ended the stream.
	ended *store.Error
}

// view opens a stream to a member that serves clients.
func (s *story) view(i int, member uint64, open store.StreamOpenRequest) *spectator {
	s.t.Helper()
	s.until("the member serves clients", func() bool { return s.Member(member).State == cluster.Down || s.Member(member).Serving })
	v := &spectator{story: s, self: trace.Client(2 + i), member: member, op: s.NextOp()}
	s.Attach(v.self, v)
	v.say(&open)
	return v
}

func (v *spectator) say(r store.Request) { v.Stream(v.self, v.member, v.op, r) }

func (v *spectator) Wake(uint64) {}

func (v *spectator) Answer(a node.Answer) {
	if a.Op != v.op {
		return
	}
	if v.ended != nil {
		v.t.Errorf("after its end, the stream says %+v", a)
	}
	v.ended = a.Err
	switch r := a.Result.(type) {
	case *store.WatchResponse:
		v.heard, v.at = append(v.heard, *r), append(v.at, v.Now())
		v.count += len(r.Events)
		if !v.idle {
			v.say(&store.StreamTakenRequest{Bytes: r.Bytes()})
		}
	case *store.StreamPong:
		v.pongs++
	}
}

// events returns the revisions of the events that came.
func (v *spectator) events() (revisions []int64) {
	for _, r := range v.heard {
		for _, e := range r.Events {
			revisions = append(revisions, e.KV.ModRevision)
		}
	}
	return revisions
}

// complete fails unless each revision from 2 on came once, in order.
func (v *spectator) complete() {
	v.t.Helper()
	for i, rev := range v.events() {
		if rev != int64(i)+2 {
			v.t.Fatalf("event %d has revision %d, want %d", i, rev, i+2)
		}
	}
}

var allHistory = &store.WatchRequest{Key: "\x00", RangeEnd: "\x00", StartRevision: 1}

func other(s *story, than uint64) uint64 { return than%uint64(s.Size()) + 1 }

// TestStreamOverBadLinks: packets are lost, overtaken and held up by a cut link, but
// everything comes once and in order, and the member sees no other client.
func TestStreamOverBadLinks(t *testing.T) {
	for seed := range uint64(10) {
		s := newStory(t, seed, func(c *cluster.Config) {
			c.Net.Drop, c.Net.Reorder, c.Net.Duplicate = sim.Percent(5), sim.Percent(10), sim.Percent(5)
		})
		s.write()
		v := s.view(1, other(s, s.Leader()), store.StreamOpenRequest{})
		v.say(allHistory)
		s.run(2 * time.Second)
		s.Network().Cut(trace.Addr(v.member), v.self)
		s.run(time.Second)
		before := len(v.heard)
		s.Network().Cut(v.self, trace.Addr(v.member))
		s.run(time.Second)
		if len(v.heard) != before {
			t.Errorf("seed %d: %d responses passed a cut link", seed, len(v.heard)-before)
		}
		s.Network().HealAll()
		s.until("the watcher has seen all", func() bool {
			return v.count == int(s.Member(v.member).Revision)-1 && v.count > 100
		})
		v.complete()
		if s.log.Hits(trace.ProbeStreamResent) == 0 {
			t.Errorf("seed %d: nothing was sent again", seed)
		}
	}
}

// TestStreamsEndWithTheirProcess: a client learns that its member died, that nobody
// listens, and that another process does not know its stream.
func TestStreamsEndWithTheirProcess(t *testing.T) {
	s := newStory(t, 3, nil)
	killed, stopped := s.view(0, 1, store.StreamOpenRequest{}), s.view(1, 2, store.StreamOpenRequest{})
	killed.say(allHistory)
	stopped.say(allHistory)
	s.until("both watch", func() bool { return len(killed.heard) > 0 && len(stopped.heard) > 0 })
	s.Kill(1)
	s.until("the client of the killed member knows", func() bool { return killed.ended == store.ErrConnectionReset })
	s.Stop(2)
	s.until("the client of the stopped member knows", func() bool { return stopped.ended == store.ErrConnectionReset })

	late := s.view(0, 1, store.StreamOpenRequest{})
	s.until("nobody listens", func() bool { return late.ended == store.ErrConnectionRefused })
	s.Start(1)
	again := s.view(0, 1, store.StreamOpenRequest{})
	again.say(&store.StreamPingRequest{})
	s.until("it listens again", func() bool { return again.pongs == 1 })

	// The reset is lost: the client finds out when it next says something.
	s.Network().Cut(1, again.self)
	s.Kill(1)
	s.Start(1)
	s.run(time.Second)
	s.until("the member serves clients", func() bool { return s.Member(1).Serving })
	s.Network().HealAll()
	if again.ended != nil {
		t.Fatalf("a lost reset arrived: %v", again.ended)
	}
	again.say(&store.StreamPingRequest{})
	s.until("the new process refuses", func() bool { return again.ended == store.ErrConnectionReset })
}

// TestHangUp: a client that hangs up hears no more, and the member forgets it, once
// it can be reached.
func TestHangUp(t *testing.T) {
	s := newStory(t, 4, nil)
	s.write()
	v := s.view(1, 1, store.StreamOpenRequest{})
	v.say(allHistory)
	s.run(300 * time.Millisecond)
	streams := func() (n int) {
		for _, call := range s.Node(1).Pending() {
			if call.Streamed {
				n++
			}
		}
		return n
	}
	if streams() != 1 {
		t.Fatalf("the member has %d streams, want 1", streams())
	}
	s.Network().Cut(v.self, 1)
	s.HangUp(v.op)
	heard := len(v.heard)
	s.run(2 * time.Second)
	if streams() != 1 {
		t.Error("the member learned what no packet could tell it")
	}
	s.Network().HealAll()
	s.until("the member forgets the stream", func() bool { return streams() == 0 })
	s.run(time.Second)
	if len(v.heard) != heard {
		t.Errorf("%d responses came after the client hung up", len(v.heard)-heard)
	}
}

// TestStreamTimesOut: when nothing passes for a quarter of an hour, both ends give
// the connection up.
func TestStreamTimesOut(t *testing.T) {
	s := newStory(t, 5, nil)
	v := s.view(1, 1, store.StreamOpenRequest{})
	v.say(allHistory)
	s.run(300 * time.Millisecond)
	s.Network().Cut(v.self, 1)
	s.Network().Cut(1, v.self)
	v.say(&store.WatchProgressRequest{})
	begun := s.Now()
	for v.ended == nil && s.Now().Sub(begun) < time.Hour {
		s.Step()
	}
	if took := s.Now().Sub(begun); v.ended != store.ErrConnectionReset || took < 10*time.Minute || took > 30*time.Minute {
		t.Errorf("after %v the stream ended with %v, want a reset after some 16 minutes", took, v.ended)
	}
	if len(s.Node(1).Pending()) != 0 {
		t.Error("the member keeps the stream")
	}
}

// TestSlowClient: who does not say that it has taken anything gets a window's worth
// and no more; its watcher falls behind, and catches up later without a gap.
func TestSlowClient(t *testing.T) {
	s := newStory(t, 6, nil)
	v := s.view(1, 1, store.StreamOpenRequest{Window: 2000})
	v.idle = true
	v.say(allHistory)
	s.write()
	s.run(4 * time.Second)
	var bytes int64
	for _, r := range v.heard {
		bytes += r.Bytes()
	}
	last := v.heard[len(v.heard)-1]
	if bytes-last.Bytes() >= 2000 || bytes < 2000 {
		t.Errorf("the member sent %d bytes into a window of 2000, the last response takes %d", bytes, last.Bytes())
	}
	if s.log.Hits(trace.ProbeWatchSlow) == 0 {
		t.Error("no watcher fell behind")
	}
	v.idle = false
	v.say(&store.StreamTakenRequest{Bytes: bytes})
	s.until("the watcher has caught up", func() bool { return v.count == int(s.Member(1).Revision)-1 })
	v.complete()
}

// TestCompactionOvertakesSlowClient: what a slow client needs is compacted. Whatever
// reached its stream before comes, and then the news that it has ended.
func TestCompactionOvertakesSlowClient(t *testing.T) {
	s := newStory(t, 7, nil)
	v := s.view(1, 1, store.StreamOpenRequest{Window: 2000})
	v.idle = true
	v.say(allHistory)
	s.write()
	s.run(4 * time.Second)
	compacted := s.Member(1).Revision
	s.ask(1, &store.CompactionRequest{Revision: compacted})
	v.idle = false
	v.say(&store.StreamTakenRequest{Bytes: 1 << 20})
	s.until("the watcher ends", func() bool { return v.heard[len(v.heard)-1].Canceled })
	v.complete()
	if end := v.heard[len(v.heard)-1]; end.CompactRevision != compacted || end.Revision != 0 || end.CancelReason != "" {
		t.Errorf("the watcher ended with %+v, want compact revision %d and nothing else", end, compacted)
	}
}

// TestLeaderRequired: a stream that requires a leader ends when there was none for
// three elections' time, and cannot be opened; others go on.
func TestLeaderRequired(t *testing.T) {
	s := newStory(t, 8, nil)
	leader := s.Leader()
	alone := other(s, leader)
	strict, patient := s.view(0, alone, store.StreamOpenRequest{RequireLeader: true}), s.view(1, alone, store.StreamOpenRequest{})
	strict.say(allHistory)
	patient.say(allHistory)
	s.run(time.Second)
	for id := range uint64(s.Size()) {
		if id+1 != alone {
			s.Kill(id + 1)
		}
	}
	begun := s.Now()
	s.until("the strict stream ends", func() bool { return strict.ended == store.ErrNoLeader })
	// The leader is given up after an election timeout, drawn from 1 s to 2 s.
	if took := s.Now().Sub(begun); took < 3*time.Second || took > 6*time.Second {
		t.Errorf("it ended after %v, want three to six seconds", took)
	}
	strict = s.view(0, alone, store.StreamOpenRequest{RequireLeader: true})
	s.until("another is refused", func() bool { return strict.ended == store.ErrNoLeader })
	if patient.ended != nil {
		t.Errorf("the patient stream ended: %v", patient.ended)
	}
}

// TestPeriodicProgress: a watcher that asked is notified at every interval in which
// nothing happened to it, with some jitter, and others are not.
func TestPeriodicProgress(t *testing.T) {
	s := newStory(t, 9, func(c *cluster.Config) { c.Node.WatchProgress = time.Second })
	v := s.view(1, 1, store.StreamOpenRequest{})
	v.say(&store.WatchRequest{Key: "a", ProgressNotify: true})
	v.say(&store.WatchRequest{Key: "a"})
	opened := s.Now()
	s.run(5 * time.Second)
	if len(v.heard) < 6 || len(v.heard) > 7 {
		t.Fatalf("%d responses came in 5 s, want 2 and one every 1.0 to 1.1 s", len(v.heard))
	}
	for i, r := range v.heard[2:] {
		every := v.at[2+i].Sub(opened) / time.Duration(i+1)
		if !r.IsProgress() || r.WatchID != 0 || r.Revision != s.Member(1).Revision || every < time.Second || every > 1200*time.Millisecond {
			t.Errorf("response %d came after %v: %+v", i+2, v.at[2+i].Sub(opened), r)
		}
	}
	n := len(v.heard)
	v.say(&store.WatchCancelRequest{WatchID: 0})
	s.run(3 * time.Second)
	if len(v.heard) != n+1 || !v.heard[n].Canceled {
		t.Errorf("after the watcher was cancelled came %+v", v.heard[n:])
	}
}

// TestWatchersSurviveSnapshots: a member is cut off until only a snapshot can help.
// Its watchers miss nothing and see nothing twice, and one that waits for the future
// waits on.
func TestWatchersSurviveSnapshots(t *testing.T) {
	for seed := range uint64(10) {
		s := newStory(t, seed, func(c *cluster.Config) { c.Node.SnapshotEntries, c.Node.SnapshotCatchUp = 50, 10 })
		s.write()
		cut := other(s, s.Leader())
		v := s.view(1, cut, store.StreamOpenRequest{})
		v.say(allHistory)
		v.say(&store.WatchRequest{Key: "\x00", RangeEnd: "\x00", StartRevision: 2000})
		s.run(time.Second)
		for id := range uint64(s.Size()) {
			if peer := trace.Addr(id + 1); uint64(peer) != cut {
				s.Network().Cut(peer, trace.Addr(cut))
				s.Network().Cut(trace.Addr(cut), peer)
			}
		}
		s.run(5 * time.Second)
		s.Network().HealAll()
		s.until("a snapshot is installed", func() bool { return s.log.Hits(trace.ProbeWatchRestored) > 0 })
		s.converge()
		s.run(time.Second)
		if want := int(s.Member(cut).Revision) - 1; len(v.events()) != want {
			t.Errorf("seed %d: %d events came, want %d", seed, len(v.events()), want)
		}
		v.complete()
	}
}

// TestFragments: a response beyond the limit comes in parts, if the watcher allows
// that, and whole if not.
func TestFragments(t *testing.T) {
	s := newStory(t, 10, func(c *cluster.Config) { c.Node.MaxRequest = 400 << 10 })
	v := s.view(1, 1, store.StreamOpenRequest{Window: 1 << 30})
	v.say(&store.WatchRequest{Key: "\x00", RangeEnd: "\x00", Fragment: true})
	v.say(&store.WatchRequest{Key: "\x00", RangeEnd: "\x00"})
	var ops []store.Op
	for i := range 3 {
		ops = append(ops, &store.PutRequest{Key: fmt.Sprint(i), Value: strings.Repeat("v", 100<<10)})
	}
	for range 3 {
		s.ask(1, &store.TxnRequest{Success: ops})
	}
	s.run(200 * time.Millisecond)
	for _, r := range v.heard {
		if r.Fragment {
			t.Errorf("a response of %d bytes came in parts", r.Bytes())
		}
	}
	before := len(v.heard)
	// With what was before, three revisions are more than any request carries.
	v.say(&store.WatchRequest{Key: "\x00", RangeEnd: "\x00", StartRevision: 1, PrevKV: true, Fragment: true})
	s.run(time.Second)
	parts := v.heard[before:]
	events := 0
	for i, r := range parts {
		events += len(r.Events)
		if i > 0 && r.Fragment != (i < len(parts)-1) {
			t.Errorf("part %d of %d says that more follow: %v", i, len(parts)-1, r.Fragment)
		}
	}
	if len(parts) < 3 || events != 9 {
		t.Errorf("%d events came in %d parts, want 9 in several", events, len(parts)-1)
	}
}
