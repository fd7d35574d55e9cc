package mvcc

import (
	"reflect"
	"testing"

	"etcdsim/store"
)

func do(s *Store, req store.Request) store.Response {
	return s.Apply(s.Applied()+1, &store.Proposal{Request: req})
}

// What a revision means to a read outside of a transaction and inside one, around
// a compaction at 4 in a store at 6.
func TestRevisionsOfReads(t *testing.T) {
	s := New(Config{})
	for range 5 {
		do(s, put("a"))
	}
	do(s, &store.CompactionRequest{Revision: 4})
	for _, c := range []struct {
		rev             int64
		outside, inside *store.Error
	}{
		{-1, nil, store.ErrCompacted}, // outside it means the newest
		{0, nil, nil},
		{1, store.ErrCompacted, store.ErrCompacted},
		{3, store.ErrCompacted, store.ErrCompacted},
		{4, nil, nil},
		{6, nil, nil},
		{7, store.ErrFutureRevision, store.ErrFutureRevision},
	} {
		read := &store.RangeRequest{Key: "a", Revision: c.rev}
		if resp := s.Read(read); resp.Err != c.outside {
			t.Errorf("revision %d: %v, want %v", c.rev, resp.Err, c.outside)
		}
		if resp := s.Read(&store.TxnRequest{Success: []store.Op{read}}); resp.Err != c.inside {
			t.Errorf("revision %d inside a transaction: %v, want %v", c.rev, resp.Err, c.inside)
		}
	}
}

// Comparisons of a transaction and checks of its operations look at the state
// before it; its reads see its own writes.
func TestTransactionSeesItself(t *testing.T) {
	s := New(Config{})
	do(s, put("a"))
	exists := func(key string) []store.Compare {
		return []store.Compare{{Key: key, Target: store.CompareVersion, Result: store.CompareGreater}}
	}
	resp := do(s, &store.TxnRequest{Success: []store.Op{
		get("b"),
		put("b"),
		get("b"),
		&store.DeleteRangeRequest{Key: "a"},
		&store.TxnRequest{Compare: exists("a"), Success: []store.Op{get("a")}, Failure: []store.Op{put("c")}},
		&store.TxnRequest{Compare: exists("b"), Success: []store.Op{put("c")}, Failure: []store.Op{get("b")}},
	}})
	var revisions, counts []int64
	var collect func(resps []store.Response)
	collect = func(resps []store.Response) {
		for _, r := range resps {
			revisions = append(revisions, r.Revision)
			switch res := r.Result.(type) {
			case *store.RangeResult:
				counts = append(counts, res.Count)
			case *store.TxnResult:
				collect(res.Responses)
			}
		}
	}
	collect(resp.Result.(*store.TxnResult).Responses)
	// The headers of nested transactions are empty, as in etcd.
	if want := []int64{2, 3, 3, 3, 0, 3, 0, 3}; !reflect.DeepEqual(revisions, want) {
		t.Errorf("revisions %v, want %v", revisions, want)
	}
	if want := []int64{0, 1, 0, 1}; !reflect.DeepEqual(counts, want) { // b, b, a, b
		t.Errorf("counts %v, want %v", counts, want)
	}
	if resp.Revision != 3 || s.Revision() != 3 {
		t.Errorf("revision %d of the answer, %d of the store, want 3", resp.Revision, s.Revision())
	}
	// A key that the transaction itself writes does not exist when it is checked.
	keep := &store.PutRequest{Key: "new", IgnoreValue: true}
	if resp := do(s, &store.TxnRequest{Success: []store.Op{put("other"), keep}}); resp.Err != store.ErrKeyNotFound {
		t.Errorf("keeping the value of a missing key: %v", resp.Err)
	}
	if s.Revision() != 3 || s.lookup("other").live() {
		t.Error("a refused transaction changed something")
	}
}

