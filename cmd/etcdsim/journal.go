package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// journal is a file to which a long search notes what it has found, a JSON object a
// line, so that another search can go on from there. The zero value keeps nothing.
type journal struct{ file *os.File }

// openJournal opens a journal to go on where it ends: see gets what stands there. What
// an interrupted search left of its last line is cut off. Without a name nothing is
// kept. The error names the file and the line; such a file is not changed.
func openJournal[T any](name string, see func(T)) (journal, error) {
	if name == "" {
		return journal{}, nil
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return journal{}, fmt.Errorf("%s: %w", name, cause(err))
	}
	good, err := readNotes(name, f, see)
	if err == nil {
		err = f.Truncate(good)
	}
	if err == nil {
		_, err = f.Seek(good, io.SeekStart)
	}
	if err != nil {
		return journal{}, errors.Join(err, f.Close())
	}
	return journal{f}, nil
}

// readNotes reads the whole lines of a journal and returns their length in bytes. A file
// whose first line is not whole is taken for somebody else's.
func readNotes[T any](name string, r io.Reader, see func(T)) (good int64, err error) {
	in := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF) && (n > 1 || len(line) == 0):
			return good, nil
		case err != nil && !errors.Is(err, io.EOF):
			return good, err
		}
		var note T
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err == nil {
			err = d.Decode(&note)
		}
		if err != nil {
			return good, fmt.Errorf("%s:%d: %w: expected what an earlier search noted", name, n, err)
		}
		see(note)
		good += int64(len(line))
	}
}

// note writes down what was found.
func (j journal) note(found any) error {
	if j.file == nil {
		return nil
	}
	return json.NewEncoder(j.file).Encode(found)
}

func (j journal) close() error {
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}
