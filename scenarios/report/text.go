package report

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"etcdsim/checker"
	"etcdsim/checker/history"
	"etcdsim/scenarios"
	"etcdsim/sim"
	"etcdsim/store"
)

// Style is how a report looks. The zero value is plain.
type Style struct{ Colour bool }

// The colours in use, as ANSI escape sequences.
const (
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	bold   = "\x1b[1m"
	plain  = "\x1b[0m"
)

// paint colours a text.
func (s Style) paint(colour, text string) string {
	if !s.Colour {
		return text
	}
	return colour + text + plain
}

// Bold makes a text stand out.
func (s Style) Bold(text string) string { return s.paint(bold, text) }

// Good is for what went well.
func (s Style) Good(text string) string { return s.paint(green, text) }

// Bad is for what did not.
func (s Style) Bad(text string) string { return s.paint(red, text) }

// Marks of phases that held and that did not.
const (
	good = "✓"
	bad  = "✗"
)

// Text writes the whole report.
func Text(w io.Writer, r *scenarios.Result, s Style) error {
	p := printer{Style: s}
	p.head(r)
	p.phases(r)
	p.failures(r)
	p.verdict(r)
	_, err := io.WriteString(w, p.b.String())
	return err
}

// Line writes the report on one line.
func Line(w io.Writer, r *scenarios.Result, s Style) error {
	p := printer{Style: s}
	p.line("%s  seed %d  %s  %s  digest %s", r.Scenario, r.Seed, p.word(r.Outcome), Figures(r), r.Digest)
	_, err := io.WriteString(w, p.b.String())
	return err
}

// printer writes lines.
type printer struct {
	Style
	b strings.Builder
}

func (p *printer) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	p.b.WriteString(strings.TrimRight(text, " "))
	p.b.WriteByte('\n')
}

func (p *printer) head(r *scenarios.Result) {
	head := fmt.Sprintf("%s  seed %d  %s", p.paint(bold, r.Scenario), r.Seed, plural(uint64(r.Nodes), "node"))
	for _, set := range r.Settings {
		head += "  " + set.String()
	}
	if r.Bugs != 0 {
		head += "  bug " + r.Bugs.String()
	}
	p.line("%s", head)
	if r.From != "" {
		p.line("from  %s", r.From)
	}
}

// titleWidth is the least width of the titles of phases.
const titleWidth = 36

func (p *printer) phases(r *scenarios.Result) {
	width, clock := titleWidth, 0
	for i := range r.Phases {
		width = max(width, utf8.RuneCountInString(title(&r.Phases[i])))
		clock = max(clock, len(r.Phases[i].End.String()))
	}
	for i := range r.Phases {
		ph := &r.Phases[i]
		mark, when := p.paint(green, good), fmt.Sprintf("%*s  %s", clock, ph.End, ph.Note)
		if !ph.OK {
			mark, when = p.paint(red, bad), fmt.Sprintf("%*s  %s", clock, ph.End, ph.Note)
			if r.Failure != nil && r.Failure.Pos.Line > 0 {
				when = fmt.Sprintf("%s:%d", fileName(r.Scenario), r.Failure.Pos.Line)
			}
		}
		p.line("  %s %-*s %s", mark, width, title(ph), when)
	}
}

func title(ph *scenarios.PhaseResult) string {
	if ph.Number == 0 {
		return ph.Title
	}
	return fmt.Sprintf("%d. %s", ph.Number, ph.Title)
}

// fileName is how a scenario is called where a line is meant.
func fileName(scenario string) string {
	if strings.HasSuffix(scenario, scenarios.Suffix) {
		return scenario
	}
	return scenario + scenarios.Suffix
}

// failures tells what went wrong, the judges' words first.
func (p *printer) failures(r *scenarios.Result) {
	violations := r.Report.Violations()
	for _, j := range r.Report.Judgements {
		for i := range j.Violations {
			p.violation(j.Judge, &j.Violations[i])
		}
	}
	if f := Untold(r); f != nil {
		p.failure(f)
	}
	if r.Divergence != "" {
		p.line("%s  the second run of this seed is another", p.paint(red, "NONDETERMINISM"))
		p.line("WHY  %s", r.Divergence)
	}
	if r.Panic != nil {
		p.line("%s  the simulator itself failed", p.paint(red, "INTERNAL"))
		p.line("WHY  %s", r.Panic.Text)
	}
	for _, j := range r.Report.Judgements {
		if j.Verdict == checker.Unknown {
			word := "UNKNOWN"
			if j.Class == checker.Coverage {
				word = "VACUOUS"
			}
			p.line("%s  %s: %s", p.paint(yellow, word), j.Judge, j.Note)
		}
	}
	if r.Outcome != scenarios.Pass {
		p.line("reproduce  %s", Reproduce(r))
	}
	if len(violations) > 0 && violations[0].At > 0 && r.Command == "" && r.Scenario != scenarios.Drawn {
		p.line("look       %s", look(r, violations[0].At))
	}
}

// lookAround is how much of a run is worth a look, before and after a failure.
const lookAround = 100 * time.Millisecond

// look returns the command that shows the messages around a failure.
func look(r *scenarios.Result, at sim.Time) string {
	ms := func(d time.Duration) string {
		return max(0, time.Duration(at)+d).Truncate(time.Millisecond).String()
	}
	return strings.Replace(Reproduce(r), "run", "export mermaid", 1) + " --window " + ms(-lookAround) + ".." + ms(lookAround)
}

