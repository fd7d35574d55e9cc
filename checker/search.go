package checker

import (
	"github.com/anishathalye/porcupine"

	"etcdsim/store"
)

// timed is an operation as a search sees it: a request, the answer it must get,
// and an interval within which it takes effect, both ends included. Only the
// order of the ends matters.
type timed struct {
	request store.Request
	// answer is nil if any will do: the client never learned it.
	answer    *store.Response
	call, ret int64

	// from, next and known, if given, say that in the state from the request is answered
	// known and leads to the state next.
	from, next *state
	known      *store.Response
	// row, if there is any, are operations that take effect here one after the other;
	// this one has only the interval.
	row []timed
	// final demands that the state at this point equals next; there is no request.
	final bool
}

// searcher asks porcupine (Wing and Gong's search with Lowe's memory) whether
// operations can be put in an order that the model allows. Its effort is bounded
// in steps of the model: porcupine's own bound is a time, and would make the
// verdict depend on the machine.
type searcher struct {
	model model
	// budget is the number of steps left. Invariant: negative if and only if the
	// search was given up.
	budget int

	history []porcupine.Operation // reused
}

// defaultBudget is enough for any history that pins its writes, and about half
// a second for one that does not.
const defaultBudget = 500_000

// searchMemory bounds what a search remembers, in words: each state that it has
// seen comes with a set of operations, one bit each.
const searchMemory = 16 << 20

// linearizable searches for an order of the operations that begins in the state
// init. Unknown means that the budget ran out.
func (s *searcher) linearizable(init *state, ops []timed) Verdict {
	s.budget = min(s.budget, searchMemory/(len(ops)/64+1))
	s.history = s.history[:0]
	for i := range ops {
		s.history = append(s.history, porcupine.Operation{Input: &ops[i], Call: ops[i].call, Return: ops[i].ret})
	}
	ok := porcupine.CheckOperations(porcupine.Model{
		Init: func() any { return init },
		Step: func(from, input, _ any) (bool, any) { return s.step(from.(*state), input.(*timed)) },
		Equal: func(a, b any) bool {
			return a.(*state).equal(b.(*state))
		},
		Hash: func(s any) uint64 { return s.(*state).hash() },
	}, s.history)
	switch {
	case ok:
		return Pass
	case s.budget < 0:
		return Unknown
	}
	return Violated
}

// step reports whether the operation may come next, and what it leads to.
func (s *searcher) step(from *state, op *timed) (bool, any) {
	if op.row == nil {
		next := s.take(from, op)
		return next != nil, next
	}
	for i := range op.row {
		if from = s.take(from, &op.row[i]); from == nil {
			return false, nil
		}
	}
	return true, from
}

// take returns the state that a single operation leads to, or nil if it may not come
// next.
func (s *searcher) take(from *state, op *timed) *state {
	if s.budget--; s.budget < 0 {
		s.budget = -1
		return nil
	}
	if op.final {
		if !from.equal(op.next) {
			return nil
		}
		return from
	}
	if op.from == from {
		if op.answer != nil && !s.model.sameAnswer(op.known, op.answer) {
			return nil
		}
		return op.next
	}
	next, answer, known := s.model.apply(from, op.request)
	if known && op.answer != nil && !s.model.sameAnswer(&answer, op.answer) {
		return nil
	}
	return moved(from, next)
}

// moved returns the state that a request led to: from itself if nothing changed.
func moved(from *state, next state) *state {
	if next.now == from.now && next.compacted == from.compacted &&
		len(next.leases) == len(from.leases) && len(next.alarms) == len(from.alarms) {
		return from
	}
	kept := next // only this copy lives on
	return &kept
}
