package flags_test

import (
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"

	"etcdsim/scenarios"
	"etcdsim/sim/live/flags"
	"etcdsim/sim/live/host"
	"etcdsim/sim/live/rpc"
)

// set makes settings, from NAME=VALUE.
func set(t *testing.T, all ...string) *flags.Settings {
	t.Helper()
	s := &flags.Settings{}
	for _, text := range all {
		name, value, _ := strings.Cut(text, "=")
		if _, err := s.Set(name, value); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return s
}

// Settings of members are options of a scenario.
func TestMembers(t *testing.T) {
	for _, tt := range []struct {
		flags string
		want  string
	}{
		{"heartbeat-interval=50 election-timeout=500", "tick=50ms election=10"},
		{"election-timeout=2000", "tick=100ms election=20"},
		{"heartbeat-interval=10", "tick=10ms election=100"},
		{"snapshot-count=7 snapshot-catchup-entries=3", "snapshot=7 catch-up=3"},
		{"quota-backend-bytes=8192", "quota=8192"},
		{"quota-backend-bytes=-1", "quota=1099511627776000"},
		{"max-txn-ops=9 max-request-bytes=4096 max-learners=2", "max-txn-ops=9 max-request=4096 max-learners=2"},
		{"backend-batch-interval=0s backend-batch-limit=5", "batch-limit=5"},
		{"backend-batch-interval=50ms backend-batch-limit=0", "batch=50ms"},
		{"watch-progress-notify-interval=1m", "watch-progress=1m"},
		{"auto-compaction-retention=0", ""},
		{"auto-compaction-retention=2", "auto-compaction=periodic:2h"},
		{"auto-compaction-retention=90m", "auto-compaction=periodic:90m"},
		{"auto-compaction-mode=revision auto-compaction-retention=1000", "auto-compaction=revision:1000"},
		{"strict-reconfig-check=false pre-vote=true", "strict-reconfig=off prevote=on"},
		{"auth-token-ttl=10", "token-ttl=10s"},
		{"feature-gates=LeaseCheckpoint=true,CompactHashCheck=false", "lease-checkpoint=on"},
		{"feature-gates=LeaseCheckpoint=true,AllAlpha=false", "lease-checkpoint=on"},
		{"feature-gates=AllAlpha=true", "lease-checkpoint=on"},
		{"feature-gates=AllAlpha=true,LeaseCheckpoint=false", ""},
		{"initial-cluster=a=http://x:1,b=http://y:1,a=http://z:1", "cluster.nodes=2"},
		{"initial-cluster=", ""},
		{"name=infra0 peer-auto-tls=true force-new-cluster=false", ""},
	} {
		var cfg host.Config
		if _, err := set(t, strings.Fields(tt.flags)...).Apply(&cfg, nil); err != nil {
			t.Errorf("%s: %v", tt.flags, err)
		}
		var got []string
		for _, s := range cfg.Options.Settings {
			if _, err := scenarios.ParseSetting(s.String()); err != nil {
				t.Errorf("%s: %s: %v", tt.flags, s, err)
			}
			got = append(got, strings.TrimPrefix(s.String(), "node."))
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: got %q, want %q", tt.flags, got, tt.want)
		}
	}
}

// What is not for members goes to the host.
func TestHost(t *testing.T) {
	var cfg host.Config
	s := set(t, "cors=http://a,http://b", "host-whitelist=localhost", "enable-grpc-gateway=false", "max-concurrent-streams=9",
		"grpc-keepalive-min-time=1s", "grpc-keepalive-timeout=3s", "listen-client-urls=http://127.0.0.1:1,http://[::1]:2")
	if _, err := s.Apply(&cfg, nil); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(cfg.Access.Origins, []string{"http://a", "http://b"}) || !slices.Equal(cfg.Access.Hosts, []string{"localhost"}) {
		t.Errorf("%+v", cfg.Access)
	}
	if want := (rpc.Keepalive{MinTime: time.Second, Interval: 2 * time.Hour, Timeout: 3 * time.Second}); cfg.Keepalive != want {
		t.Errorf("%+v, want %+v", cfg.Keepalive, want)
	}
	if !cfg.NoGateway || cfg.MaxStreams != 9 {
		t.Errorf("%+v", cfg)
	}
	if !slices.Equal(s.Listen, []string{"127.0.0.1:1", "[::1]:2"}) {
		t.Errorf("members are at %v", s.Listen)
	}
}

// Each setting of TLS goes where it belongs.
func TestTLS(t *testing.T) {
	s := set(t, "cert-file=cert", "key-file=key", "trusted-ca-file=ca", "client-crl-file=crl", "client-cert-auth=true",
		"client-cert-allowed-cn=a,b", "client-cert-allowed-hostname=h", "tls-min-version=TLS1.2", "tls-max-version=TLS1.3",
		"cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
	want := transport.TLSInfo{
		CertFile: "cert", KeyFile: "key", TrustedCAFile: "ca", CRLFile: "crl", ClientCertAuth: true,
		AllowedCNs: []string{"a", "b"}, AllowedHostnames: []string{"h"}, MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13,
		CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
	}
	if !reflect.DeepEqual(s.TLS, want) {
		t.Errorf("got  %+v\nwant %+v", s.TLS, want)
	}
}

// Settings of which nothing comes are told.
func TestNotes(t *testing.T) {
	for _, tt := range []struct{ flags, want string }{
		{"", ""},
		{"data-dir=d", "data-dir changes nothing without auto-tls"},
		{"self-signed-cert-validity=2", "self-signed-cert-validity changes nothing without auto-tls"},
		{"auto-tls=true data-dir=d self-signed-cert-validity=2 tls-min-version=TLS1.3", ""},
		{"auto-tls=true cert-file=c key-file=k", "auto-tls changes nothing: there is a certificate"},
		{"tls-min-version=TLS1.3", "tls-min-version changes nothing without TLS"},
		{"tls-max-version=TLS1.2", "tls-max-version changes nothing without TLS"},
		{"cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "cipher-suites changes nothing without TLS"},
		{"auto-compaction-mode=revision", "auto-compaction-mode changes nothing without auto-compaction-retention"},
		{"auto-compaction-mode=revision auto-compaction-retention=5", ""},
	} {
		got := strings.Join(set(t, strings.Fields(tt.flags)...).Notes(), "; ")
		if !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" || strings.Contains(got, ";") {
			t.Errorf("%s: %q, want %q", tt.flags, got, tt.want)
		}
	}
	for flag, want := range map[string]string{
		"wal-dir=w": "what members write is on simulated disks", "force-new-cluster=false": "", "cert-file=c": "",
	} {
		name, value, _ := strings.Cut(flag, "=")
		if note, err := new(flags.Settings).Set(name, value); note != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", flag, note, err, want)
		}
	}
}

// A certificate that the server makes is good for where it listens and for as long as was
// said, kept where etcd keeps it, and the same the next time; or it is gone with the
// server.
func TestAutoTLS(t *testing.T) {
	dir := t.TempDir()
	var certs [3]string
	for i, all := range [][]string{{"data-dir=" + dir}, {"data-dir=" + dir}, {"self-signed-cert-validity=3"}} {
		var cfg host.Config
		cleanup, err := set(t, append(all, "auto-tls=true", "tls-min-version=TLS1.3")...).Apply(&cfg, []string{"127.0.0.1", "localhost"})
		if err != nil {
			t.Fatal(err)
		}
		c, err := cfg.TLS.ServerConfig()
		if err != nil || c.MinVersion != tls.VersionTLS13 {
			t.Fatalf("%v, %v", c, err)
		}
		if want := filepath.Join(dir, "fixtures", "client", "cert.pem"); i < 2 && cfg.TLS.CertFile != want {
			t.Errorf("the certificate is kept in %s, want %s", cfg.TLS.CertFile, want)
		}
		pair, err := tls.LoadX509KeyPair(cfg.TLS.CertFile, cfg.TLS.KeyFile)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"127.0.0.1", "localhost"} {
			if err := pair.Leaf.VerifyHostname(name); err != nil {
				t.Error(err)
			}
		}
		years := [...]int{1, 1, 3}[i]
		if left := time.Until(pair.Leaf.NotAfter).Hours() / 24; int(left+1) != 365*years {
			t.Errorf("the certificate is good for %v days", left)
		}
		certs[i] = string(pair.Certificate[0])
		cleanup()
		if _, err := os.Stat(cfg.TLS.KeyFile); os.IsNotExist(err) != (i == 2) {
			t.Errorf("the key, afterwards: %v", err)
		}
	}
	if certs[0] != certs[1] || certs[0] == certs[2] {
		t.Error("expected the certificate to be the one of the data folder")
	}
	var cfg host.Config
	file := filepath.Join(dir, "fixtures", "client", "cert.pem")
	own := set(t, "auto-tls=true", "cert-file="+file, "key-file="+filepath.Join(filepath.Dir(file), "key.pem"))
	if _, err := own.Apply(&cfg, nil); err != nil || cfg.TLS.CertFile != file {
		t.Errorf("beside a certificate: %v, %v", cfg.TLS, err)
	}
}

