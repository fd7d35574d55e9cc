package workload

import (
	"slices"
	"strconv"

	"etcdsim/checker/history"
	"etcdsim/store"
)

// Clients that log in. A client of a user shows its password, keeps the token, and
// shows the password again when a member does not know the token (any more), or
// when users and roles have changed since it took the request in; then it asks
// again. etcd's client does the same (client/v3, retry_interceptor.go).

// Guard makes clients log in from now on; those of no user as root, who may do
// everything. As long as members say that authentication is not on, they go on
// without.
func (cs *Clients) Guard() { cs.guarded = true }

// UserName and RoleName return the names of the i-th user and role, from 1.
func UserName(i int) string { return "u" + strconv.Itoa(i) }

// RoleName returns the name of the i-th role, from 1.
func RoleName(i int) string { return "r" + strconv.Itoa(i) }

// PasswordOf returns a user's password.
func PasswordOf(user string) string { return "password of " + user }

// refreshes is how often a client logs in anew for one request.
const refreshes = 3

// doAs sends a request in the name of the session's user.
func (s *Session) doAs(kind Kind, req store.Request, send func(Kind, store.Request) history.Op) history.Op {
	if s.user == "" {
		s.user = store.Root
	}
	for tries := 0; ; tries++ {
		if s.token == "" {
			if op, ok := s.logIn(); !ok {
				return op
			}
		}
		op := send(kind, req)
		switch op.Response.Err {
		case store.ErrInvalidAuthToken, store.ErrAuthOldRevision, store.ErrUserEmpty:
			s.token = ""
			if tries < refreshes {
				continue
			}
		}
		return op
	}
}

// logIn asks for a token. It returns false if a member refused, with that
// operation.
func (s *Session) logIn() (history.Op, bool) {
	op := s.do(Login, &store.AuthenticateRequest{Name: s.user, Password: PasswordOf(s.user)})
	if made, ok := op.Response.Result.(*store.AuthenticateResult); ok {
		s.token = made.Token
		return op, true
	}
	return op, op.Response.Err == store.ErrAuthNotEnabled
}

// Arrange makes requests about users and roles, one after the other, each until it
// is done.
func (s *Session) Arrange(all ...store.Request) {
	for _, req := range all {
		for !arranged(req, s.Do(Rights, req)) {
			s.Sleep(operatorPause)
		}
	}
}

// arranged reports whether things are as a request wants them.
func arranged(req store.Request, op history.Op) bool {
	switch req.(type) {
	case *store.UserAddRequest:
		return op.Outcome == history.OK || op.Response.Err == store.ErrUserAlreadyExist
	case *store.RoleAddRequest:
		return op.Outcome == history.OK || op.Response.Err == store.ErrRoleAlreadyExist
	case *store.RoleRevokePermissionRequest:
		return op.Outcome == history.OK || op.Response.Err == store.ErrPermissionNotGranted
	}
	return op.Outcome == history.OK
}

// tenant is the life of a client that does with the keys of its load what it may
// and what it may not.
func (l *Load) tenant(s *Session) {
	d := dice{load: l, s: s, seen: make([]int64, len(l.keys))}
	for l.more() {
		began := s.Now()
		kind, req := d.trespass()
		op := s.Do(kind, req)
		d.learn(&op)
		if !l.stopped {
			s.Sleep(l.pause(s, began))
		}
	}
}

// trespass draws a request without regard to rights.
func (d *dice) trespass() (Kind, store.Request) {
	r := &d.s.rand
	switch r.Intn(12) {
	case 0:
		return Txn, d.txn()
	case 1, 2, 3:
		return Txn, d.nested()
	case 4:
		return Who, &store.UserGetRequest{Name: UserName(1 + r.Intn(int(max(1, d.load.cfg.Users))))}
	case 5:
		return Who, &store.RoleGetRequest{Role: RoleName(1 + r.Intn(int(max(1, d.load.cfg.Users))))}
	case 6:
		return Range, d.readable()
	}
	switch op := d.operation().(type) {
	case *store.RangeRequest:
		return Get, op
	case *store.DeleteRangeRequest:
		return Delete, op
	default:
		return Put, op
	}
}

