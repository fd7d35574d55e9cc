package mvcc

import (
	"errors"
	"fmt"

	"etcdsim/store"
)

// A delta is what was applied to a store between two moments of its life, as
// bytes: what a member adds to the image on its disk, instead of writing all of
// it anew. The store as it was, and one delta after the other, give the store as
// it is:
//
//	format                                               6 bytes
//	applied, hash of the state before                    integers
//	the numbers after                                    see appendNumbers
//	which parts changed, and those, whole                see parts
//	leases that changed: ID, whether there is one,
//	  and what it is                                     list
//	versions written: key, and as in a snapshot          list
//
// A compaction is not told but done again: which versions it drops follows from
// its revision alone, and not from what was written after it. Those that it
// dropped must therefore be told, too; the journal keeps them.
const deltaFormat = "delta\x01"

// journal is what a store remembers for the next delta: the state at its begin.
type journal struct {
	applied, state uint64
	rev, compacted int64
	rules          *rules
	// leases are those that changed since, some twice.
	leases []int64
	// saved are versions that a compaction may have dropped: all those after rev up
	// to savedRev, count of them, as a delta holds them.
	saved    []byte
	savedRev int64
	count    uint64
}

// BeginDelta lets the next delta begin with the present state.
func (s *Store) BeginDelta() {
	j := s.journal
	if j == nil {
		j = &journal{}
		s.journal = j
	}
	*j = journal{
		applied: s.applied, state: s.StateHash(), rev: s.rev, savedRev: s.rev, compacted: s.compacted, rules: s.rules,
		leases: j.leases[:0], saved: j.saved[:0],
	}
}

// leaseChanged notes that a lease came, went or was checkpointed.
func (s *Store) leaseChanged(id int64) {
	if s.journal != nil {
		s.journal.leases = append(s.journal.leases, id)
	}
}

// save keeps the versions written so far. It is called before any are dropped.
func (j *journal) save(s *Store) {
	j.saved, j.count = s.appendVersions(j.saved, j.savedRev, j.count)
	j.savedRev = s.rev
}

// appendVersions appends the versions written after a revision, and counts them.
func (s *Store) appendVersions(buf []byte, rev int64, count uint64) ([]byte, uint64) {
	t := s.table
	for p := t.since(rev+1, t.next); p < t.next; p++ {
		kv := &t.at(p).kv
		buf = appendVersion(store.AppendString(buf, kv.Key), kv, t.link(p).sub(), rev)
		rev = kv.ModRevision
		count++
	}
	return buf, count
}

// AppendDelta appends what was applied since BeginDelta or the last call. The
// next delta begins here.
func (s *Store) AppendDelta(buf []byte) []byte {
	j := s.journal
	if j == nil {
		panic("mvcc: a delta was asked for that never began")
	}
	buf = store.AppendUint(store.AppendUint(append(buf, deltaFormat...), j.applied), j.state)
	buf = s.appendNumbers(buf)
	var changed uint64
	for i := range parts {
		if parts[i].changed(s, j) {
			changed |= 1 << i
		}
	}
	buf = store.AppendUint(buf, changed)
	for i := range parts {
		if changed&(1<<i) != 0 {
			buf = parts[i].append(s, buf)
		}
	}
	buf = store.AppendUint(buf, uint64(len(j.leases)))
	for _, id := range j.leases {
		buf = store.AppendInt(buf, id)
		if le := s.leases.get(id); le != nil {
			buf = store.AppendInt(store.AppendInt(append(buf, 1), le.ttl), le.remaining)
		} else {
			buf = append(buf, 0)
		}
	}
	j.save(s)
	buf = append(store.AppendUint(buf, j.count), j.saved...)
	s.BeginDelta()
	return buf
}

// ErrOtherDelta: a delta begins at another state than the one it was applied to.
var ErrOtherDelta = errors.New("mvcc: the delta begins elsewhere")

// ApplyDelta does to a store what was done between the two moments of a delta. It
// copies data once, and keys and values are parts of that copy. After an error
// the store is of no use; it wraps ErrCorrupt or ErrOtherDelta.
func (s *Store) ApplyDelta(data []byte) error {
	if len(data) < len(deltaFormat) || string(data[:len(deltaFormat)]) != deltaFormat {
		return fmt.Errorf("%w: %d bytes that do not begin with %q", ErrCorrupt, len(data), deltaFormat)
	}
	r := store.NewReader(string(data[len(deltaFormat):]))
	if applied, state := r.Uint(), r.Uint(); r.Err() == nil && (applied != s.applied || state != s.StateHash()) {
		return fmt.Errorf("%w: after applied index %d with hash %016x, the store is at %d with %016x",
			ErrOtherDelta, applied, state, s.applied, s.StateHash())
	}
	if s.limit != everything {
		s.thaw()
	}
	rev, compacted := s.rev, s.compacted
	s.readNumbers(&r)
	highest := s.highest
	if s.rev < rev || s.compacted < compacted {
		r.Fail("expected a revision from %d and a compaction from %d, found %d and %d", rev, compacted, s.rev, s.compacted)
	}
	changed := r.Uint()
	if changed >= 1<<len(parts) {
		r.Fail("expected one of %d parts, found %#x", len(parts), changed)
	}
	for i := range parts {
		if changed&(1<<i) != 0 {
			parts[i].read(s, &r)
		}
	}
	s.readChangedLeases(&r)
	s.readWritten(&r, rev)
	if err := r.End(); err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if s.compacted > compacted {
		if kept, dropped := s.keep(s.compacted); dropped > 0 {
			s.drop(kept)
		}
	}
	s.highest = highest
	return nil
}

func (s *Store) readChangedLeases(r *store.Reader) {
	for range r.Count() {
		changed := lease{id: r.Int()}
		old := s.leases.get(changed.id)
		switch {
		case r.Byte() != 0:
			if old != nil { // with its keys
				changed = *old
			}
			changed.ttl, changed.remaining = r.Int(), r.Int()
			s.reload(changed)
		case old != nil:
			s.leases.tree.Delete(old)
		}
	}
}

// readWritten reads the versions written after a revision, and moves keys from
// lease to lease as their writing did.
func (s *Store) readWritten(r *store.Reader, rev int64) {
	t := s.table
	before := written{kv: store.KeyValue{ModRevision: rev}}
	for range r.Count() {
		key := r.String()
		ver, ok := s.readVersion(r, key, &before)
		if !ok {
			return
		}
		kv := &ver.kv
		if kv.ModRevision <= rev {
			r.Fail("expected a revision after %d, found %d", rev, kv.ModRevision)
			return
		}
		before = ver
		s.inUse += recordSize(kv)
		hash := hashKey(key)
		slot, head := t.find(key, hash)
		lease := t.at(head).kv.Lease
		p := t.add(head, ver.sub, kv)
		if head != 0 {
			t.setHead(slot, p)
		} else {
			t.addKey(key, hash, p)
		}
		if lease != kv.Lease {
			s.leases.detach(lease)
			s.attach(kv.Lease, key)
		}
	}
}
