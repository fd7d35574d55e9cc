package mvcc

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"etcdsim/store"
)

// asks applies a request as somebody, as a member does that took it in just now.
func asks(s *Store, user string, req store.Request) store.Response {
	p := &store.Proposal{User: user, Request: req}
	if user != "" {
		p.AuthRevision = s.AuthRevision()
	}
	return s.Apply(s.Applied()+1, p)
}

func perm(t store.PermissionType, key, end string) *store.Permission {
	return &store.Permission{Type: t, Key: key, RangeEnd: end}
}

func get(key string) *store.RangeRequest { return &store.RangeRequest{Key: key} }
func put(key string) *store.PutRequest   { return &store.PutRequest{Key: key, Value: "v"} }

// The sequence, with its answers, was recorded from etcd 3.7.3, up to the lease.
func TestAuthAsRecordedFromEtcd(t *testing.T) {
	s := New(Config{})
	for i, c := range []struct {
		user string
		req  store.Request
		err  *store.Error
	}{
		{"", &store.AuthenticateRequest{Name: "root"}, store.ErrAuthNotEnabled},
		{"", &store.AuthEnableRequest{}, store.ErrRootUserNotExist},
		{"", &store.UserAddRequest{}, store.ErrUserEmpty},
		{"", &store.UserAddRequest{Name: "root", Password: "p"}, nil},
		{"", &store.AuthEnableRequest{}, store.ErrRootRoleNotExist},
		{"", &store.UserGrantRoleRequest{User: "root", Role: "root"}, nil},
		{"", &store.UserAddRequest{Name: "root"}, store.ErrUserAlreadyExist},
		{"", &store.UserAddRequest{Name: "u", Password: "p"}, nil},
		{"", &store.UserGrantRoleRequest{User: "u", Role: "r"}, store.ErrRoleNotFound},
		{"", &store.UserGrantRoleRequest{User: "x", Role: "r"}, store.ErrUserNotFound},
		{"", &store.UserGetRequest{Name: "x"}, store.ErrUserNotFound},
		{"", &store.RoleGetRequest{Role: "x"}, store.ErrRoleNotFound},
		{"", &store.RoleAddRequest{}, store.ErrRoleEmpty},
		{"", &store.RoleAddRequest{Name: "r"}, nil},
		{"", &store.RoleAddRequest{Name: "r"}, store.ErrRoleAlreadyExist},
		{"", &store.RoleGrantPermissionRequest{Name: "r"}, store.ErrPermissionNotGiven},
		{"", &store.RoleGrantPermissionRequest{Name: "r", Perm: perm(store.PermitRead, "b", "a")}, store.ErrInvalidAuthMgmt},
		{"", &store.RoleGrantPermissionRequest{Name: "r", Perm: perm(store.PermitRead, "b", "b")}, store.ErrInvalidAuthMgmt},
		{"", &store.RoleGrantPermissionRequest{Name: "x", Perm: perm(store.PermitRead, "a", "")}, store.ErrRoleNotFound},
		{"", &store.RoleGrantPermissionRequest{Name: "r", Perm: perm(store.PermitReadWrite, "f", "g")}, nil},
		{"", &store.RoleRevokePermissionRequest{Role: "r", Key: "x"}, store.ErrPermissionNotGranted},
		{"", &store.UserRevokeRoleRequest{Name: "u", Role: "r"}, store.ErrRoleNotGranted},
		{"", &store.UserGrantRoleRequest{User: "u", Role: "r"}, nil},
		{"", &store.AuthEnableRequest{}, nil},
		{"", &store.AuthEnableRequest{}, store.ErrUserEmpty},
		{"root", &store.AuthEnableRequest{}, nil}, // ignored
		{"", put("f1"), store.ErrUserEmpty},
		{"u", put("f1"), nil},
		{"u", put("x"), store.ErrPermissionDenied},
		{"u", &store.RangeRequest{Key: "\x00", RangeEnd: "\x00"}, store.ErrPermissionDenied},
		{"u", &store.RangeRequest{Key: "f", RangeEnd: "g"}, nil},
		{"u", &store.RangeRequest{Key: "f", RangeEnd: "g1"}, store.ErrPermissionDenied},
		{"u", &store.UserListRequest{}, store.ErrPermissionDenied},
		{"gone", &store.UserListRequest{}, store.ErrUserNotFound},
		{"u", &store.UserGetRequest{Name: "u"}, nil},
		{"u", &store.UserGetRequest{Name: "root"}, store.ErrPermissionDenied},
		{"u", &store.RoleGetRequest{Role: "r"}, nil},
		{"u", &store.RoleGetRequest{Role: "root"}, store.ErrPermissionDenied},
		{"root", &store.UserDeleteRequest{Name: "root"}, store.ErrInvalidAuthMgmt},
		{"root", &store.UserRevokeRoleRequest{Name: "root", Role: "root"}, store.ErrInvalidAuthMgmt},
		{"root", &store.RoleDeleteRequest{Role: "root"}, store.ErrInvalidAuthMgmt},
		{"root", &store.UserListRequest{}, nil},
		{"root", put("x"), nil},

		{"u", &store.TxnRequest{Success: []store.Op{put("f2")}}, nil},
		{"u", &store.TxnRequest{Success: []store.Op{put("f2")}, Failure: []store.Op{put("x")}}, store.ErrPermissionDenied},
		{"u", &store.TxnRequest{Compare: []store.Compare{{Key: "x"}}}, store.ErrPermissionDenied},
		// CVE-2026-33343: also what is nested.
		{"u", &store.TxnRequest{Success: []store.Op{&store.TxnRequest{Failure: []store.Op{get("x")}}}}, store.ErrPermissionDenied},
		// Whoever attaches a key to a lease could delete the others on it.
		{"root", &store.LeaseGrantRequest{ID: 7, TTL: 60}, nil},
		{"u", &store.PutRequest{Key: "f3", Lease: 7}, nil},
		{"root", &store.PutRequest{Key: "x", Lease: 7}, nil},
		{"u", &store.PutRequest{Key: "f4", Lease: 7}, store.ErrPermissionDenied},
		{"u", &store.LeaseRevokeRequest{ID: 7}, store.ErrPermissionDenied},
		{"root", &store.LeaseRevokeRequest{ID: 7}, nil},
		{"root", &store.RoleGrantPermissionRequest{Name: "r", Perm: perm(store.PermitWrite, "w", "")}, nil},
		{"u", put("w"), nil},
		{"u", &store.PutRequest{Key: "w", PrevKV: true}, store.ErrPermissionDenied},
		{"u", &store.DeleteRangeRequest{Key: "w", PrevKV: true}, store.ErrPermissionDenied},
		{"u", &store.DeleteRangeRequest{Key: "w"}, nil},

		{"u", get("w"), store.ErrPermissionDenied},
		{"root", &store.RoleGrantPermissionRequest{Name: "r", Perm: perm(store.PermitRead, "z", "")}, nil},
		{"u", get("z"), nil},
		{"u", put("z"), store.ErrPermissionDenied},
		{"u", &store.DeleteRangeRequest{Key: "z"}, store.ErrPermissionDenied},

		{"root", &store.RoleDeleteRequest{Role: "r"}, nil},
		{"u", get("f1"), store.ErrPermissionDenied},
		{"root", &store.AuthDisableRequest{}, nil},
		{"", get("f1"), nil},
		{"", &store.UserDeleteRequest{Name: "root"}, nil},
		{"", &store.AuthEnableRequest{}, store.ErrRootUserNotExist},
	} {
		revision := s.AuthRevision()
		if resp := asks(s, c.user, c.req); resp.Err != c.err {
			t.Fatalf("%d: %q asks %s: %v, want %v", i, c.user, store.Describe(c.req), resp.Err, c.err)
		} else if c.err != nil && s.AuthRevision() != revision {
			t.Fatalf("%d: %s was refused and advanced the auth revision", i, store.Describe(c.req))
		}
	}
}

