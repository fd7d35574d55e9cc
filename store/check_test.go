package store

import (
	"testing"

	"pgregory.net/rapid"
)

func putKey(key string) Op              { return &PutRequest{Key: key} }
func deleteKeys(key, end string) Op     { return &DeleteRangeRequest{Key: key, RangeEnd: end} }
func txn(then []Op, otherwise ...Op) Op { return &TxnRequest{Success: then, Failure: otherwise} }
func ops(ops ...Op) []Op                { return ops }

func TestCheckFindsWhatEtcdFindsFirst(t *testing.T) {
	for _, c := range []struct {
		name string
		req  Request
		want *Error
	}{
		{"a get", &RangeRequest{Key: "a"}, nil},
		{"no key", &RangeRequest{}, ErrEmptyKey},
		{"no key and a bad order", &RangeRequest{SortOrder: 9}, ErrEmptyKey},
		{"a bad order", &RangeRequest{Key: "a", SortOrder: 3}, ErrInvalidSort},
		{"a bad target", &RangeRequest{Key: "a", SortTarget: -1}, ErrInvalidSort},
		{"a put of nothing", &PutRequest{}, ErrEmptyKey},
		{"a value to ignore", &PutRequest{Key: "a", Value: "v", IgnoreValue: true}, ErrValueProvided},
		{"a lease to ignore", &PutRequest{Key: "a", Lease: 1, IgnoreLease: true}, ErrLeaseProvided},
		{"both to ignore", &PutRequest{Key: "a", Value: "v", Lease: 1, IgnoreValue: true, IgnoreLease: true}, ErrValueProvided},
		{"a delete of nothing", &DeleteRangeRequest{RangeEnd: "a"}, ErrEmptyKey},
		{"a stream", &RangeStreamRequest{RangeRequest{Key: "a", SortOrder: SortAscend}}, nil},
		{"a stream in descending order", &RangeStreamRequest{RangeRequest{Key: "a", SortOrder: SortDescend}}, ErrStreamSort},
		{"a stream by a target without an order", &RangeStreamRequest{RangeRequest{Key: "a", SortTarget: SortByValue}}, nil},
		{"a stream with a filter", &RangeStreamRequest{RangeRequest{Key: "a", MinModRevision: 1}}, ErrStreamFilter},
		{"a lease", &LeaseGrantRequest{TTL: -1}, nil}, // judged when applied

		{"an empty transaction", txn(nil), nil},
		{"a missing operation", txn(ops(nil)), ErrKeyNotFound},
		{"too many operations", txn(ops(putKey("a"), putKey("b"), putKey("c"), putKey(""))), ErrTooManyOps},
		{"too many comparisons", &TxnRequest{Compare: make([]Compare, 4)}, ErrTooManyOps},
		{"a comparison of nothing", &TxnRequest{Compare: []Compare{{}}, Success: ops(nil)}, ErrEmptyKey},
		{"three levels", txn(ops(txn(ops(txn(ops(putKey("a"))))))), nil},
		{"four levels", txn(ops(txn(ops(txn(ops(txn(ops(putKey("a"))))))))), ErrTooManyOps},
		{"four levels, the innermost empty", txn(ops(txn(ops(txn(ops(txn(nil))))))), nil},
		{"a budget spent by the other path", txn(ops(txn(ops(putKey("a"), putKey("b")))), putKey("c"), putKey("d")), ErrTooManyOps},

		{"two puts of a key", txn(ops(putKey("a"), putKey("a"))), ErrDuplicateKey},
		{"two puts of a key on the other path", txn(nil, putKey("a"), putKey("a")), ErrDuplicateKey},
		{"puts on both paths", txn(ops(putKey("a")), putKey("a")), nil},
		{"put and delete", txn(ops(putKey("a"), deleteKeys("a", ""))), ErrDuplicateKey},
		{"put and delete of a range", txn(ops(deleteKeys("a", "c"), putKey("b"))), ErrDuplicateKey},
		{"put at the end of a deleted range", txn(ops(deleteKeys("a", "c"), putKey("c"))), nil},
		{"put and delete from a key on", txn(ops(deleteKeys("a", "\x00"), putKey("b"))), nil}, // etcd does not see it
		{"two deletes", txn(ops(deleteKeys("a", "c"), deleteKeys("b", ""))), nil},
		{"put and nested put", txn(ops(putKey("a"), txn(ops(putKey("a"))))), ErrDuplicateKey},
		{"puts on both paths of a nested one", txn(ops(txn(ops(putKey("a")), putKey("a")))), nil},
		{"put after puts on both nested paths", txn(ops(txn(ops(putKey("a")), putKey("a")), putKey("a"))), ErrDuplicateKey},
		{"nested puts in two", txn(ops(txn(ops(putKey("a"))), txn(nil, putKey("a")))), ErrDuplicateKey},
		{"nested delete before nested put", txn(ops(txn(ops(deleteKeys("a", ""))), txn(ops(putKey("a"))))), ErrDuplicateKey},
		{"nested put before nested delete", txn(ops(txn(ops(putKey("a"))), txn(ops(deleteKeys("a", ""))))), nil}, // nor this
		{"nested put and delete", txn(ops(txn(ops(putKey("a"))), deleteKeys("a", ""))), ErrDuplicateKey},
		{"put and nested delete", txn(ops(putKey("a"), txn(nil, deleteKeys("a", "")))), ErrDuplicateKey},
	} {
		if got := Check(c.req, 3); got != c.want {
			t.Errorf("%s: got %v, want %v\n%s", c.name, got, c.want, Describe(c.req))
		}
	}
}

// Short lists take a short cut; it must lead to the same place.
func TestShortCutAgreesWithTheLongWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SampledFrom([]string{"a", "b", "c", "d", "\x00"})
		var list []Op
		for range rapid.IntRange(0, 5).Draw(t, "ops") {
			switch rapid.IntRange(0, 2).Draw(t, "op") {
			case 0:
				list = append(list, putKey(key.Draw(t, "put")))
			case 1:
				list = append(list, deleteKeys(key.Draw(t, "from"), rapid.OneOf(key, rapid.Just("")).Draw(t, "to")))
			default:
				list = append(list, &RangeRequest{Key: "a"})
			}
		}
		_, want := writesOf(list)
		if got := overlapInPairs(list); got != want {
			t.Fatalf("got %v, want %v\n%s", got, want, Describe(&TxnRequest{Success: list}))
		}
	})
}

func TestReadOnly(t *testing.T) {
	get := &RangeRequest{Key: "a", Serializable: true}
	for _, c := range []struct {
		req              Request
		readOnly, serial bool
	}{
		{get, true, true},
		{&RangeRequest{Key: "a"}, true, false},
		{&RangeStreamRequest{*get}, true, true},
		{putKey("a"), false, false},
		{txn(ops(get), get), true, true},
		{txn(ops(get), &RangeRequest{Key: "a"}), true, false},
		{txn(ops(get, putKey("a"))), false, false},
		{txn(ops(get, txn(ops(get)))), false, false}, // etcd does not look inside
		{&HashKVRequest{}, true, true},
		{&LeaseLeasesRequest{}, true, true},
		{&LeaseRevokeRequest{}, false, false},
	} {
		if got := ReadOnly(c.req); got != c.readOnly {
			t.Errorf("ReadOnly(%s) = %v", Describe(c.req), got)
		}
		if got := Serializable(c.req); got != c.serial {
			t.Errorf("Serializable(%s) = %v", Describe(c.req), got)
		}
	}
}
