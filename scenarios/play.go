package scenarios

import (
	"fmt"
	"runtime/debug"
	"time"

	"etcdsim/checker"
	"etcdsim/checker/history"
	"etcdsim/scenarios/workload"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
)

// Play is a run that goes on line by line. Whoever has the whole scenario calls
// [Run], which is nothing else; a prompt or a test written in Go decides what
// happens next by what it sees. What was done by lines, and the time that lines let
// pass, are a scenario: run as a file, it gives the same digest.
//
// A Play is not for concurrent use. It must be closed.
type Play struct {
	r *run
	// halted is what ended the statements before End did, or nil.
	halted *halt
	over   bool
}

// Begin makes the universe that a scenario describes and lets nothing happen in it.
// The file's lines are not executed: it is the caller who passes them to Line, the
// first ones, which describe the universe, included. Nothing of it is kept but its
// name. The error is about the scenario and the settings.
func Begin(f *File, seed uint64, o Options) (*Play, error) {
	r, err := newRun(f, seed, o)
	if err != nil {
		return nil, err
	}
	p := &Play{r: r}
	p.guard(func() *halt {
		r.convene()
		err = r.begin()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// guard does something that may halt the run, or fail through a defect of the
// simulator itself.
func (p *Play) guard(do func() *halt) {
	defer func() {
		if v := recover(); v != nil {
			p.r.result.Outcome = Internal
			p.r.result.Panic = &Panic{Text: fmt.Sprint(v), Stack: string(debug.Stack())}
			p.halted, p.over = &halt{outcome: Internal, why: fmt.Sprint(v)}, true
		}
	}()
	if p.halted = do(); p.halted == nil {
		p.halted = p.r.stopped
	}
}

// Check reports what a line cannot mean here: a member that is not there yet. The
// lines of the file that Begin was given are fine.
func (p *Play) Check(l *Line) error {
	if p.r.opening != nil {
		known := uint64(p.r.c.Size())
		return checkMembers(p.r.result.Scenario, []Line{*l}, &known, 1)
	}
	return checkMembers(p.r.result.Scenario, []Line{*l}, &p.r.universe.known, 1)
}

// Line lets a line happen: opens a phase, or executes a statement to its end, letting
// virtual time pass if it waits. It returns why the run came to its end, or nil if it
// goes on; after the end it does nothing more.
func (p *Play) Line(l *Line) *Failure {
	if p.halted == nil && !p.over {
		p.r.told = ""
		p.guard(func() *halt { return p.r.line(l) })
	}
	return p.Failure()
}

// Wait lets virtual time pass until a condition holds, which is asked after every
// event, and reports whether it did so in time. Unlike a statement that waits, it
// leaves nothing in the trace.
func (p *Play) Wait(within time.Duration, holds func() bool) (held bool) {
	if p.halted == nil && !p.over {
		p.guard(func() (h *halt) {
			held, h = p.r.await(watch{wakes: trace.AllKinds, holds: holds}, within)
			return h
		})
	}
	return held
}

// Halt ends the run where it is: something that somebody outside of the scenario
// awaited or expected is not so. A client may say so, too, while time passes.
func (p *Play) Halt(o Outcome, what, why string) {
	if p.halted != nil || p.r.stopped != nil || p.over {
		return
	}
	h := &halt{outcome: o, why: why, final: true}
	if o == Stuck {
		h = stuck(what, p.r.now(), 0, why)
	}
	p.halted, p.r.stopped = h, h
	p.r.result.Failure = &Failure{Outcome: o, Statement: what, Why: why, At: p.r.now()}
}

// Failure returns why the run came to its end, or nil if it goes on.
func (p *Play) Failure() *Failure {
	switch {
	case p.halted == nil:
		return nil
	case p.r.result.Failure == nil || p.halted.outcome >= Internal:
		return &Failure{Outcome: p.halted.outcome, Why: p.halted.why, At: p.r.now()}
	}
	return p.r.result.Failure
}

// Note tells what happened in the present phase; the report shows the last one.
func (p *Play) Note(text string) { p.r.note(text, true) }

// Told returns what the last line told of itself, or nothing.
func (p *Play) Told() string { return p.r.told }

// Cluster returns the universe, to be looked at.
func (p *Play) Cluster() *cluster.Cluster { return p.r.c }

// Ops returns the operations so far in order of invocation, those of a session with
// those of the universe's own clients.
func (p *Play) Ops() []history.Op { return p.r.ops() }

// Clients returns the clients of the universe.
func (p *Play) Clients() *workload.Clients { return p.r.clients }

// Tick returns the length of a tick of raft.
func (p *Play) Tick() time.Duration { return p.r.universe.cluster.Node.Tick }

// Log returns the trace, with the clock, the digest and the counts of what happened.
func (p *Play) Log() *trace.Log { return p.r.log }

// Members returns the members that a variable of the scenario stands for, in order,
// or nil.
func (p *Play) Members(name string) []uint64 { return p.r.vars[name].list() }

// Objections returns the judgements of the judges of safety that object to something so
// far; the run goes on. They look at all that happened, so it costs as much as judging a
// whole run.
func (p *Play) Objections() (all []checker.Judgement) {
	if p.over {
		return objections(p.r.result.Report)
	}
	p.guard(func() *halt {
		all = objections(checker.Judge(p.r.history(), p.r.evidence()))
		return p.halted
	})
	return all
}

func objections(r checker.Report) (all []checker.Judgement) {
	for _, j := range r.Judgements {
		if j.Class == checker.Safety && len(j.Violations) > 0 {
			all = append(all, j)
		}
	}
	return all
}

// End lets the run come to rest, as after the last statement of a file, and judges it.
func (p *Play) End() *Result {
	r := p.r
	if p.over {
		return r.result
	}
	h := p.halted
	p.guard(func() *halt {
		r.result.Story = r.log.Digest()
		if h == nil {
			h = r.settle()
		}
		r.closePhase(h)
		if h == nil {
			h = r.unmet
		}
		r.log.Emit(trace.Event{Kind: trace.RunEnd})
		r.judge(h)
		return h
	})
	p.over = true
	return r.result
}

// Close ends what runs in the universe. The result stays.
func (p *Play) Close() {
	p.over = true
	if p.r.clients != nil {
		p.r.clients.Close()
		p.r.c.Close()
	}
}
