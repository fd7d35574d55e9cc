// Package pki makes certificates for clusters that are served on this machine: an
// authority, the certificate of the members, those of clients, and a list of revoked
// ones. They are for trying things out and for tests: keys are kept where whoever
// asked for them puts them, and everything is over in a year.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// validity is how long certificates are good, and grace how long before now they begin:
// clocks of other machines may be behind.
const (
	validity = 365 * 24 * time.Hour
	grace    = time.Hour
)

// Pair is a certificate and its private key, in PEM.
type Pair struct{ Cert, Key []byte }

// Write writes the pair as NAME.crt and NAME.key into a folder. Only the owner may read
// the key, also where a file was that others could read.
func (p Pair) Write(dir, name string) error {
	if err := os.WriteFile(filepath.Join(dir, name+".crt"), p.Cert, 0o644); err != nil { //nolint:gosec // certificates are public
		return err
	}
	key := filepath.Join(dir, name+".key")
	if err := os.Remove(key); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(key, p.Key, 0o600)
}

// Authority signs certificates.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	// Cert is the certificate of the authority in PEM: what others trust.
	Cert []byte
}

// NewAuthority returns a new authority.
func NewAuthority() (*Authority, error) {
	template, key, err := begin("etcdsim")
	if err != nil {
		return nil, err
	}
	template.IsCA = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	a := &Authority{key: key, Cert: encode("CERTIFICATE", der)}
	a.cert, err = x509.ParseCertificate(der)
	return a, err
}

// Server returns a certificate for whoever is reached by these names and addresses.
func (a *Authority) Server(hosts ...string) (Pair, error) {
	template, key, err := begin("")
	if err != nil {
		return Pair{}, err
	}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	return a.sign(template, key)
}

// Client returns a certificate with a common name, which etcd takes for a user's.
func (a *Authority) Client(name string) (Pair, error) {
	template, key, err := begin(name)
	if err != nil {
		return Pair{}, err
	}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.sign(template, key)
}

// Revoke returns a list that revokes some certificates, in DER, as etcd's
// --client-crl-file wants it.
func (a *Authority) Revoke(pairs ...Pair) ([]byte, error) {
	now := time.Now()
	list := &x509.RevocationList{Number: big.NewInt(now.Unix()), ThisUpdate: now.Add(-grace), NextUpdate: now.Add(validity)}
	for _, p := range pairs {
		block, _ := pem.Decode(p.Cert)
		if block == nil {
			return nil, fmt.Errorf("expected a certificate in PEM, found %.20q", p.Cert)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: cert.SerialNumber, RevocationTime: now,
		})
	}
	return x509.CreateRevocationList(rand.Reader, list, a.cert, a.key)
}

// begin returns a template and a new key.
func begin(name string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{Organization: []string{"etcdsim"}, CommonName: name},
		NotBefore: now.Add(-grace), NotAfter: now.Add(validity),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}, key, err
}

func (a *Authority) sign(template *x509.Certificate, key *ecdsa.PrivateKey) (Pair, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return Pair{}, err
	}
	private, err := x509.MarshalECPrivateKey(key)
	return Pair{encode("CERTIFICATE", der), encode("EC PRIVATE KEY", private)}, err
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
