package v2store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"etcdsim/store"
)

// TestStories runs the scripts of testdata/stories. Each tells one side of the APIs by
// requests and answers, for readers as much as for the test. The commands:
//
//	http             one request a line: METHOD PATH?QUERY BODY
//	wait NAME        one request that blocks; answers with how the answer begins
//	take NAME        what came for a wait since
//	pass DURATION    time goes by; as etcd's leader does, what is due is expired
//	                 every 500 ms
//	fill N           N further writes of /filler
//	restart          the store comes back from its snapshot, without watchers
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata/stories", func(t *testing.T, path string) {
		s := story{store: New(), now: Epoch, waits: map[string]*wait{}}
		datadriven.RunTest(t, path, s.run)
	})
}

type story struct {
	store *Store
	now   Time
	waits map[string]*wait
}

func (s *story) run(t *testing.T, d *datadriven.TestData) string {
	var out strings.Builder
	switch d.Cmd {
	case "http":
		for line := range strings.Lines(d.Input) {
			call := s.parse(line)
			answer, _ := call.Serve(s.store, s.now, s.member())
			printAnswer(&out, answer)
		}
	case "wait":
		w := &wait{call: s.parse(d.Input)}
		w.answer, w.watcher = w.call.Serve(s.store, s.now, s.member())
		s.waits[d.CmdArgs[0].Key] = w
		printAnswer(&out, w.answer)
	case "take":
		w := s.waits[d.CmdArgs[0].Key]
		for e, ok := w.watcher.Next(); ok; e, ok = w.watcher.Next() {
			fmt.Fprintf(&out, "%s\n", strings.TrimSpace(w.call.Chunk(e, s.member())))
		}
		if w.watcher.Done() {
			out.WriteString("done\n")
		} else {
			out.WriteString("listening\n")
		}
	case "pass":
		d, err := time.ParseDuration(d.CmdArgs[0].Key)
		if err != nil {
			t.Fatal(err)
		}
		for end := s.now + Time(d); s.now < end; {
			s.now += Time(500 * time.Millisecond)
			if due, ok := s.store.NextExpiration(); ok && due <= s.now {
				for _, e := range s.store.Apply(Sync(s.now)).Expired {
					fmt.Fprintf(&out, "%s\n", e.AppendJSON(nil))
				}
			}
		}
	case "fill":
		var n int
		if _, err := fmt.Sscan(d.CmdArgs[0].Key, &n); err != nil {
			t.Fatal(err)
		}
		for range n {
			s.store.Apply(Command{Method: MethodPut, Path: "/filler", Time: s.now})
		}
		fmt.Fprintf(&out, "index %d\n", s.store.Index())
	case "restart":
		restored, err := Restore(s.store.Snapshot())
		if err != nil {
			t.Fatal(err)
		}
		s.store = restored
	default:
		d.Fatalf(t, "unknown command %q", d.Cmd)
	}
	return out.String()
}

func (s *story) member() Member {
	return Member{
		ClusterID: 0xcdf818194e3a8c32, RaftIndex: 9, RaftTerm: 2, StoreIndex: s.store.Index(),
		Leader:   "http://127.0.0.1:7001",
		Machines: []string{"http://127.0.0.1:4001", "http://127.0.0.1:4002"},
	}
}

func (s *story) parse(line string) Call {
	method, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	target, body, _ := strings.Cut(rest, " ")
	path, query, _ := strings.Cut(target, "?")
	return Parse(&store.HTTPRequest{Method: method, Path: path, Query: query, Body: body}, s.now, s.member())
}

func printAnswer(out *strings.Builder, r store.HTTPResult) {
	fmt.Fprintf(out, "%d", r.Status)
	if index := r.Get("X-Etcd-Index"); index != "" {
		fmt.Fprintf(out, " at %s", index)
	}
	if len(r.Body) > 0 {
		fmt.Fprintf(out, " %s", strings.TrimSpace(r.Body))
	}
	out.WriteByte('\n')
}
