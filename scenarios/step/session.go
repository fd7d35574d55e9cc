package step

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"etcdsim/scenarios"
	"etcdsim/scenarios/report"
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// Session is one walk. Not for concurrent use, except for Interrupted of the options.
type Session struct {
	file string
	seed uint64
	opts scenarios.Options

	// story are the lines that happened, in order.
	story []moment
	// ahead are the lines of the scenario that have not happened yet, as text.
	ahead []string
	scope scenarios.Scope
	// play is the universe as the story left it; nil as long as no line needed one.
	play *scenarios.Play
	// acted reports that a line of the story needs the universe as it is: it can no
	// longer be described.
	acted bool
	// result is that of the end, or nil.
	result *scenarios.Result

	// block holds the lines of a block whose end is awaited.
	block []string
	// events are the newest events of the trace, at most eventsKept; all counts them.
	events []trace.Event
	all    int
	quit   bool
}

// moment is a line of the story.
type moment struct {
	text     string
	line     scenarios.Line
	from, to sim.Time
	// next is the number of the line behind it.
	next int
}

// eventsKept is how many events a session remembers.
const eventsKept = 4096

// New returns a session that walks through a scenario, or through none: the file may
// be nil. Its lines up to the first statement that acts have happened already. The
// error is about the scenario and the settings.
func New(f *scenarios.File, seed uint64, o scenarios.Options) (*Session, error) {
	s := &Session{file: "session" + scenarios.Suffix, seed: seed, opts: o}
	if f != nil {
		s.file = f.Name
		p, err := scenarios.Begin(f, seed, o)
		if err != nil {
			return nil, err
		}
		p.Close()
		for i := range f.Lines {
			s.ahead = append(s.ahead, textOf(&f.Lines[i]))
		}
	}
	for len(s.ahead) > 0 {
		line, err := scenarios.ParseLine(s.ahead[0], new(scenarios.Scope))
		if err == nil && line.Statement == nil || err == nil && !line.Statement.Acts() {
			if _, err := s.advance(); err != nil {
				return nil, err
			}
			continue
		}
		break
	}
	return s, s.ready()
}

// textOf prints a line; a block in all its lines.
func textOf(l *scenarios.Line) string {
	return strings.TrimSuffix(scenarios.Format(&scenarios.File{Lines: []scenarios.Line{*l}}), "\n")
}

// Close ends the universe.
func (s *Session) Close() { s.drop() }

// drop forgets the universe.
func (s *Session) drop() {
	if s.play != nil {
		s.play.Close()
	}
	s.play, s.events, s.all = nil, nil, 0
}

// Over reports that the session was asked to quit.
func (s *Session) Over() bool { return s.quit }

// Unfinished reports that the lines so far are a block without its end.
func (s *Session) Unfinished() bool { return len(s.block) > 0 }

// Now returns the virtual time.
func (s *Session) Now() sim.Time {
	if s.play == nil {
		return 0
	}
	return s.play.Log().Now
}

// digest is what the trace has come to at the end of the story.
func (s *Session) digest() trace.Digest {
	switch {
	case s.result != nil:
		return s.result.Story
	case s.play == nil:
		return trace.Digest{}
	}
	return s.play.Log().Digest()
}

// Result is what the judges made of the session, or nil before its end.
func (s *Session) Result() *scenarios.Result { return s.result }

// Story returns the lines that happened as a scenario.
func (s *Session) Story() *scenarios.File {
	f := &scenarios.File{Name: s.file}
	for i := range s.story {
		f.Lines = append(f.Lines, s.story[i].line)
	}
	return f
}

// remember keeps the newest events.
func (s *Session) remember(e *trace.Event) {
	if e.Kind == trace.Action {
		return // it is what was typed
	}
	if len(s.events) == eventsKept {
		s.events = slices.Delete(s.events, 0, eventsKept/2)
	}
	s.events = append(s.events, *e)
	s.all++
}

// ready makes sure that there is a universe, in which the story has happened.
func (s *Session) ready() error {
	if s.play != nil {
		return nil
	}
	o := s.opts
	o.Observe = func(l *trace.Log) {
		if s.opts.Observe != nil {
			s.opts.Observe(l)
		}
		l.Subscribe(trace.AllKinds, s.remember)
	}
	play, err := scenarios.Begin(s.Story(), s.seed, o)
	if err != nil {
		return err
	}
	s.play = play
	for i := range s.story {
		s.happen(&s.story[i])
	}
	return nil
}

// happen lets a line of the story happen.
func (s *Session) happen(m *moment) {
	m.from = s.Now()
	s.play.Line(&m.line)
	m.to = s.Now()
}

// Errors of a session.
var (
	errEnded = errors.New("the session has ended: expected back, story, look, save or quit")
	errNone  = errors.New("nothing of the scenario is ahead: expected a statement, or end")
)

