package checker

import (
	"slices"
	"strings"
	"testing"

	"etcdsim/checker/history"
	"etcdsim/store"
)

// rightsStory is a hand-made run with authentication: root, and u with the role r,
// which may read and write a to m. The auth revision is 7 then.
type rightsStory struct {
	chronicle
	now   int
	index uint64
	rev   int64
	auth  uint64
}

func newRightsStory() *rightsStory {
	s := &rightsStory{index: 4, rev: 1, auth: 1}
	for _, r := range []store.Request{
		&store.UserAddRequest{Name: "root"},
		&store.UserGrantRoleRequest{User: "root", Role: "root"},
		&store.UserAddRequest{Name: "u"},
		&store.RoleAddRequest{Name: "r"},
		&store.RoleGrantPermissionRequest{Name: "r", Perm: permission(store.PermitReadWrite, "a", "m")},
		&store.UserGrantRoleRequest{User: "u", Role: "r"},
	} {
		s.change("", r)
	}
	s.logged("", &store.AuthEnableRequest{}, nil)
	return s
}

func permission(t store.PermissionType, key, end string) *store.Permission {
	return &store.Permission{Type: t, Key: key, RangeEnd: end}
}

// logged lets a user's request be committed, with this answer.
func (s *rightsStory) logged(user string, r store.Request, err *store.Error) *history.Op {
	s.index++
	answer := store.Response{Err: err}
	if err == nil {
		answer = store.Response{Revision: s.rev, Result: &store.AuthResult{}}
		switch r := r.(type) {
		case *store.PutRequest:
			s.rev++
			answer = wrote(s.rev)
		case *store.TxnRequest:
			if len(r.Success) > 0 {
				s.rev++
				inner := store.Response{Result: &store.TxnResult{Succeeded: true, Responses: []store.Response{wrote(s.rev)}}}
				answer = store.Response{Revision: s.rev, Result: &store.TxnResult{Succeeded: true, Responses: []store.Response{inner}}}
			}
		case *store.UserGetRequest:
			answer.Result = &store.UserGetResult{}
		}
	}
	op := s.op(0, 1, s.now, s.now+9, r, answer, s.index)
	op.User = user
	if err != nil {
		op.Outcome = history.Failed
	}
	s.commit(op.ID, s.index, s.now+5, r, answer)
	p := s.Commits[len(s.Commits)-1].Proposal
	p.User, p.AuthRevision = user, s.auth
	s.now += 10
	return op
}

// byMember makes the last write one that no client asked for.
func (s *rightsStory) byMember() {
	s.Ops = s.Ops[:len(s.Ops)-1]
	s.Commits[len(s.Commits)-1].Proposal.ID |= 1 << 63
}

// change lets users or roles be changed.
func (s *rightsStory) change(user string, r store.Request) {
	s.logged(user, r, nil)
	s.auth++
}

// read lets a user read at the index that was committed last.
func (s *rightsStory) read(user, key, end string, err *store.Error) *history.Op {
	answer := store.Response{Err: err}
	if err == nil {
		answer = store.Response{Revision: s.rev, Result: &store.RangeResult{}}
	}
	op := s.op(1, 2, s.now, s.now+9, &store.RangeRequest{Key: key, RangeEnd: end}, answer, s.index)
	op.User = user
	if err != nil {
		op.Outcome = history.Failed
	}
	s.now += 10
	return op
}

