package checker

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/anishathalye/porcupine"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/store"
)

// A history without a log, as it comes from a system that nobody can look into.
// Everything is left to porcupine. A write of unknown outcome may take effect at
// any time after its invocation; that it never does is the same as that it does
// so when all is over. So may the end of a lease, which no client asks for.
//
// What makes such histories hard is that everything unknown may stand anywhere.
// etcd's answers help: they carry the revision, and a write that was answered
// owns the revision that it made. Whatever is unknown, and
//
//   - would make a revision that another write owns, cannot stand here;
//   - would make a revision without writing what a read saw of it, neither;
//   - would make a revision beyond all that was ever answered, may as well stand
//     at the end: no answer can come after it;
//   - would change nothing, may as well stand at the end.
//
// At the end everything fits. What remains to be tried is which of the unknown
// writes made the revisions that nobody owns.
type blackBox struct {
	model  model
	budget int // steps left; negative if and only if the search was given up

	// newest is the largest revision answered; owned are the revisions that
	// answered writes made.
	newest int64
	owned  map[int64]bool
	// seen is a key-value that somebody saw of a revision, by revision.
	seen map[int64]*store.KeyValue
}

// boxed is a state of the search: that of the store, and how many answered
// operations are not placed yet.
type boxed struct {
	*state
	left int
}

func (b *blackBox) linearizable(ops []timed) Verdict {
	b.budget = min(b.budget, searchMemory/(len(ops)/64+1))
	b.newest, b.owned, b.seen = 0, make(map[int64]bool), make(map[int64]*store.KeyValue)
	first := emptyState()
	init := &boxed{state: &first}
	history := make([]porcupine.Operation, len(ops))
	for i := range ops {
		history[i] = porcupine.Operation{Input: &ops[i], Call: ops[i].call, Return: ops[i].ret}
		answer := ops[i].answer
		if answer == nil {
			continue
		}
		init.left++
		b.newest = max(b.newest, answer.Revision)
		if madeRevision(answer) {
			b.owned[answer.Revision] = true
		}
		for _, kv := range seenKVs(ops[i].request, answer) {
			b.seen[kv.ModRevision] = kv
		}
	}
	ok := porcupine.CheckOperations(porcupine.Model{
		Init:  func() any { return init },
		Step:  func(from, input, _ any) (bool, any) { return b.step(from.(*boxed), input.(*timed)) },
		Equal: func(x, y any) bool { return x.(*boxed).equal(y.(*boxed).state) },
		Hash:  func(s any) uint64 { return s.(*boxed).hash() },
	}, history)
	switch {
	case ok:
		return Pass
	case b.budget < 0:
		return Unknown
	}
	return Violated
}

func (b *blackBox) step(from *boxed, op *timed) (bool, any) {
	if b.budget--; b.budget < 0 {
		b.budget = -1
		return false, nil
	}
	if op.answer == nil && from.left == 0 {
		return true, from
	}
	next, answer, known := b.model.apply(from.state, op.request)
	if op.answer != nil {
		if known && !b.model.sameAnswer(&answer, op.answer) {
			return false, nil
		}
		return true, &boxed{moved(from.state, next), from.left - 1}
	}
	if next.now != from.now && !b.mayMake(&next) {
		return false, nil
	}
	state := moved(from.state, next)
	if state == from.state {
		return false, nil
	}
	return true, &boxed{state, from.left}
}

// mayMake reports whether a write of unknown outcome may have led to the state.
func (b *blackBox) mayMake(s *state) bool {
	if s.rev() > b.newest || b.owned[s.rev()] {
		return false
	}
	seen := b.seen[s.rev()]
	return seen == nil || b.model.sameKV(s.now.root.get(seen.Key), seen)
}

// seenKVs returns the whole key-values that an answer shows.
func seenKVs(r store.Request, answer *store.Response) []*store.KeyValue {
	switch result := answer.Result.(type) {
	case *store.RangeResult:
		if r, ok := r.(*store.RangeRequest); ok && !r.KeysOnly {
			return result.KVs
		}
	case *store.DeleteRangeResult:
		return result.PrevKVs
	case *store.PutResult:
		return asSlice(result.PrevKV)
	}
	return nil
}

