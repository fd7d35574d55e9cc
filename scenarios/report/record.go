package report

import (
	"encoding/json"
	"strings"

	"etcdsim/scenarios"
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// Record is a run in brief: what a sweep keeps of each of its seeds. It is
// complete enough to tell of the run again, in every form, without running it.
// As JSON it is one line, whose names are an interface: added to, not changed.
type Record struct {
	// N is the place of the run in its sweep, from 0.
	N        uint64            `json:"n"`
	Scenario string            `json:"scenario"`
	Seed     uint64            `json:"seed"`
	Outcome  scenarios.Outcome `json:"-"`
	// Ended is the outcome in words, for programs.
	Ended string `json:"outcome"`
	// Findings are what is wrong, the gravest first; none if the run passed.
	Findings []string `json:"findings,omitempty"`
	// Line is the report on one line and Text the whole of it, in plain style; a run
	// that passed has neither.
	Line      string `json:"line,omitempty"`
	Text      string `json:"text,omitempty"`
	Reproduce string `json:"reproduce,omitempty"`
	Digest    string `json:"digest"`

	Operations uint64   `json:"operations"`
	Messages   uint64   `json:"messages"`
	Faults     uint64   `json:"faults"`
	Events     uint64   `json:"events"`
	Elapsed    sim.Time `json:"elapsed"`
	// Probes says how often rare things happened, by the name of the probe.
	Probes map[string]uint64 `json:"probes,omitempty"`
}

// NewRecord returns the n-th run of a sweep in brief.
func NewRecord(n uint64, r *scenarios.Result) *Record {
	c := &r.Counts
	rec := &Record{
		N: n, Scenario: r.Scenario, Seed: r.Seed, Outcome: r.Outcome, Ended: r.Outcome.String(), Digest: r.Digest.String(),
		Operations: c.Operations, Messages: c.Messages, Faults: c.Faults, Events: c.Events, Elapsed: c.Elapsed,
		Probes: countsOf(c).Probes,
	}
	if r.Outcome == scenarios.Pass {
		return rec
	}
	for _, f := range r.Findings() {
		rec.Findings = append(rec.Findings, f.String())
	}
	var line, text strings.Builder
	// Writing to memory does not fail.
	_ = Line(&line, r, Style{})
	_ = Text(&text, r, Style{})
	rec.Line, rec.Text, rec.Reproduce = strings.TrimSuffix(line.String(), "\n"), text.String(), Reproduce(r)
	return rec
}

// ParseRecord reads the JSON form of a record.
func ParseRecord(line []byte) (*Record, error) {
	var rec Record
	if err := json.Unmarshal(line, &rec); err != nil {
		return nil, err
	}
	var err error
	if rec.Outcome, err = scenarios.ParseOutcome(rec.Ended); err != nil {
		return nil, err
	}
	return &rec, nil
}

// Finding is the gravest finding, or empty.
func (rec *Record) Finding() string {
	if len(rec.Findings) == 0 {
		return ""
	}
	return rec.Findings[0]
}

// Why says in one line why the run is not a pass: the first explanation of its
// report.
func (rec *Record) Why() string {
	for line := range strings.Lines(rec.Text) {
		if why, ok := strings.CutPrefix(line, "WHY  "); ok {
			return strings.TrimSpace(why)
		}
		if strings.HasPrefix(line, "UNKNOWN  ") || strings.HasPrefix(line, "VACUOUS  ") {
			return strings.TrimSpace(line)
		}
	}
	return rec.Line
}

// Hits returns how often a probe was hit.
func (rec *Record) Hits(p trace.ProbeID) uint64 { return rec.Probes[p.String()] }
