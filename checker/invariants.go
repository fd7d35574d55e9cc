package checker

import (
	"fmt"
	"math/bits"

	"etcdsim/sim"
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

// Election is the beginning of a leadership.
type Election struct {
	At     sim.Time
	Term   uint64
	Member trace.Addr
}

// Stop is the end of one incarnation of a member.
type Stop struct {
	At     sim.Time
	Member trace.Addr
	// Lost counts the bytes that its disk lost.
	Lost uint64
	// Back is when the member started again; 0 if it has not.
	Back sim.Time
}

// Replacement is a committed entry that gave way to another: what must never
// happen.
type Replacement struct {
	At     sim.Time
	Member trace.Addr // that applied the other entry
	Index  uint64
	// Was and Is are the requests that the two entries carried, or 0.
	Was, Is uint64
}

// memberAccount is what is known of one member.
type memberAccount struct {
	id trace.Addr
	// incarnation is 0 before the first start.
	incarnation uint64
	role        uint16
	term        uint64

	// The log as it was last written: terms by index, 0 where unknown. It begins
	// after base, which a snapshot covers.
	terms      []uint64
	base, last uint64
	// durable is the last index through which the written log survives a crash.
	// Invariant: durable <= last.
	durable uint64
	// promised is the last index that was durable as far as the member could know, where
	// its disk has forgotten some of it: others may have counted on it.
	promised uint64
	// rewritten is the first index that a write not yet durable replaced, or 0:
	// after a crash the log may be the old or the new one from there on.
	rewritten uint64
	// outdone is how far the log was durable before the last write that replaced
	// entries, by some of term outdoneBy. What an earlier term's leader was to be told
	// of it may be on its way still.
	outdone, outdoneBy uint64
	// hole is the index before an entry that did not follow the log: only a
	// snapshot up to there makes it right. 0 if there is none.
	hole uint64
	// heard is the leader that it last answered, and heardAt when; 0 if it has not.
	heard   trace.Addr
	heardAt sim.Time
	// offered: a leader has sent a snapshot that was not installed. Whoever dies while
	// it is saved may start from it, without ever having told.
	offered bool
	// batchFirst and batchLast are the last batch that became durable.
	batchFirst, batchLast uint64
	// ownAppends: the member has appended an entry of the term it leads.
	ownAppends bool

	// stateTerm and stateVote are the hard state that survives a crash. The vote
	// of a recovered state may be unknown.
	stateTerm uint64
	stateVote uint64
	voteKnown bool
	// votes gives the member voted for, by term.
	votes []trace.Addr

	// commit is the commit index of this incarnation; committable is an upper
	// bound over all of them.
	commit, committable uint64
	applied             uint64
	// voters by the configuration that the member has applied: a bit set of IDs.
	voters uint64

	state backendAccount
}

// entryMark is an entry as its first writer, the leader of its term, wrote it.
type entryMark struct {
	term, prev, hash uint64
	member           trace.Addr
	// config is the index of the newest configuration that the writer had applied.
	config uint32
}

type rivalKey struct{ index, term uint64 }

// commitMark is a committed entry's term, and the term of the leader that
// committed it.
type commitMark struct{ term, by uint64 }

type applyMark struct {
	term, hash, store, id uint64
	at                    sim.Time
	member                trace.Addr
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
	log.Subscribe(trace.Kinds(trace.Send), v.sent)
}

// Raft's message types that promise something or replace a log, as numbered in raftpb.
const (
	msgAppResp  uint16 = 4
	msgVoteResp uint16 = 6
	msgSnap     uint16 = 7
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
		m.role = trace.RoleFollower
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

// sent takes note of a packet: a third of all events, few of which promise
// anything.
func (v *Invariants) sent(e *trace.Event) {
	v.events++
	switch {
	case e.Aux != msgAppResp && e.Aux != msgVoteResp && e.Aux != msgSnap, e.Member.IsClient(), e.Member == 0:
	case e.Aux == msgAppResp:
		v.appendAcknowledged(v.account(e.Member), e)
	case e.Aux == msgVoteResp:
		v.voteSent(v.account(e.Member), e)
	case !e.Peer.IsClient():
		v.account(e.Peer).offered = true
	}
}

func (v *Invariants) account(member trace.Addr) *memberAccount {
	for int(member) >= len(v.members) {
		v.members = append(v.members, memberAccount{id: trace.Addr(len(v.members))})
	}
	return &v.members[member]
}

// reach is how far ahead of everything known an index may lie. Beyond it no log
// can have grown; the account does not follow.
const reach = 1 << 20

// grown returns s with a place for index i, or s as it is if i is out of reach.
func grown[T any](s []T, i uint64) []T {
	n := uint64(len(s))
	if i < n || i >= n+reach {
		return s
	}
	return append(s, make([]T, max(i+1, min(2*n, i+reach), 256)-n)...)
}

// termAt returns the term of a member's entry, 0 if unknown.
func (m *memberAccount) termAt(index uint64) uint64 {
	if index >= uint64(len(m.terms)) || index > m.last {
		return 0
	}
	return m.terms[index]
}

func (m *memberAccount) setTerm(index, term uint64) {
	if m.terms = grown(m.terms, index); index < uint64(len(m.terms)) {
		m.terms[index] = term
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

// belief says what a member believes, as far as the account goes.
func (m *memberAccount) belief() string {
	if m.incarnation == 0 {
		return ""
	}
	role := "follows in"
	switch m.role {
	case trace.RoleLeader:
		role = "leads"
	case trace.RoleCandidate, trace.RolePreCandidate:
		role = "campaigns in"
	}
	s := fmt.Sprintf("n%d %s term %d; its log goes to index %d, is durable to %d, committed to %d and applied to %d",
		m.id, role, m.term, m.last, m.durable, m.commit, m.applied)
	if m.heard != 0 {
		s += fmt.Sprintf("; it last answered a leader, n%d, at %v", m.heard, m.heardAt)
	}
	return s + "."
}

// started compares what a member has after a restart with what was durable.
// What it has then is durable, since it comes from the disk.
func (v *Invariants) started(m *memberAccount, e *trace.Event) {
	if m.incarnation > 0 {
		if e.Term < m.stateTerm {
			v.report(restartDurable, e, "n%d restarted in term %d, though term %d was durable", m.id, e.Term, m.stateTerm)
		}
		switch {
		case m.offered && e.A > m.base && (e.A > m.last || e.A == e.Index):
			// It starts from that snapshot, and what it had before is void.
			m.base, m.last, m.rewritten = e.A, e.A, 0
			m.setTerm(e.A, 0)
		case e.Index < m.durable:
			v.report(restartDurable, e, "n%d restarted with a log that ends at index %d, though it was durable through %d",
				m.id, e.Index, m.durable)
		}
		if s := v.lastStop(e.Member); s != nil {
			s.Back = e.At
		}
	}
	from := m.last + 1
	if m.rewritten != 0 {
		from = min(from, m.rewritten)
	}
	for i := max(from, m.base+1); i <= e.Index && i < uint64(len(m.terms)); i++ {
		m.terms[i] = 0
	}
	m.last, m.durable, m.rewritten, m.hole, m.offered = e.Index, e.Index, 0, 0, false
	m.outdone, m.outdoneBy = 0, 0
	v.stateStarted(m, e)
	if m.incarnation == 0 {
		m.base = e.A
		m.voteKnown = true // nobody
	} else if e.Term != m.stateTerm || m.stateVote == 0 {
		m.voteKnown = false // a vote may have reached the disk without its sync
	}
	m.forgetOwnVotes(e.Term)
	m.stateTerm, m.term, m.role = e.Term, e.Term, trace.RoleFollower
	m.incarnation = e.B
	m.commit, m.applied = e.A, e.A
	m.committable = max(m.committable, e.A)
	if m.voters = 0; e.A > 0 { // whoever joins knows nobody
		m.voters = v.configAt(e.A).voters
	}
}

// roleChanged checks what must hold of a new leader: it is the only one of its
// term (5.2), it had a durable vote of its own, and its log holds everything
// that leaders of earlier terms committed (5.4).
func (v *Invariants) roleChanged(m *memberAccount, e *trace.Event) {
	v.termSeen(m, e)
	m.role, m.ownAppends = e.Aux, false
	m.committable = max(m.committable, e.A)
	switch e.Aux {
	case trace.RoleCandidate:
		v.voted(m, e, e.Member)
	case trace.RoleLeader:
		if other, ok := v.leaders[e.Term]; ok {
			v.report(electionSafety, e, "n%d became leader of term %d, which n%d leads already", m.id, e.Term, other)
		}
		v.leaders[e.Term] = e.Member
		v.elections = append(v.elections, Election{e.At, e.Term, e.Member})
		if m.stateTerm != e.Term || m.voteKnown && m.stateVote != uint64(m.id) {
			v.report(voteDurable, e, "n%d became leader of term %d before its vote for itself was durable (durable: term %d, vote %s)",
				m.id, e.Term, m.stateTerm, voteText(m))
		}
		v.elected(m, e)
		v.complete(m, e)
	}
}

func voteText(m *memberAccount) string {
	switch {
	case !m.voteKnown:
		return "unknown"
	case m.stateVote == 0:
		return "none"
	}
	return fmt.Sprintf("n%d", m.stateVote)
}

// complete checks that a new leader's log holds every entry that was committed
// in an earlier term.
func (v *Invariants) complete(m *memberAccount, e *trace.Event) {
	for i := m.base + 1; i <= v.lastCommitted && i < uint64(len(v.committed)); i++ {
		c := v.committed[i]
		if c.term == 0 || c.by >= e.Term {
			continue
		}
		if i > m.last {
			v.report(leaderCompleteness, e,
				"n%d leads term %d with a log that ends at index %d, though index %d (term %d) was committed in term %d",
				m.id, e.Term, m.last, i, c.term, c.by)
			return
		}
		if t := m.termAt(i); t != 0 && t != c.term {
			v.report(leaderCompleteness, e,
				"n%d leads term %d with an entry of term %d at index %d, where an entry of term %d was committed in term %d",
				m.id, e.Term, t, i, c.term, c.by)
			return
		}
	}
}

func (v *Invariants) termSeen(m *memberAccount, e *trace.Event) {
	if e.Term < m.term {
		v.report(termMonotonic, e, "n%d went from term %d back to term %d", m.id, m.term, e.Term)
	}
	m.term = e.Term
}

// maxVoteTerm bounds the terms for which votes are remembered.
const maxVoteTerm = 1 << 16

// voted notes a member's vote in the event's term: one for each term, for good
// (5.2).
func (v *Invariants) voted(m *memberAccount, e *trace.Event, candidate trace.Addr) {
	if e.Term >= maxVoteTerm {
		return
	}
	m.votes = grown(m.votes, e.Term)
	switch before := m.votes[e.Term]; before {
	case 0, candidate:
		m.votes[e.Term] = candidate
	default:
		v.report(oneVote, e, "n%d voted for n%d in term %d, after it had voted for n%d", m.id, candidate, e.Term, before)
	}
}

// forgetOwnVotes forgets for which terms after one the member was its own candidate. A
// crash lost those votes before anybody heard of them, for a candidate asks for the
// votes of others only when its own is durable.
func (m *memberAccount) forgetOwnVotes(after uint64) {
	for t := after + 1; t < uint64(len(m.votes)); t++ {
		if m.votes[t] == m.id {
			m.votes[t] = 0
		}
	}
}

// forget takes back what a member's disk had said was durable: what it starts from next
// may be anything that it ever wrote. It may break what it has promised, and that is not
// held against it; what follows for the cluster is.
func (m *memberAccount) forget() {
	m.promised = max(m.promised, m.durable, m.base)
	m.durable, m.base, m.rewritten = 0, 0, 1
	m.stateTerm, m.stateVote, m.voteKnown, m.votes = 0, 0, false, nil
	m.state = backendAccount{}
}

// voteSent checks a granted vote: it must be durable before it is told, or a
// restart could vote again (raft's doc.go, Ready contract, step 2).
func (v *Invariants) voteSent(m *memberAccount, e *trace.Event) {
	v.voted(m, e, e.Peer)
	durable := m.stateTerm > e.Term || // it cannot vote in that term any more
		m.stateTerm == e.Term && (!m.voteKnown || m.stateVote == uint64(e.Peer))
	if !durable {
		v.report(voteDurable, e, "n%d told n%d of its vote in term %d before it was durable (durable: term %d, vote %s)",
			m.id, e.Peer, e.Term, m.stateTerm, voteText(m))
	}
}

// appendAcknowledged checks that a follower acknowledges only what is durable
// (same contract).
func (v *Invariants) appendAcknowledged(m *memberAccount, e *trace.Event) {
	m.heard, m.heardAt = e.Peer, e.At
	if e.Index > m.durable && (e.Index > m.outdone || e.Term >= m.outdoneBy) {
		v.report(appendDurable, e, "n%d acknowledged the log through index %d to n%d, though it was durable only through %d",
			m.id, e.Index, e.Peer, m.durable)
	}
	if m.hole != 0 {
		v.report(logMatching, e, "n%d acknowledged a log in which the entries before index %d are missing", m.id, m.hole+1)
	}
}

func (v *Invariants) mark(m *memberAccount, e *trace.Event) entryMark {
	return entryMark{e.Term, e.A, e.B, e.Member, uint32(v.configAt(m.applied).index)}
}

// appended follows one entry into a member's log. A leader only appends (5.3),
// and entries of equal index and term are equal and follow equal logs (5.3).
func (v *Invariants) appended(m *memberAccount, e *trace.Event) {
	i := e.Index
	if m.role == trace.RoleLeader {
		v.leaderAppended(m, e)
	}
	switch {
	case i > m.last+1:
		m.hole = i - 1
	case i <= m.last:
		if t := m.termAt(i); t != 0 && t != e.Term && i < uint64(len(v.committed)) && t == v.committed[i].term {
			v.report(leaderCompleteness, e, "n%d replaced index %d (term %d), which was committed, by an entry of term %d", m.id, i, t, e.Term)
		}
		if e.Term != m.outdoneBy {
			m.outdone, m.outdoneBy = m.durable, e.Term
		}
		m.durable = min(m.durable, i-1)
		if m.rewritten == 0 || i < m.rewritten {
			m.rewritten = i
		}
	}
	if before := m.termAt(i - 1); e.A != 0 && before != 0 && before != e.A {
		v.report(logMatching, e, "n%d appended index %d after an entry of term %d, though its entry %d is of term %d",
			m.id, i, e.A, i-1, before)
	}
	m.last = i
	m.setTerm(i, e.Term)

	if v.entries = grown(v.entries, i); i >= uint64(len(v.entries)) {
		v.report(logMatching, e, "n%d appended index %d, far beyond every log", m.id, i)
		return
	}
	mark := &v.entries[i]
	if mark.term != e.Term {
		if mark.term == 0 {
			*mark = v.mark(m, e)
			return
		}
		key := rivalKey{i, e.Term}
		rival, ok := v.rivals[key]
		if !ok {
			v.rivals[key] = v.mark(m, e)
			return
		}
		mark = &rival
	}
	if mark.hash != e.B || mark.prev != 0 && e.A != 0 && mark.prev != e.A {
		v.report(logMatching, e,
			"index %d of term %d is one entry on n%d (after term %d, hash %016x) and another on n%d (after term %d, hash %016x)",
			i, e.Term, mark.member, mark.prev, mark.hash, m.id, e.A, e.B)
	}
}

func (v *Invariants) leaderAppended(m *memberAccount, e *trace.Event) {
	switch {
	case e.Term == m.term:
		if e.Index <= m.last {
			v.report(leaderAppendOnly, e, "n%d, leader of term %d, wrote index %d of a log that ended at %d", m.id, m.term, e.Index, m.last)
		}
		m.ownAppends = true
	case m.ownAppends:
		// Before its first own entry it may still write what it got as a follower.
		v.report(leaderAppendOnly, e, "n%d, leader of term %d, appended an entry of term %d at index %d", m.id, m.term, e.Term, e.Index)
	}
}

func (v *Invariants) logDurable(m *memberAccount, e *trace.Event) {
	m.batchFirst, m.batchLast = e.A, e.Index
	if t := m.termAt(e.Index); t == e.Term {
		m.durable = max(m.durable, e.Index)
		if e.Index == m.last {
			m.rewritten = 0
		}
		return
	}
	// A later write has replaced the end of the batch meanwhile.
	if m.rewritten != 0 {
		m.durable = max(m.durable, min(e.Index, m.rewritten-1))
	}
}

func (v *Invariants) stateDurable(m *memberAccount, e *trace.Event) {
	if e.Term < m.stateTerm {
		v.report(termMonotonic, e, "n%d saved term %d after term %d", m.id, e.Term, m.stateTerm)
	}
	m.stateTerm, m.stateVote, m.voteKnown = e.Term, e.A, true
}

// commitMoved checks a member's new commit index. What nobody had committed
// before must be an entry that a majority holds durably, and a leader counts
// only entries of its own term (5.4.2, figure 8).
func (v *Invariants) commitMoved(m *memberAccount, e *trace.Event) {
	if e.Index <= m.commit {
		v.report(commitMonotonic, e, "the commit index of n%d went from %d to %d", m.id, m.commit, e.Index)
	}
	m.commit = e.Index
	m.committable = max(m.committable, e.Index)
	term := m.termAt(e.Index)
	if e.Aux == trace.RoleLeader && term != 0 && term != e.Term {
		v.report(commitOwnTerm, e, "n%d, leader of term %d, committed index %d, an entry of term %d, by counting copies",
			m.id, e.Term, e.Index, term)
	}
	if e.Index <= v.lastCommitted {
		return
	}
	if term != 0 {
		v.heldByMajority(m, e, term)
	}
	if v.committed = grown(v.committed, e.Index); e.Index >= uint64(len(v.committed)) {
		return // no log reaches that far
	}
	for i := v.lastCommitted + 1; i <= e.Index; i++ {
		v.committed[i] = commitMark{m.termAt(i), term}
	}
	v.lastCommitted = e.Index
}

// heldByMajority checks that an entry is durable on a majority of the voters.
func (v *Invariants) heldByMajority(m *memberAccount, e *trace.Event, term uint64) {
	holders := 0
	for rest := m.voters; rest != 0; rest &= rest - 1 {
		id := bits.TrailingZeros64(rest)
		if id >= len(v.members) {
			continue
		}
		other := &v.members[id]
		t := other.termAt(e.Index)
		if e.Index <= other.base || e.Index <= other.durable && (t == term || t == 0) || e.Index <= other.promised {
			holders++
		}
	}
	if all := bits.OnesCount64(m.voters); holders <= all/2 {
		v.report(commitQuorum, e, "n%d committed index %d (term %d) when it was durable on %d of %d voters", m.id, e.Index, term, holders, all)
	}
}

// entryApplied checks that no two members apply different entries at one index
// (5.4.3), and that equal entries lead to equal stores.
func (v *Invariants) entryApplied(m *memberAccount, e *trace.Event) {
	v.inOrder(m, e)
	if v.applied = grown(v.applied, e.Index); e.Index >= uint64(len(v.applied)) {
		return
	}
	mark := &v.applied[e.Index]
	switch {
	case mark.term == 0:
		*mark = applyMark{e.Term, e.A, e.B, e.ID, e.At, e.Member}
	case mark.term != e.Term || mark.hash != e.A:
		v.report(stateMachineSafety, e, "n%d applied %s at index %d (term %d), where n%d had applied %s (term %d) at %v",
			m.id, entryText(e.ID), e.Index, e.Term, mark.member, entryText(mark.id), mark.term, mark.at)
		if e.Term > mark.term { // the later leader's entry is the one that stays
			v.replaced = append(v.replaced, Replacement{e.At, e.Member, e.Index, mark.id, e.ID})
			*mark = applyMark{e.Term, e.A, e.B, e.ID, e.At, e.Member}
		}
	case mark.store != e.B:
		v.report(stateMachineSafety, e, "after the same entry at index %d the store of n%d has the hash %016x, that of n%d had %016x",
			e.Index, m.id, e.B, mark.member, mark.store)
	}
}

func entryText(request uint64) string {
	if request == 0 {
		return "an entry without a request"
	}
	return fmt.Sprintf("request %d", request)
}

func (v *Invariants) inOrder(m *memberAccount, e *trace.Event) {
	if e.Index != m.applied+1 {
		v.report(applyOrder, e, "n%d applied index %d after index %d", m.id, e.Index, m.applied)
	}
	if e.Index > m.committable {
		v.report(applyOrder, e, "n%d applied index %d, though its commit index is %d", m.id, e.Index, m.committable)
	}
	m.applied = e.Index
}

// snapshotHashed compares a snapshot with the store that others had after the
// same index.
func (v *Invariants) snapshotHashed(e *trace.Event) {
	if e.Index >= uint64(len(v.applied)) {
		return
	}
	if mark := v.applied[e.Index]; mark.term != 0 && mark.store != e.B {
		v.report(stateMachineSafety, e, "the snapshot of n%d at index %d has the store hash %016x, n%d had %016x after that index",
			e.Member, e.Index, e.B, mark.member, mark.store)
	}
}

// snapshotInstalled replaces a member's log. Entries that came with the snapshot
// and were written together with it stay.
func (v *Invariants) snapshotInstalled(m *memberAccount, e *trace.Event) {
	v.snapshotHashed(e)
	v.installs = append(v.installs, install{e.Member, e.At})
	follows := m.batchFirst == e.Index+1 && m.batchLast == m.last
	if !follows {
		m.last = e.Index
	}
	m.base, m.durable, m.rewritten = e.Index, m.last, 0
	m.setTerm(e.Index, e.Term)
	if m.hole <= e.Index {
		m.hole = 0
	}
	m.applied, m.offered = e.Index, false
	m.voters = v.configAt(e.Index).voters
	m.commit = max(m.commit, e.Index)
	m.committable = max(m.committable, e.Index)
}

func (v *Invariants) lastStop(member trace.Addr) *Stop {
	for i := len(v.stops) - 1; i >= 0; i-- {
		if v.stops[i].Member == member {
			return &v.stops[i]
		}
	}
	return nil
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

// Elections returns all beginnings of a leadership, in order.
func (v *Invariants) Elections() []Election { return v.elections }

func (v *Invariants) judgement() Judgement {
	j := Judgement{Judge: "raft", Class: Safety, Verdict: Pass, Judged: int(v.events), Violations: v.Violations()}
	if len(j.Violations) > 0 {
		j.Verdict = Violated
	}
	return j
}

// appliedAt returns when an index was first applied, or 0 if that is not known.
func (v *Invariants) appliedAt(index uint64) sim.Time {
	if v == nil || index >= uint64(len(v.applied)) {
		return 0
	}
	return v.applied[index].at
}

// leaderBefore returns the latest election in the highest term before t.
func (v *Invariants) leaderBefore(t sim.Time) (Election, bool) {
	var found Election
	if v != nil {
		for _, e := range v.elections {
			if e.At <= t && e.Term >= found.Term {
				found = e
			}
		}
	}
	return found, found.Member != 0
}

// leads reports whether the member was elected in the term.
func (v *Invariants) leads(member, term uint64) bool {
	return v != nil && uint64(v.leaders[term]) == member
}

// restarted reports whether the member was started anew between two times.
func (v *Invariants) restarted(member uint64, from, to sim.Time) bool {
	if v == nil {
		return false
	}
	for _, s := range v.stops {
		if uint64(s.Member) == member && s.At <= to && (s.Back == 0 || s.Back >= from) {
			return true
		}
	}
	return false
}
