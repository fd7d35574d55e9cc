package checker

import (
	"fmt"
	"time"

	"etcdsim/sim"
)

// Stall is something that did not happen within its time.
type Stall struct {
	// Awaited says what should have happened: "a leader", "50 acknowledged writes".
	Awaited string
	// Since is when the waiting began, Within how long it was allowed to last, in
	// virtual time.
	Since  sim.Time
	Within time.Duration
	// Found says how things stood instead: "n1 and n3 are followers of nobody".
	Found string
}

// judgeLiveness turns what stalled into a judgement. When the run was given the
// time to settle, its running members must in the end be equally far.
func judgeLiveness(r *record, o Options) Judgement {
	j := Judgement{Judge: "liveness", Class: Progress, Verdict: Pass, Judged: len(o.Stalled)}
	for _, s := range o.Stalled {
		v := Violation{
			Property: "liveness", At: s.Since.Add(s.Within),
			Why: fmt.Sprintf("Waited from %v for %v for %s.", s.Since, s.Within, s.Awaited),
		}
		if s.Found != "" {
			v.Why += " Instead: " + s.Found + "."
		}
		j.Violations = append(j.Violations, v)
	}
	if o.Converged {
		if v, apart := unconverged(r); apart {
			j.Violations = append(j.Violations, v)
		}
		j.Judged++
	}
	if len(j.Violations) > 0 {
		j.Verdict = Violated
	}
	return j
}

// unconverged finds two running members of which one has applied less.
func unconverged(r *record) (Violation, bool) {
	behind, ahead := -1, -1
	for i, m := range r.Members {
		if !m.Running {
			continue
		}
		if behind < 0 || m.Applied < r.Members[behind].Applied {
			behind = i
		}
		if ahead < 0 || m.Applied > r.Members[ahead].Applied {
			ahead = i
		}
	}
	if behind < 0 || r.Members[behind].Applied == r.Members[ahead].Applied {
		return Violation{}, false
	}
	b, a := &r.Members[behind], &r.Members[ahead]
	return Violation{
		Property: "convergence", Member: b.ID, Index: b.Applied,
		Why: fmt.Sprintf("In the end n%d has applied the log through index %d, n%d only through %d (commit index %d).",
			a.ID, a.Applied, b.ID, b.Applied, b.Commit),
	}, true
}