func TestAuth(t *testing.T) {
	inside := func(op store.Request) *store.TxnRequest {
		return &store.TxnRequest{Success: []store.Op{&store.TxnRequest{Success: []store.Op{op.(store.Op)}}}}
	}
	revoke := &store.RoleRevokePermissionRequest{Role: "r", Key: "a", RangeEnd: "m"}
	for _, tt := range []struct {
		name          string
		make          func(s *rightsStory)
		property, why string
	}{
		{
			name: "all in order",
			make: func(s *rightsStory) {
				s.logged("u", put("b", "1"), nil)
				s.logged("u", put("x", "1"), store.ErrPermissionDenied)
				s.logged("u", inside(put("c", "1")), nil)
				s.logged("u", inside(put("x", "1")), store.ErrPermissionDenied)
				s.read("u", "n", "z", store.ErrPermissionDenied)
				s.read("root", "n", "z", nil)
				s.logged("", put("b", "1"), store.ErrUserEmpty)
				s.change("root", revoke)
				s.logged("u", put("b", "1"), store.ErrPermissionDenied)
				s.logged("u", &store.UserGetRequest{Name: "u"}, nil)
				s.logged("u", &store.UserListRequest{}, store.ErrPermissionDenied)
				s.logged("root", &store.UserAddRequest{Name: "u"}, store.ErrUserAlreadyExist)
				s.change("root", &store.AuthDisableRequest{})
				s.logged("", put("x", "1"), nil)
			},
		},
		{
			name: "a write that came before the right was taken away",
			make: func(s *rightsStory) {
				s.logged("u", put("b", "1"), nil)
				s.change("root", revoke)
			},
		},
		{
			name: "and one that came after",
			make: func(s *rightsStory) {
				s.change("root", revoke)
				s.logged("u", put("b", "1"), nil)
			},
			property: "forbidden", why: "put b=1 was done for u at index 13, where the rules of auth revision 8 forbid it.",
		},
		{
			name:     "inside a transaction",
			make:     func(s *rightsStory) { s.logged("u", inside(put("x", "1")), nil) },
			property: "forbidden", why: "was done for u at index 12",
		},
		{
			name: "in a member's own name for a client",
			make: func(s *rightsStory) {
				s.logged("u", put("x", "1"), nil)
				s.Commits[len(s.Commits)-1].Proposal.User = "root"
			},
			property: "forbidden", why: "put x=1 was done for u",
		},
		{
			name:     "in nobody's name",
			make:     func(s *rightsStory) { s.logged("", put("b", "1"), nil) },
			property: "forbidden", why: "put b=1 was done for nobody",
		},
		{
			name:     "a change of rights by who may not",
			make:     func(s *rightsStory) { s.change("u", &store.RoleAddRequest{Name: "mine"}) },
			property: "forbidden", why: "role add mine was done for u",
		},
		{
			name:     "a read of too much",
			make:     func(s *rightsStory) { s.read("u", "b", "n", nil) },
			property: "forbidden", why: "n2 served range",
		},
		{
			name:     "a write denied that is allowed",
			make:     func(s *rightsStory) { s.logged("u", put("b", "1"), store.ErrPermissionDenied) },
			property: "allowed", why: "put b=1 was denied to u at index 12, where the rules of auth revision 7 allow it.",
		},
		{
			name:     "a read denied that is allowed",
			make:     func(s *rightsStory) { s.read("u", "b", "m", store.ErrPermissionDenied) },
			property: "allowed", why: "n2 denied",
		},
		{
			name: "refused as old, rightly",
			make: func(s *rightsStory) {
				s.change("root", &store.RoleAddRequest{Name: "other"})
				s.logged("u", put("b", "1"), store.ErrAuthOldRevision)
				s.Commits[len(s.Commits)-1].Proposal.AuthRevision--
			},
		},
		{
			name:     "refused as old, wrongly",
			make:     func(s *rightsStory) { s.logged("u", put("b", "1"), store.ErrAuthOldRevision) },
			property: "old rules", why: "since auth revision 7, but they are those of 7.",
		},
		{
			name: "refused as old, where no rules are in force",
			make: func(s *rightsStory) {
				s.change("root", &store.AuthDisableRequest{})
				s.logged("", put("b", "1"), store.ErrAuthOldRevision)
				s.Commits[len(s.Commits)-1].Proposal.AuthRevision--
			},
			property: "old rules", why: "since auth revision 7, but they are those of 8.",
		},
		{
			name: "reads in another order than that in which they were served",
			make: func(s *rightsStory) {
				early := s.read("u", "b", "", nil)
				s.change("root", revoke)
				s.read("u", "b", "", store.ErrPermissionDenied)
				early.Invoke, early.Return = ms(s.now-25), ms(s.now) // it took long
				s.Ops = append(s.Ops[:len(s.Ops)-3], s.Ops[len(s.Ops)-1], s.Ops[len(s.Ops)-2], *early)
			},
		},
		{
			name: "a write that nobody knows of, and nobody was allowed",
			make: func(s *rightsStory) {
				op := s.logged("u", put("x", "1"), nil)
				op.Outcome, op.Response = history.Unknown, store.Response{}
			},
			property: "forbidden", why: "put x=1 was done for u",
		},
		{
			name: "a read that nobody heard of",
			make: func(s *rightsStory) { s.read("u", "x", "", nil).Outcome = history.Unknown },
		},
		{
			name: "a read that failed otherwise",
			make: func(s *rightsStory) { s.read("u", "x", "", store.ErrTimeout) },
		},
		{
			name: "a write that failed before the log",
			make: func(s *rightsStory) {
				op := s.read("u", "x", "", store.ErrTooManyRequests)
				op.Request = put("x", "1")
			},
		},
		{
			name: "a question that says nothing of rights",
			make: func(s *rightsStory) { s.read("u", "b", "", nil).Request = &store.MemberListRequest{} },
		},
		{
			name: "what a member does in its own name",
			make: func(s *rightsStory) {
				s.logged("root", put("x", "1"), nil)
				s.byMember()
			},
		},
		{
			name: "what a member does in the name of somebody whom no client knows",
			make: func(s *rightsStory) {
				s.logged("u", put("x", "1"), nil)
				s.byMember()
			},
			property: "forbidden", why: "put x=1 was done for u",
		},
		{
			name: "a compaction, which was checked where it arrived",
			make: func(s *rightsStory) { s.logged("u", &store.CompactionRequest{Revision: 1}, nil) },
		},
		{
			name: "a login, for which nobody needs rights",
			make: func(s *rightsStory) { s.logged("", &store.AuthenticateRequest{Name: "u"}, nil) },
		},
		{
			name: "a change refused to who may not, which is not there already either",
			make: func(s *rightsStory) { s.logged("u", &store.UserAddRequest{Name: "u"}, store.ErrPermissionDenied) },
		},
		{
			name: "a change refused as old, which would have been refused otherwise too",
			make: func(s *rightsStory) {
				s.logged("root", &store.UserAddRequest{Name: "u"}, store.ErrAuthOldRevision)
				s.Commits[len(s.Commits)-1].Proposal.AuthRevision--
			},
		},
		{
			name: "a read under rules that were changed while it was under way",
			make: func(s *rightsStory) {
				s.change("root", revoke)
				op := s.read("u", "b", "", nil)
				op.Applied--
				op.Invoke = ms(s.now - 12)
			},
		},
		{
			name: "a read under rules that had been changed before a later change",
			make: func(s *rightsStory) {
				s.change("root", revoke)
				s.change("root", &store.RoleAddRequest{Name: "other"})
				slow := &s.Ops[len(s.Ops)-2] // the first change is acknowledged last
				slow.Return = slow.Return + ms(12)
				s.now += 20
				s.read("u", "b", "", nil).Applied -= 2
			},
			property: "current", why: "though a change at index 13 had been acknowledged before it was asked for.",
		},
		{
			name: "a read under rules that had been changed",
			make: func(s *rightsStory) {
				s.change("root", revoke)
				s.read("u", "b", "", nil).Applied--
			},
			property: "current", why: "though a change at index 12 had been acknowledged before it was asked for.",
		},
		{
			name: "a serializable one",
			make: func(s *rightsStory) {
				s.change("root", revoke)
				op := s.read("u", "b", "", nil)
				op.Applied--
				op.Request = &store.RangeRequest{Key: "b", Serializable: true}
			},
		},
		{
			name:     "a user who was there is added",
			make:     func(s *rightsStory) { s.logged("root", &store.UserAddRequest{Name: "u"}, nil) },
			property: "answers", why: `user add u at index 12 was answered that it was done; expected "etcdserver: user name already exists".`,
		},
		{
			name:     "a right that is there is not found",
			make:     func(s *rightsStory) { s.logged("root", revoke, store.ErrPermissionNotGranted) },
			property: "answers", why: "expected that it was done.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newRightsStory()
			tt.make(s)
			j, ok := Judge(s.History, Options{}).Judgement("auth")
			prove(j)
			switch {
			case !ok || j.Judged == 0:
				t.Fatal("nothing was judged")
			case tt.property == "" && j.Verdict != Pass:
				t.Errorf("want a pass, got %+v", j.Violations)
			case tt.property != "" && (j.Verdict != Violated || j.Violations[0].Property != "auth, "+tt.property ||
				!strings.Contains(j.Violations[0].Why, tt.why)):
				t.Errorf("want a violation of %s with %q, got %v %+v", tt.property, tt.why, j.Verdict, j.Violations)
			}
			if tt.property == "allowed" && (len(j.Violations[0].Ops) != 1 || j.Violations[0].Member == 0) {
				t.Errorf("nothing shows it: %+v", j.Violations[0])
			}
		})
	}
}

