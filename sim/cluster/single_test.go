package cluster_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	pb "go.etcd.io/raft/v3/raftpb"

	"etcdsim/sim"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// fates remembers when packets arrived, and which were lost.
type fates struct {
	arrived map[uint64][]sim.Time
	lost    map[uint64]uint16
}

func (s *story) fates() *fates {
	f := &fates{map[uint64][]sim.Time{}, map[uint64]uint16{}}
	s.log.Subscribe(trace.Kinds(trace.Deliver, trace.Drop), func(e *trace.Event) {
		if e.Kind == trace.Drop {
			f.lost[e.ID] = e.Aux
			return
		}
		f.arrived[e.ID] = append(f.arrived[e.ID], e.At)
	})
	return f
}

// flying waits for a packet of this type, and returns the next one to arrive.
func (s *story) flying(name string, among func(*cluster.Flight) bool) cluster.Flight {
	s.t.Helper()
	kind, _ := trace.PacketNamed(name)
	var f cluster.Flight
	s.until("a packet "+name+" is on its way", func() bool {
		all := s.InFlight()
		if !slices.IsSortedFunc(all, func(a, b cluster.Flight) int { return int(a.Arrives - b.Arrives) }) {
			s.t.Fatalf("at %v packets are not in the order of their arrival: %+v", s.Now(), all)
		}
		i := slices.IndexFunc(all, func(f cluster.Flight) bool { return f.Kind == kind && (among == nil || among(&f)) })
		if i >= 0 {
			f = all[i]
		}
		return i >= 0
	})
	return f
}

// Each deed has the fate that it says, and nobody else's fate is another for it.
func TestSinglePackets(t *testing.T) {
	const seed = 3
	ms := time.Millisecond
	for _, c := range []struct {
		name string
		do   func(s *story, f cluster.Flight)
		want func(f cluster.Flight, now sim.Time) []sim.Time
	}{
		{"taken", func(s *story, f cluster.Flight) { s.Take(f) }, func(cluster.Flight, sim.Time) []sim.Time { return nil }},
		{"delayed", func(s *story, f cluster.Flight) { s.Delay(f, 300*ms) }, func(f cluster.Flight, _ sim.Time) []sim.Time {
			return []sim.Time{f.Arrives.Add(300 * ms)}
		}},
		{"hastened", func(s *story, f cluster.Flight) { s.Hasten(f) }, func(_ cluster.Flight, now sim.Time) []sim.Time {
			return []sim.Time{now}
		}},
		{"doubled", func(s *story, f cluster.Flight) {
			if err := s.Double(f); err != nil {
				s.t.Error(err)
			}
		}, func(f cluster.Flight, _ sim.Time) []sim.Time { return []sim.Time{f.Arrives, f.Arrives.Add(5 * ms)} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t, seed, func(c *cluster.Config) { c.Net.Latency = sim.Range{Min: 5 * ms, Max: 20 * ms} })
			s.write()
			s.run(time.Second)
			fates := s.fates()
			f := s.flying("app-resp", nil)
			now := s.Now()
			c.do(s, f)
			s.run(time.Second)
			if got, want := fates.arrived[f.ID], c.want(f, now); !slices.Equal(got, want) {
				t.Errorf("seed %d: packet %d, which would arrive at %v, arrived at %v, want %v", seed, f.ID, f.Arrives, got, want)
			}
			if reason, lost := fates.lost[f.ID]; lost != (c.name == "taken") || lost && reason != trace.DropTaken {
				t.Errorf("seed %d: packet %d was lost: %v, for reason %d", seed, f.ID, lost, reason)
			}
			s.converge()
			if lost := s.lost(); len(lost) > 0 {
				t.Errorf("acknowledged and lost: %+v", lost)
			}
		})
	}
}

// What a held link keeps can go its way alone; the rest waits on.
func TestSinglePacketsOfAHeldLink(t *testing.T) {
	s := newStory(t, 4, nil)
	s.write()
	leader := trace.Addr(s.Leader())
	other := leader%3 + 1
	s.Network().Hold(leader, other)
	s.run(300 * time.Millisecond)
	fates := s.fates()
	waiting := s.Network().Waiting(leader, other)
	held := func(f *cluster.Flight) bool { return f.Held() }
	first := s.flying("app", held)
	if err := s.Double(first); !errors.Is(err, cluster.ErrHeld) {
		t.Errorf("a packet that is held is doubled: %v", err)
	}
	s.Take(first)
	s.Hasten(s.flying("app", held))
	last := s.flying("app", held)
	s.Delay(last, 50*time.Millisecond)
	at := s.Now().Add(50 * time.Millisecond)
	if now := s.Network().Waiting(leader, other); now != waiting-3 {
		t.Errorf("of %d packets %d wait after three were let go", waiting, now)
	}
	s.run(200 * time.Millisecond)
	if got := fates.arrived[last.ID]; !slices.Equal(got, []sim.Time{at}) || len(fates.arrived[first.ID]) > 0 {
		t.Errorf("the delayed packet arrived at %v, want %v; the one taken away at %v", got, at, fates.arrived[first.ID])
	}
	s.Release(leader, other)
	s.converge()
}

// What must not arrive twice does not; and a stream stays whole and in order, whatever
// becomes of its packets.
func TestSinglePacketsOfConnections(t *testing.T) {
	s := newStory(t, 5, nil)
	s.write()
	client := func(f *cluster.Flight) bool { return f.Op != 0 }
	if err := s.Double(s.flying("request", client)); !errors.Is(err, cluster.ErrOnce) {
		t.Errorf("a client's request is doubled: %v", err)
	}
	v := s.view(0, s.Leader(), store.StreamOpenRequest{})
	v.say(allHistory)
	s.until("the watcher hears something", func() bool { return v.count > 0 })
	of := func(f *cluster.Flight) bool { return f.Op == v.op }
	s.Take(s.flying("response", of))
	s.Delay(s.flying("response", of), 700*time.Millisecond)
	s.Hasten(s.flying("response", of))
	count := v.count
	s.until("the watcher hears more", func() bool { return v.count > count+100 })
	v.complete()
}

// Types of packets are called as raft calls its messages.
func TestPacketsAreCalledAsInRaft(t *testing.T) {
	for _, name := range trace.PacketNames() {
		kind, _ := trace.PacketNamed(name)
		if kind >= trace.ClientRequest {
			continue
		}
		if got, want := trace.MessageName(kind), pb.MessageType(kind).String(); got != want {
			t.Errorf("%s is raft's %s, and called %s", name, want, got)
		}
	}
}
