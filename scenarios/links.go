package scenarios

import (
	"fmt"

	"etcdsim/network"
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// Statements about single links. (Those that cut and hold are in execute.go.)

// ShapeArgs change how links behave.
type ShapeArgs struct {
	LinkArgs
	// Options are set on top of how the links behave; without any they behave as all
	// others do again.
	Options OptionList
}

// normal is how all links behave that have no options of their own.
const normal = "normal"

// String prints the arguments as they are written.
func (a ShapeArgs) String() string {
	if len(a.Options) == 0 {
		return a.LinkArgs.String() + " " + normal
	}
	return a.LinkArgs.String() + " " + a.Options.String()
}

func (a ShapeArgs) targets() []Targets { return []Targets{a.From, a.To} }

func parseShape(p *parser) ShapeArgs {
	a := ShapeArgs{LinkArgs: parseLinks(p)}
	var scratch network.Config
	a.Options = p.otherOptions(scratch.Set)
	switch reset := p.accept(normal); {
	case reset && len(a.Options) > 0:
		p.fail(p.end, "expected options, or %s, not both", normal)
	case !reset && len(a.Options) == 0:
		p.missing("an option such as latency=200ms, or " + normal)
	}
	return a
}

func execShape(r *run, _ *Statement, a ShapeArgs) *halt {
	n := r.c.Network()
	return r.links(a.LinkArgs, func(from, to trace.Addr) {
		if len(a.Options) == 0 {
			n.ResetLinkConfig(from, to)
			return
		}
		config := n.LinkConfig(from, to)
		a.Options.apply(config.Set)
		n.SetLinkConfig(from, to, config)
	})
}

// FlapArgs let links flap.
type FlapArgs struct {
	LinkArgs
	// Up and Down are how long the links hold, and how long they are broken, each time.
	Up, Down sim.Range
}

// String prints the arguments as they are written.
func (a FlapArgs) String() string {
	return fmt.Sprintf("%s up=%s down=%s", a.LinkArgs, printRange(a.Up), printRange(a.Down))
}

func (a FlapArgs) targets() []Targets { return []Targets{a.From, a.To} }

func printRange(g sim.Range) string {
	if g.Min == g.Max {
		return printDuration(g.Min)
	}
	return printDuration(g.Min) + ".." + printDuration(g.Max)
}

func parseFlap(p *parser) FlapArgs {
	a := FlapArgs{LinkArgs: parseLinks(p)}
	a.Up, a.Down = p.span("up"), p.span("down")
	return a
}

// span takes an option that is a range of durations, none of which is 0.
func (p *parser) span(name string) sim.Range {
	o, found := p.option(name)
	if !found {
		p.fail(p.end, "expected %s=, such as %s=100ms..2s", name, name)
		return sim.Range{}
	}
	g, err := sim.ParseRange(o.Value)
	if err != nil || g.Min == 0 || g.Max > maxDuration {
		p.fail(o.Pos.Col, "%s: %q: expected a range of durations such as 100ms..2s", name, o.Value)
	}
	return g
}

func execFlap(r *run, _ *Statement, a FlapArgs) *halt {
	return r.links(a.LinkArgs, func(from, to trace.Addr) { r.c.Flap(from, to, a.Up, a.Down) })
}

// execRing lets each member reach its neighbours only, in the order of their numbers and
// in a circle: as many on each side as a majority needs. Each of them sees a majority
// then, and no two see the same.
func execRing(r *run, _ *Statement, a MemberArgs) *halt {
	ids, h := r.resolve(a.Of)
	if h != nil {
		return h
	}
	reach := (len(ids)/2 + 1) / 2
	cut := 0
	for i, from := range ids {
		for j, to := range ids {
			if apart := (i - j + len(ids)) % len(ids); min(apart, len(ids)-apart) > reach {
				r.c.Network().Cut(trace.Addr(from), trace.Addr(to))
				cut++
			}
		}
	}
	if cut == 0 {
		return &halt{outcome: Vacuous, why: fmt.Sprintf("in a ring of %s everybody is a neighbour: expected four at least", names(ids))}
	}
	r.note("each of "+names(ids)+" reaches its neighbours only", false)
	return nil
}
