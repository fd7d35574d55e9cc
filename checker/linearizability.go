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
//     members say at which applied index they served a read. That order is
//     replayed on the model: every answer must follow, and no operation may
//     stand before one that had returned when it was invoked. One pass over the
//     history; if it succeeds, it is the proof.
//  2. porcupine repeats the proof with intervals narrowed around the witness's
//     points. A linearization of the narrowed history is one of the original,
//     so this is sound, and it is cheap, since hardly anything is concurrent any
//     more. It guards against a mistake in the first step.
//  3. If the witness fails, the members may have been wrong about where they
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
	// states[g] is the state after g commits.
	states []state
	// order is the witness: acts in the order in which they took effect. A commit
	// that no client asked for is -1 minus its position.
	order []int32
	// lost lists operations that were acknowledged and are not in the log.
	lost []int32
	// misfits counts writes whose answers do not follow from the log; misapplied
	// lists commits that the members applied otherwise than the model.
	misfits    int
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
	// judged: the client had an answer that the model must confirm. misfit: the
	// answer to this write is not the one that follows from its place in the log.
	judged, misfit bool
	// ret is when the client had its answer; Forever if it never had.
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
	case l.misfits > 0 || len(l.lost) > 0 || !l.witnessed():
		l.explain(&j)
	case l.confirmed():
		j.Verdict = Pass
	default:
		j.Verdict, j.Note = Unknown, "porcupine does not confirm the order in which the members say that operations took effect"
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
			if op.Outcome == history.Unknown {
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

// replay computes the states that the log leads through, and which answers to
// writes follow from it.
func (l *linearity) replay() {
	l.states = make([]state, len(l.Commits)+1)
	l.states[0] = initialState(l.Initial)
	for g := range l.Commits {
		c := &l.Commits[g]
		next, want, known := l.follow(g)
		l.states[g+1] = next
		if !known {
			continue
		}
		applied := l.model.sameAnswer(&want, &c.Response)
		if !applied && c.Response != (store.Response{}) {
			l.misapplied = append(l.misapplied, int32(g))
		}
		if i := l.writes[g]; i >= 0 && l.acts[i].judged {
			op := &l.Ops[l.acts[i].op]
			// Mostly the client was answered by the member that applied it first.
			if applied && op.Response == c.Response || l.model.sameAnswer(&want, &op.Response) {
				continue
			}
			l.acts[i].misfit = true
			l.misfits++
		}
	}
}

// follow applies the commit after g others. An entry that the members refused for
// a reason outside the model, such as a full disk, changed nothing.
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

// witnessed walks through the log with the reads where their members put them.
// Reads in one gap may stand in any order among themselves, and are put in the
// order of their invocations.
func (l *linearity) witnessed() bool {
	l.order = make([]int32, 0, len(l.acts)+len(l.Commits))
	var latest sim.Time // the latest invocation so far: what follows must not have returned before it
	for g := range l.states {
		begin, before := len(l.order), latest
		for i := l.reads[g]; i >= 0; i = l.acts[i].next {
			a := &l.acts[i]
			if a.ret < before || !l.fits(a, g) {
				return false
			}
			latest = max(latest, a.invoke)
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
		i := l.writes[g]
		if i < 0 {
			l.order = append(l.order, int32(-1-g))
			continue
		}
		a := &l.acts[i]
		if a.ret < latest {
			return false
		}
		latest = max(latest, a.invoke)
		l.order = append(l.order, i)
	}
	return true
}

// window is the number of operations that porcupine gets at a time. The narrowed
// intervals are cut at its ends, which narrows them a little more.
const window = 126

// slack is the number of places by which an operation may move from the
// witness's, if its interval allows.
const slack = 1

// confirmed puts the witness to porcupine: window after window, each from the
// state in which the one before must have ended.
//
// The k-th operation's point is the latest invocation up to it, so that points
// never decrease. In ranks of points, an interval is narrowed to the places
// within slack whose points lie in it. That keeps every precedence (and only
// what keeps precedence is sound): if one
// operation returned before another was invoked, all points in the first
// interval lie before all points in the second. An operation that nobody was
// answered keeps its place: any other would do as well, and a row of them has more
// orders than can be tried.
func (l *linearity) confirmed() bool {
	points := l.points()
	ops := make([]timed, 0, window+1)
	s := searcher{model: model{minTTL: l.model.minTTL}}
	g := 0
	for begin := 0; begin < len(l.order); begin += window {
		end := min(begin+window, len(l.order))
		ops = ops[:0]
		init := &l.states[g]
		for k := begin; k < end; k++ {
			var t timed
			t, g = l.timedAt(k, g)
			if i := l.order[k]; i >= 0 && l.acts[i].judged {
				first, last := narrowed(points[begin:end], k-begin, &l.acts[i])
				t.call, t.ret = int64(2*(begin+first)), int64(2*(begin+last)+1)
			} else {
				t.call, t.ret = int64(2*k), int64(2*k+1)
			}
			ops = append(ops, t)
		}
		ops = append(ops, timed{final: true, next: &l.states[g], call: int64(2 * end), ret: int64(2*end + 1)})
		s.budget = l.budget
		if s.linearizable(init, ops) != Pass {
			return false
		}
	}
	return true
}

// points returns a time for each place of the witness.
func (l *linearity) points() []sim.Time {
	points := make([]sim.Time, len(l.order))
	var latest sim.Time
	for k, i := range l.order {
		if i >= 0 {
			latest = max(latest, l.acts[i].invoke)
		}
		points[k] = latest
	}
	return points
}

// narrowed returns the first and the last of the places within slack of k whose
// points lie in the interval of the act.
func narrowed(points []sim.Time, k int, a *act) (first, last int) {
	first, last = k, k
	for first > max(0, k-slack) && points[first-1] >= a.invoke {
		first--
	}
	for last < min(len(points)-1, k+slack) && points[last+1] <= a.ret {
		last++
	}
	return first, last
}

// timedAt returns the k-th operation of the witness for a search, and the number
// of commits after it if there were g before.
func (l *linearity) timedAt(k, g int) (timed, int) {
	i := l.order[k]
	if i < 0 {
		return timed{request: l.effect(g), from: &l.states[g], next: &l.states[g+1]}, g + 1
	}
	a := &l.acts[i]
	op := &l.Ops[a.op]
	t := timed{request: op.Request, from: &l.states[g], next: &l.states[g]}
	if a.judged {
		t.answer = &op.Response
	}
	if a.commit < 0 {
		return t, g
	}
	t.request, t.next = l.effect(g), &l.states[g+1]
	return t, g + 1
}
