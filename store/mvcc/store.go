package mvcc

import (
	"fmt"

	"etcdsim/sim/bug"
	"etcdsim/store"
)

// Config is what all members of a cluster must agree on. The zero value is
// etcd's default without a minimum TTL.
type Config struct {
	// MinLeaseTTL, in seconds: shorter TTLs are raised to it. etcd derives it from
	// the election timeout (1.5 times, rounded up).
	MinLeaseTTL int64
	// Bugs are defects to switch on; those of other rooms do nothing here.
	Bugs bug.Set
}

// Store is the replicated state of one member. Two stores that applied the same
// log are equal in everything they answer.
type Store struct {
	cfg Config
	// table is shared with clones.
	table *table
	// limit excludes the versions that the owner of the table wrote after this
	// store was cloned from it. Invariant: everything, if this store is the owner.
	limit place

	// rev is the newest revision; a new store's is 1.
	rev int64
	// sub counts the changes of the transaction under way, which write revision
	// rev+1. Invariant: 0 between requests.
	sub uint32
	// compacted is the revision of the last compaction, or -1.
	compacted int64
	// applied is the index of the newest log entry that was applied.
	applied uint64
	// hash is the running hash of the versions written, extra that of all else.
	hash, extra uint64
	// settled are the checksums taken at the newest compactions, as far as this process
	// took them: as in etcd they are no part of the state.
	settled []store.HashKVResult
	leases  leases
	// rules is nil as long as there are no users, roles and alarms.
	rules *rules
	// inUse is the size of the versions, in bytes, and highest the most that
	// compactions have seen of it (see Size).
	inUse, highest int64
	// watchers are told of what is applied; nil if there are none.
	watchers *Watchers
	// journal is what a delta needs to know; nil if nobody asked for one.
	journal *journal

	// Working space, without meaning between requests.
	found []place
	paths []bool
}

// New returns an empty store.
func New(cfg Config) *Store {
	return &Store{cfg: cfg, table: newTable(), limit: everything, rev: 1, compacted: -1}
}

// Revision returns the newest revision; that of an empty store is 1.
func (s *Store) Revision() int64 { return s.rev }

// CompactRevision returns the revision of the last compaction, or -1.
func (s *Store) CompactRevision() int64 { return s.compacted }

// Versions returns the number of versions of all keys, tombstones included.
func (s *Store) Versions() int64 { return int64(min(s.limit, s.table.next)) - 1 }

// Applied returns the index of the newest log entry that was applied.
func (s *Store) Applied() uint64 { return s.applied }

// Skip records that a log entry without a request was applied: an empty one, or
// a configuration change.
func (s *Store) Skip(index uint64) { s.applied = index }

// Hash returns a hash of all versions ever written, kept up to date at each
// write. Members at an equal revision have equal hashes, whatever they compacted.
func (s *Store) Hash() uint64 { return s.hash }

// StateHash returns a hash of everything in the store: versions, compactions,
// leases. Members at an equal applied index have equal ones.
func (s *Store) StateHash() uint64 { return store.Mix(s.hash, s.extra) }

// Apply applies the log entry at index, which carries p, and returns what the
// member that took the request in answers to its client. A refused request has
// changed nothing but the applied index.
func (s *Store) Apply(index uint64, p *store.Proposal) store.Response {
	s.applied = index
	if s.limit != everything {
		s.thaw()
	}
	if s.rules != nil {
		if err := s.permit(p); err != nil {
			return s.refuse(err)
		}
	}
	switch req := p.Request.(type) {
	case *store.PutRequest:
		return s.applyPut(req)
	case *store.DeleteRangeRequest:
		return s.applyDeleteRange(req)
	case *store.TxnRequest:
		return s.applyTxn(req)
	case *store.CompactionRequest:
		return s.applyCompaction(req)
	case *store.LeaseGrantRequest:
		return s.applyLeaseGrant(req)
	case *store.LeaseRevokeRequest:
		return s.applyLeaseRevoke(req)
	case *store.LeaseCheckpointRequest:
		return s.applyLeaseCheckpoint(req)
	}
	if resp, ok := s.applyAuth(p.Request); ok {
		return resp
	}
	return s.Read(p.Request)
}

// Read serves a request that changes nothing (see store.ReadOnly) from the
// present state.
func (s *Store) Read(req store.Request) store.Response {
	switch req := req.(type) {
	case *store.RangeRequest:
		return s.readRange(req)
	case *store.RangeStreamRequest:
		return s.readRangeStream(&req.Range)
	case *store.TxnRequest:
		if store.ReadOnly(req) {
			return s.applyTxn(req)
		}
	case *store.HashKVRequest:
		return s.readHashKV(req)
	case *store.LeaseTimeToLiveRequest:
		return s.readLeaseTimeToLive(req)
	case *store.LeaseKeepAliveRequest:
		return s.readLeaseKeepAlive(req)
	case *store.LeaseLeasesRequest:
		return s.readLeaseLeases()
	}
	panic(fmt.Sprintf("mvcc: a %T is not for reading", req))
}

// present returns the revision that a reader sees: inside a transaction that has
// changed something, already the new one.
func (s *Store) present() int64 {
	if s.sub > 0 {
		return s.rev + 1
	}
	return s.rev
}

// commit ends a transaction.
func (s *Store) commit() {
	if s.sub == 0 {
		return
	}
	first := s.table.next - s.sub
	s.rev++
	s.sub = 0
	if s.watchers != nil {
		s.watchers.notify(first)
	}
}

func (s *Store) refuse(err *store.Error) store.Response {
	return store.Response{Revision: s.rev, Err: err}
}

// lookup returns the present version of a key: a tombstone if there is none.
func (s *Store) lookup(key string) *version {
	return s.lookupAt(key, s.rev+1)
}

// lookupAt returns the version of a key at a revision: a tombstone if there is
// none.
func (s *Store) lookupAt(key string, rev int64) *version {
	t := s.table
	_, p := t.find(key, hashKey(key))
	return t.newest(p, s.limit, rev)
}
