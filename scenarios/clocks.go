package scenarios

import (
	"fmt"
	"strings"
	"time"

	"etcdsim/sim"
)

// Statements about clocks. Each member's machine has one of its own (sim.Clock).

// ClockArgs change the clocks of members.
type ClockArgs struct {
	Of Targets
	// Drift is the new pace, if Paced.
	Drift sim.Drift
	Paced bool
	// Turn is what happens to the wall clock; By how far it is turned to, or by.
	Turn Turn
	By   time.Duration
}

// Turn is a way to turn a wall clock.
type Turn uint8

// Ways to turn a wall clock.
const (
	NoTurn Turn = iota
	TurnTo      // so far ahead of the steady clock
	TurnBy      // so much further ahead
)

// String prints the arguments as they are written.
func (a ClockArgs) String() string {
	parts := []string{a.Of.String()}
	if a.Paced {
		parts = append(parts, "drift="+a.Drift.String())
	}
	switch a.Turn {
	case NoTurn:
	case TurnTo:
		parts = append(parts, "offset="+printSigned(a.By))
	case TurnBy:
		parts = append(parts, "jump="+printSigned(a.By))
	}
	return strings.Join(parts, " ")
}

func (a ClockArgs) targets() []Targets { return []Targets{a.Of} }

func parseClock(p *parser) ClockArgs {
	a := ClockArgs{Of: p.targets(false)}
	if o, found := p.option("drift"); found {
		var err error
		if a.Drift, err = sim.ParseDrift(o.Value); err != nil {
			p.fail(o.Pos.Col, "drift: %v", err)
		}
		a.Paced = true
	}
	if o, found := p.option("offset"); found {
		a.Turn, a.By = TurnTo, p.signed(o)
	}
	if o, found := p.option("jump"); found {
		if a.Turn != NoTurn {
			p.fail(o.Pos.Col, "expected offset= or jump=, not both")
		}
		a.Turn, a.By = TurnBy, p.signed(o)
	}
	if !a.Paced && a.Turn == NoTurn {
		p.fail(p.end, "expected drift=, offset= or jump=, such as drift=+10%%")
	}
	return a
}

// signed reads a duration that may be negative off an option.
func (p *parser) signed(o Option) time.Duration {
	amount, negative := strings.CutPrefix(o.Value, "-")
	if !negative {
		amount = strings.TrimPrefix(amount, "+")
	}
	d, err := parseDuration(amount)
	if err != nil {
		p.fail(o.Pos.Col, "%s: %q: expected a duration with its sign, such as +5s or -500ms", o.Name, o.Value)
	}
	if negative {
		return -d
	}
	return d
}

// printSigned prints a duration as signed reads it.
func printSigned(d time.Duration) string {
	switch {
	case d > 0:
		return "+" + printDuration(d)
	case d < 0:
		return "-" + printDuration(-d)
	}
	return "0s"
}

func execClock(r *run, _ *Statement, a ClockArgs) *halt {
	ids, h := r.resolve(a.Of)
	if h != nil {
		return h
	}
	var done []string
	for _, id := range ids {
		if a.Paced {
			r.c.Drift(id, a.Drift)
		}
		switch a.Turn {
		case NoTurn:
		case TurnTo:
			r.c.TurnClock(id, a.By)
		case TurnBy:
			r.c.TurnClock(id, r.c.Clock(id).Offset()+a.By)
		}
	}
	if a.Paced {
		done = append(done, fmt.Sprintf("at a pace of %v", a.Drift))
	}
	if a.Turn != NoTurn {
		done = append(done, "turned "+printSigned(a.By))
	}
	r.note("the clock of "+names(ids)+" "+strings.Join(done, " and "), false)
	return nil
}