// Without authentication there is nothing to judge.
func TestAuthOff(t *testing.T) {
	s := newRightsStory()
	s.Commits = slices.DeleteFunc(s.Commits, func(c history.Commit) bool {
		_, enables := c.Proposal.Request.(*store.AuthEnableRequest)
		return enables
	})
	if j, ok := Judge(s.History, Options{}).Judgement("auth"); ok {
		t.Errorf("judged: %+v", j)
	}
}

// A range is allowed if a chain of permissions covers it, whoever's roles they are.
func TestMay(t *testing.T) {
	a := newAuthority()
	for _, r := range []store.Request{
		&store.UserAddRequest{Name: "root"}, &store.UserGrantRoleRequest{User: "root", Role: "root"},
		&store.UserAddRequest{Name: "u"}, &store.RoleAddRequest{Name: "r"}, &store.RoleAddRequest{Name: "s"},
		&store.RoleGrantPermissionRequest{Name: "r", Perm: permission(store.PermitReadWrite, "a", "c")},
		&store.RoleGrantPermissionRequest{Name: "s", Perm: permission(store.PermitRead, "c", "e")},
		&store.RoleGrantPermissionRequest{Name: "s", Perm: permission(store.PermitRead, "g", "")},
		&store.RoleGrantPermissionRequest{Name: "s", Perm: permission(store.PermitRead, "x", "\x00")},
		&store.UserGrantRoleRequest{User: "u", Role: "r"}, &store.UserGrantRoleRequest{User: "u", Role: "s"},
		&store.AuthEnableRequest{},
	} {
		if err := a.apply(r); err != nil {
			t.Fatalf("%s: %s", store.Describe(r), err.Text)
		}
	}
	for _, tt := range []struct {
		user, key, end string
		read, write    bool
	}{
		{"u", "a", "", true, true},
		{"u", "a", "c", true, true},
		{"u", "a", "e", true, false},
		{"u", "b", "d", true, false},
		{"u", "b", "f", false, false},
		{"u", "e", "", false, false},
		{"u", "g", "", true, false},
		{"u", "g", "g\x00", true, false},
		{"u", "g", "h", false, false},
		{"u", "x", "z", true, false},
		{"u", "x", "\x00", true, false},
		{"u", "a", "\x00", false, false},
		{"root", "a", "\x00", true, true},
		{"", "a", "", false, false},
	} {
		if got := a.may(tt.user, false, tt.key, tt.end); got != tt.read {
			t.Errorf("%s reads %q to %q: %v, want %v", tt.user, tt.key, tt.end, got, tt.read)
		}
		if got := a.may(tt.user, true, tt.key, tt.end); got != tt.write {
			t.Errorf("%s writes %q to %q: %v, want %v", tt.user, tt.key, tt.end, got, tt.write)
		}
	}
}

