package checker

import (
	"cmp"
	"fmt"
	"slices"
	"sort"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/store"
)

// Locks. What etcd's lock service promises, by name:
//
//   - held: whoever was told that the lock is his, held it at some moment while he
//     waited: his key was there, and the first in the queue (etcd #11456).
//   - one holder: nobody is told so as long as another one may rely on it: the one
//     that was told before, has not unlocked, and whose lease lives for as long as
//     he was told.
//   - fenced: writes that compare the revision that created a place in the queue
//     come in the order of those revisions. Whoever lost the lock writes nothing
//     more once its next holder has written.
//
// The first two are about what clients know, the third about the log.

// guard is what is held in turn in a run, locks or leaderships, being judged.
type guard struct {
	*linearity
	paces
	// judge is the name of the judge, thing what is held, keeper who holds it, keeps
	// what that does with it, and own what another one must not be told then.
	judge, thing, keeper, keeps, own string
	names                            map[string]bool
	// leases are the operations about each lease whose ID is known, givenUp those that
	// unlock or resign each key, and deletions those that delete ranges.
	leases    map[int64][]*history.Op
	givenUp   map[string][]*history.Op
	deletions []*history.Op
	grants    []grant
	judged    int
	found     []Violation
}

// grant is one lock that a client was told to hold, or one election that it was told
// to have won.
type grant struct {
	op    *history.Op
	name  string
	key   string
	lease int64
	// until is when the client may not rely on it any more.
	until sim.Time
}

// judgeLocks judges the locks of a run. ok is false if it had none.
func judgeLocks(l *linearity, all []history.Op, p paces) (j Judgement, ok bool) {
	g := guard{
		linearity: l, paces: p, names: make(map[string]bool),
		judge: "locks", thing: "lock", keeper: "holder", keeps: "holds", own: "it is its own",
	}
	for i := range all {
		if r, ok := all[i].Request.(*store.LockRequest); ok {
			g.names[r.Name] = true
		}
	}
	if len(g.names) == 0 {
		return j, false
	}
	g.collect(all)
	for i := range all {
		if r, ok := all[i].Request.(*store.LockRequest); ok {
			g.granted(&all[i], r)
		}
	}
	g.oneHolder()
	g.fenced()
	return g.judgement(), true
}

// collect gathers the operations that may end what a client holds.
func (g *guard) collect(all []history.Op) {
	g.leases, g.givenUp = make(map[int64][]*history.Op), make(map[string][]*history.Op)
	for i := range all {
		op := &all[i]
		switch q := op.Request.(type) {
		case *store.LeaseGrantRequest:
			if res, ok := op.Response.Result.(*store.LeaseGrantResult); ok {
				g.leases[res.ID] = append(g.leases[res.ID], op)
			}
		case *store.LeaseKeepAliveRequest:
			g.leases[q.ID] = append(g.leases[q.ID], op)
		case *store.LeaseRevokeRequest:
			g.leases[q.ID] = append(g.leases[q.ID], op)
		case *store.UnlockRequest:
			g.givenUp[q.Key] = append(g.givenUp[q.Key], op)
		case *store.ResignRequest:
			if q.Leader != nil {
				g.givenUp[q.Leader.Key] = append(g.givenUp[q.Leader.Key], op)
			}
		case *store.DeleteRangeRequest:
			g.deletions = append(g.deletions, op)
		}
	}
}

// judgement is the first of what was found.
func (g *guard) judgement() Judgement {
	return safety(g.judge, g.judged, g.found)
}

func (g *guard) add(property, key string, at sim.Time, ops []Exhibit, format string, args ...any) {
	g.found = append(g.found, Violation{
		Property: g.judge + ", " + property, Key: key, At: at, Ops: ops, Why: fmt.Sprintf(format, args...),
	})
}

// granted notes a lock that was granted, and judges whether it was held.
func (g *guard) granted(op *history.Op, r *store.LockRequest) {
	res, ok := op.Response.Result.(*store.LockResult)
	if !ok || op.Outcome != history.OK {
		return
	}
	g.relies(grant{op: op, name: r.Name, key: res.Key, lease: r.Lease})
	if len(g.Commits) == 0 {
		return
	}
	from, to := g.during(op)
	there := false
	for n := from; n <= to; n++ {
		if first := g.states[n].firstInLine(r.Name); first != nil && first.Key == res.Key {
			return
		}
		there = there || g.states[n].now.root.get(res.Key) != nil
	}
	what := "was gone"
	if there {
		what = "was behind others"
	}
	g.add("held", r.Name, op.Return, []Exhibit{{*op, "not held"}},
		"c%d was told by n%d at %v that lock %s is its own, but its key %s %s all the time.",
		op.Client, op.Member, op.Return, store.Text(r.Name), store.Text(res.Key), what)
}

// during returns the states from the invocation of an operation to its return: the
// numbers of the first and the last.
func (g *guard) during(op *history.Op) (from, to int) {
	from = sort.Search(len(g.Commits), func(c int) bool { return g.commitTime(int32(c)) >= op.Invoke })
	to = sort.Search(len(g.Commits), func(c int) bool { return g.commitTime(int32(c)) > op.Return })
	return from, to
}

// firstInLine returns the key of the queue that was created first, or nil.
func (s *state) firstInLine(name string) (first *store.KeyValue) {
	prefix, end := store.QueuePrefix(name)
	s.now.root.ascend(prefix, end, func(kv *store.KeyValue) {
		if first == nil || kv.CreateRevision < first.CreateRevision {
			first = kv
		}
	})
	return first
}

