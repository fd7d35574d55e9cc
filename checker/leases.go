package checker

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"time"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/store"
)

// Leases. What etcd promises of them, by name:
//
//   - kept: whoever was told that a lease lives for so long, by granting or
//     renewing it, can rely on it: no leader ends it earlier, whatever elections
//     come between. Only a client may revoke it.
//   - ended: a lease that nobody renews ends when its time is over. A new leader
//     begins the time anew and adds an election's; then comes the wait for the
//     leader's next look, and a commit. As long as the cluster commits anything,
//     it does not take longer.
//   - revoked whole: with a lease go exactly the keys on it, in one revision.
//   - answers: what is said of a lease is so.
//   - one lessor: a leader that was replaced renews nothing.
//
// When leases began and ended is in the committed log. When they were to end
// follows from the renewals: that clients were told of them is in the history,
// when they happened is in the trace.

// LeaseRules are the times that a cluster keeps to.
type LeaseRules struct {
	// Election is the least time without a leader after which others campaign.
	Election time.Duration
	// Look is the time between two looks of a leader at its leases.
	Look time.Duration
	// Retry is how long a member waits for a request before it gives up, or
	// proposes a revocation again.
	Retry time.Duration
}

// DefaultLeaseRules are those of etcd's default settings.
func DefaultLeaseRules() LeaseRules {
	return LeaseRules{Election: time.Second, Look: 500 * time.Millisecond, Retry: 7 * time.Second}
}

// by returns the rules of members whose clocks may run at this slow pace.
func (r LeaseRules) by(pace sim.Drift) LeaseRules {
	return LeaseRules{Election: pace.Takes(r.Election), Look: pace.Takes(r.Look), Retry: pace.Takes(r.Retry)}
}

// patience is how long after its expiry an untroubled cluster has a lease at most:
// until the next look, and two elections' time for a commit.
func (r LeaseRules) patience() time.Duration { return r.Look + 2*r.Election }

// tenancy is the leases of a run, being judged.
type tenancy struct {
	*linearity
	all []history.Op // those of the key-value store and all others
	paces
	// handovers are the times at which a leader may have been about to hand over: it
	// takes no proposals until it has, or has given up after an election's time.
	handovers []handover
	rules     LeaseRules
	lessors   *Lessors
	lives     []leaseLife
	byID      map[int64][]int // positions in lives
	renewed   map[int64][]int // positions in all of keep-alives, in order of invocation
	judged    int
	found     []Violation
}

// handover is a time at which a leader may have been about to hand over.
type handover struct{ from, to sim.Time }

// leaseLife is the time from a grant to the end of a lease. An ID may have
// several lives.
type leaseLife struct {
	id, ttl int64
	// from and to are the commits that began and ended it; to is len(Commits) as
	// long as it has not ended.
	from, to     int
	began, ended sim.Time
	// left are the checkpoints of it.
	left []checkpointMark
	// refused is when revocations of it were committed and refused: users or roles had
	// changed since the leader proposed them.
	refused []sim.Time
}

type checkpointMark struct {
	at      sim.Time
	seconds int64
}

// judgeLeases judges the leases of a run. ok is false if it had none.
func judgeLeases(l *linearity, all []history.Op, o Options) (j Judgement, ok bool) {
	t := tenancy{
		linearity: l, all: all, rules: o.Leases, lessors: o.Lessors,
		byID: make(map[int64][]int), renewed: make(map[int64][]int),
	}
	if t.rules == (LeaseRules{}) {
		t.rules = DefaultLeaseRules()
	}
	if t.lessors != nil {
		t.paces = t.lessors.paces
		t.rules = t.rules.by(t.slowest)
	}
	t.live()
	for i := range all {
		switch r := all[i].Request.(type) {
		case *store.LeaseKeepAliveRequest:
			t.renewed[r.ID] = append(t.renewed[r.ID], i)
			t.keepAlive(&all[i], r)
		case *store.LeaseTimeToLiveRequest:
			t.timeToLive(&all[i], r)
		case *store.MoveLeaderRequest:
			asked := all[i].Invoke
			t.handovers = append(t.handovers, handover{asked, min(all[i].Return, asked.Add(t.rules.Retry)).Add(t.rules.Election)})
		case *store.LeaseLeasesRequest:
			t.list(&all[i])
		case *store.RangeRequest:
			t.read(&all[i], r)
		}
	}
	if len(t.lives) == 0 && t.judged == 0 {
		return j, false
	}
	for i := range t.lives {
		t.judged++
		t.kept(&t.lives[i])
		t.over(&t.lives[i])
		t.whole(&t.lives[i])
	}
	t.deposed()

	return safety("leases", t.judged, t.found), true
}

