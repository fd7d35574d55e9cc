package checker

import (
	"cmp"
	"fmt"
	"slices"
	"sort"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/store"
)

// Places in the order of the log are numbered so that gaps and commits
// alternate: after g commits is place 2g, and commit c itself is place 2c+1.
//
// The places at which an answer is right form an interval. For a write it is
// its own place or nothing. A read names the revision it saw, and within one
// revision the keys do not change; what may change there, the compaction mark
// and the leases, does so once. A read that was refused because its revision was
// compacted, or lay in the future, is right from some place on, or up to one.
type interval struct{ first, last int32 }

func (i interval) empty() bool { return i.first > i.last }

// conflict shows that the order of the log cannot be a linearization: the first
// operation returned before the second was invoked, and yet the second must
// stand before the first. With first -1, the second's answer is right nowhere.
type conflict struct{ first, second int32 }

// places computes the interval of each act.
func (l *linearity) places() []interval {
	all := make([]interval, len(l.acts))
	for i := range l.acts {
		a := &l.acts[i]
		if a.commit < 0 {
			all[i] = l.placesOfRead(a)
			continue
		}
		all[i] = interval{2*a.commit + 1, 2*a.commit + 1}
		if a.judged && !l.model.sameAnswer(&l.answers[a.commit], &l.Ops[a.op].Response) {
			all[i].last = -1
		}
	}
	return all
}

func (l *linearity) placesOfRead(a *act) interval {
	from, to := l.gapsOf(&l.Ops[a.op].Response)
	for from < to && !l.fits(a, from) {
		from++
	}
	for from < to && !l.fits(a, to-1) {
		to--
	}
	return interval{int32(2 * from), int32(2 * (to - 1))}
}

// gapsOf returns the gaps [from, to) in which the store is at the revision of
// the answer.
func (l *linearity) gapsOf(answer *store.Response) (from, to int) {
	if answer.Err != nil {
		return 0, len(l.states)
	}
	from = sort.Search(len(l.states), func(g int) bool { return l.states[g].rev() >= answer.Revision })
	to = sort.Search(len(l.states), func(g int) bool { return l.states[g].rev() > answer.Revision })
	return from, to
}

// conflicts returns, in order of time, the acts whose answers are right nowhere,
// and for each act that comes too late in real time for its places one that it
// would have to precede.
//
// Looking at pairs is enough. Give each act, in order of invocation, the first
// place that is neither before its interval nor before the interval of any act
// that had returned by then. Precedence in real time is transitive, so these
// places respect it; and each lies within its act's interval unless some pair
// conflicts.
func (l *linearity) conflicts(places []interval) []conflict {
	var found []conflict
	byInvoke, byReturn := l.chronological()
	returned, latest := 0, int32(-1) // of those returned, the one that must stand last
	for _, i := range byInvoke {
		for ; returned < len(byReturn) && l.acts[byReturn[returned]].ret < l.acts[i].invoke; returned++ {
			r := byReturn[returned]
			if !places[r].empty() && (latest < 0 || places[r].first > places[latest].first) {
				latest = r
			}
		}
		switch {
		case places[i].empty():
			found = append(found, conflict{-1, i})
		case latest >= 0 && places[latest].first > places[i].last:
			found = append(found, conflict{latest, i})
		}
	}
	slices.SortStableFunc(found, func(a, b conflict) int { return cmp.Compare(l.certain(a), l.certain(b)) })
	return found
}

// certain returns when the conflict became certain: when the second operation
// had its answer, or was invoked if it never had one.
func (l *linearity) certain(c conflict) sim.Time {
	if a := &l.acts[c.second]; a.ret == sim.Forever {
		return a.invoke
	}
	return l.acts[c.second].ret
}

