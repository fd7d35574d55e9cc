package step

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"etcdsim/scenarios"
	"etcdsim/scenarios/report"
	"etcdsim/sim/trace"
)

// command is one row of the prompt's own language, beside the statements.
type command struct {
	name, syntax, doc string
	do                func(s *Session, words []string) (string, error)
	// words are what may follow, for completion.
	words func(s *Session) []string
}

// commands returns the table. It is a function because help reads it.
func commands() []command {
	return []command{
		{
			"next", "[N | all | to TIME]", "lets the next statement of the scenario happen, or N of them, or all, or those up to " +
				"an instant; so does an empty line",
			(*Session).doNext, words("all", "to"),
		},
		{"event", "[N]", "lets the next event happen, or N of them, and shows them", waitFor("happened", trace.AllKinds), nil},
		{
			"message", "[N]", "goes on until the next packet is delivered, or N of them, and shows what happened",
			waitFor("delivered", trace.AllKinds), nil,
		},
		{
			"election", "[N]", "goes on until a leader is elected, or N of them, and shows who became what",
			waitFor("elections", trace.Kinds(trace.RoleChange)), nil,
		},
		{"for", "DURATION", "lets so much virtual time pass", waitTime("elapsed"), nil},
		{"until", "TIME", "lets virtual time pass up to an instant", waitTime("at"), nil},
		{
			"look", "[TARGET]", "shows the universe; or a member (look n1), its log, store, leases, watchers or disk " +
				"(look log n1), a link (look n1->n2), or the clients (look clients)",
			(*Session).doLook, lookWords,
		},
		{"trace", "[N]", "shows the last N events (20 if it is not said)", (*Session).doTrace, nil},
		{
			"back", "[N | to TIME]", "goes back by N statements (1 if it is not said), or to an instant, by playing anew; " +
				"what is taken back lies ahead",
			(*Session).doBack, words("to"),
		},
		{"drop", "[N | all]", "leaves out the next line of the scenario, or N of them, or all", (*Session).doDrop, words("all")},
		{"story", "", "shows what happened, and what is ahead", (*Session).doStory, nil},
		{"save", "FILE", "writes the story as a scenario, which etcdsim run gives the same digest", nil, nil},
		{"end", "", "lets the run come to rest, as after the last line of a file, and judges it", (*Session).doEnd, nil},
		{"help", "[VERB]", "explains a command or a statement; alone it lists them", (*Session).doHelp, helpWords},
		{"quit", "", "leaves, without a verdict", (*Session).doQuit, nil},
	}
}

func words(list ...string) func(*Session) []string { return func(*Session) []string { return list } }

// usage is how the command is typed.
func (c *command) usage() string { return strings.TrimSpace(c.name + " " + c.syntax) }

func commandNamed(name string) *command {
	all := commands()
	i := slices.IndexFunc(all, func(c command) bool { return c.name == name })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// Save is how a session writes files: it knows none.
type Save func(name, text string) error

// Do takes in one line: a command, a statement, a part of a block, a comment. It
// returns what to show. After an error everything is as it was.
func (s *Session) Do(line string, save Save) (string, error) {
	text := strings.TrimSpace(line)
	if s.Unfinished() {
		return s.continueBlock(text)
	}
	if text == "" {
		return s.goOn(1)
	}
	words := strings.Fields(text)
	if c := commandNamed(words[0]); c != nil {
		if c.name == "save" {
			return s.doSave(words[1:], save)
		}
		return c.do(s, words[1:])
	}
	told, err := s.tell(text)
	if unfinished(err) {
		s.block = []string{text}
		return "", nil
	}
	if err != nil && !strings.ContainsAny(text[:1], "#!?") && !slices.Contains(scenarios.Verbs(), words[0]) {
		return "", fmt.Errorf("%q is neither a command nor a statement: help lists them", words[0])
	}
	return told, err
}

// unfinished reports that an error says that lines are missing.
func unfinished(err error) bool {
	e, ok := err.(*scenarios.Error) //nolint:errorlint // it is returned as it is
	return ok && e.Unfinished
}

// continueBlock takes in one more line of a block. An empty one gives the block up.
func (s *Session) continueBlock(text string) (string, error) {
	if text == "" {
		s.block = nil
		return "the block was given up\n", nil
	}
	whole := strings.Join(append(s.block, text), "\n")
	told, err := s.tell(whole)
	switch {
	case unfinished(err):
		s.block = append(s.block, text)
		return "", nil
	case err != nil && text != "end":
		return "", fmt.Errorf("%w (the block goes on without this line; an empty one gives it up)", err)
	}
	s.block = nil
	return told, err
}

// count reads the argument N of a command; without one it is 1.
func count(command string, words []string) (int, error) {
	if len(words) == 0 {
		return 1, nil
	}
	n, err := strconv.ParseUint(words[0], 10, 31)
	if err != nil || n == 0 || len(words) > 1 {
		return 0, fmt.Errorf("%s %s: expected a whole number from 1", command, strings.Join(words, " "))
	}
	return int(n), nil
}

func none(command string, words []string) error {
	if len(words) > 0 {
		return fmt.Errorf("%s: %q is too much: expected %s alone", command, words[0], command)
	}
	return nil
}

func (s *Session) doNext(words []string) (string, error) {
	if slices.Equal(words, []string{"all"}) {
		return s.goOn(len(s.ahead))
	}
	if len(words) == 2 && words[0] == "to" {
		return s.goTo(words[1])
	}
	n, err := count("next", words)
	if err != nil {
		return "", err
	}
	return s.goOn(n)
}

// goTo lets lines happen up to an instant. What lasts beyond it is cut short by a wait
// and lies ahead, as when one goes back.
func (s *Session) goTo(text string) (string, error) {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil || d < 0:
		return "", fmt.Errorf("next to %s: expected an instant such as 500ms or 2s", text)
	case simTime(d) < s.Now():
		return "", fmt.Errorf("it is %s already: back to %s goes back", s.Now(), text)
	}
	var b strings.Builder
	for s.Now() < simTime(d) && len(s.ahead) > 0 && s.play.Failure() == nil {
		told, err := s.goOn(1)
		b.WriteString(told)
		if err != nil {
			return b.String(), err
		}
	}
	if s.Now() > simTime(d) {
		if err := s.backTo(simTime(d)); err != nil {
			return b.String(), err
		}
		b.WriteString(s.where())
	}
	return b.String(), nil
}

