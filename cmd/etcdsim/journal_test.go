package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

type noteOfTest struct{ N int }

// notes opens a journal, returns what stood there, and notes one more.
func notes(t *testing.T, name string, more int) (seen []int) {
	t.Helper()
	j, err := openJournal(name, func(n noteOfTest) { seen = append(seen, n.N) })
	if err != nil {
		t.Fatal(err)
	}
	if err := j.note(noteOfTest{more}); err != nil {
		t.Fatal(err)
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	return seen
}

// Wherever a search was killed, the next one knows every whole line, and the one after
// that what both of them noted.
func TestJournalGoesOn(t *testing.T) {
	name := filepath.Join(t.TempDir(), "journal")
	for i := range 3 {
		notes(t, name, i+1)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	first := bytes.IndexByte(text, '\n') + 1
	for cut := first; cut <= len(text); cut++ {
		if err := os.WriteFile(name, text[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		want := []int{1, 2, 3}[:strings.Count(string(text[:cut]), "\n")]
		if got := notes(t, name, 9); !slices.Equal(got, want) {
			t.Errorf("cut at %d: %v stand there, want %v", cut, got, want)
		}
		if got, want := notes(t, name, 9), append(slices.Clone(want), 9); !slices.Equal(got, want) {
			t.Errorf("cut at %d, and then: %v stand there, want %v", cut, got, want)
		}
	}
}

// What is no journal is not taken for one, and stays as it is.
func TestJournalIsNotAnotherFile(t *testing.T) {
	for text, want := range map[string]string{
		"my diary":               ":1: EOF: expected what an earlier search noted",
		"{\"N\":1}":              ":1: EOF: expected what",
		"my diary\n":             ":1: invalid character 'm'",
		"{\"N\":1}\n{\"M\":2}\n": `:2: json: unknown field "M": expected what`,
	} {
		name := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := openJournal(name, func(noteOfTest) {})
		if err == nil || !strings.HasPrefix(err.Error(), name+want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
		if now, err := os.ReadFile(name); err != nil || string(now) != text {
			t.Errorf("%q is %q now: %v", text, now, err)
		}
	}
}
