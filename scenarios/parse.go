package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"etcdsim/sim/spelling"
)

// Parse reads a scenario. The error is an *[Error] that names file, line and
// column; name is what it calls the file.
func Parse(name, text string) (*File, error) {
	r := reader{scope: &Scope{}}
	if err := r.read(text); err != nil {
		err.File = name
		return nil, err
	}
	r.scope.phases = r.phases
	return &File{Name: name, Lines: r.lines, scope: *r.scope}, nil
}

// ParseStatement reads one statement, as typed at a prompt; a block in all its
// lines. Variables and loads it refers to must be in scope. Where lines of a
// block are missing, the error says that it is Unfinished.
func ParseStatement(text string, scope *Scope) (*Statement, error) {
	const name = "statement"
	r := reader{scope: scope, phases: -1}
	if err := r.read(text); err != nil {
		err.File = name
		return nil, err
	}
	var found *Statement
	for i := range r.lines {
		s := r.lines[i].Statement
		if s == nil {
			continue
		}
		if found != nil {
			return nil, &Error{File: name, Pos: s.Pos, Text: "expected one statement"}
		}
		found = s
	}
	if found == nil {
		return nil, &Error{File: name, Pos: Pos{1, 1}, Text: "expected a statement: one of " + strings.Join(Verbs(), ", ")}
	}
	return found, nil
}

// ParseLine reads one line, as typed at a prompt: a statement, a block in all its
// lines, a phase, a comment, or nothing. After an error the scope is as it was.
func ParseLine(text string, scope *Scope) (Line, error) {
	before := scope.Clone()
	r := reader{scope: scope, phases: scope.phases}
	err := r.read(text)
	if err == nil && len(r.lines) > 1 {
		err = &Error{Pos: Pos{2, 1}, Text: "expected one line, or a block"}
	}
	if err != nil {
		*scope = before
		err.File = "line"
		return Line{}, err
	}
	scope.phases = r.phases
	if len(r.lines) == 0 {
		return Line{}, nil
	}
	return r.lines[0], nil
}

// Scope is what a statement may refer to: the names that statements before it
// introduced. The zero value is the beginning of a scenario.
type Scope struct {
	bindings
	// taken are the names of all loads and watches, in scope or not.
	taken []string
	// statements is the number of statements so far, phases that of phases.
	statements, phases int
	// running reports that a statement that acts was seen: the universe is made.
	running bool
	// session reports that a session has begun, and operations are those that it named.
	session    bool
	operations operations
	// repeating is the number of blocks around that happen more than once.
	repeating int
}

// After returns the scope of what follows the file's last line, once the universe is
// made.
func (f *File) After() Scope {
	s := f.scope.Clone()
	s.running = true
	return s
}

// Clone returns a scope that can be changed by itself.
func (s *Scope) Clone() Scope {
	c := *s
	c.bindings, c.taken, c.operations = s.bindings.clone(), slices.Clone(s.taken), slices.Clone(s.operations)
	return c
}

// Names are all names in scope that a statement may refer to: variables with their
// "$", loads and watches.
func (s *Scope) Names() []string {
	var names []string
	for _, list := range [][]string{s.vars, s.numbers} {
		for _, name := range list {
			names = append(names, "$"+name)
		}
	}
	return append(append(names, s.loads...), s.watches...)
}

// bindings are the names in scope, in order of appearance: variables that stand
// for members, variables that stand for numbers, loads and watches.
type bindings struct{ vars, numbers, loads, watches []string }

// reader puts the lines of a scenario together.
type reader struct {
	scope *Scope
	lines []Line
	// phases is the number of phases so far; -1 where there are none.
	phases int
	// open are the blocks that the present line is inside of.
	open []*openBlock
}

// read reads all lines of a text.
func (r *reader) read(text string) *Error {
	if text == "" {
		return nil
	}
	number := 0
	for raw := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		number++
		if err := r.line(strings.TrimSuffix(raw, "\r"), number); err != nil {
			err.Pos.Line = number
			return err
		}
	}
	return r.closed()
}

