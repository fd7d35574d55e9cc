package mvcc

import (
	"cmp"
	"slices"

	"etcdsim/store"
	"etcdsim/store/saved"
)

// alarmed refuses what an alarm forbids.
func (r *rules) alarmed(req store.Request) *store.Error {
	if len(r.alarms) == 0 {
		return nil
	}
	if r.has(store.AlarmCorrupt) {
		switch req.(type) {
		case store.Op, *store.CompactionRequest, *store.LeaseGrantRequest, *store.LeaseRevokeRequest:
			return store.ErrCorrupt
		}
	}
	if r.has(store.AlarmNoSpace) && cost(req) > 0 {
		return store.ErrNoSpace
	}
	return nil
}

func (r *rules) has(t store.AlarmType) bool {
	return slices.ContainsFunc(r.alarms, func(a store.Alarm) bool { return a.Type == t })
}

// Alarms returns the alarms in force, by type and member.
func (s *Store) Alarms() []store.Alarm { return s.rulesNow().alarms }

func (s *Store) applyAlarm(req *store.AlarmRequest) store.Result {
	r := s.rulesNow()
	i, on := slices.BinarySearchFunc(r.alarms, req.Alarm, compareAlarms)
	res := new(store.AlarmResult)
	switch req.Action {
	case store.AlarmGet:
		for _, a := range r.alarms {
			if req.Alarm.Type == store.AlarmNone || a.Type == req.Alarm.Type {
				res.Alarms = append(res.Alarms, a)
			}
		}
	case store.AlarmActivate:
		if req.Alarm.Type == store.AlarmNone {
			break
		}
		res.Alarms = []store.Alarm{req.Alarm}
		if !on {
			next := r.copy()
			next.alarms = slices.Insert(next.alarms, i, req.Alarm)
			s.rules = next
		}
	case store.AlarmDeactivate:
		if on {
			res.Alarms = []store.Alarm{req.Alarm}
			next := r.copy()
			next.alarms = slices.Delete(next.alarms, i, i+1)
			s.rules = next
		}
	}
	return res
}

func compareAlarms(a, b store.Alarm) int {
	if c := cmp.Compare(a.Type, b.Type); c != 0 {
		return c
	}
	return cmp.Compare(a.MemberID, b.MemberID)
}

// The space that requests are reckoned to take, in bytes; etcd's estimates
// (storage/quota.go).
const (
	leaseCost = 64
	keyCost   = 256
)

// DefaultQuota is how many bytes the data of a member may take unless it is told
// otherwise; etcd's DefaultQuotaBytes.
const DefaultQuota = 2 << 30

// cost returns the space that a request is reckoned to take: of a transaction,
// that of the path that takes more.
func cost(req store.Request) int64 {
	switch req := req.(type) {
	case *store.PutRequest:
		return keyCost + int64(len(req.Key)+len(req.Value))
	case *store.TxnRequest:
		return max(costAll(req.Success), costAll(req.Failure))
	case *store.LeaseGrantRequest:
		return leaseCost
	}
	return 0
}

func costAll(ops []store.Op) int64 {
	sum := int64(0)
	for _, op := range ops {
		sum += cost(op)
	}
	return sum
}

// Fits reports whether a request stays within a quota, in bytes: 0 is etcd's
// default of 2 GiB, a negative one none. A member that finds that one does not
// answers ErrNoSpace and raises AlarmNoSpace.
func (s *Store) Fits(req store.Request, quota int64) bool {
	c := cost(req)
	if quota == 0 {
		quota = DefaultQuota
	}
	return c == 0 || quota < 0 || s.Size()+c < quota
}

// The size of the file that a member would have, after bbolt: pages are reused
// but never given back, except by defragmenting.
const (
	pageSize  = 4096
	emptySize = 5 * pageSize
	// perRecord is what a page spends on an element beside its key and value.
	perRecord = 16
)

// Size returns the size of the member's data as etcd would report it, in bytes.
func (s *Store) Size() int64 {
	return emptySize + (max(s.highest, s.inUse)+pageSize-1)/pageSize*pageSize
}

// SizeInUse returns how much of it is in use.
func (s *Store) SizeInUse() int64 {
	return emptySize + (s.inUse+pageSize-1)/pageSize*pageSize
}

// Defragment gives back what is not in use. Each member does so for itself. What it
// returns takes that back, if the disk had no room for the new file.
func (s *Store) Defragment() (undo func()) {
	before := s.highest
	s.highest = 0
	return func() { s.highest = before }
}

// recordSize returns what a version takes.
func recordSize(kv *store.KeyValue) int64 {
	size := perRecord + saved.RevisionSize + encodedKV(kv)
	if kv.Version == 0 {
		size = perRecord + saved.RevisionSize + 1 + encodedField(kv.Key)
	}
	return int64(size)
}
