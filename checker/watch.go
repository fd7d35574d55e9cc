package checker

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/store"
)

// Watchers. What etcd promises of them (documentation, "KV API guarantees", section
// Watch APIs, and the validators of its robustness tests), by name:
//
//   - filter: an event is one that was asked for: its key, its type, and a revision
//     not before the start;
//   - ordered: events come in the order of their revisions;
//   - unique: no event comes twice;
//   - atomic: all events of a revision come in one response;
//   - resumable: a watcher that begins at a revision gets what happened from there
//     on, as long as it is not compacted, and is told if it is;
//   - reliable: no event is left out between others, and each is as it was
//     committed;
//   - bookmarkable: when a response says how far the watcher was served, everything
//     up to there has come;
//   - prev-kv: the key-value before an event is the one that was there;
//   - is-create: an event creates a key if and only if it was not there.
//
// A watcher is followed over all its streams: the client goes on where it was, and
// what it was told by several members must be one history. That history is the
// committed log's, as the model replays it.
type guarantee uint8

const (
	filter guarantee = iota
	ordered
	unique
	atomic
	resumable
	reliable
	bookmarkable
	prevKV
	isCreate
	numGuarantees
)

var guaranteeNames = [numGuarantees]string{
	"filter", "ordered", "unique", "atomic", "resumable", "reliable", "bookmarkable", "prev-kv", "is-create",
}

// change is one event as the log has it.
type change struct {
	store.Event
	// before is the key-value before, or nil.
	before *store.KeyValue
	at     sim.Time
}

func (c *change) rev() int64 { return c.KV.ModRevision }

// compaction is one that took effect.
type compaction struct {
	revision int64
	at       sim.Time
}

// watchLog is what watchers can have been told.
type watchLog struct {
	changes     []change // in the order in which they happened
	last        int64    // the newest revision
	compactions []compaction
}

// newWatchLog reads the changes off the log.
func newWatchLog(l *linearity) *watchLog {
	w := &watchLog{last: l.states[len(l.Commits)].rev(), changes: initialChanges(l.Initial)}
	if gone := l.states[0].compacted; gone > 0 {
		w.compactions = append(w.compactions, compaction{revision: gone})
	}
	var events []store.Event
	m := model{minTTL: l.model.minTTL, told: &events}
	for g := range l.Commits {
		c := &l.Commits[g]
		if c.Response.Err != nil {
			continue // changed nothing
		}
		at := l.commitTime(int32(g))
		if r, ok := c.Proposal.Request.(*store.CompactionRequest); ok {
			w.compactions = append(w.compactions, compaction{r.Revision, at})
		}
		events = events[:0]
		m.apply(&l.states[g], c.Proposal.Request)
		for _, e := range events {
			w.changes = append(w.changes, change{e, l.states[g].now.root.get(e.KV.Key), at})
		}
	}
	return w
}

// from returns the position of the first change at or after a revision.
func (w *watchLog) from(revision int64) int {
	i, _ := slices.BinarySearchFunc(w.changes, revision, func(c change, rev int64) int { return cmp.Compare(c.rev(), rev) })
	return i
}

// find returns the position of the change that an event tells of, or -1.
func (w *watchLog) find(e *store.Event) int {
	for i := w.from(e.KV.ModRevision); i < len(w.changes) && w.changes[i].rev() == e.KV.ModRevision; i++ {
		if c := &w.changes[i]; c.KV.Key == e.KV.Key && c.Type == e.Type {
			return i
		}
	}
	return -1
}

// compacted returns the newest revision that was compacted by the time, or 0.
func (w *watchLog) compacted(by sim.Time) (revision int64) {
	for _, c := range w.compactions {
		if c.at <= by {
			revision = c.revision
		}
	}
	return revision
}

