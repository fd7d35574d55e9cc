package live

import (
	"errors"
	"fmt"
	"io"

	"etcdsim/node"
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// Replayed is what came of a replay.
type Replayed struct {
	// Inputs entered, Requests of them made by clients.
	Inputs, Requests int
	Answers          int
	// Recorded reports that the recording has an end, with which the digest agrees
	// unless there is an error.
	Recorded bool
	At       sim.Time
	Digest   trace.Digest
}

// Replay lets a recorded session happen again in a world that was made like the
// first one. A witness, if there is one, notes what clients asked. The error says
// where the recording does not fit, or that the digests differ.
func Replay(w World, rec *Recording, witness *Witness) (Replayed, error) {
	var r Replayed
	u := open(w, func(*node.Answer) { r.Answers++ })
	u.witness = witness
	u.boot()
	for {
		in, err := rec.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return r, err
		}
		if err := u.moveTo(in.Step, in.At); err != nil {
			return r, fmt.Errorf("line %d: %w", rec.number, err)
		}
		op := in.Op
		_, _ = u.enter(in) // what went wrong with a statement then goes wrong again
		if in.Op != op {
			return r, fmt.Errorf("line %d: %w: operation %d, which was %d", rec.number, ErrDiverged, in.Op, op)
		}
		r.Inputs++
		if in.Kind <= Send {
			r.Requests++
		}
	}
	if e := rec.Ending; e != nil {
		if err := u.moveTo(e.Step, sim.Time(e.At)); err != nil {
			return r, fmt.Errorf("the end: %w", err)
		}
	}
	r.At, r.Digest, r.Recorded = u.c.Now(), u.log.Digest(), rec.Ending != nil
	if e := rec.Ending; e != nil && e.Digest != r.Digest.String() {
		return r, fmt.Errorf("%w: digest %v, which was %v", ErrDiverged, r.Digest, e.Digest)
	}
	return r, nil
}

// ErrDiverged is wrapped by the errors of a replay that did not come to the same
// as the session.
var ErrDiverged = errors.New("the replay differs from the session")

// moveTo lets the universe happen up to a place in the run.
func (u *Universe) moveTo(step uint64, at sim.Time) error {
	for u.steps < step {
		if !u.step() {
			break
		}
	}
	if u.steps != step || u.c.Now() > at || at > u.c.NextAt() {
		return fmt.Errorf("%w: step %d at %v, which was step %d at %v", ErrDiverged, u.steps, u.c.Now(), step, at)
	}
	u.idle(at)
	return nil
}
