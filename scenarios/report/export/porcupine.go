package export

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"

	"etcdsim/checker"
	"etcdsim/checker/history"
	"etcdsim/scenarios"
	"etcdsim/scenarios/report/chronicle"
	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// The page that porcupine draws of a history: a row for each client, with the point at
// which each operation takes effect; where there is no linearization, how far one goes,
// and what does not fit. Below are rows for members, leaders, faults and what the
// judges found.
//
// porcupine's own search explodes on histories that do not linearize. Here it is given
// the order that the judge knows: an operation may come next if it is the next one,
// and one that is wrong never may. So there is one way to go, and one picture.

// ordered is an operation as porcupine's model sees it.
type ordered struct {
	*checker.Placed
	// rank is its place among those shown, from 1; 0 if it is wrong.
	rank int
}

// drawn writes the page.
func drawn(w io.Writer, r *Run) error {
	ops, order, free := r.arranged()
	model := porcupine.Model{
		Init: func() any { return 0 },
		Step: func(state, input, _ any) (bool, any) {
			done := state.(int)
			return input.(ordered).rank == done+1, done + 1
		},
		DescribeOperation: func(input, _ any) string {
			op := &input.(ordered).Op
			return store.DescribeAnswered(op.Request, op.Response)
		},
		DescribeState: func(state any) string {
			if done := state.(int); done > 0 {
				p := order[done-1]
				return fmt.Sprintf("revision %d, log through %d", p.Revision, p.Index)
			}
			return "the beginning"
		},
		DescribeOperationMetadata: func(metadata any) string { return metadata.(string) },
	}
	_, info := porcupine.CheckOperationsVerbose(model, ops, 0)
	info.AddAnnotations(free)
	info.AddAnnotations(r.lanes())
	return porcupine.Visualize(model, info, w)
}

// arranged returns the operations of the window that an order must hold, those of them
// that have a place in their order, and the others as annotations of their clients.
func (r *Run) arranged() (ops []porcupine.Operation, order []*checker.Placed, free []porcupine.Annotation) {
	all := checker.Arrange(r.Result.History, checker.Options{})
	ranked := make([]*checker.Placed, len(all)+1)
	shown := map[*checker.Placed]bool{}
	for i := range all {
		p := &all[i]
		if p.Op.Invoke > r.To || p.Op.Return < r.From {
			continue
		}
		shown[p] = true
		if p.Rank > 0 {
			ranked[p.Rank] = p
		}
	}
	ranks := map[*checker.Placed]int{}
	for _, p := range ranked {
		if p != nil {
			order = append(order, p)
			ranks[p] = len(order)
		}
	}
	for i := range all {
		p := &all[i]
		if !shown[p] {
			continue
		}
		ret := min(p.Op.Return, max(r.To, p.Op.Invoke))
		about := aboutOperation(&p.Op)
		if p.Rank == 0 && !p.Wrong {
			free = append(free, porcupine.Annotation{
				ClientId: p.Op.Client, Start: int64(p.Op.Invoke), End: int64(ret), TextColor: "#555", BackgroundColor: "#eee",
				Description: store.DescribeAnswered(p.Op.Request, p.Op.Response), Details: about + "; no order need hold it",
			})
			continue
		}
		if p.Op.Outcome == history.Unknown {
			ret = max(r.To, p.Op.Invoke) // it may take effect at any time
		}
		ops = append(ops, porcupine.Operation{
			ClientId: p.Op.Client, Input: ordered{p, ranks[p]}, Call: int64(p.Op.Invoke), Return: int64(ret), Metadata: about,
		})
	}
	return ops, order, free
}

// aboutOperation says how an operation ended.
func aboutOperation(op *history.Op) string {
	words := []string{fmt.Sprintf("c%d", op.Client)}
	if op.Load != "" {
		words = append(words, "of "+op.Load)
	}
	words = append(words, fmt.Sprintf("via n%d, %s to ", op.Member, op.Invoke))
	if op.Return == sim.Forever {
		words[len(words)-1] += "no answer"
	} else {
		words[len(words)-1] += op.Return.String()
	}
	words = append(words, op.Outcome.String())
	if op.Response.Revision > 0 {
		words = append(words, fmt.Sprintf("rev %d, term %d", op.Response.Revision, op.Term))
	}
	return strings.Join(words, " ")
}

