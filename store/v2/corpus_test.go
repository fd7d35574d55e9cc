package v2store

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"etcdsim/store"
)

// record is one line of a recording; the README beside the recordings explains
// the fields.
type record struct {
	I          int
	Op         string // request, wait_start or wait_result
	Name       string // of a wait
	Method     string
	Path       string
	Query      map[string]string
	Form       map[string]string
	Status     int
	XEtcdIndex *uint64 `json:"x_etcd_index"`
	Body       any
	Text       string
}

// TestRecordings replays what real servers were asked and compares each answer:
// status, index and body.
func TestRecordings(t *testing.T) {
	for _, tt := range []struct{ api, env, file string }{
		{"v2", "CONFORMANCE_CORPUS_V2", "corpus-v2.jsonl"},
		{"v1", "CONFORMANCE_CORPUS_V1", "corpus-v1.jsonl"},
	} {
		t.Run(tt.api, func(t *testing.T) {
			name := os.Getenv(tt.env)
			if name == "" {
				name = filepath.Join("..", "..", "..", "shared", "conformance", tt.file)
			}
			file, err := os.Open(name)
			if errors.Is(err, fs.ErrNotExist) {
				t.Skipf("no recording at %s; name another in %s", name, tt.env)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()

			p := replay(t, file)
			for _, d := range p.differences {
				t.Error(d)
			}
			t.Logf("%d records of %s replayed, %d differ", p.played, name, len(p.differences))
			if p.played == 0 {
				t.Errorf("%s is empty", name)
			}
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
			if p := replay(t, strings.NewReader(tt.lines)); len(p.differences) != tt.differ {
				t.Errorf("%d differences, want %d: %q", len(p.differences), tt.differ, p.differences)
			}
		})
	}
}

func replay(t *testing.T, recording io.Reader) *player {
	t.Helper()
	p := &player{t: t, store: New(), now: Epoch, waits: map[string]*wait{}}
	lines := bufio.NewScanner(recording)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("record %d: %v", p.played, err)
		}
		p.play(r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
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

func (p *player) play(r record) {
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
	case "request":
		call := p.parse(r)
		answer, _ := call.Serve(p.store, p.now, p.member())
		p.compare(r, answer)
	case "wait_start":
		w := &wait{call: p.parse(r)}
		w.answer, w.watcher = w.call.Serve(p.store, p.now, p.member())
		p.waits[r.Name] = w
		p.take(w)
	case "wait_result":
		w := p.waits[r.Name]
		p.take(w)
		switch timeout := r.Text == "timeout"; {
		case timeout && w.got:
			p.differs(r, "an event: %s", w.answer.Body)
		case timeout:
			p.store.Cancel(w.watcher)
		case w.watcher != nil && !w.got:
			p.differs(r, "no event")
		default:
			p.compare(r, w.answer)
		}
	default:
		p.t.Fatalf("record %d: unknown op %q", r.I, r.Op)
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

func (p *player) parse(r record) Call {
	call := Parse(&store.HTTPRequest{
		Method: r.Method, Path: r.Path, Query: encodeForm(r.Query), Body: encodeForm(r.Form),
	}, p.now, p.member())
	if call.Kind == Propose {
		c, err := DecodeCommand(call.Command.Append(nil))
		if err != nil {
			p.t.Fatalf("record %d: %v", r.I, err)
		}
		call.Command = c
	}
	return call
}

func encodeForm(fields map[string]string) string {
	v := url.Values{}
	for name, value := range fields { // unordered: Encode sorts
		v.Set(name, value)
	}
	return v.Encode()
}

func (p *player) compare(r record, got store.HTTPResult) {
	if got.Status != r.Status {
		p.differs(r, "status %d, want %d", got.Status, r.Status)
		return
	}
	wantIndex := ""
	if r.XEtcdIndex != nil {
		wantIndex = strconv.FormatUint(*r.XEtcdIndex, 10)
	}
	if index := got.Get("X-Etcd-Index"); index != wantIndex {
		p.differs(r, "X-Etcd-Index %q, want %q", index, wantIndex)
		return
	}
	var body any
	if got.Body != "" {
		if err := json.Unmarshal([]byte(got.Body), &body); err != nil {
			p.differs(r, "body %q: %v", got.Body, err)
			return
		}
	}
	if blank(body, r.Body); !reflect.DeepEqual(body, r.Body) {
		want, _ := json.Marshal(r.Body)
		p.differs(r, "body\n  %s want\n  %s", got.Body, want)
	}
}

func (p *player) differs(r record, format string, args ...any) {
	p.differences = append(p.differences,
		fmt.Sprintf("record %d, %s %s%s: ", r.I, r.Method, r.Path, r.Name)+fmt.Sprintf(format, args...))
}

// blank puts the recording's placeholders where got has a value of the kind that
// they stand for.
func blank(got, want any) {
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok {
			return
		}
		for name, w := range want { // unordered: fields are independent
			switch g := got[name].(type) {
			case string:
				_, err := time.Parse(time.RFC3339Nano, g)
				if w == "<time>" && err == nil {
					got[name] = w
				}
			case float64:
				if w == "<seconds left>" && g > 0 {
					got[name] = w
				}
			default:
				blank(g, w)
			}
		}
	case []any:
		if got, ok := got.([]any); ok && len(got) == len(want) {
			for i := range want {
				blank(got[i], want[i])
			}
		}
	}
}
