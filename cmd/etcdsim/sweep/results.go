package sweep

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"etcdsim/scenarios/report"
)

// A results file is the header on one line and a record on each further line, in
// the order of the list. A sweep that is killed leaves at most its last line
// torn; what precedes it is good, and the sweep can go on there.

// flushEvery bounds how long a record waits in memory.
const flushEvery = 200 * time.Millisecond

// Writer writes results.
type Writer struct {
	b       *bufio.Writer
	flushed time.Time
}

// NewWriter returns a writer of records. The header has been written if the
// records continue others.
func NewWriter(w io.Writer, h *Header, continued bool) (*Writer, error) {
	out := &Writer{b: bufio.NewWriterSize(w, 1<<16), flushed: time.Now()}
	if continued {
		return out, nil
	}
	return out, out.line(h)
}

// Write writes a record.
func (w *Writer) Write(rec *report.Record) error {
	if err := w.line(rec); err != nil {
		return err
	}
	if now := time.Now(); now.Sub(w.flushed) >= flushEvery {
		w.flushed = now
		return w.b.Flush()
	}
	return nil
}

// Flush hands everything to the file.
func (w *Writer) Flush() error { return w.b.Flush() }

func (w *Writer) line(v any) error {
	e := json.NewEncoder(w.b)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// Reader reads results.
type Reader struct {
	Header Header
	name   string
	b      *bufio.Reader
	line   int
	// good is the length of the lines read, in bytes.
	good int64
	next uint64
}

// errTorn is a last line without its end.
var errTorn = errors.New("the last line is torn")

// NewReader reads the header of results; name is what errors call them.
func NewReader(name string, r io.Reader) (*Reader, error) {
	in := &Reader{name: name, b: bufio.NewReaderSize(r, 1<<16)}
	line, err := in.readLine()
	if errors.Is(err, io.EOF) || errors.Is(err, errTorn) {
		return nil, fmt.Errorf("%s: expected results of a sweep", name)
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(line, &in.Header); err != nil {
		return nil, in.wrong(fmt.Errorf("expected the header of a sweep: %w", err))
	}
	if err := in.Header.check(); err != nil {
		return nil, in.wrong(err)
	}
	return in, nil
}

// Next returns the next record, and io.EOF behind the last. A torn last line is
// left out.
func (in *Reader) Next() (*report.Record, error) {
	line, err := in.readLine()
	if errors.Is(err, errTorn) {
		return nil, io.EOF
	}
	if err != nil {
		return nil, err
	}
	rec, err := report.ParseRecord(line)
	if err != nil {
		return nil, in.wrong(fmt.Errorf("expected a record of a sweep: %w", err))
	}
	t, ok := in.Header.Task(rec.N)
	if !ok || rec.N < in.next || rec.N >= in.Header.Size() || t != (Task{rec.Scenario, rec.Seed}) || !in.Header.Shard.owns(rec.N) {
		return nil, in.wrong(fmt.Errorf("run %d, %s with seed %d: it is not of this sweep, or out of order", rec.N, rec.Scenario, rec.Seed))
	}
	in.next = rec.N + 1
	return rec, nil
}

func (in *Reader) readLine() ([]byte, error) {
	line, err := in.b.ReadBytes('\n')
	switch {
	case errors.Is(err, io.EOF) && len(line) > 0:
		return nil, errTorn
	case err != nil:
		return nil, err
	}
	in.line++
	in.good += int64(len(line))
	return bytes.TrimSpace(line), nil
}

func (in *Reader) wrong(err error) error { return fmt.Errorf("%s:%d: %w", in.name, in.line, err) }

// Continue opens a results file to go on where it ends: see gets the records
// that are there, and what follows the last whole line is cut off. It returns
// the place of the next run. The file must be of the sweep that the header
// describes.
func Continue(path string, h *Header, see func(*report.Record)) (f *os.File, next uint64, err error) {
	f, err = os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		if err != nil {
			f.Close() //nolint:errcheck // the error that led here is the one to tell
		}
	}()
	in, err := NewReader(path, f)
	if err != nil {
		return nil, 0, err
	}
	what := in.Header.differs(h)
	if what == "" && in.Header.Shard != h.Shard {
		what = "the shard"
	}
	if what != "" {
		return nil, 0, fmt.Errorf("%s: these are results of another sweep: %s differ: expected another file", path, what)
	}
	for {
		rec, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, 0, err
		}
		see(rec)
	}
	if err := f.Truncate(in.good); err != nil {
		return nil, 0, err
	}
	if _, err := f.Seek(in.good, io.SeekStart); err != nil {
		return nil, 0, err
	}
	return f, in.next, nil
}
