package store

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func anyAuthRequest(t *rapid.T) Request {
	kind := rapid.ByteRange(kindAuthEnable, kindAlarm).Draw(t, "auth kind")
	req := newAuthRequest(kind)
	for _, text := range authTexts(req) {
		*text = anyKey(t, "text")
	}
	switch req := req.(type) {
	case *UserAddRequest:
		req.Name, req.HashedPassword, req.NoPassword = anyKey(t, "name"), anyKey(t, "hash"), rapid.Bool().Draw(t, "no password")
	case *RoleGrantPermissionRequest:
		req.Name = anyKey(t, "name")
		if rapid.Bool().Draw(t, "given") {
			kind := PermissionType(rapid.Int32Range(-1, 3).Draw(t, "type"))
			req.Perm = &Permission{Type: kind, Key: anyKey(t, "key"), RangeEnd: anyKey(t, "end")}
		}
	case *AlarmRequest:
		req.Action, req.Alarm.Type = AlarmAction(rapid.Int32Range(-1, 3).Draw(t, "action")), AlarmType(rapid.Int32Range(-1, 3).Draw(t, "type"))
		req.Alarm.MemberID = rapid.Uint64().Draw(t, "member")
	}
	return req
}

// A request must encode as the kind that decodes to it.
func TestAuthKinds(t *testing.T) {
	for kind := kindAuthEnable; kind <= kindAlarm; kind++ {
		req := newAuthRequest(kind)
		if req == nil || kindOf(req) != kind {
			t.Errorf("kind %d makes a %T, which is of kind %d", kind, req, kindOf(req))
		}
		if text := Describe(req); strings.HasPrefix(text, "*") {
			t.Errorf("%s has no words", text)
		}
	}
}

func TestPasswordsAreNotPrinted(t *testing.T) {
	for _, req := range []Request{
		&AuthenticateRequest{Name: "u", Password: "secret"}, &UserAddRequest{Name: "u", Password: "secret", HashedPassword: "secret"},
		&UserChangePasswordRequest{Name: "u", Password: "secret", HashedPassword: "secret"},
	} {
		if text := Describe(req); strings.Contains(text, "secret") || !strings.Contains(text, "u") {
			t.Error(text)
		}
	}
}

func TestAuthResultsAreToldApart(t *testing.T) {
	seen := map[uint64]Result{}
	for _, res := range []Result{
		&AuthResult{}, &AuthStatusResult{}, &AuthStatusResult{Enabled: true}, &AuthStatusResult{Revision: 1}, &AuthenticateResult{},
		&AuthenticateResult{Token: "t"}, &UserGetResult{}, &UserGetResult{Roles: []string{""}}, &UserGetResult{Roles: []string{"r"}},
		&UserListResult{}, &UserListResult{Users: []string{"u"}}, &RoleGetResult{}, &RoleGetResult{Perms: []Permission{{}}},
		&RoleGetResult{Perms: []Permission{{Type: PermitWrite}}}, &RoleGetResult{Perms: []Permission{{Key: "a"}}},
		&RoleGetResult{Perms: []Permission{{RangeEnd: "a"}}}, &RoleListResult{}, &RoleListResult{Roles: []string{"r"}},
		&AlarmResult{}, &AlarmResult{Alarms: []Alarm{{}}}, &AlarmResult{Alarms: []Alarm{{MemberID: 1}}}, &AlarmResult{Alarms: []Alarm{{Type: 1}}},
	} {
		h := HashResponse(Response{Result: res})
		if other, ok := seen[h]; ok {
			t.Errorf("%#v and %#v have the same hash", res, other)
		}
		seen[h] = res
	}
}
