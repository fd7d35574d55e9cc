package mvcc

import (
	"slices"

	"github.com/google/btree"

	"etcdsim/store"
)

// maxLeaseTTL bounds a TTL, in seconds, as etcd does (lease.MaxLeaseTTL).
const maxLeaseTTL = 9_000_000_000

// lease is immutable; a change replaces it, so that clones keep what they had.
type lease struct {
	id int64
	// ttl is what was granted, in seconds.
	ttl int64
	// remaining is the last checkpoint, in seconds, or 0.
	remaining int64
	// keys are those ever attached, in this order, some twice, some no longer:
	// attached are those whose present version names the lease. That makes
	// attaching and detaching cheap; attach clears up now and then.
	keys []string
	// attached counts the attached ones. Invariant: the distinct keys among keys
	// that are attached are this many.
	attached int
}

// leases is a set of leases, by ID. The zero value is empty.
type leases struct{ tree *btree.BTreeG[*lease] }

func byID(a, b *lease) bool { return a.id < b.id }

func (l *leases) get(id int64) *lease {
	if l.tree == nil {
		return nil
	}
	found, _ := l.tree.Get(&lease{id: id})
	return found
}

func (l *leases) set(changed lease) {
	if l.tree == nil {
		l.tree = btree.NewG(16, byID)
	}
	l.tree.ReplaceOrInsert(&changed)
}

func (l *leases) len() int {
	if l.tree == nil {
		return 0
	}
	return l.tree.Len()
}

// all returns the leases in the order of their IDs.
func (l *leases) all() []*lease {
	if l.len() == 0 {
		return nil
	}
	all := make([]*lease, 0, l.tree.Len())
	l.tree.Ascend(func(le *lease) bool {
		all = append(all, le)
		return true
	})
	return all
}

// clone returns a set that later changes of this one do not reach.
func (l *leases) clone() leases {
	if l.tree == nil {
		return leases{}
	}
	return leases{l.tree.Clone()}
}

// detach notes that a key left a lease; 0 is none.
func (l *leases) detach(id int64) {
	if id == 0 {
		return
	}
	if old := l.get(id); old != nil {
		changed := *old
		changed.attached--
		l.set(changed)
	}
}

// attach notes that the present version of a key names a lease; 0 is none.
func (s *Store) attach(id int64, key string) {
	if id == 0 {
		return
	}
	old := s.leases.get(id)
	if old == nil {
		return
	}
	changed := *old
	changed.attached++
	changed.keys = append(changed.keys, key)
	if len(changed.keys) > 2*changed.attached+16 {
		changed.keys = s.attachedKeys(&changed)
	}
	s.leases.set(changed)
}

// attachedKeys returns the keys on a lease, sorted.
func (s *Store) attachedKeys(le *lease) []string {
	keys := make([]string, 0, le.attached)
	for _, key := range le.keys {
		if s.lookup(key).kv.Lease == le.id {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func (s *Store) applyLeaseGrant(req *store.LeaseGrantRequest) store.Response {
	switch {
	case req.ID == 0:
		return s.refuse(store.ErrLeaseNotFound)
	case req.TTL > maxLeaseTTL:
		return s.refuse(store.ErrLeaseTTLTooLarge)
	case s.leases.get(req.ID) != nil:
		return s.refuse(store.ErrLeaseExists)
	}
	ttl := max(req.TTL, s.cfg.MinLeaseTTL)
	s.leases.set(lease{id: req.ID, ttl: ttl})
	s.leaseChanged(req.ID)
	s.note(store.Mix(uint64(req.ID), uint64(ttl)))
	return store.Response{Revision: s.rev, Result: &store.LeaseGrantResult{ID: req.ID, TTL: ttl}}
}

// applyLeaseRevoke ends a lease. Its keys are deleted in one revision, in their
// order, so that members agree on the sub-revisions.
func (s *Store) applyLeaseRevoke(req *store.LeaseRevokeRequest) store.Response {
	le := s.leases.get(req.ID)
	if le == nil {
		return s.refuse(store.ErrLeaseNotFound)
	}
	for _, key := range s.attachedKeys(le) {
		if _, p := s.table.find(key, hashKey(key)); p != 0 {
			s.delete(p)
		}
	}
	s.leases.tree.Delete(le)
	s.leaseChanged(req.ID)
	s.note(uint64(req.ID))
	s.commit()
	return store.Response{Revision: s.rev, Result: doneRevoke}
}

// applyLeaseCheckpoint records remaining times; those of unknown leases, which
// were revoked meanwhile, are ignored.
func (s *Store) applyLeaseCheckpoint(req *store.LeaseCheckpointRequest) store.Response {
	for _, c := range req.Checkpoints {
		if old := s.leases.get(c.ID); old != nil {
			changed := *old
			changed.remaining = c.RemainingTTL
			s.leases.set(changed)
			s.leaseChanged(c.ID)
			s.note(store.Mix(^uint64(c.ID), uint64(c.RemainingTTL)))
		}
	}
	return store.Response{Revision: s.rev, Result: doneCheckpoint}
}

// note folds a change beyond the versions into the hash of the state.
func (s *Store) note(change uint64) { s.extra = store.Mix(s.extra, change) }

func (s *Store) readLeaseTimeToLive(req *store.LeaseTimeToLiveRequest) store.Response {
	res := &store.LeaseTimeToLiveResult{ID: req.ID, TTL: -1}
	if le := s.leases.get(req.ID); le != nil {
		res.TTL, res.GrantedTTL = le.left(), le.ttl
		if req.Keys && le.attached > 0 {
			res.Keys = s.attachedKeys(le)
		}
	}
	return store.Response{Revision: s.rev, Result: res}
}

// left returns the time that a new leader gives the lease, in seconds.
func (le *lease) left() int64 {
	if le.remaining > 0 {
		return le.remaining
	}
	return le.ttl
}

func (s *Store) readLeaseKeepAlive(req *store.LeaseKeepAliveRequest) store.Response {
	res := &store.LeaseKeepAliveResult{ID: req.ID}
	if le := s.leases.get(req.ID); le != nil {
		res.TTL = le.ttl
	}
	return store.Response{Revision: s.rev, Result: res}
}

func (s *Store) readLeaseLeases() store.Response {
	res := new(store.LeaseLeasesResult)
	for _, le := range s.leases.all() {
		res.Leases = append(res.Leases, le.id)
	}
	return store.Response{Revision: s.rev, Result: res}
}

// Lease describes a lease to the leader, which counts its time.
type Lease struct {
	ID int64
	// TTL was granted, in seconds. Remaining is what a new leader gives it: the
	// last checkpoint, or the TTL.
	TTL, Remaining int64
}

// Leases returns all leases in the order of their IDs.
func (s *Store) Leases() []Lease {
	all := make([]Lease, 0, s.leases.len())
	for _, le := range s.leases.all() {
		all = append(all, Lease{le.id, le.ttl, le.left()})
	}
	return all
}

// Lease returns a lease, and whether there is one of this ID.
func (s *Store) Lease(id int64) (Lease, bool) {
	if le := s.leases.get(id); le != nil {
		return Lease{id, le.ttl, le.left()}, true
	}
	return Lease{}, false
}
