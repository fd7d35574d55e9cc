package checker

import (
	"strconv"
	"strings"
	"testing"

	"etcdsim/checker/history"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// olderStory is a hand-made run in which a client sets a=1 at index 1 and swaps it
// for 2 at index 2, while another one waits for index 2. At index 3 a key comes that
// lives for 100 ms, and expires at index 4.
type olderStory struct {
	chronicle
	facts Invariants
}

const (
	setA   = `{"action":"set","node":{"key":"/a","value":"1","modifiedIndex":1,"createdIndex":1}}`
	swapA  = `{"action":"compareAndSwap","node":{"key":"/a","value":"2","modifiedIndex":2,"createdIndex":1},` + prevA + `}`
	prevA  = `"prevNode":{"key":"/a","value":"1","modifiedIndex":1,"createdIndex":1}`
	setT   = `{"action":"set","node":{"key":"/t","value":"x",` + dueT + `,"modifiedIndex":3,"createdIndex":3}}`
	endT   = `{"action":"expire","node":{"key":"/t","modifiedIndex":4,"createdIndex":3},` + prevT + `}`
	prevT  = `"prevNode":{"key":"/t","value":"x",` + dueT + `,"modifiedIndex":3}`
	dueT   = `"expiration":"2000-01-01T00:00:00.14Z"`
	readA  = `{"action":"get","node":{"key":"/a","value":"2","modifiedIndex":2,"createdIndex":1}}`
	absent = `{"errorCode":100,"message":"Key not found","cause":"/a","index":2}`
)

func newOlderStory() *olderStory {
	s := &olderStory{}
	s.asks(1, 0, 10, "PUT /v2/keys/a value=1", 201, setA, 1, 5)
	s.logs(1, 5, 5, setA, 1)
	s.asks(1, 20, 30, "PUT /v2/keys/a prevValue=1&value=2", 200, swapA, 2, 6)
	s.logs(2, 6, 25, swapA, 2)
	s.asks(2, 15, 32, "GET /v2/keys/a wait=true&waitIndex=2", 200, swapA, 1, 6)
	s.asks(1, 40, 50, "PUT /v2/keys/t value=x&ttl=1", 201, setT, 3, 7)
	s.logs(4, 7, 45, setT, 3)
	s.logs(1<<63, 8, 150, endT+"\n", 4)
	s.asks(2, 160, 170, "GET /v2/keys/a", 200, readA, 4, 8)
	s.Members = []history.Member{
		{ID: 1, Running: true, Applied: 8, OlderIndex: 4, OlderHash: 7},
		{ID: 2, Running: true, Applied: 8, OlderIndex: 4, OlderHash: 7},
	}
	return s
}

// asks notes a request, written as method, path and form.
func (s *olderStory) asks(member uint64, from, to int, what string, status int, body string, index, applied uint64) *store.HTTPResult {
	words := strings.Fields(what + " ")
	r := &store.HTTPRequest{Method: words[0], Path: words[1]}
	switch {
	case len(words) < 3:
	case r.Method == "PUT":
		r.Body = words[2]
	default:
		r.Query = words[2]
	}
	result := &store.HTTPResult{Status: status, Body: body + "\n"}
	result.Header = []store.HTTPField{{Name: "X-Etcd-Index", Value: strconv.FormatUint(index, 10)}}
	s.op(int(member), member, from, to, r, store.Response{Result: result}, applied)
	return result
}

func (s *olderStory) logs(id, at uint64, when int, text string, index uint64) {
	s.commit(id, at, when, &store.OlderRequest{}, store.Response{Result: &store.OlderResult{Index: index, Text: text}})
}

func TestOlder(t *testing.T) {
	made := func(s *olderStory, i int) *store.OlderResult {
		return s.Commits[i].Response.Result.(*store.OlderResult)
	}
	told := func(s *olderStory, i int) *store.HTTPResult { return s.Ops[i].Response.Result.(*store.HTTPResult) }
	both := func(s *olderStory, from, to string) {
		made(s, 1).Text = strings.Replace(made(s, 1).Text, from, to, 1)
		for _, i := range []int{1, 2} {
			told(s, i).Body = strings.Replace(told(s, i).Body, from, to, 1)
		}
	}
	for _, tt := range []struct {
		name     string
		make     func(s *olderStory)
		property string // violated; empty for what is legal
	}{
		{"the story", func(*olderStory) {}, ""},
		{"an index taken twice", func(s *olderStory) { both(s, `"2","modifiedIndex":2`, `"2","modifiedIndex":1`) }, "indexes"},
		{"an index left out", func(s *olderStory) { both(s, `"2","modifiedIndex":2`, `"2","modifiedIndex":3`) }, "indexes"},
		{"another index after it", func(s *olderStory) { made(s, 3).Index = 3 }, "indexes"},
		{"a swap of what was not there", func(s *olderStory) { both(s, `:"1","modifiedIndex":1`, `:"0","modifiedIndex":1`) }, "compared"},
		{"a swap of another write", func(s *olderStory) { both(s, `:"1","modifiedIndex":1`, `:"1","modifiedIndex":0`) }, "compared"},
		{"a swap that compares with another value", func(s *olderStory) {
			s.Ops[1].Request = &store.HTTPRequest{Method: "PUT", Path: "/v2/keys/a", Body: "prevValue=7&value=2"}
		}, "compared"},
		{"a swap that compares with another index", func(s *olderStory) {
			s.Ops[1].Request = &store.HTTPRequest{Method: "PUT", Path: "/v2/keys/a", Body: "prevIndex=7&value=2"}
		}, "compared"},
		{"a creation of what was there", func(s *olderStory) {
			s.Ops[1].Request = &store.HTTPRequest{Method: "PUT", Path: "/v2/keys/a", Body: "prevExist=false&value=2"}
		}, "compared"},
		{"an answer that the log did not give", func(s *olderStory) { told(s, 1).Body = absent }, "log"},
		{"an acknowledged write that is in no log", func(s *olderStory) { s.Ops[1].ID = 77 }, "log"},
		{"a write of unknown outcome that is in no log", func(s *olderStory) {
			s.Ops[1].ID, s.Ops[1].Outcome = 77, history.Unknown
		}, ""},
		{"a redirected write in the log", func(s *olderStory) { told(s, 1).Status = 307 }, "log"},
		{"an answer before what was asked earlier", func(s *olderStory) { s.Ops[0].Invoke, s.Ops[0].Return = ms(60), ms(70) }, "log"},
		{"a stale read as of what the member has applied", func(s *olderStory) {
			s.asks(2, 171, 180, "GET /v2/keys/a", 200, strings.Replace(setA, "set", "get", 1), 4, 5)
		}, ""},
		{"a read of an older state", func(s *olderStory) { told(s, 4).Body = strings.Replace(setA, "set", "get", 1) }, "reads"},
		{"a read that does not find", func(s *olderStory) { told(s, 4).Status, told(s, 4).Body = 404, absent }, "reads"},
		{"a read by v1", func(s *olderStory) {
			s.asks(2, 171, 180, "GET /v1/keys/a", 200, `{"action":"get","key":"/a","value":"2","index":4}`, 0, 8)
		}, ""},
		{"a read by v1 of another value", func(s *olderStory) {
			s.asks(2, 171, 180, "GET /v1/keys/a", 200, `{"action":"get","key":"/a","value":"1","index":4}`, 0, 8)
		}, "reads"},
		{"a read of what has expired", func(s *olderStory) {
			s.asks(2, 171, 180, "GET /v2/keys/t", 200, strings.Replace(setT, "set", "get", 1), 4, 8)
		}, "reads"},
		{"an index that goes back", func(s *olderStory) { s.asks(2, 171, 180, "GET /v2/keys/b", 404, absent, 3, 8) }, "monotone"},
		{"an index that another member does not show yet", func(s *olderStory) { s.asks(3, 171, 180, "GET /v2/keys/b", 404, absent, 3, 7) }, ""},
		{"an event before the index waited for", func(s *olderStory) {
			s.asks(2, 51, 60, "GET /v2/keys/a wait=true&waitIndex=2", 200, setA, 1, 6)
		}, "waits"},
		{"an event that never was", func(s *olderStory) { told(s, 2).Body = strings.Replace(swapA, `"2"`, `"3"`, 1) }, "waits"},
		{"an event left out", func(s *olderStory) {
			s.asks(2, 33, 60, "GET /v2/keys/ wait=true&recursive=true&waitIndex=2", 200, setT, 1, 7)
		}, "waits"},
		{"an event left out because of a snapshot", func(s *olderStory) {
			s.facts.installs = []install{{member: trace.Addr(2), at: ms(50)}}
			s.asks(2, 33, 60, "GET /v2/keys/ wait=true&recursive=true&waitIndex=2", 200, setT, 1, 7)
		}, ""},
		{"an early end", func(s *olderStory) { s.Commits[3].At = ms(139) }, "expiry"},
		{"trees that differ", func(s *olderStory) { s.Members[1].OlderHash = 8 }, "replicas"},
		{"trees that may differ", func(s *olderStory) { s.Members[1].OlderHash, s.Members[1].Applied = 8, 9 }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newOlderStory()
			tt.make(s)
			j, ok := judgeOlder(newRecord(history.History{Commits: s.Commits, Members: s.Members}, &s.facts), s.Ops, paces{})
			if !ok || j.Judged == 0 {
				t.Fatal("nothing was judged")
			}
			prove(j)
			var got []string
			for _, v := range j.Violations {
				got = append(got, v.Property+": "+v.Why)
			}
			switch {
			case tt.property == "" && len(got) > 0:
				t.Errorf("legal, but: %q", got)
			case tt.property != "" && (len(got) == 0 || !strings.HasPrefix(got[0], "older, "+tt.property+":")):
				t.Errorf("want a violation of %q, got %q (%s)", tt.property, got, j.Note)
			}
		})
	}
}
