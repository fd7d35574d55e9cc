package checker

import (
	"slices"

	"etcdsim/store"
)

// state is the whole store at one moment: etcd's key-value space with its
// history, the compaction mark and the leases. It is a value: applying a request
// returns another state and leaves the old one as it was, so that a search may
// go back to it. Two states share what they have in common.
type state struct {
	// now is the newest revision; the older ones hang on it. A new store is at
	// revision 1.
	now *revision
	// compacted is the revision below which history is gone; -1 before the first
	// compaction, as in etcd.
	compacted int64
	// leases holds the IDs of the leases that exist, sorted. Which keys hang on a
	// lease is said by the keys.
	leases []int64
	// alarms that are on, by type and member.
	alarms []store.Alarm
}

// emptyState is a new store.
func emptyState() state { return state{now: firstRevision(), compacted: -1} }

func (s *state) rev() int64 { return s.now.number }

func (s *state) hasLease(id int64) bool {
	_, found := slices.BinarySearch(s.leases, id)
	return found
}

// hash tells most states apart; equal states have equal hashes.
func (s *state) hash() uint64 {
	h := store.Mix(s.now.hash, uint64(s.compacted))
	for _, id := range s.leases {
		h = store.Mix(h, uint64(id))
	}
	for _, a := range s.alarms {
		h = store.Mix(h, uint64(a.Type)<<32^a.MemberID)
	}
	return h
}

// equal reports whether two states would answer every request alike.
func (s *state) equal(o *state) bool {
	return s == o ||
		s.compacted == o.compacted && slices.Equal(s.leases, o.leases) && slices.Equal(s.alarms, o.alarms) && s.now.equal(o.now)
}

// maxLeaseTTL is the largest TTL that etcd grants, in seconds.
const maxLeaseTTL = 9_000_000_000

// model is the reference of etcd's key-value store. It answers requests one at
// a time; what a request means is said once, here and in model_range.go and
// model_txn.go, after etcd 3.7. It knows nothing of members, logs or time.
type model struct {
	// minTTL is the least TTL that members grant, in seconds; 0 if that is not
	// known, which makes every TTL not below the one asked for acceptable.
	minTTL int64
	// partial: see Options.Partial.
	partial bool

	// told, if not nil, takes what watchers are told of the requests applied.
	told *[]store.Event

	// rangeResult is the result of the last range outside a transaction.
	rangeResult store.RangeResult
}

// apply returns the state after the request and its answer. A refused request
// leaves the state as it is. known is false for requests that the model has no
// opinion on; they leave the state alone as well.
//
// The body of the answer to a plain range is valid until the next call.
func (m *model) apply(s *state, r store.Request) (next state, answer store.Response, known bool) {
	e := edit{before: s, root: s.now.root, told: m.told}
	next = *s
	err := s.alarmed(r)
	if err != nil {
		return next, store.Response{Err: err}, true
	}
	switch r := r.(type) {
	case *store.RangeRequest:
		answer, err = e.rangeKeys(r, &m.rangeResult)
	case *store.RangeStreamRequest:
		if r.Range.SortTarget != store.SortByKey && !r.Range.CountOnly {
			return next, store.Response{}, false // etcd sorts each part of the stream by itself
		}
		answer, err = e.rangeKeys(&r.Range, &m.rangeResult)
	case *store.PutRequest:
		if err = e.checkPut(r); err == nil {
			answer = e.put(r)
		}
	case *store.DeleteRangeRequest:
		answer = e.deleteRange(r)
	case *store.TxnRequest:
		answer, err = e.txn(r)
	case *store.CompactionRequest:
		if err = checkCompaction(s, r.Revision); err == nil {
			next.compacted = r.Revision
			answer.Result = &store.CompactionResult{}
		}
	case *store.LeaseGrantRequest:
		if err = checkGrant(s, r); err == nil {
			at, _ := slices.BinarySearch(s.leases, r.ID)
			next.leases = slices.Insert(slices.Clone(s.leases), at, r.ID)
			answer.Result = &store.LeaseGrantResult{ID: r.ID, TTL: max(r.TTL, m.minTTL)}
		}
	case *store.LeaseRevokeRequest:
		at, found := slices.BinarySearch(s.leases, r.ID)
		if !found {
			err = store.ErrLeaseNotFound
			break
		}
		next.leases = slices.Delete(slices.Clone(s.leases), at, at+1)
		e.deleteLeased(r.ID)
		answer.Result = &store.LeaseRevokeResult{}
	case *store.AlarmRequest:
		alarms, result := s.alarm(r)
		next.alarms, answer.Result = alarms, result
	case *store.LeaseCheckpointRequest: // says how long leases have left; keys do not change
		answer.Result = &store.LeaseCheckpointResult{}
	default:
		return next, store.Response{}, false
	}
	if err != nil {
		return *s, store.Response{Err: err}, true
	}
	if e.changed {
		next.now = s.now.after(e.root, e.sum)
	}
	answer.Revision = next.rev()
	return next, answer, true
}

