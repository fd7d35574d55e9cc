package page

import (
	"fmt"
	"strings"

	"etcdsim/checker"
	"etcdsim/checker/history"
	"etcdsim/scenarios"
	"etcdsim/scenarios/report"
	"etcdsim/sim"
	"etcdsim/store"
)

// Finding is something that went wrong, told so that who is new to it understands.
type Finding struct {
	Word string `json:"word"`
	What string `json:"what"`
	// Promise is what was promised, Plain what the operations show, Why what happened,
	// Then what the member believed; all but Why may be empty.
	Promise string    `json:"promise,omitempty"`
	Plain   string    `json:"plain,omitempty"`
	Why     string    `json:"why"`
	Then    string    `json:"then,omitempty"`
	At      sim.Time  `json:"at"`
	Member  uint64    `json:"member,omitempty"`
	Ops     []exhibit `json:"ops,omitempty"`
}

type exhibit struct {
	Op   uint64 `json:"op"`
	Note string `json:"note"`
}

// findingsOf tells what went wrong, the judges' words first.
func findingsOf(r *scenarios.Result) []Finding {
	all := []Finding{}
	for i := range r.Report.Judgements {
		j := &r.Report.Judgements[i]
		all = append(all, FindingsOf(j)...)
	}
	if f := report.Untold(r); f != nil {
		all = append(all, failureOf(f))
	}
	return all
}

// FindingsOf tells what one judge objects to.
func FindingsOf(j *checker.Judgement) (all []Finding) {
	for i := range j.Violations {
		all = append(all, violationOf(j.Judge, &j.Violations[i]))
	}
	return all
}

func violationOf(judge string, v *checker.Violation) Finding {
	one := Finding{
		Word: "violation", What: v.Property, Promise: checker.Promise(judge), Plain: plain(v), Why: v.Why, Then: v.Belief,
		At: v.At, Member: v.Member,
	}
	if v.Key != "" {
		one.What += ", key " + store.Text(v.Key)
	}
	for _, e := range v.Ops {
		one.Ops = append(one.Ops, exhibit{e.Op.ID, e.Note})
	}
	if one.At == 0 && len(v.Ops) > 0 {
		one.At = v.Ops[len(v.Ops)-1].Op.Return
	}
	return one
}

// failureOf tells of a statement that did not hold.
func failureOf(f *scenarios.Failure) Finding {
	one := Finding{Why: f.Why + ".", At: f.At}
	one.Word, one.What = report.Broken(f)
	switch {
	case f.Statement == "":
	case strings.HasPrefix(f.Statement, "!"):
		one.Promise = "The scenario says, by the !, that this must not happen."
	default:
		one.Promise = "The scenario says that this must be so, or must be done."
	}
	return one
}

// plain says what two operations show of which the later one saw less than the earlier
// one; nothing of any others.
func plain(v *checker.Violation) string {
	for i := range v.Ops {
		for k := range v.Ops {
			first, second := &v.Ops[i].Op, &v.Ops[k].Op
			saw, made := second.Response.Revision, first.Response.Revision
			answered := first.Outcome == history.OK && second.Outcome == history.OK && saw > 0
			if answered && first.Return < second.Invoke && saw < made {
				return fmt.Sprintf("c%d was answered at %s. Only then, at %s, did c%d ask: what it was told had to be no older. But every "+
					"change makes a new revision, and where c%d was told of revision %d, c%d was shown revision %d, from before.",
					first.Client, first.Return, second.Invoke, second.Client, first.Client, made, second.Client, saw)
			}
		}
	}
	return ""
}
