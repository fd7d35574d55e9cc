package trace

// ProbeID names a rare thing worth reaching: a run that never met one of the
// probes it was meant to meet has tested less than it seems. Probes are counted
// per run; sweeps add them up and name those never reached.
//
// The values are part of the digest: new probes go to the end.
type ProbeID uint16

// The probes, in the order of the layers that hit them; the table below says what each
// is.
const (
	ProbePacketLost ProbeID = iota
	ProbePacketCut
	ProbePacketDuplicated
	ProbePacketReordered
	ProbeUnsyncedLost
	ProbeWriteTorn
	ProbeTornTail
	ProbeVoteUnsynced
	ProbeLeaderCrash
	ProbeCrashInSync
	ProbeSplitVote
	ProbeLogTooOld
	ProbeLeaderStepDown
	ProbeLogTruncated
	ProbeSnapshotSent
	ProbeSnapshotInstalled
	ProbeReadRetried
	ProbeReadLeaderChanged
	ProbeForwarded
	ProbeOpUnknown
	ProbeCompactedRead
	ProbeWatchSlow
	ProbeWatchCompacted
	ProbeWatchRestored
	ProbeStreamResent
	ProbeLeaseExpired
	ProbeLeaseCheckpoint
	ProbeRenewedLate
	ProbeLeadershipAsked
	ProbeLeadershipLost
	ProbeLearnerNotReady
	ProbeLeaderRemoved
	ProbeLockQueued
	ProbeLockExpired
	ProbeNoSpace
	ProbeNoSpaceApplied
	ProbeDefragmented
	ProbeDiskFull
	ProbeTokenUnknown
	ProbeTokenEarly
	ProbeLoginAgain
	ProbeAuthOld
	ProbeAuthDenied
	ProbeOlderExpired
	ProbeOlderRedirected
	ProbeOlderConflict
	ProbeOlderWoken
	ProbeAutoCompaction
	ProbeFutureRead
	ProbeClockDrifts
	ProbeWallClockWrong
	ProbeBacklog
	ProbeSyncStalled
	ProbeCompacted
	ProbeHandedOver
	ProbeCrashAtPoint
	ProbeSyncSlowed
	ProbePromiseBroken
	ProbeDamageFound
	ProbeDiskFailed
	ProbeDiskWiped
	ProbePacketLate
	ProbePacketCorrupted
	ProbeLinkOfItsOwn
	ProbeLinkFlapped
	ProbeBusy
	ProbeUnsyncedKept
	numProbes // keep last
)

