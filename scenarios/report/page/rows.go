package page

import (
	"etcdsim/checker/history"
	"etcdsim/scenarios/report/chronicle"
	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// What the scripts of pages (model.js) read: rows of lists, for their size.

// PacketRow is kind, from, to, sent, ended, fate, term, what.
func PacketRow(p *chronicle.Packet) []any {
	return []any{p.Kind, p.From, p.To, p.Sent, p.Ended, p.Fate, p.Term, p.Summary()}
}

// NoteRow is at, kind, member, what.
func NoteRow(e *trace.Event, what string) []any { return []any{e.At, e.Kind.String(), e.Member, what} }

// ChangeRow is at, member, peer, field, value.
func ChangeRow(c chronicle.Change) [5]int64 {
	return [5]int64{int64(c.At), int64(c.Member), int64(c.Peer), int64(c.Field), int64(c.Value)}
}

// EntryRow is at, member, index, term.
func EntryRow(e chronicle.Entry) [4]uint64 {
	return [4]uint64{uint64(e.At), uint64(e.Member), e.Index, e.Term}
}

// CommitRow is index, term, revision, what, operation.
func CommitRow(c *history.Commit) []any {
	return []any{c.Index, c.Term, c.Response.Revision, store.Describe(c.Proposal.Request), c.Proposal.ID}
}

// OpOf is an operation without its place in the log.
func OpOf(o *history.Op) Op {
	shown := Op{
		ID: o.ID, Client: o.Client, Member: o.Member, Load: o.Load, Text: store.DescribeAnswered(o.Request, o.Response),
		Invoke: o.Invoke, Return: o.Return, Outcome: o.Outcome.String(), Rev: o.Response.Revision, Term: o.Term,
	}
	if o.Return == sim.Forever {
		shown.Return = -1
	}
	return shown
}
