package node

import (
	"fmt"
	"time"

	"etcdsim/sim"
	"etcdsim/store"
	"etcdsim/store/mvcc"
	"etcdsim/store/wal"
)

// Config is how a member behaves. Start from [DefaultConfig]: the zero value
// has no clock.
type Config struct {
	// Tick is the length of one raft tick; etcd's --heartbeat-interval.
	Tick time.Duration
	// ElectionTicks is the least number of silent ticks after which a follower
	// campaigns; HeartbeatTicks is the number between two heartbeats.
	ElectionTicks, HeartbeatTicks uint64
	// SnapshotEntries is the number of applied entries after which the log of a
	// member begins anew; etcd's --snapshot-count. SnapshotCatchUp is the number of
	// entries kept in the log before a snapshot, so that a slow follower needs no
	// snapshot; etcd's --snapshot-catchup-entries.
	SnapshotEntries, SnapshotCatchUp uint64
	// Batch is the time after which what was applied goes to the disk, BatchLimit the
	// number of entries after which it does not wait for that; etcd's
	// --backend-batch-interval and --backend-batch-limit.
	Batch      time.Duration
	BatchLimit uint64
	// PreVote (Raft thesis, section 9.6) and CheckQuorum (section 6.2) are on in
	// etcd.
	PreVote, CheckQuorum bool
	// MaxTxnOps bounds the operations of a transaction, MaxRequest the size of a
	// proposal.
	MaxTxnOps  uint64
	MaxRequest sim.Size
	// LeaseCheckpoint records the remaining time of long leases in the log, so that
	// an election does not give them all of their time again; etcd's feature
	// LeaseCheckpoint, which is off there too. It happens every
	// LeaseCheckpointInterval.
	LeaseCheckpoint         bool
	LeaseCheckpointInterval time.Duration
	// StrictReconfig refuses changes of the membership that endanger the quorum;
	// etcd's --strict-reconfig-check. MaxLearners bounds the learners.
	StrictReconfig bool
	MaxLearners    uint64
	// Segment is the size at which the log starts a new segment.
	Segment sim.Size
	// JWT makes tokens say themselves who asks, as etcd's --auth-token=jwt does;
	// otherwise members remember whom they gave a token, as with --auth-token=simple.
	JWT bool
	// TokenTTL is how long an authentication token lives that nobody uses, etcd's
	// --auth-token-ttl; with JWT, how long it lives, used or not.
	TokenTTL time.Duration
	// Quota is how many bytes the data of a member may take; 0 is etcd's default of
	// 2 GiB. etcd's --quota-backend-bytes.
	Quota sim.Size
	// State is what the founders of a cluster begin with, of [Founding]; nil is
	// nothing. It is no option: who makes the cluster knows.
	State []byte
	// Decoded is shared by the members of a universe; nil is none. It is no option.
	Decoded *Decoded
	// ClientURL is where the member says that clients reach it; empty means
	// [store.ClientURL]. It is no option either: the simulation has no other addresses.
	ClientURL string
	// WatchProgress is the time between notifications of progress to watchers that
	// asked for them; etcd's --watch-progress-notify-interval.
	WatchProgress time.Duration
	// AutoCompaction compacts the history now and then. It is off in etcd, too.
	AutoCompaction AutoCompaction
}

// DefaultConfig returns etcd's defaults, except for the snapshot settings and
// the segment size: 10,000 entries and 64 MB would never be reached in a short
// simulation.
func DefaultConfig() Config {
	return Config{
		Tick: 100 * time.Millisecond, ElectionTicks: 10, HeartbeatTicks: 1,
		SnapshotEntries: 1000, SnapshotCatchUp: 200,
		Batch: 100 * time.Millisecond, BatchLimit: 10_000,
		PreVote: true, CheckQuorum: true,
		MaxTxnOps: 128, MaxRequest: 3 << 19,
		StrictReconfig: true, MaxLearners: 1,
		Segment:       wal.Default().SegmentSize,
		WatchProgress: 10 * time.Minute, TokenTTL: 5 * time.Minute,

		LeaseCheckpointInterval: 5 * time.Minute,
	}
}

// RequestTimeout is how long a member works on a request before it gives up:
// five seconds for the queue, the disk and the network, and two elections.
func (c Config) RequestTimeout() time.Duration { return 5*time.Second + 2*c.Election() }

// LeastTTL is the least time to live that a lease is granted, in seconds: one and a half
// elections.
func (c Config) LeastTTL() int64 { return int64((3*c.Election()/2 + time.Second - 1) / time.Second) }