// Users, roles and permissions are listed in order, each once, and what is taken away is
// gone; of what is not there, nothing is taken.
func TestUsersAndRoles(t *testing.T) {
	s := New(Config{})
	grant := func(t store.PermissionType, key, end string) store.Request {
		return &store.RoleGrantPermissionRequest{Name: "r", Perm: perm(t, key, end)}
	}
	users := func(names ...string) store.Result { return &store.UserListResult{Users: names} }
	perms := func(all ...store.Permission) store.Result { return &store.RoleGetResult{Perms: all} }
	for i, c := range []struct {
		req store.Request
		err *store.Error
		res store.Result // nil is that of a change, or none with an error
	}{
		{&store.UserDeleteRequest{Name: "u"}, store.ErrUserNotFound, nil},
		{&store.UserChangePasswordRequest{Name: "u"}, store.ErrUserNotFound, nil},
		{&store.UserRevokeRoleRequest{Name: "u", Role: "r"}, store.ErrUserNotFound, nil},
		{&store.RoleDeleteRequest{Role: "r"}, store.ErrRoleNotFound, nil},
		{&store.RoleRevokePermissionRequest{Role: "r", Key: "k"}, store.ErrRoleNotFound, nil},

		{&store.UserAddRequest{Name: "v", Password: "p"}, nil, nil},
		{&store.UserAddRequest{Name: "u", Password: "p"}, nil, nil},
		{&store.UserAddRequest{Name: "w", Password: "p"}, nil, nil},
		{&store.UserListRequest{}, nil, users("u", "v", "w")},
		{&store.RoleAddRequest{Name: "s"}, nil, nil},
		{&store.RoleAddRequest{Name: "r"}, nil, nil},
		{&store.RoleListRequest{}, nil, &store.RoleListResult{Roles: []string{"r", "s"}}},
		{&store.UserGrantRoleRequest{User: "u", Role: "s"}, nil, nil},
		{&store.UserGrantRoleRequest{User: "u", Role: "r"}, nil, nil},
		{&store.UserGrantRoleRequest{User: "u", Role: "r"}, nil, nil},
		{&store.UserGetRequest{Name: "u"}, nil, &store.UserGetResult{Roles: []string{"r", "s"}}},

		{grant(store.PermitRead, "k", ""), nil, nil},
		{grant(store.PermitRead, "a", ""), nil, nil},
		{grant(store.PermitWrite, "k", ""), nil, nil},
		{grant(store.PermitRead, "z", "\x00"), nil, nil},
		{&store.RoleGetRequest{Role: "r"}, nil, perms(
			*perm(store.PermitRead, "a", ""), *perm(store.PermitWrite, "k", ""), *perm(store.PermitRead, "z", "\x00"))},
		{&store.RoleRevokePermissionRequest{Role: "r", Key: "k", RangeEnd: "l"}, store.ErrPermissionNotGranted, nil},
		{&store.RoleRevokePermissionRequest{Role: "r", Key: "k"}, nil, nil},
		{&store.RoleGetRequest{Role: "r"}, nil, perms(*perm(store.PermitRead, "a", ""), *perm(store.PermitRead, "z", "\x00"))},
		{grant(store.PermitWrite, "a", "b"), nil, nil},
		{&store.RoleRevokePermissionRequest{Role: "r", Key: "a"}, nil, nil},
		{&store.RoleGetRequest{Role: "r"}, nil, perms(*perm(store.PermitWrite, "a", "b"), *perm(store.PermitRead, "z", "\x00"))},
		{&store.RoleAddRequest{Name: "root"}, nil, nil},
		{&store.RoleGetRequest{Role: "root"}, nil, perms(*perm(store.PermitReadWrite, "", "\x00"))},

		{&store.RoleDeleteRequest{Role: "r"}, nil, nil},
		{&store.UserGetRequest{Name: "u"}, nil, &store.UserGetResult{Roles: []string{"s"}}},
		{&store.RoleListRequest{}, nil, &store.RoleListResult{Roles: []string{"root", "s"}}},
		{&store.UserRevokeRoleRequest{Name: "u", Role: "s"}, nil, nil},
		{&store.UserRevokeRoleRequest{Name: "u", Role: "s"}, store.ErrRoleNotGranted, nil},
		{&store.UserDeleteRequest{Name: "v"}, nil, nil},
		{&store.UserListRequest{}, nil, users("u", "w")},
		{&store.AuthStatusRequest{}, nil, &store.AuthStatusResult{Revision: 19}},
		{&store.AuthDisableRequest{}, nil, nil}, // it is off, and nothing changes
		{&store.AuthStatusRequest{}, nil, &store.AuthStatusResult{Revision: 19}},
	} {
		resp := asks(s, "", c.req)
		if resp.Err != c.err {
			t.Fatalf("%d: %s: %v, want %v", i, store.Describe(c.req), resp.Err, c.err)
		}
		if c.res == nil && c.err == nil {
			c.res = &store.AuthResult{}
		}
		if c.res != nil && !reflect.DeepEqual(resp.Result, c.res) {
			t.Errorf("%d: %s: %+v, want %+v", i, store.Describe(c.req), resp.Result, c.res)
		}
	}
}

