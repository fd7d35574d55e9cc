package checker

import (
	"time"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// Lessors watches who counted the time of leases, and what they did about it. Like
// Invariants it knows nothing but the trace.
//
// It notes no faults. What a network, a disk or a processor may do to a leader has no
// end; what a leader has done, and in which order, is all that a lease depends on.
type Lessors struct {
	// All are in order of time.
	promotions []promotion
	renewals   []renewal
	expiries   []expiry
	recordings []recording
	elections  []Election
	reigns     []reign
	accounts   []lessorAccount // by ID
	paces
}

// promotion is the moment at which a new leader began to count all leases anew,
// with so much more time.
type promotion struct {
	at     sim.Time
	term   uint64
	leases uint64
	extend time.Duration
}

// renewal is the moment at which a leader renewed a lease.
type renewal struct {
	at     sim.Time
	member uint64
	term   uint64
	lease  int64
	// stood is for how long the leader's clock may not have ticked, and confirmed that
	// a quorum had just said that it leads.
	stood     time.Duration
	confirmed bool
}

// expiry is the moment at which a leader found that a lease was over.
type expiry struct {
	at     sim.Time
	member uint64
	term   uint64
	lease  int64
	// waits: it must ask first whether it leads. proposed: it handed the end of the
	// lease to raft at once, and raft took it.
	waits, proposed bool
	// full: it found so many at that look that more may be left for the next one.
	full bool
}

// recording is a time in which checkpoints of a member were on their way through the
// log. It looks at no lease then. It lasts until Forever if it did not end.
type recording struct {
	member   uint64
	from, to sim.Time
}

// reign is a time in which a member acted as the leader of a term, rightly or not. It
// lasts until Forever if it did not end.
type reign struct {
	member   trace.Addr
	term     uint64
	from, to sim.Time
}

// lessorAccount is what is known of one member at present.
type lessorAccount struct {
	// reigning and recorded are one more than the positions of its open reign and
	// recording, or 0.
	reigning, recorded int
	// leaving: raft says that it leads no longer, but a save may keep the member from
	// learning of it.
	leaving bool
	// beat is when its clock last ticked, as far as one can see: it sent heartbeats, or
	// a tick was made up for after a save or a pause. confirmed is when a quorum last
	// said that it leads.
	beat, confirmed sim.Time
}

// Watch subscribes to the log. It must be called before the first event.
func (l *Lessors) Watch(log *trace.Log) {
	log.Subscribe(trace.Kinds(
		trace.LeasesPromoted, trace.LeaseRenewed, trace.LeaseExpired, trace.LeasesRecorded, trace.Propose, trace.ProposeDropped,
		trace.RoleChange, trace.LogDurable, trace.StateDurable, trace.ReadConfirm,
		trace.MemberCrash, trace.MemberStop, trace.MemberPanic, trace.MemberRemoved, trace.MemberResume, trace.MemberFault,
	), l.Observe)
	log.SubscribeSends(l.Observe, msgHeartbeat)
}

// Observe takes note of one event.
func (l *Lessors) Observe(e *trace.Event) {
	if e.Kind == trace.Send {
		if e.Aux == msgHeartbeat {
			l.account(e.Member).beat = e.At
		}
		return
	}
	m := l.account(e.Member)
	switch e.Kind {
	case trace.ReadConfirm:
		m.confirmed = e.At
	case trace.LeasesPromoted:
		l.promotions = append(l.promotions, promotion{e.At, e.Term, e.A, time.Duration(e.B)})
	case trace.LeaseRenewed:
		l.renewals = append(l.renewals, renewal{
			e.At, uint64(e.Member), e.Term, int64(e.ID), e.At.Sub(m.beat), m.confirmed == e.At,
		})
	case trace.LeaseExpired:
		l.expired(e)
	case trace.Propose, trace.ProposeDropped:
		l.proposed(e)
	case trace.LeasesRecorded:
		l.recorded(m, e)
	case trace.RoleChange:
		if m.reigning > 0 {
			m.leaving = true
		}
		if e.Aux == trace.RoleLeader {
			l.abdicate(m, e.At)
			l.elections = append(l.elections, Election{e.At, e.Term, e.Member})
			l.reigns = append(l.reigns, reign{e.Member, e.Term, e.At, sim.Forever})
			m.reigning, m.beat = len(l.reigns), e.At
		}
	case trace.MemberResume:
		m.beat = e.At
	case trace.LogDurable, trace.StateDurable:
		m.beat = e.At
		if m.leaving {
			l.abdicate(m, e.At)
		}
	case trace.MemberFault:
		l.observe(e)
	default: // its process has ended
		l.abdicate(m, e.At)
		if m.recorded > 0 {
			l.recordings[m.recorded-1].to, m.recorded = e.At, 0
		}
	}
}

func (l *Lessors) account(member trace.Addr) *lessorAccount {
	for int(member) >= len(l.accounts) {
		l.accounts = append(l.accounts, lessorAccount{})
	}
	return &l.accounts[member]
}

// abdicate ends the reign of a member, if there is one.
func (l *Lessors) abdicate(m *lessorAccount, at sim.Time) {
	if m.reigning > 0 {
		l.reigns[m.reigning-1].to = at
	}
	m.reigning, m.leaving = 0, false
}

// looksFor is how many leases that are over one look finds.
const looksFor = 500

// expired takes note of a lease that is over. Those of one look follow each other.
func (l *Lessors) expired(e *trace.Event) {
	l.expiries = append(l.expiries, expiry{
		at: e.At, member: uint64(e.Member), term: e.Term, lease: int64(e.ID), waits: e.Aux == trace.ExpiryWaits,
	})
	if look := l.look(e); len(look) >= looksFor {
		for i := range look {
			look[i].full = true
		}
	}
}

// look returns what was found over at the time of an event by its member.
func (l *Lessors) look(e *trace.Event) []expiry {
	i := len(l.expiries)
	for i > 0 && l.expiries[i-1].at == e.At && l.expiries[i-1].member == uint64(e.Member) {
		i--
	}
	return l.expiries[i:]
}

// ownRequest is the bit of a request's ID that says that a member itself asks.
const ownRequest = 1 << 63

// proposed takes note of what a leader does about the leases that are over: it hands
// their ends to raft in the step in which it found them, unless it must ask first
// whether it leads, or they wait for each other.
func (l *Lessors) proposed(e *trace.Event) {
	if e.ID&ownRequest == 0 {
		return
	}
	look := l.look(e)
	for i := range look {
		look[i].proposed = e.Kind == trace.Propose && !look[i].waits && i < revokesAtOnce
	}
}

// revokesAtOnce is how many leases of one look a leader ends at the same time.
const revokesAtOnce = 16

// recorded takes note of the beginning or the end of a recording.
func (l *Lessors) recorded(m *lessorAccount, e *trace.Event) {
	switch {
	case e.A > 0 && m.recorded == 0:
		l.recordings = append(l.recordings, recording{uint64(e.Member), e.At, sim.Forever})
		m.recorded = len(l.recordings)
	case e.A == 0 && m.recorded > 0:
		l.recordings[m.recorded-1].to, m.recorded = e.At, 0
	}
}

// reignsIn returns the reigns that a span of time has a part of.
func (l *Lessors) reignsIn(from, to sim.Time) []reign {
	var some []reign
	for _, r := range l.reigns {
		if r.from <= to && from <= r.to {
			some = append(some, r)
		}
	}
	return some
}

// successor returns the election that ended the term of a leader before a time.
func (l *Lessors) successor(term uint64, before sim.Time) (Election, bool) {
	for _, e := range l.elections {
		if e.Term > term {
			return e, e.At <= before
		}
	}
	return Election{}, false
}
