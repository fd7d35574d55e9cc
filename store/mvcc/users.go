package mvcc

import (
	"slices"

	"etcdsim/store"
)

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
