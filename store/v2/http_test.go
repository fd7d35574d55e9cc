package v2store

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"etcdsim/store"
)

// TestHeaders: the bodies are in the stories and recordings; here is the rest.
func TestHeaders(t *testing.T) {
	m := Member{ClusterID: 0xcdf818194e3a8c32, RaftIndex: 12, RaftTerm: 3, Leader: "http://l"}
	cluster := field("X-Etcd-Cluster-Id", "cdf818194e3a8c32")
	text := field("Content-Type", "text/plain; charset=utf-8")
	nosniff := field("X-Content-Type-Options", "nosniff")
	asJSON := field("Content-Type", "application/json")
	v2 := []store.HTTPField{cluster, asJSON, field("X-Etcd-Index", "0"), field("X-Raft-Index", "12"), field("X-Raft-Term", "3")}

	for _, tt := range []struct {
		name, method, path, query string
		want                      []store.HTTPField
	}{
		{"v2 read", "GET", "/v2/keys/", "", v2},
		{"v2 wait", "GET", "/v2/keys/", "wait=true", v2},
		{"v2 error", "GET", "/v2/keys/a", "", []store.HTTPField{cluster, asJSON, field("X-Etcd-Index", "0")}},
		{"v2 mistake", "GET", "/v2/keys/a", "wait=x", []store.HTTPField{cluster, asJSON, field("X-Etcd-Index", "0")}},
		{"v2 method", "PATCH", "/v2/keys/a", "", []store.HTTPField{field("Allow", "HEAD,GET,PUT,POST,DELETE"), text, nosniff}},
		{"v2 statistics", "GET", "/v2/stats/store", "", []store.HTTPField{asJSON}},
		{"v2 machines", "PUT", "/v2/machines", "", []store.HTTPField{field("Allow", "GET,HEAD"), text, nosniff}},
		{"v1 read", "GET", "/v1/keys/", "", []store.HTTPField{text}},
		{"v1 wait", "GET", "/v1/watch/a", "", []store.HTTPField{text}},
		{"v1 error", "GET", "/v1/keys/a", "", []store.HTTPField{asJSON, field("X-Etcd-Index", "0")}},
		{"v1 leader", "GET", "/v1/leader", "", []store.HTTPField{text}},
		{"elsewhere", "GET", "/v3/keys", "", []store.HTTPField{text, nosniff}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			call := Parse(&store.HTTPRequest{Method: tt.method, Path: tt.path, Query: tt.query}, Epoch, m)
			got, _ := call.Serve(New(), Epoch, m)
			if !reflect.DeepEqual(got.Header, tt.want) {
				t.Errorf("header %v, want %v", got.Header, tt.want)
			}
		})
	}
}

// TestNoLog: a member whose command did not get through answers with an error
// of consensus, and without a leader v1 says so.
func TestNoLog(t *testing.T) {
	var m Member
	put := Parse(&store.HTTPRequest{Method: "PUT", Path: "/v2/keys/a", Body: "value=v"}, Epoch, m)
	for _, tt := range []struct {
		name string
		got  store.HTTPResult
		want string
	}{
		{
			"timeout", put.Refuse(Unavailable("etcdserver: request timed out"), m),
			`{"errorCode":300,"message":"Raft Internal Error","cause":"etcdserver: request timed out","index":0}`,
		},
		{
			"election", Parse(&store.HTTPRequest{Method: "GET", Path: "/v1/leader"}, Epoch, m).Answer,
			`{"errorCode":301,"message":"During Leader Election","index":0}`,
		},
	} {
		if tt.got.Status != 500 || tt.got.Body != tt.want+"\n" {
			t.Errorf("%s: %d %s, want 500 %s", tt.name, tt.got.Status, tt.got.Body, tt.want)
		}
	}
}

// TestKinds: what has to be done for a request.
func TestKinds(t *testing.T) {
	for _, tt := range []struct {
		method, path, query string
		want                Kind
	}{
		{"GET", "/v2/keys/a", "", Read},
		{"GET", "/v2/keys/a", "quorum=true", Propose},
		{"HEAD", "/v2/keys/a", "quorum=true", Read}, // as etcd does
		{"GET", "/v2/keys/a", "wait=true", Wait},
		{"GET", "/v2/keys/a", "wait=true&quorum=true", Propose},
		{"GET", "/v2/keys/a", "stream=true", Read},
		{"POST", "/v2/keys/a", "", Propose},
		{"HEAD", "/v2/stats/store", "", Answered},
		{"GET", "/v2/stats/store", "", ReadStats},
		{"HEAD", "/v1/keys/a", "", Read},
		{"HEAD", "/v1/watch/a", "", Wait},
		{"DELETE", "/v1/keys/a", "", Propose},
		{"DELETE", "/v1/watch/a", "", Answered},
	} {
		if got := Parse(&store.HTTPRequest{Method: tt.method, Path: tt.path, Query: tt.query}, Epoch, Member{}); got.Kind != tt.want {
			t.Errorf("%s %s?%s: kind %d, want %d", tt.method, tt.path, tt.query, got.Kind, tt.want)
		}
	}
}

