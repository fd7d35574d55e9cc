package checker

import (
	"fmt"
	"slices"

	"etcdsim/sim"
	"etcdsim/store"
)

// withoutLog shows what is wrong with a history without a log: it makes the
// history smaller as long as porcupine still finds no order for it. Each step
// only takes constraints away, so that an order of the whole would also be one
// of the rest: what is left is wrong by itself.
func (l *linearity) withoutLog(ops []timed) Violation {
	impossible := func(some []timed) bool {
		b := blackBox{model: l.model, budget: min(l.budget, shrinkBudget)}
		return b.linearizable(some) == Violated
	}
	ops = firstImpossible(ops, impossible)
	ops = withoutReads(ops, impossible)
	ops = relaxed(ops, impossible)

	v := Violation{Property: "linearizability"}
	for i := range l.Ops {
		op := &l.Ops[i]
		if slices.ContainsFunc(ops, func(t timed) bool { return t.answer == &op.Response }) {
			v.Ops = append(v.Ops, Exhibit{Op: *op})
			v.At = max(v.At, op.Return)
			v.Key = keyOf(op.Request)
		}
	}
	v.Why = fmt.Sprintf("No order of these operations, with %d others that may have taken effect, gives all of them their answers.",
		len(ops)-len(v.Ops))
	return v
}

// shrinkBudget bounds each search of a shrinking, in steps of the model.
const shrinkBudget = 10_000

// firstImpossible cuts the history at the earliest return after which there is
// no order any more. What had not returned by then has no answer yet.
func firstImpossible(ops []timed, impossible func([]timed) bool) []timed {
	ends := make([]int64, len(ops))
	for i := range ops {
		ends[i] = ops[i].ret
	}
	slices.Sort(ends)
	until := func(end int64) []timed {
		var cut []timed
		for _, t := range ops {
			if t.call > end {
				continue
			}
			if t.ret > end {
				if store.ReadOnly(t.request) {
					continue
				}
				t.ret, t.answer = int64(sim.Forever), nil
			}
			cut = append(cut, t)
		}
		return cut
	}
	low, high := 0, len(ends)-1 // impossible at ends[high]
	for low < high {
		if mid := (low + high) / 2; impossible(until(ends[mid])) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return until(ends[high])
}

// withoutReads leaves out every read that is not needed, latest last.
func withoutReads(ops []timed, impossible func([]timed) bool) []timed {
	for i := 0; i < len(ops); {
		if store.ReadOnly(ops[i].request) {
			if fewer := slices.Delete(slices.Clone(ops), i, i+1); impossible(fewer) {
				ops = fewer
				continue
			}
		}
		i++
	}
	return ops
}

// relaxed forgets the answer and the return of every write for which they are
// not needed. Its effect stays: leaving that out would make other answers wrong.
func relaxed(ops []timed, impossible func([]timed) bool) []timed {
	for i := range ops {
		if ops[i].answer == nil || store.ReadOnly(ops[i].request) {
			continue
		}
		looser := slices.Clone(ops)
		looser[i].answer, looser[i].ret = nil, int64(sim.Forever)
		if impossible(looser) {
			ops = looser
		}
	}
	return ops
}
