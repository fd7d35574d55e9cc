package checker

import (
	"fmt"

	"etcdsim/checker/history"
	"etcdsim/store"
)

// judgeStore judges what members answered when they applied the log, whether or
// not a client heard it: the model must give the same.
func judgeStore(l *linearity) Judgement {
	j := Judgement{Judge: "store", Class: Safety, Verdict: Pass, Judged: len(l.Commits)}
	if len(l.misapplied) == 0 {
		return j
	}
	j.Verdict = Violated
	if more := len(l.misapplied); more > 1 {
		j.Note = "the first of " + itoa(more)
	}
	g := l.misapplied[0]
	c := &l.Commits[g]
	_, want, _ := l.follow(int(g))
	key, due, given := differenceOf(c.Proposal.Request, &want, &c.Response)
	v := Violation{
		Property: "etcd's semantics", Key: key, At: l.commitTime(g), Index: c.Index,
		Why: fmt.Sprintf("Applying %s at index %d must give %s, but the store gave %s.",
			store.Describe(c.Proposal.Request), c.Index, due, given),
	}
	if o := l.opOf[g]; o >= 0 {
		v.Ops = []Exhibit{{Op: l.Ops[o]}}
	}
	j.Violations = []Violation{v}
	return j
}

// judgeReplicas judges the members as the run left them: equal logs give equal
// stores, and equal revisions equal hashes.
func judgeReplicas(r *record) Judgement {
	j := Judgement{Judge: "replicas", Class: Safety, Verdict: Pass}
	for i := range r.Members {
		a := &r.Members[i]
		if !a.Running {
			continue
		}
		j.Judged++
		for k := range i {
			b := &r.Members[k]
			if !b.Running || a.Applied != b.Applied && a.Revision != b.Revision || a.Revision == b.Revision && a.Hash == b.Hash {
				continue
			}
			j.Verdict = Violated
			j.Violations = append(j.Violations, Violation{
				Property: "equal replicas", Member: a.ID, Index: a.Applied,
				Why: fmt.Sprintf("The stores of n%d and n%d differ: %s and %s.", b.ID, a.ID, storeText(b), storeText(a)),
			})
			return j
		}
	}
	return j
}

func storeText(m *history.Member) string {
	return fmt.Sprintf("rev %d with hash %016x after applied index %d", m.Revision, m.Hash, m.Applied)
}