// guarded returns a store with authentication on, the user root, and the user u
// who may read and write from f on to g.
func guarded() *Store {
	s := New(Config{})
	for _, req := range []store.Request{
		&store.UserAddRequest{Name: "root", HashedPassword: store.HashPassword("secret", "salt")},
		&store.UserGrantRoleRequest{User: "root", Role: "root"},
		&store.UserAddRequest{Name: "u", Password: "p"},
		&store.UserAddRequest{Name: "cert", NoPassword: true},
		&store.RoleAddRequest{Name: "r"},
		&store.RoleGrantPermissionRequest{Name: "r", Perm: perm(store.PermitReadWrite, "f", "g")},
		&store.UserGrantRoleRequest{User: "u", Role: "r"},
		&store.AuthEnableRequest{},
	} {
		asks(s, "", req)
	}
	return s
}

// Whatever changes the rules of a clone leaves those of the store as they were: they
// share what did not change.
func TestClonesKeepTheirRules(t *testing.T) {
	s := guarded()
	asks(s, "root", &store.AuthenticateRequest{Name: "root", TokenPrefix: "t"})
	asks(s, "root", &store.AlarmRequest{Action: store.AlarmActivate, Alarm: store.Alarm{MemberID: 1, Type: store.AlarmNoSpace}})
	for _, req := range []store.Request{
		&store.UserAddRequest{Name: "a", Password: "p"}, &store.UserDeleteRequest{Name: "cert"},
		&store.UserChangePasswordRequest{Name: "u", Password: "q"},
		&store.UserGrantRoleRequest{User: "u", Role: "root"}, &store.UserRevokeRoleRequest{Name: "u", Role: "r"},
		&store.RoleAddRequest{Name: "a"}, &store.RoleDeleteRequest{Role: "r"},
		&store.RoleGrantPermissionRequest{Name: "r", Perm: perm(store.PermitRead, "f", "g")},
		&store.RoleGrantPermissionRequest{Name: "r", Perm: perm(store.PermitRead, "a", "")},
		&store.RoleRevokePermissionRequest{Role: "r", Key: "f", RangeEnd: "g"},
		&store.AuthenticateRequest{Name: "u", TokenPrefix: "s"}, &store.AuthDisableRequest{},
		&store.AlarmRequest{Action: store.AlarmActivate, Alarm: store.Alarm{MemberID: 2, Type: store.AlarmNoSpace}},
		&store.AlarmRequest{Action: store.AlarmDeactivate, Alarm: store.Alarm{MemberID: 1, Type: store.AlarmNoSpace}},
	} {
		before, clone := string(s.Encode()), s.Clone()
		if resp := asks(clone, "root", req); resp.Err != nil {
			t.Fatalf("%s: %v", store.Describe(req), resp.Err)
		}
		if string(s.Encode()) != before {
			t.Errorf("%s of the clone changed the store", store.Describe(req))
		}
		if string(clone.Encode()) == before {
			t.Errorf("%s changed nothing", store.Describe(req))
		}
	}
}

