package store

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// anyKey draws keys that are often equal, sometimes empty and sometimes strange.
func anyKey(t *rapid.T, label string) string {
	return rapid.OneOf(rapid.SampledFrom([]string{"", "a", "b", "\x00", "key/1"}), rapid.String()).Draw(t, label)
}

func anyInt(t *rapid.T, label string) int64 {
	return rapid.OneOf(rapid.Int64Range(-2, 3), rapid.Int64()).Draw(t, label)
}

func anyRange(t *rapid.T) *RangeRequest {
	return &RangeRequest{
		Key: anyKey(t, "key"), RangeEnd: anyKey(t, "end"), Limit: anyInt(t, "limit"), Revision: anyInt(t, "rev"),
		SortOrder:    SortOrder(rapid.Int32Range(-1, 3).Draw(t, "order")),
		SortTarget:   SortTarget(rapid.Int32Range(-1, 5).Draw(t, "target")),
		Serializable: rapid.Bool().Draw(t, "serializable"), KeysOnly: rapid.Bool().Draw(t, "keys"), CountOnly: rapid.Bool().Draw(t, "count"),
		MinModRevision: anyInt(t, "min mod"), MaxModRevision: anyInt(t, "max mod"),
		MinCreateRevision: anyInt(t, "min create"), MaxCreateRevision: anyInt(t, "max create"),
	}
}

func anyOp(t *rapid.T, depth int) Op {
	switch rapid.IntRange(0, 4).Draw(t, "op") {
	case 0:
		return anyRange(t)
	case 1:
		return &PutRequest{
			Key: anyKey(t, "key"), Value: anyKey(t, "value"), Lease: anyInt(t, "lease"),
			PrevKV: rapid.Bool().Draw(t, "prev"), IgnoreValue: rapid.Bool().Draw(t, "ignore value"),
			IgnoreLease: rapid.Bool().Draw(t, "ignore lease"),
		}
	case 2:
		return &DeleteRangeRequest{Key: anyKey(t, "key"), RangeEnd: anyKey(t, "end"), PrevKV: rapid.Bool().Draw(t, "prev")}
	case 3:
		if depth < 3 {
			return anyTxn(t, depth+1)
		}
	}
	return nil
}

func anyTxn(t *rapid.T, depth int) *TxnRequest {
	req := &TxnRequest{Success: anyOps(t, depth), Failure: anyOps(t, depth)}
	for range rapid.IntRange(0, 2).Draw(t, "compares") {
		req.Compare = append(req.Compare, Compare{
			Result: CompareResult(rapid.Int32Range(-1, 4).Draw(t, "result")), Target: CompareTarget(rapid.Int32Range(-1, 5).Draw(t, "target")),
			Key: anyKey(t, "key"), RangeEnd: anyKey(t, "end"), Value: anyKey(t, "value"), Num: anyInt(t, "num"),
		})
	}
	return req
}

func anyOps(t *rapid.T, depth int) []Op {
	var ops []Op
	for range rapid.IntRange(0, 3).Draw(t, "ops") {
		ops = append(ops, anyOp(t, depth))
	}
	return ops
}

func anyRequest(t *rapid.T) Request {
	switch rapid.IntRange(0, 17).Draw(t, "kind") {
	case 0:
		return &CompactionRequest{Revision: anyInt(t, "rev"), Physical: rapid.Bool().Draw(t, "physical")}
	case 1:
		return &LeaseGrantRequest{TTL: anyInt(t, "ttl"), ID: anyInt(t, "id")}
	case 2:
		return &LeaseRevokeRequest{ID: anyInt(t, "id")}
	case 3:
		req := new(LeaseCheckpointRequest)
		for range rapid.IntRange(0, 3).Draw(t, "checkpoints") {
			req.Checkpoints = append(req.Checkpoints, LeaseCheckpoint{ID: anyInt(t, "id"), RemainingTTL: anyInt(t, "ttl")})
		}
		return req
	case 4:
		return &LeaseKeepAliveRequest{ID: anyInt(t, "id")}
	case 5:
		return &LeaseTimeToLiveRequest{ID: anyInt(t, "id"), Keys: rapid.Bool().Draw(t, "keys")}
	case 6:
		return &LeaseLeasesRequest{}
	case 7:
		return &HashKVRequest{Revision: anyInt(t, "rev")}
	case 8:
		return &RangeStreamRequest{Range: *anyRange(t)}
	case 9:
		return nil
	case 10:
		return anyTxn(t, 0)
	case 11:
		return anyMemberRequest(t)
	case 12:
		return anyAuthRequest(t)
	case 14:
		return &HTTPRequest{Method: anyKey(t, "method"), Path: anyKey(t, "path"), Query: anyKey(t, "query"), Body: anyKey(t, "body")}
	case 15:
		return &OlderRequest{Command: anyKey(t, "command")}
	case 13:
		return newMaintenanceRequest(rapid.ByteRange(kindStatus, kindSnapshot).Draw(t, "maintenance"))
	}
	if op := anyOp(t, 0); op != nil {
		return op
	}
	return nil
}

