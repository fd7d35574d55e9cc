package etcdtest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

// revoke ends a session for certain, and with it the keys it has made.
func revoke(t *testing.T, c *clientv3.Client, session *concurrency.Session) {
	session.Orphan()
	ask(t, func(ctx context.Context) error {
		_, err := c.Revoke(ctx, session.Lease())
		if errors.Is(err, rpctypes.ErrLeaseNotFound) {
			return nil // an earlier attempt was applied
		}
		return err
	})
}

// session returns a session that outlives the test unless it is ended.
func session(t *testing.T, c *clientv3.Client) (s *concurrency.Session) {
	ask(t, func(ctx context.Context) error {
		lease, err := c.Grant(ctx, 600)
		if err != nil {
			return err
		}
		s, err = concurrency.NewSession(c, concurrency.WithLease(lease.ID))
		return err
	})
	return s
}

// Under the genuine library's lock a counter is counted up while leaders die. At no
// time do two hold the lock, and the counter is the number of holders that counted.
func TestLockUnderLeaderKills(t *testing.T) {
	t.Parallel()
	s := newStress(t)
	var holders, counted atomic.Int64
	for range 4 {
		c := s.Client()
		s.Go(func() {
			for s.over.Err() == nil {
				own := session(t, c)
				mutex := concurrency.NewMutex(own, "lock")
				if holds := locked(t, mutex); holds {
					if n := holders.Add(1); n != 1 {
						t.Errorf("%d hold the lock", n)
					}
					ask(t, func(ctx context.Context) error { return countUp(ctx, c, mutex) })
					counted.Add(1)
					s.done.Add(1)
					holders.Add(-1)
				}
				revoke(t, c, own)
			}
		})
	}
	s.killLeaders(3)
	s.finish()
	got, err := s.Client().Get(t.Context(), "counter", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	if n := counted.Load(); n == 0 || len(got.Kvs) != 1 || string(got.Kvs[0].Value) != fmt.Sprint(n) {
		t.Errorf("%d counted, and the counter is %v", n, got.Kvs)
	}
	t.Logf("%d holders", counted.Load())
	s.judge()
}

// locked waits for the lock, for a while.
func locked(t *testing.T, m *concurrency.Mutex) bool {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return m.Lock(ctx) == nil
}

// countUp adds one to the counter for a holder of the lock, once however often it is
// called: what it writes names the holder.
func countUp(ctx context.Context, c *clientv3.Client, m *concurrency.Mutex) error {
	got, err := c.Get(ctx, "counter")
	if err != nil {
		return err
	}
	n, version := 0, int64(0)
	if len(got.Kvs) > 0 {
		n, _ = strconv.Atoi(string(got.Kvs[0].Value))
		version = got.Kvs[0].Version
	}
	mark := "by/" + m.Key()
	done, err := c.Get(ctx, mark)
	if err != nil || len(done.Kvs) > 0 {
		return err
	}
	res, err := c.Txn(ctx).If(m.IsOwner(), clientv3.Compare(clientv3.Version("counter"), "=", version)).
		Then(clientv3.OpPut("counter", strconv.Itoa(n+1)), clientv3.OpPut(mark, "")).Commit()
	if err == nil && !res.Succeeded {
		err = errors.New("the holder does not hold the lock any more")
	}
	return err
}

// Candidates campaign while leaders of the cluster die. One leads at a time, and an
// observer sees each one's words, in the order in which they led.
func TestElectionUnderLeaderKills(t *testing.T) {
	t.Parallel()
	s := newStress(t)
	var leaders, terms atomic.Int64
	for i := range 3 {
		c := s.Client()
		s.Go(func() {
			for round := 0; s.over.Err() == nil; round++ {
				own := session(t, c)
				election := concurrency.NewElection(own, "election")
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				err := election.Campaign(ctx, fmt.Sprintf("%d/%d", i, round))
				cancel()
				if err == nil {
					if n := leaders.Add(1); n != 1 {
						t.Errorf("%d lead", n)
					}
					ask(t, func(ctx context.Context) error { return election.Proclaim(ctx, fmt.Sprintf("%d/%d again", i, round)) })
					terms.Add(1)
					s.done.Add(1)
					leaders.Add(-1)
				}
				revoke(t, c, own) // resigns
			}
		})
	}
	seen := make(chan map[int64]int)
	observing, stop := context.WithCancel(t.Context())
	go func() { seen <- observe(t, observing, s.Client()) }()
	s.killLeaders(3)
	s.finish()
	stop()
	heard := <-seen
	if terms.Load() < 5 || len(heard) < 2 {
		t.Errorf("there were %d leaders, and %v were seen", terms.Load(), heard)
	}
	t.Logf("%d leaders, %d of them seen", terms.Load(), len(heard))
	s.judge()
}

// observe watches an election until it is stopped and returns how often each leader
// was seen, by the revision that made it one. The words of a leader never come after
// those of its successor.
func observe(t *testing.T, ctx context.Context, c *clientv3.Client) map[int64]int { //nolint:revive // the test comes first
	own := session(t, c)
	defer own.Orphan()
	seen := map[int64]int{}
	last := int64(0)
	for ctx.Err() == nil {
		for r := range concurrency.NewElection(own, "election").Observe(ctx) {
			kv := r.Kvs[0]
			if kv.CreateRevision < last {
				t.Errorf("the leader since %d was seen after the one since %d", kv.CreateRevision, last)
			}
			last = kv.CreateRevision
			seen[last]++
		}
		time.Sleep(time.Millisecond)
	}
	return maps.Clone(seen)
}
