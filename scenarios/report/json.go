package report

import (
	"encoding/json"
	"io"

	"etcdsim/checker/history"
	"etcdsim/scenarios"
	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// The JSON form. Times are nanoseconds of virtual time. The names are an
// interface: they are added to, not changed.

type jsonResult struct {
	Scenario     string          `json:"scenario"`
	Seed         uint64          `json:"seed"`
	TraceVersion int             `json:"traceVersion"`
	Nodes        int             `json:"nodes"`
	Bugs         string          `json:"bugs,omitempty"`
	Settings     []string        `json:"settings,omitempty"`
	From         string          `json:"from,omitempty"`
	Outcome      string          `json:"outcome"`
	ExitCode     int             `json:"exitCode"`
	Phases       []jsonPhase     `json:"phases"`
	Failure      *jsonFailure    `json:"failure,omitempty"`
	Judgements   []jsonJudgement `json:"judgements"`
	Breakdowns   []jsonBreakdown `json:"breakdowns,omitempty"`
	Divergence   string          `json:"divergence,omitempty"`
	Panic        string          `json:"panic,omitempty"`
	Counts       jsonCounts      `json:"counts"`
	Reproduce    string          `json:"reproduce"`
	Digest       string          `json:"digest"`
}

type jsonPhase struct {
	Number int      `json:"number,omitempty"`
	Title  string   `json:"title"`
	Start  sim.Time `json:"start"`
	End    sim.Time `json:"end"`
	OK     bool     `json:"ok"`
	Note   string   `json:"note,omitempty"`
}

type jsonFailure struct {
	Kind      string   `json:"kind"`
	Line      int      `json:"line,omitempty"`
	Column    int      `json:"column,omitempty"`
	Statement string   `json:"statement,omitempty"`
	Why       string   `json:"why"`
	At        sim.Time `json:"at"`
}

type jsonJudgement struct {
	Judge      string          `json:"judge"`
	Verdict    string          `json:"verdict"`
	Judged     int             `json:"judged"`
	Note       string          `json:"note,omitempty"`
	Violations []jsonViolation `json:"violations,omitempty"`
}

type jsonViolation struct {
	Property string   `json:"property"`
	Key      string   `json:"key,omitempty"`
	Ops      []jsonOp `json:"operations,omitempty"`
	Why      string   `json:"why"`
	At       sim.Time `json:"at"`
	Member   uint64   `json:"member,omitempty"`
	Index    uint64   `json:"index,omitempty"`
}

type jsonOp struct {
	ID       uint64   `json:"id"`
	Client   int      `json:"client"`
	Member   uint64   `json:"member"`
	Text     string   `json:"text"`
	Invoke   sim.Time `json:"invoke"`
	Return   sim.Time `json:"return"`
	Outcome  string   `json:"outcome"`
	Revision int64    `json:"revision,omitempty"`
	Term     uint64   `json:"term,omitempty"`
	Note     string   `json:"note,omitempty"`
}

type jsonBreakdown struct {
	Member uint64   `json:"member"`
	At     sim.Time `json:"at"`
	Text   string   `json:"text"`
}

type jsonCounts struct {
	Operations uint64            `json:"operations"`
	Acked      uint64            `json:"acked"`
	Failed     uint64            `json:"failed"`
	Unknown    uint64            `json:"unknown"`
	Messages   uint64            `json:"messages"`
	Dropped    uint64            `json:"dropped"`
	Elections  uint64            `json:"elections"`
	Crashes    uint64            `json:"crashes"`
	Faults     uint64            `json:"faults"`
	Commits    uint64            `json:"commits"`
	Events     uint64            `json:"events"`
	Elapsed    sim.Time          `json:"elapsed"`
	Probes     map[string]uint64 `json:"probes,omitempty"`
}

// JSON writes the report as one JSON object on one line, so that the reports of
// a sweep are a stream of lines.
func JSON(w io.Writer, r *scenarios.Result) error {
	out := jsonResult{
		Scenario: r.Scenario, Seed: r.Seed, TraceVersion: trace.Version, Nodes: r.Nodes, Bugs: r.Bugs.String(), From: r.From,
		Outcome: r.Outcome.String(), ExitCode: r.Outcome.ExitCode(),
		Phases: []jsonPhase{}, Judgements: []jsonJudgement{},
		Reproduce: Reproduce(r), Digest: r.Digest.String(),
		Divergence: r.Divergence, Counts: countsOf(&r.Counts),
	}
	for _, s := range r.Settings {
		out.Settings = append(out.Settings, s.String())
	}
	for _, p := range r.Phases {
		out.Phases = append(out.Phases, jsonPhase(p))
	}
	if f := r.Failure; f != nil {
		out.Failure = &jsonFailure{f.Outcome.String(), f.Pos.Line, f.Pos.Col, f.Statement, f.Why, f.At}
	}
	for i := range r.Report.Judgements {
		out.Judgements = append(out.Judgements, judgementOf(r, i))
	}
	for _, b := range r.Breakdowns {
		out.Breakdowns = append(out.Breakdowns, jsonBreakdown{b.Member, b.At, b.Text})
	}
	if r.Panic != nil {
		out.Panic = r.Panic.Text
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(&out)
}

func countsOf(c *scenarios.Counts) jsonCounts {
	n := jsonCounts{
		c.Operations, c.Acked, c.Failed, c.Unknown, c.Messages, c.Dropped, c.Elections, c.Crashes, c.Faults, c.Commits, c.Events, c.Elapsed, nil,
	}
	for _, p := range c.Probes {
		if n.Probes == nil {
			n.Probes = map[string]uint64{}
		}
		n.Probes[p.Name] = p.Hits
	}
	return n
}

func judgementOf(r *scenarios.Result, i int) jsonJudgement {
	j := &r.Report.Judgements[i]
	out := jsonJudgement{Judge: j.Judge, Verdict: j.Verdict.String(), Judged: j.Judged, Note: j.Note}
	for _, v := range j.Violations {
		shown := jsonViolation{Property: v.Property, Key: v.Key, Why: v.Why, At: v.At, Member: v.Member, Index: v.Index}
		for _, e := range v.Ops {
			shown.Ops = append(shown.Ops, operationOf(&e.Op, e.Note))
		}
		out.Violations = append(out.Violations, shown)
	}
	return out
}

func operationOf(op *history.Op, note string) jsonOp {
	return jsonOp{
		ID: op.ID, Client: op.Client, Member: op.Member, Text: store.DescribeAnswered(op.Request, op.Response),
		Invoke: op.Invoke, Return: op.Return, Outcome: op.Outcome.String(),
		Revision: op.Response.Revision, Term: op.Term, Note: note,
	}
}