// A request that was taken in under older rules is refused when it is applied
// (etcd #5739): u's right to write was revoked in between.
func TestRulesInForceAtApplyDecide(t *testing.T) {
	s := guarded()
	late := &store.Proposal{User: "u", AuthRevision: s.AuthRevision(), Request: put("f")}
	asks(s, "root", &store.RoleRevokePermissionRequest{Role: "r", Key: "f", RangeEnd: "g"})
	if resp := s.Apply(100, late); resp.Err != store.ErrAuthOldRevision {
		t.Errorf("got %v, want %v", resp.Err, store.ErrAuthOldRevision)
	}
	if resp := asks(s, "u", put("f")); resp.Err != store.ErrPermissionDenied {
		t.Errorf("asked again: got %v, want %v", resp.Err, store.ErrPermissionDenied)
	}
}

func TestTokens(t *testing.T) {
	s := guarded()
	for _, c := range []struct {
		name, password string
		want           *store.Error
	}{
		{"root", "secret", nil},
		{"u", "p", nil},
		{"u", "wrong", store.ErrAuthFailed},
		{"nobody", "p", store.ErrAuthFailed},
		{"nobody", "secret", store.ErrAuthFailed}, // it is root's, who is next to nobody
		{"v", "p", store.ErrAuthFailed},
		{"cert", "p", store.ErrNoPasswordUser},
	} {
		if err := s.CheckPassword(c.name, c.password); err != c.want {
			t.Errorf("password %q of %q: got %v, want %v", c.password, c.name, err, c.want)
		}
	}
	if err := New(Config{}).CheckPassword("root", "secret"); err != store.ErrAuthNotEnabled {
		t.Errorf("where authentication is off: %v, want %v", err, store.ErrAuthNotEnabled)
	}
	authenticate := func() string {
		resp := asks(s, "", &store.AuthenticateRequest{Name: "u", TokenPrefix: "abc"})
		return resp.Result.(*store.AuthenticateResult).Token
	}
	token := authenticate()
	if who, err := s.Identify(token); err != nil || who != (Identity{"u", s.AuthRevision()}) {
		t.Errorf("token %q stands for %+v, %v", token, who, err)
	}
	if _, err := s.Identify("abc.1"); err != store.ErrInvalidAuthToken {
		t.Errorf("a token that was never given: %v", err)
	}
	for _, req := range []store.Request{
		&store.UserChangePasswordRequest{Name: "u", Password: "new"},
		&store.UserDeleteRequest{Name: "u"},
		&store.AuthDisableRequest{},
	} {
		asks(s, "root", &store.UserAddRequest{Name: "u", Password: "p"}) // refused while there is one
		token := authenticate()
		asks(s, "root", req)
		if _, err := s.Identify(token); err != store.ErrInvalidAuthToken {
			t.Errorf("a token outlived: %s", store.Describe(req))
		}
	}
}

