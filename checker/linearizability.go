package checker

import (
	"cmp"
	"slices"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/store"
)

// Linearizability (Herlihy and Wing, 1990): there is one order of all operations
// that respects real time, and in which each answer is the one that a single
// copy of the store would have given.
//
// With a committed log, three steps look for that order:
//
//  1. The witness. The log is the order in which writes took effect, and the
//     members say at which applied index they served a read. That makes an order,
//     and the log, replayed on the model, the states between.
//  2. porcupine judges that order: every answer must follow, and no operation may
//     stand before one that had returned when it was invoked. Neighbours are taken
//     together, and intervals narrowed around the witness's points. A linearization of
//     the narrowed history is one of the original, so this is sound, and it is
//     cheap, since hardly anything is concurrent any more. If it succeeds, it is the
//     proof.
//  3. If it does not, the members may have been wrong about where they
//     served a read. For every operation the set of places in the log where its
//     answer is right is an interval, and the history is linearizable in the
//     order of the log if and only if no such interval is empty and no operation
//     that returned before another was invoked must stand after it (places.go).
//     Hence one or two operations always show the failure. They are put to
//     porcupine once more, with the part of the log between them, before it is
//     called a violation.
//
// Without a log everything is left to porcupine (blackbox.go).
type linearity struct {
	*record
	model  model
	budget int

	acts []act
	// reads heads the list of the reads in each gap; writes gives the act of each
	// commit. Both are -1 where there is none.
	reads, writes []int32
	// states[g] is the state after g commits, and answers[g] what the next is answered.
	states  []state
	answers []store.Response
	// order is the witness: acts in the order in which they took effect, and -1 for a
	// commit that no client asked for.
	order []int32
	// lost lists operations that were acknowledged and are not in the log.
	lost []int32
	// misapplied lists commits that the members applied otherwise than the model.
	misapplied []int32
}

// act is an operation that an order must hold, or the effect of one.
type act struct {
	op int32 // position in Ops
	// commit is the position of its entry in the log, or -1 for a read.
	commit int32
	// gap is the number of commits that a read saw, as its member says.
	gap int32
	// next is the next read in the same gap, or -1.
	next int32
	// judged: the client had an answer that the model must confirm.
	judged bool
	// ret is when the client had that answer; Forever if it never had one.
	invoke, ret sim.Time
}

// newLinearity prepares the judgement and replays the log.
func newLinearity(r *record, o Options) *linearity {
	l := &linearity{record: r, model: model{minTTL: o.MinLeaseTTL, partial: o.Partial}, budget: o.budget()}
	l.resolve()
	l.replay()
	return l
}

func (l *linearity) judgement() Judgement {
	j := Judgement{Judge: "linearizability", Class: Safety, Judged: len(l.acts)}
	switch {
	case len(l.Commits) == 0 && l.Initial == nil:
		l.judgeWithoutLog(&j)
	case len(l.lost) > 0:
		l.explain(&j)
	default:
		l.witness()
		confirmed := l.confirmed()
		if j.Verdict = confirmed; confirmed != Pass {
			l.explain(&j)
		}
		if confirmed == Unknown && j.Verdict == Pass {
			j.Verdict, j.Note = Unknown, "porcupine gave up on the order in which the members say that operations took effect"
		}
	}
	return j
}

