package checker

import (
	"slices"

	"etcdsim/checker/history"
	"etcdsim/store"
)

// Options are what the judges may know beyond the history. The zero value knows
// nothing and asks for nothing.
type Options struct {
	// Invariants watched the run, or nil. They are a judge themselves, and lend
	// the others what they saw: who led when, and which crash lost what.
	Invariants *Invariants
	// Lessors watched the run, or nil: then little can be said of the time of
	// leases. Leases are the times that the cluster keeps to; zero means etcd's
	// defaults.
	Lessors *Lessors
	Leases  LeaseRules
	// MaxLearners is how many learners a cluster may have; 0 means etcd's default, 1.
	MaxLearners int
	// MinLeaseTTL is the least TTL that members grant, in seconds; 0 if it is not
	// known.
	MinLeaseTTL int64
	// Partial: the history holds only a part of each answer: of a key-value its key,
	// value, mod revision and version, and neither the revisions within a transaction
	// nor previous values; a negative revision is none. For histories from elsewhere.
	Partial bool
	// Budget bounds each search, in steps of the model; 0 means the default.
	Budget int
	// Converged: the run was given the time to settle, so that running members
	// must agree.
	Converged bool
	// Stalled lists what did not happen within its time.
	Stalled []Stall
	// Breakdowns are the members that defects ended.
	Breakdowns []Breakdown
	// Cover lists what the run was meant to meet.
	Cover []Requirement
}

func (o Options) budget() int {
	if o.Budget > 0 {
		return o.Budget
	}
	return defaultBudget
}

// Judge lets all judges look at what a run left behind. The history is only
// read.
func Judge(h history.History, o Options) Report {
	all := h.Ops
	h.Ops = keyValueOps(h.Ops)
	r := newRecord(h, o.Invariants)
	l := newLinearity(r, o)
	report := Report{Judgements: []Judgement{
		l.judgement(),
		judgeSerializable(l),
		judgeDurability(r, o),
		judgeStore(l),
		judgeReplicas(r),
	}}
	if j, ok := judgeLeases(l, all, o); ok {
		report.Judgements = append(report.Judgements, j)
	}
	var clocks paces
	if o.Lessors != nil {
		clocks = o.Lessors.paces
	}
	if j, ok := judgeLocks(l, all, clocks); ok {
		report.Judgements = append(report.Judgements, j)
	}
	if j, ok := judgeElections(l, all, clocks); ok {
		report.Judgements = append(report.Judgements, j)
	}
	if j, ok := judgeAuth(l, all); ok {
		report.Judgements = append(report.Judgements, j)
	}
	if j, ok := judgeOlder(r, all, clocks); ok {
		report.Judgements = append(report.Judgements, j)
	}
	if j, ok := judgeWatches(l); ok {
		report.Judgements = append(report.Judgements, j)
	}
	if j, ok := judgeMembers(r, all, o); ok {
		report.Judgements = append(report.Judgements, j)
	}
	if o.Invariants != nil {
		report.Judgements = append(report.Judgements, o.Invariants.judgement())
	}
	if o.Invariants != nil || len(o.Breakdowns) > 0 {
		report.Judgements = append(report.Judgements, judgeCrashes(r, o))
	}
	if o.Stalled != nil || o.Converged {
		report.Judgements = append(report.Judgements, judgeLiveness(r, o))
	}
	if len(o.Cover) > 0 {
		report.Judgements = append(report.Judgements, judgeCoverage(o.Cover))
	}
	return report
}

// keyValueOps returns the operations of the key-value store. The others have
// judges of their own: they take no place of their own in the log.
func keyValueOps(ops []history.Op) []history.Op {
	for i := range ops {
		if keyValue(ops[i].Request) {
			continue
		}
		chosen := slices.Clone(ops[:i])
		for j := range ops[i:] {
			if keyValue(ops[i+j].Request) {
				chosen = append(chosen, ops[i+j])
			}
		}
		return chosen
	}
	return ops
}

func keyValue(r store.Request) bool {
	switch r.(type) {
	case *store.RangeRequest, *store.RangeStreamRequest, *store.PutRequest, *store.DeleteRangeRequest, *store.TxnRequest,
		*store.CompactionRequest, *store.LeaseGrantRequest, *store.LeaseRevokeRequest, *store.LeaseCheckpointRequest,
		*store.HashKVRequest, *store.AlarmRequest:
		return true
	}
	return false
}
