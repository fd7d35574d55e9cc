package checker

import (
	"testing"

	"etcdsim/checker/history"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// A violation is shown by the operations that make it one, with the reason and the time
// at which it was certain; what looks like one and is none is left alone.
func TestTellsWhatIsWrong(t *testing.T) {
	first, second := kv("k", "1", 2, 2, 1), kv("k", "2", 2, 3, 2)
	everything := &store.RangeRequest{Key: "a", RangeEnd: "z"}
	for _, tt := range []struct {
		name  string
		make  func(c *chronicle)
		legal bool
		key   string
		ops   []uint64 // IDs shown
		notes []string
		why   string
		note  string // of the judgement
	}{
		{
			name: "a read during the write may see either", legal: true,
			make: func(c *chronicle) { c.op(1, 2, 26, 40, get("k"), read(2, first), 5) },
		},
		{
			name: "stale read",
			make: func(c *chronicle) { c.op(1, 2, 31, 40, get("k"), read(2, first), 5) },
			key:  "k", ops: []uint64{2, 3}, notes: []string{"", "stale"},
			why: "n2 answered in term 2, from applied index 5 (rev 2); k = 2 (rev 3) was committed at index 6 in term 2 at 0.025s.",
		},
		{
			name: "the first write of all is not seen",
			make: func(c *chronicle) { c.op(1, 2, 12, 15, get("k"), read(1), 4) },
			key:  "k", ops: []uint64{1, 3}, notes: []string{"", "stale"},
			why: "n2 answered in term 2, from applied index 4 (rev 1); k = 1 (rev 2) was committed at index 5 in term 2 at 0.005s.",
		},
		{
			name: "the first write of all is not seen, and others neither",
			make: func(c *chronicle) { c.op(1, 2, 40, 50, get("k"), read(1), 4) },
			key:  "k", ops: []uint64{1, 3}, notes: []string{"", "stale"},
			why: "n2 answered in term 2, from applied index 4 (rev 1); k = 1 (rev 2) was committed at index 5 in term 2 at 0.005s.",
		},
		{
			name: "the first write of all is not seen, nor another, which alone had returned",
			make: func(c *chronicle) {
				c.Ops[0].Return = ms(40) // as the read is asked for, which makes them concurrent
				c.op(1, 2, 40, 50, get("k"), read(1), 4)
			},
			key: "k", ops: []uint64{1, 2, 3}, notes: []string{"committed", "", "stale"},
			why: "n2 answered in term 2, from applied index 4 (rev 1); k = 1 (rev 2) was committed at index 5 in term 2 at 0.005s.",
		},
		{
			name: "the first write of all is seen no more",
			make: func(c *chronicle) {
				c.Ops[0].Return = ms(100) // it is under way all the time
				c.op(1, 2, 6, 10, get("k"), read(2, first), 5)
				c.op(2, 3, 12, 15, get("k"), read(1), 4)
			},
			key: "k", ops: []uint64{1, 3, 4}, notes: []string{"committed", "", "older than the read before it"},
			why: "n3 answered in term 2, from applied index 4 (rev 1); k = 1 (rev 2) was committed at index 5 in term 2 at 0.005s.",
		},
		{
			// The log has the second before the first, and it returns last.
			name: "a write is not seen that returned before another one",
			make: func(c *chronicle) {
				*c = chronicle{}
				c.op(0, 1, 0, 10, put("k", "2"), wrote(3), 6)
				c.op(1, 1, 0, 20, put("k", "1"), wrote(2), 5)
				c.commit(2, 5, 5, put("k", "1"), wrote(2))
				c.commit(1, 6, 8, put("k", "2"), wrote(3))
				c.op(2, 2, 30, 40, get("k"), read(2, first), 5)
			},
			key: "k", ops: []uint64{1, 3}, notes: []string{"", "stale"},
			why: "n2 answered in term 2, from applied index 5 (rev 2); k = 2 (rev 3) was committed at index 6 in term 2 at 0.008s.",
		},
		{
			name: "a stale range",
			make: func(c *chronicle) { c.op(1, 2, 31, 40, everything, read(2, first), 5) },
			key:  "k", ops: []uint64{2, 3}, notes: []string{"", "stale"},
			why: "n2 answered in term 2, from applied index 5 (rev 2); k = 2 (rev 3) was committed at index 6 in term 2 at 0.025s.",
		},
		{
			name: "a stale read, behind writes of two keys",
			make: func(c *chronicle) {
				c.op(0, 1, 31, 34, put("j", "1"), wrote(4), 7)
				c.op(0, 1, 35, 39, put("k", "3"), wrote(5), 8)
				c.commit(3, 7, 33, put("j", "1"), wrote(4))
				c.commit(4, 8, 37, put("k", "3"), wrote(5))
				c.op(1, 2, 40, 50, get("k"), read(3, second), 6)
			},
			key: "k", ops: []uint64{4, 5}, notes: []string{"", "stale"},
			why: "n2 answered in term 2, from applied index 6 (rev 3); k = 3 (rev 5) was committed at index 8 in term 2 at 0.037s.",
		},
		{
			name: "a stale read of which only the revision is out of date",
			make: func(c *chronicle) {
				c.op(0, 1, 31, 34, put("j", "1"), wrote(4), 7)
				c.commit(3, 7, 33, put("j", "1"), wrote(4))
				c.op(1, 2, 40, 50, get("k"), read(3, second), 6)
				c.op(0, 1, 60, 70, put("k", "3"), wrote(5), 8) // it has nothing to do with that
				c.commit(5, 8, 65, put("k", "3"), wrote(5))
			},
			key: "k", ops: []uint64{3, 4}, notes: []string{"", "stale"},
			why: "n2 answered in term 2, from applied index 6 (rev 3); rev 4 had been returned at 0.034s.",
		},
		{
			// The one that is asked for first is answered last.
			name: "two stale reads",
			make: func(c *chronicle) {
				c.op(1, 2, 31, 60, get("k"), read(2, first), 5)
				c.op(2, 2, 40, 50, get("k"), read(2, first), 5)
			},
			key: "k", ops: []uint64{2, 4}, notes: []string{"", "stale"}, note: "the first of 2",
			why: "n2 answered in term 2, from applied index 5 (rev 2); k = 2 (rev 3) was committed at index 6 in term 2 at 0.025s.",
		},
		{
			name: "a read that returned binds the next one",
			make: func(c *chronicle) {
				c.Ops[1].Return = ms(100) // the write is under way all the time
				c.op(1, 2, 40, 50, get("k"), read(3, second), 6)
				c.op(2, 3, 60, 70, get("k"), read(2, first), 5)
			},
			key: "k", ops: []uint64{2, 3, 4}, notes: []string{"committed", "", "older than the read before it"},
			why: "n3 answered in term 2, from applied index 5 (rev 2); k = 2 (rev 3) was committed at index 6 in term 2 at 0.025s.",
		},
		{
			name: "a read from the future",
			make: func(c *chronicle) { c.op(1, 2, 12, 15, get("k"), read(3, second), 6) },
			key:  "k", ops: []uint64{3, 2}, notes: []string{"from the future", ""},
			why: "The read returned at 0.015s with the effect of index 6, which was asked for only at 0.020s.",
		},
		{
			name: "a value that never was",
			make: func(c *chronicle) { c.op(1, 2, 40, 50, get("k"), read(3, kv("k", "9", 2, 3, 2)), 6) },
			key:  "k", ops: []uint64{2, 3}, notes: []string{"committed", "no state answers this"},
			why: "At rev 3 the committed log gives k = 2 (rev 3), but n2 answered k = 9 (rev 3).",
		},
		{
			name: "a value that never was, and reads that do not suffer from it",
			make: func(c *chronicle) {
				c.op(1, 2, 12, 15, get("k"), read(2, kv("k", "9", 2, 2, 1)), 5)
				c.op(1, 2, 40, 50, get("k"), read(3, second), 6)
			},
			key: "k", ops: []uint64{1, 3}, notes: []string{"committed", "no state answers this"},
			why: "At rev 2 the committed log gives k = 1 (rev 2), but n2 answered k = 9 (rev 2).",
		},
		{
			name: "a value that never was, where the universe began with another",
			make: func(c *chronicle) {
				*c = chronicle{}
				c.Initial = began(-1)
				c.op(0, 2, 40, 50, get("b"), read(5, kv("b", "9", 3, 4, 2)), 5)
			},
			key: "b", ops: []uint64{1}, notes: []string{"no state answers this"},
			why: "At rev 5 the committed log gives b = 2 (rev 4), but n2 answered b = 9 (rev 4).",
		},
		{
			name: "a value of the past at the present revision",
			make: func(c *chronicle) { c.op(1, 2, 40, 50, get("k"), read(3, first), 6) },
			key:  "k", ops: []uint64{1, 3}, notes: []string{"", "no state answers this"},
			why: "At rev 3 the committed log gives k = 2 (rev 3), but n2 answered k = 1 (rev 2).",
		},
		{
			name: "a range with a value that never was",
			make: func(c *chronicle) { c.op(1, 2, 40, 50, everything, read(3, kv("k", "9", 2, 3, 2)), 6) },
			key:  "k", ops: []uint64{2, 3}, notes: []string{"committed", "no state answers this"},
			why: "At rev 3 the committed log gives k = 2 (rev 3), but n2 answered k = 9 (rev 3).",
		},
		{
			name: "a value whose write was refused",
			make: func(c *chronicle) {
				refused := c.op(2, 3, 32, 38, put("k", "3"), store.Response{Err: store.ErrTooManyRequests}, 6)
				refused.Outcome = history.Failed
				c.op(1, 2, 40, 50, get("k"), read(3, kv("k", "3", 2, 3, 2)), 6)
			},
			key: "k", ops: []uint64{3, 4}, notes: []string{"never committed", "no state answers this"},
			why: "At rev 3 the committed log gives k = 2 (rev 3), but n2 answered k = 3 (rev 3).",
		},
		{
			name: "a revision that never was",
			make: func(c *chronicle) { c.op(1, 2, 40, 50, get("k"), read(7, second), 6) },
			key:  "k", ops: []uint64{3}, notes: []string{"no state answers this"},
			why: "n2 answered at rev 7, but the log leads only to rev 3.",
		},
		{
			name: "a write answered with another revision",
			make: func(c *chronicle) { c.Ops[1].Response.Revision = 4 },
			key:  "k", ops: []uint64{2}, notes: []string{"not what the log gives"},
			why: "At index 6 the committed log gives rev 3, but n1 answered rev 4.",
		},
		{
			name: "the first write answered with another revision",
			make: func(c *chronicle) { c.Ops[0].Response.Revision = 4 },
			key:  "k", ops: []uint64{1}, notes: []string{"not what the log gives"},
			why: "At index 5 the committed log gives rev 2, but n1 answered rev 4.",
		},
		{
			name: "another lease than the log holds",
			make: func(c *chronicle) {
				c.op(1, 2, 40, 50, &store.LeaseGrantRequest{TTL: 5}, granted(3, 78, 5), 7)
				c.commit(3, 7, 45, &store.LeaseGrantRequest{ID: 77, TTL: 5}, granted(3, 77, 5))
			},
			ops: []uint64{3}, notes: []string{"not what the log gives"},
			why: "At index 7 the committed log gives lease grant 77 ttl 5s = 77 ttl 5s, but n2 answered lease grant 77 ttl 5s = 78 ttl 5s.",
		},
		{
			name: "a log that contradicts real time",
			make: func(c *chronicle) {
				c.Ops[0].Invoke, c.Ops[0].Return = ms(50), ms(60)
				c.Ops[0].Request, c.Commits[0].Proposal.Request = put("j", "1"), put("j", "1")
				c.Ops[1].Response = wrote(3)
			},
			key: "j", ops: []uint64{2, 1}, notes: []string{"", "before it in the log"},
			why: "The first had returned at 0.030s, before the second was asked for at 0.050s, " +
				"but the log has them the other way round: index 6 and 5.",
		},
		{
			name: "acknowledged and not in the log",
			make: func(c *chronicle) { c.op(1, 2, 40, 50, put("j", "1"), wrote(4), 7) },
			key:  "j", ops: []uint64{3}, notes: []string{"not in the log"},
			why: "n2 acknowledged put j=1 at 0.050s, but no entry of the committed log carries it.",
		},
		{
			name: "acknowledged and not in the log, and a stale read",
			make: func(c *chronicle) {
				c.op(1, 2, 40, 50, put("j", "1"), wrote(4), 7)
				c.op(2, 2, 31, 40, get("k"), read(2, first), 5)
			},
			key: "j", ops: []uint64{3}, notes: []string{"not in the log"}, note: "the first of 2",
			why: "n2 acknowledged put j=1 at 0.050s, but no entry of the committed log carries it.",
		},
		{
			name: "a timed-out write that took effect later", legal: true,
			make: func(c *chronicle) {
				c.op(1, 2, 40, 50, put("k", "3"), store.Response{}, 0).Outcome = history.Unknown
				c.op(2, 2, 60, 70, get("k"), read(3, second), 6)
				c.op(2, 2, 80, 90, get("k"), read(4, kv("k", "3", 2, 4, 3)), 7)
				c.commit(3, 7, 75, put("k", "3"), wrote(4))
			},
		},
		{
			name: "a timed-out write that took effect and went away",
			make: func(c *chronicle) {
				c.op(1, 2, 40, 50, put("k", "3"), store.Response{}, 0).Outcome = history.Unknown
				c.op(2, 2, 60, 70, get("k"), read(4, kv("k", "3", 2, 4, 3)), 7)
				c.op(2, 2, 80, 90, get("k"), read(3, second), 6)
				c.commit(3, 7, 55, put("k", "3"), wrote(4))
			},
			key: "k", ops: []uint64{3, 4, 5}, notes: []string{"committed", "", "older than the read before it"},
			why: "n2 answered in term 2, from applied index 6 (rev 3); k = 3 (rev 4) was committed at index 7 in term 2 at 0.055s.",
		},
		{
			name: "a refusal that was due", legal: true,
			make: func(c *chronicle) {
				op := c.op(1, 2, 40, 50, &store.RangeRequest{Key: "k", Revision: 9}, store.Response{Err: store.ErrFutureRevision}, 6)
				op.Outcome = history.Failed
			},
		},
		{
			name: "a refusal that was not due",
			make: func(c *chronicle) {
				refusal := store.Response{Err: store.ErrCompacted, Revision: 9} // of which etcd sends the error alone
				op := c.op(1, 2, 40, 50, &store.RangeRequest{Key: "k", Revision: 2}, refusal, 6)
				op.Outcome = history.Failed
			},
			key: "k", ops: []uint64{3}, notes: []string{"no state answers this"},
			why: `At rev 3 the committed log gives an answer, ` +
				`but n2 answered the refusal "etcdserver: mvcc: required revision has been compacted".`,
		},
		{
			name: "a refusal for lack of a leader is not judged", legal: true,
			make: func(c *chronicle) {
				op := c.op(1, 2, 40, 50, get("k"), store.Response{Err: store.ErrNoLeader}, 6)
				op.Outcome = history.Failed
			},
		},
		{
			name: "the lease ID that the member chose", legal: true,
			make: func(c *chronicle) {
				granted := store.Response{Revision: 3, Result: &store.LeaseGrantResult{ID: 77, TTL: 5}}
				c.op(1, 2, 40, 50, &store.LeaseGrantRequest{TTL: 5}, granted, 7)
				c.commit(3, 7, 45, &store.LeaseGrantRequest{ID: 77, TTL: 5}, granted)
			},
		},
		{
			name: "history that was compacted before", legal: true,
			make: func(c *chronicle) {
				compacted(c)
				c.op(1, 2, 55, 65, &store.RangeRequest{Key: "k", Revision: 2}, read(3, first), 6)
			},
		},
		{
			name: "history that had been compacted",
			make: func(c *chronicle) {
				compacted(c)
				c.op(1, 2, 62, 65, &store.RangeRequest{Key: "k", Revision: 2}, read(3, first), 6)
			},
			key: "k", ops: []uint64{3, 4}, notes: []string{"", "stale"},
			why: "n2 answered in term 2, from applied index 6 (rev 3); " +
				`the refusal "etcdserver: mvcc: required revision has been compacted" was committed at index 7 in term 2 at 0.055s.`,
		},
		{
			name: "history that was to be compacted",
			make: func(c *chronicle) {
				compacted(c)
				op := c.op(1, 2, 41, 49, &store.RangeRequest{Key: "k", Revision: 2}, store.Response{Err: store.ErrCompacted}, 6)
				op.Outcome = history.Failed
			},
			key: "", ops: []uint64{4, 3}, notes: []string{"from the future", ""},
			why: "The read returned at 0.049s with the effect of index 7, which was asked for only at 0.050s.",
		},
		{
			// Nobody was ever told, but the log says in which order the two took effect.
			name: "a compaction of unknown outcome, in the log before it was asked for",
			make: func(c *chronicle) {
				done := store.Response{Revision: 3, Result: &store.CompactionResult{}}
				c.op(1, 2, 40, 50, &store.CompactionRequest{Revision: 3}, done, 8)
				c.op(2, 2, 60, 70, &store.CompactionRequest{Revision: 2}, store.Response{}, 0).Outcome = history.Unknown
				c.commit(4, 7, 45, &store.CompactionRequest{Revision: 2}, done)
				c.commit(3, 8, 46, &store.CompactionRequest{Revision: 3}, done)
			},
			ops: []uint64{3, 4}, notes: []string{"", "before it in the log"},
			why: "The first had returned at 0.050s, before the second was asked for at 0.060s, " +
				"but the log has them the other way round: index 8 and 7.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := twoPuts()
			tt.make(c)
			j := judgeLin(c.History)
			if tt.legal {
				if j.Verdict != Pass || j.Note != "" {
					t.Fatalf("got %v %q %+v, expected a pass", j.Verdict, j.Note, j.Violations)
				}
				return
			}
			if j.Verdict != Violated || len(j.Violations) != 1 {
				t.Fatalf("got %v %q with %d violations, expected one", j.Verdict, j.Note, len(j.Violations))
			}
			if j.Note != tt.note {
				t.Errorf("note %q, expected %q", j.Note, tt.note)
			}
			v := j.Violations[0]
			if v.Key != tt.key || v.Why != tt.why {
				t.Errorf("got  key %q: %s\nwant key %q: %s", v.Key, v.Why, tt.key, tt.why)
			}
			if len(v.Ops) != len(tt.ops) {
				t.Fatalf("%d operations shown, expected %d: %+v", len(v.Ops), len(tt.ops), v.Ops)
			}
			for i := range v.Ops {
				if v.Ops[i].Op.ID != tt.ops[i] || v.Ops[i].Note != tt.notes[i] {
					t.Errorf("operation %d is %d %q, expected %d %q", i, v.Ops[i].Op.ID, v.Ops[i].Note, tt.ops[i], tt.notes[i])
				}
			}
			// It is certain when the last of them has its answer, or without one is asked for.
			last := v.Ops[len(v.Ops)-1].Op
			at := last.Return
			if last.Outcome == history.Unknown {
				at = last.Invoke
			}
			if v.At != at {
				t.Errorf("at %v, expected %v", v.At, at)
			}
		})
	}
}

