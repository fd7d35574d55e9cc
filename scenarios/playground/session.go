package playground

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"etcdsim/scenarios"
	"etcdsim/scenarios/learn"
	"etcdsim/scenarios/report"
	"etcdsim/scenarios/report/chronicle"
	"etcdsim/scenarios/report/page"
	"etcdsim/sim"
	"etcdsim/sim/bug"
	"etcdsim/sim/trace"
	"etcdsim/store/saved"
)

// Open is what a session begins with.
type Open struct {
	// Scenario is the name of a built-in scenario, all of which happens at once; or
	// empty for the universe that Text describes.
	Scenario string `json:"scenario,omitempty"`
	// Text is a scenario, all of which happens at once. With neither, it is [Start].
	Text string `json:"text,omitempty"`
	Seed uint64 `json:"seed,string"`
	Bugs string `json:"bugs,omitempty"`
	// Lesson is the name of a lesson of package learn: its run happens at once, to its
	// end, and it decides about scenario, seed and bugs.
	Lesson string `json:"lesson,omitempty"`
	// Snapshot is what a scenario that names a snapshot begins with, whatever the name;
	// nil refuses such scenarios. No request can bring one: pages read no files.
	Snapshot *saved.Snapshot `json:"-"`
}

// Start is the universe of a session that asks for no other: five members and some
// clients.
const Start = `cluster nodes=5
net     latency=10ms..30ms
load    clients clients=3 keys=4 mix=put:5,get:4,txn:1 think=50ms..200ms timeout=2s
`

// mostEvents is how long a session may become: a browser keeps all of it.
const mostEvents = 1_000_000

// Session is somebody's play. Not for concurrent use.
type Session struct {
	open Open
	opts scenarios.Options
	name string

	// course is the lesson that is taken, or nil.
	course *learn.Course
	// ended: the universe has come to rest and was judged, as behind the last line of a
	// file. It does not go on.
	ended bool

	story []line
	scope scenarios.Scope
	play  *scenarios.Play
	live  *chronicle.Live
	looks *looks
	sent  sent
	// judged is when the judges last looked; found is what they found.
	judged sim.Time
	found  []page.Finding
}

// line is a line of the story.
type line struct {
	parsed   scenarios.Line
	text     string
	from, to sim.Time
	done     bool
}

// New begins a session. The error is about the scenario.
func New(o Open) (*Session, error) {
	s := &Session{open: o, name: o.Scenario}
	var err error
	if s.opts.Bugs, err = bug.Parse(o.Bugs); err != nil {
		return nil, err
	}
	if o.Snapshot != nil {
		s.opts.Open = func(_, _ string) (*saved.Snapshot, error) { return o.Snapshot, nil }
	}
	var f *scenarios.File
	switch {
	case o.Lesson != "":
		f, err = s.enroll(o.Lesson)
	case o.Text != "":
		if f, err = scenarios.ParseSession("playground"+scenarios.Suffix, o.Text); err == nil && f.Session() != nil {
			s.opts.Settings = f.Session().Settings
		}
	case o.Scenario != "":
		if f = scenarios.Lookup(o.Scenario); f == nil {
			err = fmt.Errorf("unknown scenario %q", o.Scenario)
		}
	default:
		f, err = scenarios.Parse("playground"+scenarios.Suffix, Start)
	}
	if err != nil {
		return nil, err
	}
	if s.name == "" {
		s.name = "playground"
	}
	for i := range f.Lines {
		s.story = append(s.story, line{text: textOf(&f.Lines[i])})
	}
	if err := s.replay(); err != nil || s.course == nil {
		return s, err
	}
	s.play.End()
	s.ended = true
	return s, nil
}