func (t *tenancy) add(property string, at sim.Time, ops []Exhibit, format string, args ...any) {
	t.found = append(t.found, Violation{
		Property: "leases, " + property, At: at, Ops: ops, Why: fmt.Sprintf(format, args...),
	})
}

// live reads the lives of the leases off the log.
func (t *tenancy) live() {
	for c := range t.Commits {
		resp := &t.Commits[c].Response
		if resp.Err != nil {
			if r, ok := t.Commits[c].Proposal.Request.(*store.LeaseRevokeRequest); ok {
				if life := t.lifeAt(r.ID, c); life != nil {
					life.refused = append(life.refused, t.commitTime(int32(c)))
				}
			}
			continue
		}
		switch r := t.Commits[c].Proposal.Request.(type) {
		case *store.LeaseGrantRequest:
			ttl := r.TTL
			if res, ok := resp.Result.(*store.LeaseGrantResult); ok {
				ttl = res.TTL
			}
			t.byID[r.ID] = append(t.byID[r.ID], len(t.lives))
			t.lives = append(t.lives, leaseLife{
				id: r.ID, ttl: ttl, from: c, to: len(t.Commits), began: t.commitTime(int32(c)), ended: sim.Forever,
			})
		case *store.LeaseRevokeRequest:
			if life := t.lifeAt(r.ID, c); life != nil {
				life.to, life.ended = c, t.commitTime(int32(c))
			}
		case *store.LeaseCheckpointRequest:
			for _, mark := range r.Checkpoints {
				if life := t.lifeAt(mark.ID, c); life != nil {
					life.left = append(life.left, checkpointMark{t.commitTime(int32(c)), mark.RemainingTTL})
				}
			}
		}
	}
}

// lifeAt returns the life of a lease after so many commits, or nil.
func (t *tenancy) lifeAt(id int64, commits int) *leaseLife {
	for _, i := range slices.Backward(t.byID[id]) {
		if life := &t.lives[i]; life.from < commits {
			if commits <= life.to {
				return life
			}
			return nil
		}
	}
	return nil
}

// revoker returns the operation of the client that ended a life, or nil if a
// member did.
func (t *tenancy) revoker(life *leaseLife) *history.Op {
	if life.to < len(t.Commits) && t.opOf[life.to] >= 0 {
		return &t.Ops[t.opOf[life.to]]
	}
	return nil
}

// kept: no member ends a lease before the time that a client was told.
func (t *tenancy) kept(life *leaseLife) {
	if life.to == len(t.Commits) || t.revoker(life) != nil {
		return
	}
	told, until := int(-1), life.began.Add(t.shortest(life.ttl))
	if o := t.opOf[life.from]; life.ended < until && o >= 0 {
		t.tooEarly(life, &t.Ops[o], until)
		return
	}
	for _, i := range t.renewed[life.id] {
		op := &t.all[i]
		ttl := keptAlive(op)
		if ttl > 0 && op.Invoke >= life.began && op.Invoke < life.ended && op.Invoke.Add(t.shortest(ttl)) > until &&
			!t.justReplaced(life.id, op) {
			told, until = i, op.Invoke.Add(t.shortest(ttl))
		}
	}
	if told >= 0 && life.ended < until {
		t.tooEarly(life, &t.all[told], until)
	}
}

// justReplaced reports whether the answer to a renewal came from a leader that had
// been replaced not long before. A leader that is cut off learns of its end
// within two election timeouts (CheckQuorum), and etcd lets it answer until then:
// its successor has given every lease an election's time more, which usually, but
// not always, covers what is promised here.
func (t *tenancy) justReplaced(id int64, op *history.Op) bool {
	if t.lessors == nil {
		return false
	}
	replaced := false
	for _, r := range t.lessors.renewals {
		if r.lease != id || r.at < op.Invoke || r.at > op.Return {
			continue
		}
		successor := slices.IndexFunc(t.lessors.elections, func(e Election) bool { return e.Term > r.term && e.At <= r.at })
		if successor < 0 {
			return false
		}
		since := t.lessors.elections[successor].At
		if r.at > since.Add(2*t.rules.Election) && !t.lessors.isSluggish(r.member, since, r.at) {
			return false
		}
		replaced = true
	}
	return replaced
}

