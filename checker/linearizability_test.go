package checker

import (
	"slices"
	"testing"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/store"
)

func judgeLin(h history.History) Judgement {
	r := newRecord(h, nil)
	return newLinearity(r, Options{}).judgement()
}

// pinned is the history as plain porcupine would get it: all operations with
// their own intervals, writes of unknown outcome pinned to their answer.
func pinned(h history.History) []timed {
	l := newLinearity(newRecord(h, nil), Options{})
	var ops []timed
	for i := range l.acts {
		a := &l.acts[i]
		op := &h.Ops[a.op]
		t := timed{request: op.Request, call: int64(a.invoke), ret: int64(a.ret)}
		switch {
		case a.judged:
			t.answer = &op.Response
		case a.commit >= 0:
			t.answer = &h.Commits[a.commit].Response
		}
		ops = append(ops, t)
	}
	for c := range h.Commits {
		if l.writes[c] < 0 {
			ops = append(ops, timed{request: h.Commits[c].Proposal.Request, answer: &h.Commits[c].Response, ret: int64(sim.Forever)})
		}
	}
	return ops
}

func rawPorcupine(ops []timed) Verdict {
	s := searcher{budget: 50_000_000}
	init := emptyState()
	return s.linearizable(&init, ops)
}

// The judge agrees with plain porcupine on small histories of every kind, and
// finds the anomalies in most of those that have some.
func TestAgreesWithPorcupine(t *testing.T) {
	for kind := none; kind < numAnomalies; kind++ {
		t.Run(kind.String(), func(t *testing.T) {
			caught := 0
			for seed := range uint64(150) {
				r := recipe{
					seed: seed, ops: 30, clients: 4, keys: 2, timeouts: sim.Percent(8), anomaly: kind, rate: sim.Percent(15),
				}
				h := generate(r)
				j := judgeLin(h)
				if j.Verdict == Violated {
					caught++
				}
				if kind == lostWrite {
					continue // the log does not tell porcupine what it lost
				}
				if raw := rawPorcupine(pinned(h)); raw != j.Verdict {
					t.Errorf("seed %d: the judge says %v (%s), porcupine %v", seed, j.Verdict, j.Note, raw)
					for _, v := range j.Violations {
						t.Log(v.Why)
					}
				}
			}
			t.Logf("%d of 150 histories are violations", caught)
			if kind == none && caught > 0 || kind != none && caught < 30 {
				t.Errorf("%d of 150 histories were called violations", caught)
			}
		})
	}
}

// Without the log porcupine decides; what it calls a violation is one with the
// log, too.
func TestAgreesWithBlackBox(t *testing.T) {
	for kind := none; kind < numAnomalies; kind++ {
		t.Run(kind.String(), func(t *testing.T) {
			caught := 0
			for seed := range uint64(40) {
				r := recipe{seed: seed, ops: 16, clients: 3, keys: 2, timeouts: sim.Percent(20), anomaly: kind, rate: sim.Percent(25)}
				full := judgeLin(generate(r))
				r.withoutKnowledge = true
				h := generate(r)
				box := judgeLin(h)
				if box.Verdict == Violated {
					caught++
					if len(box.Violations) != 1 || len(box.Violations[0].Ops) == 0 {
						t.Errorf("seed %d: a violation without operations: %+v", seed, box.Violations)
					}
				}
				if box.Verdict == Violated && full.Verdict == Pass {
					t.Errorf("seed %d: a violation without the log, a pass with it", seed)
				}
				// What the search leaves out for its speed changes no verdict.
				ops := newLinearity(newRecord(h, nil), Options{}).unlogged()
				if raw := rawPorcupine(ops); raw != box.Verdict {
					t.Errorf("seed %d: got %v, plain porcupine %v", seed, box.Verdict, raw)
				}
			}
			if kind == none && caught > 0 || kind != none && kind != doubleApply && caught == 0 {
				t.Errorf("%d of 40 histories were called violations", caught)
			}
		})
	}
}

func put(key, value string) store.Request { return &store.PutRequest{Key: key, Value: value} }
func get(key string) store.Request        { return &store.RangeRequest{Key: key} }

func kv(key, value string, create, mod, version int64) store.KeyValue {
	return store.KeyValue{Key: key, Value: value, CreateRevision: create, ModRevision: mod, Version: version}
}

