package endpoint

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"etcdsim/sim/live"
	"etcdsim/sim/live/pki"
)

// opened is the endpoint of one member that answers every request of HTTP with its path,
// unless it was configured otherwise.
type opened struct {
	*Endpoints
	t *testing.T
}

func open(t *testing.T, cfg Config) opened {
	t.Helper()
	cfg.Address = func(uint64) string { return "127.0.0.1:0" }
	if cfg.Process == nil {
		cfg.Process = func(uint64) (Process, error) {
			return Process{GRPC: grpc.NewServer(), HTTP: http.HandlerFunc(echo)}, nil
		}
	}
	cfg.Failed = func(err error) { t.Error(err) }
	e, err := Reserve(1, cfg)
	if err != nil {
		t.Fatal(err)
	}
	o := opened{e, t}
	t.Cleanup(e.Close)
	e.Serve()
	o.look(live.Condition{Up: true, Incarnation: 1})
	return o
}

func echo(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	fmt.Fprintf(w, "%s %d %v", r.URL.Path, n, err)
}

func (o opened) look(c live.Condition) {
	o.Watch(1, c)
	o.Settle()
}

func (o opened) dial() net.Conn {
	o.t.Helper()
	c, err := net.Dial("tcp", o.Address(1))
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

// secured returns what TLS of a server and of its clients is made of.
func secured(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	a, err := pki.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Server("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(p.Cert, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12},
		&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12} //nolint:gosec // whom it speaks to is not the question
}

// fault says how a connection ended: closed, reset or not at all.
func fault(c net.Conn) string {
	_, err := io.Copy(io.Discard, c)
	var timeout net.Error
	switch {
	case err == nil:
		return "closed"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "open"
	}
	return "reset"
}

// Clients that dawdle are let go once their time is over, whatever they dawdle with;
// until then, others are served.
func TestDawdlers(t *testing.T) {
	server, _ := secured(t)
	for name, tt := range map[string]struct {
		tls  *tls.Config
		says string // all at once; the rest never comes
	}{
		"who says nothing":              {nil, ""},
		"half a preface":                {nil, preface[:10]},
		"half a header":                 {nil, "GET / HTTP/1.1\r\nHost: x\r\nX-A: "},
		"TLS: who says nothing":         {server, ""},
		"TLS: half a handshake":         {server, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"},
		"who has asked, and stays":      {nil, "GET /first HTTP/1.1\r\nHost: x\r\n\r\n"},
		"who has asked, and goes on in": {nil, "GET /first HTTP/1.1\r\nHost: x\r\n\r\nGET /sec"},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t, Config{TLS: tt.tls, Introduction: 100 * time.Millisecond, Idleness: 100 * time.Millisecond})
			c := o.dial()
			if _, err := io.WriteString(c, tt.says); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if how := fault(c); how == "open" {
				t.Errorf("the connection is still there after %v", time.Since(began))
			}
		})
	}
}

// Who sends a byte now and then does not gain time by it, and costs others none.
func TestSlowloris(t *testing.T) {
	const many, pause = 50, 100 * time.Millisecond
	o := open(t, Config{Introduction: 2 * pause})
	var wg sync.WaitGroup
	for _, tt := range []struct{ begins, drips string }{
		{"", preface},
		{"GET / HTTP/1.1\r\nHost: x\r\nX-A: ", strings.Repeat("a", len(preface))},
	} {
		for range many {
			c := o.dial()
			wg.Go(func() {
				_, err := io.WriteString(c, tt.begins)
				for i := 0; i < len(tt.drips) && err == nil; i++ {
					_, err = io.WriteString(c, tt.drips[i:i+1])
					time.Sleep(pause)
				}
				if err == nil {
					t.Errorf("who began with %q was listened to for %v", tt.begins, time.Duration(len(tt.drips))*pause)
				}
			})
		}
	}
	began := time.Now()
	if text := get(t, o.dial(), "/quick"); text != "/quick 0 <nil>" {
		t.Errorf("another: %q", text)
	}
	quick := time.Since(began)
	wg.Wait()
	t.Logf("%d clients were let go after %v; another was answered in %v", 2*many, time.Since(began), quick)
}

