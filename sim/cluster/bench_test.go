package cluster_test

import (
	"fmt"
	"testing"
	"time"

	"etcdsim/checker"
	"etcdsim/sim"
	"etcdsim/sim/cluster"
	"etcdsim/sim/cluster/floor"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// The benchmarks report each cost beside that of the bare loop, measured in the
// same run on the same machine, as a ratio: "x-bare" is the whole simulation
// over the bare loop. Machines differ; ratios hardly do.

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
			data := store.AppendProposal(nil, &store.Proposal{ID: 1, Request: &store.PutRequest{Key: keys[0], Value: values[0]}})
			bareCost := float64(floor.Cost(func(n int) {
				for range n {
					try(b, bare.Put(data))
				}
			}))
			c, invariants := universe(b, members)
			w := (&writer{c: c, self: trace.Client(0)}).start()
			b.ReportAllocs()
			for b.Loop() {
				for before := w.acked; w.acked == before; {
					c.Step()
				}
			}
			if v := invariants.Violations(); len(v) > 0 {
				b.Fatal(v)
			}
			ns := float64(b.Elapsed().Nanoseconds()) / float64(b.N)
			b.ReportMetric(bareCost, "bare-ns/op")
			b.ReportMetric(ns/bareCost, "x-bare")
		})
	}
}

// BenchmarkSimulatedSeconds is how many simulated seconds pass in a real one,
// idle and under load. The bare loop does the same ticks and puts.
func BenchmarkSimulatedSeconds(b *testing.B) {
	for _, rate := range []int{0, 100, 1000} {
		b.Run(fmt.Sprintf("puts=%d", rate), func(b *testing.B) {
			bare := loop(b, 3)
			data := store.AppendProposal(nil, &store.Proposal{ID: 1, Request: &store.PutRequest{Key: keys[0], Value: values[0]}})
			bareCost := float64(floor.Cost(func(seconds int) {
				for range seconds * 10 {
					try(b, bare.Tick())
					for range rate / 10 {
						try(b, bare.Put(data))
					}
				}
			}))
			c, _ := universe(b, 3)
			if rate > 0 {
				// Eight clients share the rate: one alone would wait for itself.
				for i := range 8 {
					(&writer{c: c, self: trace.Client(i), every: 8 * time.Second / time.Duration(rate)}).start()
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				for until := c.Now().Add(time.Second); c.NextAt() <= until; {
					c.Step()
				}
			}
			ns := float64(b.Elapsed().Nanoseconds()) / float64(b.N)
			b.ReportMetric(1e9/ns, "simulated-s/s")
			b.ReportMetric(1e9/bareCost, "bare-s/s")
			b.ReportMetric(bareCost/ns, "of-bare")
		})
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
