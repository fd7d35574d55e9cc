package host_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"etcdsim/scenarios"
	"etcdsim/scenarios/report"
	"etcdsim/sim/cluster"
	"etcdsim/sim/live/host"
)

const seed = 7

// started is a host with its recording.
type started struct {
	*host.Host
	t     *testing.T
	rec   bytes.Buffer
	ended bool
}

func start(t *testing.T) *started {
	t.Helper()
	return startAt(t, 1)
}

// startAt starts a host whose time passes so many times as fast as real time.
func startAt(t *testing.T, speed float64) *started {
	t.Helper()
	s := &started{t: t}
	s.open(host.Config{
		Seed: seed, Speed: speed,
		Options: scenarios.Options{Settings: []scenarios.Setting{{Section: "node", Name: "tick", Value: "10ms"}}},
	})
	t.Cleanup(s.end)
	return s
}

// open starts the host on any ports, with a recording.
func (s *started) open(cfg host.Config) {
	s.t.Helper()
	cfg.Record, cfg.Failed = &s.rec, func(err error) { s.t.Error(err) }
	cfg.Address = func(uint64) string { return "127.0.0.1:0" }
	var err error
	if s.Host, err = host.Start(cfg); err != nil {
		s.t.Fatal(err)
	}
}

// end closes the host and compares the session with its replay.
func (s *started) end() {
	if s.ended {
		return
	}
	if err := s.Close(); err != nil {
		s.t.Fatal(err)
	}
	judged(s.t, s.replay())
}

// replay plays the recording.
func (s *started) replay() *scenarios.Result {
	s.t.Helper()
	r, err := scenarios.Replay("session", s.rec.String())
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// judged fails the test if a judge objects.
func judged(t *testing.T, r *scenarios.Result) {
	t.Helper()
	if r.Outcome != scenarios.Pass {
		var text strings.Builder
		_ = report.Text(&text, r, report.Style{})
		t.Error(text.String())
	}
}

func (s *started) client(endpoints ...string) *clientv3.Client {
	s.t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: endpoints, Logger: zap.NewNop(), DialTimeout: 10 * time.Second})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

