package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A ledger is what earlier runs found in the files of a package, by name. Its form is
// lines of four fields separated by tabs: "file", name, the fingerprints of the file
// and of the whole package; then for each of its mutants the outcome, the test that
// noticed it or nothing, line and kind.
type ledger map[string]*page

// page is what was found in a file.
type page struct {
	file, whole string // fingerprints
	lines       []string
}

// mark returns a line of a ledger, but for outcome and test. It says which mutant of
// its file it is: numbers are others as soon as a file before it changes.
func (m *mutant) mark() string { return fmt.Sprintf("%d\t%s", m.line, m.what) }

func fingerprint(texts ...[]byte) string {
	h := fnv.New64a()
	for _, text := range texts {
		_, _ = h.Write(text) // never fails
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// fingerprint is that of all files of the package, and of its tests.
func (p *pkg) fingerprint() string {
	texts := p.tests
	for _, f := range p.files {
		texts = append(texts, f.original)
	}
	return fingerprint(texts...)
}

// readLedger reads what earlier runs found; nothing, if there is no file.
func readLedger(name string) (ledger, error) {
	known := ledger{}
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return known, nil
	} else if err != nil {
		return nil, err
	}
	var current *page
	n := 0
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		n++
		fields := strings.Split(lines.Text(), "\t")
		switch {
		case len(fields) == 4 && fields[0] == "file":
			current = &page{file: fields[2], whole: fields[3]}
			known[fields[1]] = current
		case len(fields) == 4 && current != nil:
			current.lines = append(current.lines, lines.Text())
		default:
			return nil, fmt.Errorf("%s:%d: expected four fields, separated by tabs", name, n)
		}
	}
	return known, nil
}

// carry gives mutants the outcome that is known of them: if they were noticed, while
// their file is as it was, and otherwise while the whole package is.
func (l ledger) carry(p *pkg, mutants []*mutant) {
	whole := p.fingerprint()
	for _, f := range p.files {
		was := l[f.name]
		if was == nil || was.file != fingerprint(f.original) {
			continue
		}
		// The order of mutants in a file follows from the file, but a run may have
		// ended before it had asked about all.
		rest := was.lines
		for _, m := range mutants {
			if m.file != f.name {
				continue
			}
			for i, line := range rest {
				result, of, _ := strings.Cut(line, "\t")
				by, of, _ := strings.Cut(of, "\t")
				if of != m.mark() {
					continue
				}
				if o := outcome(result); o == noticed || o == endless || was.whole == whole {
					m.outcome, m.by = o, by
				}
				rest = rest[i+1:]
				break
			}
		}
	}
}

// write keeps what is known now, besides what was known of other files.
func (l ledger) write(name string, p *pkg, mutants []*mutant) error {
	whole, fresh := p.fingerprint(), map[string]bool{}
	for _, m := range mutants {
		if !fresh[m.file] {
			fresh[m.file], l[m.file] = true, &page{whole: whole}
		}
		if m.outcome != "" {
			l[m.file].lines = append(l[m.file].lines, fmt.Sprintf("%s\t%s\t%s", m.outcome, m.by, m.mark()))
		}
	}
	var text bytes.Buffer
	for _, f := range p.files {
		was := l[f.name]
		if was == nil {
			continue
		}
		if fresh[f.name] {
			was.file = fingerprint(f.original)
		}
		fmt.Fprintf(&text, "file\t%s\t%s\t%s\n", f.name, was.file, was.whole)
		for _, line := range was.lines {
			fmt.Fprintln(&text, line)
		}
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	return os.WriteFile(name, text.Bytes(), 0o666)
}
