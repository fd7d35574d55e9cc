package mvcc

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"

	"etcdsim/sim/bug"
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

// Identity is who asks, and the auth revision under which the member found that
// out. The zero value is nobody.
type Identity struct {
	User     string
	Revision uint64
}

// operation refuses a range that the user may not read or may not write.
func (r *rules) operation(who Identity, key, end string, write bool) *store.Error {
	switch {
	case !r.enabled:
		return nil
	case who.Revision == 0:
		return store.ErrUserEmpty
	case who.Revision < r.revision:
		return store.ErrAuthOldRevision
	}
	i, found := r.findUser(who.User)
	if !found {
		return store.ErrPermissionDenied
	}
	u := &r.users[i]
	allowed := u.reads
	if write {
		allowed = u.writes
	}
	if u.has(root) || cover(allowed, key, end) {
		return nil
	}
	return store.ErrPermissionDenied
}

// admin refuses everybody without the role root.
func (r *rules) admin(who Identity) *store.Error {
	switch {
	case !r.enabled:
		return nil
	case who.User == "":
		return store.ErrUserEmpty
	}
	i, found := r.findUser(who.User)
	switch {
	case !found:
		return store.ErrUserNotFound
	case !r.users[i].has(root):
		return store.ErrPermissionDenied
	}
	return nil
}

// permit refuses what the proposer may not do by the rules in force now, when the
// request is applied, and what an alarm forbids; in etcd's order.
func (s *Store) permit(p *store.Proposal) *store.Error {
	r := s.rules
	if s.cfg.Bugs.Has(bug.AuthTOCTOU) {
		return r.alarmed(p.Request) // it was checked when the request was taken in
	}
	who := Identity{p.User, p.AuthRevision}
	if needsAdmin(p.Request) {
		if err := r.admin(who); err != nil {
			return err
		}
	}
	if err := r.alarmed(p.Request); err != nil {
		return err
	}
	return s.allow(who, p.Request)
}

// allow refuses what the user may not do by the rules in force now.
func (s *Store) allow(who Identity, req store.Request) *store.Error {
	r := s.rules
	if !r.enabled {
		return nil
	}
	switch req := req.(type) {
	case *store.LeaseRevokeRequest:
		return s.permitLease(who, req.ID)
	case *store.UserGetRequest:
		if req.Name != who.User {
			return r.admin(who)
		}
	case *store.RoleGetRequest:
		if i, found := r.findUser(who.User); !found || !r.users[i].has(req.Role) {
			return r.admin(who)
		}
	case store.Op:
		return s.permitOp(who, req)
	}
	return nil
}

// needsAdmin reports whether applying a request takes the role root.
func needsAdmin(req store.Request) bool {
	switch req.(type) {
	case *store.AuthEnableRequest, *store.AuthDisableRequest,
		*store.UserAddRequest, *store.UserDeleteRequest, *store.UserChangePasswordRequest, *store.UserGrantRoleRequest,
		*store.UserRevokeRoleRequest, *store.UserListRequest,
		*store.RoleAddRequest, *store.RoleDeleteRequest, *store.RoleGrantPermissionRequest, *store.RoleRevokePermissionRequest,
		*store.RoleListRequest:
		return true
	}
	return false
}

