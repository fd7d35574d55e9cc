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
	failed = `{"errorCode":101,"message":"Compare failed","cause":"[9 != 2]","index":4}`
	setB   = `{"action":"set","node":{"key":"/b","value":"1","modifiedIndex":5,"createdIndex":5}}`
	endD   = `{"action":"delete","node":{"key":"/d","dir":true,"modifiedIndex":6},"prevNode":{"key":"/d","dir":true,"modifiedIndex":5}}`
	prev2  = `"prevNode":{"key":"/a","value":"2","modifiedIndex":2,"createdIndex":1}`

	refreshA = `{"action":"update","node":{"key":"/a","value":"2","modifiedIndex":5,"createdIndex":1},` + prev2 + `}`
	afterA   = `{"action":"set","node":{"key":"/a","value":"3","modifiedIndex":6,"createdIndex":1},` +
		`"prevNode":{"key":"/a","value":"2","modifiedIndex":5,"createdIndex":1}}`

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

// commands lets n1 put a command through the log, 30 ms after the last one, and answer
// what became of it. Events take the next index.
func (s *olderStory) commands(what string, status int, made string) {
	last := s.Commits[len(s.Commits)-1]
	at := 150 + 30*(len(s.Commits)-3)
	index := last.Response.Result.(*store.OlderResult).Index
	if strings.Contains(made, "modifiedIndex") && !strings.Contains(made, `"get"`) {
		index++
	}
	s.asks(1, at-4, at+5, what, status, made, index, last.Index+1)
	s.logs(s.Ops[len(s.Ops)-1].ID, last.Index+1, at, made, index)
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
		{"an index left out that the members count", func(s *olderStory) {
			both(s, `"2","modifiedIndex":2`, `"2","modifiedIndex":3`)
			made(s, 1).Index = 3
		}, "indexes"},
		{"another index after it", func(s *olderStory) { made(s, 3).Index = 3 }, "indexes"},
		{"a swap of what was not there", func(s *olderStory) { both(s, `:"1","modifiedIndex":1`, `:"0","modifiedIndex":1`) }, "compared"},
		{"a write over another value than was there", func(s *olderStory) {
			s.Ops[1].Request = &store.HTTPRequest{Method: "PUT", Path: "/v2/keys/a", Body: "value=2"}
			both(s, `:"1","modifiedIndex":1`, `:"0","modifiedIndex":1`)
		}, "compared"},
		{"a write over a directory", func(s *olderStory) { both(s, `:"1","modifiedIndex":1`, `:"1","dir":true,"modifiedIndex":0`) }, ""},
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
		{"an update of what was not there", func(s *olderStory) {
			s.Ops[3].Request = &store.HTTPRequest{Method: "PUT", Path: "/v2/keys/t", Body: "prevExist=true&value=x"}
		}, "compared"},
		{"an update of what was there", func(s *olderStory) {
			s.Ops[1].Request = &store.HTTPRequest{Method: "PUT", Path: "/v2/keys/a", Body: "prevExist=true&prevIndex=1&value=2"}
		}, ""},
		{"a creation of what was not there", func(s *olderStory) {
			s.Ops[3].Request = &store.HTTPRequest{Method: "PUT", Path: "/v2/keys/t", Body: "prevExist=false&value=x"}
		}, ""},
		{"a command of which nothing was made", func(s *olderStory) { made(s, 0).Text = "{}" }, "log"},
		{"a swap that fails", func(s *olderStory) { s.commands("PUT /v2/keys/a prevValue=9&value=3", 412, failed) }, ""},
		{"a read through the log", func(s *olderStory) { s.commands("GET /v2/keys/a quorum=true", 200, readA) }, ""},
		{"a read through the log of an older state", func(s *olderStory) {
			s.commands("GET /v2/keys/a quorum=true", 200, strings.Replace(setA, "set", "get", 1))
		}, "reads"},
		{"a read through the log, answered without it", func(s *olderStory) {
			s.asks(1, 180, 190, "GET /v2/keys/a quorum=true", 200, readA, 4, 8)
		}, "log"},
		{"a write by v1", func(s *olderStory) {
			s.commands("PUT /v1/keys/b value=1", 201, setB)
			told(s, len(s.Ops)-1).Body = `{"action":"set","key":"/b","value":"1","index":5}`
		}, ""},
		{"a write by v1 with another index", func(s *olderStory) {
			s.commands("PUT /v1/keys/b value=1", 201, setB)
			told(s, len(s.Ops)-1).Body = `{"action":"set","key":"/b","value":"1","index":4}`
		}, "log"},
		{"a failure by v1 that the log did not give", func(s *olderStory) {
			s.commands("PUT /v1/keys/a prevValue=9&value=3", 412, failed)
			told(s, len(s.Ops)-1).Body = strings.Replace(failed, "101", "100", 1)
		}, "log"},
		{"the first acknowledged write is in no log", func(s *olderStory) { s.Ops[0].ID = 77 }, "log"},
		{"redirected before the log", func(s *olderStory) { s.asks(1, 180, 190, "PUT /v2/keys/a value=9", 307, "", 0, 8) }, ""},
		{"a method that there is not", func(s *olderStory) { s.asks(1, 180, 190, "PATCH /v2/keys/a value=9", 405, "", 0, 8) }, ""},
		{"a form that makes no sense", func(s *olderStory) {
			s.asks(1, 180, 190, "PUT /v2/keys/a ttl=soon", 400, `{"errorCode":202,"index":4}`, 4, 8)
		}, ""},
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
		{"a read of another value", func(s *olderStory) { told(s, 4).Body = strings.Replace(readA, `"2"`, `"1"`, 1) }, "reads"},
		{"a read of another index", func(s *olderStory) {
			told(s, 4).Body = strings.Replace(readA, `"modifiedIndex":2`, `"modifiedIndex":1`, 1)
		}, "reads"},
		{"a read of a directory", func(s *olderStory) {
			told(s, 4).Body = `{"action":"get","node":{"key":"/d","dir":true,"modifiedIndex":1}}`
		}, ""},
		{"a read that rightly does not find", func(s *olderStory) { s.asks(2, 171, 180, "GET /v2/keys/t", 404, absent, 4, 8) }, ""},
		{"a question that is about no key", func(s *olderStory) { s.asks(2, 171, 180, "GET /v2/stats/self", 200, readA, 4, 5) }, ""},
		{"what nobody heard of", func(s *olderStory) {
			s.asks(2, 171, 180, "GET /v2/keys/a", 200, setA, 1, 8)
			s.Ops[len(s.Ops)-1].Outcome = history.Unknown
		}, ""},
		{"a read that does not find", func(s *olderStory) { told(s, 4).Status, told(s, 4).Body = 404, absent }, "reads"},
		{"a read by v1", func(s *olderStory) {
			s.asks(2, 171, 180, "GET /v1/keys/a", 200, `{"action":"get","key":"/a","value":"2","index":4}`, 0, 8)
		}, ""},
		{"a read by v1 of another value", func(s *olderStory) {
			s.asks(2, 171, 180, "GET /v1/keys/a", 200, `{"action":"get","key":"/a","value":"1","index":4}`, 0, 8)
		}, "reads"},
		{"a read by v1 of what is not there, as if it were empty", func(s *olderStory) {
			s.asks(2, 171, 180, "GET /v1/keys/z", 200, `{"action":"get","key":"/z","value":"","index":4}`, 0, 8)
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
		{"the last event", func(s *olderStory) { s.asks(2, 51, 160, "GET /v2/keys/t wait=true&waitIndex=4", 200, endT, 3, 8) }, ""},
		{"an event beyond the log", func(s *olderStory) { s.asks(2, 51, 160, "GET /v2/keys/b wait=true&waitIndex=5", 200, setB, 4, 8) }, "waits"},
		{"the next event", func(s *olderStory) { s.asks(2, 51, 160, "GET /v2/keys/t wait=true", 200, endT, 3, 8) }, ""},
		{"the next event is the one before", func(s *olderStory) { s.asks(2, 51, 160, "GET /v2/keys/t wait=true", 200, setT, 3, 8) }, "waits"},
		{"the next event from no index on", func(s *olderStory) {
			s.asks(2, 51, 160, "GET /v2/keys/t wait=true&waitIndex=0", 200, setT, 3, 8)
		}, "waits"},
		{"an event of another key left out", func(s *olderStory) {
			s.asks(2, 33, 60, "GET /v2/keys/t wait=true&waitIndex=2", 200, setT, 1, 7)
		}, ""},
		{"events below left out, which were not asked for", func(s *olderStory) {
			s.commands("PUT /v2/keys/d/x value=1", 201, strings.Replace(setB, "/b", "/d/x", 1))
			s.commands("DELETE /v2/keys/d recursive=true", 200, endD)
			s.asks(2, 201, 260, "GET /v2/keys/d wait=true&waitIndex=5", 200, endD, 4, 10)
		}, ""},
		{"the end of a directory above left out", func(s *olderStory) {
			s.commands("PUT /v2/keys/d/x value=1", 201, strings.Replace(setB, "/b", "/d/x", 1))
			s.commands("DELETE /v2/keys/d recursive=true", 200, endD)
			again := strings.NewReplacer("/b", "/d/x", `"modifiedIndex":5`, `"modifiedIndex":7`).Replace(setB)
			s.commands("PUT /v2/keys/d/x value=1", 201, again)
			s.asks(2, 201, 290, "GET /v2/keys/d/x wait=true&waitIndex=6", 200, again, 5, 11)
		}, "waits"},
		{"a refresh left out", func(s *olderStory) {
			s.commands("PUT /v2/keys/a refresh=true", 200, refreshA)
			s.commands("PUT /v2/keys/a value=3", 200, afterA)
			s.asks(2, 201, 290, "GET /v2/keys/a wait=true&waitIndex=5", 200, afterA, 4, 10)
		}, ""},
		{"an update left out", func(s *olderStory) {
			s.commands("PUT /v2/keys/a value=9", 200, strings.Replace(refreshA, `"2"`, `"9"`, 1))
			s.commands("PUT /v2/keys/a value=3", 200, strings.Replace(afterA, `"2"`, `"9"`, 1))
			s.asks(2, 201, 290, "GET /v2/keys/a wait=true&waitIndex=5", 200, strings.Replace(afterA, `"2"`, `"9"`, 1), 4, 10)
		}, "waits"},
		{"an event left out", func(s *olderStory) {
			s.asks(2, 33, 60, "GET /v2/keys/ wait=true&recursive=true&waitIndex=2", 200, setT, 1, 7)
		}, "waits"},
		{"an event left out because of a snapshot", func(s *olderStory) {
			s.facts.installs = []install{{member: trace.Addr(2), at: ms(50)}}
			s.asks(2, 33, 60, "GET /v2/keys/ wait=true&recursive=true&waitIndex=2", 200, setT, 1, 7)
		}, ""},
		{"an early end", func(s *olderStory) { s.Commits[3].At = ms(139) }, "expiry"},
		{"an end at a time that nobody understands", func(s *olderStory) {
			made(s, 3).Text = strings.Replace(made(s, 3).Text, "2000-01-01T00:00:00.14Z", "soon", 1)
		}, "expiry"},
		{"an end at the very moment", func(s *olderStory) { s.Commits[3].At = ms(140) }, ""},
		{"trees with other indexes", func(s *olderStory) { s.Members[1].OlderIndex = 3 }, "replicas"},
		{"trees of which one is down", func(s *olderStory) { s.Members[1].OlderHash, s.Members[1].Running = 8, false }, ""},
		{"trees of which the other is down", func(s *olderStory) { s.Members[1].OlderHash, s.Members[0].Running = 8, false }, ""},
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
			if tt.property == "waits" && (len(j.Violations[0].Ops) != 1 || j.Violations[0].Member != 2) {
				t.Errorf("nothing shows it: %+v", j.Violations[0])
			}
		})
	}
}