// line reads one line. An error lacks the number of the line, unless it is about
// another one.
func (r *reader) line(text string, number int) *Error {
	words, comment, err := split(text)
	if err != nil {
		return err
	}
	end := len([]rune(text)) + 1
	if len(words) == 0 {
		return r.comment(comment)
	}
	if words[0].text == wordAnd || words[0].text == wordEnd {
		return r.close(words, comment)
	}
	s, err := parseStatement(words, end, r.scope)
	if err != nil {
		return err
	}
	if len(r.open) > 0 && lookup(s.Verb).outside() {
		return &Error{Pos: s.Pos, Text: s.Verb + ": expected outside of " + r.open[0].statement.Verb}
	}
	s.Pos.Line = number
	if !lookup(s.Verb).silent {
		r.scope.statements++
		s.Number = r.scope.statements
	}
	*r.inside() = append(*r.inside(), Line{Statement: s, Comment: comment})
	if lookup(s.Verb).block != nil {
		r.begin(s)
	}
	return nil
}

// comment reads a line that holds no more than a comment.
func (r *reader) comment(comment string) *Error {
	line := Line{Comment: comment}
	if r.phases >= 0 {
		phase, err := parsePhase(comment, r.phases)
		if err != nil {
			return err
		}
		if phase != nil {
			if len(r.open) > 0 {
				text := fmt.Sprintf("phase %d: expected outside of %s", phase.Number, r.open[0].statement.Verb)
				return &Error{Pos: Pos{Col: 1}, Text: text}
			}
			r.phases++
			line = Line{Phase: phase}
		}
	}
	*r.inside() = append(*r.inside(), line)
	return nil
}

// parsePhase reads "# N. title". It returns nothing if the comment is another
// one.
func parsePhase(comment string, before int) (*Phase, *Error) {
	number, title, dotted := strings.Cut(strings.TrimSpace(strings.TrimPrefix(comment, "#")), ".")
	n, notANumber := strconv.ParseUint(number, 10, 16)
	title = strings.TrimSpace(title)
	if !dotted || notANumber != nil || title == "" {
		return nil, nil //nolint:nilerr // any other comment
	}
	if int(n) != before+1 {
		text := fmt.Sprintf("phase %d: expected phase %d, phases are numbered in order", n, before+1)
		return nil, &Error{Pos: Pos{Col: 1}, Text: text}
	}
	return &Phase{Number: int(n), Title: title}, nil
}

func parseStatement(words []word, end int, scope *Scope) (*Statement, *Error) {
	s := &Statement{Pos: Pos{Col: words[0].col}}
	if prefix := words[0].text; prefix == "!" || prefix == "?" {
		s.Not, s.Maybe = prefix == "!", prefix == "?"
		words = words[1:]
		if len(words) == 0 {
			text := fmt.Sprintf("expected a statement after %q: one of %s", prefix, prefixed(s))
			return nil, &Error{Pos: Pos{Col: end}, Text: text}
		}
	}
	verb := words[0]
	st := lookup(verb.text)
	if st == nil {
		text := fmt.Sprintf("unknown statement %q%s: expected one of %s",
			verb.text, spelling.DidYouMean(verb.text, Verbs()), strings.Join(Verbs(), ", "))
		return nil, &Error{Pos: Pos{Col: verb.col}, Text: text}
	}
	if s.Not && !st.negatable {
		return nil, &Error{Pos: s.Pos, Text: fmt.Sprintf("! %s: expected \"!\" before %s only", verb.text, prefixed(s))}
	}
	if s.Maybe && !st.attemptable() {
		return nil, &Error{Pos: s.Pos, Text: fmt.Sprintf("? %s: expected \"?\" before %s only", verb.text, prefixed(s))}
	}
	if st.group == groupUniverse && st.exec == nil && scope.running {
		text := verb.text + ": the universe is made before it runs: expected this line before the first statement that acts"
		return nil, &Error{Pos: s.Pos, Text: text}
	}
	s.Verb = verb.text
	p := newParser(s, st, words[1:], end, scope)
	s.Args = st.parse(p)
	p.finish()
	if p.err != nil {
		return nil, p.err
	}
	if st.acts() {
		scope.running = true
	}
	return s, nil
}

// parser reads the arguments of one statement. The first error sticks; what is
// read after it is ignored.
type parser struct {
	statement *Statement
	syntax    string
	words     []word
	options   []Option
	taken     []bool
	end       int
	scope     *Scope
	err       *Error
}

// Option is an argument "name=value".
type Option struct {
	Name, Value string
	Pos         Pos
}

// String prints the option as it is written.
func (o Option) String() string { return o.Name + "=" + o.Value }

// OptionList is a list of options.
type OptionList []Option

