package host_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"etcdsim/sim/cluster"
	"etcdsim/sim/live/host"
	"etcdsim/store"
	"etcdsim/store/conformance"
)

// What real servers of v2 and v1 were asked over HTTP is asked of served members: status,
// index and body must be the recorded ones.
func TestOlderAnswersAsRecordedFromEtcd(t *testing.T) {
	for _, api := range []struct {
		name   string
		corpus conformance.Corpus
	}{{"v2", conformance.V2}, {"v1", conformance.V1}} {
		t.Run(api.name, func(t *testing.T) {
			records := conformance.OlderRecords(t, api.corpus)
			s := startAt(t, 20)
			r := &olderReplay{t: t, host: s.Host, base: "http://" + s.Endpoints()[0], waits: map[string]chan *store.HTTPResult{}}
			for i := range records {
				r.play(&records[i])
			}
			t.Logf("%d records replayed, %d differ", len(records), r.differ)
		})
	}
}

// olderReplay asks one thing after another.
type olderReplay struct {
	t      *testing.T
	host   *host.Host
	base   string
	waits  map[string]chan *store.HTTPResult
	differ int
}

func (r *olderReplay) play(rec *conformance.OlderRecord) {
	switch rec.Op {
	case conformance.OlderRequest:
		r.compare(rec, r.ask(rec))
	case conformance.OlderWaitStart:
		wait := make(chan *store.HTTPResult, 1)
		r.waits[rec.Name] = wait
		before := r.pending()
		go func() { wait <- r.ask(rec) }()
		// It must be under way before what it waits for happens. One that is answered at
		// once is never seen waiting.
		for end := time.Now().Add(5 * time.Second); r.pending() <= before && len(wait) == 0 && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
	case conformance.OlderWaitResult:
		patience := 5 * time.Second
		if rec.TimedOut() {
			patience = 20 * time.Millisecond
		}
		select {
		case got := <-r.waits[rec.Name]:
			r.compare(rec, got)
		case <-time.After(patience):
			r.compare(rec, nil)
		}
	}
}

// pending returns the number of requests that the member has not answered.
func (r *olderReplay) pending() (n int) {
	_ = r.host.Driver.Inspect(r.t.Context(), func(c *cluster.Cluster) { n = len(c.Node(1).Pending()) })
	return n
}

// ask makes a request, and follows redirects as v1's clients do. It returns nil if there
// was no answer.
func (r *olderReplay) ask(rec *conformance.OlderRecord) *store.HTTPResult {
	asked := rec.Request()
	target := r.base + (&url.URL{Path: asked.Path, RawQuery: asked.Query}).String()
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, asked.Method, target, strings.NewReader(asked.Body))
	if err != nil {
		r.t.Error(err)
		return nil
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil // or a wait that the end of the test cut off
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil
	}
	got := &store.HTTPResult{Status: resp.StatusCode, Body: string(body)}
	for name := range resp.Header {
		got.Header = append(got.Header, store.HTTPField{Name: name, Value: resp.Header.Get(name)})
	}
	return got
}

func (r *olderReplay) compare(rec *conformance.OlderRecord, got *store.HTTPResult) {
	diff := rec.Diff(got)
	if diff == "" {
		return
	}
	if r.differ++; r.differ <= 5 {
		r.t.Errorf("%v %v %v: %s", rec, rec.Query, rec.Form, diff)
	}
}
