package checker

import (
	"testing"

	"etcdsim/checker/history"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

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
