package network_test

import (
	"testing"

	"etcdsim/network"
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

func TestSendAllocatesNothingOnceWarm(t *testing.T) {
	w := newWorld(latency(5*ms, 15*ms), 1)
	send := func() {
		for from := trace.Addr(1); from <= 5; from++ {
			for to := trace.Addr(1); to <= 5; to++ {
				w.send(from, to)
			}
			w.send(from, trace.Client(7))
			w.send(trace.Client(7), from)
		}
	}
	send()
	if n := testing.AllocsPerRun(100, send); n != 0 {
		t.Errorf("%v allocations per 35 packets, want 0", n)
	}
}

func benchmarkSend(b *testing.B, c network.Config) {
	w := newWorld(c, 1)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		w.log.Now += 1000
		i++
		w.send(trace.Addr(1+i%5), trace.Addr(1+i/5%5))
	}
}

func BenchmarkSend(b *testing.B) { benchmarkSend(b, latency(5*ms, 15*ms)) }

func BenchmarkSendLossy(b *testing.B) {
	c := latency(5*ms, 15*ms)
	c.Drop, c.Duplicate, c.Reorder = sim.Percent(1), sim.Percent(1), sim.Percent(1)
	c.Bandwidth = 1e9
	benchmarkSend(b, c)
}

func BenchmarkSendToClients(b *testing.B) {
	w := newWorld(latency(5*ms, 15*ms), 1)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		w.log.Now += 1000
		i++
		w.send(trace.Addr(1+i%5), trace.Client(i%8))
	}
}

func BenchmarkArrive(b *testing.B) {
	w := newWorld(latency(5*ms, 15*ms), 1)
	p := network.Packet{From: 1, To: 2}
	for b.Loop() {
		if !w.Arrive(p) {
			b.Fatal("cut")
		}
	}
}
