package compare

import (
	"strings"
	"testing"

	"etcdsim/store"
)

// flawed is our store with a defect that needs several things to come together: after a
// compaction, a deletion that asks for what it deletes counts one too many.
type flawed struct {
	*bare
	compactions int
}

func (f *flawed) serve(s step) (answer, error) {
	a, err := f.bare.serve(s)
	switch res := a.Result.(type) {
	case *store.CompactionResult:
		f.compactions++
	case *store.DeleteRangeResult:
		if f.compactions > 0 && len(res.PrevKVs) > 0 {
			a.Result = &store.DeleteRangeResult{Deleted: res.Deleted + 1, PrevKVs: res.PrevKVs}
		}
	}
	return a, err
}

// TestFindsPlantedDefect: a rare difference is found, and shrunk to what it takes: a
// write, a compaction and a deletion.
func TestFindsPlantedDefect(t *testing.T) {
	etcds := newSpares(t.Context())
	defer etcds.close()
	planted := []subject{{"flawed", func() (server, error) { return &flawed{bare: newBare()}, nil }, subjects[0].cannot}}
	for s := uint64(1); s < 20; s++ {
		steps := newGenerator(s).sequence(200)
		d, err := compare(etcds, steps, planted, tally{})
		if err != nil {
			t.Fatalf("seed %d: %v", s, err)
		}
		if d == nil {
			continue
		}
		told := explain(etcds, steps, d)
		for _, part := range []string{"after 3 requests", "Compaction", "DeleteRangeRequest{", "PrevKV: true", "Deleted: 2"} {
			if !strings.Contains(told, part) {
				t.Errorf("seed %d: expected to be told of %q:\n%s", s, part, told)
			}
		}
		t.Log(told)
		return
	}
	t.Error("20 sequences, and nothing found")
}
