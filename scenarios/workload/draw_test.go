package workload

import (
	"testing"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/store"
)

// newDice returns the dice of a client that was never connected.
func newDice(cfg Config) *dice {
	cs := &Clients{}
	l := &Load{cfg: cfg, cs: cs, keys: []string{"k1", "k2", "k3"}, end: "k:"}
	s := &Session{cs: cs, rand: sim.NewRand(1, "client/0")}
	return &dice{load: l, s: s, seen: make([]int64, len(l.keys))}
}

// Every request that is drawn is one that a member accepts, and writes exactly
// if its kind says so.
func TestDrawnRequestsAreValid(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Serializable = sim.Percent(30)
	d := newDice(cfg)
	d.newest = 7
	for kind := range numKinds {
		if !kind.mixed() {
			continue
		}
		for range 500 {
			req := d.request(kind)
			if err := store.Check(req, 128); err != nil {
				t.Errorf("%s: %s: %v", kind, store.Describe(req), err)
			}
			if kind.Writes() == store.ReadOnly(req) {
				t.Errorf("%s: %s: Writes says %v", kind, store.Describe(req), kind.Writes())
			}
		}
	}
}

// A client compares with what it was told last.
func TestDiceLearn(t *testing.T) {
	d := newDice(DefaultConfig())
	answer := func(req store.Request, rev int64, res store.Result) {
		d.learn(&history.Op{Request: req, Outcome: history.OK, Response: store.Response{Revision: rev, Result: res}})
	}
	expect := func(what string, want ...int64) {
		t.Helper()
		for i, mod := range want {
			if d.seen[i] != mod {
				t.Errorf("after %s the client remembers %v, want %v", what, d.seen, want)
				return
			}
		}
	}
	answer(&store.PutRequest{Key: "k2"}, 5, &store.PutResult{})
	expect("a put", 0, 5, 0)
	answer(&store.RangeRequest{Key: "k", RangeEnd: "k:"}, 9, &store.RangeResult{KVs: []*store.KeyValue{
		{Key: "k1", ModRevision: 8}, {Key: "k3", ModRevision: 9}, {Key: "kx", ModRevision: 9}, {Key: "k4", ModRevision: 9},
	}})
	expect("a range", 8, 5, 9)
	answer(&store.RangeRequest{Key: "k1"}, 10, &store.RangeResult{})
	expect("a get of nothing", 0, 5, 9)
	answer(&store.RangeRequest{Key: "k2", Serializable: true}, 3, &store.RangeResult{KVs: []*store.KeyValue{{Key: "k2", ModRevision: 3}}})
	expect("a stale read", 0, 5, 9)
	answer(&store.TxnRequest{
		Success: []store.Op{&store.PutRequest{Key: "k1"}, &store.PutRequest{Key: "k2"}},
		Failure: []store.Op{&store.RangeRequest{Key: "k3"}},
	}, 12, &store.TxnResult{Succeeded: true, Responses: []store.Response{
		{Revision: 12, Result: &store.PutResult{}}, {Revision: 12, Result: &store.PutResult{}},
	}})
	expect("a txn", 12, 12, 9)
	if d.newest != 12 {
		t.Errorf("the newest revision is %d, want 12", d.newest)
	}
	d.learn(&history.Op{Request: &store.PutRequest{Key: "k3"}, Outcome: history.Unknown, Response: store.Response{Revision: 99}})
	expect("an unknown outcome", 12, 12, 9)
}

func BenchmarkDraw(b *testing.B) {
	d := newDice(DefaultConfig())
	b.ReportAllocs()
	for b.Loop() {
		d.draw()
	}
}
