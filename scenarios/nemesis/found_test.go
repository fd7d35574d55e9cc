package nemesis_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"etcdsim/scenarios"
)

// TestFound runs the plans that once found what no other test had: defects of members and
// of judges, named by what was wrong. Plans change when kinds of faults are added, so what
// stands here is their text, with the seed behind the name.
func TestFound(t *testing.T) {
	files, err := filepath.Glob("testdata/found/*.scn")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d plans, %v", len(files), err)
	}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".scn")
		t.Run(name, func(t *testing.T) {
			_, number, _ := strings.Cut(name, "@")
			seed, err := strconv.ParseUint(number, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f, err := scenarios.Parse(path, string(text))
			if err != nil {
				t.Fatal(err)
			}
			r, err := scenarios.Run(f, seed, scenarios.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if r.Outcome != scenarios.Pass {
				t.Errorf("%v: %+v\nreproduce  etcdsim run scenarios/nemesis/%s --seed %d", r.Outcome, r.Failure, path, seed)
			}
		})
	}
}
