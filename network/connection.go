package network

import (
	"time"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// Patience is how long one end of a connection hears nothing before it takes the
// connection for broken; the read timeout of etcd's peers. Whatever ends sooner
// goes by unnoticed.
const Patience = 5 * time.Second

// Unconnected is the answer of ConnectedSince where there is no connection.
const Unconnected = sim.Forever

// silence remembers when a link, or an endpoint, let nothing through.
type silence struct {
	// on: it is silent, since the time from.
	on   bool
	from sim.Time
	// broken is when the last silence ended that was long enough to break
	// connections; 0 if there was none.
	broken sim.Time
}

func (s *silence) begin(now sim.Time) {
	if !s.on {
		s.on, s.from = true, now
	}
}

func (s *silence) end(now sim.Time) {
	if s.on && now.Sub(s.from) >= Patience {
		s.broken = now
	}
	s.on = false
}

// ConnectedSince returns since when the network has let two endpoints keep a
// connection, which needs both directions: 0 if it always has, and Unconnected if
// it does not. Whether anybody runs there is not the network's business.
func (n *Network) ConnectedSince(a, b trace.Addr) sim.Time {
	since := sim.Time(0)
	for _, s := range []silence{n.link(a, b).silence, n.link(b, a).silence, n.port(a).silence, n.port(b).silence} {
		if s.on && n.log.Now.Sub(s.from) >= Patience {
			return Unconnected
		}
		since = max(since, s.broken)
	}
	return since
}