// madeRevision reports whether an answer shows that the request wrote something.
func madeRevision(answer *store.Response) bool {
	switch r := answer.Result.(type) {
	case *store.PutResult:
		return true
	case *store.DeleteRangeResult:
		return r.Deleted > 0
	case *store.TxnResult:
		for i := range r.Responses {
			if madeRevision(&r.Responses[i]) {
				return true
			}
		}
	}
	return false
}

// judgeWithoutLog decides a history without a log.
func (l *linearity) judgeWithoutLog(j *Judgement) {
	ops := l.unlogged()
	j.Judged = len(ops)
	if v, found := l.revisionsContradict(); found {
		j.Verdict, j.Violations = Violated, []Violation{v}
		return
	}
	b := blackBox{model: l.model, budget: l.budget}
	j.Verdict = b.linearizable(ops)
	switch j.Verdict {
	case Violated:
		j.Violations = []Violation{l.withoutLog(ops)}
	case Unknown:
		j.Note = "the search for an order was given up after " + itoa(l.budget) + " steps"
	}
}

// unlogged returns what a search without a log has to place.
func (l *linearity) unlogged() []timed {
	var ops []timed
	for i := range l.Ops {
		op := &l.Ops[i]
		t := timed{request: op.Request, call: int64(op.Invoke), ret: int64(op.Return)}
		switch {
		case answered(op):
			if store.ReadOnly(op.Request) && store.Serializable(op.Request) {
				continue
			}
			t.answer = &op.Response
		case op.Outcome == history.Unknown && !store.ReadOnly(op.Request):
			t.ret = int64(sim.Forever)
		default:
			continue
		}
		if grant, ok := op.Request.(*store.LeaseGrantRequest); ok {
			chosen := *grant
			if res, ok := op.Response.Result.(*store.LeaseGrantResult); ok && t.answer != nil && chosen.ID == 0 {
				chosen.ID = res.ID // the member chose it
			}
			t.request = &chosen
			ops = append(ops, timed{request: &store.LeaseRevokeRequest{ID: chosen.ID}, call: t.call, ret: int64(sim.Forever)})
		}
		ops = append(ops, t)
	}
	return ops
}

// revisionsContradict looks for two operations that no order can hold, because of the
// revisions in their answers alone: the revision of a store never goes back, and
// belongs to one write.
func (l *linearity) revisionsContradict() (v Violation, found bool) {
	var calls, returns []*history.Op
	owner := map[int64]*history.Op{}
	for i := range l.Ops {
		op := &l.Ops[i]
		if op.Outcome != history.OK || op.Response.Revision < 1 || store.ReadOnly(op.Request) && store.Serializable(op.Request) {
			continue
		}
		calls, returns = append(calls, op), append(returns, op)
		if !madeRevision(&op.Response) {
			continue
		}
		if other := owner[op.Response.Revision]; other != nil {
			return Violation{
				Property: "linearizability", Key: keyOf(op.Request), Ops: []Exhibit{{Op: *other}, {*op, "the same revision"}},
				At: max(op.Return, other.Return), Member: op.Member,
				Why: fmt.Sprintf("Both writes were answered with %s, and each write makes a revision of its own.", revText(op.Response.Revision)),
			}, true
		}
		owner[op.Response.Revision] = op
	}
	slices.SortStableFunc(calls, func(a, b *history.Op) int { return cmp.Compare(a.Invoke, b.Invoke) })
	slices.SortStableFunc(returns, func(a, b *history.Op) int { return cmp.Compare(a.Return, b.Return) })
	var newest *history.Op // of those that had returned
	for _, op := range calls {
		for ; len(returns) > 0 && returns[0].Return < op.Invoke; returns = returns[1:] {
			if newest == nil || returns[0].Response.Revision > newest.Response.Revision {
				newest = returns[0]
			}
		}
		if newest != nil && newest.Response.Revision > op.Response.Revision {
			return Violation{
				Property: "linearizability", Key: keyOf(op.Request), Ops: []Exhibit{{Op: *newest}, {*op, "stale"}},
				At: op.Return, Member: op.Member,
				Why: fmt.Sprintf("The first was answered at %s before the second was asked for, and that was answered at %s: "+
					"the revision of a store never goes back.", revText(newest.Response.Revision), revText(op.Response.Revision)),
			}, true
		}
	}
	return v, false
}
