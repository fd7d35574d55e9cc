package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
)

// The statement about single packets.

// PacketArgs do something to one packet that is on its way.
type PacketArgs struct {
	LinkArgs
	// Do is one of packetDeeds, or "delay", by Delay.
	Do    string
	Delay time.Duration
	// Which packets are meant, of those on the links; what is empty or 0 says nothing.
	// Kind is a name of package trace, Op an operation of a client.
	Kind            string
	Term, Index, Op uint64
	// Nth says which of them, in the order in which they will arrive, from 1.
	Nth uint64
	// Within is how long to wait for one; 0 means that it must be on its way now.
	Within time.Duration
}

// packetDeeds are what can be done to a packet beside a delay.
var packetDeeds = []string{"drop", "double", "deliver"}

// delay is the option that delays a packet.
const delay = "delay"

// String prints the arguments as they are written.
func (a PacketArgs) String() string {
	words := []string{a.LinkArgs.String(), a.Do}
	if a.Do == delay {
		words[1] += "=" + printDuration(a.Delay)
	}
	return strings.Join(append(words, a.which()...), " ") + a.patience()
}

// which are the options that say which packet is meant.
func (a PacketArgs) which() (words []string) {
	if a.Kind != "" {
		words = append(words, "kind="+a.Kind)
	}
	for _, n := range a.numbers() {
		if *n.value != n.without {
			words = append(words, n.name+"="+strconv.FormatUint(*n.value, 10))
		}
	}
	return words
}

func (a PacketArgs) patience() string {
	if a.Within == 0 {
		return ""
	}
	return " within=" + printDuration(a.Within)
}

// packetNumber is an option that is a number. Without the option it is without.
type packetNumber struct {
	name    string
	value   *uint64
	without uint64
}

func (a *PacketArgs) numbers() []packetNumber {
	return []packetNumber{{"term", &a.Term, 0}, {"index", &a.Index, 0}, {"op", &a.Op, 0}, {"nth", &a.Nth, 1}}
}

func (a PacketArgs) targets() []Targets { return []Targets{a.From, a.To} }

// maxNumber bounds terms, indices and the like: a run does not come so far.
const maxNumber = 1 << 40

func parsePacket(p *parser) PacketArgs {
	a := PacketArgs{LinkArgs: parseLinks(p), Nth: 1}
	p.deed(&a)
	if o, found := p.option("kind"); found {
		if a.Kind = o.Value; !slices.Contains(trace.PacketNames(), a.Kind) {
			p.fail(o.Pos.Col, "kind: %q: expected one of %s", a.Kind, strings.Join(trace.PacketNames(), ", "))
		}
	}
	for _, n := range a.numbers() {
		if o, found := p.option(n.name); found {
			var err error
			if *n.value, err = strconv.ParseUint(o.Value, 10, 63); err != nil || *n.value == 0 || *n.value > maxNumber {
				p.fail(o.Pos.Col, "%s: %q: expected a number from 1", n.name, o.Value)
			}
		}
	}
	if _, found := p.option("within"); found {
		a.Within = p.within()
	}
	return a
}

// deed reads what is done to a packet.
func (p *parser) deed(a *PacketArgs) {
	o, delayed := p.option(delay)
	switch {
	case slices.Contains(packetDeeds, p.peek()):
		if a.Do = p.take().text; delayed {
			p.fail(o.Pos.Col, "expected %s or %s=, not both", a.Do, delay)
		}
	case !delayed:
		p.missing(strings.Join(packetDeeds, ", ") + " or " + delay + "=DURATION")
	default:
		a.Do = delay
		var err error
		if a.Delay, err = parseDuration(o.Value); err != nil || a.Delay == 0 {
			p.fail(o.Pos.Col, "%s: %q: expected %s", delay, o.Value, durationExpected)
		}
	}
}

// means reports whether a packet is one of those that are meant.
func (a *PacketArgs) means(f *cluster.Flight) bool {
	return (a.Kind == "" || trace.PacketName(f.Kind) == a.Kind) && (a.Term == 0 || f.Term == a.Term) &&
		(a.Index == 0 || f.Index == a.Index) && (a.Op == 0 || f.Op == a.Op)
}