// What is wrong is said.
func TestMistakes(t *testing.T) {
	for _, tt := range []struct{ flag, want string }{
		{"nothing=1", "etcd has no such setting"},
		{"heartbeat-interval=0", `"0": expected a whole number from 1`},
		{"grpc-keepalive-timeout=5", `"5": expected a duration such as 30s`},
		{"client-cert-auth=yes", `"yes": expected true or false`},
		{"tls-min-version=TLS1.1", `"TLS1.1": expected TLS1.2 or TLS1.3`},
		{"cipher-suites=TLS_NONE", `unexpected TLS cipher suite "TLS_NONE"`},
		{"listen-client-urls=127.0.0.1:2379", "expected a URL such as http://127.0.0.1:2379"},
		{"listen-client-urls=http://a:1,https://b:1", "expected http, as before it"},
		{"listen-client-urls=http://localhost", "expected a URL with a host and a port"},
		{"auth-token=nop", "expected simple or jwt,"},
		{"quota-backend-bytes=-x", "node.quota"},
		{"auth-token=jwt", "expected pub-key=FILE"},
		{"auth-token=jwt,sign-method=none", `sign-method: "none": expected RS256`},
		{"auth-token=jwt,sign-method=RS256", "expected pub-key, priv-key or both"},
		{"auth-token=jwt,sign-method=RS256,priv-key=/nowhere", "priv-key: open /nowhere"},
		{"auth-token=jwt,sign-method=HS256,ttl=-1s", "ttl: -1s: expected a positive duration"},
		{"auto-compaction-mode=weekly", "expected periodic or revision"},
		{"feature-gates=Nothing=true", `"Nothing": expected a feature of etcd`},
		{"initial-cluster=a", `"a": expected NAME=URL`},
		{"initial-cluster-state=existing", "expected new"},
		{"force-new-cluster=true", "cannot be had"},
		{"listen-metrics-urls=http://localhost:1", "cannot be had: every member has one address"},
		{"max-txn-ops=x", "node.max-txn-ops"},
	} {
		name, value, _ := strings.Cut(tt.flag, "=")
		if _, err := new(flags.Settings).Set(name, value); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.flag, err, tt.want)
		}
	}
	for _, tt := range []struct{ flags, want string }{
		{"cert-file=x", "cert-file and key-file together"},
		{"cert-file=/nowhere key-file=/nowhere", "no such file"},
		{"trusted-ca-file=x", "client certificates need TLS"},
		{"auto-tls=true client-cert-auth=true", "client-cert-auth: expected trusted-ca-file"},
		{"listen-client-urls=https://localhost:1", "https: expected cert-file"},
		{"auto-tls=true listen-client-urls=http://localhost:1", "http: expected https"},
		{"tls-min-version=TLS1.3 tls-max-version=TLS1.2", "no greater than tls-max-version"},
		{"tls-min-version=TLS1.3 cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "cipher-suites: they cannot be chosen"},
		{"heartbeat-interval=300", "at least 5 times heartbeat-interval, which is 300 ms"},
		{"auto-compaction-retention=soon", "auto-compaction-retention: "},
		{"auto-tls=true client-crl-file=x", "client-crl-file: expected trusted-ca-file"},
		{"auto-tls=true client-cert-allowed-cn=x", "client-cert-allowed-cn: expected trusted-ca-file"},
		{"auto-tls=true client-cert-allowed-hostname=x", "client-cert-allowed-hostname: expected trusted-ca-file"},
		{"auto-tls=true trusted-ca-file=x client-crl-file=/nowhere", "client-crl-file: open /nowhere"},
		{"auto-tls=true trusted-ca-file=x client-crl-file=flags_test.go", "expected a list of revoked certificates in DER"},
	} {
		if err := set(t, strings.Fields(tt.flags)...).Check(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.flags, err, tt.want)
		}
	}
}

