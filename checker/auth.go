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

// Rights. What etcd promises once authentication is on, by name:
//
//   - forbidden: nothing succeeds that the rules in force forbid to the user in whose
//     name it was asked: those at the place of its entry in the log, or at the place
//     where a read was served (etcd #5739, CVE-2026-33343).
//   - allowed: nobody is denied what the rules in force allow.
//   - old rules: a write is refused for being taken in under old rules only if it was.
//   - current: a linearizable read is served under rules no older than any change that
//     had been acknowledged before it was asked for.
//   - answers: changes of users and roles are refused when and as they must be.
//
// The rules are followed through the log by a model of their own (authority.go). The
// user is the one for whom the client got its token, whatever a member wrote into
// the proposal. Requests that etcd checks only where they arrive (compactions,
// changes of the membership, grants of leases) are bound when they are refused, not
// when they succeed: etcd, too, may let them through a moment late.

// watchman is the rights of a run, being judged.
type watchman struct {
	*linearity
	rules  *authority
	byID   map[uint64]*history.Op
	judged int
	found  []Violation
}

// judgeAuth judges the rights of a run. ok is false if authentication never was on.
func judgeAuth(l *linearity, all []history.Op) (j Judgement, ok bool) {
	rules := initialAuthority(l.Initial)
	if !rules.on && !slices.ContainsFunc(l.Commits, func(c history.Commit) bool {
		_, enables := c.Proposal.Request.(*store.AuthEnableRequest)
		return enables && c.Response.Err == nil
	}) {
		return j, false
	}
	w := watchman{linearity: l, rules: rules, byID: make(map[uint64]*history.Op, len(all))}
	for i := range all {
		w.byID[all[i].ID] = &all[i]
	}
	reads := w.outsideLog(all)
	w.current(reads)
	next := 0
	for g := range l.states {
		for ; next < len(reads) && (g == len(l.Commits) || reads[next].Applied < l.Commits[g].Index); next++ {
			w.read(reads[next], &l.states[g])
		}
		if g < len(l.Commits) {
			w.commit(g)
		}
	}

	return safety("auth", w.judged, w.found), true
}

// outsideLog returns the operations that were answered without an entry of their
// own, in the order of the places where the members served them.
func (w *watchman) outsideLog(all []history.Op) []*history.Op {
	logged := make(map[uint64]bool, len(w.Commits))
	for i := range w.Commits {
		logged[w.Commits[i].Proposal.ID] = true
	}
	var ops []*history.Op
	for i := range all {
		op := &all[i]
		if logged[op.ID] || op.Outcome == history.Unknown {
			continue
		}
		if op.Response.Err == store.ErrPermissionDenied || op.Outcome == history.OK && servedRead(op.Request) {
			ops = append(ops, op)
		}
	}
	slices.SortStableFunc(ops, func(a, b *history.Op) int { return cmp.Compare(a.Applied, b.Applied) })
	return ops
}

// servedRead reports whether a request reads, and is checked in the moment in which
// it is served.
func servedRead(r store.Request) bool {
	switch r.(type) {
	case *store.RangeRequest, *store.RangeStreamRequest, *store.TxnRequest, *store.HashKVRequest:
		return store.ReadOnly(r)
	}
	return false
}

func (w *watchman) add(property string, op *history.Op, at sim.Time, index uint64, note, format string, args ...any) {
	v := Violation{Property: "auth, " + property, At: at, Index: index, Why: fmt.Sprintf(format, args...)}
	if op != nil {
		v.Member, v.Key, v.Ops = op.Member, keyOf(op.Request), []Exhibit{{*op, note}}
	}
	w.found = append(w.found, v)
}

// read judges an operation that was answered without an entry, under the rules of
// the moment.
func (w *watchman) read(op *history.Op, s *state) {
	ok, known := w.rules.permits(op.User, op.Request, s)
	if !known {
		return
	}
	w.judged++
	denied := op.Response.Err == store.ErrPermissionDenied
	switch {
	case !ok && !denied:
		w.add("forbidden", op, op.Return, op.Applied, "forbidden",
			"n%d served %s to %s at index %d, where the rules of auth revision %d forbid it.",
			op.Member, store.Describe(op.Request), userText(op.User), op.Applied, w.rules.revision)
	case ok && denied:
		w.add("allowed", op, op.Return, op.Applied, "allowed",
			"n%d denied %s to %s at index %d, where the rules of auth revision %d allow it.",
			op.Member, store.Describe(op.Request), userText(op.User), op.Applied, w.rules.revision)
	}
}

