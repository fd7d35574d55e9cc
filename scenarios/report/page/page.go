// Package page writes a run as one HTML file that needs nothing else: the verdict
// and its why, a space-time diagram, the history with its linearization, and what
// every member was and held at the moment of one cursor.
//
// The page is a pure function of the run: the same run gives the same bytes. What
// it shows is in the file as JSON; what shows it are the scripts beside this
// file. It loads nothing from a network.
package page

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"

	"etcdsim/checker"
	"etcdsim/checker/history"
	"etcdsim/scenarios"
	"etcdsim/scenarios/report"
	"etcdsim/scenarios/report/chronicle"
	"etcdsim/sim"
	"etcdsim/sim/bug"
	"etcdsim/sim/trace"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed element.js
	elementJS string
	//go:embed model.js
	modelJS string
	//go:embed diagram.js
	diagramJS string
	//go:embed lesson.js
	lessonJS string
	//go:embed page.js
	pageJS string
)

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// Style is the style of pages; Scripts are those of their scripts that know data and
// draw the diagram, for other pages that show the same.
func Style() string { return pageCSS }

// Scripts returns the scripts.
func Scripts() string { return strings.Join([]string{elementJS, modelJS, diagramJS, lessonJS}, "\n") }

// Fates are the names of fates, by number.
func Fates() (names []string) {
	for f := chronicle.UnderWay; f <= chronicle.Taken; f++ {
		names = append(names, f.String())
	}
	return names
}

// Record runs a scenario as [scenarios.Run] does and keeps what its page shows. If
// the run is too long for that, it runs once more, with the window around what
// was found; determinism makes that the same run.
func Record(f *scenarios.File, seed uint64, o scenarios.Options, limit int) (*scenarios.Result, *chronicle.Chronicle, error) {
	once := func(film *chronicle.Film) (*scenarios.Result, error) {
		filmed := o
		filmed.Observe = func(log *trace.Log) {
			if o.Observe != nil {
				o.Observe(log)
			}
			film.Attach(log)
		}
		return scenarios.Run(f, seed, filmed)
	}
	film := &chronicle.Film{Limit: limit}
	r, err := once(film)
	if err != nil {
		return nil, nil, err
	}
	if at := focus(r); film.Cut() && at > 0 {
		film = &chronicle.Film{Limit: limit, Focus: at}
		if r, err = once(film); err != nil {
			return nil, nil, err
		}
	}
	c := film.Chronicle()
	clients := make(map[uint64]trace.Addr, len(r.History.Ops))
	for i := range r.History.Ops {
		op := &r.History.Ops[i]
		clients[op.ID] = trace.Client(op.Client)
	}
	c.Attribute(func(op uint64) trace.Addr { return clients[op] })
	return r, c, nil
}

// focus is the moment that a reader wants to see, or 0.
func focus(r *scenarios.Result) sim.Time {
	for _, v := range r.Report.Violations() {
		if v.At > 0 {
			return v.At
		}
		if n := len(v.Ops); n > 0 {
			return v.Ops[n-1].Op.Invoke
		}
	}
	if r.Failure != nil {
		return r.Failure.At
	}
	return 0
}

// Of writes the page of a run that it lets happen.
func Of(w io.Writer, f *scenarios.File, seed uint64, o scenarios.Options) error {
	r, c, err := Record(f, seed, o, 0)
	if err != nil {
		return err
	}
	return Write(w, f, r, c)
}

// Write writes the page of a run.
func Write(w io.Writer, f *scenarios.File, r *scenarios.Result, c *chronicle.Chronicle) error {
	return write(w, r.Scenario+", seed "+itoa(r.Seed), contentsOf(f, r, c))
}

func write(w io.Writer, title string, contents *contents) error {
	data, err := json.Marshal(contents)
	if err != nil {
		return err
	}
	// The JSON is inside a script element: encoding/json escapes <, > and &.
	return pageTemplate.Execute(w, map[string]any{
		"Title": title,
		"Style": template.CSS(pageCSS), //nolint:gosec // ours
		"Data":  template.JS(data),
		//nolint:gosec // escaped by encoding/json
		"Script": template.JS(Scripts() + "\n" + pageJS), //nolint:gosec // ours
	})
}

