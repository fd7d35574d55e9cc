package network_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"etcdsim/network"
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

const ms = time.Millisecond

// world is a network with a clock and packet numbers of its own.
type world struct {
	*network.Network
	log  *trace.Log
	last uint64
}

func newWorld(c network.Config, seed uint64) *world {
	log := trace.NewLog()
	return &world{Network: network.New(c, seed, log), log: log}
}

// send sends the next packet between two endpoints.
func (w *world) send(from, to trace.Addr) network.Verdict { return w.sendSize(from, to, 100) }

func (w *world) sendSize(from, to trace.Addr, size int) network.Verdict {
	w.last++
	return w.Send(network.Packet{ID: w.last, From: from, To: to, Kind: 3, Size: size})
}

func latency(low, high time.Duration) network.Config {
	return network.Config{Latency: sim.Range{Min: low, Max: high}}
}

func TestLatencyStaysWithinItsRange(t *testing.T) {
	w := newWorld(latency(5*ms, 15*ms), 1)
	for i := range 1000 {
		w.log.Now = sim.Time(i) * sim.Time(time.Second) // far apart: no line forms
		v := w.send(1, 2)
		if d := v.At.Sub(w.log.Now); v.Fate != network.Deliver || d < 5*ms || d > 15*ms || v.Again != 0 {
			t.Fatalf("packet %d: %+v, %v after it was sent; want a single delivery after 5ms to 15ms", i, v, d)
		}
	}
}

func TestLinkIsALine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(latency(0, 20*ms), rapid.Uint64().Draw(t, "seed"))
		var last [2]sim.Time
		for range 50 {
			w.log.Now = w.log.Now.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "pause")) * ms)
			to := rapid.IntRange(0, 1).Draw(t, "to")
			v := w.send(1, trace.Addr(2+to))
			if v.At < last[to] {
				t.Fatalf("a packet to %d arrives at %v, before the one ahead of it at %v", 2+to, v.At, last[to])
			}
			last[to] = v.At
		}
	})
}

func TestReorderedPacketsLeaveTheLine(t *testing.T) {
	c := latency(10*ms, 10*ms)
	c.Reorder = sim.Percent(30)
	w := newWorld(c, 3)
	overtaken, late := 0, 0
	var last sim.Time
	for range 300 {
		w.log.Now = w.log.Now.Add(ms)
		v := w.send(1, 2)
		if v.At < last {
			overtaken++
		}
		if d := v.At.Sub(w.log.Now); d > 10*ms {
			late++
		} else if d < 10*ms {
			t.Fatalf("a packet arrived after %v, faster than the latency", d)
		}
		last = v.At
	}
	if overtaken == 0 || late == 0 || w.log.Hits(trace.ProbePacketReordered) != uint64(late) {
		t.Errorf("of 300 packets %d were overtaken, %d were late and %d counted as reordered; want some, and equal numbers",
			overtaken, late, w.log.Hits(trace.ProbePacketReordered))
	}
}

func TestDuplicatesSpareOncePackets(t *testing.T) {
	c := latency(ms, 5*ms)
	c.Duplicate = sim.Percent(50)
	w := newWorld(c, 4)
	again := 0
	for i := range 200 {
		once := i%2 == 0
		v := w.Send(network.Packet{ID: uint64(i), From: 1, To: 2, Once: once})
		switch {
		case v.Again == 0:
		case once:
			t.Fatalf("packet %d is to arrive once, but its verdict is %+v", i, v)
		case v.Again < v.At:
			t.Fatalf("packet %d arrives again before it arrives: %+v", i, v)
		default:
			again++
		}
	}
	if again < 25 || again > 75 || w.log.Hits(trace.ProbePacketDuplicated) != uint64(again) {
		t.Errorf("%d of 100 packets were duplicated at 50%%, %d counted", again, w.log.Hits(trace.ProbePacketDuplicated))
	}
}

func TestLossHappensAsOftenAsAsked(t *testing.T) {
	c := latency(ms, ms)
	c.Drop = sim.Percent(20)
	w := newWorld(c, 5)
	lost := 0
	for range 10_000 {
		if w.send(1, 2).Fate == network.Drop {
			lost++
		}
	}
	// Five standard deviations of a binomial distribution: 200.
	if lost < 1800 || lost > 2200 {
		t.Errorf("%d of 10,000 packets were lost at 20%%", lost)
	}
}