func userText(user string) string {
	if user == "" {
		return "nobody"
	}
	return user
}

// commit judges the next entry under the rules before it, and lets it change them.
func (w *watchman) commit(g int) {
	c := &w.Commits[g]
	r, err := c.Proposal.Request, c.Response.Err
	ok, known := w.rules.permits(w.userOf(c), r, &w.states[g])
	if known && w.proposed(c) {
		w.judged++
		w.entry(g, ok)
	}
	if !w.rules.knows(r) || err != nil && (!ok || err == store.ErrPermissionDenied || err == store.ErrAuthOldRevision) {
		return // it changes no rules, or was not let through
	}
	if want := w.rules.apply(r); want != err {
		w.add("answers", w.byID[c.Proposal.ID], w.commitTime(int32(g)), c.Index, "answered wrongly",
			"%s at index %d was answered %s; expected %s.", store.Describe(r), c.Index, refusalText(err), refusalText(want))
	}
}

func refusalText(err *store.Error) string {
	if err == nil {
		return "that it was done"
	}
	return fmt.Sprintf("%q", err.Text)
}

// proposed reports whether somebody asked for an entry, be it through a service of a
// member; members themselves may do what they must.
func (w *watchman) proposed(c *history.Commit) bool {
	_, login := c.Proposal.Request.(*store.AuthenticateRequest)
	return !login && (w.byID[c.Proposal.ID] != nil || c.Proposal.User != store.Root)
}

// userOf returns in whose name an entry was proposed: as the client knows it, or, if
// no client asked for it itself, as the member says.
func (w *watchman) userOf(c *history.Commit) string {
	if op := w.byID[c.Proposal.ID]; op != nil {
		return op.User
	}
	return c.Proposal.User
}

// entry judges whether an entry was let through as the rules have it.
func (w *watchman) entry(g int, ok bool) {
	c := &w.Commits[g]
	op, user, at := w.byID[c.Proposal.ID], w.userOf(c), w.commitTime(int32(g))
	what := store.Describe(c.Proposal.Request)
	switch err := c.Response.Err; {
	case err == nil && !ok && !checkedOnArrival(c.Proposal.Request):
		w.add("forbidden", op, at, c.Index, "forbidden", "%s was done for %s at index %d, where the rules of auth revision %d forbid it.",
			what, userText(user), c.Index, w.rules.revision)
	case err == store.ErrPermissionDenied && ok:
		w.add("allowed", op, at, c.Index, "allowed", "%s was denied to %s at index %d, where the rules of auth revision %d allow it.",
			what, userText(user), c.Index, w.rules.revision)
	case err == store.ErrAuthOldRevision && (!w.rules.on || c.Proposal.AuthRevision >= w.rules.revision):
		w.add("old rules", op, at, c.Index, "not old",
			"%s was refused at index %d because the rules had changed since auth revision %d, but they are those of %d.",
			what, c.Index, c.Proposal.AuthRevision, w.rules.revision)
	}
}

// checkedOnArrival reports whether etcd checks a request only when it arrives.
func checkedOnArrival(r store.Request) bool {
	_, compaction := r.(*store.CompactionRequest)
	return compaction
}

// current judges that no linearizable read was served under rules that had been
// changed, and the change acknowledged, before it was asked for.
func (w *watchman) current(reads []*history.Op) {
	type change struct {
		op    *history.Op
		index uint64
	}
	var acked []change
	for i := range w.Commits {
		c := &w.Commits[i]
		if op := w.byID[c.Proposal.ID]; op != nil && op.Outcome == history.OK && w.rules.knows(c.Proposal.Request) {
			acked = append(acked, change{op, c.Index})
		}
	}
	slices.SortStableFunc(acked, func(a, b change) int { return cmp.Compare(a.op.Return, b.op.Return) })
	for i := 1; i < len(acked); i++ { // each stands for the newest of those before it
		if acked[i-1].index > acked[i].index {
			acked[i] = change{acked[i].op, acked[i-1].index}
		}
	}
	for _, op := range reads {
		if store.Serializable(op.Request) || op.Outcome != history.OK {
			continue
		}
		n := sort.Search(len(acked), func(i int) bool { return acked[i].op.Return >= op.Invoke })
		if n > 0 && acked[n-1].index > op.Applied {
			w.add("current", op, op.Return, op.Applied, "old rules",
				"n%d served %s to %s under the rules of index %d, though a change at index %d had been acknowledged before it was asked for.",
				op.Member, store.Describe(op.Request), userText(op.User), op.Applied, acked[n-1].index)
		}
	}
}
