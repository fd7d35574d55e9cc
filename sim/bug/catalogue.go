package bug

// ID names a defect.
type ID uint8

// The defects; the catalogue below says what each is.
const (
	AckBeforeFsync ID = iota
	LeaderLocalRead
	ResumeDup
	ProgressEarly
	WatchRestoreRewind
	WatchRestoreFuture
	WatchRestoreLost
	WatchSlowSkip
	WatchNegRev
	CompactTombstone
	LearnerNotPersisted
	MemberUpdateLearner
	LeaseOldLeader
	RenewAfterRevoke
	LeaseTTLReset
	StaleCheckpoint
	CindexAhead
	CindexBehind
	LockNoLeaseCheck
	NestedTxnAuthz
	AuthTOCTOU
	VoteBeforePersist
	AppendAckBeforePersist
	LeaseRead
	ReadIndexEarly
	ReadIndexContextReuse
	SingletonStaleReadIndex
	SerializableAsLinearizable
	CindexSnapOverwrite
	AuthCindex
	AuthCacheStale
	RestoreTombstone
	CompactLatest
	TxnAsymRange
	LeaseNotReloaded
	ClientRetryDup
	SnapOrder
	SnapGCRace
	ConfUnvalidated
	NoCheckQuorum
	NoPreVote
	UnsyncedRestart
	numBugs // keep last
)

// Bug describes a defect.
type Bug struct {
	ID ID
	// Name is used on the command line.
	Name string
	// Reference is an issue or a document: "etcd-io/etcd#14370".
	Reference string
	// Cause says in two sentences what is wrong and when it shows.
	Cause string
	// Judge is the checker that must see it.
	Judge string
	// Scenario is the built-in scenario that shows it.
	Scenario string
}

