package mvcc

import (
	"cmp"

	"etcdsim/sim/bug"
	"etcdsim/store"
)

// Identity is who asks, and the auth revision under which the member found that
// out. The zero value is nobody.
type Identity struct {
	User     string
	Revision uint64
}

// operation refuses a range that the user may not read or may not write, where
// authentication is on.
func (r *rules) operation(who Identity, key, end string, write bool) *store.Error {
	switch {
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
