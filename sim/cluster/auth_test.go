package cluster_test

import (
	"strings"
	"testing"
	"time"

	"etcdsim/node"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// askAs sends a request by a token to a member and returns the answer.
func (s *story) askAs(token string, member uint64, r store.Request) store.Response {
	s.t.Helper()
	a := &admin{s: s, op: s.NextOp()}
	s.Attach(trace.Client(1), a)
	s.CallAs(trace.Client(1), member, a.op, store.Credential{Token: token}, r)
	s.until(store.Describe(r)+" is answered", func() bool { return a.answer != nil })
	return a.answer.Response
}

// login returns a token for a user, whose password is its name.
func (s *story) login(member uint64, user string) string {
	s.t.Helper()
	r := s.askAs("", member, &store.AuthenticateRequest{Name: user, Password: user})
	made, ok := r.Result.(*store.AuthenticateResult)
	if !ok {
		s.t.Fatalf("login of %s: %v", user, r.Err)
	}
	return made.Token
}

// guarded returns a universe with authentication on: root, and u, who may read and
// write f1 to f9.
func guarded(t *testing.T, change func(*cluster.Config)) (s *story, root, u string) {
	t.Helper()
	s = newStory(t, 1, change)
	s.until("the members serve", func() bool { return s.Member(1).Serving && s.Member(2).Serving && s.Member(3).Serving })
	for _, r := range []store.Request{
		&store.UserAddRequest{Name: "root", Password: "root"},
		&store.UserGrantRoleRequest{User: "root", Role: "root"},
		&store.UserAddRequest{Name: "u", Password: "u"},
		&store.RoleAddRequest{Name: "r"},
		&store.RoleGrantPermissionRequest{Name: "r", Perm: &store.Permission{Type: store.PermitReadWrite, Key: "f1", RangeEnd: "f9"}},
		&store.UserGrantRoleRequest{User: "u", Role: "r"},
		&store.AuthEnableRequest{},
	} {
		if got := s.askAs("", 1, r); got.Err != nil {
			t.Fatalf("%s: %s", store.Describe(r), got.Err.Text)
		}
	}
	return s, s.login(1, "root"), s.login(2, "u")
}

// What is answered to root, to u, by a token that nobody has, and without one.
func TestRights(t *testing.T) {
	s, root, u := guarded(t, nil)
	old := u
	lease := s.askAs(root, 1, &store.LeaseGrantRequest{ID: 7, TTL: 1000})
	if put := s.askAs(root, 1, &store.PutRequest{Key: "y", Lease: 7}); lease.Err != nil || put.Err != nil {
		t.Fatalf("root grants a lease and puts a key on it: %v, %v", lease.Err, put.Err)
	}
	const (
		fine    = ""
		denied  = "etcdserver: permission denied"
		empty   = "etcdserver: user name is empty"
		invalid = "etcdserver: invalid auth token"
	)
	inner := &store.TxnRequest{Success: []store.Op{&store.PutRequest{Key: "x"}}}
	for _, tt := range []struct {
		r                        store.Request
		root, u, unknown, nobody string
	}{
		{&store.PutRequest{Key: "f1"}, fine, fine, invalid, empty},
		{&store.PutRequest{Key: "x"}, fine, denied, invalid, empty},
		{&store.PutRequest{Key: "f1", Lease: 7}, fine, denied, invalid, empty},
		{&store.RangeRequest{Key: "f1", RangeEnd: "f9"}, fine, fine, invalid, empty},
		{&store.RangeRequest{Key: "f1", RangeEnd: "f9", Serializable: true}, fine, fine, invalid, empty},
		{&store.RangeRequest{Key: "\x00", RangeEnd: "\x00"}, fine, denied, invalid, empty},
		{&store.TxnRequest{Success: []store.Op{&store.RangeRequest{Key: "x"}}}, fine, denied, invalid, empty},
		{&store.TxnRequest{Success: []store.Op{inner}}, fine, denied, invalid, empty},
		{&store.DeleteRangeRequest{Key: "f1", RangeEnd: "f9", PrevKV: true}, fine, fine, invalid, empty},
		{&store.CompactionRequest{Revision: 2}, fine, denied, invalid, empty},
		{&store.HashKVRequest{}, fine, denied, invalid, empty},
		{&store.StatusRequest{}, fine, fine, invalid, empty},
		{&store.AlarmRequest{}, fine, fine, invalid, empty},
		{&store.DefragmentRequest{}, fine, denied, invalid, empty},
		{&store.LeaseKeepAliveRequest{ID: 7}, fine, denied, invalid, empty},
		{&store.LeaseTimeToLiveRequest{ID: 7}, fine, fine, invalid, empty},
		{&store.LeaseTimeToLiveRequest{ID: 7, Keys: true}, fine, denied, invalid, empty},
		{&store.LeaseLeasesRequest{}, fine, denied, invalid, empty},
		{&store.UserGetRequest{Name: "u"}, fine, fine, invalid, empty},
		{&store.UserGetRequest{Name: "root"}, fine, denied, invalid, empty},
		{&store.RoleGetRequest{Role: "r"}, fine, fine, invalid, empty},
		{&store.UserListRequest{}, fine, denied, invalid, empty},
		{&store.MemberListRequest{}, fine, fine, invalid, empty},
		{&store.MoveLeaderRequest{Target: s.leader()}, fine, denied, invalid, empty},
		{addition(3, false), "etcdserver: unhealthy cluster", denied, invalid, empty},
		{&store.LockRequest{Name: "f1", Lease: 7}, fine, denied, invalid, empty},
		{&store.UserDeleteRequest{Name: "root"}, "etcdserver: invalid auth management", denied, invalid, empty},
		{&store.LeaseRevokeRequest{ID: 7}, fine, denied, invalid, empty},
		{&store.AuthDisableRequest{}, fine, denied, invalid, empty},
	} {
		for _, asked := range []struct{ who, token, want string }{
			{"nobody", "", tt.nobody}, {"an unknown token", "abc.1", tt.unknown}, {"u", u, tt.u}, {"root", root, tt.root},
		} {
			got := ""
			if r := s.askAs(asked.token, s.leader(), tt.r); r.Err != nil {
				got = r.Err.Text
			}
			if got != asked.want {
				t.Errorf("%s, %s: got %q, want %q", store.Describe(tt.r), asked.who, got, asked.want)
			}
		}
	}
	if got := s.askAs(old, 1, &store.PutRequest{Key: "x"}); got.Err != nil {
		t.Errorf("with authentication off, a put by an old token: %s", got.Err.Text)
	}
	if got := s.askAs("", 1, &store.AuthenticateRequest{Name: "u", Password: "u"}); got.Err != store.ErrAuthNotEnabled {
		t.Errorf("login with authentication off: %v", got.Err)
	}
}

func TestTokens(t *testing.T) {
	s, _, u := guarded(t, func(c *cluster.Config) { c.Node.TokenTTL = 10 * time.Second })
	put := &store.PutRequest{Key: "f1"}
	expect := func(when, token string, member uint64, want *store.Error) {
		t.Helper()
		if got := s.askAs(token, member, put); got.Err != want {
			t.Errorf("%s: n%d answers %v, want %v", when, member, got.Err, want)
		}
	}
	for member := uint64(1); member <= 3; member++ {
		expect("a token is known to every member", u, member, nil)
	}
	if got := s.askAs("", 1, &store.AuthenticateRequest{Name: "u", Password: "v"}); got.Err != store.ErrAuthFailed {
		t.Errorf("login with a wrong password: %v", got.Err)
	}
	for _, c := range s.Commits() {
		if r, ok := c.Proposal.Request.(*store.UserAddRequest); ok && (r.Password != "" || strings.HasSuffix(r.HashedPassword, r.Name)) {
			t.Errorf("the log holds the password of %s", r.Name)
		}
	}

	for range 4 { // longer than a token lives
		s.run(5 * time.Second)
		expect("a token that is used", u, 1, nil)
	}
	expect("a token that nobody used here", u, 2, store.ErrInvalidAuthToken)

	s.Kill(1)
	s.run(time.Second)
	s.Start(1)
	s.until("n1 serves and follows", func() bool { return s.Member(1).Serving && s.Leader() != 0 })
	// What the backend had taken in is not applied again, and the token is not known.
	expect("after a restart", u, 1, store.ErrInvalidAuthToken)

	root := s.login(3, "root")
	u = s.login(3, "u")
	if got := s.askAs(root, 3, &store.UserChangePasswordRequest{Name: "u", Password: "u"}); got.Err != nil {
		t.Fatalf("root changes a password: %v", got.Err)
	}
	expect("after another password", u, 3, store.ErrInvalidAuthToken)
	expect("a made-up token of the future", "abc.999999", 3, store.ErrInvalidAuthToken)
}

// viewer is a client that watches over one stream.
type viewer struct {
	got []store.WatchResponse
}

func (v *viewer) Answer(a node.Answer) {
	if r, ok := a.Result.(*store.WatchResponse); ok {
		v.got = append(v.got, *r)
	}
}

func (*viewer) Wake(uint64) {}

func TestRightsToWatch(t *testing.T) {
	s, _, u := guarded(t, nil)
	for _, tt := range []struct{ token, key, why string }{
		{u, "f1", ""},
		{u, "x", "rpc error: code = PermissionDenied desc = etcdserver: permission denied"},
		{"abc.1", "f1", "rpc error: code = Unauthenticated desc = etcdserver: invalid auth token"},
		{"", "f1", "rpc error: code = InvalidArgument desc = etcdserver: user name is empty"},
	} {
		v, op := &viewer{}, s.NextOp()
		s.Attach(trace.Client(2), v)
		s.StreamAs(trace.Client(2), 3, op, store.Credential{Token: tt.token}, &store.StreamOpenRequest{})
		s.StreamAs(trace.Client(2), 3, op, store.Credential{Token: tt.token}, &store.WatchRequest{Key: tt.key})
		s.until("the watcher is answered", func() bool { return len(v.got) > 0 })
		r := v.got[0]
		if !r.Created || r.Canceled != (tt.why != "") || r.CancelReason != tt.why || tt.why != "" && r.WatchID != store.NoWatcher {
			t.Errorf("watch %s by %q: %+v; want the reason %q", tt.key, tt.token, r, tt.why)
		}
		s.HangUp(op)
	}
}

// A member that has not applied the entry that made a token waits for it, and so do
// the requests that follow on a stream.
func TestTokenBeforeItsEntry(t *testing.T) {
	s, _, _ := guarded(t, nil)
	slow := s.follower()
	for id := uint64(1); id <= 3; id++ {
		if id != slow {
			s.Network().Cut(trace.Addr(id), trace.Addr(slow))
		}
	}
	u := s.login(s.leader(), "u")
	a, v := &admin{s: s, op: s.NextOp()}, &viewer{}
	s.Attach(trace.Client(1), a)
	s.Attach(trace.Client(2), v)
	s.CallAs(trace.Client(1), slow, a.op, store.Credential{Token: u}, &store.RangeRequest{Key: "f1", Serializable: true})
	op := s.NextOp()
	s.StreamAs(trace.Client(2), slow, op, store.Credential{Token: u}, &store.StreamOpenRequest{})
	s.StreamAs(trace.Client(2), slow, op, store.Credential{Token: u}, &store.WatchRequest{Key: "f1"})
	s.run(300 * time.Millisecond)
	if a.answer != nil || len(v.got) > 0 {
		t.Errorf("n%d answers by a token that it cannot know: %+v, %+v", slow, a.answer, v.got)
	}
	s.Network().HealAll()
	s.until("both are answered", func() bool { return a.answer != nil && len(v.got) > 0 })
	if a.answer.Err != nil || v.got[0].Canceled {
		t.Errorf("answers: %v, %+v", a.answer.Err, v.got[0])
	}
	if s.log.Hits(trace.ProbeTokenEarly) == 0 {
		t.Error("the probe was not hit")
	}
}
