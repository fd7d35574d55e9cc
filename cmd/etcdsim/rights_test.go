package main

import (
	"os"
	"path/filepath"
	"testing"

	"etcdsim/scenarios"
)

// A session is its owner's alone wherever it is saved, also in the place of a file that
// everybody may read. Other scenarios are for everybody.
func TestRightsOfScenarios(t *testing.T) {
	session, err := os.ReadFile("../../docs/session.scn")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		text string
		want os.FileMode
	}{{string(session), private}, {"wait at 1s\n", public}} {
		f, err := scenarios.Parse("some.scn", tt.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := rightsOf(f); got != tt.want {
			t.Errorf("rights %v, expected %v, for\n%s", got, tt.want, tt.text)
		}
		name := filepath.Join(t.TempDir(), "saved.scn")
		if err := os.WriteFile(name, nil, public); err != nil {
			t.Fatal(err)
		}
		if err := saveFile(name, tt.text); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got&^tt.want != 0 || got&private != private {
			t.Errorf("saved with the rights %v, expected at most %v, for\n%s", got, tt.want, tt.text)
		}
	}
}
