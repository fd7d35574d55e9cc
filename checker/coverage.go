package checker

import "fmt"

// Requirement is something that a run was meant to meet: a fault that had an
// effect, a rare state. A run that met less has tested less than it seems, and
// is not a pass.
type Requirement struct {
	// What is counted: "elections", "packet-lost".
	What string
	// Least is how often it was asked for, Met how often it happened.
	Least, Met uint64
}

// judgeCoverage judges the run rather than the system: its verdict is Pass or
// Unknown.
func judgeCoverage(cover []Requirement) Judgement {
	j := Judgement{Judge: "coverage", Class: Coverage, Verdict: Pass, Judged: len(cover)}
	for _, c := range cover {
		if c.Met >= c.Least {
			continue
		}
		j.Verdict = Unknown
		if j.Note != "" {
			j.Note += ", "
		}
		j.Note += fmt.Sprintf("%s: %d of at least %d", c.What, c.Met, c.Least)
	}
	return j
}
