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