// Untold returns the statement that did not hold, or nil: if there is none, or if a judge
// tells of it, that of crashes or that of liveness.
func Untold(r *scenarios.Result) *scenarios.Failure {
	f := r.Failure
	if f == nil || len(r.Breakdowns) > 0 {
		return nil
	}
	if j, ok := r.Report.Judgement("liveness"); ok && f.Outcome == scenarios.Stuck && len(j.Violations) > 0 {
		return nil
	}
	return f
}

// failure tells of a statement that did not hold.
func (p *printer) failure(f *scenarios.Failure) {
	word, what := Broken(f)
	p.line("%s  %s", p.paint(red, strings.ToUpper(word)), what)
	p.line("WHY  at %s: %s.", f.At, f.Why)
}

// Broken is in a word what did not hold, and where: the statement, or the end of the run.
func Broken(f *scenarios.Failure) (word, what string) {
	word = map[scenarios.Outcome]string{
		scenarios.Violation: "expectation", scenarios.Stuck: "liveness", scenarios.Vacuous: "vacuous", scenarios.Internal: "internal",
		scenarios.Interrupted: "interrupted", scenarios.Nondeterminism: "nondeterminism",
	}[f.Outcome]
	if f.Statement == "" {
		return word, "at the end"
	}
	return word, strings.Join(strings.Fields(f.Statement), " ")
}

func (p *printer) violation(judge string, v *checker.Violation) {
	about := v.Property
	if !strings.HasPrefix(about, judge) {
		about = judge + ", " + about
	}
	if v.Key != "" {
		about += ", key " + store.Text(v.Key)
	}
	if len(v.Ops) == 0 && v.At > 0 {
		about += fmt.Sprintf(", at %s", v.At)
	}
	p.line("%s %s", p.paint(bold+red, "VIOLATION"), about)
	p.exhibits(v.Ops)
	p.line("WHY  %s", v.Why)
	if v.Belief != "" {
		p.line("THEN %s", v.Belief)
	}
}

// exhibits prints operations as a table.
func (p *printer) exhibits(ops []checker.Exhibit) {
	rows := make([][4]string, len(ops))
	var width [3]int
	for i, e := range ops {
		rows[i] = [4]string{
			fmt.Sprintf("c%d %s", e.Op.Client, store.DescribeAnswered(e.Op.Request, e.Op.Response)),
			interval(&e.Op), ending(&e.Op), e.Note,
		}
		for c := range width {
			width[c] = max(width[c], utf8.RuneCountInString(rows[i][c]))
		}
	}
	for _, row := range rows {
		note := row[3]
		if note != "" {
			note = p.paint(red, "<- "+note)
		}
		p.line("  %-*s  %-*s  %-*s   %s", width[0], row[0], width[1], row[1], width[2], row[2], note)
	}
}

// interval is when an operation was under way.
func interval(op *history.Op) string { return fmt.Sprintf("%s-%s", op.Invoke, op.Return) }

// ending is how an operation ended, and by whom.
func ending(op *history.Op) string {
	via := fmt.Sprintf("via n%d", op.Member)
	if op.Term > 0 {
		via += fmt.Sprintf(" term %d", op.Term)
	}
	switch op.Outcome {
	case history.OK:
		return fmt.Sprintf("ok rev %d  %s", op.Response.Revision, via)
	case history.Failed:
		return "failed  " + via
	}
	return "unknown  " + via
}

func (p *printer) verdict(r *scenarios.Result) {
	p.line("%s  %s", p.word(r.Outcome), Figures(r))
	p.line("digest  %s", r.Digest)
}

// word is the outcome in one word, and the kind of failure in another.
func (p *printer) word(o scenarios.Outcome) string {
	switch o {
	case scenarios.Pass:
		return p.paint(bold+green, "PASS")
	case scenarios.Vacuous:
		return p.paint(bold+yellow, "UNKNOWN")
	}
	return p.paint(bold+red, "FAIL") + " " + o.String()
}

// Figures are the counts of a run on one line.
func Figures(r *scenarios.Result) string {
	c := &r.Counts
	parts := []string{plural(c.Operations, "operation")}
	if c.Failed+c.Unknown > 0 {
		parts[0] += fmt.Sprintf(" (%d refused, %d unknown)", c.Failed, c.Unknown)
	}
	parts = append(parts, plural(c.Messages, "message"))
	if c.Dropped > 0 {
		parts[1] += fmt.Sprintf(" (%d dropped)", c.Dropped)
	}
	parts = append(parts, plural(c.Elections, "election"))
	if c.Crashes > 0 {
		parts = append(parts, fmt.Sprintf("%d killed", c.Crashes))
	}
	return strings.Join(append(parts, c.Elapsed.String()), ", ")
}

func plural(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Reproduce returns the command that repeats a run.
func Reproduce(r *scenarios.Result) string {
	if r.Command != "" {
		return r.Command
	}
	name := quote(r.Scenario)
	if r.Scenario == scenarios.Drawn {
		name = "--nemesis"
	}
	words := []string{"etcdsim", "run", name, "--seed", fmt.Sprint(r.Seed)}
	for _, s := range r.Settings {
		words = append(words, "--set", quote(s.String()))
	}
	if r.Bugs != 0 {
		words = append(words, "--bug", r.Bugs.String())
	}
	return strings.Join(words, " ")
}

// quote makes a word safe for a shell.
func quote(word string) string {
	for _, r := range word {
		plain := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./=:,%+@", r)
		if !plain {
			return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return word
}