var probes = [numProbes]struct{ name, doc string }{
	ProbePacketLost:        {"packet-lost", "the network lost a packet by chance"},
	ProbePacketCut:         {"packet-cut", "a packet met a cut link"},
	ProbePacketDuplicated:  {"packet-duplicated", "a packet was delivered twice"},
	ProbePacketReordered:   {"packet-reordered", "a packet left its place in the line"},
	ProbeUnsyncedLost:      {"unsynced-lost", "a crash lost bytes that were not synced"},
	ProbeWriteTorn:         {"write-torn", "a crash tore a write"},
	ProbeTornTail:          {"torn-tail", "recovery cut a torn record off the end of the log"},
	ProbeVoteUnsynced:      {"vote-unsynced", "a crash lost a vote that was not durable"},
	ProbeLeaderCrash:       {"leader-crash", "a leader crashed"},
	ProbeCrashInSync:       {"crash-in-sync", "a member crashed while a sync was under way"},
	ProbeSplitVote:         {"split-vote", "a candidacy ended without a winner"},
	ProbeLogTooOld:         {"log-too-old", "a vote was refused because the candidate's log was behind"},
	ProbeLeaderStepDown:    {"leader-step-down", "a leader stepped down for lack of a quorum"},
	ProbeLogTruncated:      {"log-truncated", "a follower replaced entries that conflicted with the leader's"},
	ProbeSnapshotSent:      {"snapshot-sent", "a leader sent a snapshot to a laggard"},
	ProbeSnapshotInstalled: {"snapshot-installed", "a member installed a leader's snapshot"},
	ProbeReadRetried:       {"read-retried", "a ReadIndex round was repeated"},
	ProbeReadLeaderChanged: {"read-leader-changed", "a pending read failed because the leader changed"},
	ProbeForwarded:         {"forwarded", "a follower forwarded a proposal"},
	ProbeOpUnknown:         {"op-unknown", "a client never learned the outcome of its operation"},
	ProbeCompactedRead:     {"compacted-read", "a read asked for a revision that was compacted"},
	ProbeWatchSlow:         {"watch-slow", "a client took its watch responses too slowly, and a watcher fell behind"},
	ProbeWatchCompacted:    {"watch-compacted", "a watcher needed what was compacted"},
	ProbeWatchRestored:     {"watch-restored", "watchers went on from the store of a leader's snapshot"},
	ProbeStreamResent:      {"stream-resent", "a packet of a stream was lost, and sent again"},
	ProbeLeaseExpired:      {"lease-expired", "a lease expired, and its leader revokes it"},
	ProbeLeaseCheckpoint:   {"lease-checkpoint", "a leader recorded the remaining time of leases"},
	ProbeRenewedLate:       {"renewed-late", "a renewal came when the lease had expired and was not yet revoked"},
	ProbeLeadershipAsked:   {"leadership-asked", "a leader whose clock had stood still asked a quorum before it touched a lease"},
	ProbeLeadershipLost:    {"leadership-lost", "and learned that it leads no longer"},
	ProbeLearnerNotReady:   {"learner-not-ready", "a learner was too far behind to be promoted"},
	ProbeLeaderRemoved:     {"leader-removed", "a leader applied its own removal"},
	ProbeLockQueued:        {"lock-queued", "a lock was held by somebody else, and waited for"},
	ProbeLockExpired:       {"lock-expired", "a lease ended while its client waited for a lock"},
	ProbeNoSpace:           {"no-space", "a write was refused because it would exceed the quota"},
	ProbeNoSpaceApplied:    {"no-space-applied", "a write exceeded the quota when it was applied"},
	ProbeDefragmented:      {"defragmented", "a member wrote its data anew"},
	ProbeDiskFull:          {"disk-full", "a member ended because its disk was full"},
	ProbeTokenUnknown:      {"token-unknown", "a member did not know a token, or no longer"},
	ProbeTokenEarly:        {"token-early", "a token came to a member before the log entry that makes it"},
	ProbeLoginAgain:        {"login-again", "users or roles changed between the check of a password and the making of a token"},
	ProbeAuthOld:           {"auth-old", "a request was refused because users or roles had changed since it was taken in"},
	ProbeAuthDenied:        {"auth-denied", "somebody was refused what is forbidden to him"},
	ProbeOlderExpired:      {"older-expired", "nodes of the older store expired"},
	ProbeOlderRedirected:   {"older-redirected", "a follower sent a write of the v1 API to the leader"},
	ProbeOlderConflict:     {"older-conflict", "a write of the older APIs compared with what was there no more"},
	ProbeOlderWoken:        {"older-woken", "who waited by the older APIs was told of an event"},
	ProbeAutoCompaction:    {"auto-compaction", "a leader compacted by itself"},
	ProbeFutureRead:        {"future-read", "a read asked for a revision that is not there yet"},
	ProbeClockDrifts:       {"clock-drifts", "a member that runs went by a clock that runs too fast or too slow"},
	ProbeWallClockWrong:    {"wall-clock-wrong", "a member looked at a wall clock that was turned"},
	ProbeBacklog:           {"backlog", "something came for a member that was paused"},
	ProbeSyncStalled:       {"sync-stalled", "a sync waited for a stalled disk"},
	ProbeCompacted:         {"compacted", "a member compacted its history"},
	ProbeHandedOver:        {"handed-over", "a leader handed over on request"},
	ProbeCrashAtPoint:      {"crash-at-point", "a member died at the point of its code where it was made to"},
	ProbeSyncSlowed:        {"sync-slowed", "a sync took longer because the disk was slow"},
	ProbePromiseBroken:     {"promise-broken", "a crash lost what a lying sync had said was durable"},
	ProbeDamageFound:       {"damage-found", "a member found its disk damaged, and refused to start"},
	ProbeDiskFailed:        {"disk-failed", "a member ended because its disk failed"},
	ProbeDiskWiped:         {"disk-wiped", "a disk was emptied"},
	ProbePacketLate:        {"packet-late", "a packet was much too late"},
	ProbePacketCorrupted:   {"packet-corrupted", "a packet was thrown away because it had changed on the way"},
	ProbeLinkOfItsOwn:      {"link-of-its-own", "a packet took a link that behaves other than the rest"},
	ProbeLinkFlapped:       {"link-flapped", "a link that flaps broke"},
	ProbeBusy:              {"busy", "something waited for a member whose processor is slow"},
	ProbeUnsyncedKept:      {"unsynced-kept", "a process ended, and its machine kept what was not synced"},
}

// String returns the probe's name, as used on the command line.
func (p ProbeID) String() string { return probes[p].name }

// Doc says in a few words what happened.
func (p ProbeID) Doc() string { return probes[p].doc }

// Probes returns all probes in order.
func Probes() []ProbeID {
	all := make([]ProbeID, numProbes)
	for i := range all {
		all[i] = ProbeID(i)
	}
	return all
}
