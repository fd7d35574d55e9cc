package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"

	"etcdsim/cmd/etcdsim/sweep"
	"etcdsim/scenarios/report"
)

// resultsFile is where a sweep writes its records: a file of the user's, one that
// lives as long as the process because something must be made of the records in
// the end, or none.
type resultsFile struct {
	file   *os.File
	writer *sweep.Writer
	// passing reports that the file goes when the sweep ends.
	passing bool
}

// openResults opens the results file of a sweep, and says which run is next. What
// the file holds already is told.
func (j *sweepJob) openResults(tell func(*report.Record) error) (*resultsFile, uint64, error) {
	h := &j.pool.Header
	var f *os.File
	var err error
	next := uint64(0)
	switch {
	case j.out == "" && j.junit == "":
		return &resultsFile{}, 0, nil
	case j.out == "":
		f, err = os.CreateTemp("", "etcdsim-*.ndjson")
	case j.resume:
		var untold error
		f, next, err = sweep.Continue(j.out, h, func(rec *report.Record) { untold = errors.Join(untold, tell(rec)) })
		if untold != nil {
			return nil, 0, unwritten("results", untold)
		}
		if errors.Is(err, os.ErrNotExist) {
			f, err = createFile(j.out)
		}
	default:
		f, err = createFile(j.out)
	}
	if errors.Is(err, os.ErrExist) {
		return nil, 0, usage("sweep: --out: %s exists: expected --resume, or another file", j.out)
	}
	if err != nil {
		return nil, 0, usage("sweep: --out: %w", err)
	}
	r := &resultsFile{file: f, passing: j.out == ""}
	info, err := f.Stat()
	if err == nil {
		r.writer, err = sweep.NewWriter(f, h, info.Size() > 0)
	}
	if err != nil {
		r.close()
		return nil, 0, unwritten("results", err)
	}
	return r, next, nil
}

// createFile makes a file that must not be there yet, and the folder it is in.
func createFile(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
}

func (r *resultsFile) write(rec *report.Record) error {
	if r.writer == nil {
		return nil
	}
	return r.writer.Write(rec)
}

func (r *resultsFile) flush() error {
	if r.writer == nil {
		return nil
	}
	return r.writer.Flush()
}

// reread reads the results from the beginning.
func (r *resultsFile) reread() (*sweep.Reader, error) {
	if _, err := r.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return sweep.NewReader(r.file.Name(), r.file)
}

// close closes the file; what was written has been flushed before.
func (r *resultsFile) close() {
	if r.file == nil {
		return
	}
	_ = r.file.Close()
	if r.passing {
		_ = os.Remove(r.file.Name())
	}
}

// writeFile writes a file as a whole: what was there stays until it is done.
func writeFile(path string, write func(io.Writer) error) error {
	return replaceFile(path, public, func(f *os.File) error { return write(f) })
}

// replaceFile puts a file in the place of another once it is written. One that
// ends with an exit code other than that of an error of ours is written.
func replaceFile(path string, rights os.FileMode, write func(*os.File) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return unwritten("results", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".etcdsim-*")
	if err != nil {
		return unwritten("results", err)
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it is gone once it has its name
	told := write(f)
	var e *exit
	if told != nil && (!errors.As(told, &e) || e.code == exitUsage || e.code == exitInternal) {
		return errors.Join(told, f.Close())
	}
	if err := errors.Join(f.Chmod(rights), f.Close(), os.Rename(f.Name(), path)); err != nil {
		return unwritten("results", err)
	}
	return told
}

// build identifies this program by its bytes: versions say nothing of a working
// copy, and builds of one source are equal.
var build = sync.OnceValues(func() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // it is only read
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
})
