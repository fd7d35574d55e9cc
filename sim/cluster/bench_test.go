package cluster_test

import (
	"fmt"
	"testing"
	"time"

	"etcdsim/checker"
	"etcdsim/node"
	"etcdsim/sim"
	"etcdsim/sim/cluster"
	"etcdsim/sim/cluster/floor"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// The benchmarks report each cost beside that of the bare loop, measured in the
// same run on the same machine: "x-bare" is the cost of the whole simulation over
// that of the bare loop, "of-bare" is its speed in parts of the bare loop's.
// Machines differ; ratios hardly do.

// universe returns a cluster that has a leader, with the invariants watching.
func universe(tb testing.TB, members int) (*cluster.Cluster, *checker.Invariants) {
	cfg := cluster.DefaultConfig()
	cfg.Nodes = members
	log := trace.NewLog()
	invariants := checker.NewInvariants(members)
	invariants.Watch(log)
	c, err := cluster.New(cfg, 1, log)
	if err != nil {
		tb.Fatal(err)
	}
	for c.Leader() == 0 && c.Now() < sim.Time(20*time.Second) {
		c.Step()
	}
	if c.Leader() == 0 {
		tb.Fatal("no leader after 20 s")
	}
	return c, invariants
}

// BenchmarkPut is the cost of one committed put.
func BenchmarkPut(b *testing.B) {
	for _, members := range []int{3, 5} {
		b.Run(fmt.Sprintf("members=%d", members), func(b *testing.B) {
			bare := loop(b, members)
			c, invariants := universe(b, members)
			w := (&writer{c: c, self: trace.Client(0)}).start()
			put := func() {
				for before := w.acked; w.acked == before; {
					c.Step()
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				put()
			}
			_, ratio := floor.Compare(51, func() { repeat(200, put) }, func() {
				repeat(200, func() { try(b, bare.Put(entry)) })
			})
			b.ReportMetric(float64(ratio)/1000, "x-bare")
			if v := invariants.Violations(); len(v) > 0 {
				b.Fatal(v)
			}
		})
	}
}

// BenchmarkRead is the cost of one linearizable read, of a client of the leader and
// of one of a follower, which asks the leader. The bare loop confirms a leadership.
func BenchmarkRead(b *testing.B) {
	for _, via := range []string{"leader", "follower"} {
		b.Run("via="+via, func(b *testing.B) {
			bare := loop(b, 3)
			c, invariants := universe(b, 3)
			r := &reader{c: c, self: trace.Client(0), member: c.Leader()}
			if via == "follower" {
				r.member = r.member%3 + 1
			}
			c.Attach(r.self, r)
			r.Wake(0)
			read := func() {
				for before := r.answered; r.answered == before; {
					c.Step()
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				read()
			}
			_, ratio := floor.Compare(51, func() { repeat(200, read) }, func() {
				repeat(200, func() { try(b, bare.Read()) })
			})
			b.ReportMetric(float64(ratio)/1000, "x-bare")
			if v := invariants.Violations(); len(v) > 0 || r.failed > 0 {
				b.Fatal(r.failed, v)
			}
		})
	}
}

// reader is a client that reads one key of one member, again and again.
type reader struct {
	c                *cluster.Cluster
	self             trace.Addr
	member           uint64
	answered, failed int
}

var get = &store.RangeRequest{Key: keys[0]}

func (r *reader) Wake(uint64) { r.c.Call(r.self, r.member, r.c.NextOp(), get) }

func (r *reader) Answer(a node.Answer) {
	r.answered++
	if a.Err != nil {
		r.failed++
	}
	r.Wake(0)
}

// BenchmarkSimulatedSeconds is how many simulated seconds pass in a real one,
// idle and under load. The bare loop does the same ticks and puts.
func BenchmarkSimulatedSeconds(b *testing.B) {
	for _, rate := range []int{0, 100, 1000} {
		b.Run(fmt.Sprintf("puts=%d", rate), func(b *testing.B) {
			bare := loop(b, 3)
			c, _ := universe(b, 3)
			if rate > 0 {
				// Eight clients share the rate: one alone would wait for itself.
				for i := range 8 {
					(&writer{c: c, self: trace.Client(i), every: 8 * time.Second / time.Duration(rate)}).start()
				}
			}
			second := func() {
				for until := c.Now().Add(time.Second); c.NextAt() <= until; {
					c.Step()
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				second()
			}
			seconds := max(1, 300/(rate+1))
			cost, ratio := floor.Compare(51, func() { repeat(seconds, second) }, func() {
				repeat(10*seconds, func() {
					try(b, bare.Tick())
					repeat(rate/10, func() { try(b, bare.Put(entry)) })
				})
			})
			b.ReportMetric(float64(seconds)*1e9/float64(cost), "simulated-s/s")
			b.ReportMetric(1000/float64(ratio), "of-bare")
		})
	}
}

// entry is what the bare loop commits: a put as the log carries it.
var entry = store.AppendProposal(nil, &store.Proposal{ID: 1, Request: &store.PutRequest{Key: keys[0], Value: values[0]}})

func repeat(times int, f func()) {
	for range times {
		f()
	}
}

func loop(tb testing.TB, members int) *floor.Loop {
	l, err := floor.New(members)
	try(tb, err)
	return l
}

func try(tb testing.TB, err error) {
	if err != nil {
		tb.Fatal(err)
	}
}
