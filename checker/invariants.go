package checker

import (
	"fmt"

	"etcdsim/sim/trace"
)

// Invariants watches a run and checks raft's invariants at every event. It sees
// what the trace says and nothing else, and so keeps its own account of every
// member: its log as written and as durable, its term and vote, and what it
// committed and applied. Where a crash leaves open which of two versions of a
// log's tail survived, the account says "unknown", and nothing is concluded.
//
// Section numbers are those of Ongaro and Ousterhout, "In Search of an
// Understandable Consensus Algorithm" (extended version).
type Invariants struct {
	// PreVote: members ask whether a majority would vote for them before they campaign.
	// It is to be set before the first event.
	PreVote bool

	members []memberAccount // by ID; 0 is nobody
	// configs are the configurations in the order of the log; the first is that of
	// the founders.
	configs []configMark

	// By log index; index 0 is unused.
	entries   []entryMark  // as first written by any member
	committed []commitMark // term 0 from the first uncommitted index on
	applied   []applyMark  // as first applied by any member; term 0 if by none
	// rivals are entries of further terms at an index that has one in entries.
	rivals map[rivalKey]entryMark
	// lastCommitted is the largest index that was ever committed.
	lastCommitted uint64

	// elections are in order of time; leaders gives the winner by term.
	elections []Election
	leaders   map[uint64]trace.Addr
	stops     []Stop
	replaced  []Replacement
	installs  []install

	events uint64
	first  [numInvariants]*Violation
}

// invariant numbers the properties, in the order of reports.
type invariant uint8

const (
	electionSafety invariant = iota
	oneVote
	voteDurable
	termMonotonic
	leaderAppendOnly
	logMatching
	leaderCompleteness
	appendDurable
	commitOwnTerm
	commitQuorum
	commitMonotonic
	stateMachineSafety
	applyOrder
	restartDurable
	electedByVoters
	oneConfiguration
	oneChange
	changesApart
	stateRecovered
	consented
	numInvariants
)

var invariantNames = [numInvariants]string{
	electionSafety:     "election safety",
	oneVote:            "one vote per term",
	voteDurable:        "vote durable before it counts",
	termMonotonic:      "terms never go back",
	leaderAppendOnly:   "leader append-only",
	logMatching:        "log matching",
	leaderCompleteness: "leader completeness",
	appendDurable:      "entries durable before they are acknowledged",
	commitOwnTerm:      "commit in the leader's own term",
	commitQuorum:       "commit by a majority",
	commitMonotonic:    "commit never goes back",
	stateMachineSafety: "state machine safety",
	applyOrder:         "apply in order, and only what is committed",
	restartDurable:     "restart keeps what was durable",
	electedByVoters:    "election by a majority of the voters",
	oneConfiguration:   "one configuration at an index",
	oneChange:          "one member at a time",
	changesApart:       "changes of the configuration do not overlap",
	stateRecovered:     "restart from a state as it was written",
	consented:          "campaign with the consent of a majority",
}

// NewInvariants returns the invariants of a cluster that begins with the voters
// 1 to members.
func NewInvariants(members int) *Invariants {
	v := &Invariants{
		members: make([]memberAccount, members+1),
		configs: []configMark{{voters: 1<<(members+1) - 2}},
		rivals:  make(map[rivalKey]entryMark),
		leaders: make(map[uint64]trace.Addr),
	}
	for id := range v.members {
		v.members[id].id, v.members[id].voters = trace.Addr(id), v.configs[0].voters
	}
	return v
}

// Watch subscribes to the log. It must be called before the first event.
func (v *Invariants) Watch(log *trace.Log) {
	log.Subscribe(trace.Kinds(
		trace.MemberStart, trace.MemberCrash, trace.MemberStop, trace.MemberPanic, trace.MemberRemoved,
		trace.DiskLost,
		trace.RoleChange, trace.LeaderKnown, trace.CommitMoved,
		trace.LogAppend, trace.LogDurable, trace.StateDurable,
		trace.MemberFault, trace.SnapSaved, trace.SnapInstall, trace.Apply, trace.ConfApplied,
		trace.BackendCommit, trace.BackendDurable, trace.BackendOpen,
	), v.Observe)
	log.SubscribeSends(v.sent, msgAppResp, msgVoteResp, msgTimeoutNow, msgPreVoteResp)
}

