// Package export writes a run in formats that other tools show:
//
//   - chrome: trace events for ui.perfetto.dev and chrome://tracing
//   - shiviz: a log with vector clocks for bestchai.bitbucket.io/shiviz
//   - mermaid: a sequence diagram, for pages and pull requests
//   - asciicast: the narration as a terminal recording, for asciinema
//   - porcupine: the history and its linearization, as porcupine draws them
//
// An export is a pure function of what a film kept of the run; it adds nothing and
// judges nothing.
package export

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"etcdsim/checker/history"
	"etcdsim/scenarios"
	"etcdsim/scenarios/report/chronicle"
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// Run is what is exported.
type Run struct {
	File      *scenarios.File
	Result    *scenarios.Result
	Chronicle *chronicle.Chronicle
	// From and To are the window of time exported; To 0 means the end.
	From, To sim.Time
}

// Format is a format of exports.
type Format struct {
	Name string
	// What says what it is good for.
	What string
	// Ending is how a file in it is called.
	Ending string
	write  func(io.Writer, *Run) error
}

// Formats are all formats.
var Formats = []Format{
	{"chrome", "trace events, for ui.perfetto.dev", ".json", chrome},
	{"shiviz", "a log with vector clocks, for ShiViz", ".log", shiviz},
	{"mermaid", "a sequence diagram", ".mmd", mermaid},
	{"asciicast", "the narration as a terminal recording, for asciinema", ".cast", asciicast},
	{"porcupine", "clients' operations with their linearization, as porcupine draws them: a page for a browser", ".html", drawn},
	{"history", "what clients asked and were answered, for etcdsim verify", ".jsonl", clients},
}

// Lookup returns the format of this name.
func Lookup(name string) (Format, error) {
	i := slices.IndexFunc(Formats, func(f Format) bool { return f.Name == name })
	if i < 0 {
		names := make([]string, len(Formats))
		for i, f := range Formats {
			names[i] = f.Name
		}
		return Format{}, fmt.Errorf("%q is not a format: expected one of %s", name, strings.Join(names, ", "))
	}
	return Formats[i], nil
}

// Write writes a run in the format.
func (f Format) Write(w io.Writer, r *Run) error {
	if r.To == 0 {
		r.To = max(r.Chronicle.To, r.Result.Counts.Elapsed)
	}
	return f.write(w, r)
}

// shown reports whether a time is in the window.
func (r *Run) shown(at sim.Time) bool { return r.From <= at && at <= r.To }

// operations returns the operations under way in the window.
func (r *Run) operations() []*history.Op {
	var ops []*history.Op
	for i := range r.Result.History.Ops {
		if op := &r.Result.History.Ops[i]; op.Invoke <= r.To && op.Return >= r.From {
			ops = append(ops, op)
		}
	}
	return ops
}

// tell says a note in words, with the words of the scenario.
func (r *Run) tell(e *trace.Event) string {
	switch e.Kind {
	case trace.Action:
		for _, s := range r.File.Statements() {
			if uint64(s.Number) == e.ID {
				return s.String()
			}
		}
	case trace.Phase:
		for _, p := range r.Result.Phases {
			if uint64(p.Number) == e.ID {
				return fmt.Sprintf("%d. %s", p.Number, p.Title)
			}
		}
	}
	return chronicle.Tell(e)
}

// span is a stretch of time in which a member's life, role and term are the same.
type span struct {
	member           trace.Addr
	from, to         sim.Time
	life, role, term uint64
}

// spans returns the stretches of all members, by member.
func (r *Run) spans() []span {
	var all []span
	for m := 1; m <= r.Chronicle.Members; m++ {
		now := span{member: trace.Addr(m), from: r.Chronicle.From}
		for _, c := range r.Chronicle.Changes {
			if c.Member != now.member || c.Field > chronicle.Term {
				continue
			}
			if c.At > now.from {
				now.to = c.At
				all = append(all, now)
				now.from = c.At
			}
			switch c.Field {
			case chronicle.Life:
				now.life = c.Value
			case chronicle.Role:
				now.role = c.Value
			case chronicle.Term:
				now.term = c.Value
			}
		}
		now.to = r.Chronicle.To
		all = append(all, now)
	}
	return all
}