func execPacket(r *run, _ *Statement, a PacketArgs) *halt {
	var on [][2]trace.Addr
	if h := r.links(a.LinkArgs, func(from, to trace.Addr) { on = append(on, [2]trace.Addr{from, to}) }); h != nil {
		return h
	}
	var found []cluster.Flight
	others := 0
	search := func() bool {
		found, others = nil, 0
		for _, f := range r.c.InFlight() {
			switch {
			case !slices.Contains(on, [2]trace.Addr{f.From, f.To}):
			case a.means(&f):
				found = append(found, f)
			default:
				others++
			}
		}
		return uint64(len(found)) >= a.Nth
	}
	began, held := r.now(), search()
	if !held && a.Within > 0 {
		var h *halt
		w := watch{wakes: trace.Kinds(trace.Send, trace.Duplicate), holds: search}
		if held, h = r.await(w, a.Within); h != nil {
			return h
		}
	}
	switch {
	case !held && a.Within == 0:
		return &halt{outcome: Vacuous, why: fmt.Sprintf("of such packets %d are on their way now, and %d others", len(found), others)}
	case !held:
		what := a
		what.Within = 0
		return stuck("packet "+what.String(), began, a.Within, fmt.Sprintf("%d such packets are on their way, and %d others", len(found), others))
	}
	return r.meddle(a, found[a.Nth-1])
}

// meddle does what the statement says to a packet.
func (r *run) meddle(a PacketArgs, f cluster.Flight) *halt {
	done := ""
	switch a.Do {
	case "drop":
		r.c.Take(f)
		done = "dropped"
	case "deliver":
		r.c.Hasten(f)
		done = "delivered at once"
	case delay:
		r.c.Delay(f, a.Delay)
		done = "delayed by " + printDuration(a.Delay)
	case "double":
		if err := r.c.Double(f); err != nil {
			return &halt{outcome: Vacuous, why: fmt.Sprintf("%s cannot arrive twice: %v", tellFlight(&f), err)}
		}
		done = "doubled"
	}
	r.note(tellFlight(&f)+" "+done, false)
	return nil
}

// tellFlight says in words what is on its way.
func tellFlight(f *cluster.Flight) string {
	text := fmt.Sprintf("%s %v -> %v", trace.PacketName(f.Kind), f.From, f.To)
	if f.Term != 0 {
		text += fmt.Sprintf(" of term %d", f.Term)
	}
	return text
}

// ErrNotOnItsWay is the answer to whoever means a packet that is not.
var ErrNotOnItsWay = errors.New("the packet is not on its way at this moment")

// Meant returns the statement that does something to the packet with this number, if
// that is on its way now: deed is what statement packet does to it, such as drop or
// delay=100ms. It says no more of the packet than is needed to tell it from others.
func (p *Play) Meant(id uint64, deed string) (string, error) {
	all := p.r.c.InFlight()
	i := slices.IndexFunc(all, func(f cluster.Flight) bool { return f.ID == id })
	if i < 0 {
		return "", ErrNotOnItsWay
	}
	it := &all[i]
	if deed == "double" && it.Twice != nil {
		return "", fmt.Errorf("%s cannot arrive twice: %w", tellFlight(it), it.Twice)
	}
	a := PacketArgs{LinkArgs: LinkArgs{From: Targets{side(it.From)}, To: Targets{side(it.To)}}, Kind: trace.PacketName(it.Kind), Op: it.Op}
	if a.place(all[:i+1]) > 1 {
		a.Index = it.Index
	}
	a.Nth = a.place(all[:i+1])
	return strings.Join(append([]string{"packet ", a.LinkArgs.String(), deed}, a.which()...), " "), nil
}

// side is the target that an endpoint is, or is among.
func side(a trace.Addr) Target {
	if a.IsClient() {
		return Target{Kind: "clients"}
	}
	return Target{Kind: "n", Member: uint64(a)}
}

// place is how many of some packets are meant, on the link of the last one.
func (a *PacketArgs) place(all []cluster.Flight) (place uint64) {
	for i := range all {
		if f := &all[i]; side(f.From) == a.From[0] && side(f.To) == a.To[0] && a.means(f) {
			place++
		}
	}
	return place
}