// A deletion from a key on escapes the check for double writes, so a transaction
// can delete what it then keeps the value of. etcd would crash.
func TestKeepingTheValueOfWhatWasJustDeleted(t *testing.T) {
	s := New(Config{})
	do(s, put("b"))
	req := &store.TxnRequest{Success: []store.Op{
		&store.DeleteRangeRequest{Key: "a", RangeEnd: "\x00"}, &store.PutRequest{Key: "b", IgnoreValue: true},
	}}
	if err := store.Check(req, 128); err != nil {
		t.Fatal(err)
	}
	do(s, req)
	want := store.KeyValue{Key: "b", CreateRevision: 3, ModRevision: 3, Version: 1}
	if got := s.lookup("b").kv; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	do(s, &store.CompactionRequest{Revision: 3})
	if got := eventsSince(s, 3); len(got) != 2 {
		t.Errorf("%d events at the compacted revision, want both", len(got))
	}
}

func TestLeasesAsRecordedAndBeyond(t *testing.T) {
	s := New(Config{MinLeaseTTL: 2})
	for _, c := range []struct {
		req  *store.LeaseGrantRequest
		ttl  int64
		want *store.Error
	}{
		{&store.LeaseGrantRequest{ID: 1, TTL: 1}, 2, nil},
		{&store.LeaseGrantRequest{ID: 2, TTL: -5}, 2, nil},
		{&store.LeaseGrantRequest{ID: -3, TTL: 9_000_000_000}, 9_000_000_000, nil},
		{&store.LeaseGrantRequest{ID: 4, TTL: 9_000_000_001}, 0, store.ErrLeaseTTLTooLarge},
		{&store.LeaseGrantRequest{ID: 1, TTL: 60}, 0, store.ErrLeaseExists},
		{&store.LeaseGrantRequest{TTL: 60}, 0, store.ErrLeaseNotFound}, // members choose an ID before they propose
	} {
		resp := do(s, c.req)
		if resp.Err != c.want {
			t.Errorf("%s: %v, want %v", store.Describe(c.req), resp.Err, c.want)
		} else if resp.Err == nil && resp.Result.(*store.LeaseGrantResult).TTL != c.ttl {
			t.Errorf("%s: TTL %d, want %d", store.Describe(c.req), resp.Result.(*store.LeaseGrantResult).TTL, c.ttl)
		}
	}
	// Moving to and fro between leases leaves each key on one, once.
	for i := range 100 {
		do(s, &store.PutRequest{Key: "b", Lease: int64(1 + i%2)})
		do(s, &store.PutRequest{Key: "a", Lease: int64(i % 2)})
		if n := len(s.leases.get(1).keys); n > 30 {
			t.Fatalf("lease 1 remembers %d keys, two of them on it", n)
		}
	}
	ttl := func(id int64) []string {
		return s.Read(&store.LeaseTimeToLiveRequest{ID: id, Keys: true}).Result.(*store.LeaseTimeToLiveResult).Keys
	}
	if one, two := ttl(1), ttl(2); !reflect.DeepEqual(one, []string{"a"}) || !reflect.DeepEqual(two, []string{"b"}) {
		t.Errorf("lease 1 has %v, lease 2 %v", one, two)
	}
	do(s, &store.PutRequest{Key: "c", Lease: 2})
	do(s, &store.DeleteRangeRequest{Key: "b"})
	do(s, &store.PutRequest{Key: "b", Lease: 2})
	before := s.Revision()
	do(s, &store.LeaseRevokeRequest{ID: 2})
	if got := eventsSince(s, before+1); s.Revision() != before+1 || len(got) != 2 || got[0].KV.Key != "b" || got[1].KV.Key != "c" {
		t.Errorf("revoked at %d: %v", before+1, got)
	}
	do(s, &store.LeaseGrantRequest{ID: 2, TTL: 60})
	if keys := ttl(2); keys != nil {
		t.Errorf("a new lease of an old ID has keys %v", keys)
	}
	do(s, &store.LeaseRevokeRequest{ID: 2})
	if s.Revision() != before+1 {
		t.Error("revoking a lease without keys made a revision")
	}
}
