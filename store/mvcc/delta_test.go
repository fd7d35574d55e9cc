package mvcc

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"etcdsim/store"
)

// kept says of each field of a Store where it is kept: in snapshots and deltas,
// or nowhere and why. Whoever adds state to the store adds it to appendNumbers or
// to parts, and here.
var kept = map[string]string{
	"cfg": "given by the member", "limit": "of a clone", "sub": "0 between requests",
	"watchers": "of this process", "settled": "of this process",
	"journal": "of this process", "found": "working space", "paths": "working space",

	"applied": "numbers", "rev": "numbers", "compacted": "numbers", "hash": "numbers", "extra": "numbers", "highest": "numbers",
	"rules": "parts", "leases": "parts, and the list of changed ones",
	"table": "versions", "inUse": "follows from the versions",
}

func TestNoStateIsForgotten(t *testing.T) {
	for f := range reflect.TypeFor[Store]().Fields() {
		if kept[f.Name] == "" {
			t.Errorf("field %s of Store: is it part of snapshots and deltas? See parts in snapshot.go, and kept here", f.Name)
		}
	}
}

// anyEntry draws a request as the log may carry it, refused ones included.
func anyEntry(t *rapid.T, s *Store) store.Request {
	leaseID := func() int64 { return rapid.SampledFrom([]int64{1, 2, -3}).Draw(t, "lease") }
	put := func() *store.PutRequest {
		req := &store.PutRequest{Key: someKey.Draw(t, "put"), Value: fmt.Sprint(s.Applied())}
		if rapid.IntRange(0, 2).Draw(t, "on a lease") == 0 {
			req.Lease = leaseID()
		}
		return req
	}
	drop := func() *store.DeleteRangeRequest {
		r := rapid.SampledFrom(ranges).Draw(t, "delete")
		return &store.DeleteRangeRequest{Key: r[0], RangeEnd: r[1]}
	}
	switch rapid.IntRange(0, 13).Draw(t, "entry") {
	case 0, 1, 2:
		return put()
	case 3, 4:
		return drop()
	case 5:
		return &store.TxnRequest{Success: []store.Op{drop(), put(), drop()}}
	case 6:
		return &store.CompactionRequest{Revision: rapid.Int64Range(0, s.Revision()).Draw(t, "compact")}
	case 7:
		return &store.LeaseGrantRequest{ID: leaseID(), TTL: rapid.Int64Range(1, 100).Draw(t, "ttl")}
	case 8:
		return &store.LeaseRevokeRequest{ID: leaseID()}
	case 9:
		return &store.LeaseCheckpointRequest{Checkpoints: []store.LeaseCheckpoint{{ID: leaseID(), RemainingTTL: 5}}}
	case 10:
		return rapid.SampledFrom([]store.Request{
			&store.UserAddRequest{Name: "u", HashedPassword: "h"}, &store.UserDeleteRequest{Name: "u"},
			&store.RoleAddRequest{Name: "r"}, &store.UserGrantRoleRequest{User: "u", Role: "r"},
			&store.RoleGrantPermissionRequest{Name: "r", Perm: &store.Permission{Type: store.PermitWrite, Key: "b", RangeEnd: "e"}},
		}).Draw(t, "auth")
	case 11:
		return &store.AlarmRequest{
			Action: store.AlarmAction(rapid.IntRange(1, 2).Draw(t, "action")), Alarm: store.Alarm{MemberID: 1, Type: store.AlarmNoSpace},
		}
	case 12:
		return nil // a new leader's entry, or a configuration change
	}
	return &store.PutRequest{Key: "c", IgnoreValue: true, IgnoreLease: true}
}

func applyEntry(s *Store, req store.Request) {
	if req == nil {
		s.Skip(s.Applied() + 1)
		return
	}
	s.Apply(s.Applied()+1, &store.Proposal{Request: req})
}

// An image and the deltas since give the store that was applied in one go: byte
// for byte, and in everything it does from then on.
func TestDeltasGiveTheStore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := New(Config{})
		for range rapid.IntRange(0, 20).Draw(t, "before") {
			applyEntry(s, anyEntry(t, s))
		}
		copied, err := Decode(Config{}, s.Encode())
		if err != nil {
			t.Fatal(err)
		}
		s.BeginDelta()
		for range rapid.IntRange(1, 4).Draw(t, "deltas") {
			for range rapid.IntRange(0, 12).Draw(t, "entries") {
				applyEntry(s, anyEntry(t, s))
			}
			if rapid.IntRange(0, 5).Draw(t, "defragment") == 0 {
				s.Defragment()
			}
			if err := copied.ApplyDelta(s.AppendDelta(nil)); err != nil {
				t.Fatal(err)
			}
			compareStores(t, copied, s)
		}
		for range 5 {
			req := anyEntry(t, s)
			applyEntry(s, req)
			applyEntry(copied, req)
			compareStores(t, copied, s)
		}
	})
}

