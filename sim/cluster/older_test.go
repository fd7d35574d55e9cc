package cluster_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"etcdsim/node"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// browser is a client of the older APIs that notes all parts of all answers.
type browser struct {
	*story
	self  trace.Addr
	parts map[uint64][]store.HTTPResult
	ends  map[uint64]*store.Error
}

func newBrowser(t *testing.T, nodes int) *browser {
	b := &browser{
		story: newStory(t, 3, func(c *cluster.Config) { c.Nodes = nodes }), self: trace.Client(0),
		parts: map[uint64][]store.HTTPResult{}, ends: map[uint64]*store.Error{},
	}
	b.Attach(b.self, b)
	b.until("all serve", func() bool {
		for id := range uint64(nodes) {
			if !b.Member(id + 1).Serving {
				return false
			}
		}
		return b.Converged()
	})
	return b
}

func (b *browser) Answer(a node.Answer) {
	if a.Err != nil {
		b.ends[a.Op] = a.Err
		return
	}
	b.parts[a.Op] = append(b.parts[a.Op], *a.Result.(*store.HTTPResult))
}

func (b *browser) Wake(uint64) {}

// send sends "METHOD path?query body".
func (b *browser) send(member uint64, streamed bool, what string) uint64 {
	words := strings.SplitN(what+"  ", " ", 3)
	path, query, _ := strings.Cut(words[1], "?")
	req := &store.HTTPRequest{Method: words[0], Path: path, Query: query, Body: strings.TrimSpace(words[2])}
	op := b.NextOp()
	if streamed {
		b.Stream(b.self, member, op, req)
	} else {
		b.Call(b.self, member, op, req)
	}
	return op
}

// get sends a request and returns the answer, which comes in one piece.
func (b *browser) get(member uint64, what string) store.HTTPResult {
	b.t.Helper()
	op := b.send(member, false, what)
	b.until(what+" is answered", func() bool { return len(b.parts[op]) > 0 })
	return b.parts[op][0]
}

func (b *browser) follower() uint64 { return b.Leader()%uint64(b.Size()) + 1 }

// TestOlderAnswers: what a member tells beside keys.
func TestOlderAnswers(t *testing.T) {
	b := newBrowser(t, 3)
	b.run(6 * time.Second) // members that have been connected for less change nothing
	leader, follower := b.Leader(), b.follower()
	name, other := store.MemberName(leader), store.MemberName(follower)
	for _, tt := range []struct {
		member uint64
		ask    string
		status int
		body   string // what it holds
	}{
		{follower, "GET /v2/machines", 200, "http://n1:2379, http://n2:2379, http://n3:2379"},
		{follower, "GET /v1/leader", 200, "http://" + name + ":2380"},
		{follower, "GET /v2/members", 200, `{"members":[{"id":"1","name":"n1","peerURLs":["http://n1:2380"],"clientURLs":["http://n1:2379"]},`},
		{follower, "GET /v2/members/leader", 200, `"name":"` + name + `"`},
		{follower, "GET /v2/members/x", 404, `{"message":"Not found"}`},
		{follower, "PATCH /v2/members", 405, "Method Not Allowed"},
		{follower, "POST /v2/members {", 400, `{"message":"unexpected end of JSON input"}`},
		{follower, `POST /v2/members {"peerURLs":["http://n1:2380"]}`, 409, `{"message":"etcdserver: Peer URLs already exists"}`},
		{follower, "DELETE /v2/members/9", 404, `{"message":"No such member: 9"}`},
		{follower, "DELETE /v2/members/what", 404, `{"message":"No such member: what"}`},
		{follower, "DELETE /v2/members/", 405, `{"message":"Method Not Allowed"}`},
		{follower, `PUT /v2/members/3 {"peerURLs":["http://elsewhere:1"]}`, 204, ""},
		{leader, "GET /v2/stats/self", 200, `{"name":"` + name + `","id":"`},
		{leader, "GET /v2/stats/self", 200, `"state":"StateLeader","startTime":"2000-01-01T00:00:00Z","leaderInfo":{"leader":"`},
		{follower, "GET /v2/stats/self", 200, `{"name":"` + other + `"`},
		{follower, "GET /v2/stats/self", 200, `"state":"StateFollower"`},
		{leader, "GET /v2/stats/leader", 200, `"counts":{"fail":0,"success":`},
		{follower, "GET /v2/stats/leader", 403, `{"message":"not current leader"}`},
		{follower, "PUT /v2/stats/self", 405, "Method Not Allowed"},
		{follower, "GET /v2/stats/store", 200, `{"getsSuccess":0,`},
		{follower, "PUT /v2/keys/a value=1", 201, `{"action":"set","node":{"key":"/a","value":"1","modifiedIndex":1,"createdIndex":1}}`},
		{leader, "GET /v2/keys/a?quorum=true", 200, `"value":"1"`},
		{leader, "PUT /v1/keys/b value=1", 200, `"index":2`},
		{follower, "PUT /v1/keys/b value=1", 307, ""},
		{follower, "GET /elsewhere", 404, "404 page not found"},
	} {
		got := b.get(tt.member, tt.ask)
		if got.Status != tt.status || !strings.Contains(got.Body, tt.body) || tt.body == "" && got.Body != "" {
			t.Errorf("n%d, %s: %d %s\nwant %d %s", tt.member, tt.ask, got.Status, got.Body, tt.status, tt.body)
		}
	}
	got := b.get(follower, "PUT /v1/keys/b?x=y value=1")
	if want := "http://" + name + ":2379/v1/keys/b?x=y"; got.Get("Location") != want {
		t.Errorf("redirected to %q, want %q", got.Get("Location"), want)
	}
	got = b.get(follower, "GET /v2/keys/a")
	if got.Get("X-Etcd-Index") != "2" || got.Get("X-Raft-Term") != "2" || got.Get("X-Raft-Index") == "" || got.Get("X-Etcd-Cluster-Id") == "" {
		t.Errorf("header %v", got.Header)
	}
}

