package checker

import (
	"cmp"
	"slices"

	"etcdsim/checker/history"
	"etcdsim/sim"
)

// Verdict is what a judge found. The zero value is no verdict.
type Verdict uint8

// Verdicts, from best to worst.
const (
	// Pass: the property holds in this run. That is a proof, not an absence of
	// evidence.
	Pass Verdict = 1 + iota
	// Unknown: the judge gave up within its budget, or had nothing to judge by.
	Unknown
	// Violated: the property does not hold; Violations show it.
	Violated
)

// String returns the verdict in lower case.
func (v Verdict) String() string {
	return [...]string{"no verdict", "pass", "unknown", "violation"}[v]
}

// Class groups properties by what their failure means for the run's exit code.
type Class uint8

// Classes.
const (
	// Safety: something happened that must never happen.
	Safety Class = 1 + iota
	// Progress: something did not happen that must happen in the end.
	Progress
	// Coverage: the run did not test what it was meant to test.
	Coverage
)

// Violation shows that a property does not hold.
type Violation struct {
	// Property is the name of what was violated: "linearizability", "election
	// safety".
	Property string
	// Key is the key that the violation is about, or empty.
	Key string
	// Ops are the few operations that show it, in the order in which they are
	// best read. Raft's invariants have none.
	Ops []Exhibit
	// Why says in plain words, with values, what is wrong.
	Why string
	// Belief says what the member believed then: its role and term, how far its log
	// went, and from whom it took that. Empty where it explains nothing.
	Belief string
	// At is when it became certain: the time to turn to in the trace.
	At sim.Time
	// Member is the member that did it, Index the place in the log; 0 if there is
	// none.
	Member, Index uint64
}

// Exhibit is an operation that shows a violation.
type Exhibit struct {
	Op history.Op
	// Note is a word or two on what is wrong with it ("stale"), or empty.
	Note string
}

// Judgement is what one judge has to say.
type Judgement struct {
	// Judge is the family of properties judged: "linearizability", "raft".
	Judge   string
	Class   Class
	Verdict Verdict
	// Judged counts what was judged: operations, entries, events. A pass over
	// nothing is visible as such.
	Judged int
	// Violations are not empty if and only if Verdict is Violated.
	Violations []Violation
	// Note explains an Unknown, or how a pass was reached.
	Note string
}

// safety is what a judge of safety says of what it found, if anything: the earliest
// violation tells most, and the others mostly follow from it.
func safety(judge string, judged int, found []Violation) Judgement {
	j := Judgement{Judge: judge, Class: Safety, Verdict: Pass, Judged: judged}
	if len(found) == 0 {
		return j
	}
	slices.SortStableFunc(found, func(a, b Violation) int { return cmp.Compare(a.At, b.At) })
	j.Verdict, j.Violations = Violated, found[:1]
	if len(found) > 1 {
		j.Note = "the first of " + itoa(len(found))
	}
	return j
}

// Report is what all judges have to say, in a fixed order: what clients can see
// first, then what explains it.
type Report struct{ Judgements []Judgement }

// Verdict returns the worst verdict of all judges.
func (r Report) Verdict() Verdict {
	worst := Pass
	for _, j := range r.Judgements {
		worst = max(worst, j.Verdict)
	}
	return worst
}

// Violations returns the violations of all judges in order.
func (r Report) Violations() []Violation {
	var all []Violation
	for _, j := range r.Judgements {
		all = append(all, j.Violations...)
	}
	return all
}

// Judgement returns what the named judge has to say.
func (r Report) Judgement(judge string) (Judgement, bool) {
	for _, j := range r.Judgements {
		if j.Judge == judge {
			return j, true
		}
	}
	return Judgement{}, false
}

// Exit codes of a judged run, as the command line returns them.
const (
	ExitPass     = 0
	ExitSafety   = 1
	ExitUnknown  = 2 // a judge gave up, or the run tested nothing
	ExitLiveness = 3
)

// ExitCode returns the exit code that the report deserves: a violation of
// safety outranks one of liveness, and both outrank doubt.
func (r Report) ExitCode() int {
	code := ExitPass
	for _, j := range r.Judgements {
		switch {
		case j.Verdict == Violated && j.Class == Safety:
			return ExitSafety
		case j.Verdict == Violated && j.Class == Progress:
			code = ExitLiveness
		case j.Verdict != Pass && code == ExitPass:
			code = ExitUnknown
		}
	}
	return code
}