// Changes of users and roles are refused as etcd refuses them, and those that change
// something are counted.
func TestAuthorityRefuses(t *testing.T) {
	a := newAuthority()
	grant := func(role, key, end string) store.Request {
		return &store.RoleGrantPermissionRequest{Name: role, Perm: permission(store.PermitRead, key, end)}
	}
	for _, tt := range []struct {
		request store.Request
		err     *store.Error
		counted uint64
	}{
		{&store.AuthEnableRequest{}, store.ErrRootUserNotExist, 0},
		{&store.AuthDisableRequest{}, nil, 0},
		{&store.UserAddRequest{}, store.ErrUserEmpty, 0},
		{&store.UserAddRequest{Name: "root"}, nil, 1},
		{&store.UserAddRequest{Name: "root"}, store.ErrUserAlreadyExist, 0},
		{&store.AuthEnableRequest{}, store.ErrRootRoleNotExist, 0},
		{&store.UserGrantRoleRequest{User: "ghost", Role: "root"}, store.ErrUserNotFound, 0},
		{&store.UserGrantRoleRequest{User: "root", Role: "r"}, store.ErrRoleNotFound, 0},
		{&store.RoleAddRequest{}, store.ErrRoleEmpty, 0},
		{&store.RoleAddRequest{Name: "r"}, nil, 1},
		{&store.RoleAddRequest{Name: "r"}, store.ErrRoleAlreadyExist, 0},
		{&store.UserGrantRoleRequest{User: "root", Role: "root"}, nil, 1},
		{&store.UserGrantRoleRequest{User: "root", Role: "root"}, nil, 0},
		{&store.RoleGrantPermissionRequest{Name: "r"}, store.ErrPermissionNotGiven, 0},
		{grant("r", "", ""), store.ErrInvalidAuthMgmt, 0},
		{grant("r", "b", "a"), store.ErrInvalidAuthMgmt, 0},
		{grant("r", "b", "b"), store.ErrInvalidAuthMgmt, 0},
		{grant("ghost", "b", "c"), store.ErrRoleNotFound, 0},
		{grant("r", "b", "\x00"), nil, 1},
		{&store.RoleRevokePermissionRequest{Role: "ghost", Key: "b"}, store.ErrRoleNotFound, 0},
		{&store.RoleRevokePermissionRequest{Role: "r", Key: "b"}, store.ErrPermissionNotGranted, 0},
		{&store.RoleRevokePermissionRequest{Role: "r", Key: "a", RangeEnd: "\x00"}, store.ErrPermissionNotGranted, 0},
		{&store.RoleRevokePermissionRequest{Role: "r", Key: "b", RangeEnd: "\x00"}, nil, 1},
		{&store.RoleRevokePermissionRequest{Role: "r", Key: "b", RangeEnd: "\x00"}, store.ErrPermissionNotGranted, 0},
		{&store.UserDeleteRequest{Name: "ghost"}, store.ErrUserNotFound, 0},
		{&store.UserChangePasswordRequest{Name: "ghost"}, store.ErrUserNotFound, 0},
		{&store.UserChangePasswordRequest{Name: "root"}, nil, 1},
		{&store.UserRevokeRoleRequest{Name: "ghost", Role: "r"}, store.ErrUserNotFound, 0},
		{&store.UserRevokeRoleRequest{Name: "root", Role: "r"}, store.ErrRoleNotGranted, 0},
		{&store.RoleAddRequest{Name: "root"}, nil, 1},
		{&store.AuthEnableRequest{}, nil, 0},
		{&store.AuthEnableRequest{}, nil, 0},
		{&store.UserDeleteRequest{Name: "root"}, store.ErrInvalidAuthMgmt, 0},
		{&store.UserRevokeRoleRequest{Name: "root", Role: "root"}, store.ErrInvalidAuthMgmt, 0},
		{&store.RoleDeleteRequest{Role: "root"}, store.ErrInvalidAuthMgmt, 0},
		{&store.RoleDeleteRequest{Role: "ghost"}, store.ErrRoleNotFound, 0},
		{&store.UserAddRequest{Name: "u"}, nil, 1},
		{&store.UserGrantRoleRequest{User: "u", Role: "r"}, nil, 1},
		{&store.UserGrantRoleRequest{User: "root", Role: "r"}, nil, 1},
		{&store.UserRevokeRoleRequest{Name: "root", Role: "r"}, nil, 1},
		{&store.UserRevokeRoleRequest{Name: "root", Role: "r"}, store.ErrRoleNotGranted, 0},
		{&store.RoleDeleteRequest{Role: "r"}, nil, 1},
		{&store.RoleDeleteRequest{Role: "r"}, store.ErrRoleNotFound, 0},
		{&store.UserRevokeRoleRequest{Name: "u", Role: "r"}, store.ErrRoleNotGranted, 0}, // it went with the role
		{&store.UserGrantRoleRequest{User: "u", Role: "root"}, nil, 1},
		{&store.UserRevokeRoleRequest{Name: "u", Role: "root"}, nil, 1},
		{&store.UserDeleteRequest{Name: "u"}, nil, 1},
		{&store.UserDeleteRequest{Name: "u"}, store.ErrUserNotFound, 0},
		{&store.AuthDisableRequest{}, nil, 1},
		{&store.UserRevokeRoleRequest{Name: "root", Role: "root"}, nil, 1},
		{&store.UserDeleteRequest{Name: "root"}, nil, 1},
		{&store.RoleDeleteRequest{Role: "root"}, nil, 1},
	} {
		before := a.revision
		if err := a.apply(tt.request); err != tt.err {
			t.Errorf("%s: %s, want %s", store.Describe(tt.request), refusalText(err), refusalText(tt.err))
		}
		if a.revision != before+tt.counted {
			t.Errorf("%s took the auth revision from %d to %d, expected %d more", store.Describe(tt.request), before, a.revision, tt.counted)
		}
	}
	if a.knows(&store.PutRequest{}) || !a.knows(&store.RoleAddRequest{}) || !a.knows(&store.UserAddRequest{}) {
		t.Error("a put is about rights, or a new user or role is not")
	}
}

