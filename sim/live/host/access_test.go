package host_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"etcdsim/sim/live/host"
	"etcdsim/sim/live/rpc"
)

// startWith starts a host of one's own.
func startWith(t *testing.T, cfg host.Config) *started {
	t.Helper()
	s := &started{t: t}
	cfg.Seed, cfg.Speed = seed, 1
	s.open(cfg)
	t.Cleanup(s.end)
	return s
}

// Who may come over HTTP, by which name and from which page, is etcd's business and may
// be narrowed.
func TestAccess(t *testing.T) {
	open := startWith(t, host.Config{})
	narrow := startWith(t, host.Config{Access: host.Access{Origins: []string{"http://good"}, Hosts: []string{"localhost", "127.0.0.1"}}})
	wide := startWith(t, host.Config{Access: host.Access{Origins: []string{"http://good", "*"}, Hosts: []string{"x", "*"}}})
	for _, tt := range []struct {
		name                  string
		s                     *started
		method, path          string
		host, origin, allowed string
		status                int
	}{
		{"any page", open, "GET", "/health", "evil.example", "http://bad", "*", 200},
		{"a question before a request", open, "OPTIONS", "/v3/kv/range", "x", "http://bad", "*", 200},
		{"the old path of the gateway", open, "POST", "/v3beta/kv/range", "x", "", "*", 200},
		{"a page that may", narrow, "GET", "/health", "localhost:1", "http://good", "http://good", 200},
		{"a page that may not", narrow, "GET", "/health", "localhost", "http://bad", "", 200},
		{"no page", narrow, "PUT", "/v2/keys/k?value=v", "127.0.0.1:1", "", "", 201},
		{"any page and any name, among others", wide, "GET", "/health", "evil.example", "http://bad", "*", 200},
		{"a name that was redirected", narrow, "GET", "/health", "evil.example:1", "http://good", "", 421},
	} {
		r, err := http.NewRequestWithContext(soon(t), tt.method, tt.s.URLs()[0]+tt.path, strings.NewReader(`{"key":"aw=="}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = tt.host
		r.Header.Set("Origin", tt.origin)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := resp.Header.Get("Access-Control-Allow-Origin"); resp.StatusCode != tt.status || got != tt.allowed {
			t.Errorf("%s: %d, allowed for %q; want %d, %q", tt.name, resp.StatusCode, got, tt.status, tt.allowed)
		}
	}
}

// Without the gateway there is no JSON, but everything else.
func TestNoGateway(t *testing.T) {
	s := startWith(t, host.Config{NoGateway: true})
	if status, _ := ask(t, http.DefaultClient, http.MethodPost, s.URLs()[0]+"/v3/kv/range", `{"key":"aw=="}`); status != http.StatusNotFound {
		t.Errorf("the gateway answers %d", status)
	}
	if status, text := ask(t, http.DefaultClient, http.MethodGet, s.URLs()[0]+"/health", ""); status != http.StatusOK {
		t.Errorf("health: %d %s", status, text)
	}
}

// A client that does not answer pings is let go, and one that pings too often is sent away.
func TestKeepalive(t *testing.T) {
	s := startWith(t, host.Config{Keepalive: rpc.Keepalive{MinTime: time.Hour, Interval: time.Second, Timeout: 100 * time.Millisecond}})
	often := frame(frameHeaders, endHeaders, 1, call) + strings.Repeat(frame(framePing, 0, 0, "pingpong"), 5)
	for name, tt := range map[string]struct{ says, hears string }{
		"who is silent":       {"", "\x00\x00\x08\x06\x00"}, // a ping
		"who pings too often": {often, "too_many_pings"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", s.Endpoints()[0])
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			if _, err := io.WriteString(conn, preface+frame(frameSettings, 0, 0, "")+tt.says); err != nil {
				t.Fatal(err)
			}
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			heard, err := io.ReadAll(conn)
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() || !strings.Contains(string(heard), tt.hears) {
				t.Errorf("it hears %q, %v", heard, err)
			}
		})
	}
}

// A connection has so many streams; one more waits until another ends.
func TestMaxStreams(t *testing.T) {
	k := newKeyring(t)
	for name, tt := range map[string]struct {
		cfg         host.Config
		credentials credentials.TransportCredentials
	}{
		"in the clear": {host.Config{}, insecure.NewCredentials()},
		"under TLS":    {host.Config{TLS: k.info}, credentials.NewTLS(k.trust())},
	} {
		t.Run(name, func(t *testing.T) {
			tt.cfg.MaxStreams = 2
			s := startWith(t, tt.cfg)
			conn, err := grpc.NewClient(s.Endpoints()[0], grpc.WithTransportCredentials(tt.credentials))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			exhaust(t, conn, 2)
		})
	}
}

// exhaust opens so many streams on a connection, and finds out that there is no room for
// another before one of them ends.
func exhaust(t *testing.T, conn *grpc.ClientConn, most int) {
	t.Helper()
	watching, leave := context.WithCancel(soon(t))
	defer leave()
	for range most {
		w, err := pb.NewWatchClient(conn).Watch(watching)
		if err != nil {
			t.Fatal(err)
		}
		create := &pb.WatchCreateRequest{Key: []byte("k")}
		if err := w.Send(&pb.WatchRequest{RequestUnion: &pb.WatchRequest_CreateRequest{CreateRequest: create}}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	patience := soon(t)
	answered := make(chan error, 1)
	go func() {
		_, err := pb.NewKVClient(conn).Range(patience, &pb.RangeRequest{Key: []byte("k")})
		answered <- err
	}()
	select {
	case err := <-answered:
		t.Errorf("one more stream is served: %v", err)
	case <-time.After(50 * time.Millisecond):
		leave()
		if err := <-answered; err != nil {
			t.Errorf("a stream for which there is room again: %v", err)
		}
	}
}
