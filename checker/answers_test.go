package checker

import (
	"testing"

	"etcdsim/store"
)

// Two answers are the same if every part of them is.
func TestSameAnswer(t *testing.T) {
	k := kv("k", "1", 2, 3, 2)
	other := kv("k", "2", 2, 3, 2)
	at := func(r store.Result) store.Response { return store.Response{Revision: 3, Result: r} }
	inside := at(&store.PutResult{})
	for _, tt := range []struct {
		name  string
		want  store.Response
		wrong []store.Response
	}{
		{"a range", at(&store.RangeResult{KVs: []*store.KeyValue{&k}, Count: 1}), []store.Response{
			{Revision: 4, Result: &store.RangeResult{KVs: []*store.KeyValue{&k}, Count: 1}},
			at(&store.RangeResult{KVs: []*store.KeyValue{&k}, Count: 2}),
			at(&store.RangeResult{KVs: []*store.KeyValue{&k}, Count: 1, More: true}),
			at(&store.RangeResult{KVs: []*store.KeyValue{&other}, Count: 1}),
			at(&store.RangeResult{Count: 1}),
			at(nil),
			{Err: store.ErrCompacted},
		}},
		{"a put", at(&store.PutResult{PrevKV: &k}), []store.Response{
			at(&store.PutResult{}), at(&store.PutResult{PrevKV: &other}), at(nil),
		}},
		{"a put of a key that was not there", at(&store.PutResult{}), []store.Response{at(&store.PutResult{PrevKV: &k}), at(nil)}},
		{"a deletion", at(&store.DeleteRangeResult{Deleted: 1, PrevKVs: []*store.KeyValue{&k}}), []store.Response{
			at(&store.DeleteRangeResult{Deleted: 2, PrevKVs: []*store.KeyValue{&k}}),
			at(&store.DeleteRangeResult{Deleted: 1, PrevKVs: []*store.KeyValue{&other}}),
			at(&store.DeleteRangeResult{Deleted: 1}), at(nil),
		}},
		{"a transaction", at(&store.TxnResult{Succeeded: true, Responses: []store.Response{inside}}), []store.Response{
			at(&store.TxnResult{Responses: []store.Response{inside}}),
			at(&store.TxnResult{Succeeded: true}),
			at(&store.TxnResult{Succeeded: true, Responses: []store.Response{at(&store.PutResult{PrevKV: &k})}}),
			at(nil),
		}},
		{"a compaction", at(&store.CompactionResult{}), []store.Response{at(nil), at(&store.PutResult{})}},
		{"a lease", at(&store.LeaseGrantResult{ID: 7, TTL: 5}), []store.Response{
			at(&store.LeaseGrantResult{ID: 8, TTL: 5}), at(&store.LeaseGrantResult{ID: 7, TTL: 4}), at(nil),
		}},
		{"the end of a lease", at(&store.LeaseRevokeResult{}), []store.Response{at(nil), at(&store.PutResult{})}},
		{"a checkpoint", at(&store.LeaseCheckpointResult{}), []store.Response{at(nil), at(&store.PutResult{})}},
		{"alarms", at(&store.AlarmResult{Alarms: []store.Alarm{{MemberID: 1}}}), []store.Response{
			at(&store.AlarmResult{Alarms: []store.Alarm{{MemberID: 2}}}), at(&store.AlarmResult{}), at(nil),
		}},
		{"nothing", at(nil), []store.Response{at(&store.PutResult{})}},
		{"a refusal", store.Response{Err: store.ErrCompacted}, []store.Response{
			{Err: store.ErrFutureRevision}, at(nil), {},
		}},
	} {
		var m model
		if again := tt.want; !m.sameAnswer(&tt.want, &again) {
			t.Errorf("%s: not the same as itself", tt.name)
		}
		for _, got := range tt.wrong {
			if m.sameAnswer(&tt.want, &got) {
				t.Errorf("%s: %+v is the same as %+v", tt.name, got, tt.want)
			}
		}
	}

	// Members may have a least TTL: if it is not known, more than was asked for is right.
	asked, more := at(&store.LeaseGrantResult{ID: 7, TTL: 5}), at(&store.LeaseGrantResult{ID: 7, TTL: 6})
	if m := (model{}); !m.sameAnswer(&asked, &more) {
		t.Error("a longer TTL is wrong, though the least one is not known")
	}
	if m := (model{minTTL: 2}); m.sameAnswer(&asked, &more) {
		t.Error("a longer TTL is right, though it is above the least one")
	}
	// Errors are compared by what they say, and key-values too.
	mine, copied := *store.ErrCompacted, k
	if !sameError(store.ErrCompacted, &mine) || !samePrev(&k, &copied) {
		t.Error("a copy is not the same")
	}
}

