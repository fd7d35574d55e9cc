package host_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc/metadata"

	"etcdsim/scenarios"
	"etcdsim/sim/live/host"
	"etcdsim/sim/live/pki"
)

// keyring is an authority with the files of a server that it certified.
type keyring struct {
	*pki.Authority
	t    *testing.T
	info transport.TLSInfo
}

func newKeyring(t *testing.T) *keyring {
	t.Helper()
	a, err := pki.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	server, err := a.Server("127.0.0.1", "localhost")
	if err != nil {
		t.Fatal(err)
	}
	k := &keyring{Authority: a, t: t}
	dir := t.TempDir()
	if err := server.Write(dir, "server"); err != nil {
		t.Fatal(err)
	}
	k.info.CertFile, k.info.KeyFile = filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key")
	return k
}

// file writes a file beside those of the server.
func (k *keyring) file(name string, data []byte) string {
	k.t.Helper()
	path := filepath.Join(filepath.Dir(k.info.CertFile), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		k.t.Fatal(err)
	}
	return path
}

// client returns the certificate of a user.
func (k *keyring) client(name string) pki.Pair {
	k.t.Helper()
	p, err := k.Client(name)
	if err != nil {
		k.t.Fatal(err)
	}
	return p
}

// trust returns what a client needs: whom to trust, and perhaps a certificate.
func (k *keyring) trust(own ...pki.Pair) *tls.Config {
	k.t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(k.Cert)
	c := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	for _, p := range own {
		pair, err := tls.X509KeyPair(p.Cert, p.Key)
		if err != nil {
			k.t.Fatal(err)
		}
		c.Certificates = append(c.Certificates, pair)
	}
	return c
}

// startSecured starts a host with TLS.
func startSecured(t *testing.T, info transport.TLSInfo) *started {
	t.Helper()
	s := &started{t: t}
	s.open(host.Config{
		Seed: seed, Speed: 1, TLS: info,
		Options: scenarios.Options{Settings: []scenarios.Setting{{Section: "node", Name: "tick", Value: "10ms"}}},
	})
	t.Cleanup(s.end)
	return s
}

func (s *started) secured(c *tls.Config, endpoints ...string) *clientv3.Client {
	s.t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: endpoints, TLS: c, Logger: zap.NewNop(), DialTimeout: 10 * time.Second})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = client.Close() })
	return client
}

// browser returns a client of HTTP, which speaks HTTP/2 if it is let.
func browser(t *testing.T, c *tls.Config, http2 bool) *http.Client {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: c, ForceAttemptHTTP2: http2}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 10 * time.Second}
}

// Every protocol is there at the same address, and members say so.
func TestEverythingOverTLS(t *testing.T) {
	k := newKeyring(t)
	s := startSecured(t, k.info)
	c := s.secured(k.trust(), s.Endpoints()...)
	if _, err := c.Put(soon(t), "k", "v"); err != nil {
		t.Fatal(err)
	}
	members, err := c.MemberList(soon(t))
	if err != nil || !strings.HasPrefix(members.Members[0].ClientURLs[0], "https://127.0.0.1:") {
		t.Errorf("members say that they are at %v, %v", members, err)
	}
	for _, http2 := range []bool{true, false} {
		b := browser(t, k.trust(), http2)
		for path, want := range map[string]string{
			"/health": `{"health":"true","reason":""}`, "/version": `"etcdserver"`, "/metrics": "etcd_server_has_leader 1",
			"/v2/keys/a?value=b": `"value":"b"`, "/v1/keys/c?value=d": `"value":"d"`, "/v3/kv/range?": `"value":"dg=="`,
		} {
			method, body := http.MethodGet, ""
			switch {
			case strings.HasPrefix(path, "/v3"):
				method, body = http.MethodPost, `{"key":"aw=="}`
			case strings.HasPrefix(path, "/v2"):
				method = http.MethodPut
			case strings.HasPrefix(path, "/v1"):
				method = http.MethodPost
			}
			status, text := ask(t, b, method, s.URLs()[0]+path, body)
			if status/100 != 2 || !strings.Contains(text, want) {
				t.Errorf("%s (HTTP/2: %v): %d %s, want %s", path, http2, status, text, want)
			}
		}
	}
	status, text := ask(t, http.DefaultClient, http.MethodGet, "http://"+s.Endpoints()[0]+"/health", "")
	if status != http.StatusBadRequest || !strings.Contains(text, "HTTP request to an HTTPS server") {
		t.Errorf("who speaks in the clear is told: %d %s", status, text)
	}
}

