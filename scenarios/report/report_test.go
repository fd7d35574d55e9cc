package report_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"etcdsim/checker"
	"etcdsim/checker/history"
	"etcdsim/scenarios"
	"etcdsim/scenarios/report"
	"etcdsim/sim"
	"etcdsim/sim/bug"
	"etcdsim/store"
)

const ms = sim.Time(1e6)

// stale is the failure that the design shows.
func stale() *scenarios.Result {
	put := history.Op{
		Client: 2, Member: 2, Request: &store.PutRequest{Key: "k1", Value: "9"}, Invoke: 1104 * ms, Return: 1131 * ms,
		Outcome: history.OK, Term: 4, Response: store.Response{Revision: 57, Result: &store.PutResult{}},
	}
	get := history.Op{
		Client: 0, Member: 4, Request: &store.RangeRequest{Key: "k1"}, Invoke: 1140 * ms, Return: 1141 * ms,
		Outcome: history.OK, Term: 3,
		Response: store.Response{Revision: 51, Result: &store.RangeResult{KVs: []*store.KeyValue{{Key: "k1", Value: "4"}}, Count: 1}},
	}
	return &scenarios.Result{
		Scenario: "kill-leader", Seed: 41, Nodes: 5, Bugs: bug.Set(0).With(bug.LeaderLocalRead), Outcome: scenarios.Violation,
		Settings: []scenarios.Setting{{Section: "net", Name: "drop", Value: "1%"}},
		Phases: []scenarios.PhaseResult{
			{Number: 1, Title: "a leader serves writes", End: 398 * ms, OK: true, Note: "n4 leads term 3"},
			{Number: 2, Title: "kill it while clients write", End: 10702 * ms, OK: true, Note: "n2 leads term 4"},
			{Number: 3, Title: "isolate the new leader", End: 11702 * ms},
		},
		Failure: &scenarios.Failure{
			Outcome: scenarios.Violation, Pos: scenarios.Pos{Line: 16, Col: 1}, Statement: "! wait  acked w >=1", Why: "w: 1 acked", At: 1141 * ms,
		},
		Report: checker.Report{Judgements: []checker.Judgement{{
			Judge: "linearizability", Class: checker.Safety, Verdict: checker.Violated, Judged: 2,
			Violations: []checker.Violation{{
				Property: "linearizability", Key: "k1", At: 1141 * ms,
				Ops: []checker.Exhibit{{Op: put}, {Op: get, Note: "stale"}},
				Why: "n4 still believed that it led term 3; n2 had committed rev 57 at 1.126s.",
			}},
		}}},
		Counts: scenarios.Counts{Operations: 2, Messages: 1, Elections: 2, Crashes: 1, Elapsed: 1141 * ms},
	}
}

const staleText = `kill-leader  seed 41  5 nodes  net.drop=1%  bug leader-local-read
  ✓ 1. a leader serves writes             0.398s  n4 leads term 3
  ✓ 2. kill it while clients write       10.702s  n2 leads term 4
  ✗ 3. isolate the new leader            kill-leader.scn:16
VIOLATION linearizability, key k1
  c2 put k1=9    1.104s-1.131s  ok rev 57  via n2 term 4
  c0 get k1 = 4  1.140s-1.141s  ok rev 51  via n4 term 3   <- stale
WHY  n4 still believed that it led term 3; n2 had committed rev 57 at 1.126s.
EXPECTATION  ! wait acked w >=1
WHY  at 1.141s: w: 1 acked.
reproduce  etcdsim run kill-leader --seed 41 --set net.drop=1% --bug leader-local-read
look       etcdsim export mermaid kill-leader --seed 41 --set net.drop=1% --bug leader-local-read --window 1.041s..1.241s
FAIL violation  2 operations, 1 message, 2 elections, 1 killed, 1.141s
digest  00000000000000000000000000000000
`