// Permissions count in whichever order they were given, and the last one on the same
// keys is the one in force.
func TestGrant(t *testing.T) {
	a := newAuthority()
	for _, r := range []store.Request{
		&store.UserAddRequest{Name: "root"}, &store.UserGrantRoleRequest{User: "root", Role: "root"},
		&store.UserAddRequest{Name: "u"}, &store.RoleAddRequest{Name: "r"}, &store.UserGrantRoleRequest{User: "u", Role: "r"},
		&store.RoleGrantPermissionRequest{Name: "r", Perm: permission(store.PermitWrite, "x", "z")},
		&store.RoleGrantPermissionRequest{Name: "r", Perm: permission(store.PermitWrite, "e", "")},
		&store.RoleGrantPermissionRequest{Name: "r", Perm: permission(store.PermitReadWrite, "c", "e")},
		&store.RoleGrantPermissionRequest{Name: "r", Perm: permission(store.PermitRead, "x", "z")},
		&store.RoleGrantPermissionRequest{Name: "r", Perm: permission(store.PermitWrite, "x", "y")},
		&store.AuthEnableRequest{},
	} {
		if err := a.apply(r); err != nil {
			t.Fatalf("%s: %s", store.Describe(r), err.Text)
		}
	}
	for _, tt := range []struct {
		key, end    string
		read, write bool
	}{
		{"x", "z", true, false},
		{"x", "y", true, true},
		{"y", "", true, false},
		{"e", "", false, true},
		{"c", "e", true, true},
		{"c", "e\x00", false, true},
		{"d", "x", false, false},
	} {
		if read, write := a.may("u", false, tt.key, tt.end), a.may("u", true, tt.key, tt.end); read != tt.read || write != tt.write {
			t.Errorf("%q to %q: reads %v, writes %v; want %v, %v", tt.key, tt.end, read, write, tt.read, tt.write)
		}
	}
	if got := len(a.roles["r"]); got != 4 {
		t.Errorf("%d permissions, want 4: one was given twice", got)
	}
}