// tell adds a line to the story, lets it happen, and says what came of it.
func (s *Session) tell(text string) (string, error) {
	if s.result != nil {
		return "", errEnded
	}
	if s.play != nil && s.play.Failure() != nil {
		return "", fmt.Errorf("the run has come to its end: expected back, story, look, save, end or quit")
	}
	scope := s.scope.Clone()
	line, err := scenarios.ParseLine(text, &s.scope)
	if err != nil {
		return "", err
	}
	acts := line.Statement != nil && line.Statement.Acts()
	if line.Statement != nil {
		line.Statement.Pos.Line = s.nextLine()
	}
	before := len(s.story)
	s.grow(text, line)
	if !s.acted {
		// The universe may have been looked at; it can still be another.
		s.drop()
		err = s.ready()
	} else if err = s.play.Check(&line); err == nil {
		s.happen(&s.story[before])
	}
	if err != nil {
		s.scope, s.story = scope, s.story[:before]
		return "", errors.Join(err, s.ready())
	}
	s.acted = s.acted || acts
	if f := s.play.Failure(); f != nil && f.Outcome == scenarios.Interrupted {
		if err := s.back(before); err != nil {
			return "", err
		}
		return "interrupted, and taken back\n", nil
	}
	return s.outcome(before), nil
}

// grow puts a line behind the story.
func (s *Session) grow(text string, line scenarios.Line) {
	next := s.nextLine() + 1 + strings.Count(text, "\n")
	s.story = append(s.story, moment{text: text, line: line, next: next})
}

// nextLine is the number of the line behind the story, were it a file.
func (s *Session) nextLine() int {
	if n := len(s.story); n > 0 {
		return s.story[n-1].next
	}
	return 1
}

// outcome says what came of a line of the story.
func (s *Session) outcome(i int) string {
	m := &s.story[i]
	if m.line.Statement == nil {
		return ""
	}
	if f := s.play.Failure(); f != nil {
		return fmt.Sprintf("%s  ✗ %s: %s\nThe run would end here. Look around, go back, or let it end and be judged. "+
			"With \"?\" before it, a statement may be in vain.\n", m.to, f.Outcome, f.Why)
	}
	if !m.line.Statement.Acts() {
		return ""
	}
	return strings.TrimRight(fmt.Sprintf("%s  %s", m.to, s.play.Told()), " ") + "\n"
}

// advance lets the next line happen of the scenario that the session began with.
func (s *Session) advance() (string, error) {
	if len(s.ahead) == 0 {
		return "", errNone
	}
	text := s.ahead[0]
	told, err := s.tell(text)
	if err != nil {
		return "", fmt.Errorf("the next line, %q, has no meaning here (drop leaves it out): %w", text, err)
	}
	s.ahead = s.ahead[1:]
	return text + "\n" + told, nil
}

// back plays the story anew up to a line, which lies ahead then with those after it.
func (s *Session) back(to int) error {
	taken := s.story[to:]
	texts := make([]string, len(taken))
	for i := range taken {
		texts[i] = taken[i].text
	}
	kept := s.story[:to]
	s.drop()
	s.scope, s.story, s.acted, s.result = scenarios.Scope{}, nil, false, nil
	for _, m := range kept {
		line, err := scenarios.ParseLine(m.text, &s.scope)
		if err != nil {
			return err
		}
		if line.Statement != nil {
			s.acted = s.acted || line.Statement.Acts()
			line.Statement.Pos = m.line.Statement.Pos
		}
		s.grow(m.text, line)
	}
	s.ahead = append(texts, s.ahead...)
	return s.ready()
}

// backTo goes back to an instant: what lasted beyond it is cut short by a wait.
func (s *Session) backTo(at sim.Time) error {
	i := slices.IndexFunc(s.story, func(m moment) bool { return m.to > at })
	if i < 0 {
		return fmt.Errorf("it is %s: expected an earlier instant", s.Now())
	}
	cut := s.story[i].from < at
	if err := s.back(i); err != nil || !cut {
		return err
	}
	_, err := s.tell(fmt.Sprintf("wait at %s", exactly(at)))
	return err
}

// exactly prints an instant to the nanosecond, as statements read it.
func exactly(at sim.Time) string { return at.Sub(0).String() }

// end lets the run come to rest and judges it.
func (s *Session) end() (string, error) {
	if s.result != nil {
		return "", errEnded
	}
	if err := s.ready(); err != nil {
		return "", err
	}
	r := s.play.End()
	if r.Outcome == scenarios.Interrupted {
		if err := s.back(len(s.story)); err != nil {
			return "", err
		}
		return "interrupted, and taken back\n", nil
	}
	s.result = r
	var b strings.Builder
	err := report.Text(&b, r, report.Style{})
	return b.String(), err
}