// goOn lets so many lines happen that are statements, with all lines between.
func (s *Session) goOn(n int) (string, error) {
	var b strings.Builder
	for n > 0 {
		text, err := s.advance()
		if err != nil {
			if b.Len() > 0 && len(s.ahead) == 0 {
				break
			}
			return b.String(), err
		}
		b.WriteString(text)
		if s.story[len(s.story)-1].line.Statement != nil {
			n--
		}
		if s.play.Failure() != nil || len(s.ahead) == 0 {
			break
		}
	}
	return b.String(), nil
}

// patience bounds how long a command waits, in virtual time.
const patience = "10s"

// waitFor makes a command that waits for so many of what a meter counts, and shows the
// events of some kinds. It may be in vain.
func waitFor(meter string, kinds trace.Set) func(*Session, []string) (string, error) {
	return func(s *Session, words []string) (string, error) {
		n, err := count(meter, words)
		if err != nil {
			return "", err
		}
		return s.watching(fmt.Sprintf("? wait %s >=%d since=here within=%s", meter, n, patience), kinds)
	}
}

func waitTime(condition string) func(*Session, []string) (string, error) {
	return func(s *Session, words []string) (string, error) {
		if len(words) != 1 {
			return "", fmt.Errorf("expected a time such as 500ms or 2s")
		}
		if d, err := time.ParseDuration(words[0]); condition == "at" && err == nil && d < s.Now().Sub(0) {
			return "", fmt.Errorf("it is %s already: back to %s goes back", s.Now(), words[0])
		}
		return s.tell(fmt.Sprintf("wait %s %s", condition, words[0]))
	}
}

// shown is how many events a command shows at most.
const shown = 20

// watching tells a line and shows the events of some kinds that it let happen.
func (s *Session) watching(text string, kinds trace.Set) (string, error) {
	before := s.all
	if !s.acted {
		before = 0
	}
	told, err := s.tell(text)
	if err != nil {
		return "", err
	}
	return s.newest(shown, s.all-before, kinds) + told, nil
}

// newest prints the newest n events of some kinds among the last so many of all.
func (s *Session) newest(n, among int, kinds trace.Set) string {
	var lines []string
	left := 0
	for i := len(s.events) - 1; i >= max(0, len(s.events)-among); i-- {
		switch e := &s.events[i]; {
		case kinds&trace.Kinds(e.Kind) == 0:
		case len(lines) < n:
			lines = append(lines, report.Event(e)+"\n")
		default:
			left++
		}
	}
	if left += max(0, among-len(s.events)); left > 0 && kinds == trace.AllKinds {
		lines = append(lines, fmt.Sprintf("(%d events before these)\n", left))
	}
	slices.Reverse(lines)
	return strings.Join(lines, "")
}

func (s *Session) doTrace(words []string) (string, error) {
	n := shown
	if len(words) > 0 {
		var err error
		if n, err = count("trace", words); err != nil {
			return "", err
		}
	}
	return s.newest(n, s.all, trace.AllKinds), s.ready()
}

func (s *Session) doBack(words []string) (string, error) {
	if len(words) == 2 && words[0] == "to" {
		d, err := time.ParseDuration(words[1])
		if err != nil || d < 0 {
			return "", fmt.Errorf("back to %s: expected an instant such as 500ms or 2s", words[1])
		}
		if err := s.backTo(simTime(d)); err != nil {
			return "", err
		}
		return s.where(), nil
	}
	n, err := count("back", words)
	if err != nil {
		return "", err
	}
	to := len(s.story)
	for ; n > 0 && to > 0; to-- {
		if s.story[to-1].line.Statement != nil {
			n--
		}
	}
	for to > 0 && s.story[to-1].line.Statement == nil { // what led to the statement
		to--
	}
	if err := s.back(to); err != nil {
		return "", err
	}
	return s.where(), nil
}