// What looks like a conflict is put to porcupine, and is none if it finds an
// order.
func TestConflictsMustBeRefuted(t *testing.T) {
	first, second := kv("k", "1", 2, 2, 1), kv("k", "2", 2, 3, 2)
	for _, tt := range []struct {
		name  string
		make  func(c *chronicle)
		claim conflict // by position in Ops
		want  bool
	}{
		{
			name: "a read during a write", claim: conflict{1, 2},
			make: func(c *chronicle) { c.op(1, 2, 15, 35, get("k"), read(2, first), 5) },
		},
		{
			name: "a read after a write", claim: conflict{1, 2}, want: true,
			make: func(c *chronicle) { c.op(1, 2, 31, 35, get("k"), read(2, first), 5) },
		},
		{
			name: "a read during two writes", claim: conflict{2, 3},
			make: func(c *chronicle) {
				c.op(0, 1, 31, 39, put("k", "3"), wrote(4), 7)
				c.commit(3, 7, 35, put("k", "3"), wrote(4))
				c.op(1, 2, 15, 45, get("k"), read(2, first), 5)
			},
		},
		{name: "a write that is right where it is", claim: conflict{-1, 0}, make: func(*chronicle) {}},
		{
			name: "a read that is right where it is", claim: conflict{-1, 2},
			make: func(c *chronicle) { c.op(1, 2, 40, 50, get("k"), read(3, second), 6) },
		},
		{
			// The state that refuses it is the last one.
			name: "a refusal that is due in the end", claim: conflict{-1, 3},
			make: func(c *chronicle) {
				compacted(c)
				refusal := store.Response{Err: store.ErrCompacted}
				c.op(1, 2, 62, 65, &store.RangeRequest{Key: "k", Revision: 2}, refusal, 7).Outcome = history.Failed
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := twoPuts()
			tt.make(c)
			l := newLinearity(newRecord(c.History, nil), Options{})
			places := l.places()
			if found := l.conflicts(places); len(found) > 0 != tt.want {
				t.Errorf("conflicts: %+v", found)
			}
			if got := l.refuted(tt.claim, places); got != tt.want {
				t.Errorf("porcupine is said to refute it: %v, expected %v", got, tt.want)
			}
		})
	}
}

