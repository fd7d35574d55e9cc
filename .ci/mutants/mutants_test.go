package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExamine: each kind of mutant is made, and told apart by what came of it.
func TestExamine(t *testing.T) {
	kept := t.TempDir()
	want, err := os.ReadFile("testdata/judged.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := examine(&out, io.Discard, kept, "./testdata/judged", "", false); err != nil {
		t.Fatal(err)
	}
	found, err := os.ReadFile(filepath.Join(kept, ".ci-mutants-testdata-judged.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(found)) {
		if !strings.HasPrefix(line, "file\t") { // with fingerprints
			lines = append(lines, line)
		}
	}
	got := strings.Join(lines, "") + "\n" + out.String()
	if got != string(want) {
		t.Errorf("got\n%swant\n%s", got, want)
	}

	// Nothing changed: everything is known, and not asked again.
	var again, progress bytes.Buffer
	if err := examine(&again, &progress, kept, "./testdata/judged", "", false); err != nil {
		t.Fatal(err)
	}
	if again.String() != out.String() || strings.Contains(progress.String(), " of ") {
		t.Errorf("the second time\n%s%s", progress.String(), again.String())
	}
}
