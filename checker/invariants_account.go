package checker

import (
	"fmt"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// memberAccount is what is known of one member.
type memberAccount struct {
	id trace.Addr
	// incarnation is 0 before the first start.
	incarnation uint64
	role        uint16
	term        uint64
	// leader is whom it follows, or itself if it leads; 0 if it knows of none.
	leader uint64

	// The log as it was last written: terms by index, 0 where unknown. Up to base a
	// leader's snapshot covers it.
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
	// entries, in the term outdoneBy, which may be later than theirs. What an earlier
	// term's leader was to be told of it may be on its way still.
	outdone, outdoneBy uint64
	// hole is the index before an entry that did not follow the log: only a
	// snapshot up to there makes it right. 0 if there is none.
	hole uint64
	// heard is the leader that it last answered, and heardAt when; 0 if it has not.
	heard   trace.Addr
	heardAt sim.Time
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
	// consents are those who would vote for the member in term consentTerm, the newest it
	// asked for, and earlier those who would in the term before: bit sets of IDs. urged is
	// the last term in which a leader told it to campaign at once.
	consents, earlier, consentTerm, urged uint64

	// commit is the commit index of this incarnation; committable is an upper
	// bound over all of them.
	commit, committable uint64
	applied             uint64
	// voters by the configuration that the member has applied: a bit set of IDs.
	voters uint64

	state backendAccount
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
