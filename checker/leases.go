package checker

import (
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
//     begins the time anew and adds an election's. Then it looks, finds the lease
//     over, and proposes its end; and nothing that somebody asks of it later is
//     committed before that.
//   - revoked whole: with a lease go exactly the keys on it, in one revision.
//   - answers: what is said of a lease is so.
//   - one lessor: a leader whose clock stood still, and that was replaced meanwhile,
//     renews nothing.
//
// When leases began and ended is in the committed log. When they were to end
// follows from the renewals: that clients were told of them is in the history,
// when they happened is in the trace.
//
// No promise is measured by the time that a commit, or the news of a new leader,
// takes: a packet may be late by minutes, and nobody has done anything wrong.

// LeaseRules are the times that a cluster keeps to.
type LeaseRules struct {
	// Look is the time between two looks of a leader at its leases.
	Look time.Duration
	// Retry is how long a leader waits for the end of a lease that it has proposed,
	// before it proposes it again.
	Retry time.Duration
	// Sure is how long after its last heartbeat a leader need not ask whether it
	// still leads: three ticks, and the ticks between two heartbeats.
	Sure time.Duration
}

// DefaultLeaseRules are those of etcd's default settings.
func DefaultLeaseRules() LeaseRules {
	return LeaseRules{Look: 500 * time.Millisecond, Retry: 7 * time.Second, Sure: 400 * time.Millisecond}
}

// by returns the rules of members whose clocks may run at this slow pace.
func (r LeaseRules) by(pace sim.Drift) LeaseRules {
	return LeaseRules{Look: pace.Takes(r.Look), Retry: pace.Takes(r.Retry), Sure: pace.Takes(r.Sure)}
}

// tenancy is the leases of a run, being judged.
type tenancy struct {
	*linearity
	all []history.Op // those of the key-value store and all others
	paces
	rules   LeaseRules
	lessors *Lessors
	lives   []leaseLife
	byID    map[int64][]int // positions in lives
	renewed map[int64][]int // positions in all of keep-alives, in order of invocation
	judged  int
	found   []Violation
}

// leaseLife is the time from a grant to the end of a lease. An ID may have
// several lives.
type leaseLife struct {
	id, ttl int64
	// from and to are the commits that began and ended it. from is -1 if it was there
	// before the first one, and to is len(Commits) as long as it has not ended.
	from, to     int
	began, ended sim.Time
	// left are the checkpoints of it.
	left []checkpointMark
	// refused is when revocations of it were committed and refused: users or roles had
	// changed since the leader proposed them.
	refused []sim.Time
}

// atFirst returns the time that a lease had when its life began, in seconds.
func (l *leaseLife) atFirst() int64 {
	if l.from < 0 && len(l.left) > 0 && l.left[0].at == 0 {
		return l.left[0].seconds
	}
	return l.ttl
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
	t.inherit()
	t.live()
	for i := range all {
		switch r := all[i].Request.(type) {
		case *store.LeaseKeepAliveRequest:
			t.renewed[r.ID] = append(t.renewed[r.ID], i)
			t.keepAlive(&all[i], r)
		case *store.LeaseTimeToLiveRequest:
			t.timeToLive(&all[i], r)
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

// inherit begins the lives of the leases that were there before the first entry. Their
// time is counted from the first leader on: what the last checkpoint left of it, or
// all.
func (t *tenancy) inherit() {
	if t.Initial == nil {
		return
	}
	for _, l := range t.Initial.Leases {
		life := leaseLife{id: l.ID, ttl: max(l.TTL, t.model.minTTL), from: -1, to: len(t.Commits), ended: sim.Forever}
		if l.Remaining > 0 {
			life.left = []checkpointMark{{seconds: l.Remaining}}
		}
		t.byID[l.ID] = []int{len(t.lives)}
		t.lives = append(t.lives, life)
	}
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
	told, until := int(-1), life.began.Add(t.shortest(life.atFirst()))
	switch {
	case life.ended >= until:
	case life.from < 0:
		t.add("kept", life.ended, nil, "Lease %d was there in the beginning, with %d s to live. Yet a member revoked it at %v, at index %d.",
			life.id, life.atFirst(), life.ended, t.Commits[life.to].Index)
		return
	case t.opOf[life.from] >= 0:
		t.tooEarly(life, &t.Ops[t.opOf[life.from]], until)
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
// been replaced and could not know. A leader that is cut off learns of its end
// within two election timeouts of its clock (CheckQuorum), and etcd lets it answer
// until then: its successor has given every lease an election's time more, which
// usually, but not always, covers what is promised here.
func (t *tenancy) justReplaced(id int64, op *history.Op) bool {
	if t.lessors == nil {
		return false
	}
	replaced := false
	for i := range t.lessors.renewals {
		r := &t.lessors.renewals[i]
		if r.lease != id || r.at < op.Invoke || r.at > op.Return {
			continue
		}
		if _, ok := t.lessors.successor(r.term, r.at); !ok || t.careless(r, op) {
			return false
		}
		replaced = true
	}
	return replaced
}

// careless reports whether a leader renewed a lease for a client though its clock had
// stood still, and without asking whether it still led. While the clock ticks,
// CheckQuorum sees to it that somebody who is replaced learns of that. Where another
// member passes the request on, etcd's leader does not ask (leasehttp).
func (t *tenancy) careless(r *renewal, op *history.Op) bool {
	return r.stood > t.rules.Sure && !r.confirmed && op.Member == r.member
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
	t.current(op, r.ID, seen)
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
	if t.current(op, r.ID, seen) && life != nil && t.lessors != nil && len(t.lessors.reignsIn(op.Invoke, op.Return)) == 1 {
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
		if k := &t.all[i]; k.Return <= op.Invoke && k.Invoke >= life.began && !t.justReplaced(life.id, k) {
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
// it was. An answer of a leader that is one no longer, and does not know yet, may be
// older.
func (t *tenancy) current(op *history.Op, id int64, seen int) bool {
	for _, i := range t.byID[id] {
		for _, c := range [...]int{t.lives[i].from, t.lives[i].to} {
			if c < seen || c >= len(t.Commits) || t.commitTime(int32(c)) >= op.Invoke {
				continue
			}
			if t.knownTo(c, op) {
				t.add("answers", op.Return, []Exhibit{{*op, "stale"}},
					"n%d answered from applied index %d, though %s had been committed at index %d at %v.",
					op.Member, op.Applied, store.Describe(t.Commits[c].Proposal.Request), t.Commits[c].Index, t.commitTime(int32(c)))
			}
			return false
		}
	}
	return true
}

// knownTo reports whether everybody who acted as a leader during an operation had
// applied a commit when it began: a leader is the first to apply an entry of its term,
// unless its successor commits that, and has applied what came before when it does.
func (t *tenancy) knownTo(c int, op *history.Op) bool {
	if t.lessors == nil {
		return false
	}
	reigns := t.lessors.reignsIn(op.Invoke, op.Return)
	for _, r := range reigns {
		own := sort.Search(len(t.Commits), func(i int) bool { return t.Commits[i].Term >= r.term })
		if own < c {
			own = c
		}
		if own == len(t.Commits) || t.Commits[own].Term != r.term || t.commitTime(int32(own)) >= op.Invoke {
			return false
		}
		if _, replaced := t.lessors.successor(r.term, t.commitTime(int32(own))); replaced {
			return false
		}
	}
	return len(reigns) > 0
}

// bornAt returns the revision of the store when a life began.
func (t *tenancy) bornAt(life *leaseLife) int64 {
	if life.from < 0 {
		return 0
	}
	return t.Commits[life.from].Response.Revision
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
				kv.ModRevision > t.bornAt(life) {
				t.add("revoked whole", op.Return, []Exhibit{{*op, "a key without its lease"}},
					"Lease %d ended at rev %d, and %s was on it; n%d showed it at rev %d.",
					life.id, end, kvText(kv), op.Member, op.Response.Revision)
			}
		}
	}
}

// deposed: a leader whose clock stood still asks a quorum before it renews a lease: it
// may have been replaced (etcd #15247).
func (t *tenancy) deposed() {
	if t.lessors == nil {
		return
	}
	for i := range t.lessors.renewals {
		r := &t.lessors.renewals[i]
		e, ok := t.lessors.successor(r.term, r.at)
		if !ok {
			continue
		}
		for _, k := range t.renewed[r.lease] {
			if op := &t.all[k]; op.Invoke <= r.at && r.at <= op.Return && keptAlive(op) > 0 && t.careless(r, op) {
				t.add("one lessor", r.at, []Exhibit{{*op, "by a leader of the past"}},
					"n%d renewed lease %d at %v as the leader of term %d, though n%d had led term %d since %v.",
					r.member, r.lease, r.at, r.term, e.Member, e.Term, e.At)
			}
		}
	}
}
