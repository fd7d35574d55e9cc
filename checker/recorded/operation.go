package recorded

import (
	"math"
	"slices"
)

// event is one line of a history of events: a process asks, or learns what became of
// what it asked.
type event struct {
	line    int
	process any
	kind    keyword // invoke, ok, fail or info
	f       keyword
	key     string // of a map; empty for a single register
	value   any
}

// outcome is what a process learned.
type outcome uint8

const (
	unknown outcome = iota
	done
	refused
)

// operation is a request with what became of it. Only the order of call and ret
// matters; they are the positions of the events.
type operation struct {
	line      int
	process   any
	f         keyword
	key       string
	input     any
	output    any
	outcome   outcome
	call, ret int
}

// forever is when an operation of unknown outcome returns.
const forever = math.MaxInt

// pair makes operations of events. A process has one operation under way at a time.
func (r *reader) pair(events []event) ([]operation, error) {
	if len(events) == 0 {
		return nil, r.fail(1, "there is no operation")
	}
	var ops []operation
	open := map[any]int{}
	for i, e := range events {
		at, busy := open[e.process]
		if e.kind == "invoke" {
			if busy {
				return nil, r.fail(e.line, "process %s asks again, and line %d has not returned", show(e.process), ops[at].line)
			}
			open[e.process] = len(ops)
			ops = append(ops, operation{
				line: e.line, process: e.process, f: e.f, key: e.key, input: e.value, call: i, ret: forever,
			})
			continue
		}
		if !busy {
			return nil, r.fail(e.line, "process %s returns, and has nothing under way", show(e.process))
		}
		op := &ops[at]
		if e.f != op.f {
			return nil, r.fail(e.line, "process %s returns from :%s, but asked for :%s in line %d", show(e.process), e.f, op.f, op.line)
		}
		delete(open, e.process)
		switch e.kind {
		case "ok":
			op.outcome, op.output, op.ret = done, e.value, i
		case "fail":
			op.outcome, op.ret = refused, i
		case "info": // it may happen at any time from now on
		default:
			return nil, r.fail(e.line, ":type :%s: expected :invoke, :ok, :fail or :info", e.kind)
		}
	}
	return ops, nil
}

// count fills in how much there was to judge.
func (f *Finding) count(ops []operation) {
	f.Operations = len(ops)
	for i := range ops {
		if ops[i].outcome == unknown {
			f.Unknown++
		}
	}
}

// show fills in operations as evidence, in the order of the file.
func (f *Finding) show(ops []operation, text func(*operation) string) {
	slices.SortFunc(ops, func(a, b operation) int { return a.line - b.line })
	for i := range ops {
		f.Evidence = append(f.Evidence, Evidence{ops[i].line, text(&ops[i])})
	}
}