func (t *tenancy) tooEarly(life *leaseLife, op *history.Op, until sim.Time) {
	t.add("kept", life.ended, []Exhibit{{*op, "not kept"}},
		"n%d answered %s; so lease %d lives until %v at least. Yet a member revoked it at %v, at index %d.",
		op.Member, store.DescribeAnswered(op.Request, op.Response), life.id, until, life.ended, t.Commits[life.to].Index)
}

// keptAlive returns the time that a client was told its renewal got it, in
// seconds, and 0 if it was told of none.
func keptAlive(op *history.Op) int64 {
	if res, ok := op.Response.Result.(*store.LeaseKeepAliveResult); ok && op.Outcome == history.OK {
		return res.TTL
	}
	return 0
}

// deadline is a moment from which on a lease is to end at another time.
type deadline struct{ at, expiry sim.Time }

// deadlines returns when a life was to end, as it changed over time: by its
// grant, by renewals, and by leaders who began anew.
func (t *tenancy) deadlines(life *leaseLife) []deadline {
	all := []deadline{{life.began, life.began.Add(t.longest(life.ttl))}}
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
	// That it ended then does not show that it could have ended before.
	end := min(life.ended-1, t.commitTime(int32(len(t.Commits)-1)))
	all := t.deadlines(life)
	latest := sim.Time(0)
	for i, d := range all {
		latest = max(latest, d.expiry)
		next := end
		if i+1 < len(all) {
			next = all[i+1].at - 1 // what a new leader commits as it begins is no proof against the one before
		}
		if limit, late := t.late(life, latest, next); late {
			t.outlived(life, latest, limit)
			return
		}
		if i > 0 && !t.asked(life, d.at) {
			return
		}
	}
}

// late reports whether a lease with this expiry should have ended by now, and
// when.
func (t *tenancy) late(life *leaseLife, expiry, now sim.Time) (limit sim.Time, late bool) {
	limit = expiry.Add(t.rules.patience())
	for {
		// What comes between may make the leader try again later.
		var last sim.Time
		if trouble, ok := t.lessors.lastTrouble(limit); ok {
			last = trouble.at
		}
		for _, at := range life.refused {
			if at <= limit {
				last = max(last, at)
			}
		}
		for _, h := range t.handovers {
			if h.from <= limit {
				last = max(last, min(h.to, limit))
			}
		}
		longer := max(expiry, last).Add(t.rules.patience() + t.rules.Retry)
		if last == 0 || last < expiry.Add(-t.rules.patience()) || longer <= limit {
			break
		}
		limit = longer
	}
	if limit >= now {
		return limit, false
	}
	// The cluster must have been able to commit its end.
	c := sort.Search(len(t.Commits), func(c int) bool { return t.commitTime(int32(c)) > limit })
	return limit, c < len(t.Commits) && t.commitTime(int32(c)) <= now
}

func (t *tenancy) outlived(life *leaseLife, expiry, limit sim.Time) {
	var ops []Exhibit
	if o := t.opOf[life.from]; o >= 0 {
		ops = append(ops, Exhibit{Op: t.Ops[o]})
	}
	how := "it is still there"
	if life.ended != sim.Forever {
		how = fmt.Sprintf("it ended at %v", life.ended)
	}
	t.add("ended", limit, ops, "Lease %d expired at %v and was to be gone by %v, but %s.", life.id, expiry, limit, how)
}

// asked: somebody asked for the renewals of a lease that happened at a time.
func (t *tenancy) asked(life *leaseLife, at sim.Time) bool {
	i := slices.IndexFunc(t.lessors.renewals, func(r renewal) bool { return r.lease == life.id && r.at == at })
	if i < 0 {
		return true // it was a leader beginning anew
	}
	for _, k := range t.renewed[life.id] {
		// A member goes on trying for a client that does not wait any more, and a
		// request may lie for long in the mailbox of a member that stands still.
		op := &t.all[k]
		if op.Invoke <= at && (op.Outcome == history.Unknown || at <= op.Return.Add(t.rules.Retry)) {
			return true
		}
	}
	r := t.lessors.renewals[i]
	t.add("ended", at, nil, "n%d renewed lease %d at %v, though nobody had asked for it.", r.member, life.id, at)
	return false
}

