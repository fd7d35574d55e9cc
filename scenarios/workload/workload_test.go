package workload_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"etcdsim/checker/history"
	"etcdsim/scenarios/workload"
	"etcdsim/sim"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// world is a cluster of three with clients.
type world struct {
	*cluster.Cluster
	log     *trace.Log
	clients *workload.Clients
	ended   []history.Op
}

func newWorld(t testing.TB, seed uint64) *world {
	t.Helper()
	w := &world{log: trace.NewLog()}
	var err error
	if w.Cluster, err = cluster.New(cluster.DefaultConfig(), seed, w.log); err != nil {
		t.Fatal(err)
	}
	w.clients = workload.New(w.Cluster, seed, w.log, func(op *history.Op) { w.ended = append(w.ended, *op) })
	t.Cleanup(w.clients.Close)
	return w
}

// pass lets virtual time pass.
func (w *world) pass(d time.Duration) {
	for end := w.Now().Add(d); w.NextAt() <= end; {
		w.Step()
	}
}

func TestClientsAskAndRecord(t *testing.T) {
	w := newWorld(t, 1)
	w.pass(5 * time.Second) // a leader
	cfg := workload.DefaultConfig()
	cfg.Ops = 200
	w.clients.Load("w", cfg, nil)
	w.pass(20 * time.Second)

	ops := w.clients.Ops()
	if len(ops) != 200 || w.clients.Busy() != 0 || len(w.ended) != 200 {
		t.Fatalf("%d operations, %d clients busy, %d ended; want 200, 0, 200", len(ops), w.clients.Busy(), len(w.ended))
	}
	values, last := map[string]bool{}, map[int]sim.Time{}
	for i := range ops {
		op := &ops[i]
		if op.Outcome != history.OK || op.Load != "w" || op.Term == 0 || op.Response.Revision == 0 || op.Applied == 0 {
			t.Errorf("operation %+v", op)
		}
		if op.Invoke < last[op.Client] || op.Return < op.Invoke {
			t.Errorf("client %d has two operations under way at %v", op.Client, op.Invoke)
		}
		last[op.Client] = op.Return
		if put, ok := op.Request.(*store.PutRequest); ok {
			if values[put.Value] {
				t.Errorf("value %s is written twice", put.Value)
			}
			values[put.Value] = true
		}
	}
}

// A client keeps its member until that fails it, then takes the next one.
func TestClientsReconnect(t *testing.T) {
	w := newWorld(t, 2)
	w.pass(5 * time.Second)
	var members []uint64
	s := w.clients.Spawn("s", time.Second, nil, func(s *workload.Session) {
		for range 6 {
			members = append(members, s.Do(workload.Get, &store.RangeRequest{Key: "k"}).Member)
			s.Sleep(time.Second)
		}
	})
	w.pass(2500 * time.Millisecond)
	w.Kill(1)
	w.pass(20 * time.Second)
	if len(members) != 6 || s.Rand() == nil {
		t.Fatalf("%d operations, want 6", len(members))
	}
	for i, want := range []uint64{1, 1, 1, 1, 2, 2} {
		if members[i] != want {
			t.Errorf("the members asked are %v, want n1 until it is dead, then n2", members)
			break
		}
	}
}

// Endpoints bind a client to members, all of which may be dead.
func TestClientsStayWithTheirEndpoints(t *testing.T) {
	w := newWorld(t, 3)
	w.pass(5 * time.Second)
	w.Kill(3)
	var got []history.Op
	w.clients.Spawn("s", 300*time.Millisecond, []uint64{3}, func(s *workload.Session) {
		for range 3 {
			got = append(got, s.Do(workload.Put, &store.PutRequest{Key: "k", Value: "1"}))
		}
	})
	w.pass(5 * time.Second)
	if len(got) != 3 {
		t.Fatalf("%d operations, want 3", len(got))
	}
	for _, op := range got {
		// Nobody listens: certainly no effect.
		if op.Member != 3 || op.Outcome != history.Failed {
			t.Errorf("operation %+v, want a failure of n3", op)
		}
	}
}