var catalogue = [numBugs]Bug{
	AckBeforeFsync: {
		Name: "ack-before-fsync", Reference: "etcd-io/etcd#14370",
		Cause: "A member treats log entries as durable before the fsync that would make them so has completed. " +
			"When enough members crash at once, writes that were acknowledged are gone.",
		Judge: "durability", Scenario: "crash-all",
	},
	LeaderLocalRead: {
		Name: "leader-local-read", Reference: "etcd-io/etcd#741",
		Cause: "A member that believes it leads answers linearizable reads from its own state without asking a quorum. " +
			"A leader that was cut off and replaced does not know it yet, and serves stale data.",
		Judge: "linearizability", Scenario: "slow-leader",
	},
	ResumeDup: {
		Name: "resume-dup", Reference: "etcd-io/etcd#15248",
		Cause: "A client resumes a watcher at the revision of the last notification of progress, not after it. " +
			"When its stream breaks, it is told of that revision a second time.",
		Judge: "watch", Scenario: "watch-through-failover",
	},
	ProgressEarly: {
		Name: "progress-early", Reference: "etcd-io/etcd#15220",
		Cause: "A notification of progress overtakes events that are queued for a slow client. " +
			"It names a revision up to which everything was said to have come, and something comes after it.",
		Judge: "watch", Scenario: "compaction-under-load",
	},
	WatchRestoreRewind: {
		Name: "watch-restore-rewind", Reference: "etcd-io/etcd#15271",
		Cause: "A member does not note how far its watchers have been served as long as they keep up. " +
			"When it installs a leader's snapshot they begin again, and are told of old events a second time.",
		Judge: "watch", Scenario: "watch-through-snapshot",
	},
	WatchRestoreFuture: {
		Name: "watch-restore-future", Reference: "etcd-io/etcd#20221",
		Cause: "A watcher that begins in the future is served like all others when its member installs a leader's snapshot. " +
			"From then on it is told of events before its start.",
		Judge: "watch", Scenario: "watch-through-snapshot",
	},
	WatchRestoreLost: {
		Name: "watch-restore-lost", Reference: "etcd-io/etcd#8411",
		Cause: "Installing a leader's snapshot leaves watchers as they are. " +
			"What happened between the member's own state and the snapshot is never sent to them.",
		Judge: "watch", Scenario: "watch-through-snapshot",
	},
	WatchSlowSkip: {
		Name: "watch-slow-skip", Reference: "etcd-io/etcd#17529",
		Cause: "A watcher has fallen behind a compaction, and its stream has no room for the news. " +
			"It goes on with what is left, and nobody learns that something is missing.",
		Judge: "watch", Scenario: "slow-watchers",
	},
	WatchNegRev: {
		Name: "watch-neg-rev", Reference: "etcd-io/etcd#20693",
		Cause: "A watcher may begin at a negative revision, at which no history is found. " +
			"The watchers served together with it are taken for up to date, and miss what they were behind.",
		Judge: "watch", Scenario: "compaction-under-load",
	},
	CompactTombstone: {
		Name: "compact-tombstone", Reference: "etcd-io/etcd#18089",
		Cause: "A compaction at the revision of a deletion drops the deletion, too. " +
			"A watcher may begin at that revision, and is not told of it.",
		Judge: "watch", Scenario: "compaction-under-load",
	},
	LearnerNotPersisted: {
		Name: "learner-not-persisted", Reference: "etcd-io/etcd#19557",
		Cause: "The promotion of a learner reaches raft and not the saved list of members. " +
			"A member that starts from a snapshot taken later takes a voter for a learner.",
		Judge: "membership", Scenario: "learner-promote",
	},
	MemberUpdateLearner: {
		Name: "member-update-learner", Reference: "etcd-io/etcd#21694",
		Cause: "Changing the addresses of a learner clears the flag that makes it one. " +
			"The list of members calls it a voter, raft does not, and it can no longer be promoted.",
		Judge: "membership", Scenario: "learner-promote",
	},
	LeaseOldLeader: {
		Name: "lease-old-leader", Reference: "etcd-io/etcd#15247",
		Cause: "A leader touches leases without making sure that it leads, although its clock stood still. " +
			"Behind a stalled disk it goes on renewing leases, and the leader that was elected meanwhile knows nothing of it.",
		Judge: "leases", Scenario: "lease-through-election",
	},
	RenewAfterRevoke: {
		Name: "renew-after-revoke", Reference: "etcd-io/etcd#14758",
		Cause: "A renewal does not wait for the end of a lease that has expired and is being revoked. " +
			"The client is told that it has time, and the lease goes a moment later.",
		Judge: "leases", Scenario: "lease-expiry",
	},
	LeaseTTLReset: {
		Name: "lease-ttl-reset", Reference: "etcd-io/etcd#9888",
		Cause: "A new leader gives every lease all of its time again, whatever the checkpoints say that is left. " +
			"With every election a long lease lives that much longer.",
		Judge: "leases", Scenario: "lease-checkpoint",
	},
	StaleCheckpoint: {
		Name: "stale-checkpoint", Reference: "etcd 3.7.3, lessor.Renew with feature LeaseCheckpoint",
		Cause: "A renewal succeeds although a checkpoint from before stays in force: the two cross in the log, or the " +
			"checkpoint could not be erased and nobody looked. The next leader goes by it and ends the lease too early.",
		Judge: "leases", Scenario: "lease-checkpoint",
	},
	CindexAhead: {
		Name: "cindex-ahead", Reference: "etcd-io/etcd#13766",
		Cause: "A batch saves the applied index of entries whose data it does not hold. " +
			"A member that is killed under load skips them when it starts again.",
		Judge: "raft", Scenario: "crash-all",
	},
	CindexBehind: {
		Name: "cindex-behind", Reference: "etcd-io/etcd#14685",
		Cause: "A batch saves data without the applied index that belongs to it. " +
			"A member that is killed under load applies entries a second time when it starts again.",
		Judge: "raft", Scenario: "crash-all",
	},
	LockNoLeaseCheck: {
		Name: "lock-no-lease-check", Reference: "etcd-io/etcd#11456",
		Cause: "A lock that was waited for is returned without a look at whether the client's own key is still there. " +
			"If its lease ended meanwhile, somebody else may hold the lock already.",
		Judge: "locks", Scenario: "lock-contention",
	},
	NestedTxnAuthz: {
		Name: "nested-txn-authz", Reference: "CVE-2026-33343",
		Cause: "The operations of a transaction that stands inside another are not checked. " +
			"A user without any right on a key reads or writes it that way.",
		Judge: "auth", Scenario: "auth-change-race",
	},
	AuthTOCTOU: {
		Name: "auth-toctou", Reference: "etcd-io/etcd#5739",
		Cause: "Rights are checked when a member takes a request in, and not again when it is applied. " +
			"What was taken away in between is used once more.",
		Judge: "auth", Scenario: "auth-change-race",
	},
	VoteBeforePersist: {
		Name: "vote-before-persist", Reference: "etcd-io/raft, doc.go, step 2 of the Ready contract",
		Cause: "A member tells a candidate of its vote before the vote is durable. " +
			"When it crashes then, it does not know of it, and may vote for another in the same term.",
		Judge: "raft", Scenario: "leader-kill",
	},
	AppendAckBeforePersist: {
		Name: "append-ack-before-persist", Reference: "etcd-io/raft, doc.go, step 2 of the Ready contract",
		Cause: "A follower acknowledges entries to the leader before they are durable. " +
			"The leader commits what a crash of a majority takes away again.",
		Judge: "durability", Scenario: "crash-all",
	},
	LeaseRead: {
		Name: "lease-read", Reference: "etcd-io/etcd#6005",
		Cause: "A leader that heard from a quorum within an election's time answers linearizable reads without asking again. " +
			"That time is by its own clock: if that is slow, the leader is replaced and goes on answering.",
		Judge: "linearizability", Scenario: "slow-leader",
	},
	ReadIndexEarly: {
		Name: "readindex-early", Reference: "etcd-io/etcd#7331",
		Cause: "A new leader serves reads before it has committed an entry of its own term. " +
			"Until then it does not know how far its predecessor had committed.",
		Judge: "linearizability", Scenario: "read-after-election",
	},
	ReadIndexContextReuse: {
		Name: "readindex-ctx-reuse", Reference: "etcd-io/etcd#20418, etcd-io/raft#397",
		Cause: "A member that asks the leader for the index of a read uses the same context as the last time. " +
			"A late answer to an earlier question is taken for one to this, and names an index from before the read was asked for.",
		Judge: "linearizability", Scenario: "late-answers",
	},
	SingletonStaleReadIndex: {
		Name: "singleton-stale-readindex", Reference: "etcd-io/raft#105",
		Cause: "A member serves clients before it has applied an entry of its own since it started. " +
			"A cluster of one voter confirms reads at once, by a commit index that may be older than the crash.",
		Judge: "linearizability", Scenario: "single-member",
	},
	SerializableAsLinearizable: {
		Name: "serializable-as-linearizable", Reference: "etcd, \"KV API guarantees\"; a class of defects",
		Cause: "A member answers every read from its own store at once, as if the client had asked for that. " +
			"Followers lag behind, and one that is cut off serves the past.",
		Judge: "linearizability", Scenario: "many-readers",
	},
	CindexSnapOverwrite: {
		Name: "cindex-snap-overwrite", Reference: "etcd-io/etcd#13922",
		Cause: "A member that starts from its own state takes the index of the last snapshot from a leader for the one that it has applied. " +
			"It applies what came after the snapshot a second time.",
		Judge: "raft", Scenario: "snapshot-and-crash",
	},
	AuthCindex: {
		Name: "auth-cindex", Reference: "etcd-io/etcd#11651",
		Cause: "Changes of users and roles are saved without the index of the entry that made them. " +
			"A member that is killed then makes them again, and counts another auth revision than the others.",
		Judge: "raft", Scenario: "auth-through-snapshot",
	},
	AuthCacheStale: {
		Name: "auth-cache-stale", Reference: "etcd-io/etcd#14571",
		Cause: "A member that installs a leader's snapshot does not compute anew what its users may do. " +
			"It goes by old rights where the others go by the new ones.",
		Judge: "raft", Scenario: "auth-through-snapshot",
	},
	RestoreTombstone: {
		Name: "restore-tombstone", Reference: "etcd-io/etcd#19179",
		Cause: "Reading a store back from bytes leaves out a deletion that is the first of its key's versions that a compaction kept. " +
			"A watcher that begins there is not told of it.",
		Judge: "watch", Scenario: "restart-after-compaction",
	},
	CompactLatest: {
		Name: "compact-latest", Reference: "etcd-io/etcd#17780",
		Cause: "A compaction at the newest revision, a deletion, leaves nothing of it, and a restart takes the newest that is left " +
			"for the newest there was. " +
			"The revision goes back, and is given to something else.",
		Judge: "linearizability", Scenario: "restart-after-compaction",
	},
	TxnAsymRange: {
		Name: "txn-asym-range", Reference: "etcd-io/etcd#18667",
		Cause: "Only the member that answers a transaction runs the ranges in it. " +
			"If one of them asks for a revision that was compacted, this member refuses what the others do.",
		Judge: "raft", Scenario: "txn-meets-compaction",
	},
	LeaseNotReloaded: {
		Name: "lease-not-reloaded", Reference: "etcd-io/etcd#12535",
		Cause: "A member that starts again does not read leases with negative IDs. " +
			"When such a lease ends, the others delete its keys and this one does not.",
		Judge: "raft", Scenario: "lease-through-election",
	},
	ClientRetryDup: {
		Name: "client-retry-dup", Reference: "etcd-io/etcd#14890",
		Cause: "A client whose connection broke sends its write again, elsewhere. " +
			"The first may have been done, and then the write is done twice.",
		Judge: "durability", Scenario: "counters",
	},
	SnapOrder: {
		Name: "snap-order", Reference: "etcd-io/etcd#10219",
		Cause: "A follower saves the commit index that a leader's snapshot brings before the snapshot. " +
			"A crash between the two leaves a commit index beyond the end of the log, and the member cannot start.",
		Judge: "crash", Scenario: "snapshot-and-crash",
	},
	SnapGCRace: {
		Name: "snap-gc-race", Reference: "etcd-io/etcd#18055",
		Cause: "A new snapshot removes the one before it, and the log up to there, while it is still being written. " +
			"A crash takes the new one, and nothing is left to start from.",
		Judge: "crash", Scenario: "snapshot-and-crash",
	},
	ConfUnvalidated: {
		Name: "conf-unvalidated", Reference: "etcd-io/raft, testdata/confchange_disable_validation.txt",
		Cause: "A leader takes in a change of the membership while another one is not applied yet. " +
			"Two majorities that do not meet may count at the same time.",
		Judge: "raft", Scenario: "overlapping-changes",
	},
	NoCheckQuorum: {
		Name: "no-checkquorum", Reference: "etcd-io/raft, Config.CheckQuorum; Raft thesis, section 6.2",
		Cause: "A leader does not step down when it hears from nobody. " +
			"As long as it can still send, it keeps the others from electing a leader that could get something done.",
		Judge: "liveness", Scenario: "one-way-partition",
	},
	NoPreVote: {
		Name: "no-prevote", Reference: "etcd-io/raft, Config.PreVote; Raft thesis, section 9.6",
		Cause: "A member that hears nothing campaigns in ever higher terms, though nobody would elect it. " +
			"Each time it is heard again, a healthy leader has to give way.",
		Judge: "raft", Scenario: "flapping-link",
	},
	UnsyncedRestart: {
		Name: "unsynced-restart", Reference: "etcd 3.7.3, wal.ReadAll",
		Cause: "A member that is started again takes what it reads from its log for durable, though the process before it may have " +
			"died in the middle of a sync. It acknowledges what a power cut then takes away.",
		Judge: "raft", Scenario: "process-death",
	},
}