// Raft's message types that promise something or show that a clock ticks,
// as numbered in raftpb.
const (
	msgAppResp     uint16 = 4
	msgVoteResp    uint16 = 6
	msgHeartbeat   uint16 = 8
	msgTimeoutNow  uint16 = 14
	msgPreVoteResp uint16 = 18
)

// Observe takes note of one event. Nothing in an event makes it panic.
func (v *Invariants) Observe(e *trace.Event) {
	if e.Kind == trace.Send {
		v.sent(e)
		return
	}
	v.events++
	if e.Member.IsClient() || e.Member == 0 {
		return
	}
	m := v.account(e.Member)
	switch e.Kind {
	case trace.MemberStart:
		v.started(m, e)
	case trace.MemberCrash, trace.MemberStop, trace.MemberPanic, trace.MemberRemoved:
		m.role, m.leader = trace.RoleFollower, 0
		v.stops = append(v.stops, Stop{At: e.At, Member: e.Member})
	case trace.MemberFault:
		if e.Aux == trace.FaultForgot {
			m.forget()
		}
	case trace.DiskLost:
		if s := v.lastStop(e.Member); s != nil {
			s.Lost += e.A
		}
	case trace.RoleChange:
		v.roleChanged(m, e)
	case trace.LeaderKnown:
		v.termSeen(m, e)
	case trace.CommitMoved:
		v.commitMoved(m, e)
	case trace.LogAppend:
		v.appended(m, e)
	case trace.LogDurable:
		v.logDurable(m, e)
	case trace.StateDurable:
		v.stateDurable(m, e)
	case trace.SnapSaved:
		v.snapshotHashed(e)
	case trace.SnapInstall:
		v.snapshotInstalled(m, e)
	case trace.Apply:
		v.entryApplied(m, e)
	case trace.ConfApplied:
		v.configApplied(m, e)
	case trace.BackendCommit:
		v.stateCommitted(m, e)
	case trace.BackendDurable:
		v.stateSettled(m, e)
	case trace.BackendOpen:
		v.stateOpened(m, e)
	}
}

// sent takes note of a packet. Few promise anything.
func (v *Invariants) sent(e *trace.Event) {
	v.events++
	if e.Member.IsClient() || e.Member == 0 || e.Peer.IsClient() {
		return
	}
	switch e.Aux {
	case msgAppResp:
		v.appendAcknowledged(v.account(e.Member), e)
	case msgVoteResp:
		v.voteSent(v.account(e.Member), e)
	case msgTimeoutNow:
		v.account(e.Peer).urged = e.Term
	case msgPreVoteResp:
		v.account(e.Peer).consent(e)
	}
}

// report keeps the first violation of each invariant.
func (v *Invariants) report(which invariant, e *trace.Event, format string, args ...any) {
	if v.first[which] != nil {
		return
	}
	v.first[which] = &Violation{
		Property: invariantNames[which], Why: fmt.Sprintf(format, args...) + ".", Belief: v.account(e.Member).belief(),
		At: e.At, Member: uint64(e.Member), Index: e.Index,
	}
}

// Violations returns the first violation of each invariant, in the order in
// which they happened.
func (v *Invariants) Violations() []Violation {
	var all []Violation
	for _, first := range v.first {
		if first != nil {
			at := len(all)
			for at > 0 && all[at-1].At > first.At {
				at--
			}
			all = append(all[:at], append([]Violation{*first}, all[at:]...)...)
		}
	}
	return all
}

// Broken reports whether an invariant was violated so far.
func (v *Invariants) Broken() bool {
	for _, first := range v.first {
		if first != nil {
			return true
		}
	}
	return false
}

func (v *Invariants) judgement() Judgement {
	j := Judgement{Judge: "raft", Class: Safety, Verdict: Pass, Judged: int(v.events), Violations: v.Violations()}
	if len(j.Violations) > 0 {
		j.Verdict = Violated
	}
	return j
}