// judgeWatches judges what watchers were told. ok is false if there were none.
func judgeWatches(l *linearity) (j Judgement, ok bool) {
	if len(l.Watches) == 0 {
		return j, false
	}
	j = Judgement{Judge: "watch", Class: Safety, Verdict: Pass}
	log := newWatchLog(l)
	var first [numGuarantees]*Violation
	for _, w := range l.Watches {
		f := follower{log: log, watch: w, delivered: make([]bool, len(log.changes)), split: make([]bool, len(log.changes))}
		f.follow()
		j.Judged += f.judged
		for g, v := range f.found {
			if v != nil && (first[g] == nil || v.At < first[g].At) {
				first[g] = v
			}
		}
	}
	for _, v := range first {
		if v != nil {
			j.Verdict = Violated
			j.Violations = append(j.Violations, *v)
		}
	}
	slices.SortStableFunc(j.Violations, func(a, b Violation) int { return cmp.Compare(a.At, b.At) })
	return j, true
}

// follower follows one watcher.
type follower struct {
	log   *watchLog
	watch *history.Watch

	// answer is the present one.
	answer *history.WatchAnswer
	// begun: the watcher was created. Events are due from the revision due on; the
	// client may have asked for more, from the revision open on.
	begun     bool
	due, open int64
	// last is the revision of the last event, bookmark the last that a response
	// named as served.
	last, bookmark int64
	// delivered says which changes have come, split which were missing in the
	// response to which they belong.
	delivered, split []bool
	// spans are the stretches of revisions that must have come, in order.
	spans []span

	judged int
	found  [numGuarantees]*Violation
}

// span says that by an answer everything up to a revision must have come.
type span struct {
	through int64
	answer  *history.WatchAnswer
	blame   guarantee
}

func (f *follower) violated(g guarantee, e *store.Event, format string, args ...any) {
	if f.found[g] != nil {
		return
	}
	v := &Violation{
		Property: "watch, " + guaranteeNames[g], At: f.answer.At, Member: f.answer.Member,
		Why: fmt.Sprintf("Client %d, %s: %s", f.watch.Client, store.Describe(&f.watch.Request), fmt.Sprintf(format, args...)),
	}
	if e != nil {
		v.Key = e.KV.Key
	}
	f.found[g] = v
}

func (f *follower) follow() {
	fresh := false // nothing has come on the present stream yet
	for i := range f.watch.Answers {
		f.answer = &f.watch.Answers[i]
		r := f.answer.Response
		switch {
		case r.Created:
			f.created(r)
			fresh = true
		case r.CompactRevision != 0:
			f.compacted(r, f.answerFrom(i))
		case r.Canceled:
			f.violated(reliable, nil, "n%d ended the watcher without being asked to, and without a reason.", f.answer.Member)
		case r.IsProgress():
			f.bookmarked(r.Revision)
		default:
			blame := reliable
			if fresh && f.answerFrom(i) > 0 {
				blame = resumable
			}
			f.events(r, blame)
			fresh = false
		}
	}
	f.missing()
}

// answerFrom returns the start revision that the client asked for on the stream of
// the i-th answer.
func (f *follower) answerFrom(i int) int64 {
	for ; i >= 0; i-- {
		if a := &f.watch.Answers[i]; a.Response.Created {
			return a.From
		}
	}
	return 0
}

func (f *follower) created(r *store.WatchResponse) {
	req := &f.watch.Request
	if r.Canceled {
		allowed := req.StartRevision < 0 || req.RangeEnd != "" && req.RangeEnd != "\x00" && req.Key >= req.RangeEnd
		if !allowed && !aboutRights(r.CancelReason) {
			f.violated(resumable, nil, "n%d refused it: %s.", f.answer.Member, r.CancelReason)
		}
		return
	}
	if req.StartRevision < 0 {
		f.violated(filter, nil, "n%d began it, though no revision is negative.", f.answer.Member)
	}
	if !f.begun {
		f.begun = true
		f.due, f.open = req.StartRevision, req.StartRevision
		if req.StartRevision == 0 {
			// A client that is disconnected before anything has come goes on with the
			// revision in this header, though not after it.
			f.due, f.open = r.Revision+1, r.Revision
		}
	}
}

