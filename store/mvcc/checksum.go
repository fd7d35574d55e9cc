package mvcc

import (
	"cmp"
	"hash/crc32"
	"math/bits"
	"slices"

	"etcdsim/store"
	"etcdsim/store/saved"
)

// etcd's checksum of a member (storage/mvcc/hash.go): CRC-32C over the name of
// the bucket, "key", and over all its records in order, as package saved puts them
// into files. So a store that never held such records can still be compared with
// etcd in one number.

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maxSettled bounds the checksums kept of compactions (etcd's hashStorageMaxSize).
const maxSettled = 10

func (s *Store) readHashKV(req *store.HashKVRequest) store.Response {
	for i := range s.settled {
		// Answered even if the revision was compacted since, and for revision 0 if
		// that was "compacted" once: etcd looks here first.
		if s.settled[i].HashRevision == req.Revision {
			return store.Response{Revision: s.rev, Result: &s.settled[i]}
		}
	}
	rev := req.Revision
	switch {
	case rev > s.rev:
		return s.refuse(store.ErrFutureRevision)
	case rev > 0 && rev < s.compacted:
		return s.refuse(store.ErrCompacted)
	case rev == 0:
		rev = s.rev
	}
	var kept placeSet
	if s.compacted > 0 {
		kept = s.visible(rev)
	}
	return store.Response{Revision: s.rev, Result: s.checksum(rev, kept)}
}

// BackendHash returns a checksum over everything in the store, but not over how
// far it has applied the log or how large its file has been; etcd's Hash.
func (s *Store) BackendHash() uint32 {
	c := s.Clone()
	c.applied, c.highest = 0, 0
	return crc32.Checksum(c.Encode(), castagnoli)
}

// settle takes the checksum of a compaction at rev, of what is there before it.
func (s *Store) settle(rev int64, kept placeSet) {
	settled := append(slices.Clone(s.settled), *s.checksum(rev, kept))
	slices.SortFunc(settled, func(a, b store.HashKVResult) int { return cmp.Compare(a.HashRevision, b.HashRevision) })
	s.settled = settled[max(0, len(settled)-maxSettled):]
}

// visible returns the places of the live versions of all keys at a revision.
func (s *Store) visible(rev int64) placeSet {
	set := newPlaceSet(s.table.next)
	rev = max(rev, 0) // before that there is nothing to find
	for id := range s.table.heads {
		if p := s.placeAt(keyID(id), rev); p != 0 {
			set.add(p)
		}
	}
	return set
}

// checksum hashes the versions up to rev. Of those that a compaction has already
// looked at it takes only those in kept, so that members which removed the others
// and members which have yet to do so agree; for the same reason it leaves out
// tombstones at the compacted revision, which old versions of etcd removed.
func (s *Store) checksum(rev int64, kept placeSet) *store.HashKVResult {
	t := s.table
	end := t.since(rev+1, s.limit)
	some := anyBelow(kept, end)
	crc := crc32.Update(0, castagnoli, []byte("key"))
	buf := make([]byte, 0, 4096)
	for p := place(1); p < end; p++ {
		ver := t.at(p)
		main := ver.main()
		if main <= s.compacted && some && !kept.has(p) || main == s.compacted && !ver.live() {
			continue
		}
		if buf = appendRecord(buf, ver, t.link(p).sub()); len(buf) > 3072 {
			crc = crc32.Update(crc, castagnoli, buf)
			buf = buf[:0]
		}
	}
	return &store.HashKVResult{
		Hash: crc32.Update(crc, castagnoli, buf), CompactRevision: s.compacted, HashRevision: rev,
	}
}

// anyBelow reports whether a set has a place below end.
func anyBelow(set placeSet, end place) bool {
	for p := place(1); p < end && set != nil; p++ {
		if set.has(p) {
			return true
		}
	}
	return false
}

// appendRecord appends the version of the sub-th change as etcd's backend holds it.
func appendRecord(buf []byte, ver *version, sub uint32) []byte {
	buf = saved.AppendKey(buf, ver.main(), int64(sub), !ver.live())
	return saved.AppendValue(buf, &ver.kv)
}

// encodedKV returns the size of a key-value in protobuf.
func encodedKV(kv *store.KeyValue) int {
	return encodedField(kv.Key) + encodedField(kv.Value) +
		encodedVarint(kv.CreateRevision) + encodedVarint(kv.ModRevision) + encodedVarint(kv.Version) + encodedVarint(kv.Lease)
}

// encodedField returns the size of a protobuf field of bytes, with a number below
// 16.
func encodedField(s string) int {
	if s == "" {
		return 0
	}
	return encodedVarint(int64(len(s))) + len(s)
}

// encodedVarint returns the size of a protobuf field of an integer, likewise.
func encodedVarint(v int64) int {
	if v == 0 {
		return 0
	}
	return 1 + (bits.Len64(uint64(v))+6)/7
}
