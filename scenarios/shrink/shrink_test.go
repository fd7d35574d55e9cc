package shrink

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"etcdsim/scenarios"
	"etcdsim/sim/bug"
)

// serial makes trials one after the other.
func serial(trials []Trial, good func(*scenarios.Result) bool) (int, *scenarios.Result) {
	for i, t := range trials {
		if r, err := scenarios.Run(t.File, t.Seed, t.Options); err == nil && good(r) {
			return i, r
		}
	}
	return -1, nil
}

// backwards makes all trials, the last first.
func backwards(trials []Trial, good func(*scenarios.Result) bool) (int, *scenarios.Result) {
	first, result := -1, (*scenarios.Result)(nil)
	for i := len(trials) - 1; i >= 0; i-- {
		if r, err := scenarios.Run(trials[i].File, trials[i].Seed, trials[i].Options); err == nil && good(r) {
			first, result = i, r
		}
	}
	return first, result
}

func parse(t testing.TB, text string) *scenarios.File {
	t.Helper()
	f, err := scenarios.Parse("long.scn", text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// long is a failing scenario in which most does not matter.
const long = `# long: much of this is of no use
cluster nodes=5
net     latency=2ms..8ms drop=0.1%
disk    sync=500us..3ms
# 1. clients begin
wait    leader within=20s as=$old
load    w clients=3 keys=2 mix=put:5,get:4,txn:1
wait    acked w >=20 within=5s
let     $idle = followers
repeat 2
  pause   n2
  wait    elapsed 50ms
  resume  n2
end
# 2. cut off
partition $old | rest
wait    leader in=rest within=20s
load    late clients=4 mix=put:1,get:3
wait    elapsed 1s
# 3. the end
heal
restart n1
compact keep=10
wait    converged within=20s
cover   elections>=1
`

func shrunk(t *testing.T, run Runner, effort uint64) *Shrunk {
	t.Helper()
	bugs := bug.Set(0).With(bug.LeaderLocalRead)
	f := parse(t, long)
	for seed := uint64(1); seed < 50; seed++ {
		s, err := Shrink(Config{File: f, Seed: seed, Options: scenarios.Options{Bugs: bugs}, Run: run, Effort: effort})
		if errors.Is(err, ErrPasses) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	t.Fatal("no seed below 50 fails")
	return nil
}

// What is left still fails by the same judge, passes without the defect, and is
// short.
func TestShrink(t *testing.T) {
	s := shrunk(t, serial, 2_500_000)
	text := scenarios.Format(s.File)
	tell := func(format string, args ...any) {
		t.Errorf(format+"\netcdsim run shrunk.scn --seed %d --bug leader-local-read\n%s", append(args, s.Seed, text)...)
	}
	bugs := bug.Set(0).With(bug.LeaderLocalRead)
	again, err := scenarios.Run(parse(t, text), s.Seed, scenarios.Options{Bugs: bugs})
	if err != nil || again.Digest != s.Result.Digest || again.Outcome != scenarios.Violation || again.Findings()[0] != s.Finding {
		tell("it does not fail by %s again: %v", s.Finding, err)
	}
	if r, err := scenarios.Run(s.File, s.Seed, scenarios.Options{}); err != nil || r.Outcome != scenarios.Pass {
		tell("without the bug it does not pass: %v", err)
	}
	if s.Finding.Judge != "linearizability" || s.Faults > 2 || s.Operations > 40 || s.Statements > 9 {
		tell("%d statements, %d faults, %d operations by %s: want less", s.Statements, s.Faults, s.Operations, s.Finding)
	}
	if strings.Contains(text, "cover") || strings.Contains(text, "repeat") {
		tell("it holds what nobody needs")
	}
}

// The order in which trials are made does not matter.
func TestShrinkIsDeterministic(t *testing.T) {
	a, b := shrunk(t, serial, 500_000), shrunk(t, backwards, 500_000)
	if x, y := scenarios.Format(a.File), scenarios.Format(b.File); x != y || a.Seed != b.Seed {
		t.Errorf("one way seed %d\n%s\nthe other seed %d\n%s", a.Seed, x, b.Seed, y)
	}
}

func TestNothingToShrink(t *testing.T) {
	passing := parse(t, "cluster nodes=1\nwait leader within=20s\n")
	if _, err := Shrink(Config{File: passing, Seed: 1, Run: serial}); !errors.Is(err, ErrPasses) {
		t.Errorf("a run that passes: %v", err)
	}
	failing := parse(t, "cluster nodes=1\nwait leader within=1ms\n")
	bugs := bug.Set(0).With(bug.LeaderLocalRead)
	if _, err := Shrink(Config{File: failing, Seed: 1, Options: scenarios.Options{Bugs: bugs}, Run: serial}); !errors.Is(err, ErrWithoutBugs) {
		t.Errorf("a run that fails without bugs: %v", err)
	}
	if _, err := Shrink(Config{File: failing, Seed: 1, Run: serial}); err != nil {
		t.Errorf("a run that fails: %v", err)
	}
}

// Of several objections that of the judge who is named is kept, though it is not the
// gravest.
func TestNamedJudge(t *testing.T) {
	const seed = 8
	library := scenarios.Library()
	file := library[slices.IndexFunc(library, func(f *scenarios.File) bool { return f.Name == "leader-partition" })]
	config := func(judge string) Config {
		bugs := bug.Set(0).With(bug.LeaderLocalRead)
		return Config{File: file, Seed: seed, Options: scenarios.Options{Bugs: bugs}, Judge: judge, Effort: 100_000, Run: serial}
	}
	for _, judge := range []string{"linearizability", scenarios.JudgeExpectation} {
		s, err := Shrink(config(judge))
		if err != nil {
			t.Fatalf("etcdsim run leader-partition --seed %d --bug leader-local-read: %s: %v", seed, judge, err)
		}
		if s.Finding.Judge != judge || !slices.Contains(s.Result.Findings(), s.Finding) {
			t.Errorf("asked for an objection of %s, and kept %s: %v", judge, s.Finding, s.Result.Findings())
		}
	}
	if _, err := Shrink(config("durability")); !errors.Is(err, ErrPasses) {
		t.Errorf("a judge that does not object: %v, want %v", err, ErrPasses)
	}
}

// The end of a recorded session is that of one run only, and of no shorter one.
func TestSessionsAreShortened(t *testing.T) {
	f := parse(t, "cluster nodes=1\nsession\nwait leader within=1ms\nended digest=00000000000000000000000000000000\n")
	s, err := Shrink(Config{File: f, Seed: 1, Run: serial, Effort: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	if text := scenarios.Format(s.File); s.Finding.Judge != "liveness" || strings.Contains(text, "ended") {
		t.Errorf("it fails by %s:\n%s", s.Finding, text)
	}
}

// A plan prints what it was made of.
func TestPlanKeepsStatements(t *testing.T) {
	for _, f := range append(scenarios.Library(), parse(t, long)) {
		text, _ := newPlan(f.Lines).text()
		again, err := scenarios.Parse(f.Name, text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		was, is := f.Statements(), again.Statements()
		if len(was) != len(is) {
			t.Fatalf("%s: %d statements, then %d", f.Name, len(was), len(is))
		}
		for i := range was {
			if was[i].String() != is[i].String() {
				t.Errorf("%s: %q became %q", f.Name, was[i], is[i])
			}
		}
	}
}

// What refers to what was left out is left out too, and so are empty blocks.
func TestPlanIsMended(t *testing.T) {
	p := newPlan(parse(t, long).Lines)
	var first int
	for n, at := range p.places() {
		if at.line().words[0] == "wait" {
			first = n
			break
		}
	}
	_, f, ok := p.without([]int{first, 7, 9}).file("x", scenarios.Options{})
	if !ok {
		t.Fatal("it was given up")
	}
	text := scenarios.Format(f)
	if strings.Contains(text, "$old") || strings.Contains(text, "repeat") {
		t.Errorf("it refers to what is gone:\n%s", text)
	}
	block := parse(t, "repeat 2\n  concurrently\n    wait elapsed 1ms\n  and\n    wait elapsed 2ms\n  end\nend\nliveness off\n")
	if text, _ := newPlan(block.Lines).without([]int{2, 3}).text(); text != "liveness off\n" {
		t.Errorf("it has blocks of nothing:\n%s", text)
	}
}

// Making words simpler comes to an end.
func TestSimplerEnds(t *testing.T) {
	words := rapid.SampledFrom([]string{
		"n1", "nodes=5", "mix=put:5,get:4,txn:1", "latency=2ms..30.5ms", "drop=0.5%", "within=1.485s", ">=50", "1.37s", "keep=30%", "x", "=",
		"5h3m", "ops=18446744073709551615", "a,b,c", "..", "drift=+10%", "offset=-3s",
	})
	rapid.Check(t, func(t *rapid.T) {
		word := words.Draw(t, "word")
		for steps := 0; ; steps++ {
			list := simpler(word)
			if len(list) == 0 {
				return
			}
			if steps > 300 {
				t.Fatalf("still %q after %d steps", word, steps)
			}
			word = rapid.SampledFrom(list).Draw(t, "simpler")
		}
	})
}
