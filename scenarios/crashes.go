package scenarios

import (
	"fmt"
	"strconv"

	"etcdsim/node"
)

// CrashArgs make members die at a point in their code.
type CrashArgs struct {
	Of   Targets
	Trap node.Trap
}

// nowhere is the point at which nobody dies.
const nowhere = "nowhere"

// String prints the arguments as they are written.
func (a CrashArgs) String() string {
	s := a.Of.String() + " at="
	if a.Trap.At == node.Nowhere {
		return s + nowhere
	}
	s += a.Trap.At.String()
	if a.Trap.Skip > 0 {
		s += " skip=" + strconv.FormatUint(a.Trap.Skip, 10)
	}
	return s
}

func (a CrashArgs) targets() []Targets { return []Targets{a.Of} }

func parseCrash(p *parser) CrashArgs {
	a := CrashArgs{Of: p.targets(false)}
	at, found := p.option("at")
	switch {
	case !found:
		p.fail(p.end, "expected at=POINT, such as at=raft-before-save")
	case at.Value != nowhere:
		var err error
		if a.Trap.At, err = node.ParsePoint(at.Value); err != nil {
			p.fail(at.Pos.Col, "at: %v", err)
		}
	}
	if o, found := p.option("skip"); found {
		var err error
		if a.Trap.Skip, err = strconv.ParseUint(o.Value, 10, 32); err != nil {
			p.fail(o.Pos.Col, "skip: %q: expected how many times they pass there before they die", o.Value)
		} else if a.Trap.At == node.Nowhere {
			p.fail(o.Pos.Col, "skip: expected a point at which they die")
		}
	}
	return a
}

func execCrash(r *run, _ *Statement, a CrashArgs) *halt {
	done := fmt.Sprintf("to die at %v", a.Trap.At)
	if a.Trap.At == node.Nowhere {
		done = "to live"
	}
	return r.each(a.Of, done, func(id uint64) { r.c.Arm(id, a.Trap) })
}
