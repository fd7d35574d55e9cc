package checker

import "etcdsim/sim/trace"

// entryMark is an entry as its first writer, the leader of its term, wrote it.
type entryMark struct {
	term, prev, hash uint64
	member           trace.Addr
	// config is the index of the newest configuration that the writer had applied.
	config uint32
}

type rivalKey struct{ index, term uint64 }

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
		m.outdone, m.outdoneBy = m.durable, max(m.term, e.Term)
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
	switch {
	case m.termAt(e.Index) == e.Term:
		m.durable = max(m.durable, e.Index)
		if e.Index == m.last {
			m.rewritten = 0
		}
	case m.rewritten != 0: // a later write has replaced the end of the batch meanwhile
		m.durable = max(m.durable, min(e.Index, m.rewritten-1))
	}
}

// appendAcknowledged checks that a follower acknowledges only what is durable
// (raft's doc.go, Ready contract, step 2).
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

func (v *Invariants) stateDurable(m *memberAccount, e *trace.Event) {
	if e.Term < m.stateTerm {
		v.report(termMonotonic, e, "n%d saved term %d after term %d", m.id, e.Term, m.stateTerm)
	}
	m.stateTerm, m.stateVote, m.voteKnown = e.Term, e.A, true
}
