package scenarios

import (
	"slices"

	"etcdsim/checker"
)

// Finding is what is wrong with a run, in few words: who objects, and to what.
// Two runs with one finding fail in the same way, as far as that can be told
// without looking at them. The zero value is a run that passed.
type Finding struct {
	// Judge is who objects: a judge of package checker, "expectation" for a
	// statement that did not hold, "member" for one that broke down, "simulator"
	// for a defect of ours, "repetition" for a run that came out differently when it
	// was repeated.
	Judge string
	// Property is what the judge found broken; empty if it has but one.
	Property string
}

// Judges beside those of package checker.
const (
	JudgeExpectation = "expectation"
	JudgeMember      = "member"
	JudgeSimulator   = "simulator"
	JudgeRepetition  = "repetition"
)

// String returns the judge, and the property if that says more.
func (f Finding) String() string {
	if f.Property == "" || f.Property == f.Judge {
		return f.Judge
	}
	return f.Judge + ": " + f.Property
}

// Findings returns what is wrong with the run, the gravest first and each once.
// It is empty if and only if the run passed or was interrupted.
func (r *Result) Findings() []Finding {
	var all []Finding
	add := func(judge, property string) {
		if f := (Finding{judge, property}); !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	if r.Outcome == Pass || r.Outcome == Interrupted {
		return nil
	}
	if r.Panic != nil {
		add(JudgeSimulator, r.Panic.Text)
	}
	if r.Outcome == Nondeterminism {
		add(JudgeRepetition, "")
	}
	for _, class := range []checker.Class{checker.Safety, checker.Progress, checker.Coverage} {
		for _, j := range r.Report.Judgements {
			for i := range j.Violations {
				if j.Class == class {
					add(j.Judge, j.Violations[i].Property)
				}
			}
		}
		if class == checker.Safety && len(r.Breakdowns) > 0 {
			add(JudgeMember, "")
		}
	}
	if r.Failure != nil && len(r.Breakdowns) == 0 {
		add(JudgeExpectation, r.Failure.Statement)
	}
	for _, j := range r.Report.Judgements {
		if j.Verdict == checker.Unknown {
			add(j.Judge, "")
		}
	}
	if len(all) == 0 {
		add(JudgeSimulator, r.Outcome.String())
	}
	return all
}