// An order other than that of the log may be right where answers do not tell them
// apart; the judge does not call it wrong. Where others between them do, it does.
func TestOrdersOtherThanThatOfTheLog(t *testing.T) {
	notFound := store.Response{Err: store.ErrLeaseNotFound}
	revoked := store.Response{Revision: 1, Result: &store.LeaseRevokeResult{}}
	// The last entry of the log revokes a lease that never was, which may have happened
	// at any time, but had returned before the others were asked for.
	begin := func() *chronicle {
		c := &chronicle{}
		c.op(0, 1, 0, 10, &store.LeaseRevokeRequest{ID: 9}, notFound, 9).Outcome = history.Failed
		return c
	}
	end := func(c *chronicle) history.History {
		c.commit(1, 9, 8, &store.LeaseRevokeRequest{ID: 9}, notFound)
		return c.History
	}
	const doubted = "1 operations have no place in the order of the log, but porcupine does not confirm that no other order exists"

	c := begin()
	c.op(0, 2, 20, 30, &store.LeaseGrantRequest{TTL: 5}, granted(1, 8, 5), 5)
	c.commit(2, 5, 5, &store.LeaseGrantRequest{ID: 8, TTL: 5}, granted(1, 8, 5)) // the member chose 8
	if j := judgeLin(end(c)); j.Verdict != Unknown || j.Note != doubted {
		t.Errorf("a lease granted before it: %v %q %+v", j.Verdict, j.Note, j.Violations)
	}
	c = begin()
	c.op(0, 2, 20, 30, &store.LeaseGrantRequest{TTL: 5}, store.Response{}, 0).Outcome = history.Unknown
	c.commit(2, 5, 5, &store.LeaseGrantRequest{ID: 8, TTL: 5}, granted(1, 8, 5))
	if j := judgeLin(end(c)); j.Verdict != Unknown || j.Note != doubted {
		t.Errorf("a lease granted before it, and nobody knows: %v %q %+v", j.Verdict, j.Note, j.Violations)
	}

	// A lease is revoked before somebody asks for it. Neither has to do with the first
	// operation, and each alone might have come after it.
	for _, order := range [][3]int{{0, 1, 2}, {1, 0, 2}} {
		c = begin()
		c.op(0, 2, 20, 30, &store.LeaseRevokeRequest{ID: 7}, revoked, 6)
		c.op(0, 2, 40, 50, &store.LeaseGrantRequest{ID: 7, TTL: 5}, granted(1, 7, 5), 5)
		c.commit(3, 5, 5, &store.LeaseGrantRequest{ID: 7, TTL: 5}, granted(1, 7, 5))
		c.commit(2, 6, 6, &store.LeaseRevokeRequest{ID: 7}, revoked)
		h := end(c)
		h.Ops = []history.Op{h.Ops[order[0]], h.Ops[order[1]], h.Ops[order[2]]}
		j := judgeLin(h)
		if expect(t, j, "The first had returned at 0.010s, before the second was asked for at 0.040s, "+
			"but the log has them the other way round: index 9 and 5."); j.Note != "the first of 2" {
			t.Errorf("note %q", j.Note)
		}
	}
}

