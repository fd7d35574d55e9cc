package mvcc

import (
	"slices"
	"sort"

	"etcdsim/store"
)

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

func (p byPermittedKey) Len() int { return len(p) }

func (p byPermittedKey) Less(i, j int) bool { return p[i].Key < p[j].Key }

func (p byPermittedKey) Swap(i, j int) { p[i], p[j] = p[j], p[i] }

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
