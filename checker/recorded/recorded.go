// Package recorded judges histories that were recorded elsewhere: of a real etcd, of
// another store, by another tool. Nobody could look into those systems, so nothing
// is known but what clients asked, were answered, and when; an operation without an
// answer may have taken effect at any time after it was asked for, or never.
//
// What is judged depends on what was recorded:
//
//   - requests to etcd (our own JSON lines, and the operations of etcd's robustness
//     tests) against the model of etcd in package checker;
//   - registers and string maps (Jepsen, porcupine's test logs) by porcupine;
//   - transactions that append to lists and read them (Jepsen) by the cycles in
//     what must have preceded what (append.go).
//
// It never repairs a history: one that contradicts its format is refused, with the
// line.
package recorded

import (
	"bytes"
	"fmt"
	"strings"

	"etcdsim/checker"
)

// Format is a way to write a history down. The zero value stands for finding out.
type Format uint8

// The formats.
const (
	Detect     Format = iota
	JSONLines         // our own, docs/history.md
	Jepsen            // the history.edn of a test: a register, registers by key, or lists
	Porcupine         // the logs in porcupine's test data
	Robustness        // operations.json in the reports of etcd's robustness tests
	numFormats
)

var formatNames = [numFormats]string{"auto", "jsonl", "jepsen", "porcupine", "robustness"}

// String returns the format's name.
func (f Format) String() string { return formatNames[f] }

// ParseFormat returns the format of a name.
func ParseFormat(name string) (Format, error) {
	for f := range numFormats {
		if formatNames[f] == name {
			return f, nil
		}
	}
	return 0, fmt.Errorf("%q: expected %s", name, strings.Join(formatNames[:], ", "))
}

// Error is a mistake in a file.
type Error struct {
	File string
	Line int
	Text string
}

// Error names the place and what was expected there.
func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text) }

// Finding is what the judges have to say about a history.
type Finding struct {
	Format Format
	// Kind is what was recorded: "register", "append".
	Kind string
	// Operations counts what was asked, Unknown what nobody knows the outcome of.
	Operations, Unknown int
	Verdict             checker.Verdict
	// Property is what was violated.
	Property string
	// Evidence are the few operations that show it, in the order of the file.
	Evidence []Evidence
	// Why says in words what is wrong, or why the judge gave up.
	Why string
}

// Evidence is an operation of the file.
type Evidence struct {
	// Line is where it was invoked.
	Line int
	Text string
}

// Judge reads a history and judges it. The error is an *Error.
func Judge(file string, data []byte, format Format) (Finding, error) {
	r := reader{file: file, data: data}
	if format == Detect {
		var err error
		if format, err = r.detect(); err != nil {
			return Finding{}, err
		}
	}
	var f Finding
	var err error
	switch format {
	case JSONLines:
		f, err = r.judgeLines()
	case Robustness:
		f, err = r.judgeRobustness()
	case Porcupine:
		f, err = r.judgePorcupine()
	default:
		f, err = r.judgeJepsen()
	}
	f.Format = format
	return f, err
}

// reader reads one file.
type reader struct {
	file string
	data []byte
}

func (r *reader) fail(line int, format string, args ...any) error {
	return &Error{r.file, line, fmt.Sprintf(format, args...)}
}

// detect finds out what the first line looks like.
func (r *reader) detect() (Format, error) {
	line, number := r.firstLine()
	switch {
	case strings.HasPrefix(line, "INFO"):
		return Porcupine, nil
	case strings.HasPrefix(line, "{:"), strings.HasPrefix(line, "[{:"), strings.HasPrefix(line, "#jepsen"):
		return Jepsen, nil
	case strings.HasPrefix(line, `{"`):
		return JSONLines, nil
	case line == "{":
		return Robustness, nil
	}
	return 0, r.fail(number, "the format is not known: expected %s", strings.Join(formatNames[1:], ", "))
}

// firstLine returns the first line that is not empty.
func (r *reader) firstLine() (string, int) {
	for i, line := range bytes.Split(r.data, []byte("\n")) {
		if text := strings.TrimSpace(string(line)); text != "" {
			return text, i + 1
		}
	}
	return "", 1
}
