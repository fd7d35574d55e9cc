package mvcc

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"etcdsim/store"
	"etcdsim/store/conformance"
)

// corpus returns the recording of a real etcd that the tests replay.
func corpus(t testing.TB) []conformance.Record {
	path := os.Getenv("CONFORMANCE_CORPUS")
	if path == "" {
		path = "../../../shared/conformance/corpus.jsonl"
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
	return records
}

// serve does what a member does with a request, without the log.
func serve(s *Store, req store.Request) store.Response {
	if err := store.Check(req, 128); err != nil {
		return store.Response{Err: err}
	}
	if store.ReadOnly(req) {
		return s.Read(req)
	}
	return s.Apply(s.Applied()+1, &store.Proposal{Request: req})
}

func TestAnswersAsRecordedFromEtcd(t *testing.T) {
	records := corpus(t)
	s := New(Config{})
	compared, failed := 0, 0
	for i := range records {
		r := &records[i]
		if r.Request == nil {
			continue
		}
		compared++
		if diff := r.Diff(serve(s, r.Request)); diff != "" {
			failed++
			if failed <= 5 {
				t.Errorf("line %d: %s %s\n%s", r.Line, r.Op, r.Desc, diff)
			}
		}
	}
	t.Logf("%d answers compared, %d differ", compared, failed)
}

// A clone and a decoded snapshot must be indistinguishable from the store and
// from each other, at every step of a long history and on everything after it.
func TestCopiesAnswerAsRecordedFromEtcd(t *testing.T) {
	records := corpus(t)
	s := New(Config{})
	for i := range records {
		r := &records[i]
		if r.Request == nil {
			continue
		}
		clone := s.Clone()
		bytes := clone.Encode()
		decoded, err := Decode(Config{}, bytes)
		if err != nil {
			t.Fatalf("line %d: %v", r.Line, err)
		}
		want := s.Encode()
		if string(want) != string(bytes) || string(want) != string(decoded.Encode()) {
			t.Fatalf("line %d: original, clone and decoded store encode differently", r.Line)
		}
		serve(s, r.Request)
		if string(clone.Encode()) != string(bytes) {
			t.Fatalf("line %d: %s: the clone saw what the original did later", r.Line, r.Desc)
		}
		for name, other := range map[string]*Store{"clone": clone, "decoded store": decoded} { //unordered: independent checks
			if diff := r.Diff(serve(other, r.Request)); diff != "" {
				t.Fatalf("line %d: %s of the store: %s\n%s", r.Line, name, r.Desc, diff)
			}
			if string(other.Encode()) != string(s.Encode()) {
				t.Fatalf("line %d: %s of the store: %s: ends up in another state", r.Line, name, r.Desc)
			}
		}
		if i%3 == 0 {
			s = decoded
		} else if i%3 == 1 {
			s = clone
		}
	}
}
