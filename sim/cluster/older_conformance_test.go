package cluster_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"etcdsim/node"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// olderRecord is one line of a recording of the older APIs; the README beside the
// recordings explains the fields.
type olderRecord struct {
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

// TestOlderAnswersAsRecordedFromEtcd replays what real servers of v2 and v1 were
// asked against whole clusters, over the network: whichever member is asked, every
// status, index and body must be the recorded one; while nobody dies, and while
// members die, restart from their disks and are sent snapshots.
func TestOlderAnswersAsRecordedFromEtcd(t *testing.T) {
	for _, api := range []struct{ name, env, file string }{
		{"v2", "CONFORMANCE_CORPUS_V2", "corpus-v2.jsonl"},
		{"v1", "CONFORMANCE_CORPUS_V1", "corpus-v1.jsonl"},
	} {
		path := os.Getenv(api.env)
		if path == "" {
			path = "../../../shared/conformance/" + api.file
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			t.Run(api.name, func(t *testing.T) { t.Skipf("no recording to compare with: %v (%s names another one)", err, api.env) })
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, way := range []struct {
			name  string
			nodes int
			dying bool
		}{{"one member", 1, false}, {"one member, dying", 1, true}, {"three members", 3, false}, {"three members, dying", 3, true}} {
			t.Run(api.name+", "+way.name, func(t *testing.T) {
				r := replayOlder(t, data, way.nodes, way.dying)
				t.Logf("%d records of %s replayed, %d differ; %d deaths, %d snapshots installed, %d redirects",
					r.played, path, r.differ, r.deaths, r.log.Hits(trace.ProbeSnapshotInstalled), r.log.Hits(trace.ProbeOlderRedirected))
				if r.played == 0 {
					t.Errorf("%s is empty", path)
				}
			})
		}
	}
}

// olderReplay is a client that asks one thing after another, each of the next
// member.
type olderReplay struct {
	*story
	self  trace.Addr
	got   map[uint64]store.HTTPResult // the parts of an answer merged
	done  map[uint64]bool
	waits map[string]uint64 // operations by the names of their waits
	down  uint64            // a member that is dead for a while
	since int

	played, differ, deaths int
}

func replayOlder(t *testing.T, recording []byte, nodes int, dying bool) *olderReplay {
	r := &olderReplay{
		story: newStory(t, 1, func(c *cluster.Config) {
			c.Nodes = nodes
			if dying {
				c.Node.SnapshotEntries, c.Node.SnapshotCatchUp = 30, 5
			}
		}),
		self: trace.Client(0), got: map[uint64]store.HTTPResult{}, done: map[uint64]bool{}, waits: map[string]uint64{},
	}
	r.Attach(r.self, r)
	lines := bufio.NewScanner(bytes.NewReader(recording))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var rec olderRecord
		if err := json.Unmarshal(lines.Bytes(), &rec); err != nil {
			t.Fatalf("record %d: %v", r.played, err)
		}
		if dying && len(r.waits) == 0 {
			r.die()
		}
		r.settled()
		r.play(&rec)
		r.played++
	}
	r.settled()
	return r
}

// settled waits until the members agree and know who leads.
func (r *olderReplay) settled() {
	r.until("the members converge", func() bool {
		for id := range uint64(r.Size()) {
			if v := r.Member(id + 1); v.State == cluster.Up && !v.Serving {
				return false
			}
		}
		return r.Converged()
	})
}

// die kills a member now and then and restarts it at once, or of several after so
// long that it needs a snapshot.
func (r *olderReplay) die() {
	switch {
	case r.down != 0:
		if r.played > r.since+60 {
			r.Start(r.down)
			r.down = 0
		}
	case r.played%40 == 39:
		r.deaths++
		r.run(150 * time.Millisecond) // a batch reaches the disk
		victim := uint64(r.deaths%r.Size()) + 1
		r.Kill(victim)
		if r.deaths%2 == 0 || r.Size() == 1 {
			r.Start(victim)
		} else {
			r.down, r.since = victim, r.played
		}
	}
}

func (r *olderReplay) Answer(a node.Answer) {
	if a.Err != nil {
		r.t.Fatalf("n%d does not answer: %v", a.Member, a.Err)
	}
	part, whole := a.Result.(*store.HTTPResult), r.got[a.Op]
	if part.Status != 0 {
		whole.Status, whole.Header = part.Status, part.Header
	}
	whole.Body += part.Body
	r.got[a.Op] = whole
	r.done[a.Op] = !part.More
}

func (r *olderReplay) Wake(uint64) {}

// member returns whom to ask about a record.
func (r *olderReplay) member(rec *olderRecord) uint64 {
	id := uint64(rec.I%r.Size()) + 1
	if id == r.down {
		id = id%uint64(r.Size()) + 1
	}
	return id
}

func (r *olderReplay) play(rec *olderRecord) {
	req := &store.HTTPRequest{Method: rec.Method, Path: rec.Path, Query: encodeForm(rec.Query), Body: encodeForm(rec.Form)}
	switch rec.Op {
	case "request":
		r.compare(rec, r.ask(r.member(rec), req))
	case "wait_start":
		op := r.NextOp()
		r.waits[rec.Name] = op
		r.Stream(r.self, r.member(rec), op, req)
		r.run(50 * time.Millisecond)
	case "wait_result":
		op := r.waits[rec.Name]
		delete(r.waits, rec.Name)
		r.run(50 * time.Millisecond)
		switch got := r.got[op]; {
		case rec.Text == "timeout" && got.Body != "":
			r.differs(rec, "an event: %s", got.Body)
		case rec.Text == "timeout":
		case !r.done[op]:
			r.differs(rec, "no event")
		default:
			r.compare(rec, got)
		}
		r.HangUp(op)
	default:
		r.t.Fatalf("record %d: unknown op %q", rec.I, rec.Op)
	}
}

// ask asks a member, and whom it names instead.
func (r *olderReplay) ask(member uint64, req *store.HTTPRequest) store.HTTPResult {
	op := r.NextOp()
	r.Call(r.self, member, op, req)
	r.until("the request is answered", func() bool { return r.done[op] })
	got := r.got[op]
	if got.Status != 307 {
		return got
	}
	u, err := url.Parse(got.Get("Location"))
	if err != nil || u.Path != req.Path || u.RawQuery != req.Query {
		r.t.Fatalf("%s %s is redirected to %q: %v", req.Method, req.Path, got.Get("Location"), err)
	}
	next, err := strconv.ParseUint(strings.TrimPrefix(u.Hostname(), "n"), 10, 64)
	if err != nil || next == member {
		r.t.Fatalf("n%d redirects to %q: %v", member, got.Get("Location"), err)
	}
	return r.ask(next, req)
}

func encodeForm(fields map[string]string) string {
	v := url.Values{}
	for name, value := range fields { // unordered: Encode sorts
		v.Set(name, value)
	}
	return v.Encode()
}

func (r *olderReplay) compare(rec *olderRecord, got store.HTTPResult) {
	if got.Status != rec.Status {
		r.differs(rec, "status %d %s, want %d", got.Status, got.Body, rec.Status)
		return
	}
	wantIndex := ""
	if rec.XEtcdIndex != nil {
		wantIndex = strconv.FormatUint(*rec.XEtcdIndex, 10)
	}
	if index := got.Get("X-Etcd-Index"); index != wantIndex {
		r.differs(rec, "X-Etcd-Index %q, want %q", index, wantIndex)
		return
	}
	var body any
	if got.Body != "" {
		if err := json.Unmarshal([]byte(got.Body), &body); err != nil {
			r.differs(rec, "body %q: %v", got.Body, err)
			return
		}
	}
	if blank(body, rec.Body); !reflect.DeepEqual(body, rec.Body) {
		want, _ := json.Marshal(rec.Body)
		r.differs(rec, "body\n  %s want\n  %s", got.Body, want)
	}
}

func (r *olderReplay) differs(rec *olderRecord, format string, args ...any) {
	if r.differ++; r.differ <= 5 {
		r.t.Errorf("record %d, %s %s%s: %s", rec.I, rec.Method, rec.Path, rec.Name, fmt.Sprintf(format, args...))
	}
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