// permitOp checks an operation; of a transaction, all of both paths, those nested
// in it included (CVE-2026-33343).
func (s *Store) permitOp(who Identity, op store.Op) *store.Error {
	r := s.rules
	switch op := op.(type) {
	case *store.RangeRequest:
		return r.operation(who, op.Key, op.RangeEnd, false)
	case *store.PutRequest:
		if err := r.operation(who, op.Key, "", true); err != nil {
			return err
		}
		// Who attaches a key to a lease could delete the keys on it.
		if err := s.permitLease(who, op.Lease); err != nil || !op.PrevKV {
			return err
		}
		return r.operation(who, op.Key, "", false)
	case *store.DeleteRangeRequest:
		if err := r.operation(who, op.Key, op.RangeEnd, true); err != nil || !op.PrevKV {
			return err
		}
		return r.operation(who, op.Key, op.RangeEnd, false)
	case *store.TxnRequest:
		for i := range op.Compare {
			if err := r.operation(who, op.Compare[i].Key, op.Compare[i].RangeEnd, false); err != nil {
				return err
			}
		}
		for _, path := range [][]store.Op{op.Success, op.Failure} {
			for _, nested := range path {
				if _, ok := nested.(*store.TxnRequest); ok && s.cfg.Bugs.Has(bug.NestedTxnAuthz) {
					continue
				}
				if err := s.permitOp(who, nested); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// permitLease refuses those who may not write every key on a lease.
func (s *Store) permitLease(who Identity, id int64) *store.Error {
	le := s.leases.get(id)
	if le == nil || s.rules.admin(who) == nil {
		return nil
	}
	for _, key := range s.attachedKeys(le) {
		if err := s.rules.operation(who, key, "", true); err != nil {
			return err
		}
	}
	return nil
}

// Admit refuses a request that a member need not even propose or serve: what
// applying would refuse, and what only the gRPC layer of etcd refuses. The rules
// may change until it is applied; Apply checks again.
func (s *Store) Admit(who Identity, req store.Request) *store.Error {
	r := s.rules
	if r == nil || !r.enabled {
		return nil
	}
	switch req := req.(type) {
	case *store.RangeStreamRequest:
		return s.permitOp(who, &req.Range)
	case *store.WatchRequest:
		return r.operation(who, cmp.Or(req.Key, "\x00"), req.RangeEnd, false)
	case *store.CompactionRequest, *store.HashKVRequest, *store.MoveLeaderRequest,
		*store.MemberAddRequest, *store.MemberRemoveRequest, *store.MemberUpdateRequest, *store.MemberPromoteRequest,
		*store.DefragmentRequest, *store.BackendHashRequest, *store.SnapshotRequest:
		return r.admin(who)
	case *store.AlarmRequest:
		if req.Action != store.AlarmGet {
			return r.admin(who)
		}
		return known(who)
	case *store.LeaseGrantRequest, *store.StatusRequest, *store.MemberListRequest:
		return known(who)
	case *store.LeaseRevokeRequest:
		if err := known(who); err != nil {
			return err
		}
	case *store.LeaseKeepAliveRequest:
		if err := known(who); err != nil {
			return err
		}
		return s.permitLease(who, req.ID)
	case *store.LeaseTimeToLiveRequest:
		if err := known(who); err != nil || !req.Keys {
			return err
		}
		return s.permitReading(who, s.leases.get(req.ID))
	case *store.LeaseLeasesRequest:
		if err := known(who); err != nil {
			return err
		}
		return s.permitReading(who, s.leases.all()...)
	}
	if needsAdmin(req) {
		return r.admin(who)
	}
	return s.allow(who, req)
}

func known(who Identity) *store.Error {
	if who.User == "" {
		return store.ErrUserEmpty
	}
	return nil
}

// permitReading refuses those who may not read every key on some leases.
func (s *Store) permitReading(who Identity, leases ...*lease) *store.Error {
	if s.rules.admin(who) == nil {
		return nil
	}
	for _, le := range leases {
		if le == nil {
			continue
		}
		for _, key := range s.attachedKeys(le) {
			if err := s.rules.operation(who, key, "", false); err != nil {
				return err
			}
		}
	}
	return nil
}

// AuthEnabled reports whether authentication is on.
func (s *Store) AuthEnabled() bool { return s.rulesNow().enabled }

// AuthRevision returns the revision of users and roles; a new store's is 1.
func (s *Store) AuthRevision() uint64 { return s.rulesNow().revision }

// Identify returns who a token stands for.
func (s *Store) Identify(text string) (Identity, *store.Error) {
	r := s.rulesNow()
	i, found := r.findToken(text)
	if !found {
		return Identity{}, store.ErrInvalidAuthToken
	}
	return Identity{r.tokens[i].user, r.revision}, nil
}

// CheckPassword refuses a wrong password, as etcd does before it proposes to
// authenticate.
func (s *Store) CheckPassword(name, password string) *store.Error {
	r := s.rulesNow()
	if !r.enabled {
		return store.ErrAuthNotEnabled
	}
	i, found := r.findUser(name)
	switch {
	case !found:
		return store.ErrAuthFailed
	case r.users[i].noPassword:
		return store.ErrNoPasswordUser
	case !store.CheckPassword(r.users[i].hash, password):
		return store.ErrAuthFailed
	}
	return nil
}

// applyAuth applies a request about users, roles, tokens or alarms. ok is false
// if it is another one.
func (s *Store) applyAuth(req store.Request) (resp store.Response, ok bool) {
	var result store.Result
	var err *store.Error
	before := s.rules
	switch req := req.(type) {
	case *store.AuthEnableRequest:
		err = s.enableAuth()
	case *store.AuthDisableRequest:
		if s.rulesNow().enabled {
			s.amend(func(r *rules) { r.enabled, r.tokens = false, nil })
		}
	case *store.AuthStatusRequest:
		result = &store.AuthStatusResult{Enabled: s.AuthEnabled(), Revision: s.AuthRevision()}
	case *store.AuthenticateRequest:
		result, err = s.authenticate(req)
	case *store.UserAddRequest:
		err = s.addUser(req)
	case *store.UserDeleteRequest:
		err = s.deleteUser(req)
	case *store.UserChangePasswordRequest:
		err = s.changePassword(req)
	case *store.UserGrantRoleRequest:
		err = s.grantRole(req)
	case *store.UserRevokeRoleRequest:
		err = s.revokeRole(req)
	case *store.UserGetRequest:
		result, err = s.getUser(req)
	case *store.UserListRequest:
		result = s.listUsers()
	case *store.RoleAddRequest:
		err = s.addRole(req)
	case *store.RoleDeleteRequest:
		err = s.deleteRole(req)
	case *store.RoleGetRequest:
		result, err = s.getRole(req)
	case *store.RoleListRequest:
		result = s.listRoles()
	case *store.RoleGrantPermissionRequest:
		err = s.grantPermission(req)
	case *store.RoleRevokePermissionRequest:
		err = s.revokePermission(req)
	case *store.AlarmRequest:
		result = s.applyAlarm(req)
	default:
		return resp, false
	}
	if err != nil {
		return s.refuse(err), true
	}
	if s.rules != before {
		s.note(store.HashRequest(req))
	}
	if result == nil {
		result = doneAuth
	}
	return store.Response{Revision: s.rev, Result: result}, true
}

var doneAuth = &store.AuthResult{}

// enableAuth does not advance the auth revision, unlike all other changes.
func (s *Store) enableAuth() *store.Error {
	r := s.rulesNow()
	if r.enabled {
		return nil
	}
	i, found := r.findUser(root)
	switch {
	case !found:
		return store.ErrRootUserNotExist
	case !r.users[i].has(root):
		return store.ErrRootRoleNotExist
	}
	next := r.copy()
	next.enabled = true
	next.refresh()
	s.rules = next
	return nil
}

// authenticate gives a user a token. The password was checked before the request
// was proposed.
func (s *Store) authenticate(req *store.AuthenticateRequest) (store.Result, *store.Error) {
	r := s.rulesNow()
	if !r.enabled {
		return nil, store.ErrAuthNotEnabled
	}
	i, found := r.findUser(req.Name)
	if !found || r.users[i].noPassword {
		return nil, store.ErrAuthFailed
	}
	text := fmt.Sprintf("%s.%d", req.TokenPrefix, s.applied)
	next := r.copy()
	if i, found := next.findToken(text); !found {
		next.tokens = slices.Insert(next.tokens, i, token{text, req.Name})
	}
	s.rules = next
	return &store.AuthenticateResult{Token: text}, nil
}

func hashed(password, hash string) string {
	if hash == "" {
		return store.HashPassword(password, "")
	}
	return hash
}

func (s *Store) addUser(req *store.UserAddRequest) *store.Error {
	if req.Name == "" {
		return store.ErrUserEmpty
	}
	i, found := s.rulesNow().findUser(req.Name)
	if found {
		return store.ErrUserAlreadyExist
	}
	u := user{name: req.Name, noPassword: req.NoPassword}
	if !u.noPassword {
		u.hash = hashed(req.Password, req.HashedPassword)
	}
	s.amend(func(r *rules) { r.users = slices.Insert(r.users, i, u) })
	return nil
}

func (s *Store) deleteUser(req *store.UserDeleteRequest) *store.Error {
	r := s.rulesNow()
	if r.enabled && req.Name == root {
		return store.ErrInvalidAuthMgmt
	}
	i, found := r.findUser(req.Name)
	if !found {
		return store.ErrUserNotFound
	}
	s.amend(func(r *rules) {
		r.users = slices.Delete(r.users, i, i+1)
		r.forget(req.Name)
	})
	return nil
}

// forget drops the tokens of a user.
func (r *rules) forget(name string) {
	r.tokens = slices.DeleteFunc(r.tokens, func(t token) bool { return t.user == name })
}

func (s *Store) changePassword(req *store.UserChangePasswordRequest) *store.Error {
	i, found := s.rulesNow().findUser(req.Name)
	if !found {
		return store.ErrUserNotFound
	}
	s.amend(func(r *rules) {
		if u := &r.users[i]; !u.noPassword {
			u.hash = hashed(req.Password, req.HashedPassword)
		}
		r.forget(req.Name)
	})
	return nil
}

func (s *Store) grantRole(req *store.UserGrantRoleRequest) *store.Error {
	r := s.rulesNow()
	i, found := r.findUser(req.User)
	if !found {
		return store.ErrUserNotFound
	}
	if _, found := r.findRole(req.Role); !found && req.Role != root {
		return store.ErrRoleNotFound
	}
	if r.users[i].has(req.Role) {
		return nil
	}
	s.amend(func(r *rules) {
		u := &r.users[i]
		at, _ := slices.BinarySearch(u.roles, req.Role)
		u.roles = slices.Insert(slices.Clone(u.roles), at, req.Role)
	})
	return nil
}

func (s *Store) revokeRole(req *store.UserRevokeRoleRequest) *store.Error {
	r := s.rulesNow()
	if r.enabled && req.Name == root && req.Role == root {
		return store.ErrInvalidAuthMgmt
	}
	i, found := r.findUser(req.Name)
	switch {
	case !found:
		return store.ErrUserNotFound
	case !r.users[i].has(req.Role):
		return store.ErrRoleNotGranted
	}
	s.amend(func(r *rules) { r.users[i].drop(req.Role) })
	return nil
}

// drop takes a role away.
func (u *user) drop(role string) {
	u.roles = slices.DeleteFunc(slices.Clone(u.roles), func(r string) bool { return r == role })
}

func (s *Store) getUser(req *store.UserGetRequest) (store.Result, *store.Error) {
	r := s.rulesNow()
	i, found := r.findUser(req.Name)
	if !found {
		return nil, store.ErrUserNotFound
	}
	return &store.UserGetResult{Roles: r.users[i].roles}, nil
}

func (s *Store) listUsers() store.Result {
	res := new(store.UserListResult)
	for _, u := range s.rulesNow().users {
		res.Users = append(res.Users, u.name)
	}
	return res
}

func (s *Store) addRole(req *store.RoleAddRequest) *store.Error {
	if req.Name == "" {
		return store.ErrRoleEmpty
	}
	i, found := s.rulesNow().findRole(req.Name)
	if found {
		return store.ErrRoleAlreadyExist
	}
	s.amend(func(r *rules) { r.roles = slices.Insert(r.roles, i, role{name: req.Name}) })
	return nil
}

func (s *Store) deleteRole(req *store.RoleDeleteRequest) *store.Error {
	r := s.rulesNow()
	if r.enabled && req.Role == root {
		return store.ErrInvalidAuthMgmt
	}
	i, found := r.findRole(req.Role)
	if !found {
		return store.ErrRoleNotFound
	}
	s.amend(func(r *rules) {
		r.roles = slices.Delete(r.roles, i, i+1)
		for j := range r.users {
			if u := &r.users[j]; u.has(req.Role) {
				u.drop(req.Role)
			}
		}
	})
	return nil
}

func (s *Store) getRole(req *store.RoleGetRequest) (store.Result, *store.Error) {
	r := s.rulesNow()
	i, found := r.findRole(req.Role)
	switch {
	case !found:
		return nil, store.ErrRoleNotFound
	case req.Role == root:
		return &store.RoleGetResult{Perms: []store.Permission{{Type: store.PermitReadWrite, RangeEnd: "\x00"}}}, nil
	}
	return &store.RoleGetResult{Perms: r.roles[i].perms}, nil
}

func (s *Store) listRoles() store.Result {
	res := new(store.RoleListResult)
	for _, r := range s.rulesNow().roles {
		res.Roles = append(res.Roles, r.name)
	}
	return res
}

func (s *Store) grantPermission(req *store.RoleGrantPermissionRequest) *store.Error {
	switch {
	case req.Perm == nil:
		return store.ErrPermissionNotGiven
	case !validPermission(req.Perm):
		return store.ErrInvalidAuthMgmt
	}
	i, found := s.rulesNow().findRole(req.Name)
	if !found {
		return store.ErrRoleNotFound
	}
	s.amend(func(r *rules) { r.roles[i].grant(*req.Perm) })
	return nil
}

func validPermission(p *store.Permission) bool {
	return p.Key != "" && (p.RangeEnd == "" || p.RangeEnd == "\x00" || p.Key < p.RangeEnd)
}

// grant adds a permission. As in etcd only the first permission of the same key
// is found again, and the order among those of one key is that of an unstable
// sort.
func (r *role) grant(p store.Permission) {
	perms := slices.Clone(r.perms)
	i := sort.Search(len(perms), func(i int) bool { return perms[i].Key >= p.Key })
	if i < len(perms) && perms[i].Key == p.Key && perms[i].RangeEnd == p.RangeEnd {
		perms[i].Type = p.Type
	} else {
		perms = append(perms, p)
		sort.Sort(byPermittedKey(perms))
	}
	r.perms = perms
}

type byPermittedKey []store.Permission

func (p byPermittedKey) Len() int           { return len(p) }
func (p byPermittedKey) Less(i, j int) bool { return p[i].Key < p[j].Key }
func (p byPermittedKey) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }

func (s *Store) revokePermission(req *store.RoleRevokePermissionRequest) *store.Error {
	r := s.rulesNow()
	i, found := r.findRole(req.Role)
	if !found {
		return store.ErrRoleNotFound
	}
	left := slices.DeleteFunc(slices.Clone(r.roles[i].perms), func(p store.Permission) bool {
		return p.Key == req.Key && p.RangeEnd == req.RangeEnd
	})
	if len(left) == len(r.roles[i].perms) {
		return store.ErrPermissionNotGranted
	}
	s.amend(func(r *rules) { r.roles[i].perms = left })
	return nil
}
