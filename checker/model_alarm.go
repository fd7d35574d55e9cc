package checker

import (
	"cmp"
	"slices"

	"etcdsim/store"
)

// Alarms, after etcd's apply/uber_applier.go: while one is on, writes are refused
// when they are applied, whichever member raised it. Reads are not.

// alarmed is why an alarm refuses a write, or nil.
func (s *state) alarmed(r store.Request) *store.Error {
	if len(s.alarms) == 0 || store.ReadOnly(r) {
		return nil
	}
	on := func(t store.AlarmType) bool {
		return slices.ContainsFunc(s.alarms, func(a store.Alarm) bool { return a.Type == t })
	}
	grows, keys := false, true
	switch r := r.(type) {
	case *store.PutRequest, *store.LeaseGrantRequest:
		grows = true
	case *store.TxnRequest:
		grows = puts(r)
	case *store.DeleteRangeRequest, *store.CompactionRequest, *store.LeaseRevokeRequest:
	default:
		keys = false
	}
	switch {
	case keys && on(store.AlarmCorrupt):
		return store.ErrCorrupt
	case grows && on(store.AlarmNoSpace):
		return store.ErrNoSpace
	}
	return nil
}

// puts reports whether a path of a transaction puts anything, so that it may take
// space.
func puts(txn *store.TxnRequest) bool {
	for _, path := range [][]store.Op{txn.Success, txn.Failure} {
		for _, op := range path {
			switch op := op.(type) {
			case *store.PutRequest:
				return true
			case *store.TxnRequest:
				if puts(op) {
					return true
				}
			}
		}
	}
	return false
}

// alarm asks for alarms, or raises or disarms one.
func (s *state) alarm(r *store.AlarmRequest) (alarms []store.Alarm, result *store.AlarmResult) {
	result = &store.AlarmResult{}
	i, on := slices.BinarySearchFunc(s.alarms, r.Alarm, func(a, b store.Alarm) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.MemberID, b.MemberID))
	})
	alarms = s.alarms
	switch {
	case r.Action == store.AlarmGet:
		for _, a := range s.alarms {
			if r.Alarm.Type == store.AlarmNone || r.Alarm.Type == a.Type {
				result.Alarms = append(result.Alarms, a)
			}
		}
	case r.Action == store.AlarmActivate && r.Alarm.Type != store.AlarmNone:
		result.Alarms = []store.Alarm{r.Alarm}
		if !on {
			alarms = slices.Insert(slices.Clone(alarms), i, r.Alarm)
		}
	case r.Action == store.AlarmDeactivate && on:
		result.Alarms = []store.Alarm{r.Alarm}
		alarms = slices.Delete(slices.Clone(alarms), i, i+1)
	}
	return alarms, result
}