func checkCompaction(s *state, rev int64) *store.Error {
	switch {
	case rev <= s.compacted:
		return store.ErrCompacted
	case rev > s.rev():
		return store.ErrFutureRevision
	}
	return nil
}

func checkGrant(s *state, r *store.LeaseGrantRequest) *store.Error {
	switch {
	case r.ID == 0:
		return store.ErrLeaseNotFound
	case r.TTL > maxLeaseTTL:
		return store.ErrLeaseTTLTooLarge
	case s.hasLease(r.ID):
		return store.ErrLeaseExists
	}
	return nil
}

// edit is a request at work: the keys as it has left them so far.
type edit struct {
	before *state
	root   *keyNode
	// changed: something was written, so that the request has a revision.
	changed bool
	// sum is a hash of what was written; the order within a request does not
	// matter.
	sum uint64
	// told, if not nil, takes an event for each write.
	told *[]store.Event
}

// rev is the revision as seen from inside the request: before its first write
// the old one, from then on its own.
func (e *edit) rev() int64 {
	if e.changed {
		return e.before.rev() + 1
	}
	return e.before.rev()
}

// checkPut refuses what the state before the request forbids.
func (e *edit) checkPut(r *store.PutRequest) *store.Error {
	if r.Lease != 0 && !e.before.hasLease(r.Lease) {
		return store.ErrLeaseNotFound
	}
	if (r.IgnoreValue || r.IgnoreLease) && e.before.now.root.get(r.Key) == nil {
		return store.ErrKeyNotFound
	}
	return nil
}

var plainPut = &store.PutResult{}

// put writes a key. With IgnoreValue or IgnoreLease the key exists, unless the
// same transaction has just deleted it, which etcd lets through only for a range
// without an end, and does not survive.
func (e *edit) put(r *store.PutRequest) store.Response {
	old := e.root.get(r.Key)
	kv := &store.KeyValue{Key: r.Key, Value: r.Value, Lease: r.Lease}
	result := plainPut
	if old != nil {
		if r.IgnoreValue {
			kv.Value = old.Value
		}
		if r.IgnoreLease {
			kv.Lease = old.Lease
		}
		if r.PrevKV {
			result = &store.PutResult{PrevKV: old}
		}
	}
	e.changed = true
	kv.ModRevision = e.rev()
	if old != nil {
		kv.CreateRevision, kv.Version = old.CreateRevision, old.Version+1
	} else {
		kv.CreateRevision, kv.Version = kv.ModRevision, 1
	}
	e.root = e.root.put(kv)
	e.tell(store.EventPut, kv)
	e.sum += store.Mix(store.MixString(store.MixString(uint64(kv.Lease), kv.Key), kv.Value), 1)
	return store.Response{Revision: e.rev(), Result: result}
}

func (e *edit) deleteRange(r *store.DeleteRangeRequest) store.Response {
	result := &store.DeleteRangeResult{}
	e.root.ascend(r.Key, r.RangeEnd, func(kv *store.KeyValue) {
		result.Deleted++
		if r.PrevKV {
			result.PrevKVs = append(result.PrevKVs, kv)
		}
		e.delete(kv.Key)
	})
	return store.Response{Revision: e.rev(), Result: result}
}

// deleteLeased deletes the keys that hang on a lease.
func (e *edit) deleteLeased(lease int64) {
	e.root.ascend("\x00", "\x00", func(kv *store.KeyValue) {
		if kv.Lease == lease {
			e.delete(kv.Key)
		}
	})
}

func (e *edit) delete(key string) {
	e.root = e.root.delete(key)
	e.sum += store.MixString(0, key)
	e.changed = true
	e.tell(store.EventDelete, &store.KeyValue{Key: key, ModRevision: e.rev()})
}

// tell notes what a watcher is told of a write.
func (e *edit) tell(what store.EventType, kv *store.KeyValue) {
	if e.told != nil {
		*e.told = append(*e.told, store.Event{Type: what, KV: kv})
	}
}
