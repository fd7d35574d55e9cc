package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"etcdsim/sim"
)

// Condition is something that a run may wait for or expect. It is a value
// without state; what it needs while it is watched is in a watch.
type Condition interface {
	String() string
	// watch begins to look at the condition from now on.
	watch(r *run) (watch, *halt)
}

// LeaderCondition: a running member leads, among those given.
type LeaderCondition struct {
	// In restricts the leader to these members; empty means any member.
	In Targets
	// As is the variable that takes the leader, without '$', or empty.
	As string
}

// String prints the condition as it is written.
func (c LeaderCondition) String() string {
	s := "leader"
	if len(c.In) > 0 {
		s += " in=" + c.In.join(",")
	}
	if c.As != "" {
		s += " as=$" + c.As
	}
	return s
}

// ConvergedCondition: the running members that can reach each other form a
// quorum, follow one leader, and have applied all of its log.
type ConvergedCondition struct{}

// String prints the condition as it is written.
func (ConvergedCondition) String() string { return "converged" }

// ElapsedCondition: so much virtual time has passed since the statement began.
type ElapsedCondition struct{ Duration time.Duration }

// String prints the condition as it is written.
func (c ElapsedCondition) String() string { return "elapsed " + printDuration(c.Duration) }

// AtCondition: the virtual clock has reached this instant.
type AtCondition struct{ Time sim.Time }

// String prints the condition as it is written.
func (c AtCondition) String() string { return "at " + printDuration(time.Duration(c.Time)) }

// CompareCondition relates two amounts. Where an operand names several members,
// it must hold for each of them.
type CompareCondition struct {
	Left Operand
	// Relation is one of ">=", "<=", "==", "!=", ">" and "<"; or empty, if the left
	// amount alone is meant, which then must not be 0.
	Relation string
	Right    Operand
	// Via counts only operations answered by these members; empty means all.
	Via Targets
	// Here counts only what happened since the statement began. An operation
	// that was under way then does not count.
	Here bool
}

// String prints the condition as it is written.
func (c CompareCondition) String() string {
	var b strings.Builder
	b.WriteString(c.Left.String())
	switch {
	case c.Relation == "":
	case c.Right.Meter == "" && c.Right.Var == "":
		// A bound clings to its number: "acked w >=50".
		fmt.Fprintf(&b, " %s%s", c.Relation, c.Right)
	default:
		fmt.Fprintf(&b, " %s %s", c.Relation, c.Right)
	}
	if len(c.Via) > 0 {
		b.WriteString(" via=" + c.Via.join(","))
	}
	if c.Here {
		b.WriteString(" since=here")
	}
	return b.String()
}

// Operand is a number, one remembered by let, or what a meter shows.
type Operand struct {
	// Meter is the name of a meter, or empty for a number.
	Meter  string
	Number uint64
	// Var is the name of a variable that stands for a number, without '$', or empty.
	Var string
	// Load is the load that is metered, Of are the members; only one is set, by
	// the kind of the meter.
	Load string
	Of   Targets
}

// String prints the operand as it is written.
func (o Operand) String() string {
	switch {
	case o.Var != "":
		return "$" + o.Var
	case o.Meter == "":
		return strconv.FormatUint(o.Number, 10)
	case o.Load != "":
		return o.Meter + " " + o.Load
	case len(o.Of) > 0:
		return o.Meter + " " + o.Of.String()
	}
	return o.Meter
}

// conditionSyntax is the part of the help that wait and expect share.
const conditionSyntax = "leader [in=TARGET] [as=$NAME] | converged | METER [TARGET|LOAD] [>=N] [via=TARGET] [since=here]"

// conditionNames are the conditions that begin with a word of their own; someMeter names
// a few of the meters, of which there are too many for an error.
var conditionNames = []string{"leader", "converged", "elapsed", "at"}

const someMeter = "a meter such as acked, applied or elections (etcdsim language lists them all)"

// parseCondition reads a condition, all but the option within=.
func parseCondition(p *parser) Condition {
	switch {
	case p.accept("leader"):
		c := LeaderCondition{In: p.targetOption("in")}
		if o, found := p.option("as"); found {
			name, ok := strings.CutPrefix(o.Value, "$")
			if !ok || !isName(name) {
				p.fail(o.Pos.Col, "as: %q: expected a variable such as $old", o.Value)
			}
			if p.statement.Not {
				p.fail(o.Pos.Col, "as: a leader that must not exist cannot be named")
			}
			c.As = name
			p.bind(o.Pos.Col, name)
		}
		return c
	case p.accept("converged"):
		return ConvergedCondition{}
	case p.accept("elapsed"):
		return ElapsedCondition{p.duration()}
	case p.accept("at"):
		return AtCondition{sim.Time(p.duration())}
	}
	return parseCompare(p)
}

func parseCompare(p *parser) Condition {
	c := CompareCondition{Left: parseOperand(p, "a condition: "+strings.Join(conditionNames, ", ")+", a number or "+someMeter, conditionNames)}
	switch p.peek() {
	case ">=", "<=", "==", "!=", ">", "<":
		c.Relation = p.take().text
		c.Right = parseOperand(p, "a number or "+someMeter, nil)
	case "":
		if c.Left.Meter == "" {
			p.missing("a relation such as >=")
		}
	default:
		p.missing("a relation such as >=")
	}
	if c.Via = p.targetOption("via"); c.Via != nil && !slices.Contains(p.scope.loads, c.Left.Load) {
		p.fail(p.end, "via: expected only where the operations of a load are counted")
	}
	if o, found := p.option("since"); found {
		if o.Value != "here" {
			p.fail(o.Pos.Col, "since: %q: expected here", o.Value)
		}
		if c.Left.Meter == "" || len(c.Left.Of) > 0 {
			p.fail(o.Pos.Col, "since: expected only where something is counted")
		}
		c.Here = true
	}
	return c
}

// parseOperand reads a number or a meter; what says what else is expected in its place,
// and others are the names of that.
func parseOperand(p *parser, what string, others []string) Operand {
	if text := p.peek(); text != "" && text[0] >= '0' && text[0] <= '9' {
		return Operand{Number: p.number("a number")}
	}
	if name, ok := strings.CutPrefix(p.peek(), "$"); ok {
		if !slices.Contains(p.scope.numbers, name) {
			p.fail(p.at(), "$%s is no number: expected an earlier let $%s = METER", name, name)
			return Operand{}
		}
		p.take()
		return Operand{Var: name}
	}
	m := meterNamed(p.peek())
	if m == nil {
		p.missingOf(what, append(slices.Clip(others), meterNames()...))
		return Operand{}
	}
	p.take()
	o := Operand{Meter: m.name}
	switch m.kind {
	case meterWatch:
		o.Load = p.watchers()
	case meterLoad:
		o.Load = p.load()
	case meterMember:
		o.Of = p.targets(false)
	}
	return o
}
