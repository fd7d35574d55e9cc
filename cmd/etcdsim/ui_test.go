package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"etcdsim/scenarios"
	"etcdsim/scenarios/learn"
	"etcdsim/scenarios/playground"
)

// post sends a request to the playground's server.
func post(t *testing.T, address, session, body string, header map[string]string) (int, playground.Frame) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, address+"/do", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Session", session)
	for k, v := range header { // unordered: headers have no order
		if k == "Host" {
			r.Host = v
		}
		r.Header.Set(k, v)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var f playground.Frame
	if answer.StatusCode == http.StatusOK {
		if err := json.NewDecoder(answer.Body).Decode(&f); err != nil {
			t.Fatal(err)
		}
	}
	return answer.StatusCode, f
}

const openRequest = `{"do":"open","open":{"seed":"3"}}`

// Each page has a session of its own; one that was not used for long makes room.
func TestUISessions(t *testing.T) {
	server := httptest.NewServer(newUI("", nil))
	defer server.Close()
	post(t, server.URL, "a", openRequest, nil)
	post(t, server.URL, "b", openRequest, nil)
	_, a := post(t, server.URL, "a", `{"do":"advance","for":100000000}`, nil)
	_, b := post(t, server.URL, "b", `{"do":"advance","for":200000000}`, nil)
	if a.Now != 100_000_000 || b.Now != 200_000_000 {
		t.Errorf("after 100 ms and 200 ms it is %s and %s", a.Now, b.Now)
	}
	for i := range mostSessions {
		post(t, server.URL, strings.Repeat("c", i+1), openRequest, nil)
	}
	if _, f := post(t, server.URL, "a", `{"do":"step"}`, nil); !strings.Contains(f.Error, "expected open first") {
		t.Errorf("the first session is still there after %d others: %+v", mostSessions+1, f)
	}
}

// Pages elsewhere cannot use a browser to play here, and nobody sends too much.
func TestUIGuards(t *testing.T) {
	server := httptest.NewServer(newUI("", nil))
	defer server.Close()
	for _, c := range []struct {
		why    string
		header map[string]string
		body   string
		want   int
	}{
		{"another origin", map[string]string{"Origin": "http://example.com"}, openRequest, http.StatusForbidden},
		{"another name of the host", map[string]string{"Host": "example.com"}, openRequest, http.StatusForbidden},
		{"no session", map[string]string{"X-Session": ""}, openRequest, http.StatusBadRequest},
		{"too much", nil, strings.Repeat("x", mostRequest+1), http.StatusRequestEntityTooLarge},
		{"the page itself", map[string]string{"Origin": server.URL}, openRequest, http.StatusOK},
	} {
		if got, _ := post(t, server.URL, "a", c.body, c.header); got != c.want {
			t.Errorf("%s: status %d, want %d", c.why, got, c.want)
		}
	}
}

// The progress in lessons is that of the terminal.
func TestUIProgress(t *testing.T) {
	file := filepath.Join(t.TempDir(), "learn.json")
	if err := os.WriteFile(file, []byte("null"), 0o600); err != nil { // which is no progress, either
		t.Fatal(err)
	}
	server := httptest.NewServer(newUI(file, nil))
	defer server.Close()
	for _, c := range []struct {
		body string
		want int
	}{
		{`{"lesson":"commit","right":2,"of":3}`, http.StatusNoContent},
		{`{"lesson":"surfing","right":2,"of":3}`, http.StatusBadRequest},
		{`{"lesson":"election","right":4,"of":3}`, http.StatusBadRequest},
		{`{`, http.StatusBadRequest},
	} {
		answer, err := server.Client().Post(server.URL+"/progress", "application/json", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != c.want {
			t.Errorf("%s: status %d, want %d", c.body, answer.StatusCode, c.want)
		}
	}
	var out, errs strings.Builder
	if code := run([]string{"learn", "--progress", file}, &out, &errs); code != 0 || !strings.Contains(out.String(), "2 of 3 right") ||
		strings.Contains(out.String(), "4 of 3") {
		t.Errorf("the terminal says, exit %d: %s%s", code, out.String(), errs.String())
	}
	answer, err := server.Client().Get(server.URL + "/progress")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var taken learn.Progress
	if err := json.NewDecoder(answer.Body).Decode(&taken); err != nil || len(taken) != 1 || taken["commit"] != (learn.Score{Right: 2, Of: 3}) {
		t.Errorf("the page is told %v, %v", taken, err)
	}
}

// It listens on loopback only.
func TestUIRefusesOtherAddresses(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", "192.0.2.1:80", "8379", ""} {
		var out, errs strings.Builder
		if code := run([]string{"ui", "--listen", address}, &out, &errs); code != exitUsage || !strings.Contains(errs.String(),
			"loopback") {
			t.Errorf("--listen %q: exit %d, %q", address, code, errs.String())
		}
	}
}

