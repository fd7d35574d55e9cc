package network

import (
	"strconv"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// link is one direction between two endpoints.
type link struct {
	rand sim.Rand
	// harm is the stream of Tail and Corrupt, drawn from by links that have these.
	harm sim.Rand
	// last is the latest arrival promised to a packet in line. Invariant: no
	// later packet in line arrives before it.
	last sim.Time
	// free is when the wire has taken all bytes handed to it.
	free sim.Time
	// own is the configuration of this link alone, or nil.
	own *Config
	// named reports that rand is this link's stream. A link begins to exist when
	// it is first used.
	named bool
	cut   bool
	hold  bool
	// held are the packets that wait for release, in order.
	held []Packet
	// silence: it is cut or held.
	silence silence
}

// port is an endpoint: its outgoing links, in two dense rows by the index of
// the other end. Members and clients are counted apart, because both are few
// and dense while the gap between their addresses is wide.
type port struct {
	unplugged bool
	silence   silence
	toMembers []link
	toClients []link
}

type ports []port

// at returns the port of an index, making the row longer if need be.
func (p *ports) at(i int) *port {
	if i >= len(*p) {
		*p = append(*p, make([]port, i+1-len(*p))...)
	}
	return &(*p)[i]
}

// port returns an endpoint. The pointer is valid until another is asked for.
func (n *Network) port(a trace.Addr) *port {
	if a.IsClient() {
		return n.clients.at(int(a - trace.FirstClient))
	}
	return n.members.at(int(a))
}

// unplugged reports whether an endpoint is cut off from all others.
func (n *Network) unplugged(a trace.Addr) bool { return n.port(a).unplugged }

// link returns the link between two endpoints. The pointer is valid until
// another is asked for.
func (n *Network) link(from, to trace.Addr) *link {
	p := n.port(from)
	row, i := &p.toMembers, int(to)
	if to.IsClient() {
		row, i = &p.toClients, int(to-trace.FirstClient)
	}
	if i >= len(*row) {
		*row = append(*row, make([]link, i+1-len(*row))...)
	}
	l := &(*row)[i]
	if !l.named {
		l.rand, l.named = n.seed.Stream(linkName(from, to)), true
	}
	return l
}

// linkName is the name of a link's stream: "net/2->3", "net/c0->1".
func linkName(from, to trace.Addr) string {
	name := make([]byte, 0, 24)
	name = append(name, "net/"...)
	name = appendAddr(name, from)
	name = append(name, "->"...)
	return string(appendAddr(name, to))
}

func appendAddr(b []byte, a trace.Addr) []byte {
	if a.IsClient() {
		b = append(b, 'c')
		a -= trace.FirstClient
	}
	return strconv.AppendUint(b, uint64(a), 10)
}

// eachLink calls f with every link that was ever used, in the order of the
// addresses.
func (n *Network) eachLink(f func(from, to trace.Addr, l *link)) {
	rows := func(from trace.Addr, p *port) {
		for i := range p.toMembers {
			if l := &p.toMembers[i]; l.named {
				f(from, trace.Addr(i), l)
			}
		}
		for i := range p.toClients {
			if l := &p.toClients[i]; l.named {
				f(from, trace.Client(i), l)
			}
		}
	}
	for i := range n.members {
		rows(trace.Addr(i), &n.members[i])
	}
	for i := range n.clients {
		rows(trace.Client(i), &n.clients[i])
	}
}