// TestOlderMembers: a member is announced by v2, and removed.
func TestOlderMembers(t *testing.T) {
	b := newBrowser(t, 1)
	b.run(6 * time.Second)
	got := b.get(1, `POST /v2/members {"peerURLs":["http://n2:2380"]}`)
	want := `{"id":"2","name":"","peerURLs":["http://n2:2380"],"clientURLs":[]}` + "\n"
	if got.Status != 201 || got.Body != want {
		t.Fatalf("%d %s, want 201 %s", got.Status, got.Body, want)
	}
	b.Start(2)
	b.until("the new member serves", func() bool { return b.Member(2).Serving })
	if got := b.get(2, "PUT /v2/keys/a value=1"); got.Status != 201 {
		t.Errorf("the new member answers %d %s", got.Status, got.Body)
	}
	b.run(6 * time.Second)
	for _, want := range []int{204, 410} {
		if got := b.get(1, "DELETE /v2/members/2"); got.Status != want {
			t.Errorf("%d %s, want %d", got.Status, got.Body, want)
		}
		b.run(2 * time.Second)
	}
}

// TestOlderWaits: the header of a wait comes at once and the event in a part of its
// own; a stream of events goes on; whoever hangs up waits no more, and who waits at
// a member that dies hears of it.
func TestOlderWaits(t *testing.T) {
	b := newBrowser(t, 3)
	leader, follower := b.Leader(), b.follower()
	once := b.send(follower, true, "GET /v2/keys/a?wait=true")
	plain := b.send(follower, false, "GET /v2/keys/a?wait=true")
	stream := b.send(follower, true, "GET /v2/keys/?wait=true&recursive=true&stream=true")
	v1 := b.send(follower, true, "GET /v1/watch/a")
	b.run(100 * time.Millisecond)
	if got := b.parts[once]; len(got) != 1 || got[0].Status != 200 || got[0].Body != "" || !got[0].More || got[0].Get("X-Etcd-Index") != "0" {
		t.Fatalf("a wait begins with %+v", got)
	}
	if len(b.parts[plain])+len(b.parts[v1]) > 0 {
		t.Errorf("these come in one piece: %+v %+v", b.parts[plain], b.parts[v1])
	}
	if got := b.get(follower, "GET /v2/stats/store"); !strings.Contains(got.Body, `"watchers":4`) {
		t.Errorf("four wait, but %s", got.Body)
	}
	for range 2 {
		b.get(leader, "PUT /v2/keys/a value=1")
		b.run(100 * time.Millisecond)
	}
	const event = `{"action":"set","node":{"key":"/a","value":"1","modifiedIndex":1,"createdIndex":1}}` + "\n"
	if got := b.parts[once]; len(got) != 2 || got[1].Body != event || got[1].More {
		t.Errorf("a wait ends with %+v", got)
	}
	if got := b.parts[plain]; len(got) != 1 || got[0].Status != 200 || got[0].Body != event || got[0].More {
		t.Errorf("a wait in one piece is answered %+v", got)
	}
	if got := b.parts[v1]; len(got) != 1 || got[0].Status != 200 || !strings.Contains(got[0].Body, `"index":1`) {
		t.Errorf("a wait of v1 is answered %+v", got)
	}
	if got := b.parts[stream]; len(got) != 3 || got[1].Body != event || !got[2].More {
		t.Errorf("a stream says %+v", got)
	}
	b.HangUp(stream)
	b.run(100 * time.Millisecond)
	var stats struct{ Watchers int }
	if err := json.Unmarshal([]byte(b.get(follower, "GET /v2/stats/store").Body), &stats); err != nil || stats.Watchers != 0 {
		t.Errorf("all have hung up, but %d wait: %v", stats.Watchers, err)
	}
	dying := b.send(follower, true, "GET /v2/keys/a?wait=true")
	b.run(100 * time.Millisecond)
	b.Kill(follower)
	b.until("who waits at a dead member hears of it", func() bool { return b.ends[dying] == store.ErrConnectionReset })
}