func wrote(rev int64) store.Response {
	return store.Response{Revision: rev, Result: &store.PutResult{}}
}

func read(rev int64, kvs ...store.KeyValue) store.Response {
	res := &store.RangeResult{Count: int64(len(kvs))}
	for i := range kvs {
		res.KVs = append(res.KVs, &kvs[i])
	}
	return store.Response{Revision: rev, Result: res}
}

// chronicle is a hand-made history.
type chronicle struct{ history.History }

func (c *chronicle) op(client int, member uint64, from, to int, r store.Request, answer store.Response, applied uint64) *history.Op {
	c.Ops = append(c.Ops, history.Op{
		ID: uint64(len(c.Ops) + 1), Client: client, Member: member, Request: r, Invoke: ms(from), Return: ms(to),
		Outcome: history.OK, Response: answer, Applied: applied, Term: 2,
	})
	return &c.Ops[len(c.Ops)-1]
}

func (c *chronicle) commit(id, index uint64, at int, r store.Request, answer store.Response) {
	c.Commits = append(c.Commits, history.Commit{
		Index: index, Term: 2, Proposal: &store.Proposal{ID: id, Request: r}, Response: answer, At: ms(at),
	})
}

func ms(n int) sim.Time { return sim.Time(n) * 1e6 }

// twoPuts is the beginning of most hand-made histories: k = 1 at revision 2,
// k = 2 at revision 3.
func twoPuts() *chronicle {
	c := &chronicle{}
	c.op(0, 1, 0, 10, put("k", "1"), wrote(2), 5)
	c.op(0, 1, 20, 30, put("k", "2"), wrote(3), 6)
	c.commit(1, 5, 5, put("k", "1"), wrote(2))
	c.commit(2, 6, 25, put("k", "2"), wrote(3))
	return c
}

// compacted goes on with a compaction at revision 3.
func compacted(c *chronicle) {
	done := store.Response{Revision: 3, Result: &store.CompactionResult{}}
	c.op(0, 1, 50, 60, &store.CompactionRequest{Revision: 3}, done, 7)
	c.commit(uint64(len(c.Ops)), 7, 55, &store.CompactionRequest{Revision: 3}, done)
}

// The order of operations is found even if the members were wrong about where
// they served the reads; it only takes another road.
func TestFindsTheOrderWithoutAppliedIndexes(t *testing.T) {
	for seed := range uint64(20) {
		h := generate(recipe{seed: seed, ops: 400, clients: 6, keys: 3, timeouts: sim.Percent(5)})
		for i := range h.Ops {
			op := &h.Ops[i]
			op.Applied = 0
			// A coarse clock: what returns as another is invoked is concurrent with it.
			op.Invoke -= op.Invoke % 10e6
			op.Return += 10e6 - op.Return%10e6
		}
		if j := judgeLin(h); j.Verdict != Pass || j.Note == "" {
			t.Errorf("seed %d: got %v %q, expected a pass in the order of the log", seed, j.Verdict, j.Note)
		}
	}
}

// Intervals are closed: what returns as another is invoked is concurrent with it.
func TestTouchingIntervalsAreConcurrent(t *testing.T) {
	c := twoPuts()
	old := read(2, kv("k", "1", 2, 2, 1))
	c.op(1, 2, 30, 40, get("k"), old, 6) // served from index 5, whatever the member says
	if j := judgeLin(c.History); j.Verdict != Pass {
		t.Errorf("got %v %+v, expected a pass", j.Verdict, j.Violations)
	}
	if v := rawPorcupine(pinned(c.History)); v != Pass {
		t.Errorf("porcupine disagrees: %v", v)
	}
}

// What porcupine has no budget to confirm is not called a violation.
func TestUnconfirmedIsUnknown(t *testing.T) {
	c := twoPuts()
	c.op(1, 2, 31, 40, get("k"), read(2, kv("k", "1", 2, 2, 1)), 5)
	j := judged(t, "linearizability", c.History, Options{Budget: 1})
	if j.Verdict != Unknown || j.Note == "" {
		t.Errorf("got %v %q, expected unknown with a reason", j.Verdict, j.Note)
	}
}

