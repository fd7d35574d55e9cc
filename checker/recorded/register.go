package recorded

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/anishathalye/porcupine"

	"etcdsim/checker"
	"etcdsim/sim"
)

// registerBudget bounds the search for an order of the operations on one key, in steps
// of the model. It is some seconds.
const registerBudget, easyBudget = 5_000_000, 50_000

// judgeRegisters judges each key by itself: linearizability is local (Herlihy and
// Wing, 1990, section 3.1).
func (r *reader) judgeRegisters(ops []operation) (Finding, error) {
	f := Finding{Kind: "register", Verdict: checker.Pass}
	if ops[0].key != "" {
		f.Kind = "registers by key"
	}
	f.count(ops)
	byKey := map[string][]operation{}
	for i := range ops {
		if err := r.checkRegister(&ops[i]); err != nil {
			return f, err
		}
		if op := &ops[i]; op.outcome == refused || op.outcome == unknown && reads(op) {
			continue // it had no effect, and told nothing
		}
		byKey[ops[i].key] = append(byKey[ops[i].key], ops[i])
	}
	keys := make([]string, 0, len(byKey))
	for key := range byKey {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	// Most keys are easy, and one that has no order settles it: the hard ones come last.
	for _, budget := range []int{easyBudget, registerBudget} {
		var hard []string
		for _, key := range keys {
			left := budget
			switch inSomeOrder(byKey[key], &left) {
			case checker.Violated:
				f.impossible(key, byKey[key])
				return f, nil
			case checker.Unknown:
				hard = append(hard, key)
			}
		}
		keys = hard
	}
	if len(keys) > 0 {
		f.Verdict = checker.Unknown
		f.Why = fmt.Sprintf("the search for an order of %d operations was given up after %d steps", len(byKey[keys[0]]), registerBudget)
	}
	return f, nil
}

// impossible shows operations on a key that have no order.
func (f *Finding) impossible(key string, ops []operation) {
	f.Verdict, f.Property = checker.Violated, "linearizability"
	if key != "" {
		f.Property += ", key " + key
	}
	fewest, others := fewestImpossible(ops)
	f.Why = "There is no order of these operations in which each has its answer"
	if others > 0 {
		f.Why += fmt.Sprintf(", nor with the %d others that may have taken effect", others)
	}
	f.Why += "."
	f.show(fewest, registerText)
}

func reads(op *operation) bool { return op.f == "read" || op.f == "get" }

// checkRegister refuses what no register knows.
func (r *reader) checkRegister(op *operation) error {
	switch op.f {
	case "read", "get", "write":
	case "put", "append":
		if _, ok := op.input.(string); !ok {
			return r.fail(op.line, ":%s %s: expected a string", op.f, show(op.input))
		}
	case "cas":
		if pair, ok := op.input.([]any); !ok || len(pair) != 2 {
			return r.fail(op.line, ":cas %s: expected the old and the new value", show(op.input))
		}
	default:
		return r.fail(op.line, ":f :%s: expected :read, :write, :cas, :get, :put, :append or :txn", op.f)
	}
	return nil
}

// act is an operation as the model sees it: values as they are written.
type act struct {
	*operation
	// given is what was written, or what a compare-and-swap expects; swapped is what
	// that puts in its place, seen is what a read returned.
	given, swapped, seen string
}

func newAct(op *operation) *act {
	a := &act{operation: op, given: show(op.input), seen: show(op.output)}
	switch op.f {
	case "cas":
		pair := op.input.([]any)
		a.given, a.swapped = show(pair[0]), show(pair[1])
	case "get", "put", "append": // of a map in which everything begins empty
		a.given, _ = op.input.(string)
		a.seen, _ = op.output.(string)
	}
	return a
}

// step is the model: what an operation makes of a value, and whether it may have had
// its answer.
func step(value string, a *act) (bool, string) {
	switch a.f {
	case "read", "get":
		return a.seen == value, value
	case "append":
		return true, value + a.given
	case "cas":
		matches := value == a.given
		if a.outcome == done && matches == (a.output == false) {
			return false, value
		}
		if matches {
			return true, a.swapped
		}
		return true, value
	}
	return true, a.given
}

// inSomeOrder searches for an order in which all operations have their answers.
// budget is what is left of it afterwards.
func inSomeOrder(ops []operation, budget *int) checker.Verdict {
	history := make([]porcupine.Operation, len(ops))
	initial := "nil"
	for i := range ops {
		if f := ops[i].f; f == "get" || f == "put" || f == "append" {
			initial = ""
		}
		history[i] = porcupine.Operation{Input: newAct(&ops[i]), Call: int64(ops[i].call), Return: int64(ops[i].ret)}
	}
	ok := porcupine.CheckOperations(porcupine.Model{
		Init: func() any { return initial },
		Step: func(state, input, _ any) (bool, any) {
			if *budget--; *budget < 0 {
				return false, state
			}
			return step(state.(string), input.(*act))
		},
		Hash: func(state any) uint64 { return sim.Hash([]byte(state.(string))) },
	}, history)
	switch {
	case ok:
		return checker.Pass
	case *budget < 0:
		return checker.Unknown
	}
	return checker.Violated
}

// shrinkBudget bounds each search while a history is made smaller, shrinkTotal all of
// them, in steps of the model.
const (
	shrinkBudget = 20_000
	shrinkTotal  = 300_000
)

// fewestImpossible makes a history that has no order smaller as long as it has none:
// it ends with the first return that leaves no order, and then goes without each
// operation that is not needed. It returns the operations that somebody knows the
// outcome of, and how many others are left.
func fewestImpossible(ops []operation) (known []operation, others int) {
	total := shrinkTotal
	impossible := func(some []operation) bool {
		budget := min(shrinkBudget, total)
		before := budget
		verdict := inSomeOrder(some, &budget)
		total -= before - max(0, budget)
		return verdict == checker.Violated
	}
	ends := make([]int, 0, len(ops))
	for i := range ops {
		if ops[i].ret != forever {
			ends = append(ends, ops[i].ret)
		}
	}
	slices.Sort(ends)
	// Which prefix it is follows from the returns in order: what is impossible stays so.
	first, _ := slices.BinarySearchFunc(ends, true, func(end int, _ bool) int {
		if impossible(until(ops, end)) {
			return 1
		}
		return -1
	})
	if first < len(ends) {
		ops = until(ops, ends[first])
	}
	for i := len(ops) - 1; i >= 0 && total > 0; i-- {
		if fewer := slices.Delete(slices.Clone(ops), i, i+1); impossible(fewer) {
			ops = fewer
		}
	}
	for i := range ops {
		if ops[i].outcome == done {
			known = append(known, ops[i])
		} else {
			others++
		}
	}
	return known, others
}

// until returns a history as it was known at a moment.
func until(ops []operation, end int) []operation {
	var cut []operation
	for _, op := range ops {
		switch {
		case op.call > end, op.ret > end && reads(&op):
			continue
		case op.ret > end:
			op.outcome, op.output, op.ret = unknown, nil, forever
		}
		cut = append(cut, op)
	}
	slices.SortStableFunc(cut, func(a, b operation) int { return cmp.Compare(a.call, b.call) })
	return cut
}

func registerText(op *operation) string {
	text := fmt.Sprintf("process %s  %s", show(op.process), op.f)
	if !reads(op) {
		text += " " + show(op.input)
	}
	switch {
	case reads(op):
		text += " = " + show(op.output)
	case op.output == false:
		text += " = another value"
	}
	return text
}
