package mvcc

import (
	"slices"
	"strings"

	"etcdsim/store"
)

// root is the name of the user who may do everything, and of the role that allows
// it.
const root = store.Root

// rules is who may do what, and what nobody may do while an alarm is on. It is
// immutable: a change replaces it, so that clones keep theirs. Changes are rare,
// checks are not.
type rules struct {
	enabled bool
	// revision counts changes of users and roles, from 1.
	revision uint64
	users    []user  // by name
	roles    []role  // by name
	tokens   []token // by text
	alarms   []store.Alarm
}

// user may do what its roles allow.
type user struct {
	name string
	// hash is of the password; empty if the user has none.
	hash       string
	noPassword bool
	roles      []string // sorted
	// reads and writes are the ranges that the roles allow, disjoint and sorted.
	// Computed from the roles at each change; a cache that is not is etcd #14571.
	reads, writes []interval
}

// role is some permissions, sorted by key.
type role struct {
	name  string
	perms []store.Permission
}

// token stands for a user who has shown a password.
type token struct{ text, user string }

// nobody is the rules of a store in which there never were any.
var nobody = &rules{revision: 1}

func (s *Store) rulesNow() *rules {
	if s.rules == nil {
		return nobody
	}
	return s.rules
}

// amend replaces the rules by a changed copy under the next auth revision.
func (s *Store) amend(change func(*rules)) {
	next := s.rulesNow().copy()
	change(next)
	next.revision++
	next.refresh()
	s.rules = next
}

func (r *rules) copy() *rules {
	next := *r
	next.users = slices.Clone(r.users)
	next.roles = slices.Clone(r.roles)
	next.tokens = slices.Clone(r.tokens)
	next.alarms = slices.Clone(r.alarms)
	return &next
}

func (r *rules) findUser(name string) (int, bool) {
	return slices.BinarySearchFunc(r.users, name, func(u user, name string) int { return strings.Compare(u.name, name) })
}

func (r *rules) findRole(name string) (int, bool) {
	return slices.BinarySearchFunc(r.roles, name, func(r role, name string) int { return strings.Compare(r.name, name) })
}

func (r *rules) findToken(text string) (int, bool) {
	return slices.BinarySearchFunc(r.tokens, text, func(t token, text string) int { return strings.Compare(t.text, text) })
}

func (u *user) has(role string) bool {
	_, found := slices.BinarySearch(u.roles, role)
	return found
}

// refresh computes what each user may read and write.
func (r *rules) refresh() {
	for i := range r.users {
		u := &r.users[i]
		u.reads, u.writes = nil, nil
		for _, name := range u.roles {
			j, found := r.findRole(name)
			if !found {
				continue // the role root need not exist
			}
			for _, p := range r.roles[j].perms {
				if p.Type == store.PermitRead || p.Type == store.PermitReadWrite { // there may be undefined ones
					u.reads = append(u.reads, permitted(p))
				}
				if p.Type == store.PermitWrite || p.Type == store.PermitReadWrite {
					u.writes = append(u.writes, permitted(p))
				}
			}
		}
		u.reads, u.writes = merge(u.reads), merge(u.writes)
	}
}

// KeepPermissions takes over what another store's users may read and write, instead
// of what their roles allow here: a defect, for whoever restores a snapshot.
func (s *Store) KeepPermissions(from *Store) {
	for i := range s.rulesNow().users {
		u := &s.rules.users[i]
		if j, found := from.rulesNow().findUser(u.name); found {
			u.reads, u.writes = from.rules.users[j].reads, from.rules.users[j].writes
		}
	}
}

// permitted returns the keys that a permission is about.
func permitted(p store.Permission) interval {
	switch p.RangeEnd {
	case "":
		return interval{begin: p.Key, end: p.Key + "\x00"}
	case "\x00":
		return interval{begin: p.Key, unbounded: true}
	}
	return interval{begin: p.Key, end: p.RangeEnd}
}

// merge joins intervals that overlap or touch.
func merge(list []interval) []interval {
	slices.SortFunc(list, func(a, b interval) int { return strings.Compare(a.begin, b.begin) })
	merged := list[:0]
	for _, v := range list {
		if n := len(merged); n > 0 && (merged[n-1].unbounded || v.begin <= merged[n-1].end) {
			if merged[n-1].endsBefore(v) {
				merged[n-1].end, merged[n-1].unbounded = v.end, v.unbounded
			}
			continue
		}
		merged = append(merged, v)
	}
	return merged
}

// cover reports whether a range lies within the ranges allowed.
func cover(allowed []interval, key, end string) bool {
	for _, v := range allowed {
		if !v.contains(key) {
			continue
		}
		switch {
		case end == "" || v.unbounded:
			return true
		case end == "\x00":
			return false
		}
		return end <= v.end
	}
	return false
}
