package checker

import (
	"strings"
	"testing"

	"etcdsim/checker/history"
	"etcdsim/store"
)

// watchStory is a hand-made run: a log of nine entries, and one watcher.
//
//	rev 2  put a=1            at 10 ms
//	rev 3  put b=1            at 20 ms
//	rev 4  put a=2, put b=2   at 30 ms
//	rev 5  delete a           at 40 ms
//	rev 6  put a=3            at 50 ms
//	       compaction at 5    at 60 ms
//	       compaction at 6    at 61 ms, refused
//	       put d=1            at 62 ms, refused
//	rev 7  put c=1            at 70 ms
type watchStory struct {
	chronicle
	log *watchLog
	*history.Watch
	member, stream uint64
}

func newWatchStory(req store.WatchRequest) *watchStory {
	s := &watchStory{Watch: &history.Watch{Request: req}, member: 1, stream: 1}
	refused := store.Response{Err: store.ErrPermissionDenied}
	for i, e := range []struct {
		at      int
		request store.Request
		answer  store.Response
	}{
		{10, put("a", "1"), store.Response{}},
		{20, put("b", "1"), store.Response{}},
		{30, &store.TxnRequest{
			Success: []store.Op{&store.PutRequest{Key: "a", Value: "2"}, &store.PutRequest{Key: "b", Value: "2"}},
		}, store.Response{}},
		{40, &store.DeleteRangeRequest{Key: "a"}, store.Response{}},
		{50, put("a", "3"), store.Response{}},
		{60, &store.CompactionRequest{Revision: 5}, store.Response{}},
		{61, &store.CompactionRequest{Revision: 6}, refused},
		{62, put("d", "1"), refused},
		{70, put("c", "1"), store.Response{}},
	} {
		s.commit(1<<63|uint64(i), uint64(2+i), e.at, e.request, e.answer)
	}
	s.Watches = []*history.Watch{s.Watch}
	s.log = newWatchLog(newLinearity(newRecord(s.History, nil), Options{}))
	return s
}

// answer lets the client take a response at a time in ms.
func (s *watchStory) answer(at int, from int64, r store.WatchResponse) *watchStory {
	s.Answers = append(s.Answers, history.WatchAnswer{At: ms(at), Member: s.member, Stream: s.stream, From: from, Response: &r})
	return s
}

func (s *watchStory) created(at int, from, revision int64) *watchStory {
	return s.answer(at, from, store.WatchResponse{Created: true, Revision: revision})
}

// again lets the client go on over another stream, at another member.
func (s *watchStory) again(at int, from, revision int64) *watchStory {
	s.stream++
	s.member = s.member%3 + 1
	return s.created(at, from, revision)
}

func (s *watchStory) progress(at int, revision int64) *watchStory {
	return s.answer(at, 0, store.WatchResponse{Revision: revision})
}

// compactedTo changes to which revision the log is compacted at 60 ms.
func (s *watchStory) compactedTo(revision int64) *watchStory {
	s.Commits[5].Proposal.Request = &store.CompactionRequest{Revision: revision}
	return s
}

func (s *watchStory) compacted(at int, revision int64) *watchStory {
	return s.answer(at, 0, store.WatchResponse{Canceled: true, CompactRevision: revision})
}

// events sends events, each written as its key and revision: "a2 b3". Previous
// key-values are those that were there, if the watcher asked for them.
func (s *watchStory) events(at int, list string) *watchStory {
	r := store.WatchResponse{Revision: 7}
	for text := range strings.FieldsSeq(list) {
		for i := range s.log.changes {
			c := &s.log.changes[i]
			if c.KV.Key != text[:1] || c.KV.ModRevision != int64(text[1]-'0') {
				continue
			}
			kv := *c.KV
			e := store.Event{Type: c.Type, KV: &kv}
			if s.Request.PrevKV && c.before != nil {
				before := *c.before
				e.PrevKV = &before
			}
			r.Events = append(r.Events, e)
		}
	}
	return s.answer(at, 0, r)
}

// told counts the events that came, and the words on how far they go.
func (s *watchStory) told() int {
	n := 0
	for _, a := range s.Answers {
		if r := a.Response; !r.Created {
			n += max(len(r.Events), 1)
		}
	}
	return n
}

// but changes the first event of the last response.
func (s *watchStory) but(change func(*store.Event)) *watchStory {
	change(&s.Answers[len(s.Answers)-1].Response.Events[0])
	return s
}

