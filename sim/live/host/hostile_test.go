package host_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
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

// Requests of a hundred mebibytes are refused in words, after little of them was taken
// in.
func TestHugeRequests(t *testing.T) {
	k := newKeyring(t)
	plain, secure := start(t), startSecured(t, k.info)
	for _, tt := range []struct {
		name, url, method string
		client            *http.Client
		begin, want       string
		status            int
	}{
		{"gateway", plain.URLs()[0] + "/v3/kv/put", "POST", http.DefaultClient, `{"key":"aw==","value":"`, "too large", 400},
		{"gateway, a stream", plain.URLs()[0] + "/v3/watch", "POST", http.DefaultClient, `{"create_request":{"key":"`, "too large", 400},
		{"gateway over TLS", secure.URLs()[0] + "/v3/kv/put", "POST", browser(t, k.trust(), true), `{"key":"aw==","value":"`, "too large", 400},
		{"gateway, renewals", plain.URLs()[0] + "/v3/lease/keepalive", "POST", http.DefaultClient, `{"ID":"`, "too large", 400},
		{"v2", plain.URLs()[0] + "/v2/keys/k", "PUT", http.DefaultClient, "value=", "the request is too large", 413},
		{"v1", plain.URLs()[0] + "/v1/keys/k", "POST", http.DefaultClient, "value=", "the request is too large", 413},
		{"who takes no body", plain.URLs()[0] + "/health", "GET", http.DefaultClient, "", `"health":"true"`, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const size = 100 << 20
			body := &counted{r: io.MultiReader(strings.NewReader(tt.begin), io.LimitReader(letters{}, size))}
			r, err := http.NewRequestWithContext(soon(t), tt.method, tt.url, body)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			resp, err := tt.client.Do(r)
			runtime.ReadMemStats(&after)
			allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
			t.Logf("%d MiB were sent, %d MiB allocated on the way", body.n.Load()>>20, allocated)
			if sent := body.n.Load() >> 20; allocated > 64 || sent > 32 {
				t.Errorf("%d MiB were taken in, and %d MiB allocated", sent, allocated)
			}
			if err != nil {
				// The connection was closed while the client still sent: it never looked for the answer.
				if !strings.Contains(err.Error(), "reset by peer") && !strings.Contains(err.Error(), "broken pipe") {
					t.Error(err)
				}
				return
			}
			defer func() { _ = resp.Body.Close() }()
			text, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != tt.status || !strings.Contains(string(text), tt.want) {
				t.Errorf("%d %s, want %d %s", resp.StatusCode, text, tt.status, tt.want)
			}
		})
	}
}

// Nonsense to a method in which both sides speak is told; the documented requests are
// served.
func TestNonsenseInDialogues(t *testing.T) {
	s := start(t)
	for _, tt := range []struct{ path, body, want string }{
		{"/v3/watch", "nonsense", `"code":3`},
		{"/v3/watch", `{"create_request":{"key":5}}`, `"code":3`},
		{"/v3/watch", `{"create_request":`, `"code":3`},
		{"/v3/lease/keepalive", `{"ID":"x"}`, `"code":3`},
		{"/v3/lease/keepalive", `{"ID":"7"}`, `"ID":"7"`},
		{"/v3/lease/keepalive", ``, ``},
	} {
		status, text := ask(t, http.DefaultClient, http.MethodPost, s.URLs()[0]+tt.path, tt.body)
		if want := strings.Contains(tt.want, "code"); !strings.Contains(strings.ReplaceAll(text, " ", ""), tt.want) || (status == 400) != want {
			t.Errorf("%s %q: %d %s, want %s", tt.path, tt.body, status, text, tt.want)
		}
	}
}

