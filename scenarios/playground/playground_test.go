package playground_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"etcdsim/scenarios"
	"etcdsim/scenarios/learn"
	"etcdsim/scenarios/playground"
	"etcdsim/scenarios/report/chronicle"
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

const second = sim.Time(time.Second)

func open(t *testing.T, o playground.Open) *playground.Session {
	t.Helper()
	s, err := playground.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// do sends a request that must succeed.
func do(t *testing.T, s *playground.Session, r playground.Request) *playground.Frame {
	t.Helper()
	f := s.Do(&r)
	if f.Error != "" {
		t.Fatalf("%+v: %s", r, f.Error)
	}
	return f
}

// runs runs the story of a session as a file, and returns its digest and film.
func runs(t *testing.T, s *playground.Session, seed uint64) (*scenarios.Result, *chronicle.Chronicle) {
	t.Helper()
	f, err := scenarios.Parse("saved.scn", s.Story())
	if err != nil {
		t.Fatalf("%v\n%s", err, s.Story())
	}
	film := &chronicle.Film{Limit: 1 << 20}
	r, err := scenarios.Run(f, seed, scenarios.Options{Observe: film.Attach})
	if err != nil {
		t.Fatalf("%v\n%s", err, s.Story())
	}
	return r, film.Chronicle()
}

// Time passes freely, statements happen between, another future is had: the saved
// story, run as a file, gives the session's digest, and what was seen.
func TestStoryIsTheSession(t *testing.T) {
	const seed = 5
	s := open(t, playground.Open{Seed: seed})
	var seen [][]any
	take := func(f *playground.Frame) *playground.Frame {
		if f.Reset {
			seen = nil
		}
		seen = append(seen, f.Notes...)
		return f
	}
	take(do(t, s, playground.Request{Do: "step"}))
	for range 40 {
		take(do(t, s, playground.Request{Do: "advance", For: 50_000_000}))
	}
	take(do(t, s, playground.Request{Do: "say", At: s.Now(), Text: "kill leader"}))
	take(do(t, s, playground.Request{Do: "advance", For: 2_000_000_000}))
	take(do(t, s, playground.Request{Do: "say", At: s.Now(), Text: "restart all"}))
	take(do(t, s, playground.Request{Do: "advance", For: 500_000_000}))
	// Another future.
	f := take(do(t, s, playground.Request{Do: "say", At: 3 * second, Text: "isolate n2"}))
	if !f.Reset || strings.Contains(s.Story(), "restart") || s.Now() != 3*second {
		t.Fatalf("after going back: reset %v, now %s, story\n%s", f.Reset, s.Now(), s.Story())
	}
	take(do(t, s, playground.Request{Do: "advance", For: 700_000_001}))
	take(do(t, s, playground.Request{Do: "say", At: s.Now(), Text: "heal"}))
	f = do(t, s, playground.Request{Do: "end"})
	r, c := runs(t, s, seed)
	if r.Digest.String() != f.Digest || f.Scenario != s.Story() {
		t.Fatalf("seed %d: the session's digest is %s, that of its story %s\n%s", seed, f.Digest, r.Digest, s.Story())
	}
	// What was seen is what the file does, but for the statements that wait.
	n := 0
	for i := range c.Notes {
		e := &c.Notes[i]
		if e.Kind == trace.Action || e.Kind == trace.Probe || e.At > s.Now() {
			continue
		}
		for n < len(seen) && (seen[n][1] == "action" || seen[n][1] == "probe") {
			n++
		}
		if n == len(seen) {
			break
		}
		if seen[n][0] != e.At || seen[n][1] != e.Kind.String() {
			t.Fatalf("seed %d: note %d was seen as %v, the file does %s %s", seed, n, seen[n], e.At, e.Kind)
		}
		n++
	}
	if n < 300 {
		t.Errorf("%d notes were seen, want many", n)
	}
}

// Frames together hold what one frame of the same universe holds.
func TestFramesAddUp(t *testing.T) {
	type all struct {
		packets, notes, ended, ops int
	}
	sum := func(every int64) (a all) {
		s := open(t, playground.Open{Seed: 3})
		add := func(f *playground.Frame) {
			a.packets += len(f.Packets)
			a.notes += len(f.Notes)
			for _, p := range f.Packets {
				if p[5] != chronicle.UnderWay {
					a.ended++
				}
			}
			a.ended += len(f.Ended)
			for _, o := range f.Ops {
				if o.Return >= 0 {
					a.ops++
				}
			}
		}
		add(s.Do(&playground.Request{Do: "advance", For: 1}))
		for at := int64(1); at < 4_000_000_000; at += every {
			add(do(t, s, playground.Request{Do: "advance", For: every}))
		}
		return a
	}
	one, many := sum(4_000_000_000), sum(20_000_000)
	if one != many || one.ops < 20 {
		t.Errorf("in one frame %+v, in many %+v", one, many)
	}
}

// The judges watch: with a bug switched on, a violation is found while time goes on.
func TestViolationIsSeen(t *testing.T) {
	for seed := uint64(1); seed <= 30; seed++ {
		s := open(t, playground.Open{Seed: seed, Bugs: "leader-local-read"})
		do(t, s, playground.Request{Do: "advance", For: int64(3 * second)})
		do(t, s, playground.Request{Do: "say", At: s.Now(), Text: "load readers clients=2 keys=4 mix=get via=leader timeout=500ms"})
		do(t, s, playground.Request{Do: "say", At: s.Now(), Text: "partition leader | rest"})
		for range 15 {
			f := do(t, s, playground.Request{Do: "advance", For: 200_000_000})
			if f.Finding != nil {
				if !strings.HasPrefix(f.Finding.What, "linearizability") || f.Finding.Promise == "" || len(f.Finding.Ops) == 0 || f.Finding.Why == "" {
					t.Errorf("seed %d: found %+v", seed, f.Finding)
				}
				return
			}
		}
	}
	t.Error("no seed up to 30 shows a violation")
}

// A click on a packet is a statement about that packet, at the newest moment and at any
// before.
func TestClicksOnPackets(t *testing.T) {
	const seed = 5
	for _, c := range []struct {
		since sim.Time
		deed  string
		want  chronicle.Fate
	}{{3 * second, "drop", chronicle.Taken}, {2 * second, "delay=300ms", chronicle.Arrived}} {
		s := open(t, playground.Open{Seed: seed})
		all := do(t, s, playground.Request{Do: "advance", For: int64(4 * second)}).Packets
		place := slices.IndexFunc(all, func(p []any) bool { return p[3].(sim.Time) >= c.since && p[5] == chronicle.Arrived })
		at := all[place][3].(sim.Time) + 1
		was := all[place]
		f := do(t, s, playground.Request{Do: "packet", At: at, Packet: place, Text: c.deed})
		if last := f.Story[len(f.Story)-1].Text; !strings.HasPrefix(last, "packet  ") || !strings.Contains(last, c.deed) || s.Now() != at {
			t.Errorf("seed %d: at %s the click is %q", seed, s.Now(), last)
		}
		_, film := runs(t, s, seed)
		p := film.Packets[place]
		late := c.want == chronicle.Taken || p.Ended == was[4].(sim.Time).Add(300*time.Millisecond)
		if p.Fate != c.want || p.Sent != was[3] || !late {
			t.Errorf("seed %d: packet %v is now %+v\n%s", seed, was, p, s.Story())
		}
	}
}

// Without bugs nobody objects, whenever they look.
func TestNoFalseAlarm(t *testing.T) {
	for seed := uint64(1); seed <= 6; seed++ {
		s := open(t, playground.Open{Seed: seed})
		for i := range 30 {
			f := do(t, s, playground.Request{Do: "advance", For: 450_000_000})
			switch i % 10 {
			case 4:
				f = do(t, s, playground.Request{Do: "say", At: s.Now(), Text: "kill any"})
			case 6:
				f = do(t, s, playground.Request{Do: "say", At: s.Now(), Text: "partition minority | rest"})
			case 9:
				do(t, s, playground.Request{Do: "say", At: s.Now(), Text: "heal"})
				f = do(t, s, playground.Request{Do: "say", At: s.Now(), Text: "restart all"})
			}
			if f.Finding != nil {
				t.Fatalf("seed %d at %s: %+v\n%s", seed, s.Now(), f.Finding, s.Story())
			}
		}
	}
}

// What cannot be done says why, and changes nothing.
func TestRefusals(t *testing.T) {
	s := open(t, playground.Open{Seed: 1})
	do(t, s, playground.Request{Do: "advance", For: int64(second)})
	story := s.Story()
	for _, r := range []struct {
		request playground.Request
		want    string
	}{
		{playground.Request{Do: "fly"}, "expected open, advance"},
		{playground.Request{Do: "advance", For: -1}, "expected up to"},
		{playground.Request{Do: "advance", For: int64(time.Hour)}, "expected up to"},
		{playground.Request{Do: "say", At: 5 * second, Text: "kill n1"}, "has not come yet"},
		{playground.Request{Do: "say", At: second, Text: "kill n9"}, "n9"},
		{playground.Request{Do: "say", At: second, Text: "kil n1"}, "kil"},
		{playground.Request{Do: "say", At: second / 2, Text: "kill n9"}, "n9"},
		{playground.Request{Do: "say", At: second, Text: "# 1. a phase"}, "does nothing here"},
		{playground.Request{Do: "back", At: 9 * second}, "has not come yet"},
		{playground.Request{Do: "packet", At: second, Packet: 1 << 20, Text: "drop"}, "expected one of the"},
		{playground.Request{Do: "packet", At: second / 2, Packet: 0, Text: "drop"}, "not on its way"},
		{playground.Request{Do: "packet", At: 9 * second, Packet: 0, Text: "drop"}, "has not come yet"},
	} {
		f := s.Do(&r.request)
		if !strings.Contains(f.Error, r.want) {
			t.Errorf("%+v gives %q, want %q", r.request, f.Error, r.want)
		}
		if s.Now() != second || s.Story() != story {
			t.Fatalf("%+v changed the session: now %s\n%s", r.request, s.Now(), s.Story())
		}
	}
	var p playground.Player
	for _, bad := range []string{
		`{`, `{"do":"step"}`, `{"do":"open","open":{"scenario":"nothing","seed":"1"}}`,
		`{"do":"open","open":{"bugs":"x","seed":"1"}}`,
	} {
		var f playground.Frame
		if err := json.Unmarshal(p.Do([]byte(bad)), &f); err != nil || f.Error == "" {
			t.Errorf("%s gives %+v, %v: want an error", bad, f, err)
		}
	}
}

// A lesson's session shows what its course was made of, to the end, and goes on from any
// moment but the last.
func TestLessons(t *testing.T) {
	for _, name := range []string{"commit", "bug"} {
		course, err := learn.Lookup(name).Give()
		if err != nil {
			t.Fatal(err)
		}
		s := open(t, playground.Open{Lesson: name})
		all := s.Do(&playground.Request{Do: "advance", For: 1})
		last := course.Cards[len(course.Cards)-1].At
		if len(all.Notes) != len(course.Chronicle.Notes) || len(all.Packets) != len(course.Chronicle.Packets) || s.Now() < last {
			t.Errorf("%s: the session shows %d notes and %d packets until %s, the course %d and %d, and its last card is at %s",
				name, len(all.Notes), len(all.Packets), s.Now(), len(course.Chronicle.Notes), len(course.Chronicle.Packets), last)
		}
		if all.Error == "" || !all.Over {
			t.Errorf("%s: the session went on behind its end", name)
		}
		if f := do(t, s, playground.Request{Do: "end"}); f.Digest != course.Result.Digest.String() {
			t.Errorf("%s: the session's digest is %s, that of the course %s", name, f.Digest, course.Result.Digest)
		}
		if f := do(t, s, playground.Request{Do: "say", At: course.Cards[1].At, Text: "kill leader"}); f.Over || s.Now() != course.Cards[1].At {
			t.Errorf("%s: from %s it does not go on: %s", name, s.Now(), f.Failure)
		}
	}
	if _, err := playground.New(playground.Open{Lesson: "surfing"}); err == nil {
		t.Error("there is a lesson about surfing")
	}
}

// A recorded session is opened with its settings. Its story is its statements, each told
// where it happened, without comments.
func TestOpenSession(t *testing.T) {
	s := open(t, playground.Open{Seed: 1, Text: "# recorded\nsession cluster.nodes=1\nat      1s\nkill    n1\nat      3s\n"})
	f := s.Do(&playground.Request{Do: "advance", For: 1})
	if f.Error != "" || f.Meta.Members != 1 || f.Judged == 0 || f.Judged > f.Now {
		t.Errorf("%s, %d members, judged until %v of %v", f.Error, f.Meta.Members, f.Judged, f.Now)
	}
	var story, told []string
	for _, l := range f.Story {
		story = append(story, strings.Join(strings.Fields(l.Text), " "))
	}
	for _, n := range f.Notes {
		if n[1] == trace.Action.String() {
			told = append(told, strings.Join(strings.Fields(n[3].(string)), " "))
		}
	}
	if !slices.Equal(story, []string{"session cluster.nodes=1", "at 1s", "kill n1", "at 3s"}) || !slices.Equal(told, []string{"kill n1"}) {
		t.Errorf("the story is %q, and told is %q", story, told)
	}
}

// Built-in scenarios can be opened, and gone back into.
func TestOpenScenario(t *testing.T) {
	s := open(t, playground.Open{Scenario: "leader-kill", Seed: 7})
	end := s.Now()
	if end < 2*second {
		t.Fatalf("leader-kill ends at %s", end)
	}
	do(t, s, playground.Request{Do: "say", At: end / 2, Text: "pause leader"})
	do(t, s, playground.Request{Do: "advance", For: int64(second)})
	r, _ := runs(t, s, 7)
	if f := do(t, s, playground.Request{Do: "end"}); f.Digest != r.Digest.String() {
		t.Errorf("seed 7: the session's digest is %s, that of its story %s", f.Digest, r.Digest)
	}
}
