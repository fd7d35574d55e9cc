package flags

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/tlsutil"
	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.uber.org/zap"

	"etcdsim/scenarios"
	"etcdsim/sim/live/host"
	"etcdsim/sim/live/rpc"
	"etcdsim/sim/live/token"
)

// Settings are what was set so far. The zero value is etcd's defaults.
type Settings struct {
	// TLS are the files that secure connections, Access is who may come over HTTP.
	TLS    transport.TLSInfo
	Access host.Access
	// Listen are the hosts and ports of the members, one for each, or nil. Whoever serves
	// sees to it.
	Listen []string

	scheme              string // that of Listen
	autoTLS, noGateway  bool
	dataDir             string
	validity, tokenTTL  uint64
	jwt                 *token.Options
	streams             uint64
	keepalive           rpc.Keepalive
	heartbeat, election uint64 // in milliseconds
	mode, retention     string
	universe            []scenarios.Setting // options that are set as they are
}

// Set sets one of etcd's settings, of the name of its flag. note says why it changes
// nothing, if so. The error does not name the setting.
func (s *Settings) Set(name, value string) (note string, err error) {
	f := Find(name)
	switch {
	case f == nil:
		return "", errors.New("etcd has no such setting")
	case f.set != nil:
		return "", f.set(s, value)
	case f.refused != "" && value != "" && value != "false":
		return "", errors.New("cannot be had: " + f.refused)
	}
	return f.unused, nil
}

func text(field func(*Settings) *string) func(*Settings, string) error {
	return func(s *Settings, value string) error {
		*field(s) = value
		return nil
	}
}

func list(field func(*Settings) *[]string) func(*Settings, string) error {
	return func(s *Settings, value string) error {
		*field(s) = split(value)
		return nil
	}
}

func flag(field func(*Settings) *bool) func(*Settings, string) error {
	return func(s *Settings, value string) (err error) {
		*field(s), err = parseSwitch(value)
		return err
	}
}

func parseSwitch(value string) (bool, error) {
	on, err := strconv.ParseBool(value)
	if err != nil {
		return false, fmt.Errorf("%q: expected true or false", value)
	}
	return on, nil
}

func number(field func(*Settings) *uint64, high uint64) func(*Settings, string) error {
	return func(s *Settings, value string) error {
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil || n < 1 || n > high {
			return fmt.Errorf("%q: expected a whole number from 1 to %d", value, high)
		}
		*field(s) = n
		return nil
	}
}

func duration(field func(*Settings) *time.Duration) func(*Settings, string) error {
	return func(s *Settings, value string) error {
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 {
			return fmt.Errorf("%q: expected a duration such as 30s", value)
		}
		*field(s) = d
		return nil
	}
}

func version(field func(*Settings) *uint16) func(*Settings, string) error {
	return func(s *Settings, value string) (err error) {
		if *field(s), err = tlsutil.GetTLSVersion(value); err != nil {
			return fmt.Errorf("%q: expected TLS1.2 or TLS1.3", value)
		}
		return nil
	}
}

// node sets an option of the members.
func node(option string) func(*Settings, string) error {
	return func(s *Settings, value string) error {
		set, err := scenarios.ParseSetting("node." + option + "=" + value)
		if err != nil {
			return err
		}
		s.universe = append(s.universe, set)
		return nil
	}
}

func nodeSwitch(option string) func(*Settings, string) error {
	return func(s *Settings, value string) error {
		on, err := parseSwitch(value)
		if err != nil {
			return err
		}
		return node(option)(s, map[bool]string{true: "on", false: "off"}[on])
	}
}

// unlessZero leaves the default where etcd means it by 0.
func unlessZero(set func(*Settings, string) error) func(*Settings, string) error {
	return func(s *Settings, value string) error {
		if value == "0" || value == "0s" || value == "0ns" {
			return nil
		}
		return set(s, value)
	}
}

// unlimited is a quota that nobody reaches: etcd has none below 0.
const unlimited = "1099511627776000"