func TestBandwidthMakesPacketsQueue(t *testing.T) {
	c := latency(10*ms, 10*ms)
	c.Bandwidth = 1e6 // a byte takes a microsecond
	w := newWorld(c, 6)
	for i := range 5 {
		v := w.sendSize(1, 2, 1000)
		if want := sim.Time(0).Add(time.Duration(i+1)*ms + 10*ms); v.At != want {
			t.Errorf("packet %d of 1000 bytes arrives at %v, want %v", i, v.At, want)
		}
	}
	if v := w.sendSize(2, 1, 1000); v.At != sim.Time(11*ms) {
		t.Errorf("the other direction has a wire of its own: arrival at %v, want 0.011s", v.At)
	}
	w.log.Now = sim.Time(time.Second)
	if v := w.sendSize(1, 2, 1000); v.At.Sub(w.log.Now) != 11*ms {
		t.Errorf("an idle wire delays by %v, want 11ms", v.At.Sub(w.log.Now))
	}
}

func TestFullQueueRefuses(t *testing.T) {
	c := network.Config{Bandwidth: 1e6, Queue: 2500}
	w := newWorld(c, 7)
	var reasons []uint16
	w.log.Subscribe(trace.Kinds(trace.Drop), func(e *trace.Event) { reasons = append(reasons, e.Aux) })
	if v := w.sendSize(1, 2, 4000); v.Fate != network.Deliver {
		t.Fatalf("a large packet on an idle wire: %+v, want a delivery", v)
	}
	if v := w.sendSize(1, 2, 1); v.Fate != network.Drop {
		t.Fatalf("a packet behind 4000 bytes, of which 2500 may wait: %+v, want a drop", v)
	}
	w.log.Now = sim.Time(2 * ms) // 2000 bytes are left
	if v := w.sendSize(1, 2, 500); v.Fate != network.Deliver {
		t.Errorf("a packet for which there is just room: %+v, want a delivery", v)
	}
	if v := w.sendSize(1, 2, 1); v.Fate != network.Drop {
		t.Errorf("a packet for which there is no room: %+v, want a drop", v)
	}
	if len(reasons) != 2 || reasons[0] != trace.DropFull || reasons[1] != trace.DropFull {
		t.Errorf("drop reasons %v, want twice %d", reasons, trace.DropFull)
	}
	// A backlog of years must not overflow.
	slow := newWorld(network.Config{Bandwidth: 1e12, Queue: 1 << 62}, 7)
	for range 3 {
		if v := slow.sendSize(1, 2, 1<<33); v.Fate != network.Deliver {
			t.Errorf("8 GiB with a queue of 4 EiB: %+v, want a delivery", v)
		}
	}
}

func TestCutsAreOneWayAndMeetPacketsInFlight(t *testing.T) {
	w := newWorld(latency(ms, ms), 8)
	p := network.Packet{ID: 1, From: 1, To: 2}
	w.Send(p)
	w.Cut(1, 2)
	if w.Arrive(p) {
		t.Error("a packet arrived although its link was cut while it travelled")
	}
	if v := w.Send(p); v.Fate != network.Drop {
		t.Errorf("a packet on a cut link: %+v, want a drop", v)
	}
	back := network.Packet{ID: 2, From: 2, To: 1}
	if v := w.Send(back); v.Fate != network.Deliver || !w.Arrive(back) {
		t.Errorf("the other direction is cut too: %+v", v)
	}
	w.Heal(1, 2)
	if v := w.Send(p); v.Fate != network.Deliver || !w.Arrive(p) {
		t.Errorf("a healed link does not deliver: %+v", v)
	}
}

// reach lists who reaches whom, as "1>2".
func reach(w *world, addrs ...trace.Addr) string {
	var pairs []string
	for _, a := range addrs {
		for _, b := range addrs {
			if a != b && !w.IsCut(a, b) {
				pairs = append(pairs, fmt.Sprintf("%d>%d", a, b))
			}
		}
	}
	return strings.Join(pairs, " ")
}

