package checker

import (
	"etcdsim/store"
	"etcdsim/store/saved"
)

// What a universe began with. One that began with a snapshot has a history before its
// first entry of the log: older revisions that can be read and watched, leases that
// run, users with rights. The judges take all of that from the snapshot and not from
// a member, which might have taken it over wrongly.

// initialState returns the store that a universe began with; nil is an empty one.
func initialState(snap *saved.Snapshot) state {
	if snap == nil {
		return emptyState()
	}
	s := state{now: firstRevision(), compacted: snap.History(), alarms: snap.Alarms}
	for _, l := range snap.Leases {
		s.leases = append(s.leases, l.ID)
	}
	// Up to the compaction there is one state. From then on every revision is there.
	s.now.number = max(s.now.number, s.compacted)
	for first := 0; first < len(snap.Versions); {
		root, sum, main := s.now.root, uint64(0), snap.Versions[first].ModRevision
		end := first
		for ; end < len(snap.Versions) && snap.Versions[end].ModRevision == main; end++ {
			kv := &snap.Versions[end].KeyValue
			switch {
			case kv.Version != 0:
				root = root.put(kv)
			case root.get(kv.Key) != nil:
				root = root.delete(kv.Key)
			}
			sum += store.Mix(store.MixString(store.MixString(uint64(kv.Lease), kv.Key), kv.Value), uint64(kv.Version))
		}
		if main <= s.now.number {
			s.now.root, s.now.hash = root, store.Mix(s.now.hash, sum)
		} else {
			s.now = s.now.after(root, sum)
			s.now.number = main
		}
		first = end
	}
	return s
}

// initialChanges returns what happened before the first entry of the log and can still
// be watched: from the revision of the last compaction on. A blank has no name by which
// it could be.
func initialChanges(snap *saved.Snapshot) (changes []change) {
	if snap == nil {
		return nil
	}
	end := initialState(snap)
	for i := range snap.Versions {
		kv := &snap.Versions[i].KeyValue
		if kv.ModRevision < end.compacted || kv.Key == "" {
			continue
		}
		c := change{Event: store.Event{Type: store.EventPut, KV: kv}}
		if kv.Version == 0 {
			c.Type = store.EventDelete
		}
		if before := kv.ModRevision - 1; before >= max(end.compacted, 1) {
			c.before = end.now.at(before).root.get(kv.Key)
		}
		changes = append(changes, c)
	}
	return changes
}

// initialAuthority returns the rights that a universe began with.
func initialAuthority(snap *saved.Snapshot) *authority {
	a := newAuthority()
	if snap == nil {
		return a
	}
	a.on, a.revision = snap.Auth.Enabled, snap.Auth.Revision
	for _, u := range snap.Auth.Users {
		a.users[u.Name] = map[string]bool{}
		for _, role := range u.Roles {
			a.users[u.Name][role] = true
		}
	}
	for _, r := range snap.Auth.Roles {
		a.roles[r.Name] = r.Permissions
	}
	return a
}