// A value that somebody saw is told to be lost, if its write gave way in the log.
func TestOriginIsLost(t *testing.T) {
	c := twoPuts()
	c.Ops[1].Outcome, c.Ops[1].Response = history.Unknown, store.Response{}
	c.op(2, 2, 41, 56, put("j", "1"), wrote(3), 6)
	c.op(1, 2, 60, 70, get("k"), read(3, kv("k", "2", 2, 3, 2)), 6)
	inv := NewInvariants(3)
	inv.replaced = []Replacement{{At: ms(50), Member: 2, Index: 6, Was: 2, Is: 3}}
	j := judged(t, "linearizability", c.History, Options{Invariants: inv})
	expect(t, j, "At rev 3 the committed log gives k = 1 (rev 2), but n2 answered k = 2 (rev 3).")
	if ops := j.Violations[0].Ops; len(ops) != 2 || ops[0].Op.ID != 2 || ops[0].Note != "lost" {
		t.Errorf("shown by %+v", ops)
	}
}

// Who answered a read, in which belief, and what it should have seen, is told as far as
// it is known.
func TestWhereServed(t *testing.T) {
	inv := NewInvariants(3)
	inv.elections = []Election{{At: ms(1), Term: 2, Member: 1}, {At: ms(25), Term: 3, Member: 2}}
	inv.leaders = map[uint64]trace.Addr{2: 1, 3: 2}
	l := newLinearity(newRecord(twoPuts().History, inv), Options{})
	for _, tt := range []struct {
		op   history.Op
		want string
	}{
		{
			history.Op{Member: 1, Term: 2, Applied: 5, Return: ms(30), Response: store.Response{Revision: 2}},
			"n1 still believed that it led term 2, while n2 had led term 3 since 0.025s, and answered from applied index 5 (rev 2)",
		},
		{
			history.Op{Member: 3, Term: 2, Applied: 5, Return: ms(30), Response: store.Response{Revision: 2}},
			"n3 was still in term 2, while n2 had led term 3 since 0.025s, and answered from applied index 5 (rev 2)",
		},
		{
			history.Op{Member: 1, Term: 2, Applied: 5, Return: ms(24), Response: store.Response{Revision: 2}},
			"n1 answered in term 2, from applied index 5 (rev 2)",
		},
		{
			history.Op{Member: 3, Term: 3, Applied: 5, Return: ms(30), Response: store.Response{Revision: 2}},
			"n3 answered in term 3, from applied index 5 (rev 2)",
		},
		{history.Op{Member: 1, Return: ms(1), Term: 2}, "n1 answered in term 2"},
	} {
		if got := l.whereServed(&tt.op); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
	blind := newLinearity(newRecord(twoPuts().History, nil), Options{})
	op := history.Op{Member: 1, Applied: 5, Response: store.Response{Revision: 2}}
	if got := blind.whereServed(&op); got != "n1 answered from applied index 5 (rev 2)" {
		t.Error(got)
	}

	for due, want := range map[string]string{
		"":              "rev 3 was committed at index 6 in term 2 at 0.025s",
		"nothing":       "the deletion of the key (rev 3) was committed at index 6 in term 2 at 0.025s",
		"k = 2 (rev 3)": "k = 2 (rev 3) was committed at index 6 in term 2 at 0.025s",
	} {
		if got := l.whatWasCommitted(1, nil, due); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	blind.Commits[1].Term, blind.Commits[1].At = 0, 0
	if got := blind.whatWasCommitted(1, nil, ""); got != "rev 3 was committed at index 6" {
		t.Error(got)
	}
	if got := l.whatWasCommitted(-1, &act{op: 1, ret: ms(30)}, ""); got != "rev 3 had been returned at 0.030s" {
		t.Error(got)
	}
}

// What an answer is about, and what it shows of a key, wherever in it that stands.
func TestAboutKeys(t *testing.T) {
	txn := func(success, failure []store.Op) *store.TxnRequest {
		return &store.TxnRequest{Success: success, Failure: failure}
	}
	ops := func(list ...store.Op) []store.Op { return list }
	a, b := &store.PutRequest{Key: "a", Value: "1"}, &store.PutRequest{Key: "b", Value: "2"}
	for _, tt := range []struct {
		request store.Request
		want    string
	}{
		{get("k"), "k"},
		{&store.RangeStreamRequest{Range: store.RangeRequest{Key: "k"}}, "k"},
		{put("k", "1"), "k"},
		{&store.DeleteRangeRequest{Key: "k"}, "k"},
		{&store.TxnRequest{Compare: []store.Compare{{Key: "c"}}, Success: ops(a)}, "c"},
		{txn(ops(a, b), nil), "a"},
		{txn(nil, ops(b)), "b"},
		{txn(ops(txn(nil, nil)), ops(b)), "b"},
		{&store.CompactionRequest{}, ""},
	} {
		if got := keyOf(tt.request); got != tt.want {
			t.Errorf("%s is about %q, want %q", store.Describe(tt.request), got, tt.want)
		}
	}
	for _, tt := range []struct {
		request store.Request
		want    bool
	}{
		{a, true},
		{b, false},
		{&store.PutRequest{Key: "a", Value: "2"}, false},
		{&store.PutRequest{Key: "b", Value: "1"}, false},
		{txn(ops(b, a), nil), true},
		{txn(nil, ops(b, a)), true},
		{txn(ops(b), ops(b)), false},
		{txn(ops(txn(ops(a), nil)), nil), true},
		{get("a"), false},
	} {
		if got := findPut(tt.request, "a", "1"); got != tt.want {
			t.Errorf("%s puts a=1: %v", store.Describe(tt.request), got)
		}
	}

	k, l := kv("a", "1", 2, 3, 2), kv("b", "1", 2, 3, 2)
	at := func(r store.Result) store.Response { return store.Response{Revision: 3, Result: r} }
	shown := at(&store.PutResult{PrevKV: &k})
	for _, tt := range []struct {
		name   string
		answer store.Response
		want   bool
	}{
		{"a range", at(&store.RangeResult{KVs: []*store.KeyValue{&l, &k}}), true},
		{"a range of others", at(&store.RangeResult{KVs: []*store.KeyValue{&l}}), false},
		{"a deletion", at(&store.DeleteRangeResult{PrevKVs: []*store.KeyValue{&l, &k}}), true},
		{"a put", shown, true},
		{"a put of another", at(&store.PutResult{PrevKV: &l}), false},
		{"a put that says nothing", at(&store.PutResult{}), false},
		{"a transaction", at(&store.TxnResult{Responses: []store.Response{at(&store.PutResult{}), shown}}), true},
		{"a refusal", store.Response{Err: store.ErrCompacted}, false},
	} {
		if got := findKV(&tt.answer, "a"); (got != nil) != tt.want || got != nil && *got != k {
			t.Errorf("%s shows %v of a", tt.name, got)
		}
	}
}
