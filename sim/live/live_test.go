package live_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"etcdsim/scenarios"
	"etcdsim/sim"
	"etcdsim/sim/bug"
	"etcdsim/sim/cluster"
	"etcdsim/sim/live"
	"etcdsim/store"
)

const seed = 7

// newWorld returns a universe of three members in which a session begins.
func newWorld(t *testing.T) (*scenarios.File, *scenarios.Stage) {
	t.Helper()
	return newWorldWith(t, "cluster nodes=3\nsession seed=7\n", seed, scenarios.Options{})
}

func newWorldWith(t *testing.T, scenario string, seed uint64, o scenarios.Options) (*scenarios.File, *scenarios.Stage) {
	t.Helper()
	f, err := scenarios.Parse("session", scenario)
	if err != nil {
		t.Fatal(err)
	}
	stage, err := scenarios.NewStage(f, seed, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := stage.Play(); err != nil {
		t.Fatal(err)
	}
	return f, stage
}

// session drives a world with a recording.
type session struct {
	*live.Driver
	t   *testing.T
	rec bytes.Buffer
}

func newSession(t *testing.T, speed float64) *session {
	t.Helper()
	s := &session{t: t}
	f, world := newWorld(t)
	rec, err := live.NewRecorder(&s.rec, scenarios.Format(f))
	if err != nil {
		t.Fatal(err)
	}
	s.Driver = live.Start(world, live.Config{Speed: speed, Recorder: rec})
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
func (s *session) replay() *scenarios.Result {
	s.t.Helper()
	if err := s.Stop(); err != nil {
		s.t.Fatal(err)
	}
	r, err := scenarios.Replay("session", s.rec.String())
	if err != nil {
		s.t.Fatal(err)
	}
	if r.Outcome != scenarios.Pass {
		s.t.Fatalf("%v: %+v\n%s", r.Outcome, r.Failure, s.rec.String())
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
	r := s.replay()
	asked, ended := strings.Count(s.rec.String(), "\nask "), strings.Count(s.rec.String(), "\nhangup ")
	if r.Counts.Operations != 23 || asked != 24 || ended != 1 {
		t.Errorf("%d operations, of %d requests and %d ends of streams", r.Counts.Operations, asked, ended)
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

// Turns of the clock end each at its own time, and a turn that nobody waits for any more
// ends at once.
func TestTurns(t *testing.T) {
	s := newSession(t, 0)
	began := s.Now()
	long, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Advance(long, 1_000_000*time.Hour) }()
	for s.Now() == began {
		time.Sleep(time.Millisecond)
	}
	at := s.Now()
	if err := s.Advance(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if now := s.Now(); now < at.Add(time.Minute) {
		t.Errorf("it is %v, a minute after %v", now, at)
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the turn that was given up: %v", err)
	}
	stands := s.Now()
	time.Sleep(20 * time.Millisecond)
	if now := s.Now(); now != stands {
		t.Errorf("time goes on from %v to %v", stands, now)
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
	s.do("kill n2")
	s.replay()
	whole := s.rec.String()
	for end := len(whole) - 1; end > len(whole)-300; end-- {
		if r, err := scenarios.Replay("session", whole[:end]); err != nil || r.Outcome != scenarios.Pass {
			t.Fatalf("%v, %+v; cut off:\n%s", err, r, whole[:end])
		}
	}
	for name, text := range map[string]string{
		"another value":     strings.Replace(whole, "old", "new", 1),
		"another seed":      strings.Replace(whole, "seed=7", "seed=8", 1),
		"another time":      strings.Replace(whole, "\nask", "\nat 20s\nask", 2),
		"another member":    strings.Replace(whole, "ask     n1", "ask     n3", 1),
		"another statement": strings.Replace(whole, "kill    n2", "pause   n2", 1),
	} {
		if r, err := scenarios.Replay("session", text); err != nil || r.Outcome != scenarios.Nondeterminism {
			t.Errorf("%s: %v, %+v", name, err, r)
		}
	}
	for name, text := range map[string]string{
		"no session": strings.Replace(whole, "session", "lesson", 1),
		"no input":   strings.Replace(whole, "ask", "task", 1),
		"no request": strings.Replace(whole, `"put"`, `"pot"`, 1),
		"no JSON":    strings.Replace(whole, `{"put"`, `"put"`, 1),
		"no bytes":   strings.Replace(whole, `"old"`, `"€"`, 1),
		"no digest":  strings.Replace(whole, "digest=", "digest=x", 1),
	} {
		if r, err := scenarios.Replay("session", text); err == nil {
			t.Errorf("%s: %v", name, r.Outcome)
		}
	}
}

// full is a disk that takes the beginning of a recording.
type full struct{ left int }

var errFull = errors.New("the disk is full")

func (f *full) Write(p []byte) (int, error) {
	n := min(len(p), f.left)
	if f.left -= n; n < len(p) {
		return n, errFull
	}
	return n, nil
}

// A recording that cannot be written is told of once, at the end; clients do not notice.
func TestRecordingOnAFullDisk(t *testing.T) {
	f, w := newWorld(t)
	rec, err := live.NewRecorder(&full{left: 1000}, scenarios.Format(f))
	if err != nil {
		t.Fatal(err)
	}
	s := &session{t: t, Driver: live.Start(w, live.Config{Recorder: rec})} // the clock stands but for calls
	for range 100 {
		if a := s.call(1, &store.PutRequest{Key: "k"}); a.Err != nil {
			t.Fatal(a.Err)
		}
	}
	if err := s.Stop(); err != errFull { //nolint:errorlint // as it is, and no more
		t.Errorf("the end of the recording: %v", err)
	}
}

// A stream that is closed is over for its member, too.
func TestHangingUp(t *testing.T) {
	s := newSession(t, 1)
	pending := func(want int) {
		t.Helper()
		n := -1
		for end := time.Now().Add(5 * time.Second); n != want && time.Now().Before(end); time.Sleep(time.Millisecond) {
			_ = s.Inspect(t.Context(), func(c *cluster.Cluster) { n = len(c.Node(1).Pending()) })
		}
		if n != want {
			t.Errorf("%d operations are under way, want %d", n, want)
		}
	}
	lock := func() *live.Stream {
		t.Helper()
		stream, err := s.Stream(t.Context(), 1, store.Credential{}, &store.LockRequest{Name: "l"})
		if err != nil {
			t.Fatal(err)
		}
		return stream
	}
	holder := lock()
	defer holder.Close()
	if a, err := holder.Recv(t.Context()); err != nil || a.Err != nil {
		t.Fatal(a.Err, err)
	}
	waits := lock()
	pending(1)
	waits.Close()
	pending(0)
	s.replay()
}

// While the clock stands, time passes only as long as somebody waits for an answer.
func TestClockStandsAfterGivingUp(t *testing.T) {
	s := newSession(t, 0)
	s.do("kill n1")
	s.do("kill n2")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Call(ctx, 3, store.Credential{}, &store.PutRequest{Key: "k"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a write without a quorum ended with %v", err)
	}
	given := s.Now()
	time.Sleep(20 * time.Millisecond)
	if now := s.Now(); now > given.Add(time.Duration(2*live.Lead)) {
		t.Errorf("it was %v when nobody waited any more, and is %v", given, now)
	}
	s.replay()
}

// After a breakdown of a member nothing goes on, and whoever asks is told so at once.
func TestBreakdown(t *testing.T) {
	const disks = "cluster nodes=3\nnet latency=1ms..10ms\ndisk sync=10ms..60ms torn=80%\nnode snapshot=30 catch-up=5\n"
	for seed := uint64(1); seed <= 50; seed++ {
		_, w := newWorldWith(t, disks+"session\n", seed, scenarios.Options{Bugs: bug.Set(0).With(bug.SnapOrder)})
		d := live.Start(w, live.Config{})
		for _, statement := range []string{
			"load w clients=6 keys=6 mix=put:8,get:2 think=0s..5ms timeout=1s", "wait acked w >=40 within=20s",
			"partition n1 | rest", "wait leader in=rest within=20s", "wait written w >=70 via=rest since=here within=30s",
			"heal", "wait saving n1 within=30s", "wait elapsed 15ms", "kill n1", "restart n1", "wait joined n1 within=30s",
		} {
			_, _ = d.Do(t.Context(), statement) // the breakdown is somewhere in it
		}
		if d.Err() == nil {
			if err := d.Stop(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		at := d.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		a, err := d.Call(ctx, 1, store.Credential{}, &store.PutRequest{Key: "k"})
		if err != nil || a.Err != store.ErrStopped {
			t.Errorf("who asks is told %v, %v", a.Err, err)
		}
		if _, err := d.Do(ctx, "heal"); err == nil || !strings.Contains(err.Error(), "broke down") {
			t.Errorf("who wants to do something is told %v", err)
		}
		if err := d.Advance(ctx, time.Hour); err == nil || !strings.Contains(err.Error(), "broke down") {
			t.Errorf("who turns the clock is told %v", err)
		}
		if now := d.Now(); now != at {
			t.Errorf("it is %v, and was %v", now, at)
		}
		if err := d.Stop(); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Error("no member breaks down")
}

// The condition of members is told when it changes.
func TestConditions(t *testing.T) {
	told := make(chan string, 100)
	_, w := newWorld(t)
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
	if n := strings.Count(s.rec.String(), "\nhangup "); n != 3 {
		t.Errorf("%d requests are given up in the recording:\n%s", n, &s.rec)
	}
}