// enroll takes the run of a lesson for the session's.
func (s *Session) enroll(name string) (*scenarios.File, error) {
	lesson := learn.Lookup(name)
	if lesson == nil {
		return nil, fmt.Errorf("unknown lesson %q", name)
	}
	var err error
	if s.course, err = lesson.Give(); err != nil {
		return nil, err
	}
	s.name, s.open.Seed, s.opts.Bugs = lesson.Scenario, s.course.Seed, lesson.Bugs
	return s.course.File, nil
}

// textOf prints a line; a block in all its lines.
func textOf(l *scenarios.Line) string {
	return strings.TrimSuffix(scenarios.Format(&scenarios.File{Lines: []scenarios.Line{*l}}), "\n")
}

// Close ends the universe.
func (s *Session) Close() {
	if s.play != nil {
		s.play.Close()
		s.play = nil
	}
}

// Now is the end of what has happened.
func (s *Session) Now() sim.Time { return s.play.Log().Now }

// file is the story as a scenario.
func (s *Session) file() *scenarios.File {
	f := &scenarios.File{Name: s.name}
	for i := range s.story {
		f.Lines = append(f.Lines, s.story[i].parsed)
	}
	return f
}

// replay plays the whole story in a new universe.
func (s *Session) replay() error {
	s.Close()
	s.scope = scenarios.Scope{}
	for i := range s.story {
		parsed, err := scenarios.ParseLine(s.story[i].text, &s.scope)
		if err != nil {
			return err
		}
		s.story[i].parsed = parsed
	}
	s.live, s.sent, s.judged, s.found, s.ended = &chronicle.Live{}, sent{}, 0, nil, false
	o := s.opts
	o.Observe = func(l *trace.Log) { s.live.Attach(l) }
	s.looks = &looks{}
	o.Between = func() { s.looks.look(s.play.Cluster()) }
	play, err := scenarios.Begin(s.file(), s.open.Seed, o)
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
func (s *Session) happen(l *line) {
	l.from = s.Now()
	s.play.Line(&l.parsed)
	l.to, l.done = s.Now(), true
}

// errOver is for whoever wants more of a universe that has come to its end.
var errOver = errors.New("this universe has come to its end: go back to an earlier moment, and on from there")

// advance lets virtual time pass freely.
func (s *Session) advance(d time.Duration) error {
	if err := s.goesOn(); err != nil {
		return err
	}
	s.play.Wait(d, func() bool { return false })
	return nil
}

// step lets the next event happen.
func (s *Session) step() error {
	if err := s.goesOn(); err != nil {
		return err
	}
	before := s.play.Log().Count()
	s.play.Wait(patience, func() bool { return s.play.Log().Count() > before })
	return nil
}

// patience bounds the wait for an event.
const patience = 10 * time.Second

func (s *Session) goesOn() error {
	switch {
	case s.ended:
		return errOver
	case s.play.Failure() != nil:
		return fmt.Errorf("%s: %w", s.play.Failure().Why, errOver)
	case s.live.Total > mostEvents:
		return fmt.Errorf("%d events have happened, more than a page can show: %w", s.live.Total, errOver)
	}
	return nil
}

// statement lets a statement happen at an instant, which may lie in the past: then
// what was behind it is another future. After an error everything is as it was.
func (s *Session) statement(at sim.Time, text string) error {
	text = strings.TrimSpace(text)
	kept, err := s.until(at)
	if err != nil {
		return err
	}
	scope := scenarios.Scope{}
	for i := range kept {
		if _, err := scenarios.ParseLine(kept[i].text, &scope); err != nil {
			return err
		}
	}
	parsed, err := scenarios.ParseLine(text, &scope)
	if err != nil {
		return err
	}
	if parsed.Statement == nil || !parsed.Statement.Acts() {
		return fmt.Errorf("%q does nothing here: expected a statement that acts, such as kill leader", text)
	}
	before, now := s.story, s.Now()
	if at == now && len(kept) == len(before) {
		if err := s.goesOn(); err != nil {
			return err
		}
		if err := s.play.Check(&parsed); err != nil {
			return err
		}
		s.scope = scope
		s.story = append(s.story, s.waitUntil(at)...)
		s.story = append(s.story, line{parsed: parsed, text: text})
		s.happen(&s.story[len(s.story)-1])
		return nil
	}
	s.story = append(slices.Clone(kept), s.waitUntil(at)...)
	s.story = append(s.story, line{text: text})
	if err := s.replay(); err != nil {
		return errors.Join(err, s.restore(before, now))
	}
	return nil
}

// packet does to a packet, which is on its way at an instant, what statement packet can
// do. It finds the words for it: the packet is one of all that frames told of.
func (s *Session) packet(at sim.Time, place int, deed string) error {
	if place < 0 || place >= len(s.live.Packets) {
		return fmt.Errorf("packet %d: expected one of the %d that were sent", place, len(s.live.Packets))
	}
	id := s.live.Packets[place].ID
	before, now := s.story, s.Now()
	if at != now {
		if err := s.branch(at); err != nil {
			return err
		}
	}
	text, err := s.play.Meant(id, deed)
	if err == nil {
		err = s.statement(at, text)
	}
	if err != nil && at != now {
		return errors.Join(err, s.restore(before, now))
	}
	return err
}

// restore plays a story again, up to an instant.
func (s *Session) restore(story []line, now sim.Time) error {
	s.story = story
	if err := s.replay(); err != nil {
		return err
	}
	s.play.Wait(now.Sub(s.Now()), func() bool { return false })
	return nil
}

// branch takes back what happened behind an instant.
func (s *Session) branch(at sim.Time) error {
	kept, err := s.until(at)
	if err != nil {
		return err
	}
	return s.restore(slices.Clone(kept), at)
}

// until returns the part of the story that was over at an instant.
func (s *Session) until(at sim.Time) ([]line, error) {
	if at > s.Now() {
		return nil, fmt.Errorf("%s has not come yet: it is %s", at, s.Now())
	}
	n := 0
	for n < len(s.story) && s.story[n].to <= at && s.story[n].done {
		n++
	}
	return s.story[:n], nil
}

// waitUntil is the line that lets time pass until an instant, already over; none if
// the last line ended then.
func (s *Session) waitUntil(at sim.Time) []line {
	if n := len(s.story); n > 0 && s.story[n-1].to == at || at == 0 || s.ended && at == s.Now() {
		return nil
	}
	text := "wait    at " + at.Sub(0).String()
	parsed, err := scenarios.ParseLine(text, &s.scope)
	if err != nil {
		return nil // it is well formed
	}
	return []line{{parsed: parsed, text: text, from: at, to: at, done: true}}
}

// Story returns the story up to now as the text of a scenario: run as a file with the
// session's seed and bugs, it gives the digest that End gives.
func (s *Session) Story() string {
	before := s.story
	s.story = append(slices.Clone(before), s.waitUntil(s.Now())...)
	text := scenarios.Format(s.file())
	s.story = before
	return text
}

// End runs the story as a file, to its end, and returns what etcdsim run prints, with
// the digest.
func (s *Session) End() (text, digest string, err error) {
	f, err := scenarios.Parse(s.name+scenarios.Suffix, s.Story())
	if err != nil {
		return "", "", err
	}
	r, err := scenarios.Run(f, s.open.Seed, s.opts)
	if err != nil {
		return "", "", err
	}
	var b strings.Builder
	err = report.Text(&b, r, report.Style{})
	return b.String(), r.Digest.String(), err
}

// judgeEvery is how much virtual time passes between two looks of the judges.
const judgeEvery = 400 * time.Millisecond

// judge lets the judges look, now and then.
func (s *Session) judge() {
	if len(s.found) > 0 || s.play.Failure() != nil || s.Now().Sub(s.judged) < judgeEvery {
		return
	}
	s.judged = s.Now()
	for _, j := range s.play.Objections() {
		s.found = append(s.found, page.FindingsOf(&j)...)
	}
}