// explain decides what the witness could not, and shows what is wrong.
func (l *linearity) explain(j *Judgement) {
	if len(l.lost) > 0 {
		j.Violations = []Violation{l.tellLost(&l.Ops[l.lost[0]])}
	}
	places := l.places()
	conflicts := l.conflicts(places)
	if len(conflicts) == 0 && len(l.lost) == 0 {
		j.Verdict = Pass
		j.Note = "in the order of the log, though not where the members say that they served the reads"
		return
	}
	doubted := 0
	for _, c := range conflicts {
		if len(j.Violations) > 0 {
			break
		}
		if l.refuted(c, places) {
			j.Violations = append(j.Violations, l.violation(c, places))
		} else {
			doubted++
		}
	}
	switch {
	case len(j.Violations) == 0:
		j.Verdict = Unknown
		j.Note = itoa(doubted) + " operations have no place in the order of the log, but porcupine does not confirm that no other order exists"
	default:
		j.Verdict = Violated
		if more := len(conflicts) + len(l.lost) - len(j.Violations); more > 0 {
			j.Note = "the first of " + itoa(more+1)
		}
	}
}

// tellLost tells of a write that was acknowledged and has no place in the log.
func (l *linearity) tellLost(op *history.Op) Violation {
	v := Violation{
		Property: "linearizability", Key: keyOf(op.Request), Ops: []Exhibit{{*op, "not in the log"}}, At: op.Return, Member: op.Member,
	}
	told := fmt.Sprintf("n%d acknowledged %s at %v", op.Member, store.Describe(op.Request), op.Return)
	if r, ok := l.gaveWay(op.ID); ok {
		v.Ops[0].Note, v.At, v.Index = "lost", r.At, r.Index
		v.Why = fmt.Sprintf("%s, but the log that the members agreed on by %v does not hold it.", told, r.At)
	} else {
		v.Why = told + ", but no entry of the committed log carries it."
	}
	return v
}

// refuted puts a conflict to porcupine: both operations, and the part of the log
// between the places where they belong, with the intervals of the clients that
// asked for it. Who never had an answer has that of the log.
func (l *linearity) refuted(c conflict, places []interval) bool {
	from, to := l.between(c, places)
	var ops []timed
	for g := from; g < to; g++ {
		t := timed{request: l.effect(g), answer: &l.answers[g], ret: int64(sim.Forever)}
		if i := l.writes[g]; i >= 0 {
			if i == c.second {
				continue
			}
			a := &l.acts[i]
			t.call, t.ret = int64(a.invoke), int64(a.ret)
		}
		ops = append(ops, t)
	}
	for _, i := range []int32{c.first, c.second} {
		if i < 0 {
			continue
		}
		a := &l.acts[i]
		op := &l.Ops[a.op]
		t := timed{request: op.Request, answer: &op.Response, call: int64(a.invoke), ret: int64(a.ret)}
		if a.commit >= 0 {
			t.request = l.effect(int(a.commit))
		}
		if !a.judged {
			t.answer = &l.answers[a.commit] // no read: those are judged
		}
		ops = append(ops, t)
	}
	s := searcher{model: model{minTTL: l.model.minTTL}, budget: l.budget}
	return s.linearizable(&l.states[from], ops) == Violated
}

// between returns the commits [from, to) that lie between the places of a conflict. An
// answer that is right nowhere is tried where the store is at its revision.
func (l *linearity) between(c conflict, places []interval) (from, to int) {
	a := &l.acts[c.second]
	switch {
	case c.first >= 0:
		return int(places[c.second].last / 2), int(places[c.first].first / 2)
	case a.commit >= 0:
		return int(a.commit), int(a.commit)
	}
	from, to = l.gapsOf(&l.Ops[a.op].Response)
	from = min(from, len(l.Commits))
	return from, max(from, to-1)
}

// violation tells a conflict.
func (l *linearity) violation(c conflict, places []interval) Violation {
	second := &l.acts[c.second]
	op := &l.Ops[second.op]
	v := Violation{Property: "linearizability", Key: keyOf(op.Request), At: l.certain(c), Member: op.Member, Index: op.Applied}
	switch {
	case c.first < 0:
		l.tellImpossible(&v, second)
	case second.commit < 0:
		l.tellStale(&v, c, places)
	default:
		first := &l.Ops[l.acts[c.first].op]
		at := l.Commits[second.commit].Index
		if l.acts[c.first].commit < 0 {
			v.Ops = []Exhibit{{*first, "from the future"}, {*op, ""}}
			v.Why = fmt.Sprintf("The read returned at %v with the effect of index %d, which was asked for only at %v.",
				first.Return, at, op.Invoke)
		} else {
			v.Ops = []Exhibit{{*first, ""}, {*op, "before it in the log"}}
			v.Why = fmt.Sprintf(
				"The first had returned at %v, before the second was asked for at %v, but the log has them the other way round: index %d and %d.",
				first.Return, op.Invoke, l.Commits[l.acts[c.first].commit].Index, at)
		}
	}
	return v
}

