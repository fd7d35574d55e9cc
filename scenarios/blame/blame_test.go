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
	"etcdsim/sim/bug"
	"etcdsim/sim/trace"
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
	// What is drawn decides, and nobody is suspected of waiting for what comes of it.
	var suspects []string
	for _, e := range j.Suspects {
		what := e.Kind.String()
		if e.Kind == trace.Action {
			what = f.Statements()[e.ID-1].Verb
		}
		suspects = append(suspects, what)
	}
	if !slices.Equal(suspects, []string{"let", "kill", "crash"}) {
		t.Errorf("the suspects are %v, want the statements let and kill, and the crash\n%s", suspects, again)
	}
	if !slices.IsSortedFunc(v.Points, func(a, b blame.Point) int { return cmp.Compare(a.At, b.At) }) {
		t.Error("points are out of order")
	}
	if one, other := find(3, serially), find(3, backwards); !reflect.DeepEqual(one.Points, other.Points) {
		t.Errorf("in one order it is\n%+v, in the other\n%+v", one.Points, other.Points)
	}
}

// A story told in Go has no file: it is told anew for each future, with what makes it
// another one, and within bounds.
func TestStory(t *testing.T) {
	f := parse(t, hit)
	seed := failing(t, f)
	observed, told := 0, 0
	var forks []scenarios.Fork
	v, err := blame.Find(blame.Config{
		Seed: seed, Futures: 2, Each: serially,
		Options: scenarios.Options{Observe: func(*trace.Log) { observed++ }},
		Run: func(o scenarios.Options) (*scenarios.Result, error) {
			if (o.Fork == scenarios.Fork{}) != (o.MaxEvents == 0) {
				t.Errorf("the future %+v may have %d events", o.Fork, o.MaxEvents)
			}
			forks = append(forks, o.Fork)
			return scenarios.Run(f, seed, o)
		},
		Progress: func(p blame.Point) {
			if told++; p.Futures != 2 {
				t.Errorf("told of %+v", p)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if told != len(v.Points) || len(forks) != 1+2*told || observed != len(forks) {
		t.Errorf("%d points, of which %d were told; %d runs, of which %d were observed", len(v.Points), told, len(forks), observed)
	}
	for i, fork := range forks[1:] {
		if fork.By != uint64(1+i%2) {
			t.Errorf("run %d is the future %+v", i, fork)
		}
	}
	broken := errors.New("broken")
	failed := func(scenarios.Options) (*scenarios.Result, error) { return nil, broken }
	if _, err := blame.Find(blame.Config{Run: failed, Each: serially}); !errors.Is(err, broken) {
		t.Errorf("a story that cannot be told: %v", err)
	}
}

// The futures of a recorded session end otherwise than it did.
func TestSession(t *testing.T) {
	f := parse(t, "cluster nodes=1\nsession\nwait leader within=1ms\nended digest=00000000000000000000000000000000\n")
	v, err := blame.Find(blame.Config{File: f, Seed: 1, Each: serially})
	if err != nil {
		t.Fatal(err)
	}
	if p := v.Points[0]; v.Finding.Judge != "liveness" || p.Futures != blame.DefaultFutures || p.Failing != p.Futures {
		t.Errorf("found %s, first %+v; want that nobody leads, in all of the usual number of futures", v.Finding, p)
	}
}

// What judges object to is certain when they can know it, and not at the end of the run.
func TestDecided(t *testing.T) {
	const seed = 8
	library := scenarios.Library()
	f := library[slices.IndexFunc(library, func(f *scenarios.File) bool { return f.Name == "leader-partition" })]
	o := scenarios.Options{Bugs: bug.Set(0).With(bug.LeaderLocalRead)}
	v, err := blame.Find(blame.Config{File: f, Seed: seed, Options: o, Futures: 1, Each: serially})
	if err != nil {
		t.Fatal(err)
	}
	earliest := sim.Forever
	for _, one := range v.Result.Report.Violations() {
		earliest = min(earliest, one.At)
	}
	if v.Decided != earliest || v.Decided >= v.Result.Counts.Elapsed || v.Points[len(v.Points)-1].At > v.Decided {
		t.Errorf("certain at %s, want %s, of %s; asked about until %s\netcdsim run leader-partition --seed %d --bug leader-local-read",
			v.Decided, earliest, v.Result.Counts.Elapsed, v.Points[len(v.Points)-1].At, seed)
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