// A file is read as etcd reads it, with places.
func TestFile(t *testing.T) {
	all, err := flags.Read("f", []byte(`# a comment
name: infra0
seed: 7
grpc-keepalive-timeout: 20000000000
watch-progress-notify-interval: 10m
client-transport-security:
  auto-tls: true
  allowed-cn: [a, "b"]
cipher-suites:
  - X
  - Y
quota-backend-bytes:
bug: [x, y]
`), []string{"seed", "bug"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range all {
		got = append(got, a.Name+"="+a.Value())
	}
	want := "name=infra0 seed=7 grpc-keepalive-timeout=20000000000ns watch-progress-notify-interval=10m auto-tls=true " +
		"client-cert-allowed-cn=a,b cipher-suites=X,Y bug=x,y"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
	if all[1].Line != 3 || all[4].Line != 7 {
		t.Errorf("the lines are %v", all)
	}
	if all, err := flags.Read("f", []byte("# nothing\n"), nil); err != nil || all != nil {
		t.Errorf("an empty file: %v, %v", all, err)
	}
}

func TestFileMistakes(t *testing.T) {
	for _, tt := range []struct{ text, want, unknown string }{
		{"name: a\ncros: b", `f:2: unknown setting "cros"`, "cros"},
		{"client-transport-security:\n  cert-fil: x", `f:2: unknown setting "cert-fil"`, "cert-fil"},
		{"cert-file: x\ncert-file: y", "f:2: cert-file: set for the second time", ""},
		{"client-transport-security: 5", "f:1: expected settings, NAME: VALUE", ""},
		{"cert-file: [x, y]", "f:1: cert-file: expected a value", ""},
		{"cors: [[x]]", "f:1: cors: expected a value", ""},
		{"discovery-config: {token: x}", "f:1: discovery-config: cannot be had", ""},
		{"- a", "f:1: expected settings, NAME: VALUE", ""},
		{"name: &a x\nlog-level: *a", "f:2: log-level: expected a value", ""},
		{"a: b: c", "f:1: expected YAML: ", ""},
		{"name: x\n\tlogger: y", "f:2: expected YAML: ", ""},
	} {
		_, err := flags.Read("f", []byte(tt.text), nil)
		var wrong *flags.FileError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), tt.want) || wrong.Unknown != tt.unknown {
			t.Errorf("%q: %v, want %s", tt.text, err, tt.want)
		}
	}
}

// FuzzFile: no file makes the reader or what it sets panic.
func FuzzFile(f *testing.F) {
	for _, text := range []string{
		"name: a\nclient-transport-security: {auto-tls: true}", "a: &x [*x]", "? : -", "max-txn-ops: 1e9", "cors: !!binary aGk=", "\t", "%YAML 9",
		"quota-backend-bytes: -1\nauto-compaction-retention: '5m'\nfeature-gates: LeaseCheckpoint=true",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := flags.Read("f", text, nil)
		if err != nil {
			if wrong := new(flags.FileError); !errors.As(err, &wrong) || wrong.Line < 1 {
				t.Errorf("an error without a place: %v", err)
			}
			return
		}
		var s flags.Settings
		for _, a := range all {
			if a.Name != "auth-token" { // it may name any file
				_, _ = s.Set(a.Name, a.Value())
			}
		}
		s.TLS.CertFile, s.TLS.KeyFile, s.TLS.CRLFile = "", "", "" // as these may
		_ = s.Check()
	})
}