// resolve decides for each operation whether and where it binds the order. What
// had no effect and no answer is left out; a write that took effect is pinned to
// its place in the log, whether or not its client learned of it.
func (l *linearity) resolve() {
	l.acts = make([]act, 0, len(l.Ops))
	lists := make([]int32, 2*len(l.Commits)+1)
	l.reads, l.writes = lists[:len(l.Commits)+1], lists[len(l.Commits)+1:]
	for i := range lists {
		lists[i] = -1
	}
	gap := 0
	for i := range l.Ops {
		op := &l.Ops[i]
		a := act{op: int32(i), commit: l.commitOf[i], next: -1, invoke: op.Invoke, ret: op.Return}
		a.judged = answered(op)
		switch {
		case a.commit >= 0:
			if !a.judged {
				a.ret = sim.Forever
			}
			l.writes[a.commit] = int32(len(l.acts))
		case !a.judged:
			continue
		case !store.ReadOnly(op.Request):
			if op.Outcome == history.OK {
				l.lost = append(l.lost, int32(i))
			}
			continue
		case store.Serializable(op.Request):
			continue
		default:
			// Applied indexes come nearly in order: the gap is near the last one.
			for gap < len(l.Commits) && l.Commits[gap].Index <= op.Applied {
				gap++
			}
			for gap > 0 && l.Commits[gap-1].Index > op.Applied {
				gap--
			}
			a.gap, a.next = int32(gap), l.reads[gap]
			l.reads[gap] = int32(len(l.acts))
		}
		l.acts = append(l.acts, a)
	}
}

// answered reports whether the client has an answer that a model can judge: a
// result, or a refusal that the state of the store must have caused.
func answered(op *history.Op) bool {
	switch {
	case op.Outcome == history.Unknown:
		return false
	case op.Response.Err != nil:
		return refusedByState(op.Response.Err)
	}
	return op.Outcome == history.OK
}

// replay computes the states that the log leads through, and what follows from it as
// answers to writes.
func (l *linearity) replay() {
	l.states, l.answers = make([]state, len(l.Commits)+1), make([]store.Response, len(l.Commits))
	l.states[0] = initialState(l.Initial)
	for g := range l.Commits {
		next, want, known := l.follow(g)
		l.states[g+1], l.answers[g] = next, want
		if applied := &l.Commits[g].Response; known && !l.model.sameAnswer(&want, applied) && *applied != (store.Response{}) {
			l.misapplied = append(l.misapplied, int32(g))
		}
	}
}

// follow applies the commit after g others. An entry that the members refused for
// a reason outside the model, such as a right that is missing, changed nothing.
func (l *linearity) follow(g int) (next state, answer store.Response, known bool) {
	return l.model.apply(&l.states[g], l.effect(g))
}

// effect returns the request of the commit after g others, as a model is to see it.
func (l *linearity) effect(g int) store.Request {
	c := &l.Commits[g]
	if c.Response.Err != nil && !refusedByState(c.Response.Err) {
		return noEffect
	}
	return c.Proposal.Request
}

// noEffect is a request that changes nothing, and that models have no opinion on.
var noEffect store.Request = &store.AuthStatusRequest{}

// fits reports whether the answer to a read is the one that the store gives
// after g commits.
func (l *linearity) fits(a *act, g int) bool {
	op := &l.Ops[a.op]
	_, want, known := l.model.apply(&l.states[g], op.Request)
	return !known || l.model.sameAnswer(&want, &op.Response)
}

// witness walks through the log with the reads where their members put them.
// Reads in one gap may stand in any order among themselves, and are put in the
// order of their invocations.
func (l *linearity) witness() {
	l.order = make([]int32, 0, len(l.acts)+len(l.Commits))
	for g := range l.states {
		begin := len(l.order)
		for i := l.reads[g]; i >= 0; i = l.acts[i].next {
			l.order = append(l.order, i)
		}
		if gap := l.order[begin:]; len(gap) > 1 {
			slices.SortFunc(gap, func(i, j int32) int {
				return cmp.Or(cmp.Compare(l.acts[i].invoke, l.acts[j].invoke), cmp.Compare(i, j))
			})
		}
		if g == len(l.Commits) {
			break
		}
		l.order = append(l.order, l.writes[g])
	}
}

// window is the number of blocks that porcupine gets at a time. The narrowed
// intervals are cut at its ends, which narrows them a little more.
const window = 62

// blockMax is the largest number of operations in a block.
const blockMax = 4

// slack is the number of places by which a block may move from its own, if its
// interval allows.
const slack = 1

