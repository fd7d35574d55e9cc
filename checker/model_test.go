package checker

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"etcdsim/store"
	"etcdsim/store/conformance"
)

// The model answers as a real etcd did. This is what makes it a reference: the
// members' store passes the same comparison with other code.
func TestModelAnswersAsRecordedFromEtcd(t *testing.T) {
	path := os.Getenv("CONFORMANCE_CORPUS")
	if path == "" {
		path = "../../shared/conformance/corpus.jsonl"
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("no recording to compare with: %v (CONFORMANCE_CORPUS names another one)", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	records, err := conformance.Parse(data)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var m model
	s := emptyState()
	compared, failed := 0, 0
	for i := range records {
		r := &records[i]
		if r.Request == nil || store.Check(r.Request, 128) != nil {
			continue // no request to the store, or refused before it reaches one
		}
		next, answer, known := m.apply(&s, r.Request)
		if !known {
			continue
		}
		s = next
		compared++
		if !m.sameAnswer(&r.Response, &answer) {
			failed++
			if failed <= 5 {
				t.Errorf("line %d: %s %s\n%s", r.Line, r.Op, r.Desc, r.Diff(answer))
			}
		}
	}
	t.Logf("%d answers compared, %d differ", compared, failed)
	if compared < 1000 {
		t.Errorf("only %d answers were compared: expected at least 1000", compared)
	}
}