// Of an answer that was recorded in part, that part is compared.
func TestSamePart(t *testing.T) {
	m := model{partial: true}
	k := store.KeyValue{Key: "k", Value: "1", CreateRevision: 2, ModRevision: 3, Version: 2, Lease: 5}
	part := kv("k", "1", 0, 3, 2)
	read := func(kv *store.KeyValue) store.Result { return &store.RangeResult{KVs: []*store.KeyValue{kv}, Count: 1} }
	at := func(rev int64, r store.Result) store.Response { return store.Response{Revision: rev, Result: r} }
	txn := func(succeeded bool, inner ...store.Response) store.Result {
		return &store.TxnResult{Succeeded: succeeded, Responses: inner}
	}
	for _, tt := range []struct {
		name      string
		want, got store.Response
		same      bool
	}{
		{"a part", at(3, read(&k)), at(3, read(&part)), true},
		{"no revision", at(3, read(&k)), at(-1, read(&part)), true},
		{"another revision", at(3, read(&k)), at(4, read(&part)), false},
		{"revision 0", at(3, read(&k)), at(0, read(&part)), false},
		{"another key", at(3, read(&k)), at(3, read(&store.KeyValue{Key: "l", Value: "1", ModRevision: 3, Version: 2})), false},
		{"another value", at(3, read(&k)), at(3, read(&store.KeyValue{Key: "k", Value: "2", ModRevision: 3, Version: 2})), false},
		{"another write", at(3, read(&k)), at(3, read(&store.KeyValue{Key: "k", Value: "1", ModRevision: 2, Version: 2})), false},
		{"another version", at(3, read(&k)), at(3, read(&store.KeyValue{Key: "k", Value: "1", ModRevision: 3, Version: 1})), false},
		{"another count", at(3, read(&k)), at(3, &store.RangeResult{KVs: []*store.KeyValue{&part}, Count: 2}), false},
		{"another kind", at(3, read(&k)), at(3, &store.PutResult{}), false},
		{"a put", at(3, &store.PutResult{PrevKV: &k}), at(3, &store.PutResult{}), true},
		{"a transaction", at(3, txn(true, at(3, read(&k)))), at(3, txn(true, at(-1, read(&part)))), true},
		{"the other branch", at(3, txn(true)), at(3, txn(false)), false},
		{"less inside", at(3, txn(true, at(3, read(&k)))), at(3, txn(true)), false},
		{
			"another value inside", at(3, txn(true, at(3, read(&k)))),
			at(3, txn(true, at(0, read(&store.KeyValue{Key: "k", Value: "2", ModRevision: 3, Version: 2})))), false,
		},
		{"no transaction", at(3, txn(true)), at(3, &store.PutResult{}), false},
		{"a lease", at(3, &store.LeaseGrantResult{ID: 7, TTL: 5}), at(3, &store.LeaseGrantResult{ID: 7}), true},
		{"another lease", at(3, &store.LeaseGrantResult{ID: 7, TTL: 5}), at(3, &store.LeaseGrantResult{ID: 8}), false},
		{"no lease", at(3, &store.LeaseGrantResult{}), at(3, &store.PutResult{}), false},
		{
			"a deletion", at(3, &store.DeleteRangeResult{Deleted: 1, PrevKVs: []*store.KeyValue{&k}}),
			at(3, &store.DeleteRangeResult{Deleted: 1}), true,
		},
		{"another deletion", at(3, &store.DeleteRangeResult{Deleted: 1}), at(3, &store.DeleteRangeResult{Deleted: 2}), false},
		{"no deletion", at(3, &store.DeleteRangeResult{}), at(3, &store.PutResult{}), false},
	} {
		if got := m.sameAnswer(&tt.want, &tt.got); got != tt.same {
			t.Errorf("%s: the same: %v", tt.name, got)
		}
	}
	if !m.sameKV(nil, nil) || m.sameKV(&k, nil) || m.sameKV(nil, &k) {
		t.Error("nothing is the same as a key-value")
	}
}

