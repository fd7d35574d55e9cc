package mvcc

import (
	"hash/crc32"
	"testing"

	"etcdsim/store"
)

func hashKV(t *testing.T, s *Store, rev int64) store.HashKVResult {
	t.Helper()
	resp := s.Read(&store.HashKVRequest{Revision: rev})
	if resp.Err != nil {
		t.Fatalf("revision %d: %v", rev, resp.Err)
	}
	return *resp.Result.(*store.HashKVResult)
}

// nothing is the checksum of no records: CRC-32C of "key", as recorded from etcd.
const nothing = 1084519789

// What compacting removes must not enter the checksum of those who have not yet
// done so, and old versions of etcd removed a tombstone at the compacted revision.
func TestChecksumLeavesOutTombstoneAtCompaction(t *testing.T) {
	s := New(Config{})
	do(s, put("a"))
	do(s, &store.DeleteRangeRequest{Key: "a"})
	if got := hashKV(t, s, 1); got.Hash != nothing || got.CompactRevision != -1 || got.HashRevision != 1 {
		t.Errorf("before the first write: %+v", got)
	}
	do(s, &store.CompactionRequest{Revision: 3})
	if got := hashKV(t, s, 0); got.Hash != nothing || got.CompactRevision != 3 {
		t.Errorf("a tombstone that was compacted at: %+v", got)
	}
	if len(eventsSince(s, 3)) != 1 {
		t.Error("the tombstone itself is gone")
	}
}

// If no key is left, etcd has nothing to keep, and takes that for having nothing
// to leave out.
func TestChecksumOfAnEmptiedStore(t *testing.T) {
	s := New(Config{})
	do(s, put("a"))
	do(s, &store.CompactionRequest{Revision: 2})
	do(s, &store.DeleteRangeRequest{Key: "a"})
	records := appendRecord(appendRecord([]byte("key"), s.table.at(1), 0), s.table.at(2), 0)
	if got, want := hashKV(t, s, 0).Hash, crc32.Checksum(records, castagnoli); got != want {
		t.Errorf("got %d, want %d", got, want)
	}
}

// The checksum taken at a compaction answers for its revision ever after, even
// for one that was compacted since, until ten newer ones have taken its place.
func TestChecksumsOfCompactionsAreKept(t *testing.T) {
	s := New(Config{})
	for range 30 {
		do(s, put("a"))
	}
	before := hashKV(t, s, 5)
	do(s, &store.CompactionRequest{Revision: 5})
	do(s, &store.CompactionRequest{Revision: 6})
	if got := hashKV(t, s, 5); got != before {
		t.Errorf("got %+v, want %+v", got, before)
	}
	for rev := int64(7); rev <= 15; rev++ {
		do(s, &store.CompactionRequest{Revision: rev})
	}
	if resp := s.Read(&store.HashKVRequest{Revision: 5}); resp.Err != store.ErrCompacted {
		t.Errorf("after ten more: %+v", resp)
	}
	hashKV(t, s, 6)
}

// Members whose histories are equal have equal checksums at every revision that
// both can still answer for, whenever they compacted.
func TestChecksumsAreComparable(t *testing.T) {
	one, two := New(Config{}), New(Config{})
	for i := range 40 {
		req := store.Request(put([]string{"a", "b", "c"}[i%3]))
		if i%5 == 4 {
			req = &store.DeleteRangeRequest{Key: "b", RangeEnd: "\x00"}
		}
		do(one, req)
		do(two, req)
		if i%7 == 6 {
			do(one, &store.CompactionRequest{Revision: one.Revision() - 3})
			do(two, &store.CompactionRequest{Revision: two.Revision() - 3})
		}
	}
	for rev := one.CompactRevision(); rev <= one.Revision(); rev++ {
		if a, b := hashKV(t, one, rev), hashKV(t, two, rev); a != b {
			t.Errorf("revision %d: %+v and %+v", rev, a, b)
		}
	}
	if hashKV(t, one, one.Revision()) == hashKV(t, one, one.Revision()-1) {
		t.Error("another revision has the same checksum")
	}
}

// Without an order, a target other than the key sorts each part of a stream: the
// next part begins after the last key of the sorted one.
func TestStreamSortsEachPart(t *testing.T) {
	s := New(Config{})
	for i := range 64 {
		do(s, &store.PutRequest{Key: benchKey(i), Value: string(rune('a' + i*7%26))})
	}
	req := store.RangeRequest{Key: "\x00", RangeEnd: "\x00", SortTarget: store.SortByValue}
	resp := s.Read(&store.RangeStreamRequest{Range: req})
	got := resp.Result.(*store.RangeResult).KVs

	var want []*store.KeyValue
	for limit := int64(10); ; limit *= 2 {
		req.Limit = limit
		part := s.Read(&req).Result.(*store.RangeResult)
		if want = append(want, part.KVs...); !part.More {
			break
		}
		req.Key = part.KVs[len(part.KVs)-1].Key + "\x00"
	}
	if len(got) != len(want) {
		t.Fatalf("%d keys, want %d", len(got), len(want))
	}
	for i := range got {
		if *got[i] != *want[i] {
			t.Fatalf("key %d: got %+v, want %+v", i, got[i], want[i])
		}
	}
	if len(want) == 64 {
		t.Error("no part was sorted: the test shows nothing")
	}
}
