package flags

import (
	"slices"
	"strings"
	"time"
)

// Field is one of etcd's settings.
type Field struct {
	// Name is that of etcd's flag.
	Name string
	Kind Kind
	// On is the default of a switch.
	On bool
	// Doc says what it means, for a help; empty if it means nothing here.
	Doc string
	// set gives it a meaning; nil if it has none.
	set func(*Settings, string) error
	// unused says why it changes nothing, refused why it cannot be had. A refused
	// switch may be off, and whatever is refused may be empty.
	unused, refused string
}

// Kind is how the value of a setting is written.
type Kind uint8

// Kinds of settings.
const (
	Text Kind = iota
	// Number is a whole number.
	Number
	// Duration is a duration; a bare number in a file is nanoseconds, as in etcd.
	Duration
	// Switch is true or false.
	Switch
	// List is several texts, separated by commas; a file may have a sequence.
	List
)

// Meant reports whether the setting has a meaning here.
func (f *Field) Meant() bool { return f.set != nil }

// Find returns a setting by its name, or nil.
func Find(name string) *Field {
	i := slices.IndexFunc(All, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return &All[i]
}

// Names returns the names of all settings.
func Names() []string {
	names := make([]string, len(All))
	for i := range All {
		names[i] = All[i].Name
	}
	return names
}

// Why settings have no meaning here.
const (
	noFolder  = "what members write is on simulated disks"
	noPeers   = "members reach each other over the simulated network"
	noLog     = "what happens is in the recording, not in a log"
	noBackend = "the simulated store has no such part"
	noProcess = "members are no processes of this machine"
	noTracing = "nothing of this kind is measured in a simulation"
	oneDoor   = "every member has one address for everything"
	noCluster = "the cluster begins with the server, and ends with it"
)

// All are etcd's settings.
var All = []Field{
	{Name: "listen-client-urls", Kind: List, Doc: "where members take clients, one `URL` for each member", set: (*Settings).listen},
	{Name: "cert-file", Doc: "certificate for clients, `FILE` in PEM", set: text(func(s *Settings) *string { return &s.TLS.CertFile })},
	{Name: "key-file", Doc: "its private key, `FILE` in PEM", set: text(func(s *Settings) *string { return &s.TLS.KeyFile })},
	{
		Name: "client-cert-auth", Kind: Switch, Doc: "take only clients with a certificate; its common name is a user",
		set: flag(func(s *Settings) *bool { return &s.TLS.ClientCertAuth }),
	},
	{
		Name: "trusted-ca-file", Doc: "who certifies clients, `FILE` in PEM; with it every client needs a certificate",
		set: text(func(s *Settings) *string { return &s.TLS.TrustedCAFile }),
	},
	{
		Name: "client-crl-file", Doc: "certificates that were revoked, `FILE` in DER",
		set: text(func(s *Settings) *string { return &s.TLS.CRLFile }),
	},
	{
		Name: "client-cert-allowed-hostname", Kind: List, Doc: "names of which a client's certificate must have one",
		set: list(func(s *Settings) *[]string { return &s.TLS.AllowedHostnames }),
	},
	{
		Name: "client-cert-allowed-cn", Kind: List, Doc: "common names of which a client's certificate must have one",
		set: list(func(s *Settings) *[]string { return &s.TLS.AllowedCNs }),
	},
	{
		Name: "auto-tls", Kind: Switch, Doc: "TLS with a certificate that the server makes",
		set: flag(func(s *Settings) *bool { return &s.autoTLS }),
	},
	{
		Name: "self-signed-cert-validity", Kind: Number, Doc: "how many years that certificate is good",
		set: number(func(s *Settings) *uint64 { return &s.validity }, 100),
	},
	{
		Name: "data-dir", Doc: "where that certificate is kept, `FOLDER`/fixtures/client; nothing else is",
		set: text(func(s *Settings) *string { return &s.dataDir }),
	},
	{Name: "cipher-suites", Kind: List, Doc: "of TLS 1.2, by `NAME`", set: (*Settings).suites},
	{
		Name: "tls-min-version", Doc: "least `VERSION` of TLS: TLS1.2 or TLS1.3",
		set: version(func(s *Settings) *uint16 { return &s.TLS.MinVersion }),
	},
	{
		Name: "tls-max-version", Doc: "greatest `VERSION` of TLS: TLS1.2 or TLS1.3",
		set: version(func(s *Settings) *uint16 { return &s.TLS.MaxVersion }),
	},
	{
		Name: "auth-token", Doc: "`HOW` users are known again: simple, or jwt,sign-method=RS256,priv-key=FILE,pub-key=FILE,ttl=5m",
		set: (*Settings).tokens,
	},
	{
		Name: "auth-token-ttl", Kind: Number, Doc: "seconds that a simple token lives which nobody uses",
		set: number(func(s *Settings) *uint64 { return &s.tokenTTL }, 1<<30),
	},
	{
		Name: "cors", Kind: List, Doc: "origins of web pages that may read answers",
		set: list(func(s *Settings) *[]string { return &s.Access.Origins }),
	},
	{
		Name: "host-whitelist", Kind: List, Doc: "names by which members may be called over plain HTTP",
		set: list(func(s *Settings) *[]string { return &s.Access.Hosts }),
	},
	{Name: "enable-grpc-gateway", Kind: Switch, On: true, Doc: "serve the API as JSON, too", set: (*Settings).gateway},
	{
		Name: "max-concurrent-streams", Kind: Number, Doc: "requests and streams that a client may have under way on a connection",
		set: number(func(s *Settings) *uint64 { return &s.streams }, 1<<32-1),
	},
	{
		Name: "grpc-keepalive-min-time", Kind: Duration, Doc: "least time between two pings of a client",
		set: duration(func(s *Settings) *time.Duration { return &s.keepalive.MinTime }),
	},
	{
		Name: "grpc-keepalive-interval", Kind: Duration, Doc: "time without activity after which a client is pinged",
		set: duration(func(s *Settings) *time.Duration { return &s.keepalive.Interval }),
	},
	{
		Name: "grpc-keepalive-timeout", Kind: Duration, Doc: "how long its answer may take",
		set: duration(func(s *Settings) *time.Duration { return &s.keepalive.Timeout }),
	},
	{
		Name: "heartbeat-interval", Kind: Number, Doc: "milliseconds of a raft tick",
		set: number(func(s *Settings) *uint64 { return &s.heartbeat }, 1<<20),
	},
	{
		Name: "election-timeout", Kind: Number, Doc: "milliseconds of silence before an election",
		set: number(func(s *Settings) *uint64 { return &s.election }, 50_000),
	},
	{Name: "snapshot-count", Kind: Number, Doc: "applied entries after which the log begins anew", set: node("snapshot")},
	{Name: "snapshot-catchup-entries", Kind: Number, Doc: "entries kept before that", set: node("catch-up")},
	{Name: "quota-backend-bytes", Kind: Number, Doc: "size that the data may have; 0 is 2 GiB", set: (*Settings).quota},
	{Name: "max-txn-ops", Kind: Number, Doc: "operations allowed in a transaction", set: node("max-txn-ops")},
	{Name: "max-request-bytes", Kind: Number, Doc: "size allowed for a request", set: node("max-request")},
	{
		Name: "backend-batch-interval", Kind: Duration, Doc: "time after which what was applied goes to the disk",
		set: unlessZero(node("batch")),
	},
	{Name: "backend-batch-limit", Kind: Number, Doc: "applied entries after which it does", set: unlessZero(node("batch-limit"))},
	{
		Name: "auto-compaction-mode", Doc: "`UNIT` of auto-compaction-retention: periodic or revision",
		set: (*Settings).compactionMode,
	},
	{
		Name: "auto-compaction-retention", Doc: "what is kept of the history: 5m, hours without a unit, or revisions; 0 keeps all",
		set: text(func(s *Settings) *string { return &s.retention }),
	},
	{
		Name: "watch-progress-notify-interval", Kind: Duration, Doc: "time between notifications of progress",
		set: unlessZero(node("watch-progress")),
	},
	{Name: "max-learners", Kind: Number, Doc: "learners that a cluster may have", set: node("max-learners")},
	{
		Name: "strict-reconfig-check", Kind: Switch, On: true, Doc: "refuse changes of the membership that endanger the quorum",
		set: nodeSwitch("strict-reconfig"),
	},
	{Name: "pre-vote", Kind: Switch, On: true, Doc: "ask before campaigning", set: nodeSwitch("prevote")},
	{Name: "feature-gates", Kind: List, Doc: "etcd's features: LeaseCheckpoint=true", set: (*Settings).features},
	{
		Name: "initial-cluster", Kind: List, Doc: "NAME=URL of each member; counts them, and the names are n1, n2...",
		set: (*Settings).cluster,
	},

	{Name: "name", unused: "members are called n1, n2..."},
	{Name: "advertise-client-urls", Kind: List, unused: "members say that they are where they listen"},
	{Name: "wal-dir", unused: noFolder},
	{Name: "max-snapshots", Kind: Number, unused: noFolder},
	{Name: "max-wals", Kind: Number, unused: noFolder},
	{Name: "backend-bbolt-freelist-type", unused: noBackend},
	{Name: "bootstrap-defrag-threshold-megabytes", Kind: Number, unused: noBackend},
	{Name: "compaction-batch-limit", Kind: Number, unused: noBackend},
	{Name: "compaction-sleep-interval", Kind: Duration, unused: noBackend},
	{Name: "corrupt-check-time", Kind: Duration, unused: "the judges compare all members at every step"},
	{Name: "compact-hash-check-time", Kind: Duration, unused: "the judges compare all members at every step"},
	{Name: "bcrypt-cost", Kind: Number, unused: "passwords are hashed at the least cost"},
	{Name: "unsafe-no-fsync", Kind: Switch, unused: noFolder},
	{Name: "memory-mlock", Kind: Switch, unused: noProcess},
	{Name: "socket-reuse-port", Kind: Switch, unused: noProcess},
	{Name: "socket-reuse-address", Kind: Switch, unused: noProcess},
	{Name: "initial-election-tick-advance", Kind: Switch, unused: noCluster},
	{Name: "initial-cluster-token", unused: noCluster},
	{Name: "downgrade-check-time", Kind: Duration, unused: "members have one version"},
	{Name: "v2-deprecation", unused: "the older APIs are there"},
	{Name: "listen-peer-urls", Kind: List, unused: noPeers},
	{Name: "initial-advertise-peer-urls", Kind: List, unused: noPeers},
	{Name: "client-cert-file", unused: noPeers},
	{Name: "client-key-file", unused: noPeers},
	{Name: "peer-cert-file", unused: noPeers},
	{Name: "peer-key-file", unused: noPeers},
	{Name: "peer-client-cert-file", unused: noPeers},
	{Name: "peer-client-key-file", unused: noPeers},
	{Name: "peer-client-cert-auth", Kind: Switch, unused: noPeers},
	{Name: "peer-trusted-ca-file", unused: noPeers},
	{Name: "peer-auto-tls", Kind: Switch, unused: noPeers},
	{Name: "peer-crl-file", unused: noPeers},
	{Name: "peer-cert-allowed-cn", Kind: List, unused: noPeers},
	{Name: "peer-cert-allowed-hostname", Kind: List, unused: noPeers},
	{Name: "peer-skip-client-san-verification", Kind: Switch, unused: noPeers},
	{Name: "raft-read-timeout", Kind: Duration, unused: noPeers},
	{Name: "raft-write-timeout", Kind: Duration, unused: noPeers},
	{Name: "logger", unused: noLog},
	{Name: "log-level", unused: noLog},
	{Name: "log-format", unused: noLog},
	{Name: "log-outputs", Kind: List, unused: noLog},
	{Name: "enable-log-rotation", Kind: Switch, unused: noLog},
	{Name: "log-rotation-config-json", unused: noLog},
	{Name: "warning-apply-duration", Kind: Duration, unused: noLog},
	{Name: "warning-unary-request-duration", Kind: Duration, unused: noLog},
	{Name: "metrics", unused: noTracing},
	{Name: "enable-pprof", Kind: Switch, unused: noTracing},
	{Name: "enable-distributed-tracing", Kind: Switch, unused: noTracing},
	{Name: "distributed-tracing-address", unused: noTracing},
	{Name: "distributed-tracing-service-name", unused: noTracing},
	{Name: "distributed-tracing-instance-id", unused: noTracing},
	{Name: "distributed-tracing-sampling-rate", Kind: Number, unused: noTracing},

	{Name: "listen-client-http-urls", Kind: List, refused: oneDoor},
	{Name: "listen-metrics-urls", Kind: List, refused: oneDoor},
	{Name: "force-new-cluster", Kind: Switch, refused: noCluster},
	{Name: "initial-cluster-state", set: (*Settings).state},
	{Name: "discovery-srv", refused: noCluster},
	{Name: "discovery-srv-name", refused: noCluster},
	{Name: "discovery-token", refused: noCluster},
	{Name: "discovery-endpoints", Kind: List, refused: noCluster},
	{Name: "discovery-cacert", refused: noCluster},
	{Name: "discovery-cert", refused: noCluster},
	{Name: "discovery-config", refused: noCluster},
	{Name: "discovery-dial-timeout", refused: noCluster},
	{Name: "discovery-fallback", refused: noCluster},
	{Name: "discovery-insecure-skip-tls-verify", refused: noCluster},
	{Name: "discovery-insecure-transport", refused: noCluster},
	{Name: "discovery-keepalive-time", refused: noCluster},
	{Name: "discovery-keepalive-timeout", refused: noCluster},
	{Name: "discovery-key", refused: noCluster},
	{Name: "discovery-password", refused: noCluster},
	{Name: "discovery-request-timeout", refused: noCluster},
	{Name: "discovery-user", refused: noCluster},
}

// sections are the groups of settings in a file, with the flags that they stand for.
var sections = map[string]map[string]string{
	"client-transport-security": {
		"cert-file": "cert-file", "key-file": "key-file", "client-cert-file": "client-cert-file", "client-key-file": "client-key-file",
		"client-cert-auth": "client-cert-auth", "trusted-ca-file": "trusted-ca-file", "auto-tls": "auto-tls",
		"allowed-cn": "client-cert-allowed-cn", "allowed-hostname": "client-cert-allowed-hostname",
	},
	"socket-options": {"reuse-port": "socket-reuse-port", "reuse-address": "socket-reuse-address"},
	"peer-transport-security": {
		"cert-file": "peer-cert-file", "key-file": "peer-key-file", "client-cert-file": "peer-client-cert-file",
		"client-key-file": "peer-client-key-file", "client-cert-auth": "peer-client-cert-auth", "trusted-ca-file": "peer-trusted-ca-file",
		"auto-tls": "peer-auto-tls", "allowed-cn": "peer-cert-allowed-cn", "allowed-hostname": "peer-cert-allowed-hostname",
		"skip-client-san-verification": "peer-skip-client-san-verification",
	},
}

func split(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}
