package scenarios_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"etcdsim/scenarios"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
)

// packets runs a scenario about single packets.
func packets(t *testing.T, text string) *scenarios.Result {
	t.Helper()
	f, err := scenarios.Parse("packets.scn", text)
	if err != nil {
		t.Fatal(err)
	}
	return must(t, f, 1, scenarios.Options{})
}

// A packet that is not there is nobody's fault, and said with what is there.
func TestPacketThatIsNotThere(t *testing.T) {
	for text, want := range map[string]string{
		"hold all -> all\nwait elapsed 5s\npacket n1 -> rest drop kind=snap": "of such packets 0 are on their way now, and",
		"wait elapsed 100ms\npacket n1 -> n2 drop":                           "of such packets 0 are on their way now, and 0 others",
		"wait elapsed 100ms\npacket n1 -> n2 drop kind=snap within=1s":       "0 such packets are on their way",
		"wait elapsed 1500ms\npacket all -> all drop nth=999 within=10ms":    " such packets are on their way, and 0 others",
		"load w\npacket clients -> n1 double within=20s":                     "cannot arrive twice: its connection delivers it once",
	} {
		r := packets(t, text)
		if r.Failure == nil || !strings.Contains(r.Failure.Why, want) {
			t.Errorf("%q ends with %+v, want %q", text, r.Failure, want)
		}
		last := strings.LastIndex(text, "\n") + 1
		if r := packets(t, text[:last]+"? "+text[last:]+"\nrelease"); r.Outcome != scenarios.Pass {
			t.Errorf("an attempt at %q ends with %s: %+v", text, r.Outcome, r.Failure)
		}
	}
}

