package checker

import (
	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/store"
)

// record is a history prepared for judging: which operation is which entry of
// the committed log, and what else is known of the run.
type record struct {
	history.History
	// facts are the invariants' observations of the same run, or nil.
	facts *Invariants
	// commitOf gives, for each operation, the position of its entry in Commits,
	// or -1. Of several entries it is the one that the client was answered for.
	commitOf []int32
	// opOf gives, for each commit, the position of its operation in Ops, or -1: a
	// member proposes some entries itself, such as the end of a lease.
	opOf []int32
	// again lists commits that carry an operation once more.
	again []int32
	// find returns the position of an operation by its ID, or -1.
	find func(id uint64) int32
}

func newRecord(h history.History, facts *Invariants) *record {
	r := &record{History: h, facts: facts, find: opFinder(h.Ops)}
	r.replaceCommits()
	places := make([]int32, len(h.Ops)+len(r.Commits))
	r.commitOf, r.opOf = places[:len(h.Ops)], places[len(h.Ops):]
	for i := range places {
		places[i] = -1
	}
	for c := range r.Commits {
		o := r.find(r.Commits[c].Proposal.ID)
		if o < 0 {
			continue
		}
		switch before := r.commitOf[o]; {
		case before < 0:
		case h.Ops[o].Applied == r.Commits[c].Index:
			r.opOf[before] = -1
			r.again = append(r.again, before)
		default:
			r.again = append(r.again, int32(c))
			continue
		}
		r.commitOf[o], r.opOf[c] = int32(c), o
	}
	return r
}

// replaceCommits brings the log up to date where entries that had been committed
// gave way to others, which raft must never let happen. What counts is the log
// that the members came to agree on in the end; what it lost is for the
// durability judge to tell.
func (r *record) replaceCommits() {
	if r.facts == nil || len(r.facts.replaced) == 0 {
		return
	}
	last := make(map[uint64]Replacement) // by index
	for _, rep := range r.facts.replaced {
		last[rep.Index] = rep
	}
	var log []history.Commit
	for _, c := range r.Commits {
		rep, replaced := last[c.Index]
		switch {
		case !replaced || rep.Is == c.Proposal.ID:
			log = append(log, c)
		case rep.Is != 0 && r.find(rep.Is) >= 0:
			request := r.Ops[r.find(rep.Is)].Request
			log = append(log, history.Commit{
				Index: c.Index, Proposal: &store.Proposal{ID: rep.Is, Request: request}, At: rep.At,
			})
		}
	}
	r.Commits = log
}

// gaveWay reports whether an operation was committed and then replaced.
func (r *record) gaveWay(id uint64) (Replacement, bool) {
	if r.facts != nil {
		for _, rep := range r.facts.replaced {
			if rep.Was == id {
				return rep, true
			}
		}
	}
	return Replacement{}, false
}

// opFinder returns a function from an operation's ID to its position, or -1. IDs
// that count upwards, as a simulation's do, need no map.
func opFinder(ops []history.Op) func(id uint64) int32 {
	var largest uint64
	for i := range ops {
		largest = max(largest, ops[i].ID)
	}
	if largest <= uint64(4*len(ops)+1024) {
		dense := make([]int32, largest+1) // position + 1
		for i := range ops {
			dense[ops[i].ID] = int32(i + 1)
		}
		return func(id uint64) int32 {
			if id > largest {
				return -1
			}
			return dense[id] - 1
		}
	}
	sparse := make(map[uint64]int32, len(ops))
	for i := range ops {
		sparse[ops[i].ID] = int32(i)
	}
	return func(id uint64) int32 {
		if at, ok := sparse[id]; ok {
			return at
		}
		return -1
	}
}

// commitTime returns when the commit was first applied, or 0 if nobody noted it.
func (r *record) commitTime(c int32) sim.Time {
	if at := r.Commits[c].At; at != 0 {
		return at
	}
	return r.facts.appliedAt(r.Commits[c].Index)
}
