package mvcc

import (
	"etcdsim/sim/bug"
	"etcdsim/store"
)

// applyCompaction drops the versions that no read at or after the revision can
// see. The answer always waits until that is done, whether Physical or not.
func (s *Store) applyCompaction(req *store.CompactionRequest) store.Response {
	rev := req.Revision
	switch {
	case rev <= s.compacted:
		return s.refuse(store.ErrCompacted)
	case rev > s.rev:
		return s.refuse(store.ErrFutureRevision)
	}
	s.compact(rev)
	return store.Response{Revision: s.rev, Result: doneCompaction}
}

func (s *Store) compact(rev int64) {
	kept, dropped := s.keep(rev)
	s.settle(rev, kept)
	s.compacted = rev
	s.note(uint64(rev))
	if dropped > 0 {
		if s.journal != nil {
			s.journal.save(s)
		}
		s.drop(kept)
	}
}

// drop removes the versions that are not kept.
func (s *Store) drop(kept placeSet) {
	s.highest = max(s.highest, s.inUse)
	for p := place(1); p < s.table.next; p++ {
		if !kept.has(p) {
			s.inUse -= recordSize(&s.table.at(p).kv)
		}
	}
	s.table = s.table.rebuild(s.table.next, kept)
}

// ForgetRevision takes the newest version that is left for the newest revision: a
// defect, for whoever restores a store. A compaction at a deletion may have left
// nothing of the newest one.
func (s *Store) ForgetRevision() { s.rev = max(1, s.table.at(s.table.next-1).main()) }

// placeSet is a set of places.
type placeSet []uint64

func newPlaceSet(next place) placeSet { return make(placeSet, next/64+1) }

func (s placeSet) add(p place)      { s[p/64] |= 1 << (p % 64) }
func (s placeSet) has(p place) bool { return s[p/64]&(1<<(p%64)) != 0 }

// keep returns the places that a compaction at rev keeps, and how many it drops.
// Of each key it keeps what is newer than rev, what was written at rev, because a
// watcher may begin there, and otherwise the version that is visible at rev.
func (s *Store) keep(rev int64) (kept placeSet, dropped int) {
	t := s.table
	kept = newPlaceSet(t.next)
	dropped = int(t.next) - 1
	for _, p := range t.heads {
		written := false // at rev
		for ; p != 0; p = t.link(p).prev {
			ver := t.at(p)
			older := ver.main() < rev
			if ver.main() == rev && !ver.live() && s.dropsDeletion(rev) {
				older = true
			}
			if older && (written || !ver.live()) {
				break
			}
			kept.add(p)
			dropped--
			if older {
				break
			}
			written = written || ver.main() == rev
		}
	}
	return kept, dropped
}

// dropsDeletion reports whether a compaction drops the deletions at its own revision.
// Only two of the defects do, one of them only where nothing is newer.
func (s *Store) dropsDeletion(rev int64) bool {
	return s.cfg.Bugs.Has(bug.CompactTombstone) || s.cfg.Bugs.Has(bug.CompactLatest) && rev == s.rev
}

// rebuild returns a new table with the versions below limit that are kept; nil
// keeps all. Keys without versions are dropped, the others numbered anew.
func (t *table) rebuild(limit place, kept placeSet) *table {
	fresh := newTable()
	numbers := make([]keyID, len(t.heads)) // by old number: the new one plus 1, or 0
	for p := place(1); p < limit; p++ {
		if kept != nil && !kept.has(p) {
			continue
		}
		old := t.link(p)
		if numbers[old.id] == 0 {
			fresh.heads = append(fresh.heads, 0)
			numbers[old.id] = keyID(len(fresh.heads))
		}
		fresh.append(numbers[old.id]-1, old.sub(), &t.at(p).kv)
	}
	ids := make([]keyID, 0, len(fresh.heads))
	for _, b := range t.order.blocks {
		for _, id := range b.ids {
			if number := numbers[id]; number != 0 {
				ids = append(ids, number-1)
			}
		}
	}
	fresh.index(ids)
	return fresh
}

// append appends a version to the chain of a key, in a table without an index.
func (t *table) append(id keyID, sub uint32, kv *store.KeyValue) {
	p := t.add(t.heads[id], sub, kv)
	t.link(p).id = id
	t.heads[id] = p
}
