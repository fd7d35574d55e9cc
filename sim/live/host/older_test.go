package host_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"etcdsim/sim/cluster"
	"etcdsim/sim/live/host"
)

// olderRecord is a line of the recording of a real etcd that speaks v2 or v1.
type olderRecord struct {
	I          int
	Op         string
	Name       string
	Method     string
	Path       string
	Query      map[string]string
	Form       map[string]string
	Status     int
	XEtcdIndex *uint64 `json:"x_etcd_index"`
	Body       any
	Text       string
}

// What real servers of v2 and v1 were asked over HTTP is asked of served members: status,
// index and body must be the recorded ones.
func TestOlderAnswersAsRecordedFromEtcd(t *testing.T) {
	for _, api := range []struct{ name, env, file string }{
		{"v2", "CONFORMANCE_CORPUS_V2", "corpus-v2.jsonl"},
		{"v1", "CONFORMANCE_CORPUS_V1", "corpus-v1.jsonl"},
	} {
		t.Run(api.name, func(t *testing.T) {
			path := os.Getenv(api.env)
			if path == "" {
				path = "../../../../shared/conformance/" + api.file
			}
			data, err := os.ReadFile(path)
			if errors.Is(err, fs.ErrNotExist) {
				t.Skipf("no recording to compare with: %v (%s names another one)", err, api.env)
			}
			if err != nil {
				t.Fatal(err)
			}
			s := startAt(t, 20)
			r := &olderCorpus{t: t, host: s.Host, base: "http://" + s.Endpoints()[0], waits: map[string]chan olderAnswer{}}
			for text := range bytes.Lines(data) {
				var rec olderRecord
				if err := json.Unmarshal(text, &rec); err != nil {
					t.Fatal(err)
				}
				r.play(&rec)
			}
			t.Logf("%d records replayed, %d differ", r.played, r.differ)
		})
	}
}

// olderCorpus asks one thing after another.
type olderCorpus struct {
	t              *testing.T
	host           *host.Host
	base           string
	waits          map[string]chan olderAnswer
	played, differ int
}

type olderAnswer struct {
	status int
	header http.Header
	body   string
}

func (r *olderCorpus) play(rec *olderRecord) {
	r.played++
	switch rec.Op {
	case "request":
		r.compare(rec, r.ask(rec))
	case "wait_start":
		wait := make(chan olderAnswer, 1)
		r.waits[rec.Name] = wait
		before := r.pending()
		go func() { wait <- r.ask(rec) }()
		// It must be under way before what it waits for happens. One that is answered at
		// once is never seen waiting.
		for range 50 {
			if r.pending() > before || len(wait) > 0 {
				break
			}
			time.Sleep(time.Millisecond)
		}
	case "wait_result":
		patience := 5 * time.Second
		if rec.Text == "timeout" {
			patience = 20 * time.Millisecond
		}
		select {
		case got := <-r.waits[rec.Name]:
			if rec.Text == "timeout" {
				r.differs(rec, "an event: %s", got.body)
				return
			}
			r.compare(rec, got)
		case <-time.After(patience):
			if rec.Text != "timeout" {
				r.differs(rec, "no event")
			}
		}
	}
}

// pending returns the number of requests that the member has not answered.
func (r *olderCorpus) pending() (n int) {
	_ = r.host.Driver.Inspect(r.t.Context(), func(c *cluster.Cluster) { n = len(c.Node(1).Pending()) })
	return n
}

func encodeForm(fields map[string]string) string {
	v := url.Values{}
	for name, value := range fields { // unordered: Encode sorts
		v.Set(name, value)
	}
	return v.Encode()
}

// ask makes a request, and follows redirects as v1's clients do.
func (r *olderCorpus) ask(rec *olderRecord) olderAnswer {
	target := r.base + (&url.URL{Path: rec.Path}).String()
	if len(rec.Query) > 0 {
		target += "?" + encodeForm(rec.Query)
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, rec.Method, target, strings.NewReader(encodeForm(rec.Form)))
	if err != nil {
		r.t.Error(err)
		return olderAnswer{}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return olderAnswer{body: err.Error()} // a wait that the end of the test cut off
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(resp.Body)
	return olderAnswer{resp.StatusCode, resp.Header, string(body)}
}

func (r *olderCorpus) differs(rec *olderRecord, format string, args ...any) {
	if r.differ++; r.differ <= 5 {
		r.t.Errorf("record %d: %s %s %v %v: "+format, append([]any{rec.I, rec.Method, rec.Path, rec.Query, rec.Form}, args...)...)
	}
}

func (r *olderCorpus) compare(rec *olderRecord, got olderAnswer) {
	want := ""
	if rec.XEtcdIndex != nil {
		want = strconv.FormatUint(*rec.XEtcdIndex, 10)
	}
	var body any
	err := error(nil)
	if got.body != "" {
		err = json.Unmarshal([]byte(got.body), &body)
	}
	blank(body, rec.Body)
	switch {
	case got.status != rec.Status:
		r.differs(rec, "status %d %s, want %d", got.status, got.body, rec.Status)
	case got.header.Get("X-Etcd-Index") != want:
		r.differs(rec, "X-Etcd-Index %q, want %q", got.header.Get("X-Etcd-Index"), want)
	case err != nil, !reflect.DeepEqual(body, rec.Body):
		expected, _ := json.Marshal(rec.Body)
		r.differs(rec, "body\n  %s want\n  %s", got.body, expected)
	}
}

// blank replaces in an answer what depends on the time of day by what stands for it
// in the recording.
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
				if _, err := time.Parse(time.RFC3339Nano, g); w == "<time>" && err == nil {
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
