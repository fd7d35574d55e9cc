package checker

import (
	"slices"
	"strings"
	"testing"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/store"
)

// told are operations as somebody noted them who knows no log.
func told(tell func(c *chronicle)) *linearity {
	c := &chronicle{}
	tell(c)
	for i := range c.Ops {
		c.Ops[i].Applied, c.Ops[i].Term, c.Ops[i].Member = 0, 0, 0
	}
	return newLinearity(newRecord(c.History, nil), Options{})
}

// Without a search, revisions alone show two writes that made one, and a store that
// went back.
func TestRevisionsContradict(t *testing.T) {
	deleted := func(rev, n int64) store.Response {
		return store.Response{Revision: rev, Result: &store.DeleteRangeResult{Deleted: n}}
	}
	txn := func(rev int64, inner ...store.Response) store.Response {
		return store.Response{Revision: rev, Result: &store.TxnResult{Succeeded: true, Responses: inner}}
	}
	drop, both := &store.DeleteRangeRequest{Key: "k"}, &store.TxnRequest{Success: []store.Op{&store.PutRequest{Key: "k"}}}
	const twice, back = "Both writes were answered with rev 3, and each write makes a revision of its own.",
		"The first was answered at rev 3 before the second was asked for, and that was answered at rev 2: " +
			"the revision of a store never goes back."
	for _, tt := range []struct {
		name string
		make func(c *chronicle)
		why  string
	}{
		{"two writes at once", func(c *chronicle) {
			c.op(0, 0, 0, 9, put("a", "1"), wrote(3), 0)
			c.op(1, 0, 0, 8, put("b", "1"), wrote(3), 0)
		}, twice},
		{"a write and a deletion at once", func(c *chronicle) {
			c.op(0, 0, 0, 9, put("a", "1"), wrote(3), 0)
			c.op(1, 0, 0, 9, drop, deleted(3, 1), 0)
		}, twice},
		{"a write and a transaction at once", func(c *chronicle) {
			c.op(0, 0, 0, 9, put("a", "1"), wrote(3), 0)
			c.op(1, 0, 0, 9, both, txn(3, store.Response{Result: &store.RangeResult{}}, wrote(3)), 0)
		}, twice},
		{"a deletion of nothing", func(c *chronicle) {
			c.op(0, 0, 0, 9, put("a", "1"), wrote(3), 0)
			c.op(1, 0, 0, 9, drop, deleted(3, 0), 0)
		}, ""},
		{"a transaction that writes nothing", func(c *chronicle) {
			c.op(0, 0, 0, 9, put("a", "1"), wrote(3), 0)
			c.op(1, 0, 0, 9, both, txn(3, store.Response{Result: &store.RangeResult{}}), 0)
		}, ""},
		{"a read of what was written", func(c *chronicle) {
			c.op(0, 0, 0, 9, put("a", "1"), wrote(3), 0)
			c.op(1, 0, 10, 12, get("a"), read(3), 0)
		}, ""},
		{"a store that went back", func(c *chronicle) {
			c.op(1, 0, 10, 12, get("a"), read(2), 0)
			c.op(0, 0, 0, 9, put("a", "1"), wrote(3), 0)
		}, back},
		{"a store that went back behind others", func(c *chronicle) {
			c.op(2, 0, 0, 10, get("a"), read(2), 0)
			c.op(0, 0, 0, 9, put("a", "1"), wrote(3), 0)
			c.op(2, 0, 12, 13, get("a"), read(3), 0)
			c.op(1, 0, 14, 16, get("a"), read(2), 0)
		}, back},
		{"a read that began earlier", func(c *chronicle) {
			c.op(0, 0, 0, 9, put("a", "1"), wrote(3), 0)
			c.op(1, 0, 9, 12, get("a"), read(2), 0)
		}, ""},
		{"a serializable read", func(c *chronicle) {
			c.op(0, 0, 0, 9, put("a", "1"), wrote(3), 0)
			c.op(1, 0, 10, 12, serializableGet("a"), read(2), 0)
		}, ""},
		{"a read that nobody heard of", func(c *chronicle) {
			c.op(0, 0, 0, 9, put("a", "1"), wrote(3), 0)
			c.op(1, 0, 10, 12, get("a"), read(2), 0).Outcome = history.Unknown
		}, ""},
		{"answers without revisions", func(c *chronicle) {
			c.op(0, 0, 0, 9, put("a", "1"), wrote(0), 0)
			c.op(1, 0, 10, 12, put("a", "2"), wrote(0), 0)
			c.op(1, 0, 13, 14, put("a", "3"), wrote(-1), 0)
		}, ""},
	} {
		v, found := told(tt.make).revisionsContradict()
		if found != (tt.why != "") || v.Why != tt.why {
			t.Errorf("%s: %v %q, want %q", tt.name, found, v.Why, tt.why)
		}
		if found && (len(v.Ops) != 2 || v.At < v.Ops[0].Op.Return || v.At < v.Ops[1].Op.Return || v.Key == "") {
			t.Errorf("%s: incomplete: %+v", tt.name, v)
		}
	}
	c := &chronicle{}
	c.op(0, 0, 0, 9, put("a", "1"), wrote(3), 0)
	c.op(1, 0, 0, 8, put("b", "1"), wrote(3), 0)
	j := judged(t, "linearizability", c.History, Options{})
	expect(t, j, twice)
	if j.Judged != 2 {
		t.Errorf("%d operations were judged, want 2", j.Judged)
	}
}

