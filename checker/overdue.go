package checker

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/store"
)

// That a lease which nobody renews ends. How long that takes depends on disks,
// processors and packets, for which there is no bound. So the judge goes by what the
// leader did instead. It looks at its leases every so often, unless checkpoints of it
// are on their way; it finds each that is over; it hands the end of that to raft, in
// the same step. What reaches the leader later stands behind it in the log:
//
//	    the time    the leader   a client    the leader    the end of      the put of
//	    is over     looks, and   asks for    hands it      the lease at    the client at
//	       |        proposes     a put       to raft       index 41        index 42
//	-------+------------+-----------+-------------+-------------+---------------+----->
//
// If that put is committed in the leader's term and the lease is still there, somebody
// was forgotten.

// deadline is a moment from which on a lease is to end at another time.
type deadline struct{ at, expiry sim.Time }

// deadlines returns when a life was to end, as it changed over time: by its
// grant, by renewals, and by leaders who began anew.
func (t *tenancy) deadlines(life *leaseLife) []deadline {
	all := []deadline{{life.began, life.began.Add(t.longest(life.atFirst()))}}
	for _, p := range t.lessors.promotions {
		if p.at < life.began || p.at >= life.ended {
			continue
		}
		left := life.ttl
		for _, mark := range life.left {
			if mark.at <= p.at && mark.seconds > 0 {
				left = mark.seconds
			} else if mark.at <= p.at {
				left = life.ttl
			}
		}
		// Very many leases are spread over more time (lessor.Promote).
		spread := time.Duration(p.leases/revokesPerSecond) * time.Second
		all = append(all, deadline{p.at, p.at.Add(t.longest(left) + t.slowest.Takes(p.extend+spread))})
	}
	for _, r := range t.lessors.renewals {
		if r.lease == life.id && r.at >= life.began && r.at < life.ended {
			all = append(all, deadline{r.at, r.at.Add(t.longest(life.ttl))})
		}
	}
	slices.SortStableFunc(all, func(a, b deadline) int { return cmp.Compare(a.at, b.at) })
	return all
}

// revokesPerSecond is how many leases a leader plans to end in a second.
const revokesPerSecond = 750

// over: a lease that nobody renews ends.
func (t *tenancy) over(life *leaseLife) {
	if t.lessors == nil || len(t.Commits) == 0 {
		return
	}
	all := t.deadlines(life)
	latest := sim.Time(0)
	for i, d := range all {
		if i > 0 && !t.asked(life, d.at) {
			return
		}
		latest = max(latest, d.expiry)
		next := sim.Forever // from then on it is to end at another time
		if i+1 < len(all) {
			next = all[i+1].at
		}
		for _, r := range t.lessors.reigns {
			since, ok := t.countsSince(&r, life)
			if !ok {
				continue
			}
			if t.forgotten(&r, life, max(latest, since), since, next) {
				return
			}
		}
	}
}

// countsSince returns since when a leader has counted the time of a lease.
func (t *tenancy) countsSince(r *reign, life *leaseLife) (at sim.Time, ok bool) {
	if life.from >= 0 && t.Commits[life.from].Term == r.term {
		return life.began, true
	}
	for _, p := range t.lessors.promotions {
		if p.term == r.term {
			return p.at, p.at >= life.began
		}
	}
	return 0, false
}

