package cluster_test

import (
	"testing"
	"time"

	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// Tokens that say themselves who asks are believed by every member, outlive processes,
// end by the wall clock, and are worthless once users or roles have changed.
func TestClaimsAsTokens(t *testing.T) {
	s, root, u := guarded(t, func(c *cluster.Config) { c.Node.JWT, c.Node.TokenTTL = true, 20*time.Second })
	put := &store.PutRequest{Key: "f1"}
	expect := func(when, token string, member uint64, want *store.Error) {
		t.Helper()
		if got := s.askAs(token, member, put); got.Err != want {
			t.Errorf("%s: n%d answers %v, want %v", when, member, got.Err, want)
		}
	}
	s.Kill(1)
	s.run(time.Second)
	s.Start(1)
	s.until("n1 serves and follows", func() bool { return s.Member(1).Serving && s.Leader() != 0 })
	for member := uint64(1); member <= 3; member++ {
		expect("a token", u, member, nil)
		expect("a token with more rights", root, member, nil)
		expect("a text that claims nothing", "abc.1", member, store.ErrInvalidAuthToken)
	}
	expect("no token", "", 1, store.ErrUserEmpty)

	s.TurnClock(2, 20*time.Second)
	expect("where the clock is right", u, 1, nil)
	expect("where it is ahead", u, 2, store.ErrInvalidAuthToken)

	if got := s.askAs(root, 1, &store.RoleAddRequest{Name: "another"}); got.Err != nil {
		t.Fatal(got.Err)
	}
	expect("after a change of roles", u, 1, store.ErrAuthOldRevision)
	expect("a new token", s.login(1, "u"), 3, nil)
	s.run(20 * time.Second)
	expect("later", s.login(1, "u"), 1, nil)
	expect("an old one, however often it was used", u, 1, store.ErrInvalidAuthToken)
}

// Whom a certificate names may do what that user may; a token counts before it.
func TestCertifiedNames(t *testing.T) {
	s, _, u := guarded(t, nil)
	for _, tt := range []struct {
		as   store.Credential
		key  string
		want *store.Error
	}{
		{store.Credential{Certified: true, Name: "u"}, "f1", nil},
		{store.Credential{Certified: true, Name: "u"}, "x", store.ErrPermissionDenied},
		{store.Credential{Certified: true, Name: "root"}, "x", nil},
		{store.Credential{Certified: true, Name: "nobody"}, "f1", store.ErrPermissionDenied},
		{store.Credential{Certified: true}, "f1", store.ErrPermissionDenied},
		{store.Credential{Certified: true, Name: "root", Token: u}, "x", store.ErrPermissionDenied},
		{store.Credential{Name: "root"}, "x", store.ErrUserEmpty},
	} {
		a := &admin{s: s, op: s.NextOp()}
		s.Attach(trace.Client(1), a)
		s.CallAs(trace.Client(1), 2, a.op, tt.as, &store.PutRequest{Key: tt.key})
		s.until("the put is answered", func() bool { return a.answer != nil })
		if a.answer.Err != tt.want {
			t.Errorf("%+v puts %s: %v, want %v", tt.as, tt.key, a.answer.Err, tt.want)
		}
	}
}
