package live_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"etcdsim/sim"
	"etcdsim/sim/cluster"
	"etcdsim/sim/live"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// world is three members and the verbs "kill" and "start".
type world struct {
	c   *cluster.Cluster
	log *trace.Log
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	log := trace.NewLog()
	c, err := cluster.New(cluster.DefaultConfig(), seed, log)
	if err != nil {
		t.Fatal(err)
	}
	return &world{c, log}
}

func (w *world) Cluster() *cluster.Cluster { return w.c }
func (w *world) Log() *trace.Log           { return w.log }
func (w *world) Outside() trace.Addr       { return trace.Client(0) }
func (w *world) Close()                    { w.c.Close() }

func (w *world) Do(statement string) (string, error) {
	verb, name, _ := strings.Cut(statement, " ")
	var id uint64
	if _, err := fmt.Sscanf(name, "n%d", &id); err != nil {
		return "", err
	}
	switch verb {
	case "kill":
		w.c.Kill(id)
	case "start":
		w.c.Start(id)
	default:
		return "", errors.New("expected kill or start")
	}
	return name + " " + verb + "ed", nil
}

const seed = 7

// session drives a world with a recording.
type session struct {
	*live.Driver
	t   *testing.T
	rec bytes.Buffer
}

func newSession(t *testing.T, speed float64) *session {
	t.Helper()
	s := &session{t: t}
	rec, err := live.NewRecorder(&s.rec, live.Header{Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	s.Driver = live.Start(newWorld(t, seed), live.Config{Speed: speed, Recorder: rec})
	return s
}

func (s *session) call(member uint64, r store.Request) live.Answer {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	a, err := s.Call(ctx, member, store.Credential{}, r)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

func (s *session) do(statement string) {
	s.t.Helper()
	if _, err := s.Do(s.t.Context(), statement); err != nil {
		s.t.Fatal(err)
	}
}

// replay ends the session and compares it with its replay.
func (s *session) replay() live.Replayed {
	s.t.Helper()
	if err := s.Stop(); err != nil {
		s.t.Fatal(err)
	}
	rec, err := live.ReadRecording(bytes.NewReader(s.rec.Bytes()))
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := live.Replay(newWorld(s.t, rec.Seed), rec, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if rec.Ending == nil || r.Digest.String() != rec.Ending.Digest {
		s.t.Fatalf("the replay ended in %v, the session in %v", r.Digest, rec.Ending)
	}
	return r
}

// A session with writes, reads, a watcher and a fault comes to the same digest
// when it is replayed.
func TestReplay(t *testing.T) {
	s := newSession(t, 1)
	watcher, err := s.Stream(t.Context(), 2, store.Credential{}, &store.StreamOpenRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if err := watcher.Send(t.Context(), &store.WatchRequest{Key: "k"}); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if a := s.call(uint64(i%3+1), &store.PutRequest{Key: "k", Value: fmt.Sprint(i)}); a.Err != nil {
			t.Fatal(a.Err)
		}
	}
	seen := 0
	for seen < 20 {
		a, err := watcher.Recv(t.Context())
		if err != nil || a.Err != nil {
			t.Fatal(err, a.Err)
		}
		seen += len(a.Result.(*store.WatchResponse).Events)
	}
	watcher.Close()
	s.do("kill n1")
	if a := s.call(1, &store.RangeRequest{Key: "k"}); a.Err != store.ErrConnectionRefused {
		t.Fatalf("a dead member answered %v", a.Err)
	}
	s.do("start n1")
	if a := s.call(1, &store.RangeRequest{Key: "k"}); a.Err != nil || a.Result.(*store.RangeResult).KVs[0].Value != "19" {
		t.Fatalf("n1 answered %+v", a)
	}
	if r := s.replay(); r.Requests != 24 || r.Inputs != 27 {
		t.Errorf("replayed %d requests and %d inputs", r.Requests, r.Inputs)
	}
}

// Time stands while the clock does, and a lease of a minute ends when the clock is
// turned.
func TestAdvance(t *testing.T) {
	s := newSession(t, 0)
	if a := s.call(1, &store.LeaseGrantRequest{ID: 5, TTL: 60}); a.Err != nil {
		t.Fatal(a.Err)
	}
	left := func() int64 {
		return s.call(1, &store.LeaseTimeToLiveRequest{ID: 5}).Result.(*store.LeaseTimeToLiveResult).TTL
	}
	if ttl := left(); ttl < 58 {
		t.Fatalf("%d s are left at once", ttl)
	}
	began := s.Now()
	for _, c := range []struct {
		by       time.Duration
		min, max int64
	}{{30 * time.Second, 28, 30}, {40 * time.Second, -1, -1}} {
		if err := s.Advance(t.Context(), c.by); err != nil {
			t.Fatal(err)
		}
		if ttl := left(); ttl < c.min || ttl > c.max {
			t.Errorf("%d s are left after %v", ttl, c.by)
		}
	}
	if passed := s.Now().Sub(began); passed < 70*time.Second || passed > 71*time.Second {
		t.Errorf("%v passed", passed)
	}
	s.replay()
}

// Whoever gives up waiting is let go, and who waits when the driver stops is
// refused.
func TestWaiting(t *testing.T) {
	s := newSession(t, 1)
	s.do("kill n1")
	s.do("kill n2")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Call(ctx, 3, store.Credential{}, &store.PutRequest{Key: "k"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a write without a quorum ended with %v", err)
	}
	refused := make(chan *store.Error)
	go func() {
		a, _ := s.Call(context.WithoutCancel(ctx), 3, store.Credential{}, &store.PutRequest{Key: "k"})
		refused <- a.Err
	}()
	for entered := false; !entered; time.Sleep(time.Millisecond) {
		_ = s.Inspect(t.Context(), func(c *cluster.Cluster) { entered = c.Node(3).Busy() })
	}
	s.replay()
	if err := <-refused; err != store.ErrStopped {
		t.Errorf("who waited got %v", err)
	}
	if a, err := s.Call(t.Context(), 3, store.Credential{}, &store.PutRequest{Key: "k"}); err != nil || a.Err != store.ErrStopped {
		t.Errorf("who comes later got %v, %v", a.Err, err)
	}
}

// A recording that was cut off replays up to where it goes; one that was changed
// does not replay to the digest at its end.
func TestChangedRecordings(t *testing.T) {
	s := newSession(t, 0)
	for range 3 {
		s.call(1, &store.PutRequest{Key: "k", Value: "old"})
	}
	s.replay()
	whole := s.rec.String()
	replay := func(text string) error {
		rec, err := live.ReadRecording(strings.NewReader(text))
		if err != nil {
			return err
		}
		_, err = live.Replay(newWorld(t, rec.Seed), rec, nil)
		return err
	}
	if err := replay(whole[:len(whole)-100]); err != nil {
		t.Errorf("cut off: %v", err)
	}
	for name, text := range map[string]string{
		"another value": strings.Replace(whole, "old", "new", 1),
		"another seed":  strings.Replace(whole, `"seed":7`, `"seed":8`, 1),
		"another time":  strings.Replace(whole, `"at":`, `"at":9`, 2),
		"another op":    strings.Replace(whole, `"op":2`, `"op":9`, 1),
	} {
		if err := replay(text); !errors.Is(err, live.ErrDiverged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"nothing":          "",
		"no recording":     "{}\n",
		"no input":         strings.Replace(whole, `"kind":"call"`, `"kind":"fall"`, 1),
		"no request":       strings.Replace(whole, `"put"`, `"pot"`, 1),
		"no JSON":          strings.Replace(whole, `{"step"`, `"step"`, 1),
		"no bytes in text": strings.Replace(whole, `"old"`, `"€"`, 1),
	} {
		if err := replay(text); err == nil || errors.Is(err, live.ErrDiverged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The condition of members is told when it changes.
func TestConditions(t *testing.T) {
	told := make(chan string, 100)
	w := newWorld(t, seed)
	d := live.Start(w, live.Config{Speed: 1, Watch: func(id uint64, c live.Condition) {
		told <- fmt.Sprintf("n%d up=%v silent=%v %d", id, c.Up, c.Silent, c.Incarnation)
	}})
	defer d.Stop()
	for _, want := range []string{"n1 up=true silent=false 1", "n2 up=true silent=false 1", "n3 up=true silent=false 1"} {
		if got := <-told; got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	for _, c := range [][2]string{{"kill n2", "n2 up=false silent=false 1"}, {"start n2", "n2 up=true silent=false 2"}} {
		if _, err := d.Do(t.Context(), c[0]); err != nil {
			t.Fatal(err)
		}
		if got := <-told; got != c[1] {
			t.Errorf("after %s: told %q, want %q", c[0], got, c[1])
		}
	}
	if _, err := d.Do(t.Context(), "boil n1"); err == nil {
		t.Error("an unknown statement was accepted")
	}
	if now := d.Now(); now > 10*sim.Time(time.Second) {
		t.Errorf("it is %v", now)
	}
}

// A write whose client gives up while there is no leader is never made, as in etcd,
// and the recording says when that was.
func TestGivingUp(t *testing.T) {
	s := newSession(t, 1)
	s.do("kill n1")
	s.do("kill n2")
	if err := s.Advance(t.Context(), 5*time.Second); err != nil { // n3 no longer leads
		t.Fatal(err)
	}
	for _, r := range []store.Request{&store.PutRequest{Key: "k"}, &store.RangeRequest{Key: "k"}, &store.LeaseTimeToLiveRequest{ID: 1}} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if _, err := s.Call(ctx, 3, store.Credential{}, r); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("without a leader, %s ended with %v", store.Describe(r), err)
		}
		cancel()
	}
	s.do("start n1")
	if err := s.Advance(t.Context(), 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if a := s.call(3, &store.RangeRequest{Key: "k"}); a.Err != nil || a.Revision != 1 {
		t.Errorf("afterwards the key is %+v", a)
	}
	s.replay()
	if n := strings.Count(s.rec.String(), `"kind":"giveup"`); n != 3 {
		t.Errorf("%d requests are given up in the recording:\n%s", n, &s.rec)
	}
}
