package host

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"etcdsim/scenarios"
)

// edge is what answers HTTP for a member, without sockets: whatever panics there is
// seen.
type edge struct {
	host    *Host
	handler http.Handler
}

func newEdge(f *testing.F) *edge {
	f.Helper()
	h, err := Start(Config{
		Seed: 7, Speed: 1, Address: func(uint64) string { return "127.0.0.1:0" },
		Options: scenarios.Options{Settings: []scenarios.Setting{{Section: "cluster", Name: "nodes", Value: "1"}}},
	})
	if err != nil {
		f.Fatal(err)
	}
	p, err := h.process(1)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		p.Close()
		p.GRPC.Stop()
		if err := h.Close(); err != nil {
			f.Error(err)
		}
	})
	return &edge{h, p.HTTP}
}

// patience is how long a request is waited for: some wait for what never happens.
const patience = 20 * time.Millisecond

// answer is what came back.
type answer struct {
	status int
	isJSON bool
	body   []byte
}

// ask sends a request and returns the answer; false if it was cut off by the end of
// patience. Afterwards the universe must still go on.
func (e *edge) ask(t *testing.T, method string, target *url.URL, contentType, body string) (answer, bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r := &http.Request{
		Method: method, URL: target, Host: "localhost", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		RemoteAddr: "127.0.0.1:1",
	}
	w := httptest.NewRecorder()
	cutOff, began := false, time.Now()
	func() {
		defer func() {
			switch r := recover(); r {
			case nil:
			case http.ErrAbortHandler:
				cutOff = true
			default:
				panic(r)
			}
		}()
		e.handler.ServeHTTP(w, r.WithContext(ctx))
	}()
	if took := time.Since(began); took > 100*patience {
		t.Errorf("%s %q %q is held for %v, although the client has gone", method, target, body, took)
	}
	if err := e.host.Driver.Err(); err != nil {
		t.Fatal(err)
	}
	a := answer{w.Code, w.Header().Get("Content-Type") == "application/json", w.Body.Bytes()}
	return a, !cutOff && ctx.Err() == nil
}

var gatewayPaths = []string{
	"/v3/kv/range", "/v3/kv/put", "/v3/kv/deleterange", "/v3/kv/txn", "/v3/kv/compaction", "/v3/watch", "/v3/lease/grant",
	"/v3/lease/revoke", "/v3/kv/lease/timetolive", "/v3/lease/keepalive", "/v3/lease/leases", "/v3/cluster/member/add",
	"/v3/cluster/member/list", "/v3/maintenance/status", "/v3/maintenance/alarm", "/v3/maintenance/hash", "/v3/auth/user/add",
	"/v3/auth/role/grant", "/v3/auth/authenticate", "/v3/lock/lock", "/v3/election/campaign", "/v3/election/observe", "/v3beta/kv/range",
}

// FuzzGateway: whatever JSON comes in, what goes out is JSON, and no fault of ours.
func FuzzGateway(f *testing.F) {
	for i, body := range []string{
		`{"key":"Zm9v"}`, `{"key":"Zm9v","value":"YmFy","lease":"7"}`, `{"key":"AA==","range_end":"AA=="}`,
		`{"compare":[{"target":"VERSION","key":"Zm9v","version":"1"}],"success":[{"request_put":{"key":"YQ==","value":"Yg=="}}]}`,
		`{"revision":9223372036854775807}`, `{"create_request":{"key":"Zm9v"}}{"cancel_request":{}}`, `{"TTL":-1}`,
		`{"ID":"18446744073709551615"}`,
		``, `null`, `[]`, `{"key":5}`, `{"key":"*"}`, `{"peerURLs":["http://x:1","\u0000"]}`, `{"name":"` + strings.Repeat("n", 4096) + `"}`,
		strings.Repeat(`{"success":[{"request_txn":`, 200), `{"perm":{"permType":9}}`, "\xff\xfe",
	} {
		f.Add(uint8(i), body)
	}
	e := newEdge(f)
	f.Fuzz(func(t *testing.T, path uint8, body string) {
		target := &url.URL{Path: gatewayPaths[int(path)%len(gatewayPaths)]}
		a, ok := e.ask(t, http.MethodPost, target, "application/json", body)
		if !ok {
			return
		}
		if a.status == http.StatusInternalServerError && !bytes.Contains(a.body, []byte("etcdserver:")) {
			t.Errorf("%s %q: %d %s", target.Path, body, a.status, a.body)
		}
		for d := json.NewDecoder(bytes.NewReader(a.body)); d.More(); { // a stream is one value after the other
			var v any
			if err := d.Decode(&v); err != nil {
				t.Fatalf("%s %q: %d %q: %v", target.Path, body, a.status, a.body, err)
			}
		}
	})
}

var olderMethods = []string{"GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "OPTIONS"}

// FuzzOlder: whatever is asked by the older APIs, the answer is of theirs.
func FuzzOlder(f *testing.F) {
	for i, s := range [][3]string{
		{"/v2/keys/a", "recursive=true&sorted=true", ""},
		{"/v2/keys/a", "", "value=b&ttl=5"},
		{"/v2/keys/q", "", "value=1"},
		{"/v2/keys/a", "prevValue=b&dir=true", ""},
		{"/v2/keys/../..//a/", "", ""},
		{"/v2/keys/a", "wait=true&waitIndex=1", ""},
		{"/v1/keys/a", "", "value=b&prevValue=c"},
		{"/v1/watch/a", "", "index=1"},
		{"/v2/stats/leader", "", ""},
		{"/v2/members", "", `{"peerURLs":["x"]}`},
		{"/v2/keys/%00", "ttl=-1&prevIndex=18446744073709551616", "prevExist=maybe"},
		{"/v2/keys/_hidden", "quorum=x", ""},
		{"/v1/leader", "", ""},
		{"/v2/keys/a", "%zz&;=", "%%%=&=&value"},
		{"/v2", "", ""},
		{"/v2/machines", "x", "\xff"},
	} {
		f.Add(uint8(i), s[0], s[1], s[2])
	}
	e := newEdge(f)
	f.Fuzz(func(t *testing.T, method uint8, path, query, body string) {
		if !strings.HasPrefix(path, "/v1/") && !strings.HasPrefix(path, "/v2/") {
			path = "/v2/keys/" + path
		}
		target := &url.URL{Path: path, RawQuery: query}
		a, ok := e.ask(t, olderMethods[int(method)%len(olderMethods)], target, "application/x-www-form-urlencoded", body)
		if !ok {
			return
		}
		if a.status == http.StatusInternalServerError && !bytes.Contains(a.body, []byte("errorCode")) {
			t.Errorf("%q ? %q, %q: %d %s", path, query, body, a.status, a.body)
		}
		if a.isJSON && len(a.body) > 0 && !json.Valid(a.body) {
			t.Errorf("%q ? %q, %q: %d %q", path, query, body, a.status, a.body)
		}
	})
}