// The n-th packet is the n-th to arrive, and Meant finds words that mean the same.
func TestPacketThatIsMeant(t *testing.T) {
	f, err := scenarios.Parse("packets.scn",
		"net latency=20ms..60ms\nwait leader within=20s\nload w clients=8\nwait elapsed 1s\nhold n1 <-> rest\nwait elapsed 700ms")
	if err != nil {
		t.Fatal(err)
	}
	nth, index := 0, 0
	for seed := range uint64(6) {
		p, err := scenarios.Begin(f, seed, scenarios.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		for i := range f.Lines {
			p.Line(&f.Lines[i])
		}
		for _, want := range slices.Backward(p.Cluster().InFlight()) { // each has others before it
			text, err := p.Meant(want.ID, "drop")
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(text, "nth=") {
				nth++
			}
			if strings.Contains(text, "index=") {
				index++
			}
			var scope scenarios.Scope
			line, err := scenarios.ParseLine(text, &scope)
			if err != nil {
				t.Fatalf("seed %d: %q: %v", seed, text, err)
			}
			if got := line.Statement.String(); got != text {
				t.Errorf("seed %d: %q is written %q", seed, text, got)
			}
			if fail := p.Line(&line); fail != nil {
				t.Fatalf("seed %d: %q: %s", seed, text, fail.Why)
			}
			for _, left := range p.Cluster().InFlight() {
				if left.ID == want.ID && left.Arrives == want.Arrives {
					t.Fatalf("seed %d: %q took another packet than %+v", seed, text, want)
				}
			}
		}
		if left := p.Cluster().InFlight(); len(left) > 0 {
			t.Errorf("seed %d: of all packets that were taken away %+v are on their way", seed, left)
		}
	}
	if nth == 0 || index == 0 {
		t.Errorf("%d packets had to be told from others by their place, %d by their index", nth, index)
	}
}

// inFlight begins a run in which packets are on their way between members, and to and
// from clients. Nothing holds them.
func inFlight(t *testing.T, seed uint64) *scenarios.Play {
	t.Helper()
	f, err := scenarios.Parse("packets.scn", "net latency=20ms..60ms\nwait leader within=20s\nload w clients=8\nwait elapsed 1s")
	if err != nil {
		t.Fatal(err)
	}
	p, err := scenarios.Begin(f, seed, scenarios.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	for i := range f.Lines {
		if fail := p.Line(&f.Lines[i]); fail != nil {
			t.Fatal(fail.Why)
		}
	}
	return p
}

// say lets a statement happen, and returns the packets that were there before and are
// not any more, and those that are there now and were not before.
func say(t *testing.T, p *scenarios.Play, text string) (gone, come []cluster.Flight) {
	t.Helper()
	var scope scenarios.Scope
	line, err := scenarios.ParseLine(text, &scope)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	before := p.Cluster().InFlight()
	if fail := p.Line(&line); fail != nil {
		t.Fatalf("%q: %s", text, fail.Why)
	}
	after := p.Cluster().InFlight()
	same := func(a, b cluster.Flight) bool { return a.ID == b.ID && a.Arrives == b.Arrives }
	for _, f := range before {
		if !slices.ContainsFunc(after, func(g cluster.Flight) bool { return same(f, g) }) {
			gone = append(gone, f)
		}
	}
	for _, f := range after {
		if !slices.ContainsFunc(before, func(g cluster.Flight) bool { return same(f, g) }) {
			come = append(come, f)
		}
	}
	return gone, come
}

// Each option leaves out the packets that it does not mean, and nth counts those that
// are left.
func TestWhichPacketsAreMeant(t *testing.T) {
	tried := map[string]int{}
	for seed := range uint64(8) {
		p := inFlight(t, seed)
		all := p.Cluster().InFlight()
		for _, by := range []struct {
			name string
			of   func(f *cluster.Flight) uint64
		}{
			{"kind", func(f *cluster.Flight) uint64 { return uint64(f.Kind) }},
			{"term", func(f *cluster.Flight) uint64 { return f.Term }},
			{"index", func(f *cluster.Flight) uint64 { return f.Index }},
			{"op", func(f *cluster.Flight) uint64 { return f.Op }},
		} {
			for i := range all {
				want := &all[i]
				place, others := 0, 0
				for k := range all[:i+1] {
					if by.of(&all[k]) == by.of(want) {
						place++
					} else {
						others++
					}
				}
				value := strconv.FormatUint(by.of(want), 10)
				if by.name == "kind" {
					value = trace.PacketName(want.Kind)
				}
				if others == 0 || value == "0" {
					continue // the option would leave nothing out
				}
				tried[by.name]++
				again := inFlight(t, seed)
				text := fmt.Sprintf("packet all clients -> all clients drop %s=%s nth=%d", by.name, value, place)
				gone, _ := say(t, again, text)
				if len(gone) != 1 || gone[0].ID != want.ID {
					t.Errorf("seed %d: %q took %+v, want %+v of %+v", seed, text, gone, want, all)
				}
			}
		}
	}
	for _, name := range []string{"kind", "term", "index", "op"} {
		if tried[name] == 0 {
			t.Errorf("no packet was told from others by its %s", name)
		}
	}
}

// A packet that is delayed comes so much later, one that is delivered comes at once, a
// doubled one twice, and none is lost by that.
func TestWhatHappensToPackets(t *testing.T) {
	const between = "packet all -> all "
	p := inFlight(t, 3)
	gone, come := say(t, p, between+"delay=100ms")
	if len(gone) != 1 || len(come) != 1 || come[0].ID != gone[0].ID || come[0].Arrives != gone[0].Arrives.Add(100*time.Millisecond) {
		t.Errorf("%+v is delayed to %+v", gone, come)
	}
	p = inFlight(t, 3)
	gone, come = say(t, p, between+"nth=2 deliver")
	if len(gone) != 1 || len(come) != 1 || come[0].ID != gone[0].ID || come[0].Arrives != p.Log().Now {
		t.Errorf("at %v %+v is delivered as %+v", p.Log().Now, gone, come)
	}
	p = inFlight(t, 3)
	gone, come = say(t, p, between+"double")
	if len(gone) != 0 || len(come) != 1 || p.Log().CountOf(trace.Duplicate) != 1 {
		t.Errorf("after doubling %+v is gone and %+v there", gone, come)
	}
	for _, f := range p.Cluster().InFlight() {
		if _, err := p.Meant(f.ID, "double"); (f.From.IsClient() || f.To.IsClient()) != errors.Is(err, cluster.ErrOnce) {
			t.Errorf("to double %+v gives %v", f, err)
		}
	}
}

// Packets of a link wait for one that is much too late, also when it is as the others
// again; where it was mended they do not, and it comes, too.
func TestMendedLinkDoesNotWait(t *testing.T) {
	for remedy, want := range map[string]bool{"link n1 -> n2 normal": false, "mend n1 n2": true} {
		p := inFlight(t, 5)
		say(t, p, "link n1 -> n2 latency=1h")
		say(t, p, "wait elapsed 2s")
		say(t, p, remedy)
		soon := p.Wait(5*time.Second, func() bool {
			return slices.ContainsFunc(p.Cluster().InFlight(), func(f cluster.Flight) bool {
				return f.From == 1 && f.To == 2 && f.Arrives < p.Log().Now.Add(time.Minute)
			})
		})
		if soon != want {
			t.Errorf("after %q something comes soon from n1 to n2: %v, want %v", remedy, soon, want)
		}
		late := slices.ContainsFunc(p.Cluster().InFlight(), func(f cluster.Flight) bool {
			return f.From == 1 && f.To == 2 && f.Arrives > p.Log().Now.Add(time.Minute)
		})
		if late == want {
			t.Errorf("after %q something is late from n1 to n2: %v", remedy, late)
		}
	}
}

// What a statement takes away is a fault that had an effect.
func TestTakenPacketsAreFaults(t *testing.T) {
	r := packets(t, "wait leader within=20s\npacket leader -> any drop within=5s")
	if r.Counts.Faults != 1 {
		t.Errorf("%d faults, want the packet that was dropped", r.Counts.Faults)
	}
}

// What may stand behind a verb is offered to whoever types it.
func TestWordsBehindPacket(t *testing.T) {
	words := scenarios.Words("packet")
	for _, want := range []string{"drop", "double", "deliver", "delay=", "kind=", "nth=", "within="} {
		if !slices.Contains(words, want) {
			t.Errorf("%q is not among %q", want, words)
		}
	}
	if slices.Contains(words, "packet") {
		t.Errorf("the verb itself is among %q", words)
	}
}
