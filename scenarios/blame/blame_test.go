package blame_test

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"etcdsim/scenarios"
	"etcdsim/scenarios/blame"
	"etcdsim/sim"
)

func parse(t *testing.T, text string) *scenarios.File {
	t.Helper()
	f, err := scenarios.Parse("case.scn", text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func serially(n int, do func(int)) {
	for i := range n {
		do(i)
	}
}

func backwards(n int, do func(int)) {
	for i := range n {
		do(n - 1 - i)
	}
}

// hit kills somebody at 3 s, which fails if it is the leader.
const hit = `cluster nodes=3
net     latency=1ms..9ms
wait    leader within=20s as=$leader
load    w clients=1 keys=1 mix=put:1 think=50ms..150ms
wait    at 3s
let     $victim = any
kill    $victim
wait    elapsed 300ms
expect  running $leader >=1
`

// failing returns a seed with which the scenario fails.
func failing(t *testing.T, f *scenarios.File) uint64 {
	t.Helper()
	for seed := range uint64(100) {
		if r, err := scenarios.Run(f, seed, scenarios.Options{}); err == nil && r.Outcome == scenarios.Violation {
			return seed
		}
	}
	t.Fatal("no seed below 100 fails")
	return 0
}

// The moment at which the victim is drawn is the one that decides, and it is found
// to some milliseconds; in whichever order futures are made.
func TestTheMomentOfDecisionIsFound(t *testing.T) {
	f := parse(t, hit)
	seed := failing(t, f)
	find := func(futures int, each func(int, func(int))) *blame.Verdict {
		v, err := blame.Find(blame.Config{File: f, Seed: seed, Futures: futures, Each: each})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	v := find(24, serially)
	again := fmt.Sprintf("etcdsim blame case.scn --seed %d --futures 24", seed)
	if len(v.Jumps) != 1 {
		t.Fatalf("%d jumps in %+v, want one\n%s", len(v.Jumps), v.Points, again)
	}
	j := v.Jumps[0]
	const decided = sim.Time(3 * time.Second)
	if j.Before.At > decided || j.After.At < decided || j.After.At.Sub(j.Before.At) > 5*time.Millisecond {
		t.Errorf("it lies between %s and %s, want 3.000s\n%s", j.Before.At, j.After.At, again)
	}
	if j.After.Failing != 24 || j.Before.Failing > 16 {
		t.Errorf("the share rises from %d to %d of 24: want from about 8 to all\n%s", j.Before.Failing, j.After.Failing, again)
	}
	names := f.Statements()
	if len(j.Suspects) == 0 || names[j.Suspects[0].ID-1].Verb != "let" {
		t.Errorf("the suspects are %+v, want the statement that draws first\n%s", j.Suspects, again)
	}
	if !slices.IsSortedFunc(v.Points, func(a, b blame.Point) int { return cmp.Compare(a.At, b.At) }) {
		t.Error("points are out of order")
	}
	if one, other := find(3, serially), find(3, backwards); !reflect.DeepEqual(one.Points, other.Points) {
		t.Errorf("in one order it is\n%+v, in the other\n%+v", one.Points, other.Points)
	}
}

// What is bound to fail was decided by no moment, and what passes by none.
func TestNoMoment(t *testing.T) {
	bound := parse(t, "cluster nodes=3\nwait leader within=20s\nwait elapsed 1s\nexpect running n1 >=2\n")
	v, err := blame.Find(blame.Config{File: bound, Seed: 1, Futures: 8, Each: serially})
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Jumps) != 0 || v.Points[0].Failing != 8 {
		t.Errorf("jumps %+v, points %+v: want none, and all to fail", v.Jumps, v.Points)
	}
	passes := parse(t, "cluster nodes=1\nwait leader within=20s\n")
	if _, err := blame.Find(blame.Config{File: passes, Seed: 1, Each: serially}); !errors.Is(err, blame.ErrPasses) {
		t.Errorf("a run that passes: %v", err)
	}
}
