package cluster_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"etcdsim/node"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// caller is a client that asks whatever the test says, over streams, and keeps the
// answers.
type caller struct {
	*story
	answers map[uint64][]node.Answer
}

func newCaller(s *story) *caller {
	c := &caller{story: s, answers: map[uint64][]node.Answer{}}
	s.Attach(trace.Client(0), c)
	s.t.Cleanup(s.Close)
	return c
}

func (c *caller) Answer(a node.Answer) { c.answers[a.Op] = append(c.answers[a.Op], a) }
func (c *caller) Wake(uint64)          {}

// begin asks and does not wait.
func (c *caller) begin(member uint64, r store.Request) (op uint64) {
	op = c.NextOp()
	c.Stream(trace.Client(0), member, op, r)
	return op
}

// ask asks and waits.
func (c *caller) ask(member uint64, r store.Request) store.Response {
	c.t.Helper()
	op := c.NextOp()
	c.Call(trace.Client(0), member, op, r)
	return c.await(op)
}

func (c *caller) await(op uint64) store.Response {
	c.t.Helper()
	c.until("there is an answer", func() bool { return len(c.answers[op]) > 0 })
	a := c.answers[op][0]
	c.answers[op] = c.answers[op][1:]
	return a.Response
}

// lease grants a lease.
func (c *caller) lease(ttl int64) int64 {
	c.t.Helper()
	r := c.ask(1, &store.LeaseGrantRequest{TTL: ttl})
	if r.Err != nil {
		c.t.Fatal(r.Err)
	}
	return r.Result.(*store.LeaseGrantResult).ID
}

// keys returns how many keys a lock has in its queue.
func (c *caller) keys(name string) int {
	c.t.Helper()
	prefix, end := store.QueuePrefix(name)
	r := c.ask(2, &store.RangeRequest{Key: prefix, RangeEnd: end})
	return len(r.Result.(*store.RangeResult).KVs)
}

func (c *caller) wantErr(r store.Response, want string) {
	c.t.Helper()
	if r.Err == nil || r.Err.Text != want || r.Err.Code != store.Unknown {
		c.t.Errorf("got %+v, want the error %q with the code Unknown", r, want)
	}
}

func (c *caller) want(r store.Response, want string) {
	c.t.Helper()
	if got := store.DescribeAnswered(nil, r); got != "nothing"+want {
		c.t.Errorf("got %q, want %q", got, "nothing"+want)
	}
}

func TestLockQueue(t *testing.T) {
	c := newCaller(newStory(t, 3, nil))
	a, b, d := c.lease(60), c.lease(60), c.lease(60)
	first := c.await(c.begin(1, &store.LockRequest{Name: "l", Lease: a}))
	c.want(first, " = "+store.QueueKey("l", a))
	second := c.begin(2, &store.LockRequest{Name: "l", Lease: b})
	c.run(time.Second)
	third := c.begin(3, &store.LockRequest{Name: "l", Lease: d})
	c.run(time.Second)
	if n := c.keys("l"); n != 3 || len(c.answers[second])+len(c.answers[third]) > 0 {
		t.Fatalf("%d keys in the queue, answers %v and %v", n, c.answers[second], c.answers[third])
	}
	// The lock is its lease's: asking again is no waiting.
	c.want(c.ask(3, &store.LockRequest{Name: "l", Lease: a}), " = "+store.QueueKey("l", a))
	// Who loses its place lets nobody through, and learns of it at its turn only.
	c.ask(1, &store.UnlockRequest{Key: store.QueueKey("l", b)})
	c.run(time.Second)
	if len(c.answers[second])+len(c.answers[third]) > 0 {
		t.Fatalf("answers %v and %v, though the first has the lock", c.answers[second], c.answers[third])
	}
	c.ask(1, &store.UnlockRequest{Key: store.QueueKey("l", a)})
	c.wantErr(c.await(second), "mutex: session is expired")
	c.want(c.await(third), " = "+store.QueueKey("l", d))
}

// A lock that was waited for is not granted to a lease that has ended.
func TestLockOfEndedLease(t *testing.T) {
	c := newCaller(newStory(t, 4, nil))
	long, short := c.lease(10), c.lease(2)
	c.await(c.begin(1, &store.LockRequest{Name: "l", Lease: long}))
	op := c.begin(2, &store.LockRequest{Name: "l", Lease: short})
	c.run(4 * time.Second)
	c.ask(1, &store.UnlockRequest{Key: store.QueueKey("l", long)})
	c.wantErr(c.await(op), "mutex: session is expired")
	if c.log.Hits(trace.ProbeLockExpired) != 1 {
		t.Error("the probe was not hit once")
	}
	c.wantErr(c.ask(1, &store.LockRequest{Name: "l", Lease: 4711}), "etcdserver: requested lease not found")
}

