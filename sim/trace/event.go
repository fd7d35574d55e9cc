// Package trace is the only observation channel of a simulation: what is not in
// the trace did not happen. Members, network, disks, clients and the scenario
// write flat, typed [Event]s to a [Log]; the digest, the online invariants, the
// reports, the narration and the pictures are its subscribers. No subscriber
// may influence the simulation.
package trace

import (
	"strconv"

	"etcdsim/sim"
)

// Version identifies the meaning of the event stream. It grows whenever the
// same seed gives another trace: a new kind or field, another order, another
// draw. Recorded digests are comparable only within a version.
const Version = 4

// Addr names an endpoint: members are 1, 2, 3... as their raft IDs; clients
// start at FirstClient; 0 is nobody.
type Addr uint16

// FirstClient is the address of client 0. Addresses below it are members.
const FirstClient Addr = 1 << 10

// Client returns the address of the i-th client, from 0.
func Client(i int) Addr { return FirstClient + Addr(i) }

// IsClient reports whether the address is a client's.
func (a Addr) IsClient() bool { return a >= FirstClient }

// String returns n1, n2... for members, c0, c1... for clients and "-" for nobody.
func (a Addr) String() string {
	switch {
	case a == 0:
		return "-"
	case a.IsClient():
		return "c" + strconv.Itoa(int(a-FirstClient))
	}
	return "n" + strconv.Itoa(int(a))
}

// Event is one thing that happened: a flat value without pointers, so that
// writing one allocates nothing and its digest is the same on every machine.
// Which fields a kind uses is said at the kind; unused fields are zero.
type Event struct {
	At     sim.Time
	Kind   Kind
	Aux    uint16 // a small enumeration, per kind: a raft message type, a drop reason, a role
	Member Addr   // where it happened, or who sent
	Peer   Addr   // the other end, if any
	Term   uint64
	Index  uint64
	A, B   uint64
	ID     uint64 // ties related events: packet, operation, write
}

// Kind says what an event is. The values are part of the digest: new kinds go to
// the end of their block, and Version grows.
type Kind uint16