// A page begins with what the command names: a recorded session with its seed, bugs and
// settings, all of which has happened, and of which another future can be had.
func TestUIBegins(t *testing.T) {
	recorded, err := os.ReadFile("../../docs/session.scn")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(newUI("", &playground.Open{Text: string(recorded), Seed: 7, Bugs: "leader-local-read"}))
	defer server.Close()
	answer, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || !strings.Contains(string(text), `"begin":{"text":"# etcdsim serve recorded this`) {
		t.Errorf("the page does not know what to begin with: %v", err)
	}
	request, err := json.Marshal(map[string]any{"do": "open", "open": map[string]string{
		"text": string(recorded), "seed": "7", "bugs": "leader-local-read",
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, f := post(t, server.URL, "a", string(request), nil)
	if f.Error != "" || f.Failure != "" || f.Finding == nil || !strings.HasPrefix(f.Finding.What, "linearizability") || len(f.Ops) != 62 {
		t.Fatalf("%s%s, %d operations, found %+v", f.Error, f.Failure, len(f.Ops), f.Finding)
	}
	_, f = post(t, server.URL, "a", `{"do":"say","at":1044000000,"text":"kill leader"}`, nil)
	if f.Error != "" || f.Finding != nil || len(f.Ops) >= 62 {
		t.Errorf("in another future: %s, %d operations, found %+v", f.Error, len(f.Ops), f.Finding)
	}
	_, f = post(t, server.URL, "a", `{"do":"end"}`, nil)
	again, err := scenarios.Replay("other", f.Scenario)
	if err != nil || again.Digest.String() != f.Digest {
		t.Errorf("the story gives digest %v, %v; the session %s", again, err, f.Digest)
	}
}

// A scenario that begins with a snapshot has it in the page, too. Nothing else of this
// machine's files is there.
func TestUIBeginsWithSnapshot(t *testing.T) {
	address := servedUI(t, "../../docs/orders.scn")
	for _, from := range []string{"orders.db", "/etc/hostname"} {
		text := "cluster nodes=3 from=" + from + "\nwait leader within=20s\n"
		request, err := json.Marshal(map[string]any{"do": "open", "open": map[string]string{"text": text, "seed": "5"}})
		if err != nil {
			t.Fatal(err)
		}
		_, f := post(t, address, "a", string(request), nil)
		held := slices.ContainsFunc(f.Keys, func(row []any) bool { return row[2] == "orders/2" })
		if f.Error != "" || f.Failure != "" || !held {
			t.Errorf("from %s: %s%s, keys %v", from, f.Error, f.Failure, f.Keys)
		}
	}
}

// servedUI starts the command, until the test ends, and returns the address of its page.
func servedUI(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	app := newApp(in, io.Discard)
	args = append([]string{
		app.Name, "ui", "--listen", "127.0.0.1:0", "--progress", filepath.Join(t.TempDir(), "none.json"),
	}, args...)
	go func() { ended <- app.RunContext(ctx, args) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(address)
}

// What the command is told is what the page begins with; told nothing, it says nothing.
func TestUIBeginsAsTold(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, ""},
		{[]string{"--seed", "9"}, `"begin":{"seed":"9"}`},
		{[]string{"--bug", "lease-read"}, `"begin":{"seed":"1","bugs":"lease-read"}`},
		{[]string{"--seed", "4", "leader-kill"}, `"begin":{"scenario":"leader-kill","seed":"4"}`},
	} {
		answer, err := http.Get(servedUI(t, c.args...))
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || !strings.Contains(string(page), c.want) || strings.Contains(string(page), `"begin":`) != (c.want != "") {
			t.Errorf("ui %q: %v, the page does not begin with %s", c.args, err, c.want)
		}
	}
}