// whole: a revocation takes the keys on the lease with it in one revision.
func (t *tenancy) whole(life *leaseLife) {
	if life.to == len(t.Commits) {
		return
	}
	before, resp := &t.states[life.to], &t.Commits[life.to].Response
	keys := before.keysOn(life.id)
	want := before.rev()
	if len(keys) > 0 {
		want++
	}
	if resp.Revision != want {
		t.add("revoked whole", life.ended, nil,
			"The end of lease %d with %s on it must lead from rev %d to rev %d, but the store answered rev %d.",
			life.id, countText(int64(len(keys))), before.rev(), want, resp.Revision)
	}
}

// keysOn returns the keys on a lease, in their order.
func (s *state) keysOn(id int64) []string {
	var keys []string
	s.now.root.ascend("\x00", "\x00", func(kv *store.KeyValue) {
		if kv.Lease == id {
			keys = append(keys, kv.Key)
		}
	})
	return keys
}

// commitsSeen returns how many commits an answer reflects, as its member says.
func (t *tenancy) commitsSeen(op *history.Op) (commits int, known bool) {
	if op.Applied == 0 || len(t.Commits) == 0 {
		return 0, false
	}
	return sort.Search(len(t.Commits), func(c int) bool { return t.Commits[c].Index > op.Applied }), true
}

// keepAlive judges what was answered to a renewal.
func (t *tenancy) keepAlive(op *history.Op, r *store.LeaseKeepAliveRequest) {
	res, ok := op.Response.Result.(*store.LeaseKeepAliveResult)
	if !ok || op.Outcome != history.OK {
		return
	}
	t.judged++
	seen, known := t.commitsSeen(op)
	if !known {
		return
	}
	want := int64(0)
	if life := t.lifeAt(r.ID, seen); life != nil {
		want = life.ttl
	}
	if res.ID != r.ID || res.TTL != want {
		t.wrong(op, fmt.Sprintf("%ds", want))
		return
	}
	// A leader that was just replaced may not know it yet; one with a slow processor for
	// longer, since it counts few ticks.
	t.current(op, r.ID, seen, func(sim.Time) bool {
		return t.lessors != nil && !t.lessors.elected(op.Invoke.Add(-2*t.rules.Election), op.Return) &&
			!t.lessors.isSluggish(op.Member, op.Invoke.Add(-2*t.rules.Election-t.rules.Retry), op.Return)
	})
}

// timeToLive judges what was answered of the time that a lease has left.
func (t *tenancy) timeToLive(op *history.Op, r *store.LeaseTimeToLiveRequest) {
	res, ok := op.Response.Result.(*store.LeaseTimeToLiveResult)
	if !ok || op.Outcome != history.OK {
		return
	}
	t.judged++
	seen, known := t.commitsSeen(op)
	if !known {
		return
	}
	life := t.lifeAt(r.ID, seen)
	switch {
	case life == nil:
		if res.TTL != -1 || res.GrantedTTL != 0 || len(res.Keys) > 0 {
			t.wrong(op, "no such lease")
		}
	case res.GrantedTTL != life.ttl:
		t.wrong(op, fmt.Sprintf("%ds granted", life.ttl))
		return
	case r.Keys && !slices.Equal(res.Keys, t.states[seen].keysOn(r.ID)):
		t.wrong(op, fmt.Sprintf("keys %v", t.states[seen].keysOn(r.ID)))
		return
	}
	calm := func(since sim.Time) bool { return t.lessors.calm(since.Add(-2*t.rules.Election), op.Return) }
	if t.current(op, r.ID, seen, calm) && life != nil && calm(op.Invoke) {
		t.left(op, life, res.TTL)
	}
}