// tellStale tells of a read that saw less than had been returned before it was
// invoked. The write that made its answer out of date says it best, if that
// write had returned by then.
func (l *linearity) tellStale(v *Violation, c conflict, places []interval) {
	read := &l.acts[c.second]
	op := &l.Ops[read.op]
	gap := int(places[c.second].last / 2)
	write, key, due := l.overtaken(read, gap, int(places[c.first].first+1)/2)
	if key != "" {
		v.Key = key
	}
	first := c.first
	if write >= 0 {
		if i := l.writes[write]; i >= 0 && l.acts[i].ret < read.invoke {
			first = i
		}
	}
	f := &l.acts[first]
	note := "stale"
	if f.commit < 0 {
		note = "older than the read before it"
	}
	v.Ops = []Exhibit{{Op: l.Ops[f.op]}, {*op, note}}
	if write >= 0 && f.commit != int32(write) {
		if i := l.writes[write]; i >= 0 {
			v.Ops = append([]Exhibit{{l.Ops[l.acts[i].op], "committed"}}, v.Ops...)
		}
	}
	v.Why = l.whereServed(op) + "; " + l.whatWasCommitted(write, f, due) + "."
}

// overtaken finds the first commit in [from, to) that changes the read's answer,
// the key it is about, and what the answer would be. write is -1 if there is
// none: then only the revision is out of date.
func (l *linearity) overtaken(read *act, from, to int) (write int, key, due string) {
	op := &l.Ops[read.op]
	for g := from; g < to; g++ {
		_, want, _ := l.model.apply(&l.states[g+1], op.Request)
		got := op.Response
		got.Revision = want.Revision
		if !l.model.sameAnswer(&want, &got) {
			key, due, _ = difference(&want, &got)
			return g, key, due
		}
	}
	return -1, "", ""
}

// whereServed says who answered a read, and in which belief.
func (l *linearity) whereServed(op *history.Op) string {
	s, from := fmt.Sprintf("n%d", op.Member), ", and answered from"
	leader, _ := l.facts.leaderBefore(op.Return)
	switch {
	case op.Term < leader.Term && l.facts.leads(op.Member, op.Term):
		s += fmt.Sprintf(" still believed that it led term %d, while n%d had led term %d since %v",
			op.Term, leader.Member, leader.Term, leader.At)
	case op.Term < leader.Term:
		s += fmt.Sprintf(" was still in term %d, while n%d had led term %d since %v", op.Term, leader.Member, leader.Term, leader.At)
	case op.Term != 0:
		s += fmt.Sprintf(" answered in term %d", op.Term)
		from = ", from"
	default:
		s, from = s+" answered", " from"
	}
	if op.Applied != 0 {
		s += fmt.Sprintf("%s applied index %d (%s)", from, op.Applied, revText(op.Response.Revision))
	}
	return s
}

// whatWasCommitted says what the read should have seen.
func (l *linearity) whatWasCommitted(write int, first *act, due string) string {
	if write < 0 {
		return fmt.Sprintf("%s had been returned at %v", revText(l.Ops[first.op].Response.Revision), first.ret)
	}
	switch due {
	case "":
		due = revText(l.states[write+1].rev())
	case "nothing":
		due = "the deletion of the key (" + revText(l.states[write+1].rev()) + ")"
	}
	s := fmt.Sprintf("%s was committed at index %d", due, l.Commits[write].Index)
	if term := l.Commits[write].Term; term != 0 {
		s += fmt.Sprintf(" in term %d", term)
	}
	if at := l.commitTime(int32(write)); at != 0 {
		s += fmt.Sprintf(" at %v", at)
	}
	return s
}

// tellImpossible tells of an answer that is right nowhere: the nearest state,
// what it would have answered, and where what the client saw came from.
func (l *linearity) tellImpossible(v *Violation, a *act) {
	op := &l.Ops[a.op]
	v.Ops = []Exhibit{{*op, "no state answers this"}}
	request, g := op.Request, int(a.commit)
	newest := l.states[len(l.states)-1].rev()
	if a.commit >= 0 {
		request = l.Commits[g].Proposal.Request
		v.Ops[0].Note = "not what the log gives"
	} else if _, to := l.gapsOf(&op.Response); op.Response.Err == nil && op.Response.Revision > newest {
		v.Why = fmt.Sprintf("n%d answered at rev %d, but the log leads only to rev %d.", op.Member, op.Response.Revision, newest)
		return
	} else {
		g = min(to, len(l.states)) - 1
	}
	_, want, _ := l.model.apply(&l.states[max(g, 0)], request)
	key, due, given := differenceOf(request, &want, &op.Response)
	if key != "" {
		v.Key = key
	}
	where := revText(l.states[max(g, 0)].rev())
	if a.commit >= 0 {
		where = fmt.Sprintf("index %d", l.Commits[g].Index)
	}
	v.Why = fmt.Sprintf("At %s the committed log gives %s, but n%d answered %s.", where, due, op.Member, given)
	if writer, note := l.origin(key, &want, &op.Response); writer != nil {
		v.Ops = append([]Exhibit{{*writer, note}}, v.Ops...)
	}
}

// origin finds the operation that wrote the value a client saw, or else the one
// that wrote what it should have seen.
func (l *linearity) origin(key string, want, got *store.Response) (op *history.Op, note string) {
	if kv := findKV(got, key); kv != nil {
		for i := range l.Ops {
			if findPut(l.Ops[i].Request, key, kv.Value) {
				return &l.Ops[i], l.fate(int32(i))
			}
		}
	}
	if kv := findKV(want, key); kv != nil {
		g := sort.Search(len(l.states), func(g int) bool { return l.states[g].rev() >= kv.ModRevision }) - 1
		if g >= 0 && l.opOf[g] >= 0 {
			return &l.Ops[l.opOf[g]], "committed"
		}
	}
	return nil, ""
}

// fate says in a word what became of a write that somebody saw.
func (l *linearity) fate(o int32) string {
	if _, lost := l.gaveWay(l.Ops[o].ID); lost {
		return "lost"
	}
	if l.commitOf[o] < 0 {
		return "never committed"
	}
	return ""
}

// findKV returns the key-value of a key in an answer, or nil.
func findKV(r *store.Response, key string) *store.KeyValue {
	in := func(kvs []*store.KeyValue) *store.KeyValue {
		for _, kv := range kvs {
			if kv.Key == key {
				return kv
			}
		}
		return nil
	}
	switch res := r.Result.(type) {
	case *store.RangeResult:
		return in(res.KVs)
	case *store.DeleteRangeResult:
		return in(res.PrevKVs)
	case *store.PutResult:
		if res.PrevKV != nil && res.PrevKV.Key == key {
			return res.PrevKV
		}
	case *store.TxnResult:
		for i := range res.Responses {
			if kv := findKV(&res.Responses[i], key); kv != nil {
				return kv
			}
		}
	}
	return nil
}

// findPut reports whether a request may put this value at this key.
func findPut(r store.Request, key, value string) bool {
	switch r := r.(type) {
	case *store.PutRequest:
		return r.Key == key && r.Value == value
	case *store.TxnRequest:
		puts := func(op store.Op) bool { return findPut(op, key, value) }
		return slices.ContainsFunc(r.Success, puts) || slices.ContainsFunc(r.Failure, puts)
	}
	return false
}

// keyOf returns the key that a request names first, or "".
func keyOf(r store.Request) string {
	switch r := r.(type) {
	case *store.RangeRequest:
		return r.Key
	case *store.RangeStreamRequest:
		return r.Range.Key
	case *store.PutRequest:
		return r.Key
	case *store.DeleteRangeRequest:
		return r.Key
	case *store.TxnRequest:
		if len(r.Compare) > 0 {
			return r.Compare[0].Key
		}
		for _, ops := range [2][]store.Op{r.Success, r.Failure} {
			for _, op := range ops {
				if key := keyOf(op); key != "" {
					return key
				}
			}
		}
	}
	return ""
}
