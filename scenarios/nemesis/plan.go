package nemesis

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"etcdsim/scenarios"
)

// Plan is what a nemesis has drawn. It is not changed any more.
type Plan struct {
	Seed uint64
	// Universe are the statements that make it, Clients those that start the clients.
	Universe, Clients []string
	// Profiles are the names of what clients do, Kinds those of the kinds of faults
	// that were enabled, in the order of their tables.
	Profiles, Kinds []string
	// Rounds follow each other.
	Rounds []Round
	// Mend are the statements that end the faults, at the time Healed.
	Mend   []string
	Healed time.Duration
	// Nodes is the number of founding members, Election the election timeout.
	Nodes    int
	Election time.Duration
}

// Round is a time of faults, which may overlap.
type Round struct{ Faults []Fault }

// Fault is one fault from its beginning to its end, if it ends.
type Fault struct {
	// Kind is the name of its kind.
	Kind    string
	Actions []Action
}

// Action is what happens at a time.
type Action struct {
	At         time.Duration
	Statements []string
}

// Name is what the scenario of a plan is called.
const Name = scenarios.Drawn

// Faults returns all faults in the order of the rounds.
func (p *Plan) Faults() []Fault {
	var all []Fault
	for _, r := range p.Rounds {
		all = append(all, r.Faults...)
	}
	return all
}

// Without returns the plan without its n-th fault, counted as Faults returns them.
// Everything else is as it was.
func (p *Plan) Without(n int) *Plan {
	less := *p
	less.Rounds = slices.Clone(p.Rounds)
	for i := range less.Rounds {
		faults := less.Rounds[i].Faults
		if n < len(faults) {
			less.Rounds[i].Faults = slices.Delete(slices.Clone(faults), n, n+1)
			break
		}
		n -= len(faults)
	}
	return &less
}

// File returns the plan as a scenario, in canonical form.
func (p *Plan) File() *scenarios.File {
	return parse(scenarios.Format(parse(p.text())))
}

func parse(text string) *scenarios.File {
	f, err := scenarios.Parse(Name, text)
	if err != nil {
		panic(fmt.Sprintf("nemesis: a plan is no scenario: %v\n%s", err, text))
	}
	return f
}

// text writes the plan down.
func (p *Plan) text() string {
	var b strings.Builder
	line := func(s string) { b.WriteString(s + "\n") }
	fmt.Fprintf(&b, "# %s: a plan drawn from seed %d.\n", Name, p.Seed)
	line("# clients: " + strings.Join(p.Profiles, ", "))
	line("# faults: " + strings.Join(p.Kinds, ", "))
	for _, s := range p.Universe {
		line(s)
	}
	line("\n# 1. clients begin")
	for _, s := range p.Clients {
		line(s)
	}
	for i, r := range p.Rounds {
		fmt.Fprintf(&b, "\n# %d. %s\n", i+2, r.title())
		now := time.Duration(-1)
		for _, a := range r.timeline() {
			if a.At != now {
				now = a.At
				line("wait at " + now.String())
			}
			for _, s := range a.Statements {
				line(s)
			}
		}
	}
	fmt.Fprintf(&b, "\n# %d. the faults end\nwait at %v\n", len(p.Rounds)+2, p.Healed)
	for _, s := range p.Mend {
		line(s)
	}
	return b.String()
}

// title names the kinds of faults of a round.
func (r *Round) title() string {
	var kinds []string
	for _, f := range r.Faults {
		if !slices.Contains(kinds, f.Kind) {
			kinds = append(kinds, f.Kind)
		}
	}
	if len(kinds) == 0 {
		return "nothing"
	}
	return strings.Join(kinds, ", ")
}

// timeline returns the actions of all faults in the order of their times; those of
// one time in the order of the faults.
func (r *Round) timeline() []Action {
	var all []Action
	for _, f := range r.Faults {
		all = append(all, f.Actions...)
	}
	slices.SortStableFunc(all, func(a, b Action) int { return cmp.Compare(a.At, b.At) })
	return all
}
