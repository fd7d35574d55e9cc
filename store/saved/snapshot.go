package saved

import (
	"crypto/sha256"
	"encoding/hex"

	"etcdsim/store"
)

// Snapshot is the state of a member after some prefix of the log. It must not be
// changed once it is shared.
//
// Invariants of one that Read returns, and that Write expects: versions ascend by
// revision and sub-revision, none is above Revision; of a version that is no
// deletion 1 <= CreateRevision <= ModRevision and Version >= 1; Revision is that of
// the last version or of the last compaction; leases ascend by ID, users and roles by
// name, a user's roles too; nothing is there twice.
type Snapshot struct {
	// Index and Term are those of the last entry of the log that is in it.
	Index, Term uint64
	// Revision is the newest; that of an empty store is 1.
	Revision int64
	// Compacted is the revision of the last compaction, or -1. Scheduled is that of a
	// later one which had begun and not ended when the file was taken, or 0: whoever
	// takes the file over ends it.
	Compacted, Scheduled int64
	Versions             []Version
	Leases               []Lease
	Auth                 Auth
	Alarms               []store.Alarm
	// Members are those of the cluster, and Removed those that were.
	Members []store.Member
	Removed []uint64
	// File is the database that the snapshot was read from, without a checksum; empty
	// if it was made otherwise.
	File string
}

// Sum returns the SHA-256 of the file that the snapshot was read from, by which it is
// known.
func (s *Snapshot) Sum() string {
	sum := sha256.Sum256([]byte(s.File))
	return hex.EncodeToString(sum[:])
}

// Version is what one write did to one key: Version 0 is a deletion, of which
// besides Key and ModRevision nothing is set.
//
// One without a Key is a blank: what "etcdutl snapshot restore --bump-revision" leaves
// to raise the revision. etcd takes it for the first version of a key without a name,
// which nobody can ask for, and keeps it through compactions; it is in the checksums.
type Version struct {
	store.KeyValue
	// Sub is the number of the write within its revision, from 0 to MaxSub.
	Sub int64
}

// MaxSub is the largest number of a write within its revision.
const MaxSub = 1<<27 - 1

// Lease is a lease: the TTL that was granted, and what was left of it at the last
// checkpoint, or 0; in seconds.
type Lease struct{ ID, TTL, Remaining int64 }

// Auth is who may do what.
type Auth struct {
	Enabled bool
	// Revision counts changes, from 1.
	Revision uint64
	Users    []User
	Roles    []Role
}

// User is a user.
type User struct {
	Name string
	// Password is the hash of the password; etcd's are of bcrypt.
	Password   string
	NoPassword bool
	Roles      []string
}

// Role is a role and what it allows.
type Role struct {
	Name        string
	Permissions []store.Permission
}

// History returns the revision from which on the history is whole: reads before it
// are refused. It is -1 if nothing was ever compacted.
func (s *Snapshot) History() int64 {
	if s.Scheduled != 0 {
		return s.Scheduled
	}
	return s.Compacted
}