// Clients that all give up leave writes in any number of orders. Their places in the
// log decide.
func TestManyUnansweredWritesAreConfirmed(t *testing.T) {
	var c chronicle
	const writes = 240
	for i := range writes {
		c.op(i, 1, i/3, 200, put("k", itoa(i)), store.Response{}, 0).Outcome = history.Unknown
	}
	for i := range writes { // of three that begin together the last comes first
		op := &c.Ops[i/3*3+2-i%3]
		c.commit(op.ID, uint64(5+i), 100+i, op.Request, wrote(int64(i+2)))
	}
	if j := judgeLin(c.History); j.Verdict != Pass {
		t.Errorf("got %v %q, expected a pass", j.Verdict, j.Note)
	}
	c.op(writes, 1, 500, 510, get("k"), read(writes+1, kv("k", itoa(writes-2), 2, writes+1, writes)), 4+writes)
	l := newLinearity(newRecord(c.History, nil), Options{})
	if l.witness(); l.confirmed() != Violated || judgeLin(c.History).Verdict != Violated {
		t.Errorf("a read of a value that was overwritten: porcupine says %v, the judge %v: expected violations",
			l.confirmed(), judgeLin(c.History).Verdict)
	}
}

// The log holds what no client asked for, such as the end of a lease, and what was
// refused for a reason outside the model, such as a right that is missing. The one changes
// the store and the other does not.
func TestCommitsWithoutClients(t *testing.T) {
	gone := store.Response{Revision: 4, Result: &store.DeleteRangeResult{Deleted: 1}}
	for _, tt := range []struct {
		name string
		read store.Response
		want Verdict
	}{
		{"the key is gone", read(4), Pass},
		{"the key is there", read(3, kv("k", "2", 2, 3, 2)), Violated},
		{"what was refused took effect", read(5, kv("k", "3", 5, 5, 1)), Violated},
	} {
		c := twoPuts()
		c.commit(90, 7, 32, &store.DeleteRangeRequest{Key: "k"}, gone)
		c.op(0, 1, 33, 36, put("k", "3"), store.Response{Err: store.ErrPermissionDenied}, 8).Outcome = history.Failed
		c.commit(3, 8, 35, put("k", "3"), store.Response{Err: store.ErrPermissionDenied})
		c.op(1, 2, 37, 38, get("k"), read(4), 8)
		c.op(1, 2, 40, 50, get("k"), tt.read, 8)
		if j := judgeLin(c.History); j.Verdict != tt.want {
			t.Errorf("%s: %v %q, expected %v", tt.name, j.Verdict, j.Note, tt.want)
		}
	}
}

// porcupine judges the witness by itself: what the steps before it let pass, it
// refuses.
func TestPorcupineRefusesAWrongWitness(t *testing.T) {
	h := generate(recipe{seed: 3, ops: 300, clients: 4, keys: 3})
	for _, tt := range []struct {
		name  string
		spoil func(l *linearity, a *act)
	}{
		{"an answer of another revision", func(l *linearity, a *act) { l.Ops[a.op].Response.Revision++ }},
		{"a return before what stands earlier was invoked", func(_ *linearity, a *act) { a.ret = 0 }},
		{"an answer to something else", func(l *linearity, a *act) { l.Ops[a.op].Response.Result = &store.CompactionResult{} }},
	} {
		reads, writes := 0, 0
		for k := 50; k < 250; k += 10 {
			l := newLinearity(newRecord(history.History{Ops: slices.Clone(h.Ops), Commits: h.Commits}, nil), Options{})
			l.witness()
			a := &l.acts[l.order[k]]
			if tt.spoil(l, a); a.commit >= 0 {
				writes++
			} else {
				reads++
			}
			if v := l.confirmed(); v != Violated {
				t.Errorf("%s, at place %d: %v, expected a violation", tt.name, k, v)
			}
		}
		if reads == 0 || writes == 0 {
			t.Errorf("%d reads and %d writes were spoilt: expected both", reads, writes)
		}
	}
}

