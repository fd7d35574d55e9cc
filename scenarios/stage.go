package scenarios

import (
	"fmt"
	"math"

	"etcdsim/checker/history"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
)

// Stage is a scenario that goes on after its last statement: others follow one by
// one, from whoever operates the universe, and between them events happen as
// somebody lets them. Nothing is judged. It is not for concurrent use.
type Stage struct {
	r       *run
	file    *File
	scope   Scope
	outside trace.Addr
	played  int // statements that followed
}

// NewStage makes the universe of a scenario; its statements have not happened yet.
// adapt, if not nil, may change what scenarios have no words for. Only a stage that
// is judged can be asked for its Result; judges remember much, and a stage without
// an end would grow by it for ever.
func NewStage(f *File, seed uint64, o Options, adapt func(*cluster.Config), judged bool) (*Stage, error) {
	o.MaxEvents = math.MaxUint64
	r, err := newRun(f, seed, o)
	if err != nil {
		return nil, err
	}
	if adapt != nil {
		adapt(&r.universe.cluster)
	}
	if judged {
		r.convene()
	}
	if err := r.begin(); err != nil {
		return nil, err
	}
	return &Stage{r: r, file: f, scope: f.After(), outside: r.clients.Reserve()}, nil
}

// Configure returns the settings of the universe that a scenario makes.
func Configure(f *File, o Options) (cluster.Config, error) {
	u, err := prepare(f, o)
	return u.cluster, err
}

// Play lets the statements of the file happen. The error is that of the first one
// that could not be done or does not hold.
func (s *Stage) Play() error {
	for i := range s.file.Lines {
		if h := s.r.line(&s.file.Lines[i]); h != nil {
			return s.failure(h)
		}
	}
	s.r.closePhase(nil)
	return nil
}

// Do lets one more statement happen, or a block in all its lines, and returns what
// there is to tell of it. An error changes nothing if the statement was not
// understood.
func (s *Stage) Do(text string) (note string, err error) {
	st, err := ParseStatement(text, &s.scope)
	if err != nil {
		return "", err
	}
	if lookup(st.Verb).group == groupVerdict {
		return "", &Error{File: "statement", Pos: st.Pos, Text: st.Verb + ": expected in a scenario that ends: nothing is judged here"}
	}
	known := uint64(s.r.c.Size())
	if err := checkMembers("statement", []Line{{Statement: st}}, &known, 1); err != nil {
		return "", err
	}
	s.played++
	s.r.openPhase(s.played, st.Verb)
	s.r.acting = true
	h := s.r.execute(st)
	note = s.r.phase.Note
	s.r.phase = nil
	if h != nil {
		return note, s.failure(h)
	}
	return note, nil
}

// failure turns a halt into an error, and lets the stage go on.
func (s *Stage) failure(h *halt) error {
	err := fmt.Errorf("%v: %s", h.outcome, h.why)
	if f := s.r.result.Failure; f != nil {
		err = fmt.Errorf("%s: %w", f.Statement, err)
	}
	s.r.result.Failure = nil
	return err
}

// Frames reports whether a statement is about what is there before a run or what is
// judged after it: a stage takes it only in its file.
func (s *Statement) Frames() bool { return lookup(s.Verb).outside() }

// Cluster returns the members and what surrounds them.
func (s *Stage) Cluster() *cluster.Cluster { return s.r.c }

// Log returns the trace.
func (s *Stage) Log() *trace.Log { return s.r.log }

// Outside returns an address that no client of the scenario has.
func (s *Stage) Outside() trace.Addr { return s.outside }

// Result judges what happened so far, and the operations of clients outside with it.
// Nothing may happen afterwards.
func (s *Stage) Result(outside []history.Op) *Result {
	s.r.outside = outside
	s.r.judge(nil)
	return s.r.result
}

// Close ends what runs inside.
func (s *Stage) Close() { s.r.close() }
