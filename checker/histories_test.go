package checker

import (
	"fmt"
	"sort"
	"time"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/store"
)

// tinyStore is a linearizable store for tests: a map and a counter. It knows
// puts, gets, deletes of one key, ranges over all keys, and transactions that
// put a key if it is at a version.
type tinyStore struct {
	keys map[string]store.KeyValue
	rev  int64
}

func newTinyStore() *tinyStore { return &tinyStore{keys: map[string]store.KeyValue{}, rev: 1} }

func (s *tinyStore) clone() *tinyStore {
	c := &tinyStore{keys: make(map[string]store.KeyValue, len(s.keys)), rev: s.rev}
	for k, kv := range s.keys { // unordered: fills a map
		c.keys[k] = kv
	}
	return c
}

func (s *tinyStore) put(key, value string) store.Response {
	s.rev++
	kv, ok := s.keys[key]
	if !ok {
		kv = store.KeyValue{Key: key, CreateRevision: s.rev}
	}
	kv.Value, kv.ModRevision = value, s.rev
	kv.Version++
	s.keys[key] = kv
	return store.Response{Revision: s.rev, Result: &store.PutResult{}}
}

func (s *tinyStore) serve(r store.Request) store.Response {
	switch r := r.(type) {
	case *store.PutRequest:
		return s.put(r.Key, r.Value)
	case *store.DeleteRangeRequest:
		n := int64(0)
		if _, ok := s.keys[r.Key]; ok {
			delete(s.keys, r.Key)
			s.rev++
			n = 1
		}
		return store.Response{Revision: s.rev, Result: &store.DeleteRangeResult{Deleted: n}}
	case *store.TxnRequest:
		c, put := r.Compare[0], r.Success[0].(*store.PutRequest)
		if s.keys[c.Key].Version != c.Num {
			kvs := s.get(c.Key)
			got := store.Response{Revision: s.rev, Result: &store.RangeResult{KVs: kvs, Count: int64(len(kvs))}}
			return store.Response{Revision: s.rev, Result: &store.TxnResult{Responses: []store.Response{got}}}
		}
		answer := s.put(put.Key, put.Value)
		return store.Response{Revision: s.rev, Result: &store.TxnResult{Succeeded: true, Responses: []store.Response{answer}}}
	case *store.RangeRequest:
		kvs := s.get(r.Key)
		if r.RangeEnd != "" {
			kvs = kvs[:0]
			for _, kv := range s.keys { // unordered: sorted below
				kvs = append(kvs, &kv)
			}
			sort.Slice(kvs, func(i, j int) bool { return kvs[i].Key < kvs[j].Key })
		}
		return store.Response{Revision: s.rev, Result: &store.RangeResult{KVs: kvs, Count: int64(len(kvs))}}
	}
	panic(fmt.Sprintf("the tiny store does not know %T", r))
}

func (s *tinyStore) get(key string) []*store.KeyValue {
	if kv, ok := s.keys[key]; ok {
		return []*store.KeyValue{&kv}
	}
	return nil
}

// anomaly is a defect that a generated history may have.
type anomaly int

const (
	none anomaly = iota
	staleRead
	staleReadHidden // the member claims a newer applied index than it served
	lostWrite
	doubleApply
	wrongRevision
	wrongVersion
	dirtyRead
	futureRead
	numAnomalies
)

func (a anomaly) String() string {
	return [...]string{
		"none", "stale read", "hidden stale read", "lost write", "double apply", "wrong revision", "wrong version", "dirty read", "future read",
	}[a]
}

// recipe describes a history to generate.
type recipe struct {
	seed             uint64
	ops              int
	clients, keys    int
	timeouts         sim.Ratio
	serializable     sim.Ratio
	anomaly          anomaly
	rate             sim.Ratio // of the anomaly, among the operations it can befall
	latency          time.Duration
	withoutKnowledge bool // no log, no applied indexes: a history from elsewhere
}

// generate runs clients against a tiny store. Each operation takes effect at one
// instant between invocation and return.
func generate(r recipe) history.History {
	g := &generator{recipe: r, rand: sim.NewRand(r.seed, "history"), store: newTinyStore(), index: 1}
	if g.latency == 0 {
		g.latency = 10 * time.Millisecond
	}
	for c := range r.clients {
		g.queue.Push(sim.Time(g.rand.Between(0, g.latency)), func(at sim.Time) { g.invoke(c, at) })
	}
	for g.queue.Len() > 0 {
		at, happen := g.queue.Pop()
		happen(at)
	}
	h := history.History{Ops: g.ops, Commits: g.commits}
	if r.withoutKnowledge {
		h.Commits = nil
		for i := range h.Ops {
			h.Ops[i].Applied, h.Ops[i].Term, h.Ops[i].Member = 0, 0, 0
		}
	}
	return h
}

type generator struct {
	recipe
	rand    sim.Rand
	queue   sim.Queue[func(sim.Time)]
	store   *tinyStore
	past    []*tinyStore // before each commit
	ops     []history.Op
	commits []history.Commit
	index   uint64
	begun   int
}