// contents is what the page knows. Times are nanoseconds; members are numbered
// from 1, clients from 1024. Long lists are lists of lists, for their size.
type contents struct {
	Meta       meta                `json:"meta"`
	Phases     []phase             `json:"phases"`
	Statements []statement         `json:"statements"`
	Findings   []Finding           `json:"findings"`
	Judgements []judgement         `json:"judgements"`
	Packets    [][]any             `json:"packets"` // kind, from, to, sent, ended, fate, term, what
	Notes      [][]any             `json:"notes"`   // at, kind, member, what
	Changes    [][5]int64          `json:"changes"` // at, member, peer, field, value
	Entries    [][4]uint64         `json:"entries"` // at, member, index, term
	Commits    [][]any             `json:"commits"` // index, term, revision, what, operation
	Ops        []Op                `json:"ops"`
	Stories    map[uint64][][3]int `json:"stories"` // at, packet, note
	Fates      []string            `json:"fates"`
	Lesson     *Lesson             `json:"lesson,omitempty"`
}

type meta struct {
	Scenario  string   `json:"scenario"`
	Seed      string   `json:"seed"`
	Nodes     int      `json:"nodes"`
	Bugs      string   `json:"bugs,omitempty"`
	Defects   []string `json:"defects,omitempty"` // what is wrong with those, in words
	Settings  []string `json:"settings,omitempty"`
	Outcome   string   `json:"outcome"`
	OK        bool     `json:"ok"`
	Figures   string   `json:"figures"`
	Reproduce string   `json:"reproduce"`
	Digest    string   `json:"digest"`
	Version   int      `json:"version"`
	From      sim.Time `json:"from"`
	To        sim.Time `json:"to"`
	Elapsed   sim.Time `json:"elapsed"`
	Total     uint64   `json:"total"`
	Kept      uint64   `json:"kept"`
	Members   int      `json:"members"`
	Clients   int      `json:"clients"`
}

type phase struct {
	Number int      `json:"number"`
	Title  string   `json:"title"`
	Start  sim.Time `json:"start"`
	End    sim.Time `json:"end"`
	OK     bool     `json:"ok"`
	Note   string   `json:"note"`
}

type statement struct {
	Number int    `json:"number"`
	Line   int    `json:"line"`
	Text   string `json:"text"`
}

type judgement struct {
	Judge   string `json:"judge"`
	Verdict string `json:"verdict"`
	Judged  int    `json:"judged"`
	Note    string `json:"note,omitempty"`
	Promise string `json:"promise"`
}

// Op is an operation as pages know it.
type Op struct {
	ID      uint64   `json:"id"`
	Client  int      `json:"client"`
	Member  uint64   `json:"member"`
	Load    string   `json:"load"`
	Text    string   `json:"text"`
	Invoke  sim.Time `json:"invoke"`
	Return  sim.Time `json:"return"` // -1: never
	Outcome string   `json:"outcome"`
	Rev     int64    `json:"rev"`
	Term    uint64   `json:"term"`
	// Place is where the operation stands in the order of the log, from 1; 0 if it
	// has no effect that anybody saw.
	Place int    `json:"place"`
	Index uint64 `json:"index"` // of its entry or, of a read, of what it saw
}

