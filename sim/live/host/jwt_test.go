package host_test

import (
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"etcdsim/scenarios"
	"etcdsim/sim/live/host"
	"etcdsim/sim/live/token"
)

// startSigned starts a host whose tokens are signed.
func startSigned(t *testing.T, o token.Options) *started {
	t.Helper()
	s := &started{t: t}
	s.open(host.Config{
		Seed: seed, Speed: 1, Tokens: &o,
		Options: scenarios.Options{Settings: []scenarios.Setting{{Section: "node", Name: "tick", Value: "10ms"}}},
	})
	t.Cleanup(s.end)
	secureRoot(t, s.client(s.Endpoints()...))
	return s
}

func (s *started) login(user, password string) *clientv3.Client {
	s.t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: s.Endpoints(), Username: user, Password: password, Logger: zap.NewNop()})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

// bearer asks without the client library, which tries again when a token is refused.
type bearer struct {
	t *testing.T
	pb.KVClient
	pb.AuthClient
}

func (s *started) bearer() bearer {
	s.t.Helper()
	conn, err := grpc.NewClient(s.Endpoints()[0], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return bearer{s.t, pb.NewKVClient(conn), pb.NewAuthClient(conn)}
}

// login returns a token, or the words of a refusal.
func (b bearer) login(user, password string) (token, refusal string) {
	b.t.Helper()
	made, err := b.Authenticate(soon(b.t), &pb.AuthenticateRequest{Name: user, Password: password})
	return made.GetToken(), refusalOf(err)
}

// read reads with a token, and returns the words of a refusal.
func (b bearer) read(token string) string {
	b.t.Helper()
	_, err := b.Range(metadata.AppendToOutgoingContext(soon(b.t), "token", token), &pb.RangeRequest{Key: []byte("k")})
	return refusalOf(err)
}

func refusalOf(err error) string { return status.Convert(err).Message() }

// Refusals, in etcd's words.
const (
	invalidToken = "etcdserver: invalid auth token"
	oldRevision  = "etcdserver: revision of auth store is old"
	denied       = "etcdserver: permission denied"
)

// A signed token is known to every member, after a restart too, until its time is over
// by the members' clocks or users and roles change. The client library notices and
// logs in again.
func TestSignedTokens(t *testing.T) {
	s := startSigned(t, token.Options{Method: "HS256", Private: []byte("a secret that is long enough"), TTL: time.Minute})
	alice, plain := s.login("alice", "a"), s.bearer()
	if _, err := alice.Get(soon(t), "k"); err != nil {
		t.Fatal(err)
	}
	made, refused := plain.login("alice", "a")
	if strings.Count(made, ".") != 2 {
		t.Fatalf("%q, %s", made, refused)
	}
	s.do("restart all")
	s.do("wait leader within=5s")
	plain = s.bearer() // the old connection is reset
	for name, token := range map[string]string{"as it is": made, "of a bearer": "Bearer " + made} {
		if refused := plain.read(token); refused != "" {
			t.Errorf("a token %s, after a restart: %s", name, refused)
		}
	}
	for name, token := range map[string]string{
		"changed": made[:len(made)-2] + "AA", "no token": "x", "claims without a signature": "9 0 0 root", "empty": "",
	} {
		if refused := plain.read(token); refused != invalidToken {
			t.Errorf("%s: %s", name, refused)
		}
	}
	if err := s.Driver.Advance(soon(t), time.Minute); err != nil {
		t.Fatal(err)
	}
	if refused := plain.read(made); refused != invalidToken {
		t.Errorf("a token whose time is over: %s", refused)
	}
	fresh, _ := plain.login("alice", "a")
	if _, err := s.login("root", "r").RoleAdd(soon(t), "another"); err != nil {
		t.Fatal(err)
	}
	if refused := plain.read(fresh); refused != oldRevision {
		t.Errorf("a token from before a change: %s", refused)
	}
	if _, err := alice.Get(soon(t), "k"); err != nil {
		t.Errorf("a client that can log in again: %v", err)
	}
}

// Tokens that were made elsewhere are believed where there is only a public key, and
// none are made.
func TestTokensFromElsewhere(t *testing.T) {
	k := newKeyring(t)
	issuer := k.client("issuer")
	s := startSigned(t, token.Options{Method: "ES256", Public: issuer.Cert, TTL: time.Minute})
	plain := s.bearer()
	if _, refused := plain.login("alice", "a"); refused != token.ErrVerifyOnly.Error() {
		t.Errorf("making a token: %s", refused)
	}
	if _, refused := plain.login("alice", "wrong"); refused != "etcdserver: authentication failed, invalid user ID or password" {
		t.Errorf("a wrong password: %s", refused)
	}
	rules, err := plain.AuthStatus(soon(t), &pb.AuthStatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	revision := rules.AuthRevision
	key, err := jwt.ParseECPrivateKeyFromPEM(issuer.Key)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for name, c := range map[string]struct {
		claims jwt.MapClaims
		want   string
	}{
		"good":         {jwt.MapClaims{"username": "alice", "revision": revision, "exp": now.Add(time.Minute).Unix()}, ""},
		"endless":      {jwt.MapClaims{"username": "alice", "revision": revision}, ""},
		"over":         {jwt.MapClaims{"username": "alice", "revision": revision, "exp": now.Add(-time.Minute).Unix()}, invalidToken},
		"not yet":      {jwt.MapClaims{"username": "alice", "revision": revision, "nbf": now.Add(time.Minute).Unix()}, invalidToken},
		"nobody's":     {jwt.MapClaims{"revision": revision}, invalidToken},
		"undated":      {jwt.MapClaims{"username": "alice"}, invalidToken},
		"a stranger's": {jwt.MapClaims{"username": "mallory", "revision": revision}, denied},
		"old":          {jwt.MapClaims{"username": "alice", "revision": revision - 1}, oldRevision},
	} {
		text, err := jwt.NewWithClaims(jwt.SigningMethodES256, c.claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		if refused := plain.read(text); refused != c.want {
			t.Errorf("%s: %q, want %q", name, refused, c.want)
		}
	}
}
