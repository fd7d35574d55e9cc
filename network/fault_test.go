package network_test

import (
	"testing"
	"time"

	"etcdsim/network"
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// fates sends so many packets from 1 to 2, one every second, and returns what becomes of
// them. The latency of those that arrive comes without the second.
func fates(c network.Config, seed uint64, packets int) (latencies []time.Duration, log *trace.Log) {
	log = trace.NewLog()
	n := network.New(c, seed, log)
	for i := range packets {
		log.Now = sim.Time(i) * sim.Time(time.Hour)
		v := n.Send(network.Packet{ID: uint64(i + 1), From: 1, To: 2, Once: true, Size: 100})
		latency := time.Duration(-1)
		if v.Fate == network.Deliver {
			latency = v.At.Sub(log.Now)
		}
		latencies = append(latencies, latency)
	}
	return latencies, log
}

// The tail is long: a packet in a hundred is late, half of them by twice the latency, a
// quarter by four times that, and a few by hundreds.
func TestTail(t *testing.T) {
	c := network.Config{Latency: sim.Range{Min: time.Millisecond, Max: 5 * time.Millisecond}, Tail: sim.Percent(1)}
	const packets = 100_000
	latencies, log := fates(c, 1, packets)
	var late, later, latest int
	for _, l := range latencies {
		switch {
		case l > 640*time.Millisecond:
			latest++
		case l > 15*time.Millisecond:
			later++
		case l > 5*time.Millisecond:
			late++
		}
	}
	if late < 450 || late > 550 || later < 440 || later > 540 || latest < 3 || latest > 20 || log.Hits(trace.ProbePacketLate) < 900 {
		t.Errorf("of %d packets %d are a little late, %d more so and %d very; want 500, 490 and 8", packets, late, later, latest)
	}
}

// A corrupted packet is gone, and the trace says why.
func TestCorruption(t *testing.T) {
	latencies, log := fates(network.Config{Corrupt: sim.Percent(10)}, 2, 1000)
	gone := uint64(0)
	for _, l := range latencies {
		if l < 0 {
			gone++
		}
	}
	if gone < 70 || gone > 130 || log.Hits(trace.ProbePacketCorrupted) != gone {
		t.Errorf("of 1000 packets %d are gone and %d were corrupted, want 100", gone, log.Hits(trace.ProbePacketCorrupted))
	}
}

// A tail and corruption draw from a stream of their own: what they spare arrives when it
// would have.
func TestHarmLeavesOtherDrawsAlone(t *testing.T) {
	c := network.Config{Latency: sim.Range{Min: time.Millisecond, Max: 50 * time.Millisecond}, Drop: sim.Percent(20)}
	plain, _ := fates(c, 3, 500)
	c.Tail, c.Corrupt = sim.Percent(5), sim.Percent(5)
	harmed, _ := fates(c, 3, 500)
	same := 0
	for i := range plain {
		switch {
		case plain[i] == harmed[i]:
			same++
		case plain[i] < 0:
			t.Fatalf("packet %d was lost, and arrives with a tail", i)
		case harmed[i] >= 0 && harmed[i]-plain[i] < 100*time.Millisecond:
			t.Fatalf("packet %d took %v, and takes %v with a tail", i, plain[i], harmed[i])
		}
	}
	if same < 400 || same == len(plain) {
		t.Errorf("%d of %d packets fare the same with a tail and corruption", same, len(plain))
	}
}