func (s *Settings) quota(value string) error {
	if n, err := strconv.ParseInt(value, 10, 64); err == nil && n < 0 {
		value = unlimited
	}
	return node("quota")(s, value)
}

func (s *Settings) listen(value string) error {
	s.Listen, s.scheme = nil, ""
	for _, text := range split(value) {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Path != "" {
			return fmt.Errorf("%q: expected a URL such as http://127.0.0.1:2379", text)
		}
		if _, _, err := net.SplitHostPort(u.Host); err != nil {
			return fmt.Errorf("%q: expected a URL with a host and a port", text)
		}
		if s.scheme != "" && u.Scheme != s.scheme {
			return fmt.Errorf("%q: expected %s, as before it: with TLS or without it", text, s.scheme)
		}
		s.Listen, s.scheme = append(s.Listen, u.Host), u.Scheme
	}
	return nil
}

func (s *Settings) suites(value string) (err error) {
	s.TLS.CipherSuites, err = tlsutil.GetCipherSuites(split(value))
	return err
}

func (s *Settings) gateway(value string) error {
	on, err := parseSwitch(value)
	s.noGateway = !on
	return err
}

func (s *Settings) tokens(value string) error {
	kind, rest, _ := strings.Cut(value, ",")
	switch {
	case value == "simple":
		s.jwt = nil
		return nil
	case kind != "jwt":
		return fmt.Errorf("%q: expected simple or jwt,sign-method=NAME,priv-key=FILE,pub-key=FILE", value)
	}
	o, err := token.Parse(rest)
	if err == nil {
		_, err = token.New(o)
	}
	s.jwt = &o
	return err
}

func (s *Settings) compactionMode(value string) error {
	if value != "periodic" && value != "revision" {
		return fmt.Errorf("%q: expected periodic or revision", value)
	}
	s.mode = value
	return nil
}

// known are etcd's features; those without an option are about parts that the
// simulation does not have.
var known = []string{
	"CompactHashCheck", "InitialCorruptCheck", checkpoint, "LeaseCheckpointPersist", "SetMemberLocalAddr", "StopGRPCServiceOnDefrag",
	"TxnModeWriteWithSharedBuffer", "FastLeaseKeepAlive", "PriorityRequest", allAlpha, "AllBeta",
}

const (
	checkpoint = "LeaseCheckpoint" // which is an alpha
	allAlpha   = "AllAlpha"        // those of which nothing else is said
)

func (s *Settings) features(value string) error {
	said := map[string]bool{}
	for _, gate := range split(value) {
		name, text, _ := strings.Cut(gate, "=")
		on, err := parseSwitch(text)
		if err != nil {
			return fmt.Errorf("%s: %w", gate, err)
		}
		if !slices.Contains(known, name) {
			return fmt.Errorf("%q: expected a feature of etcd: %s", name, strings.Join(known, ", "))
		}
		said[name] = on
	}
	if on, itself := said[checkpoint]; on || !itself && said[allAlpha] {
		return node("lease-checkpoint")(s, "on")
	}
	return nil
}

