package checker

import (
	"reflect"
	"strings"
	"testing"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/store"
)

// judged is what one judge says about a hand-made history.
func judged(t *testing.T, judge string, h history.History, o Options) Judgement {
	t.Helper()
	j, ok := Judge(h, o).Judgement(judge)
	if !ok {
		t.Fatalf("nobody judges %s", judge)
	}
	return j
}

// expect checks a judgement against the reason expected, "" for a pass.
func expect(t *testing.T, j Judgement, why string) {
	t.Helper()
	if why == "" {
		if j.Verdict != Pass || len(j.Violations) > 0 {
			t.Errorf("%s: got %v %+v, expected a pass", j.Judge, j.Verdict, j.Violations)
		}
		return
	}
	if j.Verdict != Violated || len(j.Violations) == 0 {
		t.Fatalf("%s: got %v, expected a violation: %s", j.Judge, j.Verdict, why)
	}
	prove(j)
	if got := j.Violations[0].Why; got != why {
		t.Errorf("%s:\ngot  %s\nwant %s", j.Judge, got, why)
	}
}

// Safety outranks liveness, and both outrank doubt.
func TestExitCodes(t *testing.T) {
	safety := Judgement{Class: Safety, Verdict: Violated}
	liveness := Judgement{Class: Progress, Verdict: Violated}
	doubt := Judgement{Class: Safety, Verdict: Unknown}
	pass := Judgement{Class: Safety, Verdict: Pass}
	for _, tt := range []struct {
		judgements []Judgement
		code       int
		verdict    Verdict
	}{
		{nil, ExitPass, Pass},
		{[]Judgement{pass}, ExitPass, Pass},
		{[]Judgement{pass, doubt}, ExitUnknown, Unknown},
		{[]Judgement{doubt, liveness}, ExitLiveness, Violated},
		{[]Judgement{liveness, doubt}, ExitLiveness, Violated},
		{[]Judgement{liveness, doubt, safety}, ExitSafety, Violated},
		{[]Judgement{safety, liveness}, ExitSafety, Violated},
		{[]Judgement{{Class: Progress, Verdict: Pass}}, ExitPass, Pass},
		{[]Judgement{{Class: Progress, Verdict: Unknown}}, ExitUnknown, Unknown},
		{[]Judgement{{Class: Coverage, Verdict: Violated}}, ExitUnknown, Violated},
	} {
		r := Report{Judgements: tt.judgements}
		if r.ExitCode() != tt.code || r.Verdict() != tt.verdict {
			t.Errorf("%+v: exit code %d and %v, expected %d and %v", tt.judgements, r.ExitCode(), r.Verdict(), tt.code, tt.verdict)
		}
	}
}

// Who has nothing to judge says nothing.
func TestNothingToJudge(t *testing.T) {
	names := func(h history.History, o Options) string {
		var all []string
		for _, j := range Judge(h, o).Judgements {
			all = append(all, j.Judge)
		}
		return strings.Join(all, ", ")
	}
	const always = "linearizability, serializable reads, durability, store, replicas"
	for _, tt := range []struct {
		name string
		h    history.History
		o    Options
		more string
	}{
		{name: "writes", h: twoPuts().History},
		{name: "leases", h: newLeaseStory().History, more: ", leases"},
		{name: "locks", h: newLockStory().History, more: ", leases, locks"},
		{name: "elections", h: newElectionStory().History, more: ", leases, elections"},
		{name: "rights", h: newRightsStory().History, more: ", auth"},
		{name: "the older APIs", h: newOlderStory().History, more: ", older"},
		{name: "watchers", h: newWatchStory(fromNow).History, more: ", watch"},
		{name: "members", h: begin().list(0, false, 1, 2, 3).h, more: ", membership"},
		{name: "a trace", h: twoPuts().History, o: Options{Invariants: NewInvariants(3)}, more: ", raft, crash"},
		{name: "a breakdown", h: twoPuts().History, o: Options{Breakdowns: []Breakdown{{}}}, more: ", crash"},
		{name: "an end", h: twoPuts().History, o: Options{Converged: true}, more: ", liveness"},
		{name: "waits", h: twoPuts().History, o: Options{Stalled: []Stall{}}, more: ", liveness"},
		{name: "cover", h: twoPuts().History, o: Options{Cover: []Requirement{{}}}, more: ", coverage"},
	} {
		if got := names(tt.h, tt.o); got != always+tt.more {
			t.Errorf("%s: %s, want %s", tt.name, got, always+tt.more)
		}
	}
}