func anyProposal(t *rapid.T) *Proposal {
	p := &Proposal{ID: rapid.Uint64().Draw(t, "id"), Request: anyRequest(t)}
	if rapid.Bool().Draw(t, "auth") {
		p.User, p.AuthRevision = anyKey(t, "user"), rapid.Uint64().Draw(t, "auth rev")
	}
	return p
}

func TestProposalsSurviveEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyProposal(t)
		data := AppendProposal(nil, p)
		got, err := DecodeProposal(data)
		if err != nil {
			t.Fatalf("%+v: %v", p, err)
		}
		if !reflect.DeepEqual(p, got) {
			t.Fatalf("encoded %#v\ndecoded %#v", p, got)
		}
		if HashRequest(p.Request) != HashRequest(got.Request) {
			t.Fatal("equal requests have different hashes")
		}
		Describe(p.Request) // prints anything
		for n := range data {
			if _, err := DecodeProposal(data[:n]); !errors.Is(err, ErrMalformed) {
				t.Fatalf("the first %d of %d bytes of %s: error %v, want one", n, len(data), Describe(p.Request), err)
			}
		}
		if _, err := DecodeProposal(append(data, 0)); !errors.Is(err, ErrMalformed) {
			t.Fatalf("a byte too many: error %v, want one", err)
		}
	})
}

func TestDeepNestingIsRefusedWithoutHarm(t *testing.T) {
	deep := func(n int) []byte {
		req := &TxnRequest{}
		for range n - 1 {
			req = &TxnRequest{Success: []Op{req}}
		}
		return AppendProposal(nil, &Proposal{Request: req})
	}
	if _, err := DecodeProposal(deep(maxDepth)); err != nil {
		t.Errorf("%d nested transactions: %v", maxDepth, err)
	}
	if _, err := DecodeProposal(deep(maxDepth + 1)); !errors.Is(err, ErrMalformed) {
		t.Errorf("%d nested transactions: error %v, want one", maxDepth+1, err)
	}
}

// Equal values have equal bytes: an integer in more bytes than it needs is refused,
// and so is one of more than 64 bits.
func TestIntegersHaveOneForm(t *testing.T) {
	for _, c := range []struct {
		id []byte
		ok bool
	}{
		{[]byte{0}, true},
		{[]byte{0x80, 0}, false},
		{[]byte{0x80, 1}, true},
		{[]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, true},
		{[]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2}, false},
		{[]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, false},
		{[]byte{0x80}, false},
	} {
		p, err := DecodeProposal(append([]byte{kindLeaseLeases}, c.id...))
		if (err == nil) != c.ok {
			t.Errorf("ID % x: %+v, %v", c.id, p, err)
		}
	}
}

func FuzzDecodeProposal(f *testing.F) {
	for _, p := range []*Proposal{
		{ID: 7, Request: &PutRequest{Key: "k1", Value: "9", Lease: 5, PrevKV: true}},
		{ID: 300, User: "root", AuthRevision: 2, Request: &RangeRequest{Key: "a", RangeEnd: "b", Limit: 5, SortOrder: SortDescend}},
		{ID: 1 << 40, Request: &TxnRequest{
			Compare: []Compare{{Target: CompareValue, Key: "k", Value: "v"}},
			Success: []Op{&PutRequest{Key: "k"}, &TxnRequest{Failure: []Op{&DeleteRangeRequest{Key: "x"}}}}, Failure: []Op{nil},
		}},
		{Request: &LeaseCheckpointRequest{Checkpoints: []LeaseCheckpoint{{ID: 1, RemainingTTL: 2}}}},
	} {
		f.Add(AppendProposal(nil, p))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := DecodeProposal(data)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("error %v is not ErrMalformed", err)
			}
			return
		}
		// What decodes is the one encoding of its value.
		if again := AppendProposal(nil, p); string(again) != string(data) {
			t.Fatalf("%x decodes to %#v, which encodes to %x", data, p, again)
		}
	})
}

func TestHashesTellRequestsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyRequest(t), anyRequest(t)
		if (HashRequest(a) == HashRequest(b)) != reflect.DeepEqual(a, b) {
			t.Fatalf("%#v has hash %x, %#v has %x", a, HashRequest(a), b, HashRequest(b))
		}
	})
}

