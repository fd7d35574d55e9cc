package export

import (
	"cmp"
	"slices"

	"etcdsim/scenarios/report/chronicle"
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// moment is one thing that happened at one endpoint: a note, or an end of a packet.
type moment struct {
	at     sim.Time
	note   *trace.Event
	packet *chronicle.Packet
	number int // of the packet
	// arrival: the packet came, or was lost.
	arrival bool
}

// moments returns everything that happened in the window, in order.
func (r *Run) moments() []moment {
	var all []moment
	for i := range r.Chronicle.Packets {
		p := &r.Chronicle.Packets[i]
		if p.Fate != chronicle.Again {
			all = append(all, moment{at: p.Sent, packet: p, number: i})
		}
		if p.Fate != chronicle.UnderWay {
			all = append(all, moment{at: p.Ended, packet: p, number: i, arrival: true})
		}
	}
	for i := range r.Chronicle.Notes {
		all = append(all, moment{at: r.Chronicle.Notes[i].At, note: &r.Chronicle.Notes[i]})
	}
	all = slices.DeleteFunc(all, func(m moment) bool { return !r.shown(m.at) })
	slices.SortStableFunc(all, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	return all
}

// heartbeat reports whether a packet is one, or the answer to one.
func heartbeat(p *chronicle.Packet) bool {
	kind := p.Kind &^ trace.Rejected
	return kind == 8 || kind == 9
}