// A judge of safety tells the earliest violation, and of how many. All violations are
// told in the order of the judges.
func TestFirstViolation(t *testing.T) {
	late, early := Violation{At: 2, Why: "late"}, Violation{At: 1, Why: "early"}
	one := safety("one", 3, []Violation{late})
	two := safety("two", 3, []Violation{late, early})
	if one.Note != "" || two.Note != "the first of 2" || len(two.Violations) != 1 || two.Violations[0].Why != "early" || two.Judged != 3 {
		t.Errorf("%+v\n%+v", one, two)
	}
	all := Report{Judgements: []Judgement{one, safety("none", 0, nil), two}}.Violations()
	if len(all) != 2 || all[0].Why != "late" || all[1].Why != "early" {
		t.Errorf("%+v", all)
	}
}

// A budget that is too small gives up, where the default finds.
func TestBudgetIsKept(t *testing.T) {
	if got := (Options{}).budget(); got != defaultBudget {
		t.Errorf("%d steps by default, want %d", got, defaultBudget)
	}
	if got := (Options{Budget: 7}).budget(); got != 7 {
		t.Errorf("%d steps, want 7", got)
	}
}

// The report of a history is the same every time, text included, whatever
// porcupine's goroutines do.
func TestReportsAreReproducible(t *testing.T) {
	for kind := none; kind < numAnomalies; kind++ {
		r := recipe{
			seed: 5, ops: 300, clients: 6, keys: 3, timeouts: sim.Percent(5), serializable: sim.Percent(20), anomaly: kind, rate: sim.Percent(5),
		}
		first := Judge(generate(r), Options{})
		for range 3 {
			if again := Judge(generate(r), Options{}); !reflect.DeepEqual(first, again) {
				t.Fatalf("%v: two reports differ:\n%+v\n%+v", kind, first, again)
			}
		}
	}
}

// Judges only read the history, and take one that holds nothing, or nothing but
// oddities.
func TestJudgesAnything(t *testing.T) {
	r := sim.NewRand(1, "oddities")
	for seed := range uint64(300) {
		h := generate(recipe{seed: seed, ops: 20, clients: 3, keys: 2, timeouts: sim.Percent(10), serializable: sim.Percent(20)})
		for range 3 {
			switch r.Intn(6) {
			case 0:
				h.Ops[r.Intn(len(h.Ops))].Response = store.Response{}
			case 1:
				h.Ops[r.Intn(len(h.Ops))].ID = r.Uint64()
			case 2:
				h.Ops[r.Intn(len(h.Ops))].Applied = r.Uint64()
			case 3:
				h.Ops[r.Intn(len(h.Ops))].Outcome = history.Outcome(r.Intn(5))
			case 4:
				h.Commits = h.Commits[:r.Intn(len(h.Commits)+1)]
			case 5:
				if n := len(h.Commits); n > 0 {
					i, k := r.Intn(n), r.Intn(n)
					h.Commits[i], h.Commits[k] = h.Commits[k], h.Commits[i]
				}
			}
		}
		Judge(h, Options{Invariants: NewInvariants(3), Converged: true, Budget: 5000})
	}
	Judge(history.History{}, Options{})
	report := Judge(history.History{}, Options{Invariants: NewInvariants(0), Converged: true})
	if report.Verdict() != Pass {
		t.Errorf("an empty history: %+v", report)
	}
	if !strings.Contains(Violated.String(), "violation") {
		t.Error("a violation is called by its name")
	}
}
