package checker

import (
	"fmt"

	"etcdsim/sim"
)

// Breakdown is the end of a member by a defect: it found itself in a state that must
// not be, or could not start from what its disk held.
type Breakdown struct {
	At     sim.Time
	Member uint64
	// Text is what it said last.
	Text string
}

// judgeCrashes objects to every breakdown. What a member does not survive by design,
// such as a disk without room, is none.
func judgeCrashes(r *record, o Options) Judgement {
	j := Judgement{Judge: "crash", Class: Safety, Verdict: Pass, Judged: len(r.Members)}
	for _, b := range o.Breakdowns {
		j.Verdict = Violated
		j.Violations = append(j.Violations, Violation{
			Property: "no member breaks down", At: b.At, Member: b.Member,
			Why: fmt.Sprintf("n%d broke down: %s.%s", b.Member, b.Text, r.deathBefore(b)),
		})
	}
	return j
}

// deathBefore tells of the last time that a member ended, if it broke down when it
// was started again.
func (r *record) deathBefore(b Breakdown) string {
	if r.facts == nil {
		return ""
	}
	var last *Stop
	for i := range r.facts.stops {
		if s := &r.facts.stops[i]; uint64(s.Member) == b.Member && s.At < b.At {
			last = s
		}
	}
	switch {
	case last == nil || last.Back != 0:
		return "" // it broke down while it ran
	case last.Lost > 0:
		return fmt.Sprintf(" It had ended at %v, and its disk had lost %d bytes that were not synced.", last.At, last.Lost)
	}
	return fmt.Sprintf(" It had ended at %v, and its disk had lost nothing.", last.At)
}
