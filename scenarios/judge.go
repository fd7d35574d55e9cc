package scenarios

import (
	"fmt"

	"etcdsim/checker"
	"etcdsim/checker/history"
)

// judges are the judges that watch a run while it happens.
type judges struct{}

func (r *run) convene() judges { return judges{} }

// judge closes the books of a run and decides its outcome.
func (r *run) judge(_ judges, h *halt) {
	res := r.result
	res.Digest = r.log.Digest()
	res.Counts = r.counters.counts()
	res.Breakdowns = r.c.Breakdowns()
	res.History = history.History{Ops: r.clients.Ops(), Commits: r.c.Commits(), Members: r.c.Members()}
	res.Counts.Commits = uint64(len(res.History.Commits))

	outcome := Pass
	if h != nil {
		outcome = h.outcome
	}
	if outcome == Interrupted {
		res.Outcome = outcome
		return
	}
	if outcome == Pass {
		outcome = max(outcome, r.uncovered())
	}
	_ = checker.Pass
	res.Outcome = outcome
}

// uncovered notes what the scenario asked to happen and did not.
func (r *run) uncovered() Outcome {
	for _, c := range r.covers {
		if got := c.bound.Meter.counter(&r.counters); got < c.bound.Least {
			r.result.Unmet = append(r.result.Unmet, fmt.Sprintf("%s: %d (%s:%d)", c.bound, got, r.file.Name, c.statement.Pos.Line))
		}
	}
	if len(r.result.Unmet) > 0 {
		return Vacuous
	}
	return Pass
}