// left judges the time that a lease was said to have left: it is not more than
// the latest deadline allows, and not less than a client was promised.
func (t *tenancy) left(op *history.Op, life *leaseLife, ttl int64) {
	var latest sim.Time
	for _, d := range t.deadlines(life) {
		if d.at <= op.Return {
			latest = max(latest, d.expiry)
		}
	}
	if most := int64(latest.Sub(op.Invoke) / time.Second); ttl > most {
		t.wrong(op, fmt.Sprintf("at most %ds", most))
		return
	}
	var until sim.Time
	for _, i := range t.renewed[life.id] {
		if k := &t.all[i]; k.Return <= op.Invoke && k.Invoke >= life.began {
			until = max(until, k.Invoke.Add(t.shortest(keptAlive(k))))
		}
	}
	if least := int64(until.Sub(op.Return) / time.Second); until > op.Return && ttl < least {
		t.wrong(op, fmt.Sprintf("at least %ds", least))
	}
}

// list judges a list of all leases, which a member gives as it knows them.
func (t *tenancy) list(op *history.Op) {
	res, ok := op.Response.Result.(*store.LeaseLeasesResult)
	if !ok || op.Outcome != history.OK {
		return
	}
	t.judged++
	if seen, known := t.commitsSeen(op); known && !slices.Equal(res.Leases, t.states[seen].leases) {
		t.wrong(op, fmt.Sprintf("%v", t.states[seen].leases))
	}
}

func (t *tenancy) wrong(op *history.Op, want string) {
	t.add("answers", op.Return, []Exhibit{{*op, "wrong"}}, "After index %d the answer to %s is %s.",
		op.Applied, store.Describe(op.Request), want)
}

// current judges whether an answer was up to date: whether the lease neither began
// nor ended between what the answer reflects and the question. It reports whether
// it was. Where binding says that the answer may be older, it is not judged.
func (t *tenancy) current(op *history.Op, id int64, seen int, binding func(since sim.Time) bool) bool {
	for _, i := range t.byID[id] {
		for _, c := range [...]int{t.lives[i].from, t.lives[i].to} {
			if c < seen || c >= len(t.Commits) || t.commitTime(int32(c)) >= op.Invoke {
				continue
			}
			if at := t.commitTime(int32(c)); binding(at) {
				t.add("answers", op.Return, []Exhibit{{*op, "stale"}},
					"n%d answered from applied index %d, though %s had been committed at index %d at %v.",
					op.Member, op.Applied, store.Describe(t.Commits[c].Proposal.Request), t.Commits[c].Index, at)
			}
			return false
		}
	}
	return true
}

// read: nobody sees a key on a lease that is gone.
func (t *tenancy) read(op *history.Op, r *store.RangeRequest) {
	res, ok := op.Response.Result.(*store.RangeResult)
	if !ok || op.Outcome != history.OK || r.Revision > 0 {
		return
	}
	for _, kv := range res.KVs {
		if kv.Lease == 0 {
			continue
		}
		t.judged++
		for _, n := range t.byID[kv.Lease] {
			life := &t.lives[n]
			if life.to == len(t.Commits) {
				continue
			}
			if end := t.Commits[life.to].Response.Revision; kv.ModRevision < end && end <= op.Response.Revision &&
				kv.ModRevision > t.Commits[life.from].Response.Revision {
				t.add("revoked whole", op.Return, []Exhibit{{*op, "a key without its lease"}},
					"Lease %d ended at rev %d, and %s was on it; n%d showed it at rev %d.",
					life.id, end, kvText(kv), op.Member, op.Response.Revision)
			}
		}
	}
}

// deposed: a leader that was replaced some time ago renews nothing (etcd #15247).
// It may not know for as long as it takes to step down.
func (t *tenancy) deposed() {
	if t.lessors == nil {
		return
	}
	for _, r := range t.lessors.renewals {
		i := slices.IndexFunc(t.lessors.elections, func(e Election) bool { return e.Term > r.term })
		if i < 0 {
			continue
		}
		e := t.lessors.elections[i]
		if r.at <= e.At.Add(2*t.rules.Election+t.rules.Look) || t.lessors.isSluggish(r.member, e.At, r.at) {
			continue
		}
		for _, k := range t.renewed[r.lease] {
			if op := &t.all[k]; op.Invoke <= r.at && r.at <= op.Return && keptAlive(op) > 0 {
				t.add("one lessor", r.at, []Exhibit{{*op, "by a leader of the past"}},
					"n%d renewed lease %d at %v as the leader of term %d, though n%d had led term %d since %v.",
					r.member, r.lease, r.at, r.term, e.Member, e.Term, e.At)
			}
		}
	}
}