func TestAdmit(t *testing.T) {
	s := guarded()
	asks(s, "root", &store.LeaseGrantRequest{ID: 7, TTL: 60})
	asks(s, "root", &store.PutRequest{Key: "x", Lease: 7})
	u := Identity{"u", s.AuthRevision()}
	for _, c := range []struct {
		who  Identity
		req  store.Request
		want *store.Error
	}{
		{u, get("f"), nil},
		{u, get("x"), store.ErrPermissionDenied},
		{Identity{"u", u.Revision - 1}, get("f"), store.ErrAuthOldRevision},
		{Identity{}, get("f"), store.ErrUserEmpty},
		{u, &store.RangeStreamRequest{Range: *get("x")}, store.ErrPermissionDenied},
		{u, &store.WatchRequest{Key: "f", RangeEnd: "g"}, nil},
		{u, &store.WatchRequest{Key: "f", RangeEnd: "\x00"}, store.ErrPermissionDenied},
		{u, &store.CompactionRequest{}, store.ErrPermissionDenied},
		{u, &store.HashKVRequest{}, store.ErrPermissionDenied},
		{u, &store.AlarmRequest{}, nil},
		{Identity{}, &store.AlarmRequest{}, store.ErrUserEmpty},
		{u, &store.AlarmRequest{Action: store.AlarmActivate}, store.ErrPermissionDenied},
		{Identity{}, &store.LeaseGrantRequest{}, store.ErrUserEmpty},
		{u, &store.LeaseGrantRequest{}, nil},
		{u, &store.LeaseRevokeRequest{ID: 7}, store.ErrPermissionDenied},
		{u, &store.LeaseRevokeRequest{ID: 8}, nil},
		{u, &store.LeaseKeepAliveRequest{ID: 7}, store.ErrPermissionDenied},
		{u, &store.LeaseTimeToLiveRequest{ID: 7}, nil},
		{u, &store.LeaseTimeToLiveRequest{ID: 7, Keys: true}, store.ErrPermissionDenied},
		{u, &store.LeaseTimeToLiveRequest{ID: 8, Keys: true}, nil},
		{u, &store.LeaseLeasesRequest{}, store.ErrPermissionDenied},
		{Identity{}, &store.LeaseLeasesRequest{}, store.ErrUserEmpty},
		{Identity{"root", u.Revision}, &store.LeaseLeasesRequest{}, nil},
		{u, &store.UserListRequest{}, store.ErrPermissionDenied},
		{Identity{"root", u.Revision}, &store.CompactionRequest{}, nil},
	} {
		if err := s.Admit(c.who, c.req); err != c.want {
			t.Errorf("%q asks %s: got %v, want %v", c.who.User, store.Describe(c.req), err, c.want)
		}
	}
}

