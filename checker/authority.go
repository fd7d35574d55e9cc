package checker

import (
	"maps"
	"slices"
	"sort"

	"etcdsim/store"
)

// authority is the users, roles and rights of a cluster at one moment: the reference
// of etcd's auth store. It changes with the log.
type authority struct {
	on bool
	// revision counts the changes, from 1.
	revision uint64
	// users holds the roles of each user, roles the permissions of each role.
	users map[string]map[string]bool
	roles map[string][]store.Permission
}

func newAuthority() *authority {
	return &authority{revision: 1, users: map[string]map[string]bool{}, roles: map[string][]store.Permission{}}
}

// knows reports whether a request is about users, roles and rights.
func (a *authority) knows(r store.Request) bool {
	_, _, ok := a.answer(r)
	return ok
}

// answer returns why a request about users and roles is refused, or what it does.
// Whether the one who asks may ask is another question. ok is false for other
// requests.
func (a *authority) answer(req store.Request) (change func(), err *store.Error, ok bool) {
	ok = true
	switch r := req.(type) {
	case *store.AuthEnableRequest:
		roles, found := a.users[store.Root]
		switch {
		case a.on:
		case !found:
			err = store.ErrRootUserNotExist
		case !roles[store.Root]:
			err = store.ErrRootRoleNotExist
		default:
			change = func() { a.on = true }
		}
	case *store.AuthDisableRequest:
		if a.on {
			change = func() { a.on = false }
		}
	case *store.UserAddRequest:
		switch {
		case r.Name == "":
			err = store.ErrUserEmpty
		case a.users[r.Name] != nil:
			err = store.ErrUserAlreadyExist
		}
		change = func() { a.users[r.Name] = map[string]bool{} }
	case *store.UserDeleteRequest:
		switch {
		case a.on && r.Name == store.Root:
			err = store.ErrInvalidAuthMgmt
		case a.users[r.Name] == nil:
			err = store.ErrUserNotFound
		}
		change = func() { delete(a.users, r.Name) }
	case *store.UserChangePasswordRequest:
		if a.users[r.Name] == nil {
			err = store.ErrUserNotFound
		}
		change = func() {}
	case *store.UserGrantRoleRequest:
		switch {
		case a.users[r.User] == nil:
			err = store.ErrUserNotFound
		case r.Role != store.Root && !a.hasRole(r.Role):
			err = store.ErrRoleNotFound
		case !a.users[r.User][r.Role]:
			change = func() { a.users[r.User][r.Role] = true }
		}
	case *store.UserRevokeRoleRequest:
		switch {
		case a.on && r.Name == store.Root && r.Role == store.Root:
			err = store.ErrInvalidAuthMgmt
		case a.users[r.Name] == nil:
			err = store.ErrUserNotFound
		case !a.users[r.Name][r.Role]:
			err = store.ErrRoleNotGranted
		}
		change = func() { delete(a.users[r.Name], r.Role) }
	default:
		change, err, ok = a.answerAboutRole(req)
	}
	return change, err, ok
}

func (a *authority) answerAboutRole(req store.Request) (change func(), err *store.Error, ok bool) {
	switch r := req.(type) {
	case *store.RoleAddRequest:
		switch {
		case r.Name == "":
			err = store.ErrRoleEmpty
		case a.hasRole(r.Name):
			err = store.ErrRoleAlreadyExist
		}
		return func() { a.roles[r.Name] = nil }, err, true
	case *store.RoleDeleteRequest:
		switch {
		case a.on && r.Role == store.Root:
			err = store.ErrInvalidAuthMgmt
		case !a.hasRole(r.Role):
			err = store.ErrRoleNotFound
		}
		return func() {
			delete(a.roles, r.Role)
			for _, roles := range a.users { // unordered: each is changed by itself
				delete(roles, r.Role)
			}
		}, err, true
	case *store.RoleGrantPermissionRequest:
		switch {
		case r.Perm == nil:
			err = store.ErrPermissionNotGiven
		case r.Perm.Key == "" || r.Perm.RangeEnd != "" && r.Perm.RangeEnd != "\x00" && r.Perm.RangeEnd <= r.Perm.Key:
			err = store.ErrInvalidAuthMgmt
		case !a.hasRole(r.Name):
			err = store.ErrRoleNotFound
		}
		return func() { a.grant(r.Name, *r.Perm) }, err, true
	case *store.RoleRevokePermissionRequest:
		left := slices.DeleteFunc(slices.Clone(a.roles[r.Role]), func(p store.Permission) bool {
			return p.Key == r.Key && p.RangeEnd == r.RangeEnd
		})
		switch {
		case !a.hasRole(r.Role):
			err = store.ErrRoleNotFound
		case len(left) == len(a.roles[r.Role]):
			err = store.ErrPermissionNotGranted
		}
		return func() { a.roles[r.Role] = left }, err, true
	}
	return nil, nil, false
}

