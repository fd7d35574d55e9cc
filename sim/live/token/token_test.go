package token_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"etcdsim/sim/live/pki"
	"etcdsim/sim/live/token"
	"etcdsim/store"
)

// pemOf returns a private key and its public one.
func pemOf(t testing.TB, private, public any) (string, string) {
	t.Helper()
	a, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	b, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return text("PRIVATE KEY", a), text("PUBLIC KEY", b)
}

// keys returns a pair for each kind of method.
func keys(t testing.TB) map[string][2]string {
	t.Helper()
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := pki.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	certified, err := authority.Client("issuer")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][2]string{"HS256": {"a secret", ""}, "ES256": {string(certified.Key), string(certified.Cert)}}
	a, b := pemOf(t, private, public)
	all["EdDSA"] = [2]string{a, b}
	a, b = pemOf(t, r, &r.PublicKey)
	all["RS256"], all["PS512"] = [2]string{a, b}, [2]string{a, b}
	return all
}

// What is signed with one key is believed with the other, by every method, and by no
// other key.
func TestMethods(t *testing.T) {
	epoch := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	claims := store.Claims{User: "alice", Revision: 7, Expires: int64(90 * time.Second)}
	all, others := keys(t), keys(t)
	for method, pair := range all {
		o := token.Options{Method: method, Private: []byte(pair[0]), Public: []byte(pair[1])}
		k, err := token.New(o)
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		k.Begin(epoch)
		text, err := k.Sign(claims)
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		if got, ok := k.Verify(text); !ok || got != claims {
			t.Errorf("%s: got %+v, %v, want %+v", method, got, ok, claims)
		}
		for other, pair := range others {
			foreign := token.Options{Method: other, Private: []byte(pair[0]), Public: []byte(pair[1])}
			if other == "HS256" {
				foreign.Private = []byte("another secret")
			}
			stranger, err := token.New(foreign)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := stranger.Verify(text); ok {
				t.Errorf("%s: believed by a stranger's %s: %+v", method, other, got)
			}
		}
		if method == "HS256" {
			continue
		}
		o.Private = nil
		public, err := token.New(o)
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		public.Begin(epoch.Add(time.Minute)) // by whose clock it ends earlier
		if got, ok := public.Verify(text); !ok || got.Expires != int64(30*time.Second) {
			t.Errorf("%s, the public key alone: %+v, %v", method, got, ok)
		}
		if _, err := public.Sign(claims); err != token.ErrVerifyOnly { //nolint:errorlint // never wrapped
			t.Errorf("%s, the public key alone signs: %v", method, err)
		}
		o.Private, o.Public = []byte(pair[0]), []byte(others[method][1])
		if _, err := token.New(o); err == nil || !strings.Contains(err.Error(), "do not belong together") {
			t.Errorf("%s, keys of two pairs: %v", method, err)
		}
	}
}

// A token that was signed in another way than agreed upon is not believed, although the
// key is the same.
func TestOneMethod(t *testing.T) {
	all := keys(t)
	made := map[string]string{}
	for _, method := range []string{"RS256", "PS512"} {
		k, err := token.New(token.Options{Method: method, Private: []byte(all[method][0])})
		if err != nil {
			t.Fatal(err)
		}
		if made[method], err = k.Sign(store.Claims{User: "alice"}); err != nil {
			t.Fatal(err)
		}
		for other, text := range made {
			if c, ok := k.Verify(text); ok != (other == method) {
				t.Errorf("a token of %s is read by %s as %+v, %v", other, method, c, ok)
			}
		}
	}
}