// Blocks of kinds. Within a comment: field = meaning.
const (
	_ Kind = iota

	// Members.

	MemberStart   // Member started; as recovered: Term; Index = end of its log; A = applied index; B = incarnation, from 1
	MemberCrash   // Member died without warning; A = 1 if its machine goes on, else 0; B = incarnation
	MemberStop    // Member stopped gracefully; B = incarnation
	MemberPause   // Member no longer runs; its clock does
	MemberResume  // Member runs again
	MemberPanic   // a panic inside raft, log or store ended Member: a defect; text in Result
	MemberRemoved // Member applied its own removal and stopped; Index = of that entry

	// Raft, as the member's own state machine reports it.

	RoleChange   // Aux = Role; Term; Index = last log index; A = commit; B = leader the member now knows, or 0
	LeaderKnown  // Member learned of another leader in its term without a role change: Term; B = leader, or 0
	CommitMoved  // Term = the member's term; Index = new commit; A = previous commit; Aux = Role
	LogAppend    // one entry handed to the log: Term, Index = of the entry; A = term of the one before; B = hash of type and data
	LogDurable   // the log is durable through Index; Term = of that entry; A = first index of this batch
	StateDurable // hard state is durable: Term; A = vote; B = commit
	SnapSaved    // Member marked its log with a snapshot that its backend holds: Index, Term; A = bytes of that; B = store hash
	SnapInstall  // Member installed a leader's snapshot: Index, Term; A = bytes; B = store hash
	LogCompacted // entries through Index were dropped from the front of the log
	Apply        // one entry applied: Index, Term; A = hash of type and data; B = store hash afterwards; ID = request ID, or 0
	ConfApplied  // a configuration change took effect: Index; A = voters as a bit set of IDs below 64; B = learners likewise
	ReadConfirm  // ReadIndex answered: Index = safe index; A = reads served by it
	Propose      // Member handed a proposal to raft: ID = request ID; A = bytes; Aux = Role

	// Network. ID = packet number, unique within a run.

	// Send: Member to Peer; Aux = raft message type (see also Rejected), or
	// ClientRequest, ClientResponse; Term, Index and B = commit as in the message;
	// A = its log term, a vote request's last term.
	Send
	Deliver   // packet ID reached Peer; Member = sender; Aux as in Send
	Drop      // packet ID was lost; Member = sender, Peer = receiver; Aux = DropReason; A = what Send had in Aux
	Duplicate // packet ID will arrive once more
	// Reorder: packet ID left the line and may overtake, or be overtaken. A = ns by which
	// a statement moved its arrival, in two's complement; B = when it arrives now, in ns;
	// both 0 if it happened by chance.
	Reorder
	Hold     // packet ID is held until release
	Release  // packet ID was released
	LinkCut  // packets from Member to Peer are dropped from now on
	LinkHeal // they are no longer
	LinkHold // packets from Member to Peer are held from now on
	LinkFree // they are no longer

	// Disks. Member = owner.

	DiskSync   // a sync started: ID = ticket; A = bytes it covers; B = latency in ns
	DiskSynced // it completed: ID = ticket; A = bytes
	DiskLost   // a crash lost unsynced bytes: A = bytes lost; B = bytes kept that were never synced
	DiskTorn   // a crash tore a write: A = bytes of it that survive
	DiskFault  // an injected fault took effect: Aux = kind of fault; A, B as said there

	// Clients. ID = operation number, unique within a run; Member = client, Peer = member asked.

	Invoke  // A = hash of the request; Aux = OpKind
	Return  // Aux = Outcome; A = hash of the response; B = revision in its header
	Abandon // the client gave up waiting and will never know: A = nanoseconds waited

	// The run itself.

	Phase  // a scenario phase began: ID = its number, from 1
	Action // a scenario statement took effect: ID = its number in the file; A = hash of its text
	Probe  // a rare thing happened for the first time: ID = ProbeID
	RunEnd // nothing follows

	// Leases. Member = the leader whose lessor it is, in Term; ID = lease.

	LeasesPromoted // the leader began to count the time of A leases anew, each with B ns more; Index = applied
	LeaseRenewed   // A = the time that it gets, in s; B = when it expires now
	LeaseExpired   // it is to be revoked; A = when it expired; Aux = ExpiryWaits or 0

	// Watchers.

	// Watched: client Member took a response of Peer's for a watcher; ID = the
	// stream's operation; Index = watcher; Aux = Watch flags; A = hash of the
	// response; B = revision in its header.
	Watched

	// The state of a member on its disk. Term, Index = of the last entry in it.

	BackendCommit  // a record was handed to the disk: Aux = BackendBatch or BackendBase; A = bytes; B = store hash
	BackendDurable // the state is durable through Index
	BackendOpen    // Member recovered it, before its start: A = bytes of the file; B = store hash

	// MemberFault: an injected fault of Member's machine or process began, changed or
	// ended: Aux = kind of fault; A, B as said there.
	MemberFault

	// Later kinds, after what stands above.

	ProposeDropped // raft refused what Member had proposed: it is handing over, or does not vote; Term; ID = request ID
	LeasesRecorded // A checkpoints began their way through the log, and Member looks at no lease; A = 0: they have come through

	numKinds // keep last
)

// Roles, as in raft.StateType.
const (
	RoleFollower uint16 = iota
	RoleCandidate
	RoleLeader
	RolePreCandidate
)

var roleNames = [...]string{
	RoleFollower: "follower", RoleCandidate: "candidate", RoleLeader: "leader", RolePreCandidate: "pre-candidate",
}

// RoleName is what a role is called.
func RoleName(role uint16) string {
	if int(role) < len(roleNames) {
		return roleNames[role]
	}
	return "role " + strconv.Itoa(int(role))
}

// Rejected is set in Aux of Send beside the message type when a response
// refuses what was asked.
const Rejected uint16 = 1 << 8

// Packet types, for Aux of network events: those of raft's messages that are looked at
// closely, as numbered in raftpb.MessageType, and beyond them those of clients.
const (
	MsgApp         uint16 = 3
	MsgAppResp     uint16 = 4
	MsgVote        uint16 = 5
	MsgVoteResp    uint16 = 6
	MsgSnap        uint16 = 7
	MsgHeartbeat   uint16 = 8
	MsgPreVote     uint16 = 17
	MsgPreVoteResp uint16 = 18

	ClientRequest  uint16 = 100
	ClientResponse uint16 = 101
)

// Records of a backend, for Aux of BackendCommit.
const (
	BackendBatch uint16 = iota // what was applied since the record before
	BackendBase                // the whole state, in a file of its own
)

