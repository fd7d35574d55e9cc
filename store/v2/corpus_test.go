package v2store

import (
	"strings"
	"testing"
	"time"

	"etcdsim/store"
	"etcdsim/store/conformance"
)

// TestRecordings replays what real servers were asked and compares each answer:
// status, index and body.
func TestRecordings(t *testing.T) {
	for _, api := range []struct {
		name   string
		corpus conformance.Corpus
	}{{"v2", conformance.V2}, {"v1", conformance.V1}} {
		t.Run(api.name, func(t *testing.T) {
			p := replay(t, conformance.OlderRecords(t, api.corpus))
			for _, d := range p.differences {
				t.Error(d)
			}
			t.Logf("%d records replayed, %d differ", p.played, len(p.differences))
		})
	}
}

// TestReplayNotices plants a wrong answer of each sort: the comparison above must
// see it.
func TestReplayNotices(t *testing.T) {
	const (
		put = `{"op":"request","method":"PUT","path":"/v2/keys/a","form":{"ttl":"9","value":"v"},`
		// node is what is sure of the answer.
		node  = `"createdIndex":1,"key":"/a","modifiedIndex":1,"value":"v"`
		start = `{"op":"wait_start","name":"w","method":"GET","path":"/v2/keys/a","query":{"wait":"true"}}` + "\n"
		event = `"body":{"action":"set","node":{"ttl":9,"expiration":"<time>",` + node + `}}}`
	)
	for _, tt := range []struct {
		name, lines string
		differ      int
	}{
		{"nothing", put + `"status":201,"x_etcd_index":1,` + event, 0},
		{"status", put + `"status":200,"x_etcd_index":1,` + event, 1},
		{"index", put + `"status":201,"x_etcd_index":2,` + event, 1},
		{"ttl", put + `"status":201,"x_etcd_index":1,` + strings.Replace(event, "9", "8", 1), 1},
		{"missing field", put + `"status":201,"x_etcd_index":1,"body":{"action":"set","node":{` + node + `}}}`, 1},
		{"event expected", start + `{"op":"wait_result","name":"w","status":200,"x_etcd_index":0,` + event, 1},
		{
			"event unexpected",
			start + put + `"status":201,"x_etcd_index":1,` + event + "\n" + `{"op":"wait_result","name":"w","text":"timeout"}`, 1,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			records, err := conformance.ParseOlder([]byte(tt.lines))
			if err != nil {
				t.Fatal(err)
			}
			if p := replay(t, records); len(p.differences) != tt.differ {
				t.Errorf("%d differences, want %d: %q", len(p.differences), tt.differ, p.differences)
			}
		})
	}
}

func replay(t *testing.T, records []conformance.OlderRecord) *player {
	t.Helper()
	p := &player{t: t, store: New(), now: Epoch, waits: map[string]*wait{}}
	for i := range records {
		p.play(&records[i])
	}
	return p
}

type player struct {
	t           *testing.T
	store       *Store
	now         Time
	waits       map[string]*wait
	played      int
	differences []string
}

// wait is a request that blocks.
type wait struct {
	call    Call
	watcher *Watcher // nil if it was refused
	answer  store.HTTPResult
	got     bool // an event came
}

func (p *player) play(r *conformance.OlderRecord) {
	p.played++
	p.now += Time(time.Millisecond)
	// Replicas, restarts and encodings must not show.
	switch {
	case p.played%50 == 0 && p.store.Stats().Watchers == 0:
		p.restart()
	case p.played%7 == 0:
		p.store.Apply(Sync(p.now))
	}
	switch r.Op {
	case conformance.OlderRequest:
		call := p.parse(r)
		answer, _ := call.Serve(p.store, p.now, p.member())
		p.compare(r, &answer)
	case conformance.OlderWaitStart:
		w := &wait{call: p.parse(r)}
		w.answer, w.watcher = w.call.Serve(p.store, p.now, p.member())
		p.waits[r.Name] = w
		p.take(w)
	case conformance.OlderWaitResult:
		w := p.waits[r.Name]
		p.take(w)
		if w.watcher != nil && !w.got {
			p.compare(r, nil)
			p.store.Cancel(w.watcher)
		} else {
			p.compare(r, &w.answer)
		}
	}
	// Whoever was woken answers at once: v1 shows the index of that moment.
	for _, woken := range p.store.Ready() {
		for _, w := range p.waits { // unordered: at most one wait has this watcher
			if w.watcher == woken {
				p.take(w)
			}
		}
	}
}

// take answers a wait with its event, if it has come.
func (p *player) take(w *wait) {
	if w.watcher == nil || w.got {
		return
	}
	if e, ok := w.watcher.Next(); ok {
		w.got = true
		w.answer.Body = w.call.Chunk(e, p.member())
	}
}

// restart replaces the store by what a restart from its snapshot gives.
func (p *player) restart() {
	s, err := Restore(p.store.Snapshot())
	if err != nil {
		p.t.Fatal(err)
	}
	p.store = s
}

func (p *player) member() Member {
	return Member{ClusterID: 0xcdf818194e3a8c32, RaftIndex: 9, RaftTerm: 2, StoreIndex: p.store.Index()}
}

func (p *player) parse(r *conformance.OlderRecord) Call {
	call := Parse(r.Request(), p.now, p.member())
	if call.Kind == Propose {
		c, err := DecodeCommand(call.Command.Append(nil))
		if err != nil {
			p.t.Fatalf("%v: %v", r, err)
		}
		call.Command = c
	}
	return call
}

func (p *player) compare(r *conformance.OlderRecord, got *store.HTTPResult) {
	if diff := r.Diff(got); diff != "" {
		p.differences = append(p.differences, r.String()+": "+diff)
	}
}