// TestOlderWithoutLeader: local reads go on; a write waits, and v2 names the reason
// in an error of its own, as v1 does at once.
func TestOlderWithoutLeader(t *testing.T) {
	b := newBrowser(t, 3)
	b.get(1, "PUT /v2/keys/a value=1")
	b.run(200 * time.Millisecond)
	b.Kill(2)
	b.Kill(3)
	b.until("n1 knows no leader", func() bool { return b.Member(1).Leader == 0 })
	if got := b.get(1, "GET /v2/keys/a"); got.Status != 200 {
		t.Errorf("a local read is answered %d %s", got.Status, got.Body)
	}
	for ask, want := range map[string]string{ // unordered: each stands alone
		"PUT /v2/keys/a value=2":     `{"errorCode":300,"message":"Raft Internal Error","cause":"etcdserver: request timed out`,
		"GET /v2/keys/a?quorum=true": `{"errorCode":300,"message":"Raft Internal Error","cause":"etcdserver: request timed out`,
		"PUT /v1/keys/a value=2":     `{"errorCode":300,"message":"Raft Internal Error","index":1}`,
		"GET /v1/leader":             `{"errorCode":301,"message":"During Leader Election","index":1}`,
	} {
		if got := b.get(1, ask); got.Status != 500 || !strings.HasPrefix(got.Body, want) {
			t.Errorf("%s: %d %s, want 500 %s", ask, got.Status, got.Body, want)
		}
	}
	if got := b.get(1, "GET /v2/members/leader"); got.Status != 503 {
		t.Errorf("during an election: %d %s", got.Status, got.Body)
	}
}

// TestOlderExpiry: a node expires soon after its time, on every member at the same
// index, also under another leader and after a restart.
func TestOlderExpiry(t *testing.T) {
	b := newBrowser(t, 3)
	leader := b.Leader()
	b.get(leader, "PUT /v2/keys/short ttl=1&value=x")
	b.get(leader, "PUT /v2/keys/long ttl=3&value=x")
	written := b.Now()
	gone := func(key string) func() bool {
		return func() bool {
			for id := range uint64(b.Size()) {
				if b.Member(id+1).State == cluster.Up && b.get(id+1, "GET /v2/keys/"+key).Status != 404 {
					return false
				}
				b.run(10 * time.Millisecond)
			}
			return true
		}
	}
	b.until("the short one is gone", gone("short"))
	if took := b.Now().Sub(written); took < 900*time.Millisecond || took > 1800*time.Millisecond {
		t.Errorf("one second took %v", took)
	}
	b.Kill(leader)
	b.until("another member leads", func() bool { return b.Leader() != 0 && b.Leader() != leader })
	b.Start(leader)
	b.until("it serves again", func() bool { return b.Member(leader).Serving })
	b.until("the long one is gone", gone("long"))
	if took := b.Now().Sub(written); took < 2900*time.Millisecond || took > 5*time.Second {
		t.Errorf("three seconds took %v", took)
	}
	b.converge()
	states := b.Members()
	if s := states[0]; s.OlderIndex != 4 || s.OlderHash != states[1].OlderHash || s.OlderHash != states[2].OlderHash {
		t.Errorf("the trees differ, or have another index than 4: %+v", states)
	}
}
