package checker

import (
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// Stop is the end of one incarnation of a member.
type Stop struct {
	At     sim.Time
	Member trace.Addr
	// Lost counts the bytes that its disk lost.
	Lost uint64
	// Back is when the member started again; 0 if it has not.
	Back sim.Time
}

// started compares what a member has after a restart with what was durable.
// What it has then is durable, since it comes from the disk. If that is a leader's
// snapshot over which it died, the installation has been told before.
func (v *Invariants) started(m *memberAccount, e *trace.Event) {
	if e.Term < m.stateTerm {
		v.report(restartDurable, e, "n%d restarted in term %d, though term %d was durable", m.id, e.Term, m.stateTerm)
	}
	if e.Index < m.durable {
		v.report(restartDurable, e, "n%d restarted with a log that ends at index %d, though it was durable through %d",
			m.id, e.Index, m.durable)
	}
	unknown := m.last + 1 // the first index of which it is open what is there
	if m.rewritten != 0 {
		unknown = m.rewritten
	}
	clear(m.terms[min(unknown, uint64(len(m.terms))):])
	if s := v.lastStop(e.Member); s != nil {
		s.Back = e.At
	}
	m.last, m.durable, m.rewritten, m.hole = e.Index, e.Index, 0, 0
	m.outdone, m.outdoneBy = 0, 0
	v.stateStarted(m, e)
	if m.incarnation == 0 {
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

// forget takes back what a member's disk had said was durable: what it starts from next
// may be anything that it ever wrote. It may break what it has promised, and that is not
// held against it; what follows for the cluster is.
func (m *memberAccount) forget() {
	m.promised = max(m.promised, m.durable)
	m.durable, m.base, m.rewritten = 0, 0, 1
	m.stateTerm, m.stateVote, m.voteKnown, m.votes = 0, 0, false, nil
	m.state = backendAccount{}
}

func (v *Invariants) lastStop(member trace.Addr) *Stop {
	for i := len(v.stops) - 1; i >= 0; i-- {
		if v.stops[i].Member == member {
			return &v.stops[i]
		}
	}
	return nil
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