// What differs is told by the first part that does, in words.
func TestDifference(t *testing.T) {
	k := kv("k", "1", 2, 3, 2)
	mod, leased, l := kv("k", "1", 2, 4, 2), k, kv("l", "1", 2, 3, 2)
	leased.Lease = 5
	at := func(r store.Result) store.Response { return store.Response{Revision: 3, Result: r} }
	kvs := func(count int64, list ...*store.KeyValue) store.Response {
		return at(&store.RangeResult{KVs: list, Count: count})
	}
	txn := func(succeeded bool, inner ...store.Response) store.Response {
		return at(&store.TxnResult{Succeeded: succeeded, Responses: inner})
	}
	for _, tt := range []struct {
		want, got       store.Response
		key, due, given string
	}{
		{at(nil), store.Response{Err: store.ErrCompacted}, "", "an answer", `the refusal "` + store.ErrCompacted.Text + `"`},
		{at(nil), store.Response{Revision: 4}, "", "rev 3", "rev 4"},
		{at(nil), at(nil), "", "", ""},
		{kvs(1, &k), kvs(1, &mod), "k", "k = 1 (rev 3)", "k = 1 (rev 4)"},
		{kvs(1, &k), kvs(1, &leased), "k", "k = 1 (rev 3) created rev 2 version 2 lease 0", "k = 1 (rev 3) created rev 2 version 2 lease 5"},
		{kvs(1, &k), kvs(0), "k", "k = 1 (rev 3)", "nothing"},
		{kvs(0), kvs(1, &k), "k", "nothing", "k = 1 (rev 3)"},
		{kvs(2, &k, &l), kvs(1, &l), "k", "k = 1 (rev 3)", "l = 1 (rev 3)"},
		{kvs(2, &l), kvs(1, &k), "k", "l = 1 (rev 3)", "k = 1 (rev 3)"},
		{kvs(2, &k, &l), kvs(1, &k), "l", "l = 1 (rev 3)", "nothing"},
		{kvs(1, &k), kvs(3, &k), "", "1 key", "3 keys"},
		{at(&store.PutResult{PrevKV: &k}), at(&store.PutResult{PrevKV: &mod}), "k", "k = 1 (rev 3)", "k = 1 (rev 4)"},
		{at(&store.PutResult{}), at(&store.PutResult{PrevKV: &k}), "k", "nothing", "k = 1 (rev 3)"},
		{at(&store.PutResult{}), store.Response{Revision: 4, Result: &store.PutResult{}}, "", "rev 3", "rev 4"},
		{
			at(&store.DeleteRangeResult{Deleted: 1, PrevKVs: []*store.KeyValue{&k}}),
			at(&store.DeleteRangeResult{Deleted: 2, PrevKVs: []*store.KeyValue{&mod}}), "k", "k = 1 (rev 3)", "k = 1 (rev 4)",
		},
		{at(&store.DeleteRangeResult{Deleted: 1}), at(&store.DeleteRangeResult{Deleted: 2}), "", "1 key deleted", "2 keys deleted"},
		{txn(true), txn(false), "", "the branch then", "the branch else"},
		{txn(false), txn(true), "", "the branch else", "the branch then"},
		{txn(true, at(nil), kvs(1, &k)), txn(true, at(nil), kvs(1, &mod)), "k", "k = 1 (rev 3)", "k = 1 (rev 4)"},
		{txn(true, kvs(1, &k)), txn(true), "", "", ""}, // the caller has words for that
	} {
		key, due, given := difference(&tt.want, &tt.got)
		if key != tt.key || due != tt.due || given != tt.given {
			t.Errorf("%+v\n%+v\ndiffer at %q: %s, not %s\nwant %q: %s, not %s", tt.want, tt.got, key, due, given, tt.key, tt.due, tt.given)
		}
	}
}
