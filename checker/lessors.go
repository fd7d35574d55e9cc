package checker

import (
	"slices"
	"sort"
	"time"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// Lessors watches who counted the time of leases, and what might have kept them
// from it. Like Invariants it knows nothing but the trace.
type Lessors struct {
	// In order of time.
	promotions []promotion
	renewals   []renewal
	// elections are those of leaders, with their terms.
	elections []Election
	// troubles are the moments at which something happened to members, disks or
	// links that may delay what a leader does, or keep it from learning that it
	// leads no longer.
	troubles []trouble
	// impaired are members that stand still and links that do not carry, at
	// present.
	impaired map[impairment]bool
	// late are the spans of time in which a packet was on its way that a statement had
	// delayed.
	late []lateness
	// sluggish are the times at which members had slow processors.
	sluggish []sluggishness
	paces
}

// promotion is the moment at which a new leader began to count all leases anew,
// with so much more time.
type promotion struct {
	at     sim.Time
	leases uint64
	extend time.Duration
}

// renewal is the moment at which a leader renewed a lease.
type renewal struct {
	at     sim.Time
	member uint64
	term   uint64
	lease  int64
	expiry sim.Time
}

// trouble is a moment, and whether anything is impaired after it.
type trouble struct {
	at       sim.Time
	impaired bool
}

// impairment is a member that is paused or slow, or whose disk stalls or is slow (kind
// says which), or a link that is cut or held.
type impairment struct {
	kind         trace.Kind
	member, peer trace.Addr
}

// Watch subscribes to the log. It must be called before the first event.
func (l *Lessors) Watch(log *trace.Log) {
	log.Subscribe(trace.Kinds(
		trace.LeasesPromoted, trace.LeaseRenewed, trace.RoleChange, trace.LeaderKnown,
		trace.MemberStart, trace.MemberCrash, trace.MemberStop, trace.MemberPanic, trace.MemberPause, trace.MemberResume,
		trace.LinkCut, trace.LinkHeal, trace.LinkHold, trace.LinkFree, trace.DiskFault, trace.MemberFault,
		trace.Reorder,
	), l.Observe)
}

// Kinds of DiskFault that matter here, as numbered by the disks.
const (
	faultStall  uint16 = 1
	faultResume uint16 = 2
	faultSlow   uint16 = 3
)

// Observe takes note of one event.
func (l *Lessors) Observe(e *trace.Event) {
	switch e.Kind {
	case trace.LeasesPromoted:
		l.promotions = append(l.promotions, promotion{e.At, e.A, time.Duration(e.B)})
		return
	case trace.LeaseRenewed:
		l.renewals = append(l.renewals, renewal{e.At, uint64(e.Member), e.Term, int64(e.ID), sim.Time(e.B)})
		return
	case trace.RoleChange:
		if e.Aux == trace.RoleLeader {
			l.elections = append(l.elections, Election{e.At, e.Term, e.Member})
		}
	case trace.MemberPause:
		l.impair(trace.MemberPause, e.Member, 0)
	case trace.MemberResume:
		delete(l.impaired, impairment{trace.MemberPause, e.Member, 0})
	case trace.MemberCrash, trace.MemberStop, trace.MemberPanic:
		delete(l.impaired, impairment{trace.MemberPause, e.Member, 0})
		delete(l.impaired, impairment{trace.DiskFault, e.Member, 0})
	case trace.LinkCut, trace.LinkHold:
		l.impair(e.Kind, e.Member, e.Peer)
	case trace.LinkHeal:
		delete(l.impaired, impairment{trace.LinkCut, e.Member, e.Peer})
	case trace.LinkFree:
		delete(l.impaired, impairment{trace.LinkHold, e.Member, e.Peer})
	case trace.Reorder:
		if e.A != 0 {
			l.late = append(l.late, lateness{e.At, sim.Time(e.B)})
		}
		return
	case trace.MemberFault:
		if e.Aux != trace.FaultSlowSteps {
			l.observe(e)
			return
		}
		l.paced(e)
	case trace.DiskFault:
		switch e.Aux {
		case faultStall:
			l.impair(trace.DiskFault, e.Member, 0)
		case faultResume:
			delete(l.impaired, impairment{trace.DiskFault, e.Member, 0})
		case faultSlow:
			if e.A > 1 {
				l.impair(trace.DiskSync, e.Member, 0)
			} else {
				delete(l.impaired, impairment{trace.DiskSync, e.Member, 0})
			}
		}
	}
	l.troubles = append(l.troubles, trouble{e.At, len(l.impaired) > 0})
}

// sluggishness is a span of time in which the processor of a member was slow.
type sluggishness struct {
	member   trace.Addr
	from, to sim.Time
}

// paced takes note of how fast the processor of a member is from now on.
func (l *Lessors) paced(e *trace.Event) {
	for i := range l.sluggish {
		if s := &l.sluggish[i]; s.member == e.Member && s.to == sim.Forever {
			s.to = e.At
		}
	}
	delete(l.impaired, impairment{trace.MemberFault, e.Member, 0})
	if e.A > 0 {
		l.sluggish = append(l.sluggish, sluggishness{e.Member, e.At, sim.Forever})
		l.impair(trace.MemberFault, e.Member, 0)
	}
}

// isSluggish reports whether the processor of a member was slow at any time of a span.
func (l *Lessors) isSluggish(member uint64, from, to sim.Time) bool {
	return slices.ContainsFunc(l.sluggish, func(s sluggishness) bool {
		return uint64(s.member) == member && s.from <= to && from <= s.to
	})
}

func (l *Lessors) impair(kind trace.Kind, member, peer trace.Addr) {
	if l.impaired == nil {
		l.impaired = make(map[impairment]bool)
	}
	l.impaired[impairment{kind, member, peer}] = true
}

// lastTrouble returns the time of the last trouble until the given time, and
// whether there was one.
func (l *Lessors) lastTrouble(until sim.Time) (t trouble, ok bool) {
	i := sort.Search(len(l.troubles), func(i int) bool { return l.troubles[i].at > until })
	if i == 0 {
		return trouble{}, false
	}
	return l.troubles[i-1], true
}

// lateness is a span of time in which a packet was late.
type lateness struct{ from, to sim.Time }

// calm reports that nothing happened in a span of time, and nothing was impaired or
// late: then there is one leader, and it knows that it leads.
func (l *Lessors) calm(from, to sim.Time) bool {
	if l == nil {
		return false
	}
	t, ok := l.lastTrouble(to)
	late := slices.ContainsFunc(l.late, func(s lateness) bool { return s.from <= to && from <= s.to })
	return ok && t.at < from && !t.impaired && !late
}

// elected reports whether a leader was elected in a span of time.
func (l *Lessors) elected(from, to sim.Time) bool {
	i := sort.Search(len(l.elections), func(i int) bool { return l.elections[i].At >= from })
	return i < len(l.elections) && l.elections[i].At <= to
}
