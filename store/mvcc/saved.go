package mvcc

import (
	"slices"
	"strings"

	"etcdsim/store"
	"etcdsim/store/saved"
)

// Save returns the state of the store as etcd would keep it in a file. The index is
// that of the newest entry applied; term and members are for the caller to add.
// What it shares with the store is never changed.
func (s *Store) Save() *saved.Snapshot {
	snap := &saved.Snapshot{Index: s.applied, Revision: s.rev, Compacted: s.compacted, Auth: s.rulesNow().save(), Alarms: s.Alarms()}
	t, end := s.table, min(s.limit, s.table.next)
	snap.Versions = make([]saved.Version, 0, end-1)
	for p := place(1); p < end; p++ {
		snap.Versions = append(snap.Versions, saved.Version{KeyValue: t.at(p).kv, Sub: int64(t.link(p).sub())})
	}
	for _, le := range s.leases.all() {
		snap.Leases = append(snap.Leases, saved.Lease{ID: le.id, TTL: le.ttl, Remaining: le.remaining})
	}
	return snap
}

func (r *rules) save() saved.Auth {
	a := saved.Auth{Enabled: r.enabled, Revision: r.revision}
	for i := range r.users {
		u := &r.users[i]
		a.Users = append(a.Users, saved.User{Name: u.name, Password: u.hash, NoPassword: u.noPassword, Roles: u.roles})
	}
	for i := range r.roles {
		a.Roles = append(a.Roles, saved.Role{Name: r.roles[i].name, Permissions: r.roles[i].perms})
	}
	return a
}

// Load returns a store that begins with a snapshot, as etcd does: TTLs are raised to
// the least one, and a compaction that had begun is ended. It shares keys and
// values with the snapshot.
func Load(cfg Config, snap *saved.Snapshot) *Store {
	s := New(cfg)
	s.applied, s.rev, s.compacted = snap.Index, snap.Revision, snap.Compacted
	for _, l := range snap.Leases {
		ttl := max(l.TTL, cfg.MinLeaseTTL)
		s.leases.set(lease{id: l.ID, ttl: ttl, remaining: l.Remaining})
		s.note(store.Mix(store.Mix(uint64(l.ID), uint64(ttl)), uint64(l.Remaining)))
	}
	if s.rules = loadRules(snap); s.rules != nil {
		s.note(store.MixString(0, s.rules.append(nil)))
	}
	s.loadVersions(snap.Versions)
	if snap.Scheduled != 0 {
		s.compact(snap.Scheduled)
	}
	return s
}

// loadRules returns the rules of a snapshot, or nil if there is nothing to tell.
func loadRules(snap *saved.Snapshot) *rules {
	a := &snap.Auth
	if len(a.Users)+len(a.Roles)+len(snap.Alarms) == 0 && a.Revision == nobody.revision && !a.Enabled {
		return nil
	}
	r := &rules{enabled: a.Enabled, revision: a.Revision, alarms: slices.Clone(snap.Alarms)}
	for _, u := range a.Users {
		r.users = append(r.users, user{name: u.Name, hash: u.Password, noPassword: u.NoPassword, roles: slices.Clone(u.Roles)})
	}
	for _, ro := range a.Roles {
		r.roles = append(r.roles, role{ro.Name, slices.Clone(ro.Permissions)})
	}
	r.refresh()
	return r
}

// loadVersions fills an empty table.
func (s *Store) loadVersions(versions []saved.Version) {
	t := s.table
	ids := make(map[string]keyID)
	names := []keyID(nil)
	for i := range versions {
		v := &versions[i]
		id, known := ids[v.Key]
		if !known {
			id = keyID(len(t.heads))
			ids[v.Key] = id
			t.heads = append(t.heads, 0)
			names = append(names, id)
		}
		t.append(id, uint32(v.Sub), &v.KeyValue)
		s.fold(&v.KeyValue, hashKey(v.Key))
		s.note(store.Mix(uint64(v.CreateRevision), uint64(v.Sub)))
		s.inUse += recordSize(&v.KeyValue)
	}
	slices.SortFunc(names, func(a, b keyID) int { return strings.Compare(t.name(a), t.name(b)) })
	t.index(names)
	for _, id := range names {
		if ver := t.at(t.heads[id]); ver.live() {
			s.attach(ver.kv.Lease, ver.kv.Key)
		}
	}
}
