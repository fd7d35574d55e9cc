package mvcc

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"etcdsim/store"
)

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
	case !matches(r.users[i].hash, password):
		return store.ErrAuthFailed
	}
	return nil
}

// matches reports whether a hash is that of the password. Users who come from a real
// etcd, or from real clients, have one of bcrypt, whose work is meant to take long.
func matches(hash, password string) bool {
	const bcryptLen = 60
	if len(hash) == bcryptLen && strings.HasPrefix(hash, "$2") {
		return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
	}
	return store.CheckPassword(hash, password)
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
// was proposed. Without a prefix the token is none that the store is to know.
func (s *Store) authenticate(req *store.AuthenticateRequest) (store.Result, *store.Error) {
	r := s.rulesNow()
	if !r.enabled {
		return nil, store.ErrAuthNotEnabled
	}
	i, found := r.findUser(req.Name)
	if !found || r.users[i].noPassword {
		return nil, store.ErrAuthFailed
	}
	if req.TokenPrefix == "" {
		return &store.AuthenticateResult{}, nil
	}
	text := fmt.Sprintf("%s.%d", req.TokenPrefix, s.applied)
	next := r.copy()
	if i, found := next.findToken(text); !found {
		next.tokens = slices.Insert(next.tokens, i, token{text, req.Name})
	}
	s.rules = next
	return &store.AuthenticateResult{Token: text}, nil
}
