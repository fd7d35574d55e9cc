package live

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// A recording is text: a line of JSON that says what the universe was made of, a
// line for each input, and a last line with the digest. One that was cut off, by
// whatever ended the process, lacks the last line and replays up to where it goes.

// Format identifies recordings of this form.
const Format = "etcdsim recording 1"

// Header is the first line of a recording: all that is needed to make the same
// universe again.
type Header struct {
	Format string `json:"format"`
	// Trace is the version of the trace; recordings of another version come to
	// other digests.
	Trace int    `json:"trace"`
	Seed  uint64 `json:"seed"`
	// Scenario is the text of the scenario that the universe began with, Name what
	// it was called, and Settings are what overrode it.
	Name     string   `json:"name,omitempty"`
	Scenario string   `json:"scenario"`
	Settings []string `json:"settings,omitempty"`
	Bugs     string   `json:"bugs,omitempty"`
	// URLs are where clients reached the founders.
	URLs []string `json:"urls,omitempty"`
}

// Ending is the last line of a recording.
type Ending struct {
	Step   uint64 `json:"step"`
	At     int64  `json:"at"`
	Digest string `json:"digest"`
}

// line is the form of an input in a recording.
type line struct {
	Step   uint64          `json:"step"`
	At     int64           `json:"at"`
	Kind   string          `json:"kind"`
	Op     uint64          `json:"op"`
	Member uint64          `json:"member"`
	Token  json.RawMessage `json:"token"`
	// CN is the common name in a certificate; missing without one.
	CN      json.RawMessage `json:"cn"`
	Request json.RawMessage `json:"request"`
	Text    json.RawMessage `json:"text"`
	Digest  string          `json:"digest"`
}

// Recorder writes a recording. Errors are kept: Close reports the first.
type Recorder struct {
	w   *bufio.Writer
	buf []byte
	err error
}

// NewRecorder begins a recording.
func NewRecorder(w io.Writer, h Header) (*Recorder, error) {
	h.Format, h.Trace = Format, trace.Version
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	r := &Recorder{w: bufio.NewWriterSize(w, 1<<16)}
	_, err = r.w.Write(append(text, '\n'))
	return r, err
}

// write adds an input.
func (r *Recorder) write(in *Input) {
	b := append(r.buf[:0], `{"step":`...)
	b = strconv.AppendUint(b, in.Step, 10)
	b = strconv.AppendInt(append(b, `,"at":`...), int64(in.At), 10)
	b = append(append(append(b, `,"kind":"`...), in.Kind.String()...), '"')
	if in.Op != 0 {
		b = strconv.AppendUint(append(b, `,"op":`...), in.Op, 10)
	}
	if in.Member != 0 {
		b = strconv.AppendUint(append(b, `,"member":`...), in.Member, 10)
	}
	if in.As.Token != "" {
		b = appendText(append(b, `,"token":`...), in.As.Token)
	}
	if in.As.Certified {
		b = appendText(append(b, `,"cn":`...), in.As.Name)
	}
	if in.Text != "" {
		b = appendText(append(b, `,"text":`...), in.Text)
	}
	if in.Request != nil {
		b = appendRequest(append(b, `,"request":`...), in.Request)
	}
	r.buf = append(b, '}', '\n')
	r.keep(r.w.Write(r.buf))
}

func (r *Recorder) keep(_ int, err error) { r.err = errors.Join(r.err, err) }

// flush hands what was written on.
func (r *Recorder) flush() { r.keep(0, r.w.Flush()) }

// end adds the last line.
func (r *Recorder) end(e Ending) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	r.keep(r.w.Write(append(text, '\n')))
	r.flush()
	return r.err
}

// Recording reads a recording.
type Recording struct {
	Header
	in     *bufio.Reader
	number int
	// Ending is the last line once it was read, or nil.
	Ending *Ending
}

// ReadRecording begins to read a recording.
func ReadRecording(r io.Reader) (*Recording, error) {
	rec := &Recording{in: bufio.NewReaderSize(r, 1<<16)}
	text, err := rec.line()
	if err == nil {
		err = json.Unmarshal(text, &rec.Header)
	}
	if err != nil || rec.Format != Format {
		return nil, fmt.Errorf("not a recording: expected a first line with the format %q", Format)
	}
	return rec, nil
}

// line returns the next whole line, or io.EOF.
func (r *Recording) line() ([]byte, error) {
	text, err := r.in.ReadBytes('\n')
	if err != nil {
		return nil, err // what is there was cut off
	}
	r.number++
	return bytes.TrimSuffix(text, []byte{'\n'}), nil
}

// Next returns the next input, or io.EOF after the last one. Any other error names
// the line.
func (r *Recording) Next() (*Input, error) {
	if r.Ending != nil {
		return nil, io.EOF
	}
	text, err := r.line()
	if err != nil {
		return nil, err
	}
	in, err := r.parse(text)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("line %d: %w", r.number, err)
	}
	return in, err
}

func (r *Recording) parse(text []byte) (*Input, error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return nil, err
	}
	if l.Digest != "" {
		r.Ending = &Ending{Step: l.Step, At: l.At, Digest: l.Digest}
		return nil, io.EOF
	}
	in := &Input{Step: l.Step, At: sim.Time(l.At), Op: l.Op, Member: l.Member}
	kind := -1
	for i, name := range kindNames {
		if name == l.Kind {
			kind = i
		}
	}
	if kind < 0 {
		return nil, fmt.Errorf("expected the kind of an input, found %q", l.Kind)
	}
	in.Kind, in.As.Certified = Kind(kind), l.CN != nil
	for _, text := range []struct {
		from json.RawMessage
		to   *string
	}{{l.Token, &in.As.Token}, {l.CN, &in.As.Name}, {l.Text, &in.Text}} {
		if text.from == nil {
			continue
		}
		var err error
		if *text.to, err = decodeText(text.from); err != nil {
			return nil, err
		}
	}
	var err error
	if in.Kind <= Send {
		in.Request, err = decodeRequest(l.Request)
	}
	return in, err
}