func compareStores(t interface {
	Helper()
	Fatalf(string, ...any)
}, got, want *Store,
) {
	t.Helper()
	switch {
	case got.StateHash() != want.StateHash():
		t.Fatalf("state hash %016x after the deltas, want %016x", got.StateHash(), want.StateHash())
	case string(got.Encode()) != string(want.Encode()):
		t.Fatalf("after the deltas the store encodes to other bytes:\n%q\nwant\n%q", got.Encode(), want.Encode())
	case got.inUse != want.inUse || got.Size() != want.Size():
		t.Fatalf("%d bytes of %d in use, want %d of %d", got.inUse, got.Size(), want.inUse, want.Size())
	}
	for _, le := range want.leases.all() {
		req := &store.LeaseTimeToLiveRequest{ID: le.id, Keys: true}
		if a, b := got.Read(req), want.Read(req); !reflect.DeepEqual(a, b) {
			t.Fatalf("lease %d after the deltas: %+v, want %+v", le.id, a.Result, b.Result)
		}
	}
}

// The case that makes a delta tell what a compaction dropped: without the
// tombstone, the version before it would be the newest one, and stay.
func TestDeltaTellsWhatACompactionDropped(t *testing.T) {
	s := New(Config{})
	applyEntry(s, &store.PutRequest{Key: "k", Value: "v"})
	copied, err := Decode(Config{}, s.Encode())
	if err != nil {
		t.Fatal(err)
	}
	s.BeginDelta()
	applyEntry(s, &store.DeleteRangeRequest{Key: "k"})
	applyEntry(s, &store.PutRequest{Key: "other"})
	applyEntry(s, &store.CompactionRequest{Revision: 4})
	if err := copied.ApplyDelta(s.AppendDelta(nil)); err != nil {
		t.Fatal(err)
	}
	compareStores(t, copied, s)
}

func TestDeltaFitsOneStore(t *testing.T) {
	s := sample()
	s.BeginDelta()
	applyEntry(s, &store.PutRequest{Key: "k"})
	delta := s.AppendDelta(nil)
	for _, other := range []*Store{New(Config{}), s} {
		if err := other.ApplyDelta(delta); !errors.Is(err, ErrOtherDelta) {
			t.Errorf("a store at applied index %d: %v, want ErrOtherDelta", other.Applied(), err)
		}
	}
	if err := sample().ApplyDelta(delta); err != nil {
		t.Error(err)
	}
	for n := range delta {
		if err := sample().ApplyDelta(delta[:n]); err == nil {
			t.Errorf("the first %d of %d bytes were accepted", n, len(delta))
		}
	}
}

// FuzzApplyDelta: no bytes make it panic, and a store that takes them works.
func FuzzApplyDelta(f *testing.F) {
	s := sample()
	s.BeginDelta()
	for _, req := range []store.Request{
		&store.PutRequest{Key: "a", Value: "2", Lease: 7}, &store.LeaseRevokeRequest{ID: -8}, &store.CompactionRequest{Revision: 5},
		&store.LeaseGrantRequest{ID: 9, TTL: 9}, &store.DeleteRangeRequest{Key: "b", RangeEnd: "\x00"},
		&store.AlarmRequest{Action: store.AlarmActivate, Alarm: store.Alarm{MemberID: 1, Type: store.AlarmNoSpace}},
	} {
		applyEntry(s, req)
	}
	f.Add(s.AppendDelta(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := sample()
		if s.ApplyDelta(data) != nil {
			return
		}
		for _, req := range []store.Request{
			&store.PutRequest{Key: "a", Value: "x"}, &store.DeleteRangeRequest{Key: "b", RangeEnd: "\x00"},
			&store.LeaseRevokeRequest{ID: 7}, &store.CompactionRequest{Revision: s.Revision()},
		} {
			applyEntry(s, req)
		}
		if _, err := Decode(Config{}, s.Encode()); err != nil {
			t.Fatalf("its own bytes: %v", err)
		}
	})
}

// BenchmarkDelta is the cost of a delta for one put among many keys: it does not
// grow with them.
func BenchmarkDelta(b *testing.B) {
	for _, keys := range []int{100, 100_000} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			s := New(Config{})
			names := make([]string, keys)
			for i := range names {
				names[i] = fmt.Sprintf("key-%06d", i)
				applyEntry(s, &store.PutRequest{Key: names[i], Value: "value"})
			}
			s.BeginDelta()
			var buf []byte
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				applyEntry(s, &store.PutRequest{Key: names[n%keys], Value: "value"})
				if n++; n%16 == 0 {
					buf = s.AppendDelta(buf[:0])
				}
			}
		})
	}
}