// The colours of annotations; what they mean is said in words, too.
const (
	leaderColour, candidateColour, followerColour = "#9ecae9", "#ffd58a", "#e4e4e4"
	downColour, pausedColour, faultColour         = "#c8c8c8", "#d9c7e8", "#f6b8ae"
	phaseColour, findingColour                    = "#d7ead3", "#e4572e"
)

// lanes returns the rows that are no client's. Their names sort as they shall stand.
func (r *Run) lanes() []porcupine.Annotation {
	var all []porcupine.Annotation
	add := func(lane, colour string, from, to sim.Time, what, details string) {
		if from <= r.To && to >= r.From {
			all = append(all, porcupine.Annotation{
				Tag: lane, Start: int64(max(from, r.From)), End: int64(min(to, r.To)), Description: what, Details: details,
				TextColor: "#000", BackgroundColor: colour,
			})
		}
	}
	var reigns []span
	for _, s := range r.spans() {
		what, colour := s.word()
		name := chronicle.Name(s.member)
		add(name, colour, s.from, s.to, what, fmt.Sprintf("%s is %s from %s to %s", name, what, s.from, s.to))
		if s.life == chronicle.Up && s.role == uint64(trace.RoleLeader) {
			reigns = append(reigns, s)
		}
	}
	// Two may lead at once: who begins while another leads gets a row below.
	slices.SortStableFunc(reigns, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var rows []sim.Time
	for _, s := range reigns {
		row := slices.IndexFunc(rows, func(until sim.Time) bool { return until < s.from })
		if row < 0 {
			row, rows = len(rows), append(rows, 0)
		}
		rows[row] = s.to
		lane := "leaders" + strings.Repeat(" (at once)", min(row, 1))
		if row > 1 {
			lane += fmt.Sprintf(" %d", row)
		}
		add(lane, leaderColour, s.from, s.to, fmt.Sprintf("%s, term %d", chronicle.Name(s.member), s.term), fmt.Sprintf("%s to %s", s.from, s.to))
	}
	for i := range r.Chronicle.Notes {
		if e := &r.Chronicle.Notes[i]; e.Kind == trace.Action && r.faulty(e) {
			add("faults", faultColour, e.At, e.At, strings.Join(strings.Fields(r.tell(e)), " "), "at "+e.At.String())
		}
	}
	for _, p := range r.Result.Phases {
		add("phases", phaseColour, p.Start, p.End, p.Title, fmt.Sprintf("%s to %s  %s", p.Start, p.End, p.Note))
	}
	for _, v := range r.Result.Report.Violations() {
		at := v.At
		if at == 0 && len(v.Ops) > 0 {
			at = v.Ops[len(v.Ops)-1].Op.Invoke
		}
		add("violations", findingColour, at, at, v.Property, v.Why)
	}
	return all
}

// faulty reports whether a statement is a fault, or the end of one.
func (r *Run) faulty(e *trace.Event) bool {
	for _, s := range r.File.Statements() {
		if s.Number != 0 && uint64(s.Number) == e.ID {
			return s.Concern() == scenarios.OfFaults
		}
	}
	return false
}

// word says what a member is during a span, and in which colour.
func (s *span) word() (what, colour string) {
	switch s.life {
	case chronicle.Down:
		return "down", downColour
	case chronicle.Paused:
		return "paused", pausedColour
	case chronicle.Gone:
		return "removed", downColour
	}
	switch uint16(s.role) {
	case trace.RoleLeader:
		return fmt.Sprintf("leader, term %d", s.term), leaderColour
	case trace.RoleCandidate, trace.RolePreCandidate:
		return fmt.Sprintf("candidate, term %d", s.term), candidateColour
	}
	return fmt.Sprintf("follower, term %d", s.term), followerColour
}
