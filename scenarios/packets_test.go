package scenarios_test

import (
	"slices"
	"strings"
	"testing"

	"etcdsim/scenarios"
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
	nth := 0
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
	if nth == 0 {
		t.Error("no packet had to be told from others by its place")
	}
}