// TestLateAnswer: by the time a member answers, its store may have moved on. A
// write shows its own index.
func TestLateAnswer(t *testing.T) {
	s := New()
	for _, path := range []string{"/v1/keys/a", "/v2/keys/a"} {
		call := Parse(&store.HTTPRequest{Method: "PUT", Path: path, Body: "value=v"}, Epoch, Member{})
		result := s.Apply(call.Command)
		got := call.Reply(result, Member{StoreIndex: 99})
		var body struct {
			Index uint64
			Node  struct{ ModifiedIndex uint64 }
		}
		if err := json.Unmarshal([]byte(got.Body), &body); err != nil {
			t.Fatal(err)
		}
		if body.Index+body.Node.ModifiedIndex != result.Index {
			t.Errorf("%s, want index %d", got.Body, result.Index)
		}
	}
}

// The types that etcd marshals, for comparison with what this package writes.
type (
	jsonEvent struct {
		Action   string    `json:"action"`
		Node     *jsonNode `json:"node,omitempty"`
		PrevNode *jsonNode `json:"prevNode,omitempty"`
	}
	jsonNode struct {
		Key           string      `json:"key,omitempty"`
		Value         *string     `json:"value,omitempty"`
		Dir           bool        `json:"dir,omitempty"`
		Expiration    *time.Time  `json:"expiration,omitempty"`
		TTL           int64       `json:"ttl,omitempty"`
		Nodes         []*jsonNode `json:"nodes,omitempty"`
		ModifiedIndex uint64      `json:"modifiedIndex,omitempty"`
		CreatedIndex  uint64      `json:"createdIndex,omitempty"`
	}
)

func toJSONNode(n *Node) *jsonNode {
	if n == nil {
		return nil
	}
	j := &jsonNode{Key: n.Key, Dir: n.Dir, TTL: n.TTL, ModifiedIndex: n.Modified, CreatedIndex: n.Created}
	if n.HasValue {
		j.Value = &n.Value
	}
	if n.Expiration != 0 {
		at := time.Unix(0, int64(n.Expiration)).UTC()
		j.Expiration = &at
	}
	for _, c := range n.Nodes {
		j.Nodes = append(j.Nodes, toJSONNode(c))
	}
	return j
}

// TestJSON compares the events written here with encoding/json's, byte for byte.
func TestJSON(t *testing.T) {
	node := rapid.Custom(func(t *rapid.T) *Node {
		return &Node{
			Key:        rapid.String().Draw(t, "key"),
			Value:      string(rapid.SliceOf(rapid.Byte()).Draw(t, "value")),
			HasValue:   rapid.Bool().Draw(t, "hasValue"),
			Dir:        rapid.Bool().Draw(t, "dir"),
			Expiration: Time(rapid.Int64().Draw(t, "expiration")),
			TTL:        rapid.Int64Range(-1, 1).Draw(t, "ttl"),
			Modified:   rapid.Uint64Range(0, 2).Draw(t, "modified"),
			Created:    rapid.Uint64Range(0, 2).Draw(t, "created"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		e := &Event{Action: Action(rapid.IntRange(int(ActionGet), int(ActionExpire)).Draw(t, "action")), Node: node.Draw(t, "node")}
		if rapid.Bool().Draw(t, "prev") {
			e.PrevNode = node.Draw(t, "prevNode")
		}
		e.Node.Nodes = rapid.SliceOfN(node, 0, 3).Draw(t, "nodes")
		want, err := json.Marshal(jsonEvent{e.Action.String(), toJSONNode(e.Node), toJSONNode(e.PrevNode)})
		if err != nil {
			t.Fatal(err)
		}
		if got := e.AppendJSON(nil); string(got) != string(want) {
			t.Fatalf("%s, want\n%s", got, want)
		}
	})
}

// TestTTL compares with the arithmetic of package time, which etcd uses.
func TestTTL(t *testing.T) {
	check := func(t interface{ Fatalf(string, ...any) }, expire, now Time) {
		left := time.Unix(0, int64(expire)).Sub(time.Unix(0, int64(now)))
		want := int64(left / time.Second)
		if left%time.Second > 0 {
			want++
		}
		if got := expire.ttl(now); got != want {
			t.Fatalf("%d at %d: TTL %d, want %d", expire, now, got, want)
		}
	}
	edges := []Time{math.MinInt64, math.MinInt64 + 1, -second, -1, 0, 1, second, Epoch, math.MaxInt64}
	for _, expire := range edges {
		for _, now := range edges {
			check(t, expire, now)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		check(t, Time(rapid.Int64().Draw(t, "expire")), Time(rapid.Int64().Draw(t, "now")))
	})
}
