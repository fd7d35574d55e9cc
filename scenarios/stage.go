package scenarios

import (
	"fmt"
	"math"

	"etcdsim/sim"
	"etcdsim/sim/cluster"
	"etcdsim/sim/outside"
	"etcdsim/sim/trace"
)

// Stage is a scenario that holds a session and goes on after its last line: requests
// enter through its opening, statements follow one by one, and between them events
// happen as somebody lets them. Nothing is judged, and nothing is kept that would
// grow for ever. What enters, and where, makes the rest of the scenario. It is not
// for concurrent use.
type Stage struct {
	r     *run
	file  *File
	scope Scope
	// played counts the statements that followed.
	played int
}

// NewStage makes the universe of a scenario; its statements have not happened yet.
// The error is about the scenario, which must hold a session.
func NewStage(f *File, seed uint64, o Options) (*Stage, error) {
	if f.Session() == nil {
		return nil, &Error{File: f.Name, Text: "expected a session"}
	}
	o.MaxEvents = math.MaxUint64
	r, err := newRun(f, seed, o)
	if err != nil {
		return nil, err
	}
	r.universe.cluster.Forget = true
	if err := r.begin(); err != nil {
		return nil, err
	}
	return &Stage{r: r, file: f, scope: f.scope.Clone()}, nil
}

// Configure returns the settings of the universe that a scenario makes.
func Configure(f *File, o Options) (cluster.Config, error) {
	u, err := prepare(f, o)
	return u.cluster, err
}

// Play lets the lines of the file happen. The error is that of the first one that
// could not be done or does not hold.
func (s *Stage) Play() error {
	for i := range s.file.Lines {
		if err := s.failure(s.r.line(&s.file.Lines[i])); err != nil {
			return err
		}
	}
	s.r.closePhase(nil)
	return nil
}

// Do lets one more statement happen, or a block in all its lines. It returns the
// statement as a scenario holds it, and what there is to tell of it. A statement that
// was not understood changes nothing, and is not returned; an error with a statement
// says that it could not be done or does not hold.
func (s *Stage) Do(text string) (done, note string, err error) {
	scope := s.scope.Clone()
	st, err := ParseStatement(text, &scope)
	if err == nil && lookup(st.Verb).group >= groupSession {
		text := st.Verb + ": expected in a scenario: nothing is judged here, and nothing is recorded twice"
		err = &Error{File: "statement", Pos: st.Pos, Text: text}
	}
	if err == nil {
		known := uint64(s.r.c.Size())
		err = checkMembers("statement", []Line{{Statement: st}}, &known, 1)
	}
	if err != nil {
		return "", "", err
	}
	s.scope = scope
	s.played++
	s.r.openPhase(s.played, st.Verb)
	err = s.failure(s.r.execute(st))
	note = s.r.phase.Note
	s.r.phase = nil
	return Format(&File{Lines: []Line{{Statement: st}}}), note, err
}

// failure returns an error if something halted or did not hold, and lets the stage go
// on.
func (s *Stage) failure(h *halt) error {
	if h == nil {
		h = s.r.unmet
	}
	if h == nil {
		return nil
	}
	err := fmt.Errorf("%v: %s", h.outcome, h.why)
	if f := s.r.result.Failure; f != nil {
		err = fmt.Errorf("%s: %w", f.Statement, err)
	}
	s.r.result.Failure, s.r.unmet = nil, nil
	return err
}

// Frames reports whether a statement is about what is there before a run or what is
// judged after it: a stage takes it only in its file.
func (s *Statement) Frames() bool { return lookup(s.Verb).outside() }

// Cluster returns the members and what surrounds them.
func (s *Stage) Cluster() *cluster.Cluster { return s.r.c }

// Log returns the trace.
func (s *Stage) Log() *trace.Log { return s.r.log }

// Opening returns where requests enter; nil before Play.
func (s *Stage) Opening() *outside.Opening { return s.r.opening }

// Step lets the next event happen, and reports whether there was one.
func (s *Stage) Step() bool {
	h := s.r.step()
	return h == nil || h.outcome != Internal
}

// Idle lets time pass in which nothing happens.
func (s *Stage) Idle(until sim.Time) { s.r.idle(until) }

// Place returns how far the run has come.
func (s *Stage) Place() outside.Place { return outside.Place{At: s.r.c.Now(), After: s.r.here} }

// Close ends what runs inside.
func (s *Stage) Close() { s.r.close() }
