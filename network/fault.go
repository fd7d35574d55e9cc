package network

import "etcdsim/sim/trace"

// The verbs of faults. Each acts at once, on packets sent from now on and, for
// cuts, on those in flight when they arrive. Repeating a verb changes nothing
// and leaves no event.

// Cut drops every packet from one endpoint to another from now on. The other
// direction stays as it is.
func (n *Network) Cut(from, to trace.Addr) {
	if l := n.link(from, to); !l.cut {
		l.cut = true
		n.cuts++
		l.silence.begin(n.log.Now)
		n.log.Emit(trace.Event{Kind: trace.LinkCut, Member: from, Peer: to})
	}
}

// Heal ends the cut of one direction. It does not plug in an isolated endpoint.
func (n *Network) Heal(from, to trace.Addr) {
	if l := n.link(from, to); l.cut {
		n.heal(from, to, l)
	}
}

func (n *Network) heal(from, to trace.Addr, l *link) {
	l.cut = false
	n.cuts--
	if !l.hold {
		l.silence.end(n.log.Now)
	}
	n.log.Emit(trace.Event{Kind: trace.LinkHeal, Member: from, Peer: to})
}

// Partition cuts every link between endpoints of different groups, in both
// directions. Links within a group, and to endpoints of no group, stay as they
// are, and so do earlier cuts: partitions add up until they are healed. An
// endpoint may stand in two groups: a bridge that both sides still reach.
func (n *Network) Partition(groups ...[]trace.Addr) {
	for i, group := range groups {
		for j, other := range groups {
			if i == j {
				continue
			}
			for _, a := range group {
				for _, b := range other {
					if a != b && !together(groups, a, b) {
						n.Cut(a, b)
					}
				}
			}
		}
	}
}

// together reports whether two endpoints share a group.
func together(groups [][]trace.Addr, a, b trace.Addr) bool {
	for _, group := range groups {
		hasA, hasB := false, false
		for _, m := range group {
			hasA = hasA || m == a
			hasB = hasB || m == b
		}
		if hasA && hasB {
			return true
		}
	}
	return false
}

// Isolate unplugs an endpoint: nothing passes from it or to it, members and
// clients alike. (A member that clients still reach but no member does is made
// by Partition.) The event is a LinkCut whose Peer is nobody.
func (n *Network) Isolate(a trace.Addr) {
	if p := n.port(a); !p.unplugged {
		p.unplugged = true
		p.silence.begin(n.log.Now)
		n.isolated++
		n.log.Emit(trace.Event{Kind: trace.LinkCut, Member: a})
	}
}

// Rejoin plugs an isolated endpoint in again. Cuts of its links stay.
func (n *Network) Rejoin(a trace.Addr) {
	if p := n.port(a); p.unplugged {
		n.rejoin(a, p)
	}
}

func (n *Network) rejoin(a trace.Addr, p *port) {
	p.unplugged = false
	p.silence.end(n.log.Now)
	n.isolated--
	n.log.Emit(trace.Event{Kind: trace.LinkHeal, Member: a})
}

// HealAll ends every cut and every isolation. Held links stay held.
func (n *Network) HealAll() {
	for i := range n.members {
		if p := &n.members[i]; p.unplugged {
			n.rejoin(trace.Addr(i), p)
		}
	}
	for i := range n.clients {
		if p := &n.clients[i]; p.unplugged {
			n.rejoin(trace.Client(i), p)
		}
	}
	n.eachLink(func(from, to trace.Addr, l *link) {
		if l.cut {
			n.heal(from, to, l)
		}
	})
}

// Undisturbed reports that no link is cut and no endpoint isolated, so that whatever
// arrives arrives.
func (n *Network) Undisturbed() bool { return n.isolated+n.cuts == 0 }

// IsCut reports whether packets from one endpoint to another are dropped, by a
// cut or because either is isolated.
func (n *Network) IsCut(from, to trace.Addr) bool {
	return !n.Undisturbed() && (n.unplugged(from) || n.unplugged(to) || n.link(from, to).cut)
}

// Hold makes packets of one direction wait from now on. Those in flight arrive.
func (n *Network) Hold(from, to trace.Addr) {
	if l := n.link(from, to); !l.hold {
		l.hold = true
		l.silence.begin(n.log.Now)
		n.log.Emit(trace.Event{Kind: trace.LinkHold, Member: from, Peer: to})
	}
}

// Release ends a hold and returns the packets that waited, in order. They are
// the caller's: it hands each to Send again, which decides its fate as if it
// were sent now.
func (n *Network) Release(from, to trace.Addr) []Packet {
	return n.release(from, to, n.link(from, to), nil)
}

// ReleaseAll ends every hold, and returns the packets that waited as Release
// does: link by link in the order of the addresses.
func (n *Network) ReleaseAll() []Packet {
	var freed []Packet
	n.eachLink(func(from, to trace.Addr, l *link) { freed = n.release(from, to, l, freed) })
	return freed
}

func (n *Network) release(from, to trace.Addr, l *link, freed []Packet) []Packet {
	if !l.hold {
		return freed
	}
	l.hold = false
	if !l.cut {
		l.silence.end(n.log.Now)
	}
	n.log.Emit(trace.Event{Kind: trace.LinkFree, Member: from, Peer: to})
	for _, p := range l.held {
		n.log.Emit(event(trace.Release, p))
	}
	freed = append(freed, l.held...)
	l.held = l.held[:0]
	return freed
}

// IsHeld reports whether packets of one direction wait.
func (n *Network) IsHeld(from, to trace.Addr) bool { return n.link(from, to).hold }

// Waiting returns the number of packets that wait on a held link.
func (n *Network) Waiting(from, to trace.Addr) int { return len(n.link(from, to).held) }

// Config returns the configuration of every link without one of its own.
func (n *Network) Config() Config { return n.config }

// SetConfig changes how links behave that have no configuration of their own.
// Packets in flight keep their verdict.
func (n *Network) SetConfig(c Config) { n.config = c }

// LinkConfig returns the configuration of one direction.
func (n *Network) LinkConfig(from, to trace.Addr) Config {
	if own := n.link(from, to).own; own != nil {
		return *own
	}
	return n.config
}

// SetLinkConfig gives one direction a configuration of its own: a slow link, a
// lossy one.
func (n *Network) SetLinkConfig(from, to trace.Addr, c Config) { n.link(from, to).own = &c }

// ResetLinkConfig makes one direction behave as all others again.
func (n *Network) ResetLinkConfig(from, to trace.Addr) { n.link(from, to).own = nil }

// Renew makes packets that are sent from now on in one direction not wait for those
// before them, as over a new connection: one of those may be much too late.
func (n *Network) Renew(from, to trace.Addr) {
	l := n.link(from, to)
	l.last, l.free = 0, 0
}