// block is a row of operations of the witness whose intervals have a moment in
// common. porcupine gets them as one operation, which takes effect then: its
// interval is what is common to theirs.
type block struct {
	// The operations stand at the places from begin to before end.
	begin, end int
	// invoke is the latest invocation among them, and ret the earliest return.
	invoke, ret sim.Time
	// point is the latest invocation up to the last of them. No later block has an
	// earlier one. It lies in the interval, unless one of the operations stands behind
	// another that was invoked after its return.
	point sim.Time
	// judged: somebody was answered.
	judged bool
}

// confirmed puts the witness to porcupine: window after window, each from the
// state in which the one before must have ended.
//
// In ranks of points, the interval of a block is narrowed to the places within slack
// whose points lie in it. That keeps every precedence (and only what keeps
// precedence is sound): if one operation returned before another was invoked, all
// points in the first interval lie before all points in the second. A block of which
// nobody was answered keeps its place: any other would do as well, and a row of them
// has more orders than can be tried.
func (l *linearity) confirmed() Verdict {
	blocks := l.blocks()
	if slices.ContainsFunc(blocks, func(b block) bool { return b.point > b.ret }) {
		return Violated
	}
	ops, rows := make([]timed, 0, window+1), make([]timed, 0, window*blockMax)
	s := searcher{model: l.model}
	g := 0
	for begin := 0; begin < len(blocks); begin += window {
		now := blocks[begin:min(begin+window, len(blocks))]
		ops, rows = ops[:0], rows[:0]
		init := &l.states[g]
		for k := range now {
			row := len(rows)
			for place := now[k].begin; place < now[k].end; place++ {
				var t timed
				t, g = l.timedAt(place, g)
				rows = append(rows, t)
			}
			first, last := narrowed(now, k)
			ops = append(ops, timed{row: rows[row:], call: int64(2 * first), ret: int64(2*last + 1)})
		}
		end := int64(2 * len(now))
		ops = append(ops, timed{final: true, next: &l.states[g], call: end, ret: end + 1})
		s.budget = l.budget
		if v := s.linearizable(init, ops); v != Pass {
			return v
		}
	}
	return Pass
}

// blocks cuts the witness into blocks, each as long as may be.
func (l *linearity) blocks() []block {
	blocks := make([]block, 0, len(l.order))
	var latest sim.Time
	for k, i := range l.order {
		// What no client asked for may take effect at any time.
		invoke, ret, judged := sim.Time(0), sim.Forever, false
		if i >= 0 {
			a := &l.acts[i]
			invoke, ret, judged = a.invoke, a.ret, a.judged
			latest = max(latest, invoke)
		}
		if n := len(blocks) - 1; n >= 0 {
			if b := &blocks[n]; latest <= b.ret && b.end-b.begin < blockMax {
				b.end, b.point, b.judged = k+1, latest, b.judged || judged
				b.invoke, b.ret = max(b.invoke, invoke), min(b.ret, ret)
				continue
			}
		}
		blocks = append(blocks, block{k, k + 1, invoke, ret, latest, judged})
	}
	return blocks
}

// narrowed returns the first and the last of the places within slack of the k-th block
// whose points lie in its interval.
func narrowed(blocks []block, k int) (first, last int) {
	b := &blocks[k]
	first, last = k, k
	if !b.judged {
		return first, last
	}
	for first > max(0, k-slack) && blocks[first-1].point >= b.invoke {
		first--
	}
	for last < min(len(blocks)-1, k+slack) && blocks[last+1].point <= b.ret {
		last++
	}
	return first, last
}

// timedAt returns the k-th operation of the witness for a search, and the number
// of commits after it if there were g before.
func (l *linearity) timedAt(k, g int) (timed, int) {
	var t timed
	i := l.order[k]
	if i >= 0 && l.acts[i].judged {
		t.answer = &l.Ops[l.acts[i].op].Response
	}
	if i >= 0 && l.acts[i].commit < 0 {
		t.request = l.Ops[l.acts[i].op].Request
		return t, g
	}
	t.request, t.from, t.next, t.known = l.effect(g), &l.states[g], &l.states[g+1], &l.answers[g]
	return t, g + 1
}
