package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// caller calls the service as a test suite does.
type caller struct {
	t   *testing.T
	url string
}

func newCaller(t *testing.T) caller {
	t.Helper()
	s := &service{clusters: make(map[string]*served)}
	server := httptest.NewServer(s.routes())
	t.Cleanup(server.Close)
	return caller{t, server.URL}
}

// call returns the status and the text of an answer.
func (c caller) call(method, path, body string) (int, string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// must calls, and reads what a success answers.
func (c caller) must(method, path, body string, answer any) {
	c.t.Helper()
	status, text := c.call(method, path, body)
	if status != http.StatusOK {
		c.t.Fatalf("%s %s %s: %d %s", method, path, body, status, text)
	}
	if answer != nil {
		if err := json.Unmarshal([]byte(text), answer); err != nil {
			c.t.Fatal(err)
		}
	}
}

// health asks a member how it is; one that refuses to speak is dead. A check waits for a
// leader longer than a test.
func (c caller) health(m member) string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 200*time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.Client+"/health", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return "dead"
	}
	if err != nil {
		return err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(resp.Body)
	return string(bytes.TrimSpace(text))
}

// The six calls, as one suite after the other makes them.
func TestLifeOfACluster(t *testing.T) {
	c := newCaller(t)
	var made struct {
		ID      string
		Members []member
	}
	c.must("POST", "/cluster", `{"size": 3, "flags": {"strict-reconfig-check": "false"}}`, &made)
	if len(made.Members) != 3 || made.Members[2].Name != "n3" {
		t.Fatalf("%+v", made)
	}
	const well, leaderless = `{"health":"true","reason":""}`, `{"health":"false","reason":"RAFT NO LEADER"}`
	see := func(i int, want string) { // soon: elections take a moment
		t.Helper()
		got := c.health(made.Members[i])
		for end := time.Now().Add(10 * time.Second); got != want && time.Now().Before(end); got = c.health(made.Members[i]) {
			time.Sleep(time.Millisecond)
		}
		if got != want {
			t.Fatalf("n%d: %s, want %s", i+1, got, want)
		}
	}
	path := "/cluster/" + made.ID
	for i := range made.Members {
		see(i, well)
	}
	c.must("POST", path+"/member/n3/stop", "", nil)
	see(2, "dead")
	c.must("POST", path+"/member/n2/stop?graceful=1", "", nil)
	see(1, "dead")
	c.must("POST", path+"/member/n2/start", "", nil)
	c.must("POST", path+"/member/n3/start", "", nil)
	see(0, well)

	c.must("POST", path+"/partition", `{"pairs": [["n1", "n2"], ["n1", "n3"]], "cut": true}`, nil)
	see(0, leaderless)
	c.must("POST", path+"/partition", `{"pairs": [["n1", "n2"], ["n1", "n3"]], "cut": false}`, nil)
	see(0, well)

	var reserved member
	c.must("POST", path+"/reserve", "", &reserved)
	status, text := c.call("POST", path+"/member", `{"name": "n4"}`)
	if status == http.StatusOK || !strings.Contains(text, "n4 was not added") {
		t.Errorf("a member that nobody added: %d %s", status, text)
	}
	member1 := caller{t, "http://" + made.Members[0].Client}
	member1.must("POST", "/v3/cluster/member/add", `{"peerURLs": ["`+reserved.PeerURL+`"]}`, nil)
	c.must("POST", path+"/member", `{"name": "n4"}`, &reserved)
	made.Members = append(made.Members, reserved)
	see(3, well)

	c.must("DELETE", path, "", nil)
	see(0, "dead")
	if status, _ := c.call("DELETE", path, ""); status != http.StatusNotFound {
		t.Errorf("the end of a cluster that has ended: %d", status)
	}
}

// Flags that make files take them along when the cluster ends.
func TestFilesOfACluster(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	left := func() []string {
		files, err := filepath.Glob(filepath.Join(os.TempDir(), "*"))
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	c := newCaller(t)
	var made struct{ ID string }
	c.must("POST", "/cluster", `{"size": 1, "flags": {"auto-tls": "true"}}`, &made)
	if len(left()) == 0 {
		t.Error("there is no certificate")
	}
	c.must("DELETE", "/cluster/"+made.ID, "", nil)
	if files := left(); len(files) > 0 {
		t.Errorf("left are %v", files)
	}
}

// What cannot be is refused, in words.
func TestRefusals(t *testing.T) {
	c := newCaller(t)
	for _, tt := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "/cluster", `{"size": 1, "flags": {"max-txn": "7"}}`, http.StatusBadRequest, "--max-txn: etcd has no such setting"},
		{"POST", "/cluster", `{"size": 1, "flags": {"cert-file": "x"}}`, http.StatusBadRequest, "cert-file and key-file together"},
		{"POST", "/cluster", `{"size": 99}`, http.StatusInternalServerError, "nodes"},
		{"POST", "/cluster", `{`, http.StatusBadRequest, "EOF"},
		{"POST", "/cluster/7/reserve", "", http.StatusNotFound, "no such cluster"},
	} {
		if status, text := c.call(tt.method, tt.path, tt.body); status != tt.status || !strings.Contains(text, tt.want) {
			t.Errorf("%s %s: %d %s, want %d %s", tt.path, tt.body, status, text, tt.status, tt.want)
		}
	}
}
