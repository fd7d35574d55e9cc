package trace_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// step is an event and how long after the one before it happens.
type step struct {
	after sim.Time
	event trace.Event
}

func digest(steps []step) trace.Digest {
	l := trace.NewLog()
	for _, s := range steps {
		l.Now += s.after
		l.Emit(s.event)
	}
	return l.Digest()
}

// genSteps draws small numbers mostly, as real events carry, so that fields have
// equal values and neighbouring events resemble each other.
var genSteps = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
	small := func(name string) uint64 { return rapid.Uint64Range(0, 3).Draw(t, name) }
	return step{
		after: sim.Time(small("after")),
		event: trace.Event{
			Kind: trace.Kind(1 + small("kind")), Aux: uint16(small("aux")),
			Member: trace.Addr(small("member")), Peer: trace.Addr(small("peer")),
			Term: small("term"), Index: small("index"), A: small("A"), B: rapid.Uint64().Draw(t, "B"), ID: small("ID"),
		},
	}
}), 1, 12)

// fields are all places where two traces can differ within an event.
var fields = []struct {
	name   string
	change func(s *step, by uint64)
}{
	{"At", func(s *step, by uint64) { s.after += sim.Time(1 + by%1e6) }},
	{"Kind", func(s *step, _ uint64) { s.event.Kind ^= 8 }},
	{"Aux", func(s *step, by uint64) { s.event.Aux += 1 + uint16(by%1000) }},
	{"Member", func(s *step, by uint64) { s.event.Member += 1 + trace.Addr(by%1000) }},
	{"Peer", func(s *step, by uint64) { s.event.Peer += 1 + trace.Addr(by%1000) }},
	{"Term", func(s *step, by uint64) { s.event.Term ^= by }},
	{"Index", func(s *step, by uint64) { s.event.Index ^= by }},
	{"A", func(s *step, by uint64) { s.event.A ^= by }},
	{"B", func(s *step, by uint64) { s.event.B ^= by }},
	{"ID", func(s *step, by uint64) { s.event.ID ^= by }},
}

func TestDigestTells(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steps := genSteps.Draw(t, "steps")
		original := digest(steps)
		if again := digest(steps); again != original {
			t.Fatalf("the same events have digests %s and %s", original, again)
		}
		differs := func(what string, other []step) {
			if digest(other) == original {
				t.Fatalf("the digest does not tell: %s", what)
			}
		}
		at := rapid.IntRange(0, len(steps)-1).Draw(t, "at")
		// One bit, or a few anywhere: weak mixing shows with single high bits.
		by := uint64(1) << rapid.IntRange(0, 63).Draw(t, "bit")
		if rapid.Bool().Draw(t, "many") {
			by = rapid.Uint64Min(1).Draw(t, "by")
		}
		for _, f := range fields {
			other := slices.Clone(steps)
			f.change(&other[at], by)
			differs(fmt.Sprintf("%s of event %d changed", f.name, at), other)
		}
		differs(fmt.Sprintf("event %d missing", at), slices.Delete(slices.Clone(steps), at, at+1))
		differs(fmt.Sprintf("event %d twice", at), slices.Insert(slices.Clone(steps), at, steps[at]))
		differs("last event missing", steps[:len(steps)-1])

		// Two events at one instant in the other order, and two fields that trade
		// places.
		if next := at + 1; next < len(steps) && steps[at].event != steps[next].event {
			other := slices.Clone(steps)
			other[at].event, other[next].event = other[next].event, other[at].event
			differs(fmt.Sprintf("events %d and %d swapped", at, next), other)
		}
		e := steps[at].event
		for _, swap := range []struct {
			name string
			a, b *uint64
		}{
			{"Term, Index", &e.Term, &e.Index},
			{"A, B", &e.A, &e.B},
			{"Term, A", &e.Term, &e.A},
			{"Index, B", &e.Index, &e.B},
			{"A, ID", &e.A, &e.ID},
		} {
			if *swap.a == *swap.b {
				continue
			}
			*swap.a, *swap.b = *swap.b, *swap.a
			other := slices.Clone(steps)
			other[at].event = e
			differs(fmt.Sprintf("%s of event %d swapped", swap.name, at), other)
			e = steps[at].event
		}
	})
}

