package network

import (
	"testing"
	"time"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// TestConnections: what lasts less than Patience goes by unnoticed; what lasts
// longer breaks the connection, whichever direction and whatever the fault.
func TestConnections(t *testing.T) {
	second := sim.Time(time.Second)
	for _, c := range []struct {
		name       string
		begin, end func(*Network)
	}{
		{"cut", func(n *Network) { n.Cut(1, 2) }, func(n *Network) { n.Heal(1, 2) }},
		{"cut back", func(n *Network) { n.Cut(2, 1) }, func(n *Network) { n.HealAll() }},
		{"held", func(n *Network) { n.Hold(1, 2) }, func(n *Network) { n.Release(1, 2) }},
		{"isolated", func(n *Network) { n.Isolate(2) }, func(n *Network) { n.Rejoin(2) }},
		{
			"held, then cut",
			func(n *Network) { n.Hold(1, 2); n.Cut(1, 2); n.ReleaseAll() },
			func(n *Network) { n.Heal(1, 2) },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := trace.NewLog()
			n := New(Default(), 1, log)
			expect := func(when string, want sim.Time) {
				t.Helper()
				if got := n.ConnectedSince(1, 2); got != want || got != n.ConnectedSince(2, 1) {
					t.Errorf("%s: connected since %v, and back since %v, want %v", when, got, n.ConnectedSince(2, 1), want)
				}
			}
			log.Now = 10 * second
			expect("before", 0)
			c.begin(n)
			log.Now = 14 * second
			expect("unnoticed", 0)
			c.end(n)
			expect("after a short silence", 0)
			c.begin(n)
			log.Now = 19 * second
			expect("noticed", Unconnected)
			if got := n.ConnectedSince(1, 3); got != 0 {
				t.Errorf("to another endpoint: connected since %v, want always", got)
			}
			log.Now = 20 * second
			c.end(n)
			expect("after a long silence", 20*second)
		})
	}
}
