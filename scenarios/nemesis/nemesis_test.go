package nemesis_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"etcdsim/scenarios"
	"etcdsim/scenarios/nemesis"
)

// run runs the plan of a seed.
func run(t *testing.T, seed uint64, f *scenarios.File) *scenarios.Result {
	t.Helper()
	r, err := scenarios.Run(f, seed, scenarios.Options{})
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	return r
}

// tell says what a run was and how it failed.
func tell(r *scenarios.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "etcdsim run --nemesis --seed %d: %v", r.Seed, r.Outcome)
	if r.Failure != nil {
		fmt.Fprintf(&b, "\n%s: %s", r.Failure.Statement, r.Failure.Why)
	}
	for _, v := range r.Report.Violations() {
		fmt.Fprintf(&b, "\n%s: %s", v.Property, v.Why)
	}
	if r.Panic != nil {
		fmt.Fprintf(&b, "\n%s\n%s", r.Panic.Text, r.Panic.Stack)
	}
	return b.String()
}

// A seed decides the plan, and the plan is a scenario in its canonical form.
func TestPlansAreScenarios(t *testing.T) {
	different := map[string]bool{}
	for seed := range uint64(1000) {
		text := scenarios.Format(nemesis.Draw(seed).File())
		if again := scenarios.Format(nemesis.Draw(seed).File()); again != text {
			t.Fatalf("seed %d draws\n%s\nand then\n%s", seed, text, again)
		}
		f, err := scenarios.Parse("plan.scn", text)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		if printed := scenarios.Format(f); printed != text {
			t.Fatalf("seed %d: not in canonical form:\n%s\nwhich is\n%s", seed, text, printed)
		}
		different[text[strings.Index(text, "\n"):]] = true
	}
	if len(different) < 990 {
		t.Errorf("1000 seeds draw only %d plans", len(different))
	}
}

// What was saved as a file and run gives the same run as the seed did.
func TestSavedPlansGiveTheSameRun(t *testing.T) {
	for seed := range uint64(20) {
		plan := nemesis.Draw(seed)
		saved, err := scenarios.Parse("saved.scn", scenarios.Format(plan.File()))
		if err != nil {
			t.Fatal(err)
		}
		drawn, again := run(t, seed, plan.File()), run(t, seed, saved)
		if drawn.Digest != again.Digest {
			t.Errorf("seed %d: digest %s as drawn, %s from the file", seed, drawn.Digest, again.Digest)
		}
	}
}

// Without a defect every plan passes. A sweep runs more: etcdsim census.
func TestSwarmPasses(t *testing.T) {
	seeds := uint64(300)
	if testing.Short() {
		seeds = 30
	}
	for first := range uint64(4) {
		t.Run(fmt.Sprint(first), func(t *testing.T) {
			t.Parallel()
			for seed := 1 + first; seed <= seeds; seed += 4 {
				if r := run(t, seed, nemesis.Draw(seed).File()); r.Outcome != scenarios.Pass {
					t.Errorf("want a pass:\n%s", tell(r))
				}
			}
		})
	}
}

// Every kind of faults is drawn, and has an effect in one of the first plans that
// have it.
func TestEveryFaultHasAnEffect(t *testing.T) {
	const patience = 12
	tried := map[string]int{}
	left := nemesis.Kinds()
	for seed := uint64(1); len(left) > 0 && seed < 3000; seed++ {
		plan := nemesis.Draw(seed)
		wanted := func(f nemesis.Fault) bool { return slices.Contains(left, f.Kind) && tried[f.Kind] < patience }
		if !slices.ContainsFunc(plan.Faults(), wanted) {
			continue
		}
		found := nemesis.Find(plan, run(t, seed, plan.File()))
		for _, k := range found.Injected {
			tried[k]++
		}
		left = slices.DeleteFunc(left, func(k string) bool { return slices.Contains(found.Effective, k) })
	}
	for _, k := range left {
		t.Errorf("%s had no effect in the first %d plans that have it", k, tried[k])
	}
}

// What was injected and changed nothing is not counted as effective; and the census
// tells of both, and of what was rare.
func TestInjectedIsNotEffective(t *testing.T) {
	const seed = 1
	plan := nemesis.Draw(seed)
	nothing := nemesis.Find(plan, &scenarios.Result{Seed: seed})
	if len(nothing.Injected) == 0 || len(nothing.Effective) > 0 {
		t.Errorf("seed %d: of a run in which nothing happened the census says %+v", seed, nothing)
	}
	var c nemesis.Census
	c.Add(nemesis.Finding{Outcome: "pass", Injected: []string{"kill", "jump"}, Effective: []string{"kill"}, Probes: []string{"packet-late"}})
	c.Add(nemesis.Finding{Outcome: "pass", Injected: []string{"kill"}, Probes: []string{"packet-late", "rare"}})
	var b strings.Builder
	if err := c.Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2 seeds;", "outcomes: pass 2\n", "probes: packet-late 2, rare 1\n", "kill 2 1\n", "jump 1 0\n"} {
		if told := strings.Join(strings.FieldsFunc(b.String(), func(r rune) bool { return r == ' ' }), " "); !strings.Contains(told, want) {
			t.Errorf("the census does not say %q:\n%s", want, &b)
		}
	}
}

// What a plan makes the network do at random it ends itself: mending a link ends nothing
// that all links do, and no link that flaps.
func TestNetworksAreCalmInTheEnd(t *testing.T) {
	disturbed, flapped := 0, 0
	for seed := range uint64(500) {
		chances, flaps := map[string]string{}, map[string]bool{}
		for line := range strings.Lines(scenarios.Format(nemesis.Draw(seed).File())) {
			words := strings.Fields(strings.TrimPrefix(line, "? "))
			switch {
			case len(words) == 0:
			case words[0] == "net":
				for _, option := range words[1:] {
					if name, value, _ := strings.Cut(option, "="); name != "latency" {
						disturbed++
						chances[name] = value
					}
				}
			case words[0] == "flap":
				flapped++
				flaps[strings.Join(words[1:4], " ")] = true
			case words[0] == "heal":
				delete(flaps, strings.Join(words[1:], " "))
			}
		}
		for name, value := range chances { // unordered: each is judged alone
			if value != "0%" {
				t.Errorf("seed %d: in the end %s is %s", seed, name, value)
			}
		}
		if len(flaps) > 0 {
			t.Errorf("seed %d: in the end there flap %v", seed, flaps)
		}
	}
	if disturbed == 0 || flapped == 0 {
		t.Errorf("%d disturbances and %d flapping links in all plans", disturbed, flapped)
	}
}

// A plan without one of its faults is the same plan otherwise.
func TestWithoutOneFault(t *testing.T) {
	for seed := range uint64(50) {
		plan := nemesis.Draw(seed)
		all := plan.Faults()
		for n := range all {
			less := plan.Without(n).Faults()
			want := slices.Delete(slices.Clone(all), n, n+1)
			if fmt.Sprint(less) != fmt.Sprint(want) {
				t.Fatalf("seed %d without fault %d: %v, want %v", seed, n, less, want)
			}
		}
		if fmt.Sprint(plan.Faults()) != fmt.Sprint(all) {
			t.Fatalf("seed %d: the plan itself has changed", seed)
		}
	}
}
