package etcdtest

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"etcdsim/sim/live/flags"
	"etcdsim/sim/live/host"
	"etcdsim/sim/live/pki"
	"etcdsim/store"
)

// Security says how clients and members of a cluster know each other.
type Security uint8

// Kinds of security.
const (
	// Plain connections are in the clear.
	Plain Security = iota
	// ServerTLS: members have certificates.
	ServerTLS
	// MutualTLS: clients need certificates, too, and the common name in it is a user once
	// authentication is on; etcd's --client-cert-auth.
	MutualTLS
)

// equip applies etcd's own settings, and makes certificates.
func (c *Cluster) equip(o *Options, cfg *host.Config) (err error) {
	var s flags.Settings
	for _, name := range slices.Sorted(maps.Keys(o.Flags)) {
		if _, err := s.Set(name, o.Flags[name]); err != nil {
			return fmt.Errorf("--%s: %w", name, err)
		}
	}
	if s.Listen != nil {
		return errors.New("--listen-client-urls: expected none: members listen on any ports of this machine")
	}
	if o.Security != Plain {
		if err := c.certify(o.Security, &s); err != nil {
			return err
		}
	}
	cleanup, err := s.Apply(cfg, []string{"localhost", "127.0.0.1"})
	c.cleanups = append(c.cleanups, cleanup)
	return err
}

// certify makes an authority and the certificate of the members.
func (c *Cluster) certify(how Security, s *flags.Settings) (err error) {
	if c.authority, err = pki.NewAuthority(); err != nil {
		return err
	}
	server, err := c.authority.Server("localhost", "127.0.0.1")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "etcdtest-")
	if err != nil {
		return err
	}
	c.cleanups = append(c.cleanups, func() { _ = os.RemoveAll(dir) })
	if err := server.Write(dir, "server"); err != nil {
		return err
	}
	s.TLS.CertFile, s.TLS.KeyFile = filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key")
	if how == MutualTLS {
		s.TLS.TrustedCAFile, s.TLS.ClientCertAuth = filepath.Join(dir, "ca.crt"), true
		return os.WriteFile(s.TLS.TrustedCAFile, c.authority.Cert, 0o600)
	}
	return nil
}

// TLS returns what a client of a cluster with TLS needs: whom to trust, and a certificate
// in the name of a user, root if that is empty. Without TLS it returns nil.
func (c *Cluster) TLS(user string) *tls.Config {
	if c.authority == nil {
		return nil
	}
	own, err := c.authority.Client(cmp.Or(user, store.Root))
	if err != nil {
		c.fail("a certificate: %v", err)
	}
	pair, err := tls.X509KeyPair(own.Cert, own.Key)
	if err != nil {
		c.fail("a certificate: %v", err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(c.authority.Cert)
	return &tls.Config{RootCAs: trusted, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
}