// String prints the options, separated by spaces.
func (os OptionList) String() string {
	parts := make([]string, len(os))
	for i, o := range os {
		parts[i] = o.String()
	}
	return strings.Join(parts, " ")
}

// apply sets the options, which were checked when they were read.
func (os OptionList) apply(set func(name, value string) error) {
	for _, o := range os {
		if err := set(o.Name, o.Value); err != nil {
			panic("scenarios: an option passed its check and fails now: " + err.Error())
		}
	}
}

// newParser separates the options from the words in which order matters.
func newParser(s *Statement, st *statement, words []word, end int, scope *Scope) *parser {
	p := &parser{statement: s, syntax: st.syntax, end: end, scope: scope}
	for _, w := range words {
		name, value, found := strings.Cut(w.text, "=")
		if !found || w.text == "=" || operatorAt(w.text) != "" {
			p.words = append(p.words, w)
			continue
		}
		if name == "" || value == "" {
			p.fail(w.col, "%q: expected name=value without spaces", w.text)
		}
		if slices.ContainsFunc(p.options, func(o Option) bool { return o.Name == name }) {
			p.fail(w.col, "%s= stands here twice", name)
		}
		p.options = append(p.options, Option{name, value, Pos{Col: w.col}})
	}
	p.taken = make([]bool, len(p.options))
	return p
}

func (p *parser) fail(col int, format string, args ...any) {
	if p.err == nil {
		p.err = &Error{Pos: Pos{Col: col}, Text: p.statement.Verb + ": " + fmt.Sprintf(format, args...)}
	}
}

// finish refuses what no one has read.
func (p *parser) finish() {
	if len(p.words) > 0 {
		w := p.words[0]
		p.fail(w.col, "%q is too much: expected %s", w.text, p.syntax)
	}
	for i, o := range p.options {
		if !p.taken[i] {
			p.fail(o.Pos.Col, "unknown option %s=: expected %s", o.Name, p.syntax)
		}
	}
}

// peek returns the next word, or "" at the end.
func (p *parser) peek() string {
	if len(p.words) == 0 {
		return ""
	}
	return p.words[0].text
}

// at returns the column of the next word, or the end of the line.
func (p *parser) at() int {
	if len(p.words) == 0 {
		return p.end
	}
	return p.words[0].col
}

// take removes and returns the next word.
func (p *parser) take() word {
	w := p.words[0]
	p.words = p.words[1:]
	return w
}

// accept takes the next word if it is the given one.
func (p *parser) accept(text string) bool {
	if p.peek() != text || text == "" {
		return false
	}
	p.take()
	return true
}

// option takes the option of this name.
func (p *parser) option(name string) (Option, bool) {
	for i, o := range p.options {
		if o.Name == name {
			p.taken[i] = true
			return o, true
		}
	}
	return Option{}, false
}

// otherOptions takes every option that was not taken yet; set checks each one.
func (p *parser) otherOptions(set func(name, value string) error) OptionList {
	var others OptionList
	for i, o := range p.options {
		if p.taken[i] {
			continue
		}
		p.taken[i] = true
		others = append(others, o)
		if err := set(o.Name, o.Value); err != nil && p.err == nil {
			// Options name themselves in full: "net.drop: ...".
			p.err = &Error{Pos: o.Pos, Text: err.Error()}
		}
	}
	return others
}

// name reads a name.
func (p *parser) name(what string) string {
	if !isName(p.peek()) {
		p.missing(what)
		return ""
	}
	return p.take().text
}

// missing says that something else was expected where the parser stands.
func (p *parser) missing(what string) {
	if len(p.words) == 0 {
		p.fail(p.end, "expected %s", what)
		return
	}
	p.fail(p.at(), "%q: expected %s", p.peek(), what)
}

// missingOf is missing where names are expected, of which one may have been meant.
func (p *parser) missingOf(what string, names []string) {
	if len(p.words) == 0 {
		p.missing(what)
		return
	}
	p.fail(p.at(), "%q%s: expected %s", p.peek(), spelling.DidYouMean(p.peek(), names), what)
}

// number reads a whole number.
func (p *parser) number(what string) uint64 {
	n, err := strconv.ParseUint(p.peek(), 10, 63)
	if err != nil {
		p.missing(what)
		return 0
	}
	p.take()
	return n
}