// aboutRights reports whether a watcher was refused because of what its user may not
// do; another judge looks at that.
func aboutRights(reason string) bool {
	about := []*store.Error{store.ErrPermissionDenied, store.ErrUserEmpty, store.ErrInvalidAuthToken, store.ErrAuthOldRevision}
	return slices.ContainsFunc(about, func(err *store.Error) bool { return strings.HasSuffix(reason, err.Text) })
}

// compacted: the watcher was told that what it needs is gone. What it needs is what
// the client asked for on this stream: a member need not know how far a watcher was
// served when nothing happened to its keys.
func (f *follower) compacted(r *store.WatchResponse, asked int64) {
	f.judged++
	needs := f.due
	if asked > 0 {
		needs = asked
	}
	gone := f.log.compacted(f.answer.At)
	if r.CompactRevision > gone || needs >= r.CompactRevision {
		f.violated(resumable, nil,
			"n%d ended it because rev %d was compacted, but the watcher needs rev %d, and only what precedes rev %d is gone.",
			f.answer.Member, r.CompactRevision, needs, gone)
	}
}

// bookmarked: the watcher was told that it has been served up to a revision.
func (f *follower) bookmarked(revision int64) {
	f.judged++
	switch {
	case revision < f.last:
		f.violated(bookmarkable, nil, "n%d said that it was served up to rev %d, after an event of rev %d.", f.answer.Member, revision, f.last)
	case revision < f.bookmark:
		f.violated(bookmarkable, nil, "n%d said that it was served up to rev %d, but before that up to rev %d.",
			f.answer.Member, revision, f.bookmark)
	case revision > f.log.last:
		f.violated(bookmarkable, nil, "n%d said that it was served up to rev %d, but there is only rev %d.",
			f.answer.Member, revision, f.log.last)
	}
	f.bookmark = max(f.bookmark, revision)
	f.spans = append(f.spans, span{revision, f.answer, bookmarkable})
}

// events looks at a response with events. blame is what is broken if events before
// them are missing.
func (f *follower) events(r *store.WatchResponse, blame guarantee) {
	newest := f.last // of the events that are in their place
	for i := range r.Events {
		e := &r.Events[i]
		f.judged++
		if f.event(e, newest) {
			newest = max(newest, e.KV.ModRevision)
		}
	}
	f.whole(newest)
	f.last = newest
	f.spans = append(f.spans, span{newest, f.answer, blame})
}

// event looks at one event, and reports whether it is one that may come here.
func (f *follower) event(e *store.Event, newest int64) bool {
	rev := e.KV.ModRevision
	if !f.wanted(e) {
		f.violated(filter, e, "n%d sent %s, which was not asked for.", f.answer.Member, eventText(e))
		return false
	}
	at := f.log.find(e)
	switch {
	case at < 0 || f.log.changes[at].at > f.answer.At:
		f.violated(reliable, e, "n%d sent %s, but nothing like that was committed.", f.answer.Member, eventText(e))
		return false
	case f.delivered[at]:
		f.violated(unique, e, "n%d sent %s a second time.", f.answer.Member, eventText(e))
		return false
	}
	f.delivered[at] = true
	f.compare(e, &f.log.changes[at])
	switch {
	case f.split[at]:
		return false // told when the first part came
	case rev < newest:
		f.violated(ordered, e, "n%d sent %s after an event of rev %d.", f.answer.Member, eventText(e), newest)
		return false
	case rev <= f.bookmark:
		f.violated(bookmarkable, e, "n%d sent %s, after the watcher was told that it had been served up to rev %d.",
			f.answer.Member, eventText(e), f.bookmark)
		return false
	}
	return true
}

