package saved

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"etcdsim/store"
	"etcdsim/store/bolt"
)

// maxRevision leaves room to go on.
const maxRevision = math.MaxInt64 / 2

// parsers read a bucket each, item by item. Buckets that are not named here are of
// no use to a new cluster.
var parsers = map[string]func(s *Snapshot, key, value string) error{
	bucketAlarm: (*Snapshot).readAlarm,
	bucketAuth:  (*Snapshot).readAuth,
	bucketRoles: (*Snapshot).readRole,
	bucketUsers: (*Snapshot).readUser,
	bucketKey:   (*Snapshot).readRecord,
	bucketLease: (*Snapshot).readLease,
	bucketMeta:  (*Snapshot).readMeta,
}

// fromBuckets is the inverse of buckets.
func fromBuckets(buckets []bolt.Bucket) (*Snapshot, error) {
	s := &Snapshot{Revision: 1, Compacted: -1, Auth: Auth{Revision: 1}}
	found := false
	for i := range buckets {
		b := &buckets[i]
		found = found || b.Name == bucketKey
		read := parsers[b.Name]
		if read == nil {
			continue
		}
		if b.Name == bucketKey {
			s.Versions = make([]Version, 0, len(b.Items))
		}
		for _, it := range b.Items {
			if err := read(s, it.Key, it.Value); err != nil {
				return nil, fmt.Errorf("bucket %q, item %s: %w", b.Name, shown(it.Key), err)
			}
		}
	}
	if !found {
		return nil, fmt.Errorf("expected a bucket %q: it is no database of etcd", bucketKey)
	}
	if s.Scheduled <= s.Compacted {
		s.Scheduled = 0
	}
	if s.Revision = max(s.Revision, s.History()); s.Revision > maxRevision {
		return nil, fmt.Errorf("revision %d: expected one that can be counted on from", s.Revision)
	}
	slices.SortFunc(s.Leases, func(a, b Lease) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(s.Alarms, func(a, b store.Alarm) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.MemberID, b.MemberID))
	})
	return s, nil
}

// shown returns a key as an error names it.
func shown(key string) string {
	const most = 40
	if len(key) > most {
		return strconv.Quote(key[:most]) + "..."
	}
	return strconv.Quote(key)
}

func (s *Snapshot) readRecord(key, value string) error {
	v, err := readVersion(key, value)
	if err != nil {
		return err
	}
	s.Revision = max(s.Revision, v.ModRevision)
	// The order of the items is that of their revisions; only a write and a deletion
	// could have the same one.
	if n := len(s.Versions); n > 0 && s.Versions[n-1].ModRevision == v.ModRevision && s.Versions[n-1].Sub == v.Sub {
		return errors.New("expected another revision than that of the item before")
	}
	s.Versions = append(s.Versions, v)
	return nil
}

func (s *Snapshot) readLease(key, value string) error {
	l, err := decodeLease(value)
	if err != nil {
		return err
	}
	if l.ID == 0 || key != bigText(uint64(l.ID)) || l.TTL < 0 || l.Remaining < 0 {
		return fmt.Errorf("expected a lease of this ID, found one of ID %d with a TTL of %d s and %d s left", l.ID, l.TTL, l.Remaining)
	}
	s.Leases = append(s.Leases, l)
	return nil
}

func (s *Snapshot) readAuth(key, value string) error {
	switch key {
	case itemAuthEnabled:
		s.Auth.Enabled = value == flag(true)
	case itemAuthRevision:
		if len(value) != 8 || bigEndian(value) == 0 {
			return errors.New("expected a number of 8 bytes from 1 on")
		}
		s.Auth.Revision = bigEndian(value)
	}
	return nil
}

func (s *Snapshot) readUser(key, value string) error {
	u, err := decodeUser(value)
	if err != nil {
		return err
	}
	if u.Name != key {
		return fmt.Errorf("expected the user of this name, found %q", u.Name)
	}
	slices.Sort(u.Roles)
	u.Roles = slices.Compact(u.Roles)
	s.Auth.Users = append(s.Auth.Users, u)
	return nil
}

func (s *Snapshot) readRole(key, value string) error {
	r, err := decodeRole(value)
	if err != nil {
		return err
	}
	if r.Name != key {
		return fmt.Errorf("expected the role of this name, found %q", r.Name)
	}
	s.Auth.Roles = append(s.Auth.Roles, r)
	return nil
}

func (s *Snapshot) readAlarm(key, _ string) error {
	a, err := decodeAlarm(key)
	if err != nil {
		return err
	}
	// Keys that differ in a field that is not known may say the same, or nothing.
	if a == (store.Alarm{}) || slices.Contains(s.Alarms, a) {
		return fmt.Errorf("expected an alarm that was not there before, found %s of member %x", a.Type, a.MemberID)
	}
	s.Alarms = append(s.Alarms, a)
	return nil
}

func (s *Snapshot) readMeta(key, value string) error {
	switch key {
	case itemIndex, itemTerm:
		if len(value) != 8 {
			return errors.New("expected a number of 8 bytes")
		}
		if key == itemIndex {
			s.Index = bigEndian(value)
		} else {
			s.Term = bigEndian(value)
		}
	case itemFinished, itemScheduled:
		if len(value) != RevisionSize || int64(bigEndian(value)) < 0 {
			return fmt.Errorf("expected a revision of %d bytes", RevisionSize)
		}
		if rev := int64(bigEndian(value)); key == itemFinished {
			s.Compacted = rev
		} else {
			s.Scheduled = rev
		}
	}
	return nil
}