func TestPartitions(t *testing.T) {
	group := func(addrs ...trace.Addr) []trace.Addr { return addrs }
	for _, c := range []struct {
		name   string
		groups [][]trace.Addr
		want   string
	}{
		{"halves", [][]trace.Addr{group(1, 2), group(3, 4)}, "1>2 2>1 3>4 4>3"},
		{"three groups", [][]trace.Addr{group(1), group(2), group(3, 4)}, "3>4 4>3"},
		{"bridge", [][]trace.Addr{group(1, 2), group(2, 3, 4)}, "1>2 2>1 2>3 2>4 3>2 3>4 4>2 4>3"},
		{"bystanders", [][]trace.Addr{group(1), group(2)}, "1>3 1>4 2>3 2>4 3>1 3>2 3>4 4>1 4>2 4>3"},
		{"one group", [][]trace.Addr{group(1, 2)}, "1>2 1>3 1>4 2>1 2>3 2>4 3>1 3>2 3>4 4>1 4>2 4>3"},
		{"an empty group", [][]trace.Addr{group(1, 2, 3, 4), nil}, "1>2 1>3 1>4 2>1 2>3 2>4 3>1 3>2 3>4 4>1 4>2 4>3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(network.Config{}, 9)
			whole := reach(w, 1, 2, 3, 4)
			w.Partition(c.groups...)
			if got := reach(w, 1, 2, 3, 4); got != c.want {
				t.Errorf("who reaches whom: %s\nwant: %s", got, c.want)
			}
			w.HealAll()
			if got := reach(w, 1, 2, 3, 4); got != whole {
				t.Errorf("after healing: %s", got)
			}
		})
	}
}

func TestIsolationCutsClientsTooAndOutlivesHeal(t *testing.T) {
	w := newWorld(network.Config{}, 10)
	client := trace.Client(0)
	w.Isolate(1)
	for _, other := range []trace.Addr{2, client, trace.Client(9)} {
		if !w.IsCut(1, other) || !w.IsCut(other, 1) {
			t.Errorf("an isolated endpoint still reaches %d", other)
		}
	}
	if w.IsCut(2, client) {
		t.Error("the isolation of 1 cut the others")
	}
	w.Heal(1, 2)
	if !w.IsCut(1, 2) {
		t.Error("healing one link plugged in an isolated endpoint")
	}
	w.Cut(1, 3)
	w.Rejoin(1)
	if got, want := reach(w, 1, 2, 3), "1>2 2>1 2>3 3>1 3>2"; got != want {
		t.Errorf("after rejoining with 1>3 cut: %s, want %s", got, want)
	}
	w.Isolate(client)
	w.HealAll()
	if w.IsCut(client, 2) || w.IsCut(1, 3) {
		t.Error("HealAll left something cut")
	}
}

func TestVerbsAreSilentWhenNothingChanges(t *testing.T) {
	w := newWorld(network.Config{}, 11)
	verbs := []func(){
		func() { w.Cut(1, 2) }, func() { w.Isolate(1) }, func() { w.Hold(1, 2) },
		func() { w.Heal(1, 2) }, func() { w.Rejoin(1) }, func() { w.Release(1, 2) },
	}
	for i, verb := range verbs {
		before := w.log.Count()
		verb()
		if w.log.Count() != before+1 {
			t.Errorf("verb %d wrote %d events, want 1", i, w.log.Count()-before)
		}
		verb()
		if w.log.Count() != before+1 {
			t.Errorf("verb %d wrote events although it was repeated", i)
		}
	}
	before := w.log.Count()
	w.HealAll()
	w.ReleaseAll()
	if w.log.Count() != before {
		t.Errorf("HealAll and ReleaseAll of a whole network wrote %d events", w.log.Count()-before)
	}
}

func TestHeldPacketsComeBackInOrderAndDrawNothing(t *testing.T) {
	c := latency(ms, 9*ms)
	c.Drop = sim.Percent(30)
	plain, w := newWorld(c, 12), newWorld(c, 12)
	w.Hold(1, 2)
	for i := range 20 {
		if v := w.send(1, 2); v.Fate != network.Held {
			t.Fatalf("packet %d on a held link: %+v", i, v)
		}
	}
	if !w.IsHeld(1, 2) || w.IsHeld(2, 1) {
		t.Error("the wrong direction is held")
	}
	freed := w.Release(1, 2)
	if len(freed) != 20 {
		t.Fatalf("%d packets were released, want 20", len(freed))
	}
	for i, p := range freed {
		if p.ID != uint64(i+1) {
			t.Fatalf("packet %d of the released has ID %d", i, p.ID)
		}
		if got, want := w.Send(p), plain.send(1, 2); got != want {
			t.Fatalf("packet %d has the verdict %+v after a hold, %+v without", i, got, want)
		}
	}
	if again := w.Release(1, 2); len(again) != 0 {
		t.Errorf("a second release returned %d packets", len(again))
	}
}