func (s *Settings) cluster(value string) error {
	var names []string
	for _, member := range split(value) {
		name, _, ok := strings.Cut(member, "=")
		if !ok {
			return fmt.Errorf("%q: expected NAME=URL", member)
		}
		if !slices.Contains(names, name) { // a member may have several URLs
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	nodes, err := scenarios.ParseSetting("cluster.nodes=" + strconv.Itoa(len(names)))
	if err != nil {
		return err
	}
	s.universe = append(s.universe, nodes)
	return nil
}

func (s *Settings) state(value string) error {
	if value != "new" && value != "" {
		return fmt.Errorf("%q: expected new: %s", value, noCluster)
	}
	return nil
}

// Notes says of which settings nothing comes, because of others.
func (s *Settings) Notes() (notes []string) {
	if s.dataDir != "" && !s.autoTLS {
		notes = append(notes, "data-dir changes nothing without auto-tls: "+noFolder)
	}
	if s.autoTLS && !s.TLS.Empty() {
		notes = append(notes, "auto-tls changes nothing: there is a certificate")
	}
	if s.validity != 0 && !s.autoTLS {
		notes = append(notes, "self-signed-cert-validity changes nothing without auto-tls")
	}
	if !s.secured() {
		for _, f := range []struct {
			name string
			set  bool
		}{
			{"cipher-suites", len(s.TLS.CipherSuites) > 0},
			{"tls-min-version", s.TLS.MinVersion != 0},
			{"tls-max-version", s.TLS.MaxVersion != 0},
		} {
			if f.set {
				notes = append(notes, f.name+" changes nothing without TLS")
			}
		}
	}
	if s.mode != "" && s.retention == "" {
		notes = append(notes, "auto-compaction-mode changes nothing without auto-compaction-retention")
	}
	return notes
}

// secured reports whether members have a certificate.
func (s *Settings) secured() bool { return s.autoTLS || !s.TLS.Empty() }

// Check reports settings that contradict each other, and files that cannot be read.
func (s *Settings) Check() error {
	secured := s.secured()
	switch {
	case (s.TLS.CertFile == "") != (s.TLS.KeyFile == ""):
		return errors.New("expected cert-file and key-file together")
	case !secured && (s.TLS.ClientCertAuth || s.TLS.TrustedCAFile != "" || s.TLS.CRLFile != ""):
		return errors.New("client certificates need TLS: expected cert-file and key-file, or auto-tls")
	case s.TLS.TrustedCAFile == "" && s.choosy() != "":
		return fmt.Errorf("%s: expected trusted-ca-file, which says whose certificates count", s.choosy())
	case s.scheme == "https" && !secured:
		return errors.New("listen-client-urls: https: expected cert-file and key-file, or auto-tls")
	case s.scheme == "http" && secured:
		return errors.New("listen-client-urls: http: expected https, since there is a certificate")
	case s.TLS.MaxVersion != 0 && s.TLS.MinVersion > s.TLS.MaxVersion:
		return errors.New("tls-min-version: expected one no greater than tls-max-version")
	case s.TLS.MinVersion == tls.VersionTLS13 && len(s.TLS.CipherSuites) > 0:
		return errors.New("cipher-suites: they cannot be chosen when only TLS 1.3 is left")
	}
	if _, err := s.timing(); err != nil {
		return err
	}
	if _, err := s.compaction(); err != nil {
		return err
	}
	if !s.TLS.Empty() {
		if _, err := s.TLS.ServerConfig(); err != nil {
			return err
		}
	}
	return checkRevoked(s.TLS.CRLFile)
}

// choosy returns the name of a setting about the certificates of clients, or "". Without
// an authority none would be asked for, and the setting would let everybody in.
func (s *Settings) choosy() string {
	switch {
	case s.TLS.ClientCertAuth:
		return "client-cert-auth"
	case s.TLS.CRLFile != "":
		return "client-crl-file"
	case len(s.TLS.AllowedCNs) > 0:
		return "client-cert-allowed-cn"
	case len(s.TLS.AllowedHostnames) > 0:
		return "client-cert-allowed-hostname"
	}
	return ""
}

// checkRevoked reports a list of revoked certificates that is none: with it every
// client would be refused.
func checkRevoked(path string) error {
	if path == "" {
		return nil
	}
	der, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return fmt.Errorf("client-crl-file: %w", err)
	}
	if _, err := x509.ParseRevocationList(der); err != nil {
		return fmt.Errorf("client-crl-file: %s: expected a list of revoked certificates in DER: %w", path, err)
	}
	return nil
}

// etcd's defaults, in milliseconds, and how many heartbeats an election must take.
const (
	defaultHeartbeat = 100
	defaultElection  = 1000
	beats            = 5
)

// timing returns the settings of raft's clock.
func (s *Settings) timing() ([]scenarios.Setting, error) {
	if s.heartbeat == 0 && s.election == 0 {
		return nil, nil
	}
	heartbeat, election := s.heartbeat, s.election
	if heartbeat == 0 {
		heartbeat = defaultHeartbeat
	}
	if election == 0 {
		election = defaultElection
	}
	if beats*heartbeat > election {
		return nil, fmt.Errorf("election-timeout: %d ms: expected at least %d times heartbeat-interval, which is %d ms",
			election, beats, heartbeat)
	}
	return []scenarios.Setting{
		{Section: "node", Name: "tick", Value: fmt.Sprintf("%dms", heartbeat)},
		{Section: "node", Name: "election", Value: strconv.FormatUint(election/heartbeat, 10)},
	}, nil
}

// compaction returns the setting of what members compact by themselves.
func (s *Settings) compaction() ([]scenarios.Setting, error) {
	if s.retention == "" || s.retention == "0" {
		return nil, nil
	}
	value := "revision:" + s.retention
	if s.mode != "revision" {
		value = "periodic:" + s.retention
		if _, err := strconv.ParseUint(s.retention, 10, 32); err == nil {
			value += "h"
		}
	}
	set, err := scenarios.ParseSetting("node.auto-compaction=" + value)
	if err != nil {
		return nil, fmt.Errorf("auto-compaction-retention: %w", err)
	}
	return []scenarios.Setting{set}, nil
}

// Apply writes the settings into the description of a host, whose own settings go
// before. Files that were made for it are removed by cleanup.
func (s *Settings) Apply(cfg *host.Config, hosts []string) (cleanup func(), err error) {
	cleanup = func() {}
	if err := s.Check(); err != nil {
		return cleanup, err
	}
	timing, _ := s.timing() // both were checked
	compaction, _ := s.compaction()
	all := slices.Concat(s.universe, timing, compaction)
	if s.tokenTTL != 0 {
		all = append(all, scenarios.Setting{Section: "node", Name: "token-ttl", Value: fmt.Sprintf("%ds", s.tokenTTL)})
	}
	cfg.Options.Settings = append(all, cfg.Options.Settings...)
	cfg.TLS, cfg.Access, cfg.Tokens, cfg.MaxStreams, cfg.NoGateway = s.TLS, s.Access, s.jwt, uint32(s.streams), s.noGateway
	cfg.Keepalive = rpc.DefaultKeepalive()
	for _, d := range []struct{ to, from *time.Duration }{
		{&cfg.Keepalive.MinTime, &s.keepalive.MinTime},
		{&cfg.Keepalive.Interval, &s.keepalive.Interval},
		{&cfg.Keepalive.Timeout, &s.keepalive.Timeout},
	} {
		if *d.from != 0 {
			*d.to = *d.from
		}
	}
	if s.autoTLS && s.TLS.Empty() {
		cfg.TLS, cleanup, err = s.selfSigned(hosts)
	}
	return cleanup, err
}

// selfSigned returns TLS by a certificate that is made if it is not there: in the data
// folder, where etcd keeps it, or for as long as the server lives.
func (s *Settings) selfSigned(hosts []string) (info transport.TLSInfo, cleanup func(), err error) {
	dir := s.dataDir
	cleanup = func() {}
	if dir == "" {
		if dir, err = os.MkdirTemp("", "etcdsim-tls-"); err != nil {
			return info, cleanup, err
		}
		cleanup = func() { _ = os.RemoveAll(dir) }
	}
	names := make([]string, len(hosts))
	for i, h := range hosts {
		names[i] = net.JoinHostPort(h, "0")
	}
	made, err := transport.SelfCert(zap.NewNop(), filepath.Join(dir, "fixtures", "client"), names, uint(max(s.validity, 1)))
	info = s.TLS
	info.CertFile, info.KeyFile = made.CertFile, made.KeyFile
	return info, cleanup, err
}
