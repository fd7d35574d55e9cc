package scenarios

import (
	"cmp"
	"slices"
	"time"

	"etcdsim/checker"
	"etcdsim/checker/history"
)

// convene lets the judges that watch a run take their seats.
func (r *run) convene() {
	r.invariants = checker.NewInvariants(r.universe.cluster.Nodes)
	r.invariants.PreVote = r.universe.cluster.Node.PreVote
	r.invariants.Watch(r.log)
	r.lessors.Watch(r.log)
}

// judge closes the books of a run and decides its outcome.
func (r *run) judge(h *halt) {
	res := r.result
	res.Digest = r.log.Digest()
	res.Counts = r.counters.counts()
	res.Breakdowns = r.c.Breakdowns()
	res.History = r.history()
	res.Counts.Commits = uint64(len(res.History.Commits))

	outcome, options := Pass, r.evidence()
	if h != nil {
		outcome = h.outcome
		if h.stall != nil {
			options.Stalled = []checker.Stall{*h.stall}
		}
	} else {
		options.Cover = r.required()
	}
	if outcome < Internal {
		res.Report = checker.Judge(res.History, options)
		outcome = max(outcome, outcomeOf(res.Report))
	}
	res.Outcome = outcome
}

// history is what clients saw and members did so far.
func (r *run) history() history.History {
	return history.History{
		Initial: r.universe.cluster.From, Ops: r.ops(), Commits: r.c.Commits(), Members: r.c.Members(), Watches: r.watched(),
	}
}

// ops are the operations so far in order of invocation.
func (r *run) ops() []history.Op {
	ops := r.clients.Ops()
	if r.opening == nil {
		return ops
	}
	ops = slices.Concat(ops, r.opening.Ops())
	slices.SortFunc(ops, func(a, b history.Op) int { return cmp.Compare(a.ID, b.ID) })
	return ops
}

// evidence is what the judges are told beside the history.
func (r *run) evidence() checker.Options {
	node := r.universe.cluster.Node
	o := checker.Options{
		Invariants: r.invariants, Converged: r.settled, Lessors: &r.lessors, MaxLearners: int(node.MaxLearners), MinLeaseTTL: node.LeastTTL(),
		Leases: checker.LeaseRules{
			Look: 500 * time.Millisecond, Retry: node.RequestTimeout(), Sure: time.Duration(3+node.HeartbeatTicks) * node.Tick,
		},
	}
	for _, b := range r.c.Breakdowns() {
		o.Breakdowns = append(o.Breakdowns, checker.Breakdown{At: b.At, Member: b.Member, Text: b.Text})
	}
	return o
}

// outcomeOf is what the judges' report makes of a run.
func outcomeOf(r checker.Report) Outcome {
	switch r.ExitCode() {
	case checker.ExitSafety:
		return Violation
	case checker.ExitLiveness:
		return Stuck
	case checker.ExitUnknown:
		return Vacuous
	}
	return Pass
}

// required is what the scenario asked to happen, with what did.
func (r *run) required() []checker.Requirement {
	var all []checker.Requirement
	for _, b := range r.covers {
		all = append(all, checker.Requirement{What: b.Counter, Least: b.Least, Met: meterNamed(b.Counter).counter(&r.counters)})
	}
	return all
}