// wanted reports whether an event is one that the watcher asked for.
func (f *follower) wanted(e *store.Event) bool {
	r := &f.watch.Request
	if r.NoPut && e.Type == store.EventPut || r.NoDelete && e.Type == store.EventDelete || e.KV.ModRevision < f.open {
		return false
	}
	switch key := e.KV.Key; r.RangeEnd {
	case "":
		return key == r.Key
	case "\x00":
		return key >= r.Key
	default:
		return r.Key <= key && key < r.RangeEnd
	}
}

// compare looks whether an event is told as it was committed.
func (f *follower) compare(e *store.Event, c *change) {
	creates := func(kv *store.KeyValue) bool { return kv.CreateRevision == kv.ModRevision }
	switch {
	case e.Type == store.EventPut && creates(e.KV) != creates(c.KV):
		f.violated(isCreate, e, "n%d sent %s as if it created the key at rev %d, which was created at rev %d.",
			f.answer.Member, eventText(e), e.KV.CreateRevision, c.KV.CreateRevision)
	case *e.KV != *c.KV:
		f.violated(reliable, e, "n%d sent %s, but committed was %s.", f.answer.Member, kvDetails(e.KV), kvDetails(c.KV))
	}
	switch {
	case e.PrevKV == nil:
		// It may be gone already when the response is made.
		if f.watch.Request.PrevKV && c.before != nil && c.rev()-1 >= f.log.compacted(f.answer.At) {
			f.violated(prevKV, e, "n%d sent %s without %s, which was there before.", f.answer.Member, eventText(e), kvText(c.before))
		}
	case !f.watch.Request.PrevKV:
		f.violated(prevKV, e, "n%d sent what was there before %s, which was not asked for.", f.answer.Member, eventText(e))
	case c.before == nil || *e.PrevKV != *c.before:
		f.violated(prevKV, e, "n%d sent that %s was there before %s, but it was %s.",
			f.answer.Member, kvText(e.PrevKV), eventText(e), kvTextOr(c.before, "nothing"))
	}
}

func kvTextOr(kv *store.KeyValue, otherwise string) string {
	if kv == nil {
		return otherwise
	}
	return kvText(kv)
}

// whole looks whether the events of a revision, the last of a response, have all
// come with it.
func (f *follower) whole(revision int64) {
	for i := f.log.from(revision); i < len(f.log.changes) && f.log.changes[i].rev() == revision; i++ {
		if c := &f.log.changes[i]; !f.delivered[i] && f.wanted(&c.Event) {
			f.violated(atomic, &c.Event, "n%d sent a part of rev %d without %s, which belongs to it.",
				f.answer.Member, revision, eventText(&c.Event))
			f.split[i] = true
		}
	}
}

// missing looks for events that should have come and have not.
func (f *follower) missing() {
	i := f.log.from(f.due)
	for _, s := range f.spans {
		f.answer = s.answer
		for ; i < len(f.log.changes) && f.log.changes[i].rev() <= s.through; i++ {
			c := &f.log.changes[i]
			if f.delivered[i] || f.split[i] || !f.wanted(&c.Event) {
				continue
			}
			switch s.blame {
			case bookmarkable:
				f.violated(s.blame, &c.Event, "n%d said that it was served up to rev %d, but %s never came.",
					s.answer.Member, s.through, eventText(&c.Event))
			case resumable:
				f.violated(s.blame, &c.Event, "n%d went on with an event of rev %d, and left out %s.",
					s.answer.Member, s.through, eventText(&c.Event))
			default:
				f.violated(s.blame, &c.Event, "n%d sent an event of rev %d, but never %s.", s.answer.Member, s.through, eventText(&c.Event))
			}
		}
	}
}

// eventText prints an event: "k1 = 9 (rev 4)", "the end of k1 (rev 5)".
func eventText(e *store.Event) string {
	if e.Type == store.EventDelete {
		return "the end of " + store.Text(e.KV.Key) + " (" + revText(e.KV.ModRevision) + ")"
	}
	return kvText(e.KV)
}