// where says how far the story has come.
func (s *Session) where() string {
	for i := len(s.story) - 1; i >= 0; i-- {
		if st := s.story[i].line.Statement; st != nil {
			return fmt.Sprintf("%s  after %s\n", s.Now(), st)
		}
	}
	return fmt.Sprintf("%s  the beginning\n", s.Now())
}

func (s *Session) doDrop(words []string) (string, error) {
	n := len(s.ahead)
	if !slices.Equal(words, []string{"all"}) {
		var err error
		if n, err = count("drop", words); err != nil {
			return "", err
		}
	}
	n = min(n, len(s.ahead))
	gone := s.ahead[:n]
	s.ahead = s.ahead[n:]
	var b strings.Builder
	for _, text := range gone {
		fmt.Fprintf(&b, "left out: %s\n", text)
	}
	return b.String(), nil
}

func (s *Session) doStory(words []string) (string, error) {
	if err := none("story", words); err != nil {
		return "", err
	}
	var b strings.Builder
	for i := range s.story {
		m := &s.story[i]
		for j, line := range strings.Split(m.text, "\n") {
			when := ""
			if m.line.Statement != nil && m.line.Statement.Acts() && j == 0 {
				when = m.to.String()
			}
			fmt.Fprintf(&b, "%9s  %s\n", when, line)
		}
	}
	fmt.Fprintf(&b, "%9s  <- here\n", s.Now())
	for _, text := range s.ahead {
		for _, line := range strings.Split(text, "\n") {
			fmt.Fprintf(&b, "%9s  %s\n", "", line)
		}
	}
	return b.String(), nil
}

// saved is how the first line of a saved session begins.
const saved = "# a session at the prompt: "

func (s *Session) doSave(words []string, save Save) (string, error) {
	if len(words) != 1 {
		return "", fmt.Errorf("save: expected the name of a file such as my%s", scenarios.Suffix)
	}
	name := words[0]
	if !strings.HasSuffix(name, scenarios.Suffix) {
		name += scenarios.Suffix
	}
	command := report.Reproduce(&scenarios.Result{Scenario: name, Seed: s.seed, Settings: s.opts.Settings, Bugs: s.opts.Bugs})
	f := s.Story().Sealed(&scenarios.Result{
		Seed: s.seed, Settings: s.opts.Settings, Bugs: s.opts.Bugs, Story: s.digest(),
	})
	if len(f.Lines) > 0 && strings.HasPrefix(f.Lines[0].Comment, saved) {
		f.Lines = f.Lines[1:]
	}
	f.Lines = append([]scenarios.Line{{Comment: saved + command}}, f.Lines...)
	if err := save(name, scenarios.Format(f)); err != nil {
		return "", err
	}
	return fmt.Sprintf("saved; %s does the same\n", command), nil
}

func (s *Session) doEnd(words []string) (string, error) {
	if err := none("end", words); err != nil {
		return "", err
	}
	return s.end()
}

func (s *Session) doQuit(words []string) (string, error) {
	if err := none("quit", words); err != nil {
		return "", err
	}
	s.quit = true
	return "", nil
}

func (s *Session) doHelp(words []string) (string, error) {
	var b strings.Builder
	if len(words) == 0 {
		for _, c := range commands() {
			for i, line := range wrap(c.doc, 76) {
				usage := ""
				if i == 0 {
					usage = c.usage()
				}
				fmt.Fprintf(&b, "  %-22s %s\n", usage, line)
			}
		}
		fmt.Fprintf(&b, "And the statements of the scenario language; help VERB explains one:\n")
		for _, line := range wrap(strings.Join(scenarios.Verbs(), " "), 100) {
			fmt.Fprintf(&b, "  %s\n", line)
		}
		return b.String(), nil
	}
	if c := commandNamed(words[0]); c != nil {
		fmt.Fprintf(&b, "%s\n    %s\n", c.usage(), strings.Join(wrap(c.doc, 96), "\n    "))
	}
	b.WriteString(scenarios.HelpOn(words[0]))
	if b.Len() == 0 {
		return "", fmt.Errorf("help: %q is neither a command nor a statement: help alone lists them", words[0])
	}
	return b.String(), nil
}

func helpWords(*Session) []string {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return append(names, scenarios.Verbs()...)
}

// wrap breaks words into lines of at most width characters.
func wrap(text string, width int) []string {
	var lines []string
	for word := range strings.FieldsSeq(text) {
		if n := len(lines); n > 0 && len(lines[n-1])+1+len(word) <= width {
			lines[n-1] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}