// A client that hangs up leaves the queue, also if it does so behind a partition.
func TestLockHangUp(t *testing.T) {
	c := newCaller(newStory(t, 5, nil))
	a, b := c.lease(60), c.lease(60)
	c.await(c.begin(1, &store.LockRequest{Name: "l", Lease: a}))
	op := c.begin(2, &store.LockRequest{Name: "l", Lease: b})
	c.run(500 * time.Millisecond)
	c.HangUp(op)
	c.run(500 * time.Millisecond)
	if n := c.keys("l"); n != 1 {
		t.Errorf("%d keys in the queue after its client hung up, want 1", n)
	}
	// One who comes without a lease gets one, and keeps it for a while.
	c.ask(1, &store.UnlockRequest{Key: store.QueueKey("l", a)})
	c.await(c.begin(3, &store.LockRequest{Name: "l"}))
	r := c.ask(1, &store.LeaseLeasesRequest{})
	if n := len(r.Result.(*store.LeaseLeasesResult).Leases); n != 3 {
		t.Errorf("%d leases, want 3", n)
	}
}

// Waiters of a member that dies are told, and nothing of it goes on running.
func TestLockMemberDies(t *testing.T) {
	before := runtime.NumGoroutine()
	s := newStory(t, 6, nil)
	c := newCaller(s)
	a, b := c.lease(60), c.lease(60)
	c.await(c.begin(1, &store.LockRequest{Name: "l", Lease: a}))
	op := c.begin(2, &store.LockRequest{Name: "l", Lease: b})
	c.run(time.Second)
	c.Kill(2)
	if r := c.await(op); r.Err != store.ErrConnectionReset {
		t.Errorf("got %v, want a reset connection", r.Err)
	}
	c.run(5 * time.Second)
	other := c.begin(3, &store.LockRequest{Name: "l", Lease: b})
	c.run(time.Second)
	if len(c.answers[other]) > 0 {
		t.Errorf("got %v, though the lock is held", c.answers[other])
	}
	c.Close()
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

func TestElection(t *testing.T) {
	c := newCaller(newStory(t, 7, nil))
	a, b := c.lease(60), c.lease(60)
	c.wantErr(c.ask(1, &store.LeaderRequest{Name: "e"}), "election: no leader")
	c.wantErr(c.ask(1, &store.ProclaimRequest{}), `"leader" field must be provided`)
	c.wantErr(c.ask(1, &store.ResignRequest{}), `"leader" field must be provided`)
	watch := c.begin(2, &store.ObserveRequest{Name: "e"})
	c.run(time.Second)
	if len(c.answers[watch]) > 0 {
		t.Fatalf("observed %v before anybody leads", c.answers[watch])
	}
	won := c.await(c.begin(1, &store.CampaignRequest{Name: "e", Value: "a1", Lease: a})).Result.(*store.CampaignResult).Leader
	next := c.begin(3, &store.CampaignRequest{Name: "e", Value: "b1", Lease: b})
	c.run(time.Second)
	if r := c.ask(2, &store.ProclaimRequest{Leader: &won, Value: "a2"}); r.Err != nil {
		t.Errorf("the leader may not proclaim: %v", r.Err)
	}
	c.want(c.ask(3, &store.LeaderRequest{Name: "e"}), " = "+won.Key+"=a2")
	// Campaigning again with another value proclaims it.
	again := c.await(c.begin(1, &store.CampaignRequest{Name: "e", Value: "a3", Lease: a})).Result.(*store.CampaignResult).Leader
	if again != won {
		t.Errorf("the leader campaigned again and got %+v, want %+v", again, won)
	}
	past := won
	past.Rev--
	c.wantErr(c.ask(2, &store.ProclaimRequest{Leader: &past, Value: "x"}), "election: not leader")
	if r := c.ask(2, &store.ResignRequest{Leader: &past}); r.Err != nil {
		t.Errorf("resigning from a leadership of the past fails: %v", r.Err)
	}
	if len(c.answers[next]) > 0 {
		t.Fatal("a second leader")
	}
	if r := c.ask(2, &store.ResignRequest{Leader: &won}); r.Err != nil {
		t.Errorf("the leader may not resign: %v", r.Err)
	}
	c.await(next)
	c.wantErr(c.ask(1, &store.ProclaimRequest{Leader: &won, Value: "x"}), "election: not leader")
	c.run(time.Second)

	var seen []string
	for _, answer := range c.answers[watch] {
		kv := answer.Result.(*store.LeaderResult).KV
		seen = append(seen, kv.Value)
	}
	if got := strings.Join(seen, " "); got != "a1 a2 a3 b1" {
		t.Errorf("observed %s", got)
	}
	// The leader's lease ends, and with it the leadership.
	c.ask(1, &store.LeaseRevokeRequest{ID: b})
	c.wantErr(c.ask(1, &store.LeaderRequest{Name: "e"}), "election: no leader")
	c.HangUp(watch)
	c.converge()
}