// A member takes so many connections; more are closed at once, until others go.
func TestMaxConns(t *testing.T) {
	o := open(t, Config{MaxConns: 2})
	first, second := o.dial(), o.dial()
	for _, c := range []net.Conn{first, second} {
		if text := get(t, c, "/a"); !strings.Contains(text, "/a 0 <nil>") {
			t.Errorf("one of those that there is room for: %q", text)
		}
	}
	if how := fault(o.dial()); how == "open" {
		t.Error("one more is taken")
	}
	_ = first.Close()
	for i := 0; ; i++ {
		c := o.dial()
		if _, err := io.WriteString(c, "GET /b HTTP/1.0\r\n\r\n"); err == nil {
			if text, _ := io.ReadAll(c); bytes.Contains(text, []byte("/b 0 <nil>")) {
				return
			}
		}
		if i == 100 {
			t.Fatal("there is no room although one has gone")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// get asks over a connection that stays.
func get(t *testing.T, c net.Conn, path string) string {
	t.Helper()
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	text, _ := io.ReadAll(r.Body)
	return string(text)
}

// A process that begins at once after another has ended is another one to its clients:
// connections do not outlive the first.
func TestNextProcess(t *testing.T) {
	o := open(t, Config{})
	c := o.dial()
	if text := get(t, c, "/a"); text != "/a 0 <nil>" {
		t.Errorf("the first: %q", text)
	}
	o.look(live.Condition{Up: true, Incarnation: 2})
	if how := fault(c); how != "reset" {
		t.Errorf("a connection to the first is %s", how)
	}
	if text := get(t, o.dial(), "/b"); text != "/b 0 <nil>" {
		t.Errorf("the second: %q", text)
	}
}

// What a member has to say while it is silent is said when it no longer is.
func TestSilence(t *testing.T) {
	arrived, speak := make(chan struct{}), make(chan struct{})
	o := open(t, Config{Process: func(uint64) (Process, error) {
		return Process{GRPC: grpc.NewServer(), HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(arrived)
			<-speak
			echo(w, r)
		})}, nil
	}})
	c := o.dial()
	if _, err := io.WriteString(c, "GET /a HTTP/1.0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-arrived
	o.look(live.Condition{Up: true, Silent: true, Incarnation: 1})
	close(speak)
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if how := fault(c); how != "open" {
		t.Errorf("a silent member answers, or its connection is %s", how)
	}
	o.look(live.Condition{Up: true, Incarnation: 1})
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if text, err := io.ReadAll(c); err != nil || !strings.HasSuffix(string(text), "/a 0 <nil>") {
		t.Errorf("afterwards: %q, %v", text, err)
	}
}

// Nonsense is answered in HTTP where that could be meant, and the connection is closed.
func TestNonsense(t *testing.T) {
	server, client := secured(t)
	plain, under := open(t, Config{}), open(t, Config{TLS: server})
	for _, tt := range []struct{ says, answer string }{
		{"\x00\x01\x02\r\n\r\n", "HTTP/1.1 400 Bad Request"},
		{"GET / HTTP/9.9\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported"},
		{"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request"}, // without a host
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", "HTTP/1.1 400 Bad Request"},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 400 Bad Request"},
		{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "invalid byte in chunk length"},
		{"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", 1<<17) + "\r\n\r\n", "431 Request Header Fields Too Large"},
		{"GET /" + strings.Repeat("y", 1<<17) + " HTTP/1.1\r\nHost: x\r\n\r\n", "431 Request Header Fields Too Large"},
		{preface + "\xff\xff\xff\xff\xff\xff\xff\xff\xff", ""},
		{preface + strings.Repeat("\x00\x00\x00\x04\x00\x00\x00\x00\x00", 3) + "\x00\x40\x01\x00\x00\x00\x00\x00\x01", ""},
	} {
		for name, dial := range map[string]func() net.Conn{
			"in the clear": plain.dial,
			"under TLS":    func() net.Conn { return tls.Client(under.dial(), client) },
		} {
			c := dial()
			go func() { _, _ = io.WriteString(c, tt.says) }() // who is cut off in the middle sees that when it reads
			if half, ok := c.(interface{ CloseWrite() error }); ok {
				defer func() { _ = half.CloseWrite() }()
			}
			var text bytes.Buffer
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			_, err := io.Copy(&text, io.LimitReader(c, 1<<10))
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				t.Errorf("%s, %.40q: the connection stays", name, tt.says)
			}
			if !strings.Contains(text.String(), tt.answer) {
				t.Errorf("%s, %.40q: %q, want %s", name, tt.says, text.String(), tt.answer)
			}
		}
	}
	if text := get(t, plain.dial(), "/after"); text != "/after 0 <nil>" {
		t.Errorf("afterwards: %q", text)
	}
}

