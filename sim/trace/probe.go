package trace

// ProbeID names a rare thing worth reaching: a run that never met one of the
// probes it was meant to meet has tested less than it seems. Probes are counted
// per run; sweeps add them up and name those never reached.
//
// The values are part of the digest: new probes go to the end.
type ProbeID uint16

// The probes, in the order of the layers that hit them.
const (
	ProbePacketLost        ProbeID = iota // the network lost a packet by chance
	ProbePacketCut                        // a packet met a cut link
	ProbePacketDuplicated                 // a packet was delivered twice
	ProbePacketReordered                  // a packet left its place in the line
	ProbeUnsyncedLost                     // a crash lost bytes that were not synced
	ProbeWriteTorn                        // a crash tore a write
	ProbeTornTail                         // recovery cut a torn record off the end of the log
	ProbeVoteUnsynced                     // a crash lost a vote that was not durable
	ProbeLeaderCrash                      // a leader crashed
	ProbeCrashInSync                      // a member crashed while a sync was under way
	ProbeSplitVote                        // a candidacy ended without a winner
	ProbeLogTooOld                        // a vote was refused because the candidate's log was behind
	ProbeLeaderStepDown                   // a leader stepped down for lack of a quorum
	ProbeLogTruncated                     // a follower replaced entries that conflicted with the leader's
	ProbeSnapshotSent                     // a leader sent a snapshot to a laggard
	ProbeSnapshotInstalled                // a member installed a leader's snapshot
	ProbeReadRetried                      // a ReadIndex round was repeated
	ProbeReadLeaderChanged                // a pending read failed because the leader changed
	ProbeForwarded                        // a follower forwarded a proposal
	ProbeOpUnknown                        // a client never learned the outcome of its operation
	ProbeCompactedRead                    // a read asked for a revision that was compacted
	ProbeWatchSlow                        // a client took its watch responses too slowly, and a watcher fell behind
	ProbeWatchCompacted                   // a watcher needed what was compacted
	ProbeWatchRestored                    // watchers went on from the store of a leader's snapshot
	ProbeStreamResent                     // a packet of a stream was lost, and sent again
	ProbeLeaseExpired                     // a lease expired, and its leader revokes it
	ProbeLeaseCheckpoint                  // a leader recorded the remaining time of leases
	ProbeRenewedLate                      // a renewal came when the lease had expired and was not yet revoked
	ProbeLeadershipAsked                  // a leader whose clock had stood still asked a quorum before it touched a lease
	ProbeLeadershipLost                   // and learned that it leads no longer
	ProbeLearnerNotReady                  // a learner was too far behind to be promoted
	ProbeLeaderRemoved                    // a leader applied its own removal
	ProbeLockQueued                       // a lock was held by somebody else, and waited for
	ProbeLockExpired                      // a lease ended while its client waited for a lock
	ProbeNoSpace                          // a write was refused because it would exceed the quota
	ProbeNoSpaceApplied                   // a write exceeded the quota when it was applied
	ProbeDefragmented                     // a member wrote its data anew
	ProbeDiskFull                         // a member ended because its disk was full
	ProbeTokenUnknown                     // a member did not know a token, or no longer
	ProbeTokenEarly                       // a token came to a member before the log entry that makes it
	ProbeLoginAgain                       // users or roles changed between the check of a password and the making of a token
	ProbeAuthOld                          // a request was refused because users or roles had changed since it was taken in
	ProbeAuthDenied                       // somebody was refused what is forbidden to him
	ProbeOlderExpired                     // nodes of the older store expired
	ProbeOlderRedirected                  // a follower sent a write of the v1 API to the leader
	ProbeOlderConflict                    // a write of the older APIs compared with what was there no more
	ProbeOlderWoken                       // who waited by the older APIs was told of an event
	ProbeAutoCompaction                   // a leader compacted by itself
	ProbeFutureRead                       // a read asked for a revision that is not there yet
	ProbeClockDrifts                      // a member that runs went by a clock that runs too fast or too slow
	ProbeWallClockWrong                   // a member looked at a wall clock that was turned
	ProbeBacklog                          // something came for a member that was paused
	ProbeSyncStalled                      // a sync waited for a stalled disk
	ProbeCompacted                        // a member compacted its history
	ProbeHandedOver                       // a leader handed over on request
	ProbeCrashAtPoint                     // a member died at the point of its code where it was made to
	ProbeSyncSlowed                       // a sync took longer because the disk was slow
	ProbePromiseBroken                    // a crash lost what a lying sync had said was durable
	ProbeDamageFound                      // a member found its disk damaged, and refused to start
	ProbeDiskFailed                       // a member ended because its disk failed
	ProbeDiskWiped                        // a disk was emptied
	ProbePacketLate                       // a packet was much too late
	ProbePacketCorrupted                  // a packet was thrown away because it had changed on the way
	ProbeLinkOfItsOwn                     // a packet took a link that behaves other than the rest
	ProbeLinkFlapped                      // a link that flaps broke
	ProbeBusy                             // something waited for a member whose processor is slow
	numProbes                             // keep last
)