// Faults of a machine or process, for Aux of MemberFault. Negative amounts are in
// two's complement.
const (
	FaultClockPace   uint16 = 1 + iota // its clock runs at another pace: A = drift in parts per million
	FaultClockTurned                   // its wall clock jumped: A = ns that it is ahead of the steady one; B = ns that it jumped
	FaultTrapSet                       // its process shall die at point A of its code (0: nowhere), B times later; Index = 1: not its machine
	FaultTrapSprung                    // it died at point A; B = incarnation
	FaultWiped                         // it was killed and its disk emptied: A = bytes that were in use
	FaultForgot                        // a crash lost A bytes that the disk had said were durable
	FaultRefused                       // it does not start from its disk as it is: A = hash of the reason; B = incarnation
	FaultSlowSteps                     // its processor is slow: A = ns that a step takes at most, B = at least; A = 0: fast
)

// ExpiryWaits in Aux of LeaseExpired: the lease is not revoked at once. Its leader asks
// first whether it leads.
const ExpiryWaits uint16 = 1

// Faults of a disk, for Aux of DiskFault.
const (
	FaultDiskStall       uint16 = 1 + iota // syncs stop
	FaultDiskResume                        // syncs go on; A = those that waited
	FaultDiskSlow                          // syncs take A times as long
	FaultDiskRot                           // byte A of a file has the bits of B flipped
	FaultDiskFull                          // no room is left; A = bytes in use
	FaultDiskFree                          // there is room again; likewise
	FaultDiskGarbage                       // the sector at byte A of a file holds garbage
	FaultDiskMisdirected                   // what belongs at byte A of a file is at byte B of a file, and nothing is at A
	FaultDiskLie                           // syncs say that they have completed, and do nothing
	FaultDiskFail                          // writes and syncs fail, and files cannot be opened
	FaultDiskRepair                        // damage, lies and failures are undone
	FaultDiskFailSyncs                     // the next A syncs are to fail
	FaultDiskSyncFailed                    // one has: A = bytes that it was to write, and nobody will; B = syncs that are still to fail
)

// Drop reasons, for Aux of Drop.
const (
	DropLoss    uint16 = 1 + iota // the link lost it by chance
	DropCut                       // the link was cut, at sending or while in flight
	DropDead                      // nobody was listening
	DropStale                     // meant for an earlier incarnation
	DropCorrupt                   // corrupted in flight and rejected by its checksum
	DropFull                      // the link's queue was full
	DropTaken                     // a statement took it away
)

// Flags in Aux of Watched.
const (
	WatchCreated   uint16 = 1 << iota // the watcher was created
	WatchCanceled                     // it has ended
	WatchCompacted                    // because of a compaction
	WatchProgress                     // the response says only how far the watcher was served
	WatchResumed                      // the watcher goes on after an earlier stream broke
)

// Outcomes, for Aux of Return.
const (
	OutcomeOK      uint16 = 1 + iota // answered
	OutcomeFailed                    // refused; certainly without effect
	OutcomeUnknown                   // may or may not have taken effect
)

var kindNames = [numKinds]string{
	MemberStart: "start", MemberCrash: "crash", MemberStop: "stop", MemberPause: "pause", MemberResume: "resume",
	MemberPanic: "panic", MemberRemoved: "removed",
	RoleChange: "role", LeaderKnown: "leader", CommitMoved: "commit", LogAppend: "append", LogDurable: "durable",
	StateDurable: "state", SnapSaved: "snap-save", SnapInstall: "snap-install", LogCompacted: "log-compact",
	Apply: "apply", ConfApplied: "conf", ReadConfirm: "read-index", Propose: "propose",
	Send: "send", Deliver: "deliver", Drop: "drop", Duplicate: "dup", Reorder: "reorder", Hold: "hold", Release: "release",
	LinkCut: "cut", LinkHeal: "heal", LinkHold: "link-hold", LinkFree: "link-free",
	DiskSync: "sync", DiskSynced: "synced", DiskLost: "lost", DiskTorn: "torn", DiskFault: "disk-fault",
	Invoke: "invoke", Return: "return", Abandon: "abandon",
	Phase: "phase", Action: "action", Probe: "probe", RunEnd: "end",
	LeasesPromoted: "leases", LeaseRenewed: "renew", LeaseExpired: "expire",
	Watched:       "watched",
	BackendCommit: "batch", BackendDurable: "batch-durable", BackendOpen: "backend",
	MemberFault: "fault", ProposeDropped: "refuse", LeasesRecorded: "record",
}

// String returns the kind's short name, as printed in trace files.
func (k Kind) String() string {
	if k < numKinds && kindNames[k] != "" {
		return kindNames[k]
	}
	return "unknown"
}

// KindNamed returns the kind of this name.
func KindNamed(name string) (Kind, bool) {
	for k := range numKinds {
		if name != "" && kindNames[k] == name {
			return k, true
		}
	}
	return 0, false
}