func ask(t *testing.T, c *http.Client, method, url, body string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(soon(t), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost && strings.HasPrefix(body, "{") {
		r.Header.Set("Content-Type", "application/json") // gRPC's own begins alike
	}
	resp, err := c.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(all)
}

// Who has no certificate, one of a stranger or a revoked one is not let in.
func TestClientCertificates(t *testing.T) {
	k, stranger := newKeyring(t), newKeyring(t)
	k.info.TrustedCAFile, k.info.ClientCertAuth = k.file("ca.crt", k.Cert), true
	revoked := k.client("revoked")
	crl, err := k.Revoke(revoked)
	if err != nil {
		t.Fatal(err)
	}
	k.info.CRLFile = k.file("revoked.crl", crl)
	s := startSecured(t, k.info)
	for name, c := range map[string]struct {
		own  []pki.Pair
		want int
	}{
		"a client": {[]pki.Pair{k.client("me")}, 200}, "nobody": {nil, 0},
		"a stranger": {[]pki.Pair{stranger.client("me")}, 0}, "revoked": {[]pki.Pair{revoked}, 0},
	} {
		if status, text := ask(t, browser(t, k.trust(c.own...), true), http.MethodGet, s.URLs()[0]+"/health", ""); status != c.want {
			t.Errorf("%s: %d %s, want %d", name, status, text, c.want)
		}
	}
	if _, err := s.secured(k.trust(k.client("me")), s.Endpoints()...).Put(soon(t), "k", "v"); err != nil {
		t.Error(err)
	}
}

// The common name in a certificate is a user, unless a token says otherwise; the
// gateway, which cannot pass it on, refuses it as etcd's does.
func TestUserByCertificate(t *testing.T) {
	k := newKeyring(t)
	k.info.TrustedCAFile, k.info.ClientCertAuth = k.file("ca.crt", k.Cert), true
	s := startSecured(t, k.info)
	root := s.secured(k.trust(k.client("root")), s.Endpoints()...)
	named := browser(t, k.trust(k.client("root")), true)
	rangeAll := func() (int, string) {
		return ask(t, named, http.MethodPost, s.URLs()[0]+"/v3/kv/range", `{"key":"aw=="}`)
	}
	if status, text := rangeAll(); status != http.StatusOK {
		t.Errorf("the gateway, before there are users: %d %s", status, text)
	}
	secureRoot(t, root)
	if _, err := root.Put(soon(t), "k", "v"); err != nil {
		t.Errorf("root: %v", err)
	}
	for name, want := range map[string]string{
		"alice": "", "bob": "etcdserver: permission denied", "": "etcdserver: permission denied",
	} {
		c := s.secured(k.trust(k.client(name)), s.Endpoints()...)
		_, err := c.Get(soon(t), "k")
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%q: %v, want %s", name, err, want)
		}
	}
	both, err := clientv3.New(clientv3.Config{
		Endpoints: s.Endpoints(), TLS: k.trust(k.client("bob")), Username: "alice", Password: "a", Logger: zap.NewNop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = both.Close() }()
	if _, err := both.Get(soon(t), "k"); err != nil {
		t.Errorf("bob's certificate and alice's token: %v", err)
	}
	empty := metadata.AppendToOutgoingContext(soon(t), "token", "")
	if _, err := root.Get(empty, "k"); err == nil || !strings.Contains(err.Error(), invalidToken) {
		t.Errorf("root's certificate and an empty token: %v", err)
	}
	if status, text := rangeAll(); status != http.StatusBadRequest || !strings.HasPrefix(text, "CommonName of client sending") {
		t.Errorf("the gateway: %d %s", status, text)
	}
	if status, text := ask(t, named, http.MethodGet, s.URLs()[0]+"/health", ""); status != http.StatusOK {
		t.Errorf("what is not the gateway: %d %s", status, text)
	}
	nameless := browser(t, k.trust(k.client("")), true)
	_, text := ask(t, nameless, http.MethodPost, s.URLs()[0]+"/v3/kv/range", `{"key":"aw=="}`)
	if !strings.Contains(text, "user name is empty") {
		t.Errorf("the gateway, of a certificate without a name: %s", text)
	}
}

// Who must show a certificate is not yet asked in its name: that takes client-cert-auth, as
// in etcd. And of those with a certificate only some may be let in.
func TestCertificatesWithoutUsers(t *testing.T) {
	k := newKeyring(t)
	k.info.TrustedCAFile, k.info.AllowedCNs = k.file("ca.crt", k.Cert), []string{"root", "alice"}
	s := startSecured(t, k.info)
	root := s.secured(k.trust(k.client("root")), s.Endpoints()...)
	secureRoot(t, root)
	for _, name := range []string{"root", "alice"} {
		c := s.secured(k.trust(k.client(name)), s.Endpoints()...)
		if _, err := c.Get(soon(t), "k"); err == nil || err.Error() != "etcdserver: user name is empty" {
			t.Errorf("%s by a certificate alone: %v", name, err)
		}
	}
	if status, text := ask(t, browser(t, k.trust(k.client("alice")), true), http.MethodPost, s.URLs()[0]+"/v3/auth/authenticate",
		`{"name":"alice","password":"a"}`); status != http.StatusOK {
		t.Errorf("the gateway: %d %s", status, text)
	}
	for name, want := range map[string]int{"alice": http.StatusOK, "bob": 0} {
		b := browser(t, k.trust(k.client(name)), true)
		if status, text := ask(t, b, http.MethodGet, s.URLs()[0]+"/health", ""); status != want {
			t.Errorf("%s: %d %s, want %d", name, status, text, want)
		}
	}
}

// secureRoot adds root and alice, who may read k, and switches authentication on.
func secureRoot(t *testing.T, c *clientv3.Client) {
	t.Helper()
	ctx := soon(t)
	_, e1 := c.UserAdd(ctx, "root", "r")
	_, e2 := c.UserGrantRole(ctx, "root", "root")
	_, e3 := c.UserAdd(ctx, "alice", "a")
	_, e4 := c.RoleAdd(ctx, "reader")
	_, e5 := c.RoleGrantPermission(ctx, "reader", "k", "", clientv3.PermissionType(clientv3.PermRead))
	_, e6 := c.UserGrantRole(ctx, "alice", "reader")
	_, e7 := c.AuthEnable(ctx)
	if err := errors.Join(e1, e2, e3, e4, e5, e6, e7); err != nil {
		t.Fatal(err)
	}
}

// The faults of an endpoint are below TLS: a dead member refuses, a silent one shakes no
// hands, and connections that were there are reset.
func TestFaultsUnderTLS(t *testing.T) {
	k := newKeyring(t)
	s := startSecured(t, k.info)
	address := s.Endpoints()[0]
	conn, err := tls.Dial("tcp", address, k.trust())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	s.do("pause n1")
	patience := &net.Dialer{Timeout: 200 * time.Millisecond}
	var timeout net.Error
	if c, err := tls.DialWithDialer(patience, "tcp", address, k.trust()); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("shaking hands with a silent member: %v, %v", c, err)
	}
	s.do("resume n1")
	if c, err := tls.Dial("tcp", address, k.trust()); err != nil {
		t.Error(err)
	} else {
		_ = c.Close()
	}
	s.do("kill n1")
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); !strings.Contains(err.Error(), "reset by peer") {
		t.Errorf("a connection to a member that died: %v", err)
	}
	if _, err := net.Dial("tcp", address); !isRefused(err) {
		t.Errorf("a dead member: %v", err)
	}
}
