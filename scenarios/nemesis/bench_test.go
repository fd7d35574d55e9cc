package nemesis_test

import (
	"testing"

	"etcdsim/scenarios"
	"etcdsim/scenarios/nemesis"
)

// BenchmarkSwarm is one seed after another: drawn, run and judged.
func BenchmarkSwarm(b *testing.B) {
	var seed, events uint64
	for b.Loop() {
		seed++
		r, err := scenarios.Run(nemesis.Draw(seed).File(), seed, scenarios.Options{})
		if err != nil {
			b.Fatal(err)
		}
		events += r.Counts.Events
	}
	b.ReportMetric(float64(events)/float64(b.N), "events/op")
}

// BenchmarkDraw is the drawing alone.
func BenchmarkDraw(b *testing.B) {
	var seed uint64
	for b.Loop() {
		seed++
		nemesis.Draw(seed).File()
	}
}