// Narrowing keeps all precedence between operations, or porcupine would be asked
// about another history.
func TestNarrowingKeepsPrecedence(t *testing.T) {
	for seed := range uint64(20) {
		l := newLinearity(newRecord(generate(recipe{seed: seed, ops: 120, clients: 8, keys: 3, timeouts: sim.Percent(5)}), nil), Options{})
		l.witness()
		type place struct{ first, last int }
		places := make([]place, 0, len(l.order))
		wider, longer := 0, 0
		blocks := l.blocks()
		for k, b := range blocks {
			first, last := narrowed(blocks, k)
			if first > k || last < k {
				t.Fatalf("seed %d: [%d, %d] does not hold place %d", seed, first, last, k)
			}
			wider += last - first
			longer += b.end - b.begin - 1
			for range b.end - b.begin {
				places = append(places, place{first, last})
			}
		}
		if wider == 0 || longer == 0 {
			t.Errorf("seed %d: intervals are wider by %d places, blocks longer by %d: everything is sequential", seed, wider, longer)
		}
		for k, i := range l.order {
			for m, j := range l.order {
				if l.acts[i].ret < l.acts[j].invoke && places[k].last >= places[m].first {
					t.Fatalf("seed %d: operation %d preceded operation %d, but no longer does", seed, i, j)
				}
			}
		}
	}
}

// A window of the proof must end in the state in which the next one begins.
func TestSearchEndsInTheGivenState(t *testing.T) {
	var m model
	begin := emptyState()
	right, _, _ := m.apply(&begin, put("k", "1"))
	wrong, _, _ := m.apply(&begin, put("k", "2"))
	for _, tt := range []struct {
		end  state
		want Verdict
	}{{right, Pass}, {wrong, Violated}, {begin, Violated}} {
		s := searcher{budget: 100}
		ops := []timed{{request: put("k", "1"), ret: 1}, {final: true, next: &tt.end, call: 2, ret: 3}}
		if got := s.linearizable(&begin, ops); got != tt.want {
			t.Errorf("ending in %+v: %v, expected %v", tt.end.now.root, got, tt.want)
		}
	}
}

// A search that is given up is no pass.
func TestGivingUpIsUnknown(t *testing.T) {
	// Thirty writes of unknown outcome, and a read that none of their orders
	// explains: to know that, all of them must be tried.
	var c chronicle
	for i := range 30 {
		c.op(i, 1, 0, 10, put("k", itoa(i)), store.Response{}, 0).Outcome = history.Unknown
	}
	c.op(31, 1, 20, 30, get("k"), read(16, kv("k", "never", 2, 16, 15)), 0)
	h := c.History
	report := Judge(h, Options{Budget: 20_000})
	j, _ := report.Judgement("linearizability")
	if j.Verdict != Unknown || j.Note == "" {
		t.Errorf("got %v %q, expected unknown with a reason", j.Verdict, j.Note)
	}
	if report.ExitCode() != ExitUnknown {
		t.Errorf("exit code %d, expected %d", report.ExitCode(), ExitUnknown)
	}
}

// The end of a lease is in the log, but no client asked for it.
func TestLeaseEndsWithoutAClient(t *testing.T) {
	var c chronicle
	granted := store.Response{Revision: 1, Result: &store.LeaseGrantResult{ID: 7, TTL: 5}}
	leased := &store.PutRequest{Key: "k", Value: "1", Lease: 7}
	c.op(0, 1, 0, 10, &store.LeaseGrantRequest{TTL: 5, ID: 7}, granted, 5)
	c.op(0, 1, 20, 30, leased, wrote(2), 6)
	c.op(0, 1, 40, 50, get("k"), read(3), 7)
	h := c.History
	if j := judgeLin(h); j.Verdict != Pass {
		t.Errorf("without the log: got %v, expected a pass", j.Verdict)
	}
	c.commit(1, 5, 5, c.Ops[0].Request, granted)
	c.commit(2, 6, 25, leased, wrote(2))
	h = c.History
	if j := judgeLin(h); j.Verdict != Violated {
		t.Errorf("with a log in which the lease has not ended: got %v, expected a violation", j.Verdict)
	}
	c.commit(99, 7, 35, &store.LeaseRevokeRequest{ID: 7}, store.Response{Revision: 3, Result: &store.LeaseRevokeResult{}})
	if j := judgeLin(c.History); j.Verdict != Pass {
		t.Errorf("with the log: got %v %+v, expected a pass", j.Verdict, j.Violations)
	}
}