// store returns the settings of the member's store.
func (c Config) store() mvcc.Config {
	return mvcc.Config{MinLeaseTTL: c.LeastTTL()}
}

// Election is the least time without a leader after which a follower campaigns.
func (c Config) Election() time.Duration { return time.Duration(c.ElectionTicks) * c.Tick }

var options = sim.Options[Config]{Component: "node", All: []sim.Option[Config]{
	sim.DurationOption("tick", "length of a raft tick", func(c *Config) *time.Duration { return &c.Tick }),
	sim.CountOption("election", "ticks of silence before a follower campaigns", 2, 1000, func(c *Config) *uint64 { return &c.ElectionTicks }),
	sim.CountOption("heartbeat", "ticks between heartbeats; fewer than node.election", 1, 100,
		func(c *Config) *uint64 { return &c.HeartbeatTicks }),
	sim.CountOption("snapshot", "applied entries after which the log begins anew", 1, 1e9,
		func(c *Config) *uint64 { return &c.SnapshotEntries }),
	sim.CountOption("catch-up", "entries kept in the log before a snapshot", 0, 1e9, func(c *Config) *uint64 { return &c.SnapshotCatchUp }),
	sim.DurationOption("batch", "time after which what was applied goes to the disk", func(c *Config) *time.Duration { return &c.Batch }),
	sim.CountOption("batch-limit", "applied entries after which it does not wait for that", 1, 1e9,
		func(c *Config) *uint64 { return &c.BatchLimit }),
	sim.SwitchOption("prevote", "ask before campaigning (Raft thesis 9.6)", func(c *Config) *bool { return &c.PreVote }),
	sim.SwitchOption("checkquorum", "a leader without a quorum steps down (Raft thesis 6.2)", func(c *Config) *bool { return &c.CheckQuorum }),
	sim.CountOption("max-txn-ops", "operations allowed in a transaction", 1, 1e6, func(c *Config) *uint64 { return &c.MaxTxnOps }),
	sim.SizeOption("max-request", "size allowed for a proposal", func(c *Config) *sim.Size { return &c.MaxRequest }),
	sim.SwitchOption("strict-reconfig", "refuse changes of the membership that endanger the quorum",
		func(c *Config) *bool { return &c.StrictReconfig }),
	sim.CountOption("max-learners", "learners that a cluster may have", 1, store.MaxMembers,
		func(c *Config) *uint64 { return &c.MaxLearners }),
	sim.SwitchOption("jwt", "tokens say themselves who asks, and members remember none", func(c *Config) *bool { return &c.JWT }),
	sim.DurationOption("token-ttl", "how long a token lives that nobody uses; with node.jwt, any token",
		func(c *Config) *time.Duration { return &c.TokenTTL }),
	sim.SizeOption("quota", "size that a member's data may have; 0 is 2GiB", func(c *Config) *sim.Size { return &c.Quota }),
	sim.SizeOption("segment", "size at which the log starts a new segment", func(c *Config) *sim.Size { return &c.Segment }),
	sim.SwitchOption("lease-checkpoint", "record the remaining time of leases in the log",
		func(c *Config) *bool { return &c.LeaseCheckpoint }),
	sim.DurationOption("lease-checkpoint-interval", "time between two such records of a lease",
		func(c *Config) *time.Duration { return &c.LeaseCheckpointInterval }),
	{
		Name: "auto-compaction", Syntax: "periodic:1h",
		Doc: "what the leader compacts by itself: off, all but a time (periodic:1h) or revisions (revision:1000)",
		Set: func(c *Config, s string) error {
			a, err := ParseAutoCompaction(s)
			if err == nil {
				c.AutoCompaction = a
			}
			return err
		},
		Get: func(c *Config) string { return c.AutoCompaction.String() },
	},
	sim.DurationOption("watch-progress", "time between notifications of progress to watchers that asked for them",
		func(c *Config) *time.Duration { return &c.WatchProgress }),
}}

// Set changes one option by its name, as in "node snapshot=100". The error names
// the option and says what was expected.
func (c *Config) Set(name, value string) error { return options.Set(c, name, value) }

// String prints every option so that Set reads it back.
func (c Config) String() string { return options.Format(&c) }

// Options lists the options with their defaults, for the help.
func Options() []sim.Setting {
	c := DefaultConfig()
	return options.Describe(&c)
}

// Check reports settings that contradict each other.
func (c Config) Check() error {
	if c.HeartbeatTicks >= c.ElectionTicks {
		return fmt.Errorf("node.heartbeat: %d ticks: expected fewer than node.election, which is %d", c.HeartbeatTicks, c.ElectionTicks)
	}
	return nil
}
