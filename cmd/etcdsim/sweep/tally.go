package sweep

import (
	"fmt"
	"slices"
	"strings"

	"etcdsim/scenarios"
	"etcdsim/scenarios/report"
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// Tally adds up the records of a sweep. Its size does not grow with theirs.
type Tally struct {
	Runs  uint64
	Worst scenarios.Outcome
	// By counts outcomes.
	By [scenarios.Interrupted + 1]uint64
	// Operations, Messages, Faults, Events and Elapsed are sums.
	Operations, Messages, Faults, Events uint64
	// Elapsed is virtual time.
	Elapsed sim.Time
	// Hits sums up the probes, and Runs with a hit are in Reached.
	Hits, Reached []uint64

	scenarios []*scenarioTally
	findings  []*FindingTally
	// others counts runs whose finding is not listed.
	others uint64
}

type scenarioTally struct {
	name string
	// internal counts runs that the simulator itself did not survive.
	runs, pass, internal uint64
	elapsed              sim.Time
}

// FindingTally is one way in which runs of a scenario fail.
type FindingTally struct {
	Scenario, Finding string
	Outcome           scenarios.Outcome
	Runs              uint64
	// First is the first run that failed so.
	First *report.Record
}

// maxFindings bounds the findings listed.
const maxFindings = 100

// NewTally returns a tally of nothing.
func NewTally(h *Header) *Tally {
	t := &Tally{Hits: make([]uint64, len(trace.Probes())), Reached: make([]uint64, len(trace.Probes()))}
	for _, s := range h.Scenarios {
		t.scenarios = append(t.scenarios, &scenarioTally{name: s.Name})
	}
	return t
}

// Add adds a record. Of one that did not pass it returns how many runs of the
// scenario have failed so by now; of one that passed, 0.
func (t *Tally) Add(rec *report.Record) (alike uint64) {
	t.Runs++
	t.Worst = max(t.Worst, rec.Outcome)
	t.By[rec.Outcome]++
	t.Operations += rec.Operations
	t.Messages += rec.Messages
	t.Faults += rec.Faults
	t.Events += rec.Events
	t.Elapsed += rec.Elapsed
	for i, p := range trace.Probes() {
		if hits := rec.Hits(p); hits > 0 {
			t.Hits[i] += hits
			t.Reached[i]++
		}
	}
	i := slices.IndexFunc(t.scenarios, func(s *scenarioTally) bool { return s.name == rec.Scenario })
	s := t.scenarios[i]
	s.runs++
	s.elapsed += rec.Elapsed
	switch rec.Outcome {
	case scenarios.Pass:
		s.pass++
		return 0
	case scenarios.Internal:
		s.internal++
	}
	for _, f := range t.findings {
		if f.Scenario == rec.Scenario && f.Finding == rec.Finding() && f.Outcome == rec.Outcome {
			f.Runs++
			return f.Runs
		}
	}
	if len(t.findings) == maxFindings {
		t.others++
		return t.others
	}
	t.findings = append(t.findings, &FindingTally{rec.Scenario, rec.Finding(), rec.Outcome, 1, rec})
	return 1
}

// Failed is the number of runs that did not pass.
func (t *Tally) Failed() uint64 { return t.Runs - t.By[scenarios.Pass] }

// Findings are the ways in which runs failed, in the order of their first ones.
func (t *Tally) Findings() []*FindingTally { return t.findings }

// Never names the probes that no run hit.
func (t *Tally) Never() []string {
	var names []string
	for i, p := range trace.Probes() {
		if t.Hits[i] == 0 {
			names = append(names, p.String())
		}
	}
	return names
}

// Rare names probes that fewer than one run in a hundred hit, with the number of
// runs.
func (t *Tally) Rare() []string {
	var names []string
	for i, p := range trace.Probes() {
		if n := t.Reached[i]; n > 0 && n*100 < t.Runs {
			names = append(names, fmt.Sprintf("%s %d", p, n))
		}
	}
	return names
}

// Outcomes is how the runs ended, on one line: "12 runs: 10 pass, 2 violation".
func (t *Tally) Outcomes() string {
	parts := []string{fmt.Sprintf("%s: %d pass", plural(t.Runs, "run"), t.By[scenarios.Pass])}
	for o := scenarios.Vacuous; o <= scenarios.Interrupted; o++ {
		if t.By[o] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", t.By[o], o))
		}
	}
	return strings.Join(parts, ", ")
}

// Summary tells of the whole sweep. It depends on nothing but the records.
func (t *Tally) Summary() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	width := len("scenario")
	for _, s := range t.scenarios {
		width = max(width, len(s.name))
	}
	line("%-*s  %9s  %9s  %9s", width, "scenario", "runs", "pass", "not")
	for _, s := range t.scenarios {
		line("%-*s  %9d  %9d  %9d", width, s.name, s.runs, s.pass, s.runs-s.pass)
	}
	for _, f := range t.findings {
		line("%s  %s: %s in %s, first with seed %d",
			strings.ToUpper(f.Outcome.String()), f.Finding, plural(f.Runs, "run"), f.Scenario, f.First.Seed)
		line("  reproduce  %s", f.First.Reproduce)
	}
	if t.others > 0 {
		line("and %s that failed in further ways", plural(t.others, "run"))
	}
	if never := t.Never(); len(never) > 0 {
		line("never reached")
		for _, l := range wrap(never, textWidth) {
			line("  %s", l)
		}
	}
	if rare := t.Rare(); len(rare) > 0 {
		line("reached by fewer than one run in a hundred")
		for _, l := range wrap(rare, textWidth) {
			line("  %s", l)
		}
	}
	line("%s; %d operations, %d messages, %d faults, %d of %d rare events reached, %s simulated",
		t.Outcomes(), t.Operations, t.Messages, t.Faults, len(t.Hits)-len(t.Never()), len(t.Hits), t.Elapsed)
	return b.String()
}

// Markdown is the summary for a page.
func (t *Tally) Markdown() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("### %s\n", t.Outcomes())
	line("| scenario | runs | pass | not |\n|---|--:|--:|--:|")
	for _, s := range t.scenarios {
		line("| %s | %d | %d | %d |", s.name, s.runs, s.pass, s.runs-s.pass)
	}
	for _, f := range t.findings {
		line("\n**%s** %s: %s in %s, first with seed %d\n", f.Outcome, f.Finding, plural(f.Runs, "run"), f.Scenario, f.First.Seed)
		line("```text\n%s```", f.First.Text)
	}
	if never := t.Never(); len(never) > 0 {
		line("\nnever reached: %s", strings.Join(never, ", "))
	}
	return b.String()
}

// textWidth lets indented lists fit on a terminal of 80 columns.
const textWidth = 76

// wrap puts words, separated by commas, on lines of about a width.
func wrap(words []string, width int) []string {
	var lines []string
	line := ""
	for i, word := range words {
		if i < len(words)-1 {
			word += ", "
		}
		if line != "" && len(line)+len(word) > width {
			lines = append(lines, strings.TrimSpace(line))
			line = ""
		}
		line += word
	}
	return append(lines, line)
}

func plural(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
