package sweep

import (
	"errors"
	"io"
	"iter"

	"etcdsim/scenarios/report"
)

// JUnit writes the results as JUnit XML, a suite for each scenario. The results
// are read once for each suite, so that they need not fit into memory.
func JUnit(w io.Writer, t *Tally, results func() (*Reader, error)) error {
	suites := make([]report.Suite, len(t.scenarios))
	for i, s := range t.scenarios {
		suites[i] = report.Suite{
			Name: s.name, Tests: s.runs, Failures: s.runs - s.pass - s.internal, Errors: s.internal, Elapsed: s.elapsed,
			Cases: casesOf(s.name, results),
		}
	}
	return report.JUnit(w, suites)
}

// casesOf reads the results of one scenario.
func casesOf(scenario string, results func() (*Reader, error)) iter.Seq2[*report.Record, error] {
	return func(yield func(*report.Record, error) bool) {
		in, err := results()
		for err == nil {
			var rec *report.Record
			rec, err = in.Next()
			if err == nil && rec.Scenario == scenario && !yield(rec, nil) {
				return
			}
		}
		if !errors.Is(err, io.EOF) {
			yield(nil, err)
		}
	}
}