// TestDigestGolden pins the digest. If it changes, recorded digests are worth
// nothing any more: raise Version and record them anew.
func TestDigestGolden(t *testing.T) {
	l := trace.NewLog()
	golden := func(want string) {
		t.Helper()
		if got := l.Digest().String(); got != want {
			t.Errorf("version %d, digest after %d events is %s, want %s", trace.Version, l.Count(), got, want)
		}
	}
	golden("b7a4712c74562914cd99887be8bfdcd1")
	l.Emit(trace.Event{Kind: trace.MemberStart, Member: 1, Term: 2, Index: 3, A: 4, B: 5})
	golden("ece8fec4c64f21b0db1c176b80b94486")
	rand := sim.NewRand(1, "golden")
	for range 1000 {
		l.Now += sim.Time(rand.Below(1000))
		l.Emit(trace.Event{
			Kind: trace.Kind(1 + rand.Below(40)), Aux: uint16(rand.Below(100)),
			Member: trace.Addr(rand.Below(5)), Peer: trace.Client(rand.Intn(5)),
			Term: rand.Below(9), Index: rand.Below(999), A: rand.Uint64(), B: rand.Uint64(), ID: rand.Uint64(),
		})
	}
	golden("4f8e5646832d7237bc52426092f5acfd")
}

// TestNamesComplete: every kind and every probe has a name of its own, by which
// trace files and the command line tell them apart.
func TestNamesComplete(t *testing.T) {
	seen := map[string]bool{}
	for k := trace.MemberStart; k <= trace.LeasesRecorded; k++ {
		name := k.String()
		if name == "unknown" || name == "" || seen[name] || strings.ToLower(name) != name {
			t.Errorf("kind %d has the name %q: expected a lower-case name of its own", k, name)
		}
		seen[name] = true
	}
	if past := trace.LeasesRecorded + 1; past.String() != "unknown" {
		t.Errorf("kind %d, past the last, has the name %q", past, past)
	}
	seen = map[string]bool{}
	for i, p := range trace.Probes() {
		name := p.String()
		if int(p) != i || name == "" || seen[name] || strings.ToLower(name) != name {
			t.Errorf("probe %d has the number %d and the name %q: expected a lower-case name of its own", i, p, name)
		}
		if p.Doc() == "" || seen[p.Doc()] {
			t.Errorf("probe %s: %q: expected a text of its own that says what happened", name, p.Doc())
		}
		seen[p.Doc()] = true
		seen[name] = true
	}
}

// TestSubscribe: each subscriber sees the kinds it asked for, in order of
// subscription, with the log's own time.
func TestSubscribe(t *testing.T) {
	l := trace.NewLog()
	var story []string
	tell := func(who string) func(*trace.Event) {
		return func(e *trace.Event) { story = append(story, fmt.Sprintf("%s %s %s", who, e.Kind, e.At)) }
	}
	l.Subscribe(trace.Kinds(trace.Apply, trace.Send), tell("a"))
	l.Subscribe(trace.AllKinds, tell("b"))
	l.Now = 1e9
	l.Emit(trace.Event{Kind: trace.Apply, At: 77})
	l.Now = 2e9
	l.Emit(trace.Event{Kind: trace.Drop})
	l.Subscribe(trace.Kinds(trace.RunEnd), tell("c"))
	l.Emit(trace.Event{Kind: trace.RunEnd})
	want := []string{"a apply 1.000s", "b apply 1.000s", "b drop 2.000s", "b end 2.000s", "c end 2.000s"}
	if !slices.Equal(story, want) {
		t.Errorf("subscribers saw\n%q, want\n%q", story, want)
	}
}

// TestSubscribersCannotInfluence: neither their presence nor what they do to the
// event changes the digest or what others see.
func TestSubscribersCannotInfluence(t *testing.T) {
	quiet, watched := trace.NewLog(), trace.NewLog()
	var seen trace.Event
	watched.Subscribe(trace.AllKinds, func(e *trace.Event) { *e = trace.Event{} })
	watched.Subscribe(trace.AllKinds, func(e *trace.Event) { seen = *e })
	event := trace.Event{Kind: trace.Apply, Member: 2, Term: 3, Index: 4, A: 5, B: 6, ID: 7}
	quiet.Emit(event)
	watched.Emit(event)
	if seen != event {
		t.Errorf("the second subscriber saw %+v, want %+v", seen, event)
	}
	if quiet.Digest() != watched.Digest() {
		t.Error("subscribers changed the digest")
	}
}