// What a search without a log has to place: writes that may have happened, for good,
// and every answer that binds; a lease with the end that nobody may ask for.
func TestUnlogged(t *testing.T) {
	l := told(func(c *chronicle) {
		c.op(0, 0, 0, 9, put("a", "1"), wrote(2), 0)
		c.op(0, 0, 10, 19, put("a", "2"), store.Response{}, 0).Outcome = history.Unknown
		c.op(0, 0, 20, 29, get("a"), store.Response{}, 0).Outcome = history.Unknown
		c.op(0, 0, 30, 39, put("a", "3"), store.Response{Err: store.ErrTooManyRequests}, 0).Outcome = history.Failed
		c.op(0, 0, 40, 49, serializableGet("a"), read(1), 0)
		c.op(0, 0, 50, 59, get("b"), read(2), 0)
		c.op(0, 0, 60, 69, &store.LeaseGrantRequest{TTL: 5}, granted(2, 7, 5), 0)
		c.op(0, 0, 70, 79, &store.LeaseGrantRequest{ID: 8, TTL: 5}, store.Response{}, 0).Outcome = history.Unknown
		c.op(0, 0, 80, 89, &store.LeaseGrantRequest{ID: 9, TTL: 5}, granted(2, 9, 5), 0)
	})
	var got []string
	for _, op := range l.unlogged() {
		text := store.Describe(op.request) + " from " + sim.Time(op.call).String()
		if op.ret != int64(sim.Forever) {
			text += " to " + sim.Time(op.ret).String()
		}
		if op.answer != nil {
			text += " answered"
		}
		got = append(got, text)
	}
	want := []string{
		"put a=1 from 0.000s to 0.009s answered",
		"put a=2 from 0.010s",
		"get b from 0.050s to 0.059s answered",
		"lease revoke 7 from 0.060s",
		"lease grant 7 ttl 5s from 0.060s to 0.069s answered",
		"lease revoke 8 from 0.070s",
		"lease grant 8 ttl 5s from 0.070s",
		"lease revoke 9 from 0.080s",
		"lease grant 9 ttl 5s from 0.080s to 0.089s answered",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// An answer shows the key-values that it holds, but for those without values.
func TestSeenKVs(t *testing.T) {
	k := kv("k", "1", 2, 3, 2)
	at := func(r store.Result) *store.Response { return &store.Response{Revision: 3, Result: r} }
	ranged := at(&store.RangeResult{KVs: []*store.KeyValue{&k}})
	for _, tt := range []struct {
		request store.Request
		answer  *store.Response
		want    int
	}{
		{get("k"), ranged, 1},
		{&store.RangeRequest{Key: "k", KeysOnly: true}, ranged, 0},
		{&store.RangeStreamRequest{Range: store.RangeRequest{Key: "k"}}, ranged, 0},
		{put("k", "2"), at(&store.PutResult{PrevKV: &k}), 1},
		{put("k", "2"), at(&store.PutResult{}), 0},
		{&store.DeleteRangeRequest{Key: "k"}, at(&store.DeleteRangeResult{PrevKVs: []*store.KeyValue{&k}}), 1},
		{&store.TxnRequest{}, at(&store.TxnResult{}), 0},
	} {
		if got := seenKVs(tt.request, tt.answer); len(got) != tt.want || tt.want == 1 && *got[0] != k {
			t.Errorf("%s shows %v", store.Describe(tt.request), got)
		}
	}
}

// A history that is impossible becomes smaller as long as it stays so: what came later
// goes, then reads that are not needed, then answers.
func TestShrink(t *testing.T) {
	answer := wrote(2)
	write := func(key string, call, ret int64) timed {
		return timed{request: put(key, "1"), call: call, ret: ret, answer: &answer}
	}
	reads := func(key string, call, ret int64) timed {
		return timed{request: get(key), call: call, ret: ret, answer: &answer}
	}
	text := func(ops []timed) string {
		var all []string
		for _, op := range ops {
			s := keyOf(op.request)
			switch {
			case op.answer == nil && op.ret == int64(sim.Forever):
				s += "?"
			case op.answer == nil || op.ret == int64(sim.Forever):
				s += " half forgotten"
			}
			all = append(all, s)
		}
		return strings.Join(all, " ")
	}
	// Impossible are those that hold these, answered.
	with := func(keys ...string) func([]timed) bool {
		return func(ops []timed) bool {
			return !slices.ContainsFunc(keys, func(key string) bool {
				return !slices.ContainsFunc(ops, func(op timed) bool { return op.answer != nil && keyOf(op.request) == key })
			})
		}
	}
	ops := []timed{
		write("e", 5, 60), reads("f", 5, 60), write("a", 0, 10), reads("b", 1, 20), write("c", 2, 30), reads("d", 3, 40), write("g", 45, 50),
		write("h", 30, 70),
	}
	for _, tt := range []struct {
		needs []string
		want  [3]string // after each step
	}{
		{[]string{"a"}, [3]string{"e? a c?", "e? a c?", "e? a c?"}}, // reads that have not returned have no answer to give
		{[]string{"c"}, [3]string{"e? a b c h?", "e? a c h?", "e? a? c h?"}},
		{[]string{"b", "c"}, [3]string{"e? a b c h?", "e? a b c h?", "e? a? b c h?"}},
		{[]string{"d"}, [3]string{"e? a b c d h?", "e? a c d h?", "e? a? c? d h?"}},
		{[]string{"f", "g"}, [3]string{"e f a b c d g h?", "e f a c g h?", "e? f a? c? g h?"}},
		{[]string{"h"}, [3]string{"e f a b c d g h", "e a c g h", "e? a? c? g? h"}},
	} {
		impossible := with(tt.needs...)
		one := firstImpossible(ops, impossible)
		two := withoutReads(one, impossible)
		three := relaxed(two, impossible)
		if got := [3]string{text(one), text(two), text(three)}; got != tt.want {
			t.Errorf("needs %v: got %q, want %q", tt.needs, got, tt.want)
		}
	}
}

// What is left of an impossible history is told with what it is about.
func TestWithoutLogTells(t *testing.T) {
	c := &chronicle{}
	c.op(0, 0, 0, 9, put("a", "1"), wrote(2), 0)
	c.op(0, 0, 10, 19, put("b", "1"), store.Response{}, 0).Outcome = history.Unknown
	c.op(1, 0, 20, 29, get("a"), read(2, kv("a", "7", 2, 2, 1)), 0)
	c.op(1, 0, 30, 39, get("c"), read(2), 0)
	j := judged(t, "linearizability", c.History, Options{})
	expect(t, j, "No order of these operations, with 2 others that may have taken effect, gives all of them their answers.")
	if v := j.Violations[0]; len(v.Ops) != 1 || v.Ops[0].Op.ID != 3 || v.At != ms(29) || v.Key != "a" {
		t.Errorf("%+v", v)
	}
}
