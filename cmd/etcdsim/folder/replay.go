package folder

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"etcdsim/scenarios"
	"etcdsim/scenarios/report"
	"etcdsim/sim/trace"
)

// Replay is what came of a run that was repeated.
type Replay struct {
	// Result is that of the repetition.
	Result *scenarios.Result
	// Same reports that it was the same run.
	Same bool
	// Why says, if not, what is known of the reason: two versions of traces, or
	// nothing. Recorded and Replayed are the first events that differ; one of them is
	// empty if that run had ended. Events is the number that agree before.
	Why                string
	Recorded, Replayed string
	Events             uint64
}

// Replay lets the run happen again and compares it with the trace that was kept,
// event by event. The error is about the folder, not about the run.
func (d *Folder) Replay(interrupted func() bool) (*Replay, error) {
	recorded, err := d.Trace()
	if err != nil {
		return nil, err
	}
	defer recorded.Close()
	out := &Replay{}
	differs := false
	o := observing(d.Options, func(e *trace.Event) {
		if differs {
			return
		}
		was, ok := recorded.Next()
		if differs = !ok || was != *e; differs {
			out.Replayed = report.Event(e)
			if ok {
				out.Recorded = report.Event(&was)
			}
			return
		}
		out.Events++
	})
	o.Interrupted = interrupted
	if out.Result, err = scenarios.Run(d.File, d.Seed, o); err != nil {
		return nil, err
	}
	if !differs {
		if was, ok := recorded.Next(); ok {
			differs, out.Recorded = true, report.Event(&was)
		}
	}
	if err := recorded.Err(); err != nil && d.Record.Trace == trace.Version {
		return nil, err
	}
	out.Same = !differs && out.Result.Digest.String() == d.Digest
	if d.Record.Trace != trace.Version {
		out.Same = false
		out.Why = fmt.Sprintf("it was recorded with traces of version %d (%s); this program's are of version %d",
			d.Record.Trace, d.Program, trace.Version)
	}
	return out, nil
}

// Events reads a trace that was kept.
type Events struct {
	name  string
	file  *os.File
	lines *bufio.Scanner
	n     uint64
	err   error
}

// Trace opens the trace.
func (d *Folder) Trace() (*Events, error) {
	name := filepath.Join(d.Path, traceFile)
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), f.Close())
	}
	return &Events{name: name, file: f, lines: bufio.NewScanner(z)}, nil
}

// Next returns the next event; false behind the last, and where the trace cannot
// be read.
func (t *Events) Next() (trace.Event, bool) {
	if t.err != nil || !t.lines.Scan() {
		return trace.Event{}, false
	}
	t.n++
	e, err := report.ParseEvent(t.lines.Bytes())
	if err != nil {
		t.err = fmt.Errorf("%s:%d: %w", t.name, t.n, err)
	}
	return e, err == nil
}

// Err is why the trace could not be read to its end, or nil.
func (t *Events) Err() error {
	if t.err != nil {
		return t.err
	}
	if err := t.lines.Err(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s:%d: %w", t.name, t.n+1, err)
	}
	return nil
}

// Close closes the file, which was only read.
func (t *Events) Close() { _ = t.file.Close() }