func render(t *testing.T, r *scenarios.Result, s report.Style) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Text(&b, r, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextOfAViolation(t *testing.T) {
	if got := render(t, stale(), report.Style{}); got != staleText {
		t.Errorf("got\n%s\nwant\n%s", got, staleText)
	}
}

// Colour adds nothing but colour: every mark and word stands without it.
func TestColourIsNeverTheOnlySign(t *testing.T) {
	coloured := render(t, stale(), report.Style{Colour: true})
	bare := coloured
	for _, code := range []string{"\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m"} {
		bare = strings.ReplaceAll(bare, code, "")
	}
	if bare != staleText || coloured == staleText {
		t.Errorf("without its colours the report is\n%s\nwant\n%s", bare, staleText)
	}
}

func TestOtherEnds(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*scenarios.Result)
		says   []string
		not    []string
	}{
		"a pass asks for nothing": {
			func(r *scenarios.Result) { r.Outcome, r.Failure, r.Report = scenarios.Pass, nil, checker.Report{} },
			[]string{"PASS  2 operations"},
			[]string{"reproduce", "WHY", "FAIL"},
		},
		"a judge that gave up": {
			func(r *scenarios.Result) {
				r.Outcome, r.Failure = scenarios.Vacuous, nil
				r.Report = checker.Report{Judgements: []checker.Judgement{{Judge: "linearizability", Verdict: checker.Unknown, Note: "too much"}}}
			},
			[]string{"UNKNOWN  linearizability: too much\n", "UNKNOWN  2 operations", "reproduce"},
			[]string{"FAIL", "PASS"},
		},
		"a panic in the simulator": {
			func(r *scenarios.Result) {
				r.Outcome, r.Failure, r.Report = scenarios.Internal, nil, checker.Report{}
				r.Panic = &scenarios.Panic{Text: "out of range", Stack: "goroutine 1"}
			},
			[]string{"INTERNAL  the simulator itself failed", "WHY  out of range", "FAIL internal"},
			[]string{"goroutine"},
		},
		"another run than the one that was recorded": {
			func(r *scenarios.Result) {
				r.Outcome, r.Report = scenarios.Nondeterminism, checker.Report{}
				r.Failure = &scenarios.Failure{Outcome: scenarios.Nondeterminism, Statement: "ended   digest=0", Why: "the digest is 1"}
			},
			[]string{"NONDETERMINISM  ended digest=0\nWHY  at 0.000s: the digest is 1.\n", "FAIL nondeterminism"},
			nil,
		},
		"a failure that the judge of liveness tells of": {
			func(r *scenarios.Result) {
				r.Outcome, r.Failure.Outcome = scenarios.Stuck, scenarios.Stuck
				v := checker.Violation{Property: "liveness", Why: "Waited for a leader."}
				r.Report = checker.Report{Judgements: []checker.Judgement{{
					Judge: "liveness", Verdict: checker.Violated, Violations: []checker.Violation{v},
				}}}
			},
			[]string{"VIOLATION liveness\nWHY  Waited for a leader.\nreproduce"},
			[]string{"LIVENESS"},
		},
		"what a member believed, and a property that does not name its judge": {
			func(r *scenarios.Result) {
				v := checker.Violation{Property: "a single leader in a term", At: 50 * ms, Why: "Two lead.", Belief: "n1 believed it."}
				r.Report = checker.Report{Judgements: []checker.Judgement{{
					Judge: "raft", Verdict: checker.Violated, Violations: []checker.Violation{v},
				}}}
			},
			[]string{
				"VIOLATION raft, a single leader in a term, at 0.050s\nWHY  Two lead.\nTHEN n1 believed it.\n",
				" --window 0s..150ms\n",
			},
			nil,
		},
		"a plan that was drawn": {
			func(r *scenarios.Result) { r.Scenario = scenarios.Drawn },
			[]string{"reproduce"},
			[]string{"look "},
		},
		"a story in Go": {
			func(r *scenarios.Result) { r.Command = "go test" },
			[]string{"reproduce  go test\n"},
			[]string{"look "},
		},
		"members that began with a snapshot": {
			func(r *scenarios.Result) { r.From = "prod.db sha256:77" },
			[]string{"bug leader-local-read\nfrom  prod.db sha256:77\n"},
			nil,
		},
		"refused and lost operations": {
			func(r *scenarios.Result) { r.Counts.Failed, r.Counts.Unknown, r.Counts.Dropped = 3, 4, 5 },
			[]string{"2 operations (3 refused, 4 unknown), 1 message (5 dropped), 2 elections"},
			nil,
		},
		"a file of one's own": {
			func(r *scenarios.Result) { r.Scenario = "my dir/it's.scn" },
			[]string{"my dir/it's.scn:16", `etcdsim run 'my dir/it'\''s.scn' --seed 41`},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := stale()
			c.change(r)
			got := render(t, r, report.Style{})
			for _, want := range c.says {
				if !strings.Contains(got, want) {
					t.Errorf("the report lacks %q:\n%s", want, got)
				}
			}
			for _, no := range c.not {
				if strings.Contains(got, no) {
					t.Errorf("the report says %q:\n%s", no, got)
				}
			}
		})
	}
}

func TestLine(t *testing.T) {
	var b bytes.Buffer
	if err := report.Line(&b, stale(), report.Style{}); err != nil {
		t.Fatal(err)
	}
	const want = "kill-leader  seed 41  FAIL violation  2 operations, 1 message, 2 elections, 1 killed, 1.141s  " +
		"digest 00000000000000000000000000000000\n"
	if b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

// The JSON is one line that programs can read, with what the text says.
func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := report.JSON(&b, stale()); err != nil {
		t.Fatal(err)
	}
	if strings.Count(b.String(), "\n") != 1 {
		t.Errorf("want one line, got %q", b.String())
	}
	var got struct {
		Scenario, Outcome, Reproduce string
		ExitCode                     int
		Failure                      struct{ Line int }
		Judgements                   []struct {
			Verdict    string
			Violations []struct {
				Key        string
				Operations []struct{ Text, Note, Outcome string }
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Scenario != "kill-leader" || got.Outcome != "violation" || got.ExitCode != 1 || got.Failure.Line != 16 ||
		!strings.HasPrefix(got.Reproduce, "etcdsim run kill-leader --seed 41") {
		t.Errorf("got %+v", got)
	}
	v := got.Judgements[0].Violations[0]
	if v.Key != "k1" || len(v.Operations) != 2 || v.Operations[1].Text != "get k1 = 4" || v.Operations[1].Note != "stale" {
		t.Errorf("got %+v", v)
	}
}
