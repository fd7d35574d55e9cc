// Package folder keeps a run as a folder of files that people and programs can
// read, and proves later that the run still comes out the same.
//
//	scenario.scn    the plan, in canonical form
//	snapshot.db     what the members began with, if that was a snapshot
//	run.json        what else decides the run, and what came of it: [Record]
//	report.txt      the report for people
//	report.html     the report as a page: a picture of what happened
//	result.json     the report for programs
//	history.ndjson  what clients asked of the key-value store and were answered, a JSON
//	                object a line: see recorded.Write
//	trace.ndjson.gz every event, likewise: see report.AppendEvent
//
// All but the versions in run.json is a function of the plan, the seed and the
// options: a folder written again is the same.
package folder

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"etcdsim/checker/recorded"
	"etcdsim/scenarios"
	"etcdsim/scenarios/report"
	"etcdsim/scenarios/report/page"
	"etcdsim/sim/bug"
	"etcdsim/sim/trace"
	"etcdsim/store/saved"
	"etcdsim/store/saved/files"
)

// Names of the files.
const (
	planFile    = "scenario.scn"
	savedFile   = "snapshot.db"
	recordFile  = "run.json"
	reportFile  = "report.txt"
	resultFile  = "result.json"
	pageFile    = "report.html"
	historyFile = "history.ndjson"
	traceFile   = "trace.ndjson.gz"
)

// Format is the version of run folders.
const Format = 1

// Record is the contents of run.json.
type Record struct {
	Format int `json:"folder"`
	// Program is the version of the program that wrote it, Trace that of its traces:
	// digests are comparable only within one.
	Program  string   `json:"program"`
	Trace    int      `json:"trace"`
	Scenario string   `json:"scenario"`
	Seed     uint64   `json:"seed"`
	Settings []string `json:"settings,omitempty"`
	Bugs     string   `json:"bugs,omitempty"`
	Outcome  string   `json:"outcome"`
	Findings []string `json:"findings,omitempty"`
	Digest   string   `json:"digest"`
	Events   uint64   `json:"events"`
}

// Folder is a run that was kept.
type Folder struct {
	Path string
	Record
	// File is the plan, Options what varies it.
	File    *scenarios.File
	Options scenarios.Options
}

// Name is what the folder of a run is called: "leader-kill-7".
func Name(scenario string, seed uint64) string {
	base := strings.TrimSuffix(filepath.Base(scenario), scenarios.Suffix)
	return fmt.Sprintf("%s-%d", base, seed)
}

// Save lets a run happen, writes its folder below the parent, and returns its
// path. A folder that is there already is replaced.
func Save(parent, program string, f *scenarios.File, seed uint64, o scenarios.Options) (path string, err error) {
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(parent, ".run-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it is gone once it has its name
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", err
	}
	r, err := record(filepath.Join(dir, traceFile), f, seed, o)
	if err != nil {
		return "", err
	}
	rec := Record{
		Format: Format, Program: program, Trace: trace.Version, Scenario: f.Name, Seed: seed, Bugs: o.Bugs.String(),
		Outcome: r.Outcome.String(), Digest: r.Digest.String(), Events: r.Counts.Events,
	}
	for _, s := range o.Settings {
		rec.Settings = append(rec.Settings, s.String())
	}
	for _, finding := range r.Findings() {
		rec.Findings = append(rec.Findings, finding.String())
	}
	for _, part := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{planFile, func(w io.Writer) error { return writeString(w, scenarios.Format(f)) }},
		{recordFile, func(w io.Writer) error { return writeJSON(w, &rec) }},
		{reportFile, func(w io.Writer) error { return report.Text(w, r, report.Style{}) }},
		{resultFile, func(w io.Writer) error { return report.JSON(w, r) }},
		{historyFile, func(w io.Writer) error { return recorded.Write(w, r.History.Ops) }},
		{pageFile, func(w io.Writer) error { return page.Of(w, f, seed, o) }},
	} {
		if err := write(filepath.Join(dir, part.name), part.write); err != nil {
			return "", err
		}
	}
	if from := r.History.Initial; from != nil {
		if err := os.WriteFile(filepath.Join(dir, savedFile), saved.Sealed(from.File), 0o600); err != nil {
			return "", err
		}
	}
	path = filepath.Join(parent, Name(f.Name, seed))
	if err := makeWay(path); err != nil {
		return "", err
	}
	return path, os.Rename(dir, path)
}

// record lets a run happen and writes its trace.
func record(path string, f *scenarios.File, seed uint64, o scenarios.Options) (r *scenarios.Result, err error) {
	err = write(path, func(w io.Writer) error {
		z := gzip.NewWriter(w)
		var line []byte
		var failed error
		r, err = scenarios.Run(f, seed, observing(o, func(e *trace.Event) {
			if failed == nil {
				line = report.AppendEvent(line[:0], e)
				_, failed = z.Write(line)
			}
		}))
		return errors.Join(err, failed, z.Close())
	})
	return r, err
}

// observing returns the options with a subscriber to every event.
func observing(o scenarios.Options, see func(*trace.Event)) scenarios.Options {
	o.Observe = func(l *trace.Log) { l.Subscribe(trace.AllKinds, see) }
	return o
}

// ErrTaken: something else lies where a run is to be kept.
var ErrTaken = errors.New("it is there, and is not the folder of a run")

// makeWay removes a folder of a run, and nothing else.
func makeWay(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if _, err := os.Lstat(filepath.Join(path, recordFile)); err != nil {
		return fmt.Errorf("%s: %w: expected another place", path, ErrTaken)
	}
	return os.RemoveAll(path)
}

func write(path string, to func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(f, 1<<16)
	return errors.Join(to(b), b.Flush(), f.Close())
}

func writeString(w io.Writer, text string) error {
	_, err := io.WriteString(w, text)
	return err
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// Is reports whether a path is a folder of a run.
func Is(path string) bool {
	info, err := os.Stat(filepath.Join(path, recordFile))
	return err == nil && info.Mode().IsRegular()
}

// open returns the snapshot of the folder, whatever its name was.
func (d *Folder) open(_, _ string) (*saved.Snapshot, error) {
	return files.Read(filepath.Join(d.Path, savedFile))
}

// Open reads what decides a run from its folder.
func Open(path string) (*Folder, error) {
	d := &Folder{Path: path}
	d.Options.Open = d.open
	name := filepath.Join(path, recordFile)
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &d.Record); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if d.Format != Format {
		return nil, fmt.Errorf("%s: a run folder of format %d: expected %d", name, d.Format, Format)
	}
	for _, text := range d.Settings {
		s, err := scenarios.ParseSetting(text)
		if err != nil {
			return nil, fmt.Errorf("%s: settings: %w", name, err)
		}
		d.Options.Settings = append(d.Options.Settings, s)
	}
	if d.Options.Bugs, err = bug.Parse(d.Bugs); err != nil {
		return nil, fmt.Errorf("%s: bugs: %w", name, err)
	}
	name = filepath.Join(path, planFile)
	if text, err = os.ReadFile(name); err != nil {
		return nil, err
	}
	if d.File, err = scenarios.Parse(name, string(text)); err != nil {
		return nil, err
	}
	// The name is part of the report, not of the trace.
	d.File.Name = d.Scenario
	return d, nil
}