// Whether a range is allowed must be the same as whether each of its keys is.
func TestCoverAgreesWithKeys(t *testing.T) {
	keys := []string{"a", "b", "c", "d", "e", "f"}
	point := rapid.SampledFrom(keys)
	rapid.Check(t, func(t *rapid.T) {
		var perms []store.Permission
		for range rapid.IntRange(0, 4).Draw(t, "perms") {
			p := store.Permission{Key: point.Draw(t, "key"), RangeEnd: rapid.OneOf(point, rapid.Just("\x00")).Draw(t, "end")}
			if validPermission(&p) {
				perms = append(perms, p)
			}
		}
		var allowed []interval
		for _, p := range perms {
			allowed = append(allowed, permitted(p))
		}
		allowed = merge(allowed)
		key, end := point.Draw(t, "from"), rapid.OneOf(point, rapid.Just("\x00")).Draw(t, "to")
		if end != "\x00" && end <= key {
			return
		}
		want := end != "\x00" // a range without end needs a permission without end
		for _, p := range perms {
			want = want || p.RangeEnd == "\x00"
		}
		for _, k := range keys {
			if within(k, key, end) {
				one := false
				for _, p := range perms {
					one = one || within(k, p.Key, p.RangeEnd)
				}
				want = want && one
			}
		}
		if got := cover(allowed, key, end); got != want {
			t.Fatalf("%v allow [%q, %q): %v, want %v", perms, key, end, got, want)
		}
	})
}

func TestAlarms(t *testing.T) {
	s := New(Config{})
	noSpace, corrupt := store.Alarm{MemberID: 2, Type: store.AlarmNoSpace}, store.Alarm{MemberID: 1, Type: store.AlarmCorrupt}
	alarm := func(action store.AlarmAction, a store.Alarm) []store.Alarm {
		return asks(s, "", &store.AlarmRequest{Action: action, Alarm: a}).Result.(*store.AlarmResult).Alarms
	}
	expect := func(what string, got, want []store.Alarm) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	expect("raise nothing", alarm(store.AlarmActivate, store.Alarm{}), nil)
	expect("disarm none", alarm(store.AlarmDeactivate, noSpace), nil)
	expect("raise", alarm(store.AlarmActivate, noSpace), []store.Alarm{noSpace})
	expect("raise again", alarm(store.AlarmActivate, noSpace), []store.Alarm{noSpace})
	for _, c := range []struct {
		req  store.Request
		want *store.Error
	}{
		{put("a"), store.ErrNoSpace},
		{&store.LeaseGrantRequest{ID: 1}, store.ErrNoSpace},
		{&store.TxnRequest{Failure: []store.Op{put("a")}}, store.ErrNoSpace}, // whatever path is taken
		{&store.TxnRequest{Success: []store.Op{&store.DeleteRangeRequest{Key: "a"}}}, nil},
		{&store.DeleteRangeRequest{Key: "a"}, nil},
		{get("a"), nil},
	} {
		if resp := asks(s, "", c.req); resp.Err != c.want {
			t.Errorf("without space, %s: %v, want %v", store.Describe(c.req), resp.Err, c.want)
		}
	}
	alarm(store.AlarmActivate, corrupt)
	expect("all", alarm(store.AlarmGet, store.Alarm{}), []store.Alarm{noSpace, corrupt})
	expect("of a type", alarm(store.AlarmGet, store.Alarm{Type: store.AlarmCorrupt}), []store.Alarm{corrupt})
	for _, req := range []store.Request{
		put("a"), get("a"), &store.TxnRequest{}, &store.CompactionRequest{Revision: 1}, &store.LeaseRevokeRequest{},
	} {
		if resp := asks(s, "", req); resp.Err != store.ErrCorrupt {
			t.Errorf("corrupt, %s: %v", store.Describe(req), resp.Err)
		}
	}
	expect("disarm", alarm(store.AlarmDeactivate, corrupt), []store.Alarm{corrupt})
	expect("disarm", alarm(store.AlarmDeactivate, noSpace), []store.Alarm{noSpace})
	if resp := asks(s, "", put("a")); resp.Err != nil {
		t.Errorf("after the alarms: %v", resp.Err)
	}
}