var probeNames = [numProbes]string{
	ProbePacketLost: "packet-lost", ProbePacketCut: "packet-cut", ProbePacketDuplicated: "packet-duplicated",
	ProbePacketReordered: "packet-reordered", ProbeUnsyncedLost: "unsynced-lost", ProbeWriteTorn: "write-torn",
	ProbeTornTail: "torn-tail", ProbeVoteUnsynced: "vote-unsynced", ProbeLeaderCrash: "leader-crash",
	ProbeCrashInSync: "crash-in-sync", ProbeSplitVote: "split-vote", ProbeLogTooOld: "log-too-old",
	ProbeLeaderStepDown: "leader-step-down", ProbeLogTruncated: "log-truncated", ProbeSnapshotSent: "snapshot-sent",
	ProbeSnapshotInstalled: "snapshot-installed", ProbeReadRetried: "read-retried",
	ProbeReadLeaderChanged: "read-leader-changed", ProbeForwarded: "forwarded", ProbeOpUnknown: "op-unknown",
	ProbeCompactedRead: "compacted-read",
	ProbeWatchSlow:     "watch-slow", ProbeWatchCompacted: "watch-compacted", ProbeWatchRestored: "watch-restored",
	ProbeStreamResent: "stream-resent",
	ProbeLeaseExpired: "lease-expired", ProbeLeaseCheckpoint: "lease-checkpoint", ProbeRenewedLate: "renewed-late",
	ProbeLeadershipAsked: "leadership-asked", ProbeLeadershipLost: "leadership-lost",
	ProbeLockQueued: "lock-queued", ProbeLockExpired: "lock-expired",
	ProbeTokenUnknown: "token-unknown", ProbeTokenEarly: "token-early", ProbeLoginAgain: "login-again",
	ProbeAuthOld: "auth-old", ProbeAuthDenied: "auth-denied",
	ProbeLearnerNotReady: "learner-not-ready", ProbeLeaderRemoved: "leader-removed",
	ProbeNoSpace: "no-space", ProbeNoSpaceApplied: "no-space-applied", ProbeDefragmented: "defragmented", ProbeDiskFull: "disk-full",
	ProbeOlderExpired: "older-expired", ProbeOlderRedirected: "older-redirected",
	ProbeOlderConflict: "older-conflict", ProbeOlderWoken: "older-woken",
	ProbeAutoCompaction: "auto-compaction", ProbeFutureRead: "future-read",
	ProbeClockDrifts: "clock-drifts", ProbeWallClockWrong: "wall-clock-wrong",
	ProbeBacklog: "backlog", ProbeSyncStalled: "sync-stalled", ProbeCompacted: "compacted", ProbeHandedOver: "handed-over",
	ProbeCrashAtPoint: "crash-at-point",
	ProbeSyncSlowed:   "sync-slowed", ProbePromiseBroken: "promise-broken", ProbeDamageFound: "damage-found",
	ProbeDiskFailed: "disk-failed", ProbeDiskWiped: "disk-wiped",
	ProbePacketLate: "packet-late", ProbePacketCorrupted: "packet-corrupted", ProbeLinkOfItsOwn: "link-of-its-own",
	ProbeLinkFlapped: "link-flapped", ProbeBusy: "busy",
}

// String returns the probe's name, as used on the command line.
func (p ProbeID) String() string { return probeNames[p] }

// Probes returns all probes in order.
func Probes() []ProbeID {
	all := make([]ProbeID, numProbes)
	for i := range all {
		all[i] = ProbeID(i)
	}
	return all
}