// TestSends: who subscribes to some types of packets gets these, refused or not, and no
// other event.
func TestSends(t *testing.T) {
	l := trace.NewLog()
	var seen []uint16
	l.SubscribeSends(func(e *trace.Event) { seen = append(seen, e.Aux) }, trace.MsgAppResp, trace.MsgSnap)
	for _, name := range trace.PacketNames() {
		aux, _ := trace.PacketNamed(name)
		l.Emit(trace.Event{Kind: trace.Send, Aux: aux})
		l.Emit(trace.Event{Kind: trace.Deliver, Aux: aux})
	}
	l.Emit(trace.Event{Kind: trace.Send, Aux: trace.MsgAppResp | trace.Rejected})
	if want := []uint16{trace.MsgAppResp, trace.MsgSnap, trace.MsgAppResp | trace.Rejected}; !slices.Equal(seen, want) {
		t.Errorf("packets of the types %v were seen, want %v", seen, want)
	}
}

// TestProbes: each hit counts, only the first is an event.
func TestProbes(t *testing.T) {
	l := trace.NewLog()
	var story []string
	l.Subscribe(trace.Kinds(trace.Probe), func(e *trace.Event) {
		story = append(story, fmt.Sprintf("%s at %s", trace.ProbeID(e.ID), e.At))
	})
	for i, p := range []trace.ProbeID{trace.ProbePacketLost, trace.ProbeTornTail, trace.ProbePacketLost, trace.ProbePacketLost} {
		l.Now = sim.Time(i) * 1e9
		l.Hit(p)
	}
	if want := []string{"packet-lost at 0.000s", "torn-tail at 1.000s"}; !slices.Equal(story, want) {
		t.Errorf("probe events are %q, want %q", story, want)
	}
	var total uint64
	for _, p := range trace.Probes() {
		total += l.Hits(p)
	}
	if lost, torn := l.Hits(trace.ProbePacketLost), l.Hits(trace.ProbeTornTail); lost != 3 || torn != 1 || total != 4 {
		t.Errorf("hits: %d packet-lost, %d torn-tail, %d together, want 3, 1 and 4", lost, torn, total)
	}
	if l.Count() != 2 {
		t.Errorf("the log counts %d events, want 2", l.Count())
	}
}

// TestEmitAllocates: nothing, with or without subscribers.
func TestEmitAllocates(t *testing.T) {
	l := trace.NewLog()
	var sum uint64
	l.Subscribe(trace.Kinds(trace.Send), func(e *trace.Event) { sum += e.Index })
	for _, kind := range []trace.Kind{trace.Send, trace.Deliver} {
		e := trace.Event{Kind: kind, Member: 1, Peer: 2, Index: 1}
		if n := testing.AllocsPerRun(1000, func() { l.Emit(e) }); n != 0 {
			t.Errorf("emitting %s allocates %v times, want none", kind, n)
		}
	}
}

// TestCounts: of each kind, and what happened since somebody asked last.
func TestCounts(t *testing.T) {
	l := trace.NewLog()
	for _, kind := range []trace.Kind{trace.Send, trace.Drop, trace.Send} {
		l.Emit(trace.Event{Kind: kind})
	}
	if sent, lost, held := l.CountOf(trace.Send), l.CountOf(trace.Drop), l.CountOf(trace.Hold); sent != 2 || lost != 1 || held != 0 {
		t.Errorf("the log counts %d send, %d drop and %d hold, want 2, 1 and 0", sent, lost, held)
	}
	if got, want := l.Recent(), trace.Kinds(trace.Send, trace.Drop); got != want {
		t.Errorf("recent are %b, want %b", got, want)
	}
	l.Emit(trace.Event{Kind: trace.Apply})
	if got, want := l.Recent(), trace.Kinds(trace.Apply); got != want {
		t.Errorf("recent are %b, want %b", got, want)
	}
}