func contentsOf(f *scenarios.File, r *scenarios.Result, c *chronicle.Chronicle) *contents {
	out := &contents{
		Meta: meta{
			Scenario: r.Scenario, Seed: itoa(r.Seed), Nodes: r.Nodes, Bugs: r.Bugs.String(), Outcome: r.Outcome.String(),
			OK: r.Outcome == scenarios.Pass, Figures: report.Figures(r), Reproduce: report.Reproduce(r), Digest: r.Digest.String(),
			Version: trace.Version, From: c.From, To: c.To, Elapsed: r.Counts.Elapsed, Total: c.Total, Kept: c.Kept,
			Members: c.Members, Clients: c.Clients,
		},
		Phases: []phase{}, Findings: []Finding{}, Judgements: []judgement{}, Statements: []statement{},
		Stories: map[uint64][][3]int{},
	}
	for _, s := range r.Settings {
		out.Meta.Settings = append(out.Meta.Settings, s.String())
	}
	for _, b := range bug.All() {
		if r.Bugs.Has(b.ID) {
			out.Meta.Defects = append(out.Meta.Defects, fmt.Sprintf("%s: %s (%s)", b.Name, b.Cause, b.Reference))
		}
	}
	for _, p := range r.Phases {
		out.Phases = append(out.Phases, phase(p))
	}
	for _, s := range f.Statements() {
		if s.Number == 0 {
			continue // what it did is in the trace by itself
		}
		out.Statements = append(out.Statements, statement{s.Number, s.Pos.Line, s.String()})
	}
	for _, j := range r.Report.Judgements {
		out.Judgements = append(out.Judgements, judgement{j.Judge, j.Verdict.String(), j.Judged, j.Note, checker.Promise(j.Judge)})
	}
	out.Findings = findingsOf(r)
	out.see(c)
	out.recall(&r.History, c)
	return out
}

// see takes over what the film shows.
func (out *contents) see(c *chronicle.Chronicle) {
	out.Fates = Fates()
	for i := range c.Packets {
		out.Packets = append(out.Packets, PacketRow(&c.Packets[i]))
	}
	for i := range c.Notes {
		e := &c.Notes[i]
		out.Notes = append(out.Notes, NoteRow(e, out.tell(e)))
	}
	for _, ch := range c.Changes {
		out.Changes = append(out.Changes, ChangeRow(ch))
	}
	for _, e := range c.Entries {
		out.Entries = append(out.Entries, EntryRow(e))
	}
}

// tell says a note in words, with the texts that the trace has only numbers for.
func (out *contents) tell(e *trace.Event) string {
	switch e.Kind {
	case trace.Action:
		if i := int(e.ID) - 1; i >= 0 && i < len(out.Statements) {
			return out.Statements[i].Text
		}
	case trace.Phase:
		for _, p := range out.Phases {
			if p.Number == int(e.ID) {
				return "phase " + itoa(e.ID) + ": " + p.Title
			}
		}
	}
	return chronicle.Tell(e)
}

// recall takes over what clients remember and the cluster committed.
func (out *contents) recall(h *history.History, c *chronicle.Chronicle) {
	entries := map[uint64]uint64{}
	for i := range h.Commits {
		commit := &h.Commits[i]
		entries[commit.Proposal.ID] = commit.Index
		out.Commits = append(out.Commits, CommitRow(commit))
	}
	for i := range h.Ops {
		o := &h.Ops[i]
		if o.Invoke > c.To || o.Return < c.From {
			continue
		}
		shown := OpOf(o)
		if index, ok := entries[o.ID]; ok {
			shown.Index = index
		} else if o.Outcome == history.OK {
			shown.Index = o.Applied
		}
		out.Ops = append(out.Ops, shown)
	}
	place(out.Ops, entries)
	for id, parts := range c.Stories(entries) { // unordered: goes into a map, which prints in order
		for _, p := range parts {
			out.Stories[id] = append(out.Stories[id], [3]int{int(p.At), p.Packet, p.Note})
		}
	}
}

// place numbers the operations in the order in which they took effect: that of the
// log, reads behind the entry that they saw last. It is the order that the judge of
// linearizability tries first.
func place(ops []Op, entries map[uint64]uint64) {
	var order []int
	for i := range ops {
		if ops[i].Index > 0 {
			order = append(order, i)
		}
	}
	read := func(o *Op) int {
		if _, written := entries[o.ID]; written {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := &ops[a], &ops[b]
		return cmp.Or(cmp.Compare(x.Index, y.Index), cmp.Compare(read(x), read(y)), cmp.Compare(x.Invoke, y.Invoke))
	})
	for n, i := range order {
		ops[i].Place = n + 1
	}
}

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }
