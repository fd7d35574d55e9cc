package checker

import (
	"cmp"
	"fmt"
	"slices"

	"etcdsim/checker/history"
	"etcdsim/store"
)

// judgeSerializable judges reads that a member may answer from its own state,
// however old (etcd's API guarantees, "serializable" range requests). Such a
// read takes no part in the order of linearizability, but it is bound all the
// same: it answers from some state that the log leads through, not from one
// that came to be only after it returned, and as long as a member runs, later
// reads of it never see less.
func judgeSerializable(l *linearity) Judgement {
	j := Judgement{Judge: "serializable reads", Class: Safety, Verdict: Pass}
	if len(l.Commits) == 0 {
		return j
	}
	var reads []localRead
	gap := 0
	for i := range l.Ops {
		op := &l.Ops[i]
		if !answered(op) || l.commitOf[i] >= 0 || !store.ReadOnly(op.Request) || !store.Serializable(op.Request) {
			continue
		}
		j.Judged++
		for gap < len(l.Commits) && l.Commits[gap].Index <= op.Applied {
			gap++
		}
		for gap > 0 && l.Commits[gap-1].Index > op.Applied {
			gap--
		}
		a := act{op: int32(i), commit: -1, judged: true}
		seen := gap
		if !l.fits(&a, gap) {
			place := l.placesOfRead(&a)
			if place.empty() {
				v := Violation{Property: j.Judge, Key: keyOf(op.Request), At: op.Return, Member: op.Member, Index: op.Applied}
				l.tellImpossible(&v, &a)
				j.Violations = append(j.Violations, v)
				continue
			}
			seen = int(place.first / 2)
		}
		if v, ok := l.fromFuture(op, seen); ok {
			j.Violations = append(j.Violations, v)
		}
		reads = append(reads, localRead{op, int64(seen)})
	}
	j.Violations = append(j.Violations, l.backwards(reads)...)
	if len(j.Violations) > 0 {
		j.Verdict = Violated
		if more := len(j.Violations) - 1; more > 0 {
			j.Note = "the first of " + itoa(more+1)
			j.Violations = j.Violations[:1]
		}
	}
	return j
}

// localRead is a serializable read and the number of commits that it saw.
type localRead struct {
	op   *history.Op
	seen int64
}

// fromFuture reports whether the last commit that a read saw was asked for, or
// applied anywhere, only after the read had returned.
func (l *linearity) fromFuture(op *history.Op, seen int) (Violation, bool) {
	if seen == 0 {
		return Violation{}, false
	}
	began := l.commitTime(int32(seen - 1))
	v := Violation{Property: "serializable reads", Key: keyOf(op.Request), At: op.Return, Member: op.Member, Index: op.Applied}
	v.Ops = []Exhibit{{*op, "from the future"}}
	if o := l.opOf[seen-1]; o >= 0 {
		began = max(began, l.Ops[o].Invoke)
		v.Ops = append(v.Ops, Exhibit{Op: l.Ops[o]})
	}
	v.Why = fmt.Sprintf("n%d answered at %v with the effect of index %d, which nobody had applied before %v.",
		op.Member, op.Return, l.Commits[seen-1].Index, began)
	return v, began > op.Return
}

// backwards finds reads of one member that saw less than an earlier one. A
// restart may take a member back, to its snapshot; without an account of
// restarts nothing can be said.
func (l *linearity) backwards(reads []localRead) []Violation {
	if l.facts == nil || len(reads) == 0 {
		return nil
	}
	byReturn := slices.Clone(reads)
	slices.SortStableFunc(byReturn, func(a, b localRead) int { return cmp.Compare(a.op.Return, b.op.Return) })
	slices.SortStableFunc(reads, func(a, b localRead) int { return cmp.Compare(a.op.Invoke, b.op.Invoke) })
	var found []Violation
	most := make(map[uint64]localRead) // by member: of the reads returned, the one that saw most
	returned := 0
	for _, r := range reads {
		for ; returned < len(byReturn) && byReturn[returned].op.Return < r.op.Invoke; returned++ {
			done := byReturn[returned]
			best, ok := most[done.op.Member]
			if !ok || done.seen >= best.seen || l.facts.restarted(done.op.Member, best.op.Invoke, done.op.Return) {
				most[done.op.Member] = done
			}
		}
		before, ok := most[r.op.Member]
		if !ok || r.seen >= before.seen || r.op.Response.Revision >= before.op.Response.Revision ||
			l.facts.restarted(r.op.Member, before.op.Invoke, r.op.Return) {
			continue
		}
		found = append(found, Violation{
			Property: "serializable reads", Key: keyOf(r.op.Request), At: r.op.Return, Member: r.op.Member, Index: r.op.Applied,
			Ops: []Exhibit{{Op: *before.op}, {*r.op, "went back"}},
			Why: fmt.Sprintf("n%d had answered at rev %d by %v and answered at rev %d afterwards, without a restart between.",
				r.op.Member, before.op.Response.Revision, before.op.Return, r.op.Response.Revision),
		})
	}
	return found
}