// operation draws an operation on one key.
func (d *dice) operation() store.Op {
	r := &d.s.rand
	switch r.Intn(5) {
	case 0, 1:
		return d.read(d.key(), "")
	case 2:
		return &store.DeleteRangeRequest{Key: d.key(), PrevKV: r.Intn(3) == 0}
	}
	return &store.PutRequest{Key: d.key(), Value: d.value(), PrevKV: r.Intn(4) == 0}
}

// readable draws a read of some keys that follow each other.
func (d *dice) readable() *store.RangeRequest {
	i := d.s.rand.Intn(len(d.load.keys))
	end := d.load.end
	if j := i + 1 + d.s.rand.Intn(3); j < len(d.load.keys) && d.load.keys[i] < d.load.keys[j] {
		end = d.load.keys[j]
	}
	return d.read(d.load.keys[i], end)
}

// nested draws a transaction with one operation inside a transaction, which stands
// on the path taken or on the other.
func (d *dice) nested() *store.TxnRequest {
	inner := &store.TxnRequest{Success: []store.Op{d.operation()}}
	outer := &store.TxnRequest{Success: []store.Op{inner}}
	if d.s.rand.Intn(4) == 0 {
		outer.Compare = []store.Compare{{Target: store.CompareVersion, Result: store.CompareGreater, Key: d.key()}}
		outer.Failure = []store.Op{d.read(d.key(), "")}
	}
	return outer
}

// admin is the life of an administrator who changes all the time who may do what.
func (l *Load) admin(s *Session) {
	s.user = store.Root
	a := administrator{dice: dice{load: l, s: s}, users: int(max(1, l.cfg.Users))}
	for l.more() {
		began := s.Now()
		s.Do(Rights, a.change())
		if !l.stopped {
			s.Sleep(l.pause(s, began))
		}
	}
}

// administrator draws changes of rights.
type administrator struct {
	dice
	users int
	// given are the permissions that the roles may have.
	given []store.RoleRevokePermissionRequest
	// later is what undoes the last change.
	later []store.Request
}

func (a *administrator) change() store.Request {
	if len(a.later) > 0 {
		next := a.later[0]
		a.later = a.later[1:]
		return next
	}
	r := &a.s.rand
	user, role := UserName(1+r.Intn(a.users)), RoleName(1+r.Intn(a.users))
	switch n := r.Intn(16); {
	case n < 6 || n < 11 && len(a.given) == 0:
		keys := a.readable()
		p := store.Permission{Type: store.PermissionType(r.Intn(3)), Key: keys.Key, RangeEnd: keys.RangeEnd}
		if r.Intn(2) == 0 {
			p.RangeEnd = ""
		}
		given := store.RoleRevokePermissionRequest{Role: role, Key: p.Key, RangeEnd: p.RangeEnd}
		if !slices.Contains(a.given, given) {
			a.given = append(a.given, given)
		}
		return &store.RoleGrantPermissionRequest{Name: role, Perm: &p}
	case n < 11:
		i := r.Intn(len(a.given))
		taken := a.given[i]
		a.given = slices.Delete(a.given, i, i+1)
		return &taken
	case n < 13:
		return &store.UserGrantRoleRequest{User: user, Role: role}
	case n < 15:
		return &store.UserRevokeRoleRequest{Name: user, Role: role}
	case r.Intn(2) == 0:
		return &store.UserChangePasswordRequest{Name: user, Password: PasswordOf(user)}
	}
	a.later = []store.Request{
		&store.UserAddRequest{Name: user, Password: PasswordOf(user)}, &store.UserGrantRoleRequest{User: user, Role: role},
	}
	return &store.UserDeleteRequest{Name: user}
}
