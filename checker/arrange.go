package checker

import (
	"cmp"
	"slices"

	"etcdsim/checker/history"
	"etcdsim/sim"
)

// Placed is an operation on the key-value store with its place in the order of the
// log.
type Placed struct {
	Op history.Op
	// Rank is its place among those that have one, from 1. It is 0 for a read that need
	// not be linearizable and for what had no effect that anybody saw, and for what is
	// Wrong.
	Rank int
	// Wrong: no place is right for it. Its answer follows nowhere, or only before
	// something that had returned when it was invoked, or it was acknowledged and is not
	// in the log.
	Wrong bool
	// Index is that of the last entry before it or of its own, Revision that of the store
	// then.
	Index    uint64
	Revision int64
}

// Arrange puts operations into one order that respects real time and in which every
// answer follows, but for those that are Wrong: there is no such order with them. It is
// for pictures of what the judge of linearizability found; the judge itself is content
// to know that there is an order. Operations are returned as they were invoked, without
// those of other judges. Without a log nothing has a place, and none is returned.
func Arrange(h history.History, o Options) []Placed {
	if len(h.Commits) == 0 {
		return nil
	}
	h.Ops = keyValueOps(h.Ops)
	l := newLinearity(newRecord(h, o.Invariants), o)
	all := make([]Placed, len(h.Ops))
	for i := range all {
		all[i].Op = h.Ops[i]
	}
	for _, i := range l.lost {
		all[i].Wrong = true
	}
	places := l.places()
	for _, c := range l.conflicts(places) {
		all[l.acts[c.second].op].Wrong = true
	}
	l.rank(all, l.settle(all, places))
	return all
}

// settle returns the first place that is right for each act that is not wrong: neither
// before its own interval nor before the place of one that had returned when it was
// invoked. See conflicts for why that lies in its interval.
func (l *linearity) settle(all []Placed, places []interval) []int32 {
	settled := make([]int32, len(l.acts))
	byInvoke, byReturn := l.chronological()
	returned, latest := 0, int32(0)
	for _, i := range byInvoke {
		for ; returned < len(byReturn) && l.acts[byReturn[returned]].ret < l.acts[i].invoke; returned++ {
			if r := byReturn[returned]; !all[l.acts[r].op].Wrong {
				latest = max(latest, settled[r])
			}
		}
		settled[i] = max(latest, places[i].first)
	}
	return settled
}

// chronological returns the acts in order of invocation and in order of return.
func (l *linearity) chronological() (byInvoke, byReturn []int32) {
	byInvoke = make([]int32, len(l.acts))
	for i := range byInvoke {
		byInvoke[i] = int32(i)
	}
	byReturn = slices.Clone(byInvoke)
	by := func(of func(*act) sim.Time) func(i, j int32) int {
		return func(i, j int32) int { return cmp.Compare(of(&l.acts[i]), of(&l.acts[j])) }
	}
	slices.SortStableFunc(byInvoke, by(func(a *act) sim.Time { return a.invoke }))
	slices.SortStableFunc(byReturn, by(func(a *act) sim.Time { return a.ret }))
	return byInvoke, byReturn
}

// rank numbers the acts that are not wrong by their places; reads between the same two
// entries by their invocations.
func (l *linearity) rank(all []Placed, settled []int32) {
	order, _ := l.chronological()
	slices.SortStableFunc(order, func(i, j int32) int { return cmp.Compare(settled[i], settled[j]) })
	rank := 0
	for _, i := range order {
		p := &all[l.acts[i].op]
		if p.Wrong {
			continue
		}
		rank++
		p.Rank = rank
		g := int(settled[i]+1) / 2
		p.Revision = l.states[g].rev()
		if g > 0 {
			p.Index = l.Commits[g-1].Index
		}
	}
}