func (s *started) do(statement string) {
	s.t.Helper()
	if _, err := s.Do(s.t.Context(), statement); err != nil {
		s.t.Fatal(err)
	}
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// What is written through one member is read through the others.
func TestKeysThroughEveryMember(t *testing.T) {
	s := start(t)
	for i, endpoint := range s.Endpoints() {
		c := s.client(endpoint)
		put, err := c.Put(soon(t), "k", fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		if put.Header.MemberId != uint64(i+1) || put.Header.ClusterId == 0 || put.Header.RaftTerm == 0 {
			t.Errorf("the header says %v", put.Header)
		}
		for _, other := range s.Endpoints() {
			got, err := s.client(other).Get(soon(t), "k")
			if err != nil || string(got.Kvs[0].Value) != fmt.Sprint(i) || got.Header.Revision != put.Header.Revision {
				t.Fatalf("%v, %v", got, err)
			}
		}
	}
	members, err := s.client(s.Endpoints()...).MemberList(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range members.Members {
		if len(m.ClientURLs) != 1 || m.ClientURLs[0] != s.URLs()[i] {
			t.Errorf("%s says that clients reach it at %v, not at %s", m.Name, m.ClientURLs, s.URLs()[i])
		}
	}
}

// A member that has died refuses connections, and is back at its address after
// its start.
func TestDeadMember(t *testing.T) {
	s := start(t)
	address := s.Endpoints()[0]
	idle, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	s.do("kill n1")
	if _, err := idle.Read(make([]byte, 1)); err == nil {
		t.Error("a connection to the dead process still says something")
	}
	if _, err := net.Dial("tcp", address); !isRefused(err) {
		t.Errorf("connecting to a dead member: %v", err)
	}
	if _, err := s.client(s.Endpoints()[1:]...).Put(soon(t), "k", "meanwhile"); err != nil {
		t.Fatal(err)
	}
	s.do("start n1")
	got, err := s.client(address).Get(soon(t), "k")
	if err != nil || string(got.Kvs[0].Value) != "meanwhile" {
		t.Errorf("%v, %v", got, err)
	}
}

func isRefused(err error) bool {
	return err != nil && strings.Contains(err.Error(), syscall.ECONNREFUSED.Error())
}

// A member that is paused or cut off says nothing, and goes on where it was.
func TestSilentMember(t *testing.T) {
	for _, verbs := range [][2]string{{"pause", "resume n3"}, {"isolate", "heal"}} {
		t.Run(verbs[0], func(t *testing.T) {
			s := start(t)
			c := s.client(s.Endpoints()[2])
			if _, err := c.Put(soon(t), "k", "before"); err != nil {
				t.Fatal(err)
			}
			s.do(verbs[0] + " n3")
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			if _, err := c.Get(ctx, "k", clientv3.WithSerializable()); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a silent member answered %v", err)
			}
			s.do(verbs[1])
			if got, err := c.Get(soon(t), "k"); err != nil || string(got.Kvs[0].Value) != "before" {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

// The client library's locks, elections and leases work, and a watcher sees what
// happens in order although its member dies.
func TestClientLibrary(t *testing.T) {
	s := startAt(t, 10)
	c := s.client(s.Endpoints()...)
	ctx := soon(t)
	session, err := concurrency.NewSession(c, concurrency.WithTTL(300))
	if err != nil {
		t.Fatal(err)
	}
	mutex := concurrency.NewMutex(session, "lock")
	if err := mutex.Lock(ctx); err != nil {
		t.Fatal(err)
	}
	election := concurrency.NewElection(session, "election")
	if err := election.Campaign(ctx, "me"); err != nil {
		t.Fatal(err)
	}
	watch := c.Watch(clientv3.WithRequireLeader(ctx), "k", clientv3.WithPrefix())
	for i := range 30 {
		if i == 10 {
			leader := uint64(0)
			_ = s.Driver.Inspect(ctx, func(c *cluster.Cluster) { leader = c.Leader() })
			s.do(fmt.Sprintf("kill n%d", leader))
		}
		for {
			if _, err := c.Put(ctx, fmt.Sprint("k", i), "v"); err == nil {
				break
			} else if ctx.Err() != nil {
				t.Fatal(err)
			}
		}
	}
	last := int64(0)
	seen := map[string]bool{}
	for len(seen) < 30 {
		w := <-watch
		if w.Err() != nil {
			t.Fatal(w.Err())
		}
		for _, e := range w.Events {
			if e.Kv.ModRevision <= last {
				t.Fatalf("revision %d after %d", e.Kv.ModRevision, last)
			}
			last, seen[string(e.Kv.Key)] = e.Kv.ModRevision, true
		}
	}
	if err := mutex.Unlock(ctx); err != nil {
		t.Fatal(err)
	}
}

// Errors have etcd's codes and texts.
func TestRefusals(t *testing.T) {
	s := start(t)
	kv := pb.NewKVClient(s.client(s.Endpoints()...).ActiveConnection())
	for _, c := range []struct {
		text string
		code codes.Code
		ask  func(context.Context) error
	}{
		{"etcdserver: key is not provided", codes.InvalidArgument, func(ctx context.Context) error {
			_, err := kv.Put(ctx, &pb.PutRequest{})
			return err
		}},
		{"etcdserver: requested lease not found", codes.NotFound, func(ctx context.Context) error {
			_, err := kv.Put(ctx, &pb.PutRequest{Key: []byte("k"), Lease: 99})
			return err
		}},
		{"etcdserver: mvcc: required revision is a future revision", codes.OutOfRange, func(ctx context.Context) error {
			_, err := kv.Range(ctx, &pb.RangeRequest{Key: []byte("k"), Revision: 99})
			return err
		}},
		{"etcdserver: request is too large", codes.InvalidArgument, func(ctx context.Context) error {
			_, err := kv.Put(ctx, &pb.PutRequest{Key: []byte("k"), Value: make([]byte, 3<<19)})
			return err
		}},
		{"received message larger than max", codes.ResourceExhausted, func(ctx context.Context) error {
			_, err := kv.Put(ctx, &pb.PutRequest{Key: []byte("k"), Value: make([]byte, 5<<19)})
			return err
		}},
		{"etcdserver: key not found", codes.InvalidArgument, func(ctx context.Context) error {
			_, err := kv.Txn(ctx, &pb.TxnRequest{Success: []*pb.RequestOp{{}}})
			return err
		}},
	} {
		err := c.ask(soon(t))
		if st := status.Convert(err); st.Code() != c.code || !strings.Contains(st.Message(), c.text) {
			t.Errorf("got %v, want %v %s", err, c.code, c.text)
		}
	}
}
