package report_test

import (
	"bytes"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/joshdk/go-junit"

	"etcdsim/checker"
	"etcdsim/scenarios"
	"etcdsim/scenarios/report"
)

// suite is three cases: a pass, a failure, an error.
func suite() report.Suite {
	pass, crash := stale(), stale()
	pass.Outcome, pass.Failure, pass.Report = scenarios.Pass, nil, checker.Report{}
	crash.Outcome, crash.Panic = scenarios.Internal, &scenarios.Panic{Text: "a <tag> & \x00 a ]]> in the way"}
	crash.Failure, crash.Report = nil, checker.Report{}
	crash.Seed = 43
	records := []*report.Record{report.NewRecord(0, pass), report.NewRecord(1, stale()), report.NewRecord(2, crash)}
	return report.Suite{Name: "kill-leader", Tests: 3, Failures: 1, Errors: 1, Elapsed: 3 * 1141 * ms, Cases: each(records)}
}

func each(records []*report.Record) iter.Seq2[*report.Record, error] {
	return func(yield func(*report.Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// A parser that others use finds in the XML what a reader needs, and nothing else.
func TestJUnit(t *testing.T) {
	var b bytes.Buffer
	if err := report.JUnit(&b, []report.Suite{suite(), {Name: "empty", Cases: each(nil)}}); err != nil {
		t.Fatal(err)
	}
	suites, err := junit.Ingest(b.Bytes())
	if err != nil {
		t.Fatalf("%v\n%s", err, &b)
	}
	if len(suites) != 2 || suites[0].Name != "kill-leader" || suites[1].Name != "empty" {
		t.Fatalf("suites %+v", suites)
	}
	tests := suites[0].Tests
	if len(tests) != 3 || suites[0].Totals.Passed != 1 || suites[0].Totals.Failed != 1 || suites[0].Totals.Error != 1 {
		t.Fatalf("totals %+v", suites[0].Totals)
	}
	if tests[0].Name != "seed 41" || tests[0].Classname != "kill-leader" || tests[0].Duration.Milliseconds() != 1141 {
		t.Errorf("case %+v", tests[0])
	}
	// The case alone tells what happened, and how to see it happen.
	var e junit.Error
	if !errors.As(tests[1].Error, &e) || e.Type != "violation" || e.Body != "\n"+staleText ||
		e.Message != "linearizability: n4 still believed that it led term 3; n2 had committed rev 57 at 1.126s." {
		t.Errorf("failure %+v", e)
	}
	if !errors.As(tests[2].Error, &e) || !strings.Contains(e.Body, "a <tag> & \ufffd a ]]> in the way") {
		t.Errorf("error %+v", e)
	}
}

// What cannot be read ends the document with an error.
func TestJUnitOfUnreadableResults(t *testing.T) {
	broken := errors.New("unreadable")
	s := report.Suite{Name: "x", Cases: func(yield func(*report.Record, error) bool) { yield(nil, broken) }}
	if err := report.JUnit(&bytes.Buffer{}, []report.Suite{s}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestAnnotation(t *testing.T) {
	r := stale()
	r.Scenario = "my dir/a,b.scn"
	var b strings.Builder
	if err := report.Annotate(&b, report.NewRecord(0, r)); err != nil {
		t.Fatal(err)
	}
	got := b.String()
	const want = "::error file=my dir/a%2Cb.scn,title=my dir/a%2Cb.scn seed 41%3A linearizability::my dir/a,b.scn  seed 41  5 nodes"
	if !strings.HasPrefix(got, want) ||
		strings.Count(got, "\n") != 1 || !strings.Contains(got, "%0Areproduce  etcdsim run") || !strings.Contains(got, "net.drop=1%25") {
		t.Errorf("got %q", got)
	}
}

// A record on its way through a file is still the same.
func TestRecordReadsBack(t *testing.T) {
	for _, bad := range []string{``, `[]`, `{"outcome":"well"}`} {
		if _, err := report.ParseRecord([]byte(bad)); err == nil {
			t.Errorf("%q is a record", bad)
		}
	}
	rec := report.NewRecord(7, stale())
	if rec.Finding() != "linearizability" || !slices.Equal(rec.Findings, []string{"linearizability", "expectation: ! wait  acked w >=1"}) {
		t.Errorf("findings %q", rec.Findings)
	}
	if rec.Why() != "n4 still believed that it led term 3; n2 had committed rev 57 at 1.126s." {
		t.Errorf("why: %q", rec.Why())
	}
}