// Each message of a dialogue may be as large as a request; all of them together may be
// larger.
func TestLongDialogue(t *testing.T) {
	s := start(t)
	message := `{"ID":"7","unknown":"` + strings.Repeat("A", 1<<20) + `"}`
	status, text := ask(t, http.DefaultClient, http.MethodPost, s.URLs()[0]+"/v3/lease/keepalive", strings.Repeat(message, 5))
	if n := strings.Count(text, `"ID"`); status != http.StatusOK || n != 5 {
		t.Errorf("%d: %d answers to 5 messages: %s", status, n, text)
	}
}

// A call with more metadata than anybody needs is refused.
func TestHugeMetadata(t *testing.T) {
	s := start(t)
	kv := pb.NewKVClient(s.client(s.Endpoints()[0]).ActiveConnection())
	for size, want := range map[int]codes.Code{32 << 10: codes.OK, 128 << 10: codes.Internal} {
		ctx := metadata.AppendToOutgoingContext(soon(t), "x", strings.Repeat("9", size))
		if _, err := kv.Range(ctx, &pb.RangeRequest{Key: []byte("k")}); status.Code(err) != want {
			t.Errorf("%d bytes: %v, want %v", size, err, want)
		}
	}
}

// letters are letters without end.
type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'A'
	}
	return len(p), nil
}

// counted counts what is read.
type counted struct {
	r io.Reader
	n atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// frame returns a frame of HTTP/2 (RFC 9113, section 4.1).
func frame(kind, flags byte, stream uint32, payload string) string {
	n := len(payload)
	b := []byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags, byte(stream >> 24), byte(stream >> 16), byte(stream >> 8), byte(stream)}
	return string(b) + payload
}

// Frames of HTTP/2, and how a call of gRPC begins in the encoding of headers (RFC 7541).
const (
	frameHeaders, frameReset, frameSettings, framePing, frameContinuation = 1, 3, 4, 6, 9
	endStream, endHeaders                                                 = 1, 4

	preface  = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	callPath = "/etcdserverpb.KV/Range"
	call     = "\x83\x86\x04" + string(rune(len(callPath))) + callPath + "\x01\x01x\x0f\x10\x10application/grpc\x00\x02te\x08trailers"
)

// Floods of HTTP/2 frames that cost their sender little do not cost others anything.
func TestFloods(t *testing.T) {
	s := start(t)
	c := s.client(s.Endpoints()[0])
	calm, _ := s.rounds(c, 50)
	for name, next := range map[string]func(i uint32) string{
		"rapid reset": func(i uint32) string { // CVE-2023-44487
			return frame(frameHeaders, endHeaders|endStream, 2*i+1, call) + frame(frameReset, 0, 2*i+1, "\x00\x00\x00\x08")
		},
		"calls": func(i uint32) string { return frame(frameHeaders, endHeaders, 2*i+1, call) },
		"pings": func(uint32) string { return frame(framePing, 0, 0, "pingpong") },
		"continuations": func(i uint32) string { // CVE-2023-45288
			if i == 0 {
				return frame(frameHeaders, 0, 1, call)
			}
			return frame(frameContinuation, 0, 1, "\x00\x01a\x01b")
		},
		"settings": func(uint32) string { return frame(frameSettings, 0, 0, "") },
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", s.Endpoints()[0])
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			const frames = 20_000
			done := make(chan uint32, 1)
			go func() {
				out := bufio.NewWriter(conn)
				_, err := out.WriteString(preface + frame(frameSettings, 0, 0, ""))
				i := uint32(0)
				for ; i < frames && err == nil; i++ {
					_, err = out.WriteString(next(i))
				}
				_ = out.Flush()
				done <- i
			}()
			go func() { _, _ = io.Copy(io.Discard, conn) }()
			busy, longest := s.rounds(c, 50)
			_ = conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
			sent := <-done
			grown := memory()
			t.Logf("%d frames were taken; a put took %v before, %v beside them (at most %v); %d MiB in use",
				sent, calm, busy, longest, grown>>20)
			if longest > 5*time.Second || grown > 512<<20 {
				t.Errorf("a put took %v, and %d MiB are in use", longest, grown>>20)
			}
		})
	}
	if err := s.Driver.Err(); err != nil {
		t.Error(err)
	}
}