// The hashes are part of traces: they must never change unnoticed.
func TestHashesStayAsTheyAre(t *testing.T) {
	kv := KeyValue{Key: "k", Value: "v", CreateRevision: 2, ModRevision: 3, Version: 2, Lease: 4}
	for _, c := range []struct {
		name      string
		got, want uint64
	}{
		{"empty", MixString(0, ""), 0x1ff5c2923a788d2c},
		{"short", MixString(0, "abc"), 0x6ab2ed166043d441},
		{"long", MixString(0, "the quick brown fox jumps over the lazy dog"), 0xc278ff5aef46097f},
		{"request", HashRequest(&PutRequest{Key: "k", Value: "v"}), 0x81dfbf2aa9be8a4e},
		{"response", HashResponse(Response{Revision: 3, Result: &TxnResult{Succeeded: true, Responses: []Response{
			{Revision: 3, Result: &PutResult{PrevKV: &kv}}, {Revision: 3, Result: &RangeResult{KVs: []*KeyValue{&kv}, Count: 1}},
		}}}), 0x71fa2cec27734009},
		{"refusal", HashResponse(Response{Revision: 3, Err: ErrCompacted}), 0x30e7143fa3c1f4de},
	} {
		if c.got != c.want {
			t.Errorf("%s: %#016x, want %#016x", c.name, c.got, c.want)
		}
	}
}

// Every result type must enter the hash of a response, with all its fields.
func TestHashesTellResponsesApart(t *testing.T) {
	kv := []*KeyValue{
		{}, {Key: "a"}, {Value: "a"}, {CreateRevision: 1}, {ModRevision: 1}, {Version: 1}, {Lease: 1},
	}
	responses := []Response{
		{},
		{Revision: 1},
		{Err: ErrCompacted},
		{Err: ErrFutureRevision},
		{Err: &Error{Code: Internal, Text: ErrCompacted.Text}},
		{Result: &RangeResult{}},
		{Result: &RangeResult{More: true}},
		{Result: &RangeResult{Count: 1}},
		{Result: &PutResult{}},
		{Result: &DeleteRangeResult{}},
		{Result: &DeleteRangeResult{Deleted: 1}},
		{Result: &TxnResult{}},
		{Result: &TxnResult{Succeeded: true}},
		{Result: &TxnResult{Responses: []Response{{}}}},
		{Result: &TxnResult{Responses: []Response{{Revision: 1}}}},
		{Result: &CompactionResult{}},
		{Result: &LeaseGrantResult{}},
		{Result: &LeaseGrantResult{ID: 1}},
		{Result: &LeaseGrantResult{TTL: 1}},
		{Result: &LeaseRevokeResult{}},
		{Result: &LeaseCheckpointResult{}},
		{Result: &LeaseKeepAliveResult{}},
		{Result: &LeaseKeepAliveResult{ID: 1}},
		{Result: &LeaseKeepAliveResult{TTL: 1}},
		{Result: &LeaseTimeToLiveResult{}},
		{Result: &LeaseTimeToLiveResult{ID: 1}},
		{Result: &LeaseTimeToLiveResult{TTL: 1}},
		{Result: &LeaseTimeToLiveResult{GrantedTTL: 1}},
		{Result: &LeaseTimeToLiveResult{Keys: []string{""}}},
		{Result: &LeaseTimeToLiveResult{Keys: []string{"a"}}},
		{Result: &LeaseLeasesResult{}},
		{Result: &LeaseLeasesResult{Leases: []int64{0}}},
		{Result: &LeaseLeasesResult{Leases: []int64{1}}},
		{Result: &HashKVResult{}},
		{Result: &HashKVResult{Hash: 1}},
		{Result: &HashKVResult{CompactRevision: 1}},
		{Result: &HashKVResult{HashRevision: 1}},
	}
	for i := range kv {
		responses = append(responses, Response{Result: &PutResult{PrevKV: kv[i]}}, Response{Result: &RangeResult{KVs: kv[i : i+1]}},
			Response{Result: &DeleteRangeResult{PrevKVs: kv[i : i+1]}})
	}
	seen := make(map[uint64]Response)
	for _, resp := range responses {
		h := HashResponse(resp)
		if other, ok := seen[h]; ok {
			t.Errorf("%#v and %#v have the same hash", resp, other)
		}
		seen[h] = resp
	}
}