// duration reads a duration that is not negative.
func (p *parser) duration() time.Duration {
	d, err := parseDuration(p.peek())
	if err != nil {
		p.missing(durationExpected)
		return 0
	}
	p.take()
	return d
}

// within takes the option within=.
func (p *parser) within() time.Duration {
	o, found := p.option("within")
	if !found {
		p.fail(p.end, "expected within=%s: a wait needs a deadline in virtual time", durationExpected)
		return 0
	}
	d, err := parseDuration(o.Value)
	if err != nil || d == 0 {
		p.fail(o.Pos.Col, "within: %q: expected %s", o.Value, durationExpected)
	}
	return d
}

const durationExpected = "a duration such as 500ms or 2s, of a day at most"

// maxDuration bounds what a scenario may wait for: a day.
const maxDuration = 24 * time.Hour

func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > maxDuration || strings.HasPrefix(s, "+") || strings.HasPrefix(s, "-") {
		return 0, fmt.Errorf("%q is not a duration: expected %s", s, durationExpected)
	}
	return d, nil
}

// printDuration prints a duration without zero units: "1m", not "1m0s".
func printDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// targets reads targets up to a word that is none. At least one must stand
// there. Clients are a target only where links are meant.
func (p *parser) targets(clients bool) Targets {
	var ts Targets
	for {
		t, ok := parseTarget(p.peek())
		if !ok {
			break
		}
		p.checkTarget(t, p.at(), clients)
		ts = append(ts, t)
		p.take()
	}
	if len(ts) == 0 {
		p.missingOf(expectedTarget(), TargetNames())
	}
	return ts
}

// targetOption reads the targets of an option, separated by commas.
func (p *parser) targetOption(name string) Targets {
	o, found := p.option(name)
	if !found {
		return nil
	}
	var ts Targets
	for text := range strings.SplitSeq(o.Value, ",") {
		t, ok := parseTarget(text)
		if !ok {
			p.fail(o.Pos.Col, "%s: %q: expected %s", name, text, expectedTarget())
			return nil
		}
		p.checkTarget(t, o.Pos.Col, false)
		ts = append(ts, t)
	}
	return ts
}

func (p *parser) checkTarget(t Target, col int, clients bool) {
	switch {
	case t.Kind == "$" && slices.Contains(p.scope.numbers, t.Var):
		p.fail(col, "$%s stands for a number: expected members", t.Var)
	case t.Kind == "$" && !slices.Contains(p.scope.vars, t.Var):
		p.fail(col, "$%s has no value yet: expected an earlier as=$%s or let $%s = ...", t.Var, t.Var, t.Var)
	case t.Kind == "clients" && !clients:
		p.fail(col, "clients: expected members; clients are a target of partition, cut, flap, link, hold, heal, release and packet only")
	}
}

// bind introduces a variable for members, which is named at a column.
func (p *parser) bind(at int, name string) {
	if slices.Contains(p.scope.numbers, name) {
		p.fail(at, "$%s stands for a number: expected another name for members", name)
	}
	if !slices.Contains(p.scope.vars, name) {
		p.scope.vars = append(p.scope.vars, name)
	}
}

// bindNumber introduces a variable for a number, which is named at a column.
func (p *parser) bindNumber(at int, name string) {
	if slices.Contains(p.scope.vars, name) {
		p.fail(at, "$%s stands for members: expected another name for a number", name)
	}
	if !slices.Contains(p.scope.numbers, name) {
		p.scope.numbers = append(p.scope.numbers, name)
	}
}

// introduce checks the name of a new load or watch, which stands at a column.
func (p *parser) introduce(at int, name string) {
	if slices.Contains(p.scope.taken, name) {
		p.fail(at, "there is a load or a watch %s already: expected another name", name)
	}
	if p.scope.repeating > 0 {
		p.fail(at, "expected outside of repeat: the second one would have the name of the first")
	}
	p.scope.taken = append(p.scope.taken, name)
}

// load reads the name of a load that an earlier statement started.
func (p *parser) load() string {
	return p.introduced("the name of a load", "an earlier load statement", p.scope.loads)
}

// introduced reads one of the names that are known from earlier statements; by is what
// such a statement is called.
func (p *parser) introduced(what, by string, known []string) string {
	if len(p.words) == 0 || !slices.Contains(known, p.peek()) {
		if len(known) > 0 {
			by = "one of " + strings.Join(known, ", ")
		}
		p.missing(what + ": " + by)
		return ""
	}
	return p.take().text
}
