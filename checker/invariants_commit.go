package checker

import (
	"fmt"
	"math/bits"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// Replacement is a committed entry that gave way to another: what must never
// happen.
type Replacement struct {
	At     sim.Time
	Member trace.Addr // that applied the other entry
	Index  uint64
	// Was and Is are the requests that the two entries carried, or 0.
	Was, Is uint64
}

// commitMark is a committed entry's term, and the term of the leader that
// committed it.
type commitMark struct{ term, by uint64 }

type applyMark struct {
	term, hash, store, id uint64
	at                    sim.Time
	member                trace.Addr
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
	m.applied = e.Index
	m.voters = v.configAt(e.Index).voters
	m.commit = max(m.commit, e.Index)
}

// appliedAt returns when an index was first applied, or 0 if that is not known.
func (v *Invariants) appliedAt(index uint64) sim.Time {
	if v == nil || index >= uint64(len(v.applied)) {
		return 0
	}
	return v.applied[index].at
}