// The end of a process takes everything along that its clients made it begin.
func TestEndLeavesNothing(t *testing.T) {
	server, client := secured(t)
	before := runtime.NumGoroutine()
	for name, cfg := range map[string]Config{"in the clear": {}, "under TLS": {TLS: server}} {
		o := open(t, cfg)
		for i := range 40 {
			c := o.dial()
			if cfg.TLS != nil && i%2 == 0 {
				c = tls.Client(c, client)
			}
			switch i % 4 {
			case 1:
				_, _ = io.WriteString(c, preface)
			case 2:
				_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx")
			case 3:
				_, _ = io.WriteString(c, "GET")
			}
		}
		o.look(live.Condition{Up: true, Silent: true, Incarnation: 1})
		o.look(live.Condition{Up: true, Incarnation: 2})
		o.look(live.Condition{Incarnation: 2})
		if _, err := net.Dial("tcp", o.Address(1)); err == nil {
			t.Errorf("%s: a process that has ended takes connections", name)
		}
		o.Close()
	}
	for i := 0; runtime.NumGoroutine() > before; i++ {
		if i == 200 {
			stacks := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// FuzzIntroduction: who speaks HTTP/2 is told from who does not by the preface alone, and
// no byte of what was read to see it is lost.
func FuzzIntroduction(f *testing.F) {
	for _, text := range []string{
		"", "P", "PRI * HTTP/2.0\r\n", preface, preface + "\x00\x00\x00\x04\x00", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r", "GET / HTTP/1.1\r\n\r\n",
	} {
		f.Add([]byte(text), uint8(3))
	}
	f.Fuzz(func(t *testing.T, text []byte, cut uint8) {
		ours, theirs := net.Pipe()
		short := strings.HasPrefix(preface, string(text)) && len(text) < len(preface)
		seen := make(chan struct{})
		go func() {
			at := min(int(cut), len(text)) // it may come in two pieces
			_, _ = theirs.Write(text[:at])
			_, _ = theirs.Write(text[at:])
			if !short {
				<-seen // a pipe that is closed takes no deadlines
			}
			_ = theirs.Close()
		}()
		c := newGate().admit(ours, 1)
		http2, err := c.speaksHTTP2(time.Minute)
		close(seen)
		if short != (err != nil) {
			t.Fatalf("%q: %v", text, err)
		}
		if err != nil {
			return
		}
		if http2 != strings.HasPrefix(string(text), preface) {
			t.Errorf("%q: speaks HTTP/2: %v", text, http2)
		}
		if all, err := io.ReadAll(c); err != nil || !bytes.Equal(all, text) {
			t.Errorf("%q arrived as %q, %v", text, all, err)
		}
	})
}

// FuzzClients: whatever clients say, in the clear or for a handshake, they are answered
// or let go, and nothing breaks.
func FuzzClients(f *testing.F) {
	server, _ := secured(f)
	hello, err := clientHello()
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{
		string(hello), string(hello[:40]), "\x15\x03\x01\x00\x02\x02\x28", "\x16\x03\x01\xff\xff\x01", "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "HEAD * HTTP/1.0\r\n\r\n", "\x80\x2e\x01",
		preface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" + "\x00\x00\x04\x01\x05\x00\x00\x00\x01\x82\x86\x84\x81",
		preface + "\x00\x00\x08\x06\x00\x00\x00\x00\x00pingpong",
	} {
		f.Add(true, []byte(text))
		f.Add(false, []byte(text))
	}
	var both [2]*process
	for i, c := range []*tls.Config{nil, server} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			f.Fatal(err)
		}
		e := &Endpoints{cfg: Config{
			TLS: c, MaxConns: 1000, Introduction: time.Second, Idleness: time.Second,
			Process: func(uint64) (Process, error) {
				return Process{GRPC: grpc.NewServer(), HTTP: http.HandlerFunc(echo)}, nil
			},
		}}
		m := &endpoint{id: 1, listener: l}
		if err := e.start(m, 1); err != nil {
			f.Fatal(err)
		}
		both[i] = m.running
		f.Cleanup(m.running.end)
	}
	f.Fuzz(func(t *testing.T, secure bool, text []byte) {
		p := both[0]
		if secure {
			p = both[1]
		}
		ours, theirs := net.Pipe()
		c := p.gate.admit(ours, 1000)
		if c == nil {
			t.Fatal("the connections of clients that have gone are still counted")
		}
		go p.introduce(c)
		go func() {
			_, _ = theirs.Write(text)
			time.Sleep(time.Millisecond) // for an answer
			_ = theirs.Close()
		}()
		_, _ = io.Copy(io.Discard, theirs)
	})
}

// clientHello returns how a client of TLS begins.
func clientHello() ([]byte, error) {
	ours, theirs := net.Pipe()
	defer func() { _ = ours.Close() }()
	go func() {
		_ = tls.Client(theirs, &tls.Config{ServerName: "localhost", MinVersion: tls.VersionTLS12}).Handshake()
	}()
	buf := make([]byte, 1<<12)
	n, err := ours.Read(buf)
	return buf[:n], err
}
