package host_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"etcdsim/scenarios"
	"etcdsim/sim/bug"
	"etcdsim/sim/live/host"
)

// documentedSession is what docs/serve.md looks at: a leader that reads without asking
// whether it still leads gives a real client an old value.
const documentedSession = "../../../docs/session.scn"

var update = flag.Bool("update", false, "record the documented session anew")

// The judges see what real clients saw, and it happens again as it is recorded:
//
//	go test ./sim/live/host -run TestDocumentedSession -update
func TestDocumentedSession(t *testing.T) {
	recorded := recordStaleRead(t)
	if *update {
		if err := os.WriteFile(documentedSession, []byte(recorded), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(documentedSession)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"recorded": recorded, documentedSession: string(kept)} {
		r, err := scenarios.Replay(name, text)
		if err != nil {
			t.Fatal(err)
		}
		if r.Outcome != scenarios.Violation || r.Findings()[0].Judge != "linearizability" {
			t.Errorf("%s: the judges say %v, %v; go test ./sim/live/host -run TestDocumentedSession -update", name, r.Outcome, r.Findings())
		}
	}
}

// recordStaleRead serves a cluster with a defect until a client reads an old value, and
// returns the recording.
func recordStaleRead(t *testing.T) string {
	t.Helper()
	bugs, err := bug.Parse("leader-local-read")
	if err != nil {
		t.Fatal(err)
	}
	s := &started{t: t}
	s.open(host.Config{Seed: seed, Options: scenarios.Options{Bugs: bugs}}) // time stands but for requests
	through := func(name string) *clientv3.Client {
		var id int
		_, _ = fmt.Sscanf(name, "n%d", &id)
		return s.client(s.Endpoints()[id-1])
	}
	put := func(c *clientv3.Client, key string, value any) {
		t.Helper()
		_, err := c.Put(soon(t), key, fmt.Sprint(value))
		for status.Code(err) == codes.Unavailable { // its connection was that of a process that died
			_, err = c.Put(soon(t), key, fmt.Sprint(value))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	read := func(c *clientv3.Client, key string) string {
		t.Helper()
		got, err := c.Get(soon(t), key)
		if err != nil || len(got.Kvs) != 1 {
			t.Fatalf("%s: %v, %v", key, got, err)
		}
		return string(got.Kvs[0].Value)
	}
	n1, n2, n3 := through("n1"), through("n2"), through("n3")
	for i := range 8 {
		put(n1, "visits", i)
		put(n2, "config", fmt.Sprintf("v%d", i))
		read(n3, "visits")
	}
	for _, fault := range [][2]string{{"pause followers", "resume all"}, {"kill leader", "restart all"}, {"net drop=2%", "net drop=0%"}} {
		s.do(fault[0])
		s.do("wait elapsed 3s")
		s.do(fault[1])
		s.do("wait converged within=20s")
		for i := range 4 {
			put(n1, "visits", i)
			put(n2, "audit", fault[0])
			read(n3, "visits")
		}
	}
	old := s.Leader()
	s.do("partition leader | rest")
	s.do("wait leader in=rest within=20s")
	put(through(s.Leader()), "config", "v8")
	if value := read(through(old), "config"); value != "v7" {
		t.Fatalf("the old leader answered %s", value)
	}
	s.do("heal")
	s.do("wait converged within=20s")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return s.rec.String()
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