// Space is taken by writing, freed for reuse by compaction, and given back by
// defragmenting alone.
func TestQuota(t *testing.T) {
	s := New(Config{})
	empty := s.Size()
	big := &store.PutRequest{Key: "k", Value: string(make([]byte, 10_000))}
	for s.Fits(big, 1<<20) {
		asks(s, "", big)
	}
	full := s.Size()
	if full < 1<<20-20_000 || full > 1<<20 {
		t.Errorf("%d bytes when a quota of %d is reached", full, 1<<20)
	}
	if !s.Fits(get("k"), 1<<20) || !s.Fits(big, 0) || !s.Fits(big, -1) {
		t.Error("a read, the default quota or none is refused")
	}
	compact(s, s.Revision())
	if s.Size() != full || s.SizeInUse() > empty+20_000 {
		t.Errorf("compacted: %d bytes, %d in use; want %d, and little more than %d", s.Size(), s.SizeInUse(), full, empty)
	}
	decoded, err := Decode(Config{}, s.Encode())
	if err != nil || decoded.Size() != full || decoded.SizeInUse() != s.SizeInUse() {
		t.Errorf("decoded: %d bytes, %d in use; error %v", decoded.Size(), decoded.SizeInUse(), err)
	}
	s.Defragment()
	if s.Size() != s.SizeInUse() {
		t.Errorf("defragmented: %d bytes, %d in use", s.Size(), s.SizeInUse())
	}
}

func TestRulesSurviveCopies(t *testing.T) {
	s := guarded()
	for _, role := range []string{"c", "b", "a"} {
		asks(s, "root", &store.RoleAddRequest{Name: role})
		if role != "a" { // the list of three roles may have room for one more
			asks(s, "root", &store.UserGrantRoleRequest{User: "root", Role: role})
		}
	}
	asks(s, "", &store.AuthenticateRequest{Name: "u", TokenPrefix: "abc"})
	asks(s, "root", &store.AlarmRequest{Action: store.AlarmActivate, Alarm: store.Alarm{MemberID: 3, Type: store.AlarmNoSpace}})
	decoded, err := Decode(Config{}, s.Encode())
	if err != nil {
		t.Fatal(err)
	}
	clone := s.Clone()
	want, err := Decode(Config{}, s.Encode())
	if err != nil {
		t.Fatal(err)
	}
	asks(s, "root", &store.UserDeleteRequest{Name: "u"})
	asks(s, "root", &store.UserGrantRoleRequest{User: "root", Role: "a"})
	for name, copied := range map[string]*Store{"clone": clone, "decoded": decoded} { // unordered: independent checks
		if !reflect.DeepEqual(copied.rules, want.rules) {
			t.Errorf("%s: got %+v, want %+v", name, *copied.rules, *want.rules)
		}
	}
	if s.StateHash() == clone.StateHash() {
		t.Error("deleting a user does not change the hash of the state")
	}
}
