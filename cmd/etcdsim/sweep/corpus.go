package sweep

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"etcdsim/scenarios"
	"etcdsim/scenarios/report"
	"etcdsim/sim/trace"
)

// Corpus remembers runs worth trying first: those that failed, and those that
// reached what hardly any run reaches. As text it is one run a line: the
// scenario, the seed, and after a '#' why it is remembered.
type Corpus struct{ runs []remembered }

type remembered struct {
	Task
	why string
}

// ParseCorpus reads a corpus; name is what errors call it.
func ParseCorpus(name, text string) (*Corpus, error) {
	var c Corpus
	n := 0
	for line := range strings.Lines(text) {
		n++
		what, why, _ := strings.Cut(line, "#")
		words := strings.Fields(what)
		if len(words) == 0 {
			continue
		}
		if len(words) != 2 {
			return nil, fmt.Errorf("%s:%d: expected a scenario, a seed and a comment", name, n)
		}
		seed, err := strconv.ParseUint(words[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %q is not a seed: expected a whole number", name, n, words[1])
		}
		c.add(Task{words[0], seed}, strings.TrimSpace(why))
	}
	return &c, nil
}

// Write writes the corpus as ParseCorpus reads it.
func (c *Corpus) Write(w io.Writer) error {
	var b strings.Builder
	for _, r := range c.runs {
		fmt.Fprintf(&b, "%s %d  # %s\n", r.Scenario, r.Seed, r.why)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Tasks returns the runs of these scenarios.
func (c *Corpus) Tasks(entries []Entry) []Task {
	var all []Task
	for _, r := range c.runs {
		if slices.ContainsFunc(entries, func(e Entry) bool { return e.Name == r.Scenario }) {
			all = append(all, r.Task)
		}
	}
	return all
}

func (c *Corpus) add(t Task, why string) {
	if !slices.ContainsFunc(c.runs, func(r remembered) bool { return r.Task == t }) {
		c.runs = append(c.runs, remembered{t, why})
	}
}

// perProbe is how many runs are remembered for one probe.
const perProbe = 2

// Scout collects, during a sweep, what the corpus may remember.
type Scout struct{ found [][]Task }

// NewScout returns a scout that has seen nothing.
func NewScout() *Scout { return &Scout{make([][]Task, len(trace.Probes()))} }

// See looks at a record.
func (s *Scout) See(rec *report.Record) {
	if rec.Outcome > scenarios.Violation {
		return
	}
	for i, p := range trace.Probes() {
		if len(s.found[i]) < perProbe && rec.Hits(p) > 0 {
			s.found[i] = append(s.found[i], Task{rec.Scenario, rec.Seed})
		}
	}
}

// Remember adds what a sweep found to the corpus: the first failure of each kind,
// and the first runs with each rare event.
func (c *Corpus) Remember(s *Scout, t *Tally) {
	for _, f := range t.Findings() {
		c.add(Task{f.Scenario, f.First.Seed}, f.Outcome.String()+" "+f.Finding)
	}
	for i, p := range trace.Probes() {
		if t.Reached[i]*100 >= t.Runs {
			continue
		}
		for _, task := range s.found[i] {
			c.add(task, "reached "+p.String())
		}
	}
}