func TestReleaseAllGoesLinkByLink(t *testing.T) {
	w := newWorld(network.Config{}, 13)
	w.Hold(2, 1)
	w.Hold(1, 3)
	w.Hold(trace.Client(0), 1)
	w.send(trace.Client(0), 1) // 1
	w.send(2, 1)               // 2
	w.send(1, 3)               // 3
	w.send(2, 1)               // 4
	got := ""
	for _, p := range w.ReleaseAll() {
		got += fmt.Sprint(p.ID, " ")
	}
	if got != "3 2 4 1 " {
		t.Errorf("released in the order %s, want 3 2 4 1", got)
	}
	if w.IsHeld(2, 1) || w.IsHeld(1, 3) || w.IsHeld(trace.Client(0), 1) {
		t.Error("a link is still held")
	}
}

func TestARenewedLinkDoesNotWait(t *testing.T) {
	w := newWorld(latency(500*ms, 500*ms), 16)
	late := w.send(1, 2)
	w.SetConfig(latency(ms, ms))
	if behind := w.send(1, 2); behind.At != late.At {
		t.Errorf("a packet arrives at %v, the late one before it at %v", behind.At, late.At)
	}
	w.Renew(1, 2)
	if v := w.send(1, 2); v.At.Sub(0) != ms {
		t.Errorf("over the renewed link a packet takes %v, want 1ms", v.At.Sub(0))
	}
}

func TestARenewedLinkHasAFreeWire(t *testing.T) {
	c := network.Config{Bandwidth: 1000} // a byte takes a millisecond
	w := newWorld(c, 19)
	w.sendSize(1, 2, 1000)
	w.Renew(1, 2)
	if v := w.sendSize(1, 2, 10); v.At != sim.Time(10*ms) {
		t.Errorf("10 bytes arrive at %v, want 0.010s", v.At)
	}
}

func TestLinkConfigOverridesOneDirection(t *testing.T) {
	w := newWorld(latency(ms, ms), 14)
	w.SetLinkConfig(1, 2, latency(500*ms, 500*ms))
	w.SetConfig(latency(2*ms, 2*ms))
	for _, c := range []struct {
		from, to trace.Addr
		want     time.Duration
	}{{1, 2, 500 * ms}, {2, 1, 2 * ms}, {1, 3, 2 * ms}} {
		if v := w.send(c.from, c.to); v.At.Sub(0) != c.want || w.LinkConfig(c.from, c.to).Latency.Min != c.want {
			t.Errorf("%d to %d takes %v, want %v", c.from, c.to, v.At.Sub(0), c.want)
		}
	}
	w.ResetLinkConfig(1, 2)
	w.log.Now = sim.Time(time.Second)
	if v := w.send(1, 2); v.At.Sub(w.log.Now) != 2*ms || w.LinkConfig(1, 2) != w.Config() {
		t.Errorf("a link without a configuration of its own takes %v, want 2ms", v.At.Sub(w.log.Now))
	}
}

// TestDrawsBelongToTheirLink: whatever happens on one link, the fates of all
// packets on the others are as they were.
func TestDrawsBelongToTheirLink(t *testing.T) {
	ends := []trace.Addr{1, 2, 3, trace.Client(0), trace.Client(1)}
	rapid.Check(t, func(t *rapid.T) {
		c := latency(ms, 20*ms)
		c.Drop, c.Duplicate, c.Reorder = sim.Percent(10), sim.Percent(10), sim.Percent(10)
		seed := rapid.Uint64().Draw(t, "seed")
		plain, disturbed := newWorld(c, seed), newWorld(c, seed)

		from := rapid.SampledFrom(ends).Draw(t, "disturbed from")
		to := rapid.SampledFrom(ends).Draw(t, "disturbed to")
		heavy := c
		heavy.Drop = sim.Percent(90)
		switch rapid.IntRange(0, 3).Draw(t, "disturbance") {
		case 0:
			disturbed.SetLinkConfig(from, to, heavy)
		case 1:
			disturbed.Cut(from, to)
		case 2:
			disturbed.Hold(from, to)
		case 3: // more packets, below
		}
		for i := range 200 {
			a := rapid.SampledFrom(ends).Draw(t, "from")
			b := rapid.SampledFrom(ends).Draw(t, "to")
			plain.log.Now = plain.log.Now.Add(ms / 2)
			disturbed.log.Now = plain.log.Now
			if i%3 == 0 {
				disturbed.send(from, to)
			}
			want, got := plain.send(a, b), disturbed.send(a, b)
			if (a != from || b != to) && got != want {
				t.Fatalf("packet %d from %d to %d has the fate %+v, but %+v when %d to %d is disturbed", i, a, b, want, got, from, to)
			}
		}
	})
}

