package shrink

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"etcdsim/scenarios"
)

// plan is a scenario as lines of words: what is left out and changed. Comments
// are gone, but for the titles of phases.
type plan struct{ lines []*line }

// line is a statement, or the title of a phase.
type line struct {
	// title is that of the phase that begins here; words are then empty.
	title string
	words []string
	// concern is what the statement is about.
	concern scenarios.Concern
	// branches are the lines inside of a block.
	branches []*plan
}

// newPlan reads a scenario.
func newPlan(lines []scenarios.Line) *plan {
	p := &plan{}
	for i := range lines {
		switch l := &lines[i]; {
		case l.Phase != nil:
			p.lines = append(p.lines, &line{title: l.Phase.Title})
		case l.Statement != nil:
			s := l.Statement
			own := &line{words: strings.Fields(s.String()), concern: s.Concern()}
			for b := range s.Branches {
				own.branches = append(own.branches, newPlan(s.Branches[b].Lines))
			}
			p.lines = append(p.lines, own)
		}
	}
	return p
}

// clone returns a plan that can be changed by itself.
func (p *plan) clone() *plan {
	c := &plan{make([]*line, len(p.lines))}
	for i, l := range p.lines {
		own := *l
		own.words = slices.Clone(l.words)
		own.branches = nil
		for _, b := range l.branches {
			own.branches = append(own.branches, b.clone())
		}
		c.lines[i] = &own
	}
	return c
}

// place is where a line stands: in which plan, and at which index.
type place struct {
	in *plan
	i  int
}

func (p place) line() *line { return p.in.lines[p.i] }

// places lists the statements in the order in which they stand, those inside of
// blocks behind the one that holds them.
func (p *plan) places() []place {
	var all []place
	for i, l := range p.lines {
		if l.title != "" {
			continue
		}
		all = append(all, place{p, i})
		for _, b := range l.branches {
			all = append(all, b.places()...)
		}
	}
	return all
}

// without returns the plan without the statements of these places, numbered as
// in places. Blocks that hold nothing any more go as well.
func (p *plan) without(numbers []int) *plan {
	c := p.clone()
	for _, at := range c.at(numbers) {
		at.in.lines[at.i] = nil
	}
	c.sweep()
	return c
}

// at returns the places of these numbers.
func (p *plan) at(numbers []int) []place {
	all := p.places()
	chosen := make([]place, len(numbers))
	for i, n := range numbers {
		chosen[i] = all[n]
	}
	return chosen
}

// sweep takes out what was marked, and blocks without contents.
func (p *plan) sweep() {
	for i, l := range p.lines {
		if l == nil || l.branches == nil {
			continue
		}
		for _, b := range l.branches {
			b.sweep()
		}
		l.branches = slices.DeleteFunc(l.branches, func(b *plan) bool { return len(b.places()) == 0 })
		if len(l.branches) == 0 {
			p.lines[i] = nil
		}
	}
	p.lines = slices.DeleteFunc(p.lines, func(l *line) bool { return l == nil })
}

// text prints the plan as a scenario, and returns which line of the text is which
// statement's. Phases without statements are left out.
func (p *plan) text() (string, map[int]int) {
	w := writer{numbers: map[int]int{}}
	w.plan(p, "")
	return w.b.String(), w.numbers
}

type writer struct {
	b strings.Builder
	// numbers holds the number of the statement on a line.
	numbers         map[int]int
	lines, n, phase int
}

func (w *writer) plan(p *plan, indent string) {
	title := ""
	for _, l := range p.lines {
		if l.title != "" {
			title = l.title
			continue
		}
		if title != "" {
			w.phase++
			if w.lines > 0 {
				w.line("")
			}
			w.line(fmt.Sprintf("# %d. %s", w.phase, title))
			title = ""
		}
		w.line(indent + strings.Join(l.words, " "))
		w.numbers[w.lines] = w.n
		w.n++
		for b, branch := range l.branches {
			w.plan(branch, indent+"  ")
			if b == len(l.branches)-1 {
				w.line(indent + "end")
			} else {
				w.line(indent + "and")
			}
		}
	}
}

func (w *writer) line(text string) {
	w.lines++
	w.b.WriteString(text)
	w.b.WriteByte('\n')
}

// maxMends bounds how many statements are left out because others are.
const maxMends = 32

// file parses the plan. Statements that have lost what they refer to are left
// out; the plan returned is without them. It is false if that does not help.
func (p *plan) file(name string, o scenarios.Options) (*plan, *scenarios.File, bool) {
	for range maxMends {
		text, numbers := p.text()
		f, err := scenarios.Parse(name, text)
		if err == nil {
			err = scenarios.Check(f, o)
		}
		if err == nil {
			return p, f, true
		}
		var mistake *scenarios.Error
		if !errors.As(err, &mistake) {
			return nil, nil, false
		}
		n, ok := numbers[mistake.Pos.Line]
		if !ok {
			return nil, nil, false
		}
		p = p.without([]int{n})
	}
	return nil, nil, false
}

// faults counts the statements that are about faults.
func (p *plan) faults() int {
	n := 0
	for _, at := range p.places() {
		if at.line().concern == scenarios.OfFaults {
			n++
		}
	}
	return n
}
