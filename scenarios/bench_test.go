package scenarios_test

import (
	"runtime"
	"runtime/debug"
	"testing"

	"etcdsim/checker"
	"etcdsim/scenarios"
	"etcdsim/sim/cluster/floor"
	"etcdsim/store"
)

// standard is the benchmark's scenario: 30 simulated seconds, 8 clients, 10
// keys, about 2,300 operations of which half are linearizable reads, and the
// leader killed at 10 s and restarted at 15 s.
const standard = `
cluster nodes=3
wait    leader within=20s as=$old
load    w clients=8 keys=10 mix=put:1,get:1 think=65ms..95ms
wait    at 10s
kill    $old
wait    at 15s
restart $old
wait    at 30s
`

// BenchmarkStandard is the cost of the standard scenario with all checks, beside
// that of the bare loop for the same puts, reads and ticks. "judges-x-bare" is the
// part of it that the judges of the history take at the end: the rest is the
// universe itself, with network, disks, stores, trace, history and the invariants
// that watch every event.
func BenchmarkStandard(b *testing.B) {
	// As the command does for one run, on one processor for the run,
	// the collector and porcupine.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	file, err := scenarios.Parse("standard.scn", standard)
	if err != nil {
		b.Fatal(err)
	}
	r := run(b, file, 1)
	puts, reads := 0, 0
	for _, op := range r.History.Ops {
		if store.ReadOnly(op.Request) {
			reads++
		} else {
			puts++
		}
	}
	bare, err := floor.New(3)
	if err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 60)
	floorRun := func() {
		for i := range 300 { // ticks of 100 ms
			do(b, bare.Tick())
			for range puts*(i+1)/300 - puts*i/300 {
				do(b, bare.Put(data))
			}
			for range reads*(i+1)/300 - reads*i/300 {
				do(b, bare.Read())
			}
		}
	}
	seed := uint64(0)
	next := func() {
		seed++
		run(b, file, seed)
	}
	b.ReportAllocs()
	for b.Loop() {
		next()
	}
	cost, ratio := floor.Compare(51, next, floorRun)
	_, judges := floor.Compare(51, func() { checker.Judge(r.History, checker.Options{Converged: true}) }, floorRun)
	b.ReportMetric(float64(puts+reads), "operations")
	b.ReportMetric(1e9/float64(cost), "seeds/s")
	b.ReportMetric(float64(ratio)/1000, "x-bare")
	b.ReportMetric(float64(judges)/1000, "judges-x-bare")
}

// BenchmarkLibrary is the cost of each built-in scenario: a universe made, run,
// judged and thrown away. A sweep is nothing but this.
func BenchmarkLibrary(b *testing.B) {
	for _, file := range scenarios.Library() {
		b.Run(file.Name, func(b *testing.B) {
			b.ReportAllocs()
			seed, ops, events := uint64(0), uint64(0), uint64(0)
			for b.Loop() {
				seed++
				r := run(b, file, seed)
				ops += r.Counts.Operations
				events += r.Counts.Events
			}
			ns := float64(b.Elapsed().Nanoseconds())
			b.ReportMetric(ns/float64(ops), "ns/operation")
			b.ReportMetric(ns/float64(events), "ns/event")
		})
	}
}

func run(b *testing.B, file *scenarios.File, seed uint64) *scenarios.Result {
	r, err := scenarios.Run(file, seed, scenarios.Options{})
	if err != nil {
		b.Fatal(err)
	}
	if r.Outcome != scenarios.Pass {
		b.Fatalf("seed %d: %v", seed, r.Outcome)
	}
	return r
}

func do(b *testing.B, err error) {
	if err != nil {
		b.Fatal(err)
	}
}