// TestTurn: from a turn on all links draw otherwise, those too that are not used yet, and
// the same where the turn is the same.
func TestTurn(t *testing.T) {
	links := [][2]trace.Addr{{1, 2}, {trace.Client(0), 1}, {1, trace.Client(0)}, {2, 3}}
	for name, c := range map[string]network.Config{
		"losses": {Drop: sim.Percent(50)}, "harm": {Corrupt: sim.Percent(50)},
	} { // unordered: each is judged alone
		fates := func(turn uint64) (after [4]string) {
			w := newWorld(c, 20)
			for range 10 {
				for _, l := range links[:3] {
					w.send(l[0], l[1])
				}
			}
			if turn > 0 {
				w.Turn(turn)
			}
			for i, l := range links {
				for range 64 {
					after[i] += fmt.Sprint(w.send(l[0], l[1]).Fate)
				}
			}
			return after
		}
		straight, turned, other := fates(0), fates(1), fates(2)
		for i, l := range links {
			if straight[i] == turned[i] || turned[i] == other[i] {
				t.Errorf("%s on the link %v are the same after a turn", name, l)
			}
		}
		if again := fates(1); again != turned {
			t.Errorf("%s differ after the same turn", name)
		}
	}
}

func TestImpossibleOptionsDrawNothing(t *testing.T) {
	// The constant latency draws nothing either, so that the only draw is the one
	// of the drop, and the stream can be followed from outside.
	c := latency(ms, ms)
	c.Drop = sim.Percent(50)
	w := newWorld(c, 15)
	stream := sim.NewRand(15, "net/2->3")
	for i := range 100 {
		if got, want := w.send(2, 3).Fate == network.Drop, stream.Hit(c.Drop); got != want {
			t.Fatalf("packet %d: dropped = %v, want %v: the link drew something else beside", i, got, want)
		}
	}
	clients := sim.NewRand(15, "net/c0->1")
	if got, want := w.send(trace.Client(0), 1).Fate == network.Drop, clients.Hit(c.Drop); got != want {
		t.Errorf("first packet of client 0: dropped = %v, want %v", got, want)
	}
}

func TestSameSeedSameTrace(t *testing.T) {
	run := func(seed uint64) trace.Digest {
		c := latency(ms, 20*ms)
		c.Drop, c.Duplicate, c.Reorder = sim.Percent(10), sim.Percent(10), sim.Percent(10)
		w := newWorld(c, seed)
		for i := range 500 {
			w.log.Now = w.log.Now.Add(ms)
			from := trace.Addr(1 + i%3)
			v := w.send(from, 1+(from+1)%3)
			w.log.Emit(trace.Event{Kind: trace.Deliver, A: uint64(v.At), B: uint64(v.Again)})
		}
		return w.log.Digest()
	}
	if run(1) != run(1) {
		t.Error("the same seed gave two traces")
	}
	if run(1) == run(2) {
		t.Error("two seeds gave the same trace")
	}
}

func TestOptions(t *testing.T) {
	c := network.Default()
	for _, pair := range []string{
		"latency=5ms..15ms", "drop=0.5%", "duplicate=1/200", "reorder=2%", "tail=1%", "corrupt=1/10", "bandwidth=10MB", "queue=64KiB",
	} {
		name, value, _ := strings.Cut(pair, "=")
		if err := c.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	want := "latency=5ms..15ms drop=0.5% duplicate=0.5% reorder=2% tail=1% corrupt=10% bandwidth=10MB queue=64KiB"
	if c.String() != want {
		t.Errorf("options print as %s\nwant %s", c, want)
	}
	if len(network.Options()) != 8 || network.Options()[0].Default != "1ms..5ms" {
		t.Errorf("the help lists %+v", network.Options())
	}
	for _, bad := range []struct{ name, value, want string }{
		{"drop", "200%", `net.drop: "200%" is not a probability: expected`},
		{"latency", "5", `net.latency: "5" is not a range of durations: expected`},
		{"speed", "5", "net.speed: unknown option: expected one of latency, drop, duplicate, reorder, tail, corrupt, bandwidth, queue"},
	} {
		if err := c.Set(bad.name, bad.value); err == nil || !strings.HasPrefix(err.Error(), bad.want) {
			t.Errorf("Set(%q, %q) = %v, want %s...", bad.name, bad.value, err, bad.want)
		}
	}
}