// relies notes what a client was granted, and for how long it may rely on it.
func (g *guard) relies(granted grant) {
	g.judged++
	granted.until = g.reliance(&granted)
	g.grants = append(g.grants, granted)
}

// reliance returns until when a client may rely on what it holds: until somebody
// asks to delete its key or to end its lease, and no longer than it was told that
// its lease lives.
func (g *guard) reliance(held *grant) sim.Time {
	var told sim.Time
	ended := sim.Forever
	ends := func(op *history.Op) {
		if g.over(op) >= held.op.Invoke {
			ended = min(ended, op.Invoke)
		}
	}
	for _, op := range g.leases[held.lease] {
		switch op.Request.(type) {
		case *store.LeaseGrantRequest:
			granted := op.Response.Result.(*store.LeaseGrantResult)
			told = max(told, op.Invoke.Add(g.shortest(granted.TTL)))
		case *store.LeaseKeepAliveRequest:
			// What it is told only after its time it cannot have relied on.
			if ttl := keptAlive(op); ttl > 0 && op.Return <= told {
				told = max(told, op.Invoke.Add(g.shortest(ttl)))
			}
		default:
			ends(op)
		}
	}
	for _, op := range g.givenUp[held.key] {
		ends(op)
	}
	for _, op := range g.deletions {
		if op.Request.(*store.DeleteRangeRequest).Key <= held.key {
			ends(op)
		}
	}
	return min(told, ended)
}

// over returns by when an operation has had its effect, if it has any. What a client has
// given up may come later.
func (g *guard) over(op *history.Op) sim.Time {
	if op.Outcome != history.Unknown {
		return op.Return
	}
	switch op.Request.(type) {
	case *store.UnlockRequest, *store.ResignRequest:
		return sim.Forever // a member proposes what comes of it
	}
	// The others are operations of the store, and so the record has them.
	if c := g.commitOf[g.find(op.ID)]; c >= 0 {
		return g.commitTime(c)
	}
	return 0
}

// oneHolder: no two clients may rely on one lock at a time.
func (g *guard) oneHolder() {
	last := make(map[string]grant) // by name: the one that may be relied on longest
	slices.SortStableFunc(g.grants, func(a, b grant) int { return cmp.Compare(a.op.Return, b.op.Return) })
	for _, now := range g.grants {
		if now.until <= now.op.Return {
			continue // the answer came when its lease was over
		}
		before, ok := last[now.name]
		if ok && before.key != now.key && now.op.Return < before.until {
			g.add("one "+g.keeper, now.name, now.op.Return, []Exhibit{{Op: *before.op}, {*now.op, "a second " + g.keeper}},
				"c%d %s %s %s by %s and may rely on it until %v, yet c%d was told at %v that %s.",
				before.op.Client, g.keeps, g.thing, store.Text(now.name), store.Text(before.key), before.until,
				now.op.Client, now.op.Return, g.own)
		}
		if !ok || now.until > before.until || before.key == now.key {
			last[now.name] = now
		}
	}
}

// fenced: writes under a lock come in the order of their tokens.
func (g *guard) fenced() {
	type write struct {
		token  int64
		commit int
	}
	newest := make(map[string]write) // by key
	for c := range g.Commits {
		txn, ok := g.Commits[c].Proposal.Request.(*store.TxnRequest)
		if !ok {
			continue
		}
		res, ok := g.Commits[c].Response.Result.(*store.TxnResult)
		if !ok || !res.Succeeded {
			continue
		}
		name, token := g.fence(txn)
		if name == "" {
			continue
		}
		for _, op := range txn.Success {
			put, ok := op.(*store.PutRequest)
			if !ok {
				continue
			}
			g.judged++
			before, ok := newest[put.Key]
			if ok && token < before.token {
				at := g.commitTime(int32(c))
				g.add("fenced", put.Key, at, g.exhibits(before.commit, c),
					"%s was written under token %d of %s %s at index %d, though it had been written under token %d at index %d.",
					store.Text(put.Key), token, g.thing, store.Text(name), g.Commits[c].Index, before.token, g.Commits[before.commit].Index)
				continue
			}
			newest[put.Key] = write{token, c}
		}
	}
}

// exhibits returns the operations behind two commits, as far as clients asked for
// them.
func (g *guard) exhibits(before, now int) []Exhibit {
	var ops []Exhibit
	if o := g.opOf[before]; o >= 0 {
		ops = append(ops, Exhibit{Op: g.Ops[o]})
	}
	if o := g.opOf[now]; o >= 0 {
		ops = append(ops, Exhibit{g.Ops[o], "by an earlier holder"})
	}
	return ops
}

// fence returns the lock and the token by which a transaction is fenced, or "".
func (g *guard) fence(txn *store.TxnRequest) (name string, token int64) {
	for i := range txn.Compare {
		c := &txn.Compare[i]
		if c.Target != store.CompareCreate || c.Result != store.CompareEqual || c.Num == 0 {
			continue
		}
		for candidate := range g.names { // unordered: at most one is the queue of a key
			prefix, end := store.QueuePrefix(candidate)
			if prefix < c.Key && c.Key < end && !slices.Contains([]byte(c.Key[len(prefix):]), '/') {
				return candidate, c.Num
			}
		}
	}
	return "", 0
}
