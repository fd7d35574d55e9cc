package host_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Whatever comes to a port, other clients do not notice.
func TestGarbage(t *testing.T) {
	s := start(t)
	for _, text := range []string{
		"", "\x00", "PRI * HTTP/2.0\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		"GET / HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", strings.Repeat("A", 1<<20),
		"GET /health HTTP/1.1\r\n" + strings.Repeat("X: y\r\n", 1<<15), "POST /health HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", s.Endpoints()[0])
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_, _ = conn.Write([]byte(text)) // who speaks nonsense may be cut off in the middle
	}
	if _, err := s.client(s.Endpoints()[0]).Put(soon(t), "k", "v"); err != nil {
		t.Error(err)
	}
}

// raw sends bytes instead of messages.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error)      { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v any) error { *v.(*[]byte) = data; return nil }
func (raw) Name() string                       { return "proto" }

// Messages that are none, and messages that are too large, are refused with a code.
func TestMalformedMessages(t *testing.T) {
	s := start(t)
	conn := s.client(s.Endpoints()[0]).ActiveConnection()
	var out []byte
	huge := make([]byte, 100<<20)
	for _, c := range []struct {
		name string
		in   []byte
		code codes.Code
	}{
		{"a tag without a value", []byte{0x0a}, codes.Internal},
		{"a length beyond the end", []byte{0x0a, 0xff, 0x01, 'k'}, codes.Internal},
		{"an endless number", []byte{0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, codes.Internal},
		{"100 MiB", huge, codes.ResourceExhausted},
	} {
		err := conn.Invoke(soon(t), pb.KV_Put_FullMethodName, &c.in, &out, grpc.ForceCodec(raw{}), grpc.MaxCallSendMsgSize(1<<30))
		if status.Code(err) != c.code {
			t.Errorf("%s: %v, want %v", c.name, err, c.code)
		}
	}
	err := conn.Invoke(soon(t), "/etcdserverpb.KV/Nothing", &[]byte{}, &out, grpc.ForceCodec(raw{}))
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("a method that does not exist: %v", err)
	}
}

// Many connections that say nothing cost little, and clients still get through.
func TestIdleConnections(t *testing.T) {
	s := start(t)
	const idle = 500
	for range idle {
		conn, err := net.Dial("tcp", s.Endpoints()[0])
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
	}
	if _, err := s.client(s.Endpoints()[0]).Put(soon(t), "k", "v"); err != nil {
		t.Error(err)
	}
}

// A watcher that reads nothing while much happens makes the server keep a bounded
// amount, and neither writers nor other watchers wait for it.
func TestSlowWatcher(t *testing.T) {
	s := startAt(t, 10)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	slow, err := pb.NewWatchClient(s.client(s.Endpoints()[0]).ActiveConnection()).Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	create := &pb.WatchCreateRequest{Key: []byte("k")}
	if err := slow.Send(&pb.WatchRequest{RequestUnion: &pb.WatchRequest_CreateRequest{CreateRequest: create}}); err != nil {
		t.Fatal(err)
	}
	if _, err := slow.Recv(); err != nil { // it was created; now it sleeps
		t.Fatal(err)
	}
	c := s.client(s.Endpoints()[0])
	quick := c.Watch(ctx, "k")
	const puts, size = 200, 64 << 10
	value := strings.Repeat("v", size)
	for range puts {
		if _, err := c.Put(soon(t), "k", value); err != nil {
			t.Fatal(err)
		}
	}
	for seen := 0; seen < puts; {
		seen += len((<-quick).Events)
	}
	for seen, last := 0, int64(0); seen < puts; {
		resp, err := slow.Recv()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range resp.Events {
			if e.Kv.ModRevision <= last {
				t.Fatalf("revision %d after %d", e.Kv.ModRevision, last)
			}
			last = e.Kv.ModRevision
			seen++
		}
	}
}

// A server that is closed while clients work lets go of all of them.
func TestCloseUnderLoad(t *testing.T) {
	before := runtime.NumGoroutine()
	s := start(t)
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var clients []*clientv3.Client
	for i := range 16 {
		c := s.client(s.Endpoints()[i%3])
		clients = append(clients, c)
		wg.Go(func() {
			for k := 0; ctx.Err() == nil; k++ {
				patience, stop := context.WithTimeout(ctx, 200*time.Millisecond)
				_, err := c.Put(patience, fmt.Sprint("k", i), "v")
				stop()
				if err != nil && k > 0 {
					return
				}
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	began := time.Now()
	s.end()
	s.ended = true
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("closing took %v", took)
	}
	wg.Wait()
	for _, c := range clients {
		if err := c.Close(); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	for range 100 {
		if runtime.NumGoroutine() <= before+2 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	stacks := make([]byte, 1<<16)
	t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}
