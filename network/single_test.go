package network_test

import (
	"fmt"
	"strings"
	"testing"

	"etcdsim/network"
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// What is done to one packet is in the trace, and nothing of it is drawn: all other
// packets fare as they would have.
func TestSinglePacketsDrawNothing(t *testing.T) {
	c := latency(2*ms, 20*ms)
	c.Drop, c.Duplicate, c.Reorder = sim.Percent(10), sim.Percent(10), sim.Percent(10)
	plain, w := newWorld(c, 17), newWorld(c, 17)
	plain.send(1, 2)
	at := w.send(1, 2).At
	p := network.Packet{ID: 1, From: 1, To: 2, Kind: 3, Size: 100}

	var told []string
	w.log.Subscribe(trace.Kinds(trace.Drop, trace.Reorder, trace.Duplicate), func(e *trace.Event) {
		told = append(told, fmt.Sprintf("%v %d>%d packet %d aux %d a %d b %d", e.Kind, e.Member, e.Peer, e.ID, e.Aux, e.A, e.B))
	})
	w.Delay(p, at.Add(-ms), -ms)
	if again := w.Double(p, at); again != at.Add(2*ms) {
		t.Errorf("a packet that arrives at %v arrives again at %v, want 2ms later", at, again)
	}
	w.Take(p)
	early := -ms
	want := []string{
		fmt.Sprintf("%v 1>2 packet 1 aux 3 a %d b %d", trace.Reorder, uint64(early), at.Add(early)),
		fmt.Sprintf("%v 1>2 packet 1 aux 3 a 0 b 0", trace.Duplicate),
		fmt.Sprintf("%v 1>2 packet 1 aux %d a 3 b 0", trace.Drop, trace.DropTaken),
	}
	if got := strings.Join(told, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("the trace says\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	if w.log.Hits(trace.ProbePacketReordered) != 1+plain.log.Hits(trace.ProbePacketReordered) ||
		w.log.Hits(trace.ProbePacketDuplicated) != 1+plain.log.Hits(trace.ProbePacketDuplicated) {
		t.Error("a packet that was delayed and doubled is not counted once each")
	}
	for i := range 100 {
		if got, want := w.send(1, 2), plain.send(1, 2); got != want {
			t.Fatalf("packet %d behind it: %+v, and %+v where nothing was done", i, got, want)
		}
	}
}

// One packet of a held link goes its way, and the others wait on, in order.
func TestLetGo(t *testing.T) {
	w := newWorld(latency(ms, ms), 18)
	w.Hold(1, 2)
	for range 4 {
		w.send(1, 2)
	}
	released := uint64(0)
	w.log.Subscribe(trace.Kinds(trace.Release), func(e *trace.Event) { released = e.ID })
	w.LetGo(network.Packet{ID: 1, From: 1, To: 2})
	w.LetGo(network.Packet{ID: 3, From: 1, To: 2})
	if released != 3 || w.Waiting(1, 2) != 2 || !w.IsHeld(1, 2) {
		t.Errorf("packet %d was released last, %d wait, held %v; want 3, 2 and held", released, w.Waiting(1, 2), w.IsHeld(1, 2))
	}
	got := ""
	for _, p := range w.Release(1, 2) {
		got += fmt.Sprint(p.ID, " ")
	}
	if got != "2 4 " {
		t.Errorf("then %s were released, want 2 4", got)
	}
}
