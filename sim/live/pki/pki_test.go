package pki_test

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"etcdsim/sim/live/pki"
)

func parse(t *testing.T, text []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("%q is no PEM", text)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What an authority signs is good for what it was asked for, and for nothing else.
func TestCertificates(t *testing.T) {
	a, err := pki.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	server, err := a.Server("localhost", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	client, err := a.Client("alice")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parse(t, a.Cert))
	for _, tt := range []struct {
		name  string
		cert  []byte
		host  string
		usage x509.ExtKeyUsage
		good  bool
	}{
		{"the server's, by name", server.Cert, "localhost", x509.ExtKeyUsageServerAuth, true},
		{"the server's, by address", server.Cert, "127.0.0.1", x509.ExtKeyUsageServerAuth, true},
		{"the server's, elsewhere", server.Cert, "example.com", x509.ExtKeyUsageServerAuth, false},
		{"the server's, of a client", server.Cert, "", x509.ExtKeyUsageClientAuth, false},
		{"a client's", client.Cert, "", x509.ExtKeyUsageClientAuth, true},
		{"a client's, of a server", client.Cert, "", x509.ExtKeyUsageServerAuth, false},
	} {
		o := x509.VerifyOptions{Roots: roots, DNSName: tt.host, KeyUsages: []x509.ExtKeyUsage{tt.usage}}
		if _, err := parse(t, tt.cert).Verify(o); (err == nil) != tt.good {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if cn := parse(t, client.Cert).Subject.CommonName; cn != "alice" {
		t.Errorf("the client is called %q", cn)
	}
}

// A list names who was revoked, and nobody else; keys are their owner's alone.
func TestRevokedAndWritten(t *testing.T) {
	a, err := pki.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Client("bob")
	if err != nil {
		t.Fatal(err)
	}
	der, err := a.Revoke(p)
	if err != nil {
		t.Fatal(err)
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	if r := list.RevokedCertificateEntries; len(r) != 1 || r[0].SerialNumber.Cmp(parse(t, p.Cert).SerialNumber) != 0 {
		t.Errorf("revoked are %v", r)
	}
	if _, err := a.Revoke(pki.Pair{Cert: []byte("x")}); err == nil {
		t.Error("what is no certificate is revoked")
	}
	dir := t.TempDir()
	key := filepath.Join(dir, "bob.key")
	if err := os.WriteFile(key, []byte("an old one"), 0o644); err != nil { //nolint:gosec // on purpose
		t.Fatal(err)
	}
	if err := p.Write(dir, "bob"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Clean(key))
	if err != nil || string(text) != string(p.Key) {
		t.Errorf("the key: %q, %v", text, err)
	}
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v, %v", info.Mode(), err)
	}
}