var (
	all      = store.WatchRequest{Key: "a", RangeEnd: "z", StartRevision: 2}
	allPrev  = store.WatchRequest{Key: "a", RangeEnd: "z", StartRevision: 2, PrevKV: true}
	fromNow  = store.WatchRequest{Key: "a", RangeEnd: "z"}
	onlyPuts = store.WatchRequest{Key: "a", StartRevision: 2, NoDelete: true}
	onlyEnds = store.WatchRequest{Key: "a", StartRevision: 2, NoPut: true}
	onlyB    = store.WatchRequest{Key: "b", RangeEnd: "c", StartRevision: 2}
	onward   = store.WatchRequest{Key: "b", RangeEnd: "\x00", StartRevision: 2}
)

// TestWatchGuarantees: each way in which a watcher can be told wrong is noticed by
// the judge of one guarantee, and by no other; what is allowed beside it is not.
func TestWatchGuarantees(t *testing.T) {
	for _, c := range []struct {
		name  string
		story *watchStory
		// broken is the guarantee; numGuarantees is none.
		broken guarantee
		why    string
		at     int // when, in ms, if not 0
	}{
		{name: "everything", broken: numGuarantees, story: newWatchStory(allPrev).created(5, 2, 1).
			events(10, "a2").events(35, "b3 a4 b4").progress(45, 4).events(46, "a5").events(55, "a6").events(75, "c7").progress(80, 7)},
		{name: "one key, one type", broken: numGuarantees, story: newWatchStory(onlyPuts).created(5, 2, 1).
			events(15, "a2").events(55, "a4").events(56, "a6").progress(80, 7)},
		{name: "from now on", broken: numGuarantees, story: newWatchStory(fromNow).created(25, 0, 3).
			events(35, "a4 b4").events(46, "a5")},
		{name: "gone on after what was seen", broken: numGuarantees, story: newWatchStory(all).created(5, 2, 1).
			events(15, "a2").again(25, 3, 3).events(26, "b3").events(35, "a4 b4").progress(36, 4).again(45, 5, 5).events(46, "a5")},
		{name: "from now on, and gone on before anything came", broken: numGuarantees, story: newWatchStory(fromNow).created(25, 0, 3).
			again(45, 3, 5).events(46, "b3 a4 b4 a5")},
		{name: "from now on, and gone on behind the compaction", broken: numGuarantees, story: newWatchStory(fromNow).created(35, 0, 4).
			again(66, 4, 6).compacted(67, 5)},
		{name: "behind the compaction", broken: numGuarantees, story: newWatchStory(all).created(60, 2, 6).compacted(60, 5)},
		{name: "what was before is compacted", broken: numGuarantees, story: newWatchStory(allPrev).created(5, 2, 1).
			events(15, "a2").events(65, "b3 a4 b4").but(func(e *store.Event) { e.PrevKV = nil }).
			events(66, "a5").but(func(e *store.Event) { e.PrevKV = nil })},
		{name: "from a key on", broken: numGuarantees, story: newWatchStory(onward).created(5, 2, 1).
			events(25, "b3").events(35, "b4").events(75, "c7").progress(80, 7)},
		{name: "a range", broken: numGuarantees, story: newWatchStory(onlyB).created(5, 2, 1).
			events(25, "b3").events(35, "b4").progress(80, 7).progress(81, 7)},
		{name: "deletions alone", broken: numGuarantees, story: newWatchStory(onlyEnds).created(5, 2, 1).events(45, "a5").progress(80, 7)},
		{name: "refused for an empty range", broken: numGuarantees, story: newWatchStory(store.WatchRequest{Key: "b", RangeEnd: "b"}).
			answer(5, 0, store.WatchResponse{Created: true, Canceled: true, WatchID: -1, Revision: 1})},
		{name: "refused for a reason", broken: numGuarantees, story: newWatchStory(store.WatchRequest{Key: "a", StartRevision: -1}).
			answer(5, -1, store.WatchResponse{Created: true, Canceled: true, WatchID: -1, Revision: 1})},

		{name: "refused for want of rights", broken: numGuarantees, story: newWatchStory(all).
			answer(5, 2, store.WatchResponse{
				Created: true, Canceled: true, WatchID: -1, Revision: 1,
				CancelReason: "rpc error: code = PermissionDenied desc = etcdserver: permission denied",
			})},

		{
			name: "another key", broken: filter, story: newWatchStory(onlyPuts).created(5, 2, 1).events(15, "a2").events(25, "b3"),
			why: "Client 0, watch a from 2 no-delete: n1 sent b = 1 (rev 3), which was not asked for.",
		},
		{
			name: "other keys, again and again", broken: filter, story: newWatchStory(onlyPuts).created(5, 2, 1).
				events(25, "b3").events(75, "c7").events(76, "a2").events(77, "a4").events(78, "a6"),
			why: "n1 sent b = 1 (rev 3), which was not asked for.",
		},
		{name: "a key before the first", broken: filter, story: newWatchStory(onward).created(5, 2, 1).events(15, "a2").events(25, "b3")},
		{name: "a key before the range", broken: filter, story: newWatchStory(onlyB).created(5, 2, 1).events(15, "a2").events(25, "b3")},
		{name: "a key after the range", broken: filter, story: newWatchStory(onlyB).created(5, 2, 1).
			events(25, "b3").events(35, "b4").events(75, "c7")},
		{name: "a put among deletions", broken: filter, story: newWatchStory(onlyEnds).created(5, 2, 1).events(15, "a2").events(45, "a5")},
		{
			name: "begun before every revision", broken: filter, story: newWatchStory(store.WatchRequest{Key: "a", StartRevision: -1}).
				created(5, -1, 1),
			why: "n1 began it, though no revision is negative.",
		},
		{name: "another type", broken: filter, story: newWatchStory(onlyPuts).created(5, 2, 1).
			events(15, "a2").events(35, "a4").events(45, "a5")},
		{name: "before the start", broken: filter, story: newWatchStory(fromNow).created(25, 0, 3).events(26, "a2").events(35, "a4 b4")},
		{name: "before a start in the future", broken: filter, story: newWatchStory(store.WatchRequest{Key: "a", StartRevision: 6}).
			created(35, 6, 4).events(45, "a5").events(55, "a6")},

		{
			name: "out of order", broken: ordered, story: newWatchStory(all).created(5, 2, 1).events(25, "b3").events(26, "a2").events(35, "a4 b4"),
			why: "n1 sent a = 1 (rev 2) after an event of rev 3.",
		},
		{name: "out of order within a response", broken: ordered, story: newWatchStory(all).created(5, 2, 1).events(25, "b3 a2")},

		{
			name: "twice", broken: unique, story: newWatchStory(all).created(5, 2, 1).events(15, "a2").events(25, "b3").events(26, "b3"),
			why: "n1 sent b = 1 (rev 3) a second time.",
		},
		{name: "once more after going on", broken: unique, story: newWatchStory(all).created(5, 2, 1).
			events(15, "a2").events(25, "b3").again(26, 3, 3).events(27, "b3").events(35, "a4 b4")},

		{
			name: "a revision in two responses", broken: atomic, story: newWatchStory(all).created(5, 2, 1).
				events(15, "a2").events(25, "b3").events(35, "a4").events(36, "b4").events(45, "a5"),
			why: "n1 sent a part of rev 4 without b = 2 (rev 4), which belongs to it.",
		},
		{name: "half a revision", broken: atomic, story: newWatchStory(all).created(5, 2, 1).events(35, "a2 b3 b4").events(45, "a5")},

		{name: "a revision in two responses, and another one between", broken: atomic, story: newWatchStory(all).created(5, 2, 1).
			events(35, "a2 b3 a4").events(45, "a5").events(46, "b4").progress(47, 5)},

		{
			name: "begun late", broken: resumable, story: newWatchStory(all).created(25, 2, 3).events(26, "b3").events(35, "a4 b4"),
			why: "n1 went on with an event of rev 3, and left out a = 1 (rev 2).",
		},
		{name: "gone on late", broken: resumable, story: newWatchStory(all).created(5, 2, 1).
			events(15, "a2").again(36, 3, 4).events(37, "a4 b4")},
		{name: "begun after the compaction in silence", broken: resumable, story: newWatchStory(all).created(65, 2, 6).
			events(66, "a6").events(75, "c7")},
		{
			name: "compacted before the compaction", broken: resumable, story: newWatchStory(all).created(25, 2, 3).compacted(26, 5),
			why: "n1 ended it because rev 5 was compacted, but the watcher needs rev 2, and only what precedes rev 0 is gone.",
		},
		{
			name: "compacted to where that was refused", broken: resumable, story: newWatchStory(all).created(65, 2, 6).compacted(66, 6),
			why: "n1 ended it because rev 6 was compacted, but the watcher needs rev 2, and only what precedes rev 5 is gone.",
		},
		{name: "compacted, though what it needs is there", broken: resumable, story: newWatchStory(all).created(5, 2, 1).
			events(35, "a2 b3 a4 b4").again(62, 5, 6).compacted(66, 5)},
		{name: "one key refused without need", broken: resumable, story: newWatchStory(onlyPuts).
			answer(5, 2, store.WatchResponse{Created: true, Canceled: true, WatchID: -1, Revision: 1, CancelReason: "no"})},
		{name: "all keys from one on refused without need", broken: resumable, story: newWatchStory(onward).
			answer(5, 2, store.WatchResponse{Created: true, Canceled: true, WatchID: -1, Revision: 1, CancelReason: "no"})},
		{name: "the next revision refused without need", broken: resumable, story: newWatchStory(fromNow).
			answer(5, 0, store.WatchResponse{Created: true, Canceled: true, WatchID: -1, Revision: 1, CancelReason: "no"})},
		{name: "compacted, though it begins after that", broken: resumable, story: newWatchStory(fromNow).
			created(62, 0, 6).compacted(66, 5)},
		{name: "refused without need", broken: resumable, story: newWatchStory(all).
			answer(5, 2, store.WatchResponse{Created: true, Canceled: true, WatchID: -1, Revision: 1, CancelReason: "no"})},

		{
			name: "left out", broken: reliable, story: newWatchStory(all).created(5, 2, 1).events(15, "a2").events(35, "a4 b4").events(45, "a5"),
			why: "n1 sent an event of rev 4, but never b = 1 (rev 3).", at: 35,
		},
		{name: "left out, from now on", broken: reliable, story: newWatchStory(fromNow).created(15, 0, 2).events(35, "a4 b4")},
		{name: "another value", broken: reliable, story: newWatchStory(all).created(5, 2, 1).
			events(15, "a2").but(func(e *store.Event) { e.KV.Value = "9" })},
		{name: "never committed", broken: reliable, story: newWatchStory(all).created(5, 2, 1).
			events(15, "a2").events(75, "c7").but(func(e *store.Event) { e.KV.ModRevision = 8 })},
		{
			name: "at another revision", broken: reliable, story: newWatchStory(all).created(5, 2, 1).
				events(15, "a2").events(35, "a4").but(func(e *store.Event) { e.KV.ModRevision = 3 }),
			why: "n1 sent a = 2 (rev 3), but nothing like that was committed.",
		},
		{name: "a deletion told with a creation", broken: reliable, story: newWatchStory(all).created(5, 2, 1).
			events(35, "a2 b3 a4 b4").events(45, "a5").but(func(e *store.Event) { e.KV.CreateRevision = 5 })},
		{name: "a put told as a deletion", broken: reliable, story: newWatchStory(all).created(5, 2, 1).
			events(15, "a2").events(25, "b3").but(func(e *store.Event) { e.Type = store.EventDelete })},
		{name: "told before it was committed", broken: reliable, story: newWatchStory(all).created(5, 2, 1).events(15, "a2").events(18, "b3")},
		{name: "told before it was committed, and what is before it afterwards", broken: reliable, story: newWatchStory(all).
			created(5, 2, 1).events(15, "a2").events(18, "c7").events(25, "b3").events(35, "a4 b4")},
		{name: "ended for no reason", broken: reliable, story: newWatchStory(all).created(5, 2, 1).
			answer(15, 0, store.WatchResponse{Canceled: true, Revision: 2})},

		{
			name: "progress overtakes an event", broken: bookmarkable, story: newWatchStory(all).created(5, 2, 1).
				events(15, "a2").progress(25, 3).events(26, "b3").events(35, "a4 b4"),
			why: "n1 sent b = 1 (rev 3), after the watcher was told that it had been served up to rev 3.",
		},
		{name: "progress overtakes a revision, which comes in two parts", broken: bookmarkable, story: newWatchStory(all).created(5, 2, 1).
			events(25, "a2 b3").progress(35, 4).events(36, "a4").events(37, "b4"), at: 36},
		{
			name: "progress without the event", broken: bookmarkable, story: newWatchStory(all).created(5, 2, 1).
				events(15, "a2").progress(25, 3).again(26, 4, 3).events(35, "a4 b4"),
			why: "n1 said that it was served up to rev 3, but b = 1 (rev 3) never came.",
		},
		{name: "progress backwards", broken: bookmarkable, story: newWatchStory(all).created(5, 2, 1).
			events(25, "a2 b3").progress(26, 3).progress(27, 2)},
		{
			name: "progress backwards where no event came", broken: bookmarkable, story: newWatchStory(onlyPuts).created(5, 2, 1).
				events(15, "a2").progress(28, 3).progress(29, 2),
			why: "n1 said that it was served up to rev 2, but before that up to rev 3.",
		},
		{name: "progress behind the events", broken: bookmarkable, story: newWatchStory(all).created(5, 2, 1).
			events(25, "a2 b3").progress(26, 2)},
		{name: "progress beyond everything", broken: bookmarkable, story: newWatchStory(fromNow).created(75, 0, 7).progress(76, 9)},

		{
			name: "another value before", broken: prevKV, story: newWatchStory(allPrev).created(5, 2, 1).
				events(25, "a2 b3").events(35, "a4 b4").but(func(e *store.Event) { e.PrevKV.Value = "9" }),
			why: "n1 sent that a = 9 (rev 2) was there before a = 2 (rev 4), but it was a = 1 (rev 2).",
		},
		{name: "nothing before", broken: prevKV, story: newWatchStory(allPrev).created(5, 2, 1).
			events(25, "a2 b3").events(35, "a4 b4").but(func(e *store.Event) { e.PrevKV = nil })},
		{name: "nothing before, though the compaction keeps it", broken: prevKV, story: newWatchStory(allPrev).compactedTo(3).created(5, 2, 1).
			events(25, "a2 b3").events(65, "a4 b4").but(func(e *store.Event) { e.PrevKV = nil })},
		{name: "something before the first", broken: prevKV, story: newWatchStory(allPrev).created(5, 2, 1).
			events(15, "a2").but(func(e *store.Event) { e.PrevKV = &store.KeyValue{Key: "a", Value: "0", ModRevision: 1} })},
		{name: "what was before, unasked", broken: prevKV, story: newWatchStory(all).created(5, 2, 1).
			events(25, "a2 b3").events(35, "a4 b4").but(func(e *store.Event) { e.PrevKV = &store.KeyValue{Key: "a", Value: "1"} })},

		{name: "what was before, unasked, though it is right", broken: prevKV, story: newWatchStory(all).created(5, 2, 1).
			events(25, "a2 b3").events(35, "a4 b4").but(func(e *store.Event) {
			e.PrevKV = &store.KeyValue{Key: "a", Value: "1", CreateRevision: 2, ModRevision: 2, Version: 1}
		})},
		{
			name: "created, though it was there", broken: isCreate, story: newWatchStory(all).created(5, 2, 1).
				events(25, "a2 b3").events(35, "a4 b4").but(func(e *store.Event) { e.KV.CreateRevision = 4 }),
			why: "n1 sent a = 2 (rev 4) as if it created the key at rev 4, which was created at rev 2.",
		},
		{name: "there, though it was created", broken: isCreate, story: newWatchStory(all).created(5, 2, 1).
			events(55, "a2 b3 a4 b4").events(56, "a5").events(57, "a6").but(func(e *store.Event) { e.KV.CreateRevision = 2 })},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, ok := Judge(c.story.History, Options{}).Judgement("watch")
			if !ok {
				t.Fatal("no judge looked at the watcher")
			}
			if c.broken == numGuarantees {
				if j.Verdict != Pass || j.Judged != c.story.told() {
					t.Errorf("%v over %d: %+v", j.Verdict, j.Judged, j.Violations)
				}
				return
			}
			if j.Verdict != Violated || len(j.Violations) != 1 || j.Violations[0].Property != "watch, "+guaranteeNames[c.broken] {
				t.Fatalf("want %s broken and nothing else: %+v", guaranteeNames[c.broken], j.Violations)
			}
			prove(j)
			if v := j.Violations[0]; !strings.HasSuffix(v.Why, c.why) || v.At == 0 || v.Member == 0 || c.at != 0 && v.At != ms(c.at) {
				t.Errorf("at %v by n%d: %s\nwant ... %s", v.At, v.Member, v.Why, c.why)
			}
		})
	}
}

// Of each guarantee the first violation is told, whichever watcher met it, and in the
// order of time.
func TestWatchViolationsInOrder(t *testing.T) {
	s := newWatchStory(onlyPuts).created(5, 2, 1).events(25, "b3").events(26, "a2").progress(77, 9)
	other := newWatchStory(onlyPuts).created(5, 2, 1).events(15, "a2").progress(16, 9).events(75, "c7")
	content := newWatchStory(onlyPuts).created(5, 2, 1).events(15, "a2")
	s.Watches = append(s.Watches, other.Watch, content.Watch)
	j := judged(t, "watch", s.History, Options{})
	var got []string
	for _, v := range j.Violations {
		got = append(got, v.Property+" "+v.Key+" at "+v.At.String())
	}
	if want := "watch, bookmarkable  at 0.016s, watch, filter b at 0.025s"; strings.Join(got, ", ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