func TestDescribe(t *testing.T) {
	kv := KeyValue{Key: "k1", Value: "4"}
	for _, c := range []struct {
		want string
		req  Request
		resp Response
	}{
		{`put k1=9`, &PutRequest{Key: "k1", Value: "9"}, Response{Result: &PutResult{}}},
		{
			`put k1=9 lease 5 prev-kv, before: 4`,
			&PutRequest{Key: "k1", Value: "9", Lease: 5, PrevKV: true},
			Response{Result: &PutResult{PrevKV: &kv}},
		},
		{`put k1 keeping its value`, &PutRequest{Key: "k1", IgnoreValue: true}, Response{Result: &PutResult{}}},
		{`get k1 = 4`, &RangeRequest{Key: "k1"}, Response{Result: &RangeResult{KVs: []*KeyValue{&kv}, Count: 1}}},
		{`get k1 at 7 serializable = nothing`, &RangeRequest{Key: "k1", Revision: 7, Serializable: true}, Response{Result: &RangeResult{}}},
		{`get "a b"`, &RangeRequest{Key: "a b"}, Response{}},
		{
			`range [a, b) limit 1 = 2 keys: k1=4`,
			&RangeRequest{Key: "a", RangeEnd: "b", Limit: 1},
			Response{Result: &RangeResult{KVs: []*KeyValue{&kv}, Count: 2}},
		},
		{`count all keys = 3 keys`, &RangeRequest{Key: "\x00", RangeEnd: "\x00", CountOnly: true}, Response{Result: &RangeResult{Count: 3}}},
		{
			`range [a, ...) sort mod descending mod>=4 keys-only`,
			&RangeRequest{Key: "a", RangeEnd: "\x00", SortOrder: SortDescend, SortTarget: SortByMod, MinModRevision: 4, KeysOnly: true},
			Response{},
		},
		{`delete [a, b) = 2 deleted`, &DeleteRangeRequest{Key: "a", RangeEnd: "b"}, Response{Result: &DeleteRangeResult{Deleted: 2}}},
		{`compact 7: etcdserver: mvcc: required revision has been compacted`, &CompactionRequest{Revision: 7}, Response{Err: ErrCompacted}},
		{`txn if(version k1 = 0; value k1 > a) then(put k1=1; get k2) else() = then(; nothing)`, &TxnRequest{
			Compare: []Compare{{Key: "k1"}, {Key: "k1", Target: CompareValue, Result: CompareGreater, Value: "a"}},
			Success: []Op{&PutRequest{Key: "k1", Value: "1"}, &RangeRequest{Key: "k2"}},
		}, Response{Result: &TxnResult{Succeeded: true, Responses: []Response{{Result: &PutResult{}}, {Result: &RangeResult{}}}}}},
		{`lease grant 5 ttl 60s = 5 ttl 60s`, &LeaseGrantRequest{ID: 5, TTL: 60}, Response{Result: &LeaseGrantResult{ID: 5, TTL: 60}}},
		{
			`hash at 5 = 0000002a at 5, compacted -1`,
			&HashKVRequest{Revision: 5},
			Response{Result: &HashKVResult{Hash: 42, CompactRevision: -1, HashRevision: 5}},
		},
	} {
		if got := DescribeAnswered(c.req, c.resp); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
		if !strings.HasPrefix(c.want, Describe(c.req)) {
			t.Errorf("%q does not begin with %q", c.want, Describe(c.req))
		}
	}
}

func BenchmarkAppendPut(b *testing.B) {
	p := &Proposal{ID: 1234, Request: &PutRequest{Key: "key-12345678", Value: "value-of-16-byte"}}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendProposal(buf[:0], p)
	}
}

func BenchmarkDecodePut(b *testing.B) {
	data := AppendProposal(nil, &Proposal{ID: 1234, Request: &PutRequest{Key: "key-12345678", Value: "value-of-16-byte"}})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeProposal(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHashRequest(b *testing.B) {
	req := &PutRequest{Key: "key-12345678", Value: "value-of-16-byte"}
	b.ReportAllocs()
	for b.Loop() {
		HashRequest(req)
	}
}

func BenchmarkHashResponse(b *testing.B) {
	resp := Response{Revision: 7, Result: &RangeResult{KVs: []*KeyValue{{Key: "key-12345678", Value: "value-of-16-byte"}}, Count: 1}}
	b.ReportAllocs()
	for b.Loop() {
		HashResponse(resp)
	}
}

func BenchmarkCheckTxn(b *testing.B) {
	req := &TxnRequest{
		Compare: []Compare{{Key: "a"}}, Success: []Op{&PutRequest{Key: "a"}, &PutRequest{Key: "b"}, &RangeRequest{Key: "c"}},
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := Check(req, 128); err != nil {
			b.Fatal(err)
		}
	}
}