// Whatever times and revisions a token claims, members understand it as it is meant: a
// bound that has passed is not one that is missing.
func TestClaims(t *testing.T) {
	secret := []byte("a secret that is long enough")
	k, err := token.New(token.Options{Method: "HS256", Private: secret})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	k.Begin(began)
	now := int64(time.Hour) // by the members' clocks
	for _, tt := range []struct {
		name            string
		claims          jwt.MapClaims
		believed, valid bool
	}{
		{"no bounds", jwt.MapClaims{}, true, true},
		{"it ends later", jwt.MapClaims{"exp": began.Unix() + 3601}, true, true},
		{"it ends now", jwt.MapClaims{"exp": began.Unix() + 3600}, true, false},
		{"it ended when the members began", jwt.MapClaims{"exp": began.Unix()}, true, false},
		{"it ended long ago", jwt.MapClaims{"exp": 1}, true, false},
		{"it ends in ages", jwt.MapClaims{"exp": int64(1) << 50}, true, true},
		{"it ends in an age", jwt.MapClaims{"exp": int64(1) << 40}, true, true},
		{"it ended ages ago", jwt.MapClaims{"exp": -(int64(1) << 50)}, true, false},
		{"it begins now", jwt.MapClaims{"nbf": began.Unix() + 3600}, true, true},
		{"it begins later", jwt.MapClaims{"nbf": began.Unix() + 3601}, true, false},
		{"it begins in ages", jwt.MapClaims{"nbf": int64(1) << 50}, true, false},
		{"it begins in an age", jwt.MapClaims{"nbf": int64(1) << 40}, true, false},
		{"an end that is no number", jwt.MapClaims{"exp": "soon"}, false, false},
		{"a beginning that is no number", jwt.MapClaims{"nbf": true}, false, false},
		{"a revision below 0", jwt.MapClaims{"revision": -1}, false, false},
		{"a huge revision", jwt.MapClaims{"revision": 1e30}, false, false},
		{"a revision that is no number", jwt.MapClaims{"revision": "1"}, false, false},
		{"no user", jwt.MapClaims{"username": nil}, false, false},
	} {
		claims := jwt.MapClaims{"username": "alice", "revision": 1}
		maps.Copy(claims, tt.claims)
		text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(secret)
		if err != nil {
			t.Fatal(err)
		}
		c, ok := k.Verify(text)
		if ok != tt.believed || ok && c.ValidAt(now) != tt.valid {
			t.Errorf("%s: %+v, believed %v, valid %v", tt.name, c, ok, c.ValidAt(now))
		}
	}
}

// The options are etcd's.
func TestParse(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("s"), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := token.Parse("sign-method=HS256,priv-key=" + secret)
	if err != nil || o.Method != "HS256" || string(o.Private) != "s" || o.TTL != token.DefaultTTL {
		t.Errorf("%+v, %v", o, err)
	}
	for _, tt := range []struct{ text, want string }{
		{"", `"": expected pub-key=FILE`},
		{"sign-method=HS256,sign-method=HS256", "each at most once"},
		{"ttl=soon", "ttl: "},
		{"secret=x", "secret: expected pub-key, priv-key, sign-method or ttl"},
		{"pub-key=" + dir + "/none", "no such file"},
	} {
		if _, err := token.Parse(tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %s", tt.text, err, tt.want)
		}
	}
	for name, o := range map[string]token.Options{
		"a key that does not fit": {Method: "ES512", Private: []byte(keys(t)["ES256"][0])},
		"no key":                  {Method: "RS256"},
		"no secret":               {Method: "HS256"},
		"a secret that is shown":  {Method: "HS256", Public: []byte("secret")},
		"no signature":            {Method: "none", Private: []byte("secret")},
		"no method":               {Private: []byte("secret")},
	} {
		if _, err := token.New(o); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// FuzzVerify: whatever stands in for a token is refused, unless it is one.
func FuzzVerify(f *testing.F) {
	k, err := token.New(token.Options{Method: "HS256", Private: []byte("secret")})
	if err != nil {
		f.Fatal(err)
	}
	good, err := k.Sign(store.Claims{User: "u", Revision: 1, Expires: 5e9})
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{
		good, "", ".", "..", "a.b.c", strings.ToUpper(good), good + ".x", "eyJhbGciOiJub25lIn0.eyJ1c2VybmFtZSI6InJvb3QiLCJyZXZpc2lvbiI6MX0.",
		"1 0 0 root", strings.Repeat(".", 1000), strings.Repeat("A", 10_000),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if c, ok := k.Verify(text); ok && c != (store.Claims{User: "u", Revision: 1, Expires: 5e9}) {
			t.Errorf("%q is believed: %+v", text, c)
		}
	})
}