// apply lets a request change the rules, and returns why it cannot.
func (a *authority) apply(r store.Request) *store.Error {
	change, err, _ := a.answer(r)
	if err != nil || change == nil {
		return err
	}
	change()
	if _, enabled := r.(*store.AuthEnableRequest); !enabled { // the only change that is not counted
		a.revision++
	}
	return nil
}

func (a *authority) hasRole(name string) bool {
	_, found := a.roles[name]
	return found
}

// grant adds a permission, or changes the type of the one on exactly these keys. etcd
// looks only at the first permission on the key; where others with another end came
// before, a role ends up with two on the same keys, and both count.
func (a *authority) grant(role string, p store.Permission) {
	perms := byKey(slices.Clone(a.roles[role]))
	i := sort.Search(len(perms), func(i int) bool { return perms[i].Key >= p.Key })
	if i < len(perms) && perms[i].Key == p.Key && perms[i].RangeEnd == p.RangeEnd {
		perms[i].Type = p.Type
	} else {
		perms = append(perms, p)
		sort.Sort(perms) // which of equal keys comes first is up to this sort, in etcd too
	}
	a.roles[role] = perms
}

type byKey []store.Permission

func (p byKey) Len() int           { return len(p) }
func (p byKey) Less(i, j int) bool { return p[i].Key < p[j].Key }
func (p byKey) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }

// administers reports whether a user may do everything.
func (a *authority) administers(user string) bool { return a.users[user][store.Root] }

// may reports whether a user may read, or write, all keys of a range: a chain of
// permissions leads from its first key to its end.
func (a *authority) may(user string, write bool, key, end string) bool {
	if !a.on || a.administers(user) {
		return true
	}
	unbounded := end == "\x00"
	if end == "" {
		end = key + "\x00"
	}
	for at := key; ; {
		next, open := at, false
		for _, role := range slices.Sorted(maps.Keys(a.users[user])) {
			for _, p := range a.roles[role] {
				if write && p.Type == store.PermitRead || !write && p.Type == store.PermitWrite || at < p.Key {
					continue
				}
				switch p.RangeEnd {
				case "":
					if at == p.Key {
						next = max(next, at+"\x00")
					}
				case "\x00":
					open = true
				default:
					next = max(next, p.RangeEnd)
				}
			}
		}
		switch {
		case open, !unbounded && next >= end && next > at:
			return true
		case next == at:
			return false
		}
		at = next
	}
}

// permits reports whether a user may have a request done, the keys being as a state
// has them. known is false for requests whose rules are not judged.
func (a *authority) permits(user string, req store.Request, s *state) (ok, known bool) {
	if !a.on {
		return true, true
	}
	switch r := req.(type) {
	case *store.RangeRequest, *store.PutRequest, *store.DeleteRangeRequest, *store.TxnRequest:
		return a.permitsOp(user, r.(store.Op), s), true
	case *store.RangeStreamRequest:
		return a.permitsOp(user, &r.Range, s), true
	case *store.LeaseRevokeRequest:
		return a.permitsLease(user, r.ID, s), true
	case *store.UserGetRequest:
		return r.Name == user || a.administers(user), true
	case *store.RoleGetRequest:
		return a.users[user][r.Role] || a.administers(user), true
	case *store.UserListRequest, *store.RoleListRequest, *store.HashKVRequest, *store.CompactionRequest:
		return a.administers(user), true
	}
	return a.administers(user), a.knows(req)
}

func (a *authority) permitsOp(user string, op store.Op, s *state) bool {
	switch r := op.(type) {
	case *store.RangeRequest:
		return a.may(user, false, r.Key, r.RangeEnd)
	case *store.PutRequest:
		return a.may(user, true, r.Key, "") && a.permitsLease(user, r.Lease, s) && (!r.PrevKV || a.may(user, false, r.Key, ""))
	case *store.DeleteRangeRequest:
		return a.may(user, true, r.Key, r.RangeEnd) && (!r.PrevKV || a.may(user, false, r.Key, r.RangeEnd))
	case *store.TxnRequest:
		for i := range r.Compare {
			if !a.may(user, false, r.Compare[i].Key, r.Compare[i].RangeEnd) {
				return false
			}
		}
		refused := func(op store.Op) bool { return !a.permitsOp(user, op, s) }
		return !slices.ContainsFunc(r.Success, refused) && !slices.ContainsFunc(r.Failure, refused)
	}
	return true
}

// permitsLease reports whether a user may write every key on a lease.
func (a *authority) permitsLease(user string, lease int64, s *state) bool {
	if lease == 0 || a.administers(user) {
		return true
	}
	ok := true
	s.now.root.ascend("\x00", "\x00", func(kv *store.KeyValue) {
		ok = ok && (kv.Lease != lease || a.may(user, true, kv.Key, ""))
	})
	return ok
}
