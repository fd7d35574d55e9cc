package scenarios

import (
	"fmt"
	"strconv"

	"etcdsim/node"
	"etcdsim/sim/cluster"
)

// Statements about deaths.

// KillArgs kill members.
type KillArgs struct {
	Of Targets
	// MachineUp: only their processes die, and their machines go on.
	MachineUp bool
}

// String prints the arguments as they are written.
func (a KillArgs) String() string { return a.Of.String() + machineOption(a.MachineUp) }

func (a KillArgs) targets() []Targets { return []Targets{a.Of} }

func machineOption(up bool) string {
	if up {
		return " machine=up"
	}
	return ""
}

func parseKill(p *parser) KillArgs { return KillArgs{p.targets(false), p.machineUp()} }

// machineUp reads whether a machine goes on when its process dies.
func (p *parser) machineUp() bool {
	o, found := p.option("machine")
	if found && o.Value != "up" {
		p.fail(o.Pos.Col, "machine: %q: expected up", o.Value)
	}
	return found
}

func execKill(r *run, _ *Statement, a KillArgs) *halt {
	if a.MachineUp {
		return r.each(a.Of, "killed, and the machine goes on", r.c.KillProcess)
	}
	return r.each(a.Of, "killed", r.c.Kill)
}

// CrashArgs make members die at a point in their code.
type CrashArgs struct {
	Of        Targets
	Trap      node.Trap
	MachineUp bool // as in KillArgs
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
	return s + machineOption(a.MachineUp)
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
	a.MachineUp = p.machineUp()
	return a
}

func execCrash(r *run, _ *Statement, a CrashArgs) *halt {
	done := fmt.Sprintf("to die at %v", a.Trap.At)
	if a.Trap.At == node.Nowhere {
		done = "to live"
	}
	death := cluster.PowerCut
	if a.MachineUp {
		death = cluster.ProcessOnly
	}
	return r.each(a.Of, done, func(id uint64) { r.c.Arm(id, a.Trap, death) })
}