// forgotten reports whether a leader that has counted a lease since some time did not
// see to its end, though it was over at the latest at the given one. It follows what the
// leader did until the next time from which on the lease was to end at another.
func (t *tenancy) forgotten(r *reign, life *leaseLife, expired, since, next sim.Time) bool {
	over := expired // or a later time from which on the leader looks for it
	for {
		look := over.Add(t.rules.Look)
		if later := t.recordedUntil(r, over, look); later > over {
			over = later
			if over == sim.Forever {
				return false
			}
			continue
		}
		if look >= next {
			return false
		}
		e, at := t.foundOver(r, life.id, since), sim.Forever
		if e != nil {
			at = e.at
		}
		if at > look {
			if full := t.fullLook(r, over, look); full != nil {
				over = full.at + 1
				continue
			}
			if late := t.committed(r, life, look, at); late != nil {
				t.outlived(life, r, expired, look, "was to find that by", late)
				return true
			}
		}
		if at >= next {
			return false
		}
		if e.proposed && !slices.ContainsFunc(life.refused, func(at sim.Time) bool { return at >= e.at }) {
			late := t.committed(r, life, at, sim.Forever)
			if late != nil {
				t.outlived(life, r, expired, at, "found that at", late)
			}
			return late != nil
		}
		// It finds the lease over once more.
		since, over = at+1, at.Add(t.rules.Retry)
	}
}

// recordedUntil returns the end of the last recording of a leader that has a part in a
// span of time, or 0.
func (t *tenancy) recordedUntil(r *reign, from, to sim.Time) (until sim.Time) {
	for _, rec := range t.lessors.recordings {
		if rec.member == uint64(r.member) && rec.from <= to && from < rec.to {
			until = rec.to
		}
	}
	return until
}

// foundOver returns the first time from a moment on that a leader found a lease over.
func (t *tenancy) foundOver(r *reign, lease int64, from sim.Time) *expiry {
	for i := range t.lessors.expiries {
		if e := &t.lessors.expiries[i]; e.lease == lease && e.member == uint64(r.member) && e.term == r.term && e.at >= from {
			return e
		}
	}
	return nil
}

// fullLook returns a lease that a leader found over in a span of time when it found so
// many that it may have left some for the next look.
func (t *tenancy) fullLook(r *reign, from, to sim.Time) *expiry {
	for i := range t.lessors.expiries {
		if e := &t.lessors.expiries[i]; e.full && e.member == uint64(r.member) && e.term == r.term && from <= e.at && e.at <= to {
			return e
		}
	}
	return nil
}

// committed returns an operation that a client began after a time, and that was
// committed in the term of a leader before another, while a lease lived; nil if there
// is none.
func (t *tenancy) committed(r *reign, life *leaseLife, after, before sim.Time) *history.Op {
	first := sort.Search(len(t.Commits), func(c int) bool { return t.commitTime(int32(c)) > after })
	for c := max(first, life.from); c < life.to && t.commitTime(int32(c)) < before; c++ {
		if o := t.opOf[c]; o >= 0 && t.Commits[c].Term == r.term && t.Ops[o].Invoke > after {
			return &t.Ops[o]
		}
	}
	return nil
}

func (t *tenancy) outlived(life *leaseLife, r *reign, expired, at sim.Time, how string, late *history.Op) {
	var ops []Exhibit
	if life.from >= 0 && t.opOf[life.from] >= 0 {
		ops = append(ops, Exhibit{Op: t.Ops[t.opOf[life.from]]})
	}
	ops = append(ops, Exhibit{*late, "before its end"})
	t.add("ended", at, ops, "Lease %d was over at %v at the latest, and n%d, the leader of term %d, %s %v. "+
		"Yet the lease was still there when %s was committed, which was asked for at %v.",
		life.id, expired, r.member, r.term, how, at, store.Describe(late.Request), late.Invoke)
}

// asked: somebody asked for the renewals of a lease that happened at a time.
func (t *tenancy) asked(life *leaseLife, at sim.Time) bool {
	i := slices.IndexFunc(t.lessors.renewals, func(r renewal) bool { return r.lease == life.id && r.at == at })
	if i < 0 {
		return true // it was a leader beginning anew
	}
	for _, k := range t.renewed[life.id] {
		// The request may arrive long after its client got an answer, or gave up: a
		// member asks the leader again if it hears nothing.
		if t.all[k].Invoke <= at {
			return true
		}
	}
	r := t.lessors.renewals[i]
	t.add("ended", at, nil, "n%d renewed lease %d at %v, though nobody had asked for it.", r.member, life.id, at)
	return false
}
