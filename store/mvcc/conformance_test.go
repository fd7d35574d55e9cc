package mvcc

import (
	"testing"

	"etcdsim/store"
	"etcdsim/store/conformance"
)

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
	records := conformance.Records(t)
	s := New(Config{})
	watching := newRecorder(s)
	answers, watches, events, failed := 0, 0, 0, 0
	for i := range records {
		r := &records[i]
		var diff string
		if r.Request != nil {
			answers++
			diff = r.Diff(serve(s, r.Request))
		} else {
			watches++
			events += len(r.Watched.Events)
			diff = r.DiffWatched(watching.replay(r))
		}
		if diff != "" {
			failed++
			if failed <= 5 {
				t.Errorf("line %d: %s %s\n%s", r.Line, r.Op, r.Desc, diff)
			}
		}
	}
	t.Logf("%d answers and %d views of watchers with %d events compared, %d differ", answers, watches, events, failed)
}

// recorder reads watchers as the recording did: until they have seen everything.
type recorder struct {
	watchers *Watchers
	streams  map[string]*Stream
}

func newRecorder(s *Store) *recorder {
	return &recorder{NewWatchers(s), make(map[string]*Stream)}
}

func (rec *recorder) replay(r *conformance.Record) *conformance.Watched {
	st := rec.streams[r.Stream]
	if r.Watch != nil {
		st = rec.watchers.Open(0)
		st.Watch(r.Watch)
		rec.streams[r.Stream] = st
	}
	seen := new(conformance.Watched)
	if r.Op == "WatchOpen" {
		created, _ := st.Next()
		seen.Created = &created
		return seen
	}
	rec.watchers.Sync()
	st.Progress()
	for resp, ok := st.Next(); ok; resp, ok = st.Next() {
		switch {
		case resp.Created:
			seen.Created = &resp
		case resp.Canceled:
			seen.Canceled = &resp
		}
		seen.Events = append(seen.Events, resp.Events...)
	}
	seen.UpTo = rec.watchers.store.Revision()
	if r.Op != "WatchDrain" {
		st.Close()
	}
	return seen
}

// A clone and a decoded snapshot must be indistinguishable from the store and
// from each other, now and then in a long history and on everything after it.
func TestCopiesAnswerAsRecordedFromEtcd(t *testing.T) {
	records := conformance.Records(t)
	s := New(Config{})
	for i := range records {
		r := &records[i]
		if r.Request == nil {
			continue
		}
		if i%4 != 0 {
			serve(s, r.Request)
			continue
		}
		clone := s.Clone()
		bytes := clone.Encode()
		decoded, err := Decode(Config{}, bytes)
		if err != nil {
			t.Fatalf("line %d: %v", r.Line, err)
		}
		decoded.settled = s.settled // of the process, which the recorded server went on with
		want := s.Encode()
		if string(want) != string(bytes) || string(want) != string(decoded.Encode()) {
			t.Fatalf("line %d: original, clone and decoded store encode differently", r.Line)
		}
		serve(s, r.Request)
		if string(clone.Encode()) != string(bytes) {
			t.Fatalf("line %d: %s: the clone saw what the original did later", r.Line, r.Desc)
		}
		for name, other := range map[string]*Store{"clone": clone, "decoded store": decoded} { // unordered: independent checks
			if diff := r.Diff(serve(other, r.Request)); diff != "" {
				t.Fatalf("line %d: %s of the store: %s\n%s", r.Line, name, r.Desc, diff)
			}
			if string(other.Encode()) != string(s.Encode()) {
				t.Fatalf("line %d: %s of the store: %s: ends up in another state", r.Line, name, r.Desc)
			}
		}
		switch i % 3 {
		case 0:
			s = decoded
		case 1:
			s = clone
		}
	}
}