// A client that gives up does not learn what comes later, and goes on.
func TestClientsGiveUp(t *testing.T) {
	w := newWorld(t, 4)
	w.pass(5 * time.Second)
	leader := w.Leader()
	w.Pause(leader)
	var got []history.Op
	w.clients.Spawn("s", 200*time.Millisecond, []uint64{leader}, func(s *workload.Session) {
		got = append(got, s.Do(workload.Put, &store.PutRequest{Key: "k", Value: "1"}))
		got = append(got, s.Do(workload.Get, &store.RangeRequest{Key: "k", Serializable: true}))
	})
	w.pass(100 * time.Millisecond)
	if len(got) != 0 {
		t.Fatalf("an operation ended on a paused member: %+v", got[0])
	}
	w.pass(200 * time.Millisecond)
	w.Resume(leader)
	w.pass(time.Second)
	if len(got) != 2 || got[0].Outcome != history.Unknown || got[0].Return.Sub(got[0].Invoke) != 200*time.Millisecond {
		t.Fatalf("operations %+v, want the first given up after 200ms", got)
	}
	if got[1].Outcome != history.OK {
		t.Errorf("the second operation is %+v", got[1])
	}
}

// Stopping a load lets what is under way end and begins nothing more.
func TestStoppedLoadsEnd(t *testing.T) {
	w := newWorld(t, 5)
	w.pass(5 * time.Second)
	cfg := workload.DefaultConfig()
	cfg.Clients = 10
	l := w.clients.Load("w", cfg, nil)
	w.pass(time.Second)
	l.Stop()
	begun := len(w.clients.Ops())
	w.pass(5 * time.Second)
	if w.clients.Busy() != 0 || len(w.clients.Ops()) != begun || begun < 100 {
		t.Errorf("%d clients busy; %d operations when stopped, %d in the end", w.clients.Busy(), begun, len(w.clients.Ops()))
	}
}

// Adding a load leaves the draws of the clients before it as they were.
func TestClientsDrawFromTheirOwnStreams(t *testing.T) {
	requests := func(more bool) []string {
		w := newWorld(t, 6)
		w.pass(5 * time.Second)
		cfg := workload.DefaultConfig()
		cfg.Clients, cfg.Ops, cfg.Mix = 1, 50, mix(t, "get:3,delete:1,count:1")
		w.clients.Load("w", cfg, nil)
		if more {
			w.clients.Load("v", cfg, nil)
		}
		w.pass(20 * time.Second)
		var texts []string
		for _, op := range w.clients.Ops() {
			if op.Load == "w" {
				texts = append(texts, store.Describe(op.Request))
			}
		}
		return texts
	}
	alone, beside := requests(false), requests(true)
	if len(alone) != 50 || strings.Join(alone, "\n") != strings.Join(beside, "\n") {
		t.Errorf("alone a client asks\n%v\nbeside another load\n%v", alone, beside)
	}
}

func mix(t *testing.T, s string) workload.Mix {
	t.Helper()
	m, err := workload.ParseMix(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMix(t *testing.T) {
	for in, want := range map[string]string{"put": "put:1", "get:4,put:5": "put:5,get:4", "txn:2,txn:998": "txn:1000"} {
		if got := mix(t, in).String(); got != want {
			t.Errorf("ParseMix(%q) prints %q, want %q", in, got, want)
		}
	}
	for _, in := range []string{"", "put:", "put:-1", "put:1001", "gut:1", "compact:1", "put:0,get:0", "put,,get", "put:600,get,put:401"} {
		if m, err := workload.ParseMix(in); err == nil || !strings.Contains(err.Error(), "expected") {
			t.Errorf("ParseMix(%q) = %v, %v; want an error that says what was expected", in, m, err)
		}
	}
}

// Each option prints so that it reads back, and refuses nonsense.
func TestOptions(t *testing.T) {
	for _, o := range workload.Options() {
		c := workload.DefaultConfig()
		if err := c.Set(o.Name, o.Default); err != nil || fmt.Sprint(c) != fmt.Sprint(workload.DefaultConfig()) {
			t.Errorf("%s=%s does not read back: %v %+v", o.Name, o.Default, err, c)
		}
		if o.Name == "prefix" {
			continue // any text is one
		}
		if err := c.Set(o.Name, "nonsense"); err == nil || !strings.HasPrefix(err.Error(), "load."+o.Name+": ") {
			t.Errorf("%s=nonsense: error %v", o.Name, err)
		}
	}
}

// What a client's operation costs, the cluster's work for it included.
func BenchmarkOperation(b *testing.B) {
	for _, kinds := range []string{"put", "get"} {
		b.Run(kinds, func(b *testing.B) {
			w := newWorld(b, 1)
			w.pass(5 * time.Second)
			cfg := workload.DefaultConfig()
			m, err := workload.ParseMix(kinds)
			if err != nil {
				b.Fatal(err)
			}
			cfg.Mix = m
			w.clients.Load("w", cfg, nil)
			b.ReportAllocs()
			for b.Loop() {
				for before := len(w.ended); len(w.ended) == before; {
					w.Step()
				}
			}
		})
	}
}
