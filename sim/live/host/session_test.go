package host_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"etcdsim/scenarios"
	"etcdsim/sim/bug"
	"etcdsim/sim/live/host"
)

// The judges see what real clients saw: a leader that reads without asking whether it
// still leads gives one of them an old value.
func TestSessionIsJudged(t *testing.T) {
	bugs, err := bug.Parse("leader-local-read")
	if err != nil {
		t.Fatal(err)
	}
	s := &started{t: t}
	s.open(host.Config{Seed: seed, Options: scenarios.Options{Bugs: bugs}}) // time stands but for requests
	old := s.Leader()
	through := func(name string) *clientv3.Client {
		var id int
		_, _ = fmt.Sscanf(name, "n%d", &id)
		return s.client(s.Endpoints()[id-1])
	}
	if _, err := through(old).Put(soon(t), "k", "old"); err != nil {
		t.Fatal(err)
	}
	s.do("partition leader | rest")
	s.do("wait leader in=rest within=5s")
	if _, err := through(s.Leader()).Put(soon(t), "k", "new"); err != nil {
		t.Fatal(err)
	}
	if got, err := through(old).Get(soon(t), "k"); err != nil || string(got.Kvs[0].Value) != "old" {
		t.Fatalf("the old leader answered %v, %v", got, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if result := s.replay(); result.Outcome != scenarios.Violation {
		t.Errorf("the judges say %v", result.Outcome)
	}
}

// A session of ten thousand requests by real clients, with ten faults among them,
// replays to the same digest, twice.
func TestLongSession(t *testing.T) {
	s := start(t)
	const requests, clients = 11_000, 16
	faults := []string{
		"kill leader", "restart all", "partition leader | rest", "heal", "pause n1", "resume n1", "isolate n2", "heal",
		"net drop=1%", "stop leader",
	}
	var made atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wg sync.WaitGroup
	for i := range clients {
		c := s.client(s.Endpoints()[i%3])
		wg.Go(func() {
			for k := 0; ctx.Err() == nil; k++ {
				patience, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
				key := fmt.Sprintf("k%d", k%100)
				switch k % 4 { // what fails is asked again, or not: it is recorded all the same
				case 0, 1:
					_, _ = c.Put(patience, key, fmt.Sprint(i, k))
				case 2:
					_, _ = c.Get(patience, key)
				case 3:
					_, _ = c.Txn(patience).If(clientv3.Compare(clientv3.Version(key), "=", 0)).Then(clientv3.OpDelete(key)).Commit()
				}
				cancel()
				made.Add(1)
			}
		})
	}
	for i, fault := range faults {
		for made.Load() < int64(requests*(i+1)/(len(faults)+1)) {
			time.Sleep(time.Millisecond)
		}
		s.do(fault)
		if fault == "kill leader" || fault == "heal" {
			s.do("wait leader within=10s")
		}
	}
	for made.Load() < requests {
		time.Sleep(time.Millisecond)
	}
	stop()
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.ended = true
	first := s.replay()
	judged(t, first)
	t.Logf("%d operations, %v, digest %s", first.Counts.Operations, first.Counts.Elapsed, first.Digest)
	if !strings.Contains(s.rec.String(), "\nended   digest=") || first.Counts.Operations < 10_000 {
		t.Errorf("the recording has no end, or %d operations", first.Counts.Operations)
	}
	if again := s.replay(); again.Digest != first.Digest {
		t.Errorf("digest %v, then %v", first.Digest, again.Digest)
	}
}
