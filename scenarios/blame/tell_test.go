package blame_test

import (
	"strings"
	"testing"
	"time"

	"etcdsim/scenarios"
	"etcdsim/scenarios/blame"
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// told is what a verdict says.
func told(t *testing.T, v *blame.Verdict, f *scenarios.File) string {
	t.Helper()
	var b strings.Builder
	if err := v.Write(&b, "case  seed 7", f); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func point(at time.Duration, failing, futures int) blame.Point {
	return blame.Point{At: sim.Time(at), Failing: failing, Futures: futures}
}

// The shares are drawn to scale, each jump is marked where it is, and its suspects are
// told; a statement in its words.
func TestWrite(t *testing.T) {
	const from, to = 1 * time.Second, 1002500 * time.Microsecond
	p := []blame.Point{point(0, 0, 8), point(from, 1, 8), point(to, 4, 8), point(1500*time.Millisecond, 2, 3), point(2*time.Second, 8, 8)}
	v := &blame.Verdict{
		Finding: scenarios.Finding{Judge: "raft"}, Decided: sim.Time(12 * time.Second), Points: p,
		Jumps: []blame.Jump{
			{Before: p[3], After: p[4]},
			{Before: p[1], After: p[2], Suspects: []trace.Event{
				{Kind: trace.Action, At: sim.Time(1001 * time.Millisecond), ID: 6},
				{Kind: trace.MemberCrash, At: sim.Time(1002 * time.Millisecond), Member: 2, ID: 6},
			}},
		},
	}
	want := `case  seed 7  fails by raft, certain at 12.000s
   0.000s                                             0%
   1.000s  █████                                     12%
   1.002s  ████████████████████                      50%  <- jump 2
   1.500s  ███████████████████████████               66%
   2.000s  ████████████████████████████████████████ 100%  <- jump 1
jump 1  between 1.500000s and 2.000000s: of 8 futures 2 fail, then 8
jump 2  between 1.000000s and 1.002500s: of 8 futures 1 fail, then 4
  1.001s    statement: let $victim = any
  1.002s    n2       crash id=6
`
	if got := told(t, v, parse(t, hit)); got != want {
		t.Errorf("it says\n%s\nwant\n%s", got, want)
	}
	// Of a story told in Go there are no words.
	if got := told(t, v, nil); !strings.Contains(got, "  1.001s  ") || strings.Contains(got, "let") {
		t.Errorf("without a file it says\n%s", got)
	}
	v.Jumps = nil
	if got := told(t, v, nil); !strings.HasSuffix(got, "100%\nno single moment decided it: the share of failing futures rises slowly, "+
		"or is what it is from the beginning\n") {
		t.Errorf("without a jump it says\n%s", got)
	}
}