// A server that is closed while clients work lets go of all of them, whatever they are
// at, in the clear and under TLS.
func TestCloseUnderLoad(t *testing.T) {
	k := newKeyring(t)
	for name, begin := range map[string]func() *started{
		"in the clear": func() *started { return start(t) },
		"under TLS":    func() *started { return startSecured(t, k.info) },
	} {
		t.Run(name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			s := begin()
			closeUnderLoad(t, s, k.trust())
			for range 200 {
				if runtime.NumGoroutine() <= before+2 {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
			stacks := make([]byte, 1<<16)
			t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		})
	}
}

// parting reports whether a call may end so when its server goes: with what gRPC says of
// it, with etcd's word, with the client's patience, or, of a watch, with its end.
func parting(err error) bool {
	var refused rpctypes.EtcdError
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, io.EOF):
		return true
	case errors.As(err, &refused):
		return refused.Code() == codes.Unavailable
	}
	return slices.Contains([]codes.Code{codes.Unavailable, codes.Canceled, codes.DeadlineExceeded}, status.Code(err))
}

func closeUnderLoad(t *testing.T, s *started, trust *tls.Config) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	web := &http.Transport{TLSClientConfig: trust, ForceAttemptHTTP2: true}
	secured := strings.HasPrefix(s.URLs()[0], "https")
	var wg sync.WaitGroup
	var clients []*clientv3.Client
	var begun sync.WaitGroup
	// Each of these goes on until the server is gone.
	client := func(c *clientv3.Client, i int) func() error {
		if i%2 == 0 {
			events := c.Watch(ctx, "k", clientv3.WithPrefix())
			return func() error {
				w, ok := <-events
				if !ok {
					return io.EOF
				}
				return w.Err()
			}
		}
		return func() error {
			patience, stop := context.WithTimeout(ctx, 200*time.Millisecond)
			defer stop()
			_, err := c.Put(patience, fmt.Sprint("k", i), "v")
			return err
		}
	}
	visitor := func(i int) func() error {
		path, method := "/health", http.MethodGet
		switch i % 3 {
		case 1:
			path = "/v2/keys/none?wait=true" // an answer that never comes
		case 2:
			path, method = "/v3/watch", http.MethodPost
		}
		return func() error {
			r, err := http.NewRequestWithContext(ctx, method, s.URLs()[i%3]+path, strings.NewReader(`{"create_request":{"key":"aw=="}}`))
			if err != nil {
				return err
			}
			resp, err := web.RoundTrip(r)
			if err != nil {
				return err
			}
			defer func() { _ = resp.Body.Close() }()
			_, err = io.Copy(io.Discard, resp.Body)
			return err
		}
	}
	for i := range 24 {
		begun.Add(1)
		var next func() error
		if i < 16 {
			var c *clientv3.Client
			if secured {
				c = s.secured(trust, s.Endpoints()[i%3])
			} else {
				c = s.client(s.Endpoints()[i%3])
			}
			clients = append(clients, c)
			next = client(c, i)
		} else {
			next = visitor(i)
		}
		wg.Go(func() {
			begun.Done()
			var err error
			for ctx.Err() == nil && err == nil {
				err = next()
			}
			if i < 16 && !parting(err) { // those of HTTP see their connections end
				t.Errorf("client %d is told %v", i, err)
			}
		})
	}
	begun.Wait()
	time.Sleep(50 * time.Millisecond)
	began := time.Now()
	s.end()
	s.ended = true
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("closing took %v", took)
	}
	// Watchers of the client library try again for ever; they and what else waits are told.
	cancel()
	gone := make(chan struct{})
	go func() { wg.Wait(); close(gone) }()
	select {
	case <-gone:
	case <-time.After(5 * time.Second):
		t.Error("clients still wait for a server that has gone")
	}
	for _, c := range clients {
		if err := c.Close(); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	web.CloseIdleConnections()
}
