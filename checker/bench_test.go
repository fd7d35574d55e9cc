package checker

import (
	"testing"
	"time"

	"etcdsim/sim"
)

// A long history with timeouts is judged in far less than the two seconds that
// anybody would wait.
func TestJudgesLongHistoriesQuickly(t *testing.T) {
	h := generate(recipe{seed: 7, ops: 5000, clients: 8, keys: 5, timeouts: sim.Percent(5), serializable: sim.Percent(10)})
	begin := time.Now()
	report := Judge(h, Options{})
	took := time.Since(begin)
	if report.Verdict() != Pass {
		t.Fatalf("verdict %v: %+v", report.Verdict(), report)
	}
	t.Logf("%d operations, %d commits: %v", len(h.Ops), len(h.Commits), took)
	if took > 2*time.Second {
		t.Errorf("judging took %v", took)
	}
}

func benchmarkJudge(b *testing.B, ops, clients int) {
	h := generate(recipe{seed: 7, ops: ops, clients: clients, keys: 5, timeouts: sim.Percent(5)})
	b.ReportAllocs()
	for b.Loop() {
		if v := Judge(h, Options{}).Verdict(); v != Pass {
			b.Fatalf("verdict %v", v)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(ops), "ns/operation")
}

func BenchmarkJudge2300(b *testing.B)           { benchmarkJudge(b, 2300, 8) }
func BenchmarkJudge10000(b *testing.B)          { benchmarkJudge(b, 10_000, 8) }
func BenchmarkJudge10000Clients64(b *testing.B) { benchmarkJudge(b, 10_000, 64) }
func BenchmarkJudge100000(b *testing.B)         { benchmarkJudge(b, 100_000, 8) }

// The two halves of a proof.
func BenchmarkWitness(b *testing.B) {
	h := generate(recipe{seed: 7, ops: 2300, clients: 8, keys: 5, timeouts: sim.Percent(5)})
	b.ReportAllocs()
	for b.Loop() {
		newLinearity(newRecord(h, nil), Options{}).witness()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2300, "ns/operation")
}

func BenchmarkNarrowedPorcupine(b *testing.B) {
	h := generate(recipe{seed: 7, ops: 2300, clients: 8, keys: 5, timeouts: sim.Percent(5)})
	l := newLinearity(newRecord(h, nil), Options{})
	l.witness()
	b.ReportAllocs()
	for b.Loop() {
		if l.confirmed() != Pass {
			b.Fatal("not confirmed")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2300, "ns/operation")
}
