package live

import (
	"bufio"
	"io"

	"etcdsim/sim/outside"
	"etcdsim/sim/trace"
)

// Recorder writes down what enters a universe as the rest of the scenario that the
// universe was made from: a line for each place at which something entered, and one
// for each thing that did. One that was cut off, by whatever ended the process, lacks
// the line that says so and replays up to where it goes. After an error nothing more is
// written, and end reports it.
type Recorder struct {
	w   *bufio.Writer
	buf []byte
	// at is the last place that was written.
	at  outside.Place
	err error
}

// NewRecorder begins a recording with the scenario so far, in whole lines.
func NewRecorder(w io.Writer, scenario string) (*Recorder, error) {
	r := &Recorder{w: bufio.NewWriterSize(w, 1<<16)}
	_, err := r.w.WriteString(scenario)
	return r, err
}

// input adds an input.
func (r *Recorder) input(at outside.Place, in *outside.Input) {
	r.place(at)
	r.buf = in.Append(r.buf)
	r.line()
}

// statement adds a statement in its canonical form, a block in all its lines.
func (r *Recorder) statement(at outside.Place, text string) {
	r.place(at)
	r.buf = append(r.buf, text...)
	r.keep(r.w.Write(r.buf))
}

// place begins a line, after one that says where it belongs.
func (r *Recorder) place(at outside.Place) {
	r.buf = r.buf[:0]
	if at != r.at {
		r.at = at
		r.buf = append(at.Append(r.buf), '\n')
	}
}

func (r *Recorder) line() {
	r.buf = append(r.buf, '\n')
	r.keep(r.w.Write(r.buf))
}

func (r *Recorder) keep(_ int, err error) {
	if r.err == nil {
		r.err = err
	}
}

// flush hands what was written on.
func (r *Recorder) flush() { r.keep(0, r.w.Flush()) }

// end adds the last line.
func (r *Recorder) end(at outside.Place, d trace.Digest) error {
	r.place(at)
	r.buf = append(append(r.buf, "ended   digest="...), d.String()...)
	r.line()
	r.flush()
	return r.err
}