func (g *generator) invoke(client int, at sim.Time) {
	if g.begun == g.recipe.ops {
		return
	}
	g.begun++
	op := history.Op{
		ID: uint64(g.begun), Client: client, Member: uint64(1 + client%3), Term: 2, Request: g.request(), Invoke: at, Outcome: history.OK,
	}
	effect := at.Add(g.rand.Between(0, g.latency))
	if g.rand.Hit(g.timeouts) {
		// The client gives up; the request may still arrive, or not.
		op.Outcome, op.Return = history.Unknown, at.Add(g.latency)
		g.ops = append(g.ops, op)
		if g.rand.Hit(sim.Percent(50)) {
			late := at.Add(g.rand.Between(0, 20*g.latency))
			g.queue.Push(late, func(at sim.Time) { g.take(&op, at) })
		}
		g.next(client, op.Return)
		return
	}
	g.queue.Push(effect, func(at sim.Time) {
		op.Response = g.take(&op, at)
		op.Return = at.Add(g.rand.Between(0, g.latency))
		g.queue.Push(op.Return, func(at sim.Time) {
			g.ops = append(g.ops, op)
			g.next(client, at)
		})
	})
}

func (g *generator) next(client int, at sim.Time) {
	g.queue.Push(at.Add(1+g.rand.Between(0, g.latency)), func(at sim.Time) { g.invoke(client, at) })
}

func (g *generator) request() store.Request {
	key := fmt.Sprintf("k%d", g.rand.Intn(g.keys))
	switch g.rand.Intn(10) {
	case 0:
		return &store.DeleteRangeRequest{Key: key}
	case 1:
		return &store.TxnRequest{
			Compare: []store.Compare{{Target: store.CompareVersion, Key: key, Num: g.store.keys[key].Version}},
			Success: []store.Op{&store.PutRequest{Key: key, Value: g.value()}},
			Failure: []store.Op{&store.RangeRequest{Key: key}},
		}
	case 2, 3, 4, 5:
		return &store.PutRequest{Key: key, Value: g.value()}
	case 6:
		return &store.RangeRequest{Key: "a", RangeEnd: "z", Serializable: g.rand.Hit(g.serializable)}
	}
	return &store.RangeRequest{Key: key, Serializable: g.rand.Hit(g.serializable)}
}

func (g *generator) value() string { return fmt.Sprintf("v%d", g.begun) }

// take lets an operation take effect, or befall its anomaly.
func (g *generator) take(op *history.Op, at sim.Time) store.Response {
	write := !store.ReadOnly(op.Request)
	hit := g.anomaly != none && g.rand.Hit(g.rate)
	if !write {
		op.Applied = g.index
		switch {
		case !hit:
		case g.anomaly == staleRead || g.anomaly == staleReadHidden:
			back := g.rand.Intn(min(len(g.past), 6) + 1)
			old := g.store
			if back > 0 {
				old = g.past[len(g.past)-back]
				if g.anomaly == staleRead {
					op.Applied = g.commits[len(g.commits)-back].Index - 1
				}
			}
			return old.serve(op.Request)
		case g.anomaly == wrongRevision || g.anomaly == wrongVersion:
			return g.falsified(g.store.serve(op.Request))
		case g.anomaly == dirtyRead || g.anomaly == futureRead:
			ahead := g.store.clone()
			ahead.put("k0", fmt.Sprintf("v%d", g.begun+1))
			return ahead.serve(op.Request)
		}
		return g.store.serve(op.Request)
	}
	if hit && g.anomaly == lostWrite {
		return g.store.clone().serve(op.Request)
	}
	g.past = append(g.past, g.store.clone())
	answer := g.commit(op, at)
	if hit && g.anomaly == doubleApply {
		g.past = append(g.past, g.store.clone())
		g.commit(op, at)
	}
	op.Applied = g.commits[len(g.commits)-1].Index
	if hit && (g.anomaly == wrongRevision || g.anomaly == wrongVersion) {
		answer = g.falsified(answer)
	}
	return answer
}

func (g *generator) commit(op *history.Op, at sim.Time) store.Response {
	g.index++
	if g.rand.Hit(sim.Percent(5)) {
		g.index++ // an entry without a request
	}
	answer := g.store.serve(op.Request)
	g.commits = append(g.commits, history.Commit{
		Index: g.index, Term: 2, Proposal: &store.Proposal{ID: op.ID, Request: op.Request}, Response: answer, At: at,
	})
	return answer
}

func (g *generator) falsified(r store.Response) store.Response {
	if res, ok := r.Result.(*store.RangeResult); ok && g.anomaly == wrongVersion && len(res.KVs) > 0 {
		kvs := append([]*store.KeyValue(nil), res.KVs...)
		other := *kvs[0]
		other.Version++
		kvs[0] = &other
		return store.Response{Revision: r.Revision, Result: &store.RangeResult{KVs: kvs, Count: res.Count}}
	}
	r.Revision++
	return r
}
