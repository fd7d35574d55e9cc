package checker

import (
	"fmt"
	"math/bits"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// Election is the beginning of a leadership.
type Election struct {
	At     sim.Time
	Term   uint64
	Member trace.Addr
}

// roleChanged checks what must hold of a new leader: it is the only one of its
// term (5.2), it had a durable vote of its own, and its log holds everything
// that leaders of earlier terms committed (5.4).
func (v *Invariants) roleChanged(m *memberAccount, e *trace.Event) {
	v.termSeen(m, e)
	m.role, m.ownAppends = e.Aux, false
	switch e.Aux {
	case trace.RoleCandidate:
		v.voted(m, e, e.Member)
		v.campaigned(m, e)
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
	for i := m.base + 1; i <= v.lastCommitted; i++ {
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

// termSeen takes note of what a member believes: its term and its leader.
func (v *Invariants) termSeen(m *memberAccount, e *trace.Event) {
	if e.Term < m.term {
		v.report(termMonotonic, e, "n%d went from term %d back to term %d", m.id, m.term, e.Term)
	}
	m.term, m.leader = e.Term, e.B
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

// Elections returns all beginnings of a leadership, in order.
func (v *Invariants) Elections() []Election { return v.elections }

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

// consent takes note of a member that would vote for this one in the event's term.
func (m *memberAccount) consent(e *trace.Event) {
	if e.Term > m.consentTerm {
		m.earlier = m.consentsFor(e.Term - 1)
		m.consents, m.consentTerm = 0, e.Term
	}
	switch e.Term {
	case m.consentTerm:
		m.consents |= 1 << e.Member
	case m.consentTerm - 1:
		m.earlier |= 1 << e.Member
	}
}

// consentsFor returns who has consented to a campaign in the term.
func (m *memberAccount) consentsFor(term uint64) uint64 {
	switch term {
	case m.consentTerm:
		return m.consents
	case m.consentTerm - 1:
		return m.earlier
	}
	return 0
}

// campaigned checks that a member does not raise its term against a leader that a
// majority follows, unless a majority would vote for it all the same, or a leader that
// hands over has told it to. Who was cut off, and comes back, leaves a healthy leader
// alone (Raft thesis, section 9.6). What was asked in one term and is answered in the
// next counts there, too, for raft does not tell the two apart, and means not to
// (etcd-io/etcd#8288).
func (v *Invariants) campaigned(m *memberAccount, e *trace.Event) {
	if !v.PreVote || m.urged != 0 && m.urged+1 == e.Term {
		return
	}
	consents := m.consentsFor(e.Term) | m.consentsFor(e.Term-1) | 1<<m.id
	led := uint64(0) // those who follow a leader, or are it
	for rest := m.voters; rest != 0; rest &= rest - 1 {
		id := bits.TrailingZeros64(rest)
		if o := v.account(trace.Addr(id)); o.id != m.id && o.leader != 0 && o.term+1 >= e.Term {
			led |= 1 << id
		}
	}
	majority := bits.OnesCount64(m.voters)/2 + 1
	if bits.OnesCount64(led) >= majority && bits.OnesCount64(consents&m.voters) < majority {
		v.report(consented, e, "n%d campaigned in term %d with the consent of %s only, though %s followed a leader; the voters are %s",
			m.id, e.Term, idText(consents&m.voters), idText(led), idText(m.voters))
	}
}
