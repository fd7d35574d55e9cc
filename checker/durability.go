package checker

import (
	"fmt"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/store"
)

// judgeDurability judges the committed log against what clients were told:
//
//   - a write that was acknowledged is in the log, as it was asked, and stays;
//   - a write that was refused for good is not;
//   - no write is in the log twice.
//
// It is what makes it honest to resolve unknown outcomes by the log.
func judgeDurability(r *record, o Options) Judgement {
	d := durability{record: r}
	judged := 0
	if len(r.Commits) == 0 && r.facts == nil {
		return safety("durability", judged, nil)
	}
	for i := range r.Ops {
		op := &r.Ops[i]
		if op.Outcome == history.Unknown || store.ReadOnly(op.Request) {
			continue
		}
		judged++
		switch c := r.commitOf[i]; {
		case op.Outcome == history.Failed:
			if c >= 0 && r.Commits[c].Response.Err == nil {
				d.refusedYetApplied(op, c)
			}
		case c < 0:
			d.missing(op)
		case !sameRequest(op.Request, r.Commits[c].Proposal.Request):
			d.altered(op, c)
		}
	}
	d.repetitions()
	if o.Converged {
		d.forgotten()
	}
	return safety("durability", judged, d.found)
}

type durability struct {
	*record
	found []Violation
}

func (d *durability) add(op *history.Op, note string, at sim.Time, index uint64, format string, args ...any) {
	d.found = append(d.found, Violation{
		Property: "durability", Key: keyOf(op.Request), Ops: []Exhibit{{*op, note}},
		At: at, Member: op.Member, Index: index, Why: fmt.Sprintf(format, args...),
	})
}

// missing: acknowledged, but no entry carries it, or does so no longer.
func (d *durability) missing(op *history.Op) {
	if r, ok := d.gaveWay(op.ID); ok {
		d.add(op, "lost", r.At, r.Index,
			"n%d acknowledged %s at %v, committed at index %d; at %v n%d applied %s there instead. %s",
			op.Member, store.Describe(op.Request), op.Return, r.Index, r.At, r.Member, d.requestText(r.Is), d.lossBefore(op, r.At))
		return
	}
	d.add(op, "not in the log", op.Return, op.Applied, "n%d acknowledged %s at %v, but no entry of the committed log carries it.",
		op.Member, store.Describe(op.Request), op.Return)
}

func (d *durability) altered(op *history.Op, c int32) {
	d.add(op, "altered", op.Return, d.Commits[c].Index,
		"n%d acknowledged %s, but the log holds %s at index %d under its name.",
		op.Member, store.Describe(op.Request), store.Describe(d.Commits[c].Proposal.Request), d.Commits[c].Index)
}

func (d *durability) refusedYetApplied(op *history.Op, c int32) {
	d.add(op, "refused, yet applied", op.Return, d.Commits[c].Index,
		"n%d refused %s for good (%s), but it was committed at index %d and applied.",
		op.Member, store.Describe(op.Request), refusal(op), d.Commits[c].Index)
}

func refusal(op *history.Op) string {
	if op.Response.Err == nil {
		return "without a reason"
	}
	return op.Response.Err.Text
}

func (d *durability) requestText(id uint64) string {
	if o := d.find(id); o >= 0 {
		return store.Describe(d.Ops[o].Request)
	}
	return entryText(id)
}

// lossBefore names the crashes that may have lost an operation: those that came
// after it was asked and lost bytes.
func (d *durability) lossBefore(op *history.Op, until sim.Time) string {
	s := ""
	for _, stop := range d.facts.stops {
		if stop.At < op.Invoke || stop.At > until || stop.Lost == 0 {
			continue
		}
		if s != "" {
			s += ", "
		}
		s += fmt.Sprintf("n%d at %v (%d bytes)", stop.Member, stop.At, stop.Lost)
	}
	if s == "" {
		return "No crash between lost anything that was not synced."
	}
	return "Crashes between lost what was not synced: " + s + "."
}

// repetitions: one operation took effect more than once.
func (d *durability) repetitions() {
	for _, c := range d.again {
		o := d.find(d.Commits[c].Proposal.ID)
		first := d.commitOf[o]
		if d.Commits[c].Response.Err != nil || d.Commits[first].Response.Err != nil {
			continue // a refusal has no effect
		}
		op := &d.Ops[o]
		one, other := d.Commits[first].Index, d.Commits[c].Index
		d.add(op, "applied twice", max(op.Invoke, d.commitTime(c)), other, "%s is in the log twice: at index %d and at index %d.",
			store.Describe(op.Request), min(one, other), max(one, other))
	}
}

// forgotten: acknowledged, and in the end no running member has come that far.
func (d *durability) forgotten() {
	var most uint64
	running := false
	for _, m := range d.Members {
		if m.Running {
			running = true
			most = max(most, m.Applied)
		}
	}
	if !running {
		return
	}
	for i := range d.Ops {
		op := &d.Ops[i]
		if c := d.commitOf[i]; c >= 0 && op.Outcome == history.OK && d.Commits[c].Index > most {
			d.add(op, "lost", op.Return, d.Commits[c].Index,
				"n%d acknowledged %s at %v, committed at index %d, but in the end no running member has applied more than index %d.",
				op.Member, store.Describe(op.Request), op.Return, d.Commits[c].Index, most)
		}
	}
}

// sameRequest reports whether the log holds what was asked. The ID of a lease may
// be left to the member.
func sameRequest(asked, logged store.Request) bool {
	if asked == logged {
		return true
	}
	switch a := asked.(type) {
	case *store.PutRequest:
		g, ok := logged.(*store.PutRequest)
		return ok && *a == *g
	case *store.DeleteRangeRequest:
		g, ok := logged.(*store.DeleteRangeRequest)
		return ok && *a == *g
	case *store.LeaseGrantRequest:
		g, ok := logged.(*store.LeaseGrantRequest)
		return ok && a.TTL == g.TTL && (a.ID == 0 || a.ID == g.ID)
	}
	return store.HashRequest(asked) == store.HashRequest(logged)
}
