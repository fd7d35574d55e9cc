// Package bug is the catalogue of switchable defects: real bugs of etcd and its
// raft library, re-created in this project's own code around the unmodified
// library, one line each at the place where it belongs. A switched-on defect
// proves that the judge which must see it can fail.
package bug

import (
	"fmt"
	"strings"
)

// Set is a set of switched-on defects. The zero value is a correct system.
type Set uint64

// Has reports whether the defect is switched on.
func (s Set) Has(b ID) bool { return s&(1<<b) != 0 }

// With returns the set with the defect switched on.
func (s Set) With(b ID) Set { return s | 1<<b }

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
	LeaseRead
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
		Judge: "linearizability", Scenario: "leader-partition",
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
		Judge: "watch", Scenario: "compaction-under-load",
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
	LeaseRead: {
		Name: "lease-read", Reference: "etcd-io/etcd#6005",
		Cause: "A leader that heard from a quorum within an election's time answers linearizable reads without asking again. " +
			"That time is by its own clock: if that is slow, the leader is replaced and goes on answering.",
		Judge: "linearizability", Scenario: "slow-leader",
	},
}

// All returns the catalogue in order.
func All() []Bug {
	all := make([]Bug, numBugs)
	for i := range all {
		all[i] = catalogue[i]
		all[i].ID = ID(i)
	}
	return all
}

// Parse reads names separated by commas. The empty string is the empty set.
func Parse(names string) (Set, error) {
	var s Set
	if names == "" {
		return s, nil
	}
next:
	for name := range strings.SplitSeq(names, ",") {
		for i, b := range catalogue {
			if b.Name == name {
				s = s.With(ID(i))
				continue next
			}
		}
		known := make([]string, 0, numBugs)
		for _, b := range catalogue {
			known = append(known, b.Name)
		}
		return 0, fmt.Errorf("unknown bug %q: expected one of %s", name, strings.Join(known, ", "))
	}
	return s, nil
}

// String returns the names, separated by commas.
func (s Set) String() string {
	var names []string
	for i, b := range catalogue {
		if s.Has(ID(i)) {
			names = append(names, b.Name)
		}
	}
	return strings.Join(names, ",")
}