// What a user may have done follows from the rights to each key that it reads or
// writes, those on its leases and in its transactions included.
func TestPermits(t *testing.T) {
	a := newAuthority()
	for _, r := range []store.Request{
		&store.UserAddRequest{Name: "root"}, &store.UserGrantRoleRequest{User: "root", Role: "root"},
		&store.UserAddRequest{Name: "u"}, &store.RoleAddRequest{Name: "r"}, &store.RoleAddRequest{Name: "s"},
		&store.UserGrantRoleRequest{User: "u", Role: "r"},
		&store.RoleGrantPermissionRequest{Name: "r", Perm: permission(store.PermitReadWrite, "a", "m")},
		&store.RoleGrantPermissionRequest{Name: "r", Perm: permission(store.PermitWrite, "p", "q")},
		&store.AuthEnableRequest{},
	} {
		if err := a.apply(r); err != nil {
			t.Fatalf("%s: %s", store.Describe(r), err.Text)
		}
	}
	s := emptyState()
	for _, kv := range []store.KeyValue{{Key: "b", Lease: 8}, {Key: "c", Lease: 7}, {Key: "x", Lease: 7}, {Key: "y"}} {
		s.now.root = s.now.root.put(&kv)
	}
	compare := func(key, end string) store.Compare { return store.Compare{Key: key, RangeEnd: end} }
	for _, tt := range []struct {
		request store.Request
		may     bool
	}{
		{&store.RangeRequest{Key: "b"}, true},
		{&store.RangeRequest{Key: "x"}, false},
		{&store.RangeStreamRequest{Range: store.RangeRequest{Key: "b"}}, true},
		{&store.RangeStreamRequest{Range: store.RangeRequest{Key: "x"}}, false},
		{&store.PutRequest{Key: "b"}, true},
		{&store.PutRequest{Key: "b", PrevKV: true}, true},
		{&store.PutRequest{Key: "p"}, true},
		{&store.PutRequest{Key: "p", PrevKV: true}, false},
		{&store.PutRequest{Key: "b", Lease: 8}, true},
		{&store.PutRequest{Key: "b", Lease: 7}, false}, // on which x is
		{&store.DeleteRangeRequest{Key: "b", RangeEnd: "d"}, true},
		{&store.DeleteRangeRequest{Key: "b", RangeEnd: "d", PrevKV: true}, true},
		{&store.DeleteRangeRequest{Key: "b", RangeEnd: "n"}, false},
		{&store.DeleteRangeRequest{Key: "p"}, true},
		{&store.DeleteRangeRequest{Key: "p", PrevKV: true}, false},
		{&store.TxnRequest{Compare: []store.Compare{compare("b", "c")}}, true},
		{&store.TxnRequest{Compare: []store.Compare{compare("b", ""), compare("x", "")}}, false},
		{&store.TxnRequest{Compare: []store.Compare{compare("b", "n")}}, false},
		{&store.TxnRequest{Success: []store.Op{&store.PutRequest{Key: "b"}, &store.PutRequest{Key: "x"}}}, false},
		{&store.TxnRequest{Failure: []store.Op{&store.PutRequest{Key: "b"}, &store.PutRequest{Key: "x"}}}, false},
		{&store.TxnRequest{Success: []store.Op{&store.PutRequest{Key: "b"}}, Failure: []store.Op{&store.RangeRequest{Key: "b"}}}, true},
		{&store.LeaseRevokeRequest{ID: 8}, true},
		{&store.LeaseRevokeRequest{ID: 7}, false},
		{&store.UserGetRequest{Name: "u"}, true},
		{&store.UserGetRequest{Name: "root"}, false},
		{&store.RoleGetRequest{Role: "r"}, true},
		{&store.RoleGetRequest{Role: "s"}, false},
		{&store.UserListRequest{}, false},
		{&store.RoleListRequest{}, false},
		{&store.HashKVRequest{}, false},
		{&store.CompactionRequest{}, false},
		{&store.RoleAddRequest{Name: "t"}, false},
	} {
		what := store.Describe(tt.request)
		if may, known := a.permits("u", tt.request, &s); may != tt.may || !known {
			t.Errorf("u may do %s: %v (known: %v), want %v", what, may, known, tt.may)
		}
		if may, known := a.permits("root", tt.request, &s); !may || !known {
			t.Errorf("root may not do %s (known: %v)", what, known)
		}
	}
	if _, known := a.permits("u", &store.MemberListRequest{}, &s); known {
		t.Error("lists of members are judged by rights")
	}
	a.on = false
	if may, known := a.permits("u", &store.RangeRequest{Key: "x"}, &s); !may || !known {
		t.Error("rights bind though they are off")
	}
}
