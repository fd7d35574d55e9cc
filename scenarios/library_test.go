package scenarios_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"etcdsim/scenarios"
	"etcdsim/sim/bug"
)

// seedsOfTests is how many seeds of each scenario the tests run. A sweep runs
// more: etcdsim run steady --seeds 1..1000.
func seedsOfTests() uint64 {
	if testing.Short() {
		return 2
	}
	return 10
}

// must runs a scenario, which must at least start.
func must(t *testing.T, f *scenarios.File, seed uint64, o scenarios.Options) *scenarios.Result {
	t.Helper()
	r, err := scenarios.Run(f, seed, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// tell says how a run went. (Package report says it better, and stands above.)
func tell(r *scenarios.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s seed %d: %v, digest %s\n", r.Scenario, r.Seed, r.Outcome, r.Digest)
	for _, p := range r.Phases {
		fmt.Fprintf(&b, "phase %d %s: %v until %v, %s\n", p.Number, p.Title, p.OK, p.End, p.Note)
	}
	if f := r.Failure; f != nil {
		fmt.Fprintf(&b, "line %d column %d: %s: %s\n", f.Pos.Line, f.Pos.Col, f.Statement, f.Why)
	}
	for _, j := range r.Report.Judgements {
		fmt.Fprintf(&b, "%s: %v: %s\n", j.Judge, j.Verdict, j.Note)
		for _, v := range j.Violations {
			fmt.Fprintf(&b, "  %s: %s\n", v.Property, v.Why)
		}
	}
	if r.Panic != nil {
		fmt.Fprintf(&b, "%s\n%s\n", r.Panic.Text, r.Panic.Stack)
	}
	return b.String()
}

func TestLibraryPasses(t *testing.T) {
	for _, f := range scenarios.Library() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			for seed := range seedsOfTests() {
				if r := must(t, f, seed, scenarios.Options{}); r.Outcome != scenarios.Pass {
					t.Fatalf("want a pass:\n%s", tell(r))
				}
			}
		})
	}
}

// Every bug of the catalogue is seen in the scenario that the catalogue names.
func TestLibraryCatchesBugs(t *testing.T) {
	for _, b := range bug.All() {
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel()
			f := scenarios.Lookup(b.Scenario)
			if f == nil {
				t.Fatalf("the catalogue names scenario %q, which does not exist", b.Scenario)
			}
			o := scenarios.Options{Bugs: bug.Set(0).With(b.ID)}
			for seed := range uint64(200) {
				r := must(t, f, seed, o)
				if j, ok := r.Report.Judgement(b.Judge); ok && len(j.Violations) > 0 {
					if r.Outcome != scenarios.Violation && r.Outcome != scenarios.Stuck {
						t.Errorf("judge %s objects, and yet the outcome is %v:\n%s", b.Judge, r.Outcome, tell(r))
					}
					if r := must(t, f, seed, scenarios.Options{}); r.Outcome != scenarios.Pass {
						t.Errorf("without the bug, want a pass:\n%s", tell(r))
					}
					return
				}
			}
			t.Errorf("judge %s objects to none of 200 seeds of %s --bug %s", b.Judge, b.Scenario, b.Name)
		})
	}
}

// A run is a function of scenario, seed and options: alone, beside others, and
// with raft messages as bytes.
func TestRunsAreRepeatable(t *testing.T) {
	asBytes := scenarios.Options{Settings: []scenarios.Setting{{Section: "cluster", Name: "marshal", Value: "on"}}}
	for _, f := range scenarios.Library() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			const seed = 11
			twice, err := scenarios.RunTwice(f, seed, scenarios.Options{})
			if err != nil || twice.Outcome != scenarios.Pass || twice.Divergence != "" {
				t.Fatalf("RunTwice: %v, %+v", err, twice)
			}
			if testing.Short() {
				return
			}
			first := must(t, f, seed, scenarios.Options{})
			want := tell(first)
			if a := must(t, f, seed, asBytes).Digest; a != first.Digest {
				t.Errorf("digest %s with raft messages as bytes, %s without", a, first.Digest)
			}
			if got := tell(twice); got != want {
				t.Errorf("the second run reports\n%s\nthe first\n%s", got, want)
			}
			if other := must(t, f, seed+1, scenarios.Options{}).Digest.String(); strings.Contains(want, other) {
				t.Error("another seed gave the same digest")
			}
		})
	}
}

func TestRunsSideBySide(t *testing.T) {
	f := scenarios.Lookup("leader-kill")
	want := must(t, f, 5, scenarios.Options{}).Digest
	var wg sync.WaitGroup
	got := make([]*scenarios.Result, 8)
	for i := range got {
		wg.Go(func() { got[i], _ = scenarios.Run(f, 5, scenarios.Options{}) })
	}
	wg.Wait()
	for i, r := range got {
		if r == nil || r.Digest != want {
			t.Errorf("simulation %d of 8 side by side: %+v; alone it has digest %s", i, r, want)
		}
	}
}

var update = flag.Bool("update", false, "write testdata/digests.txt anew")

const digestFile = "testdata/digests.txt"

// The recorded digests pin traces across versions, builds and processors. A
// change that is meant needs a new trace.Version and
//
//	go test ./scenarios -run TestDigests -update
func TestDigests(t *testing.T) {
	var b strings.Builder
	for _, f := range scenarios.Library() {
		for _, seed := range []uint64{1, 2, 3, 1 << 40} {
			fmt.Fprintf(&b, "%s %d %s\n", f.Name, seed, must(t, f, seed, scenarios.Options{}).Digest)
		}
	}
	if *update {
		if err := os.WriteFile(digestFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	recorded, err := os.ReadFile(digestFile)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(string(recorded), "\n")
	got := strings.Split(b.String(), "\n")
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			t.Fatalf("line %d: recorded and present digests differ from here on:\n%s\nif that is meant, see the comment of this test",
				i+1, strings.Join(got[min(i, len(got)):], "\n"))
		}
	}
}
