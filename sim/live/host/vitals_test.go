package host_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// get asks a member by plain HTTP.
func get(t *testing.T, method, url string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(soon(t), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// A member tells how it is in etcd's words, at the address at which it takes gRPC.
func TestVitals(t *testing.T) {
	s := start(t)
	if _, err := s.client(s.Endpoints()[0]).Put(soon(t), "k", "v"); err != nil {
		t.Fatal(err)
	}
	ask := func(path, want string, wantStatus int) {
		t.Helper()
		if status, body := get(t, http.MethodGet, s.URLs()[0]+path); status != wantStatus || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s; want %d %s", path, status, body, wantStatus, want)
		}
	}
	ask("/version", `{"etcdserver":"3.7.3","etcdcluster":"3.7.0","storage":"3.7.0"}`, 200)
	ask("/health", `{"health":"true","reason":""}`, 200)
	ask("/livez", "ok\n", 200)
	ask("/readyz?verbose", "[+]linearizable_read ok\n", 200)
	ask("/readyz/non_learner", "ok\n", 200)
	ask("/metrics", "\netcd_server_has_leader 1\n", 200)
	ask("/metrics", `grpc_server_handled_total{grpc_code="OK",grpc_method="Put",grpc_service="etcdserverpb.KV",grpc_type="unary"} 1`, 200)
	ask("/metrics", "\netcd_debugging_mvcc_current_revision 2\n", 200)
	ask("/nothing", "404", 404)
	if status, _ := get(t, http.MethodPost, s.URLs()[0]+"/health"); status != http.StatusMethodNotAllowed {
		t.Errorf("POST /health: %d", status)
	}

	s.do("kill n2")
	s.do("kill n3")
	s.do("wait elapsed 5s")
	ask("/health", `{"health":"false","reason":"RAFT NO LEADER"}`, 503)
	ask("/health?serializable=true", `{"health":"true","reason":""}`, 200)
	ask("/livez", "ok\n", 200)
	ask("/metrics", "\netcd_server_has_leader 0\n", 200)
}
