package endpoint

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"

	"etcdsim/sim/live"
	"etcdsim/store"
)

// Config says where members are reached, and what answers there.
type Config struct {
	// Address returns the host and port of a member. Port 0 means any.
	Address func(id uint64) string
	// Process returns what answers for a member's process that begins.
	Process func(id uint64) (Process, error)
	// TLS, if not nil, is what all connections are secured with.
	TLS *tls.Config
	// MaxConns bounds the connections of a member; 0 means DefaultMaxConns.
	MaxConns int
	// MaxStreams bounds what a client of HTTP/2 over TLS asks at a time on one
	// connection; without TLS that is gRPC's own business. 0 means net/http's default.
	MaxStreams int
	// Introduction is how long a client may take to say who it is, to shake hands, and to
	// send the header of a request; 0 means DefaultIntroduction.
	Introduction time.Duration
	// Idleness is how long a connection of HTTP/1, or of HTTP/2 over TLS, is kept on which
	// nothing is asked; 0 means DefaultIdleness.
	Idleness time.Duration
	// Failed, if not nil, is told of what cannot be helped: a port that somebody else
	// took while its member was down.
	Failed func(error)
}

// Process is what answers for a member's process.
type Process struct {
	// GRPC is a new server, for clients that speak HTTP/2, HTTP answers the others.
	GRPC *grpc.Server
	HTTP http.Handler
	// Close, if not nil, frees what both hold when the process has ended.
	Close func()
}

// Limits of a member's connections, unless its Config has others.
const (
	DefaultMaxConns     = 20_000
	DefaultIntroduction = 30 * time.Second
	DefaultIdleness     = 5 * time.Minute
)

// Endpoints are the addresses of all members.
type Endpoints struct {
	cfg Config

	mu      sync.Mutex
	members []*endpoint
	closed  bool
	serving bool
	// pending are changes that were not followed yet, changed that there are some, and
	// settled that there are none.
	pending []change
	busy    bool
	changed *sync.Cond
	done    chan struct{}
}

type change struct {
	id uint64
	c  live.Condition
}

// endpoint is the address of one member.
type endpoint struct {
	id       uint64
	address  string
	listener net.Listener // reserved or served, or nil
	running  *process
}

// process is what serves a member between its start and its end.
type process struct {
	incarnation uint32
	tls         *tls.Config // or nil
	patience    time.Duration
	listener    net.Listener
	gate        *gate
	grpc        *grpc.Server
	http        *http.Server
	grpcConns   *handoff
	httpConns   *handoff
	closing     func() // or nil
}

// Reserve listens for the members 1 to n. Nobody answers before Serve.
func Reserve(n int, cfg Config) (*Endpoints, error) {
	cfg.MaxConns = cmp.Or(cfg.MaxConns, DefaultMaxConns)
	cfg.Introduction = cmp.Or(cfg.Introduction, DefaultIntroduction)
	cfg.Idleness = cmp.Or(cfg.Idleness, DefaultIdleness)
	e := &Endpoints{cfg: cfg, done: make(chan struct{})}
	e.changed = sync.NewCond(&e.mu)
	for id := uint64(1); id <= uint64(n); id++ {
		if _, err := e.reserve(id); err != nil {
			e.Close()
			return nil, err
		}
	}
	return e, nil
}

func (e *Endpoints) reserve(id uint64) (*endpoint, error) {
	for uint64(len(e.members)) < id {
		e.members = append(e.members, nil)
	}
	if m := e.members[id-1]; m != nil {
		return m, nil
	}
	l, err := net.Listen("tcp", e.cfg.Address(id))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", store.MemberName(id), err)
	}
	m := &endpoint{id: id, address: l.Addr().String(), listener: l}
	e.members[id-1] = m
	return m, nil
}

// Reserve listens for one more member and returns its address.
func (e *Endpoints) Reserve(id uint64) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, err := e.reserve(id)
	if err != nil {
		return "", err
	}
	return m.address, nil
}

// Address returns the host and port of a member, or "" if it has none.
func (e *Endpoints) Address(id uint64) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if id == 0 || id > uint64(len(e.members)) || e.members[id-1] == nil {
		return ""
	}
	return e.members[id-1].address
}

// Addresses returns those of all members, in the order of their IDs.
func (e *Endpoints) Addresses() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []string
	for _, m := range e.members {
		if m != nil {
			all = append(all, m.address)
		}
	}
	return all
}

// Watch is to be called when a member looks different from outside; it returns at
// once. It fits live.Config.
func (e *Endpoints) Watch(id uint64, c live.Condition) {
	e.mu.Lock()
	e.pending = append(e.pending, change{id, c})
	e.mu.Unlock()
	e.changed.Broadcast()
}

// Serve begins to follow the changes.
func (e *Endpoints) Serve() {
	e.serving = true
	go e.follow()
}

// Settle waits until all changes so far are followed.
func (e *Endpoints) Settle() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for (len(e.pending) > 0 || e.busy) && !e.closed {
		e.changed.Wait()
	}
}

func (e *Endpoints) follow() {
	defer close(e.done)
	e.mu.Lock()
	defer e.mu.Unlock()
	for {
		for len(e.pending) == 0 && !e.closed {
			e.changed.Wait()
		}
		if e.closed {
			return
		}
		next := e.pending[0]
		e.pending = e.pending[1:]
		m, err := e.reserve(next.id)
		e.busy = true
		e.mu.Unlock()
		if err == nil {
			err = e.adapt(m, next.c)
		}
		if err != nil && e.cfg.Failed != nil {
			e.cfg.Failed(err)
		}
		e.mu.Lock()
		e.busy = false
		e.changed.Broadcast()
	}
}

// adapt makes a member look as it should.
func (e *Endpoints) adapt(m *endpoint, c live.Condition) error {
	if p := m.running; p != nil && (!c.Up || p.incarnation != c.Incarnation) {
		m.running, m.listener = nil, nil
		p.end()
	}
	switch {
	case c.Up && m.running == nil:
		if err := e.start(m, c.Incarnation); err != nil {
			return err
		}
	case !c.Up && m.listener != nil && c.Incarnation > 0:
		_ = m.listener.Close() // reserved, and its process ended at once
		m.listener = nil
	}
	if m.running != nil {
		m.running.gate.set(c.Silent)
	}
	return nil
}

// A port that was in use a moment ago may need a moment.
const (
	listenTries = 50
	listenPause = 20 * time.Millisecond
)

func (e *Endpoints) start(m *endpoint, incarnation uint32) error {
	for i := 0; m.listener == nil; i++ {
		l, err := net.Listen("tcp", m.address)
		if err == nil {
			m.listener = l
			break
		}
		if i == listenTries {
			return fmt.Errorf("%s cannot listen any more: %w", store.MemberName(m.id), err)
		}
		time.Sleep(listenPause)
	}
	answers, err := e.cfg.Process(m.id)
	if err != nil {
		return fmt.Errorf("%s: %w", store.MemberName(m.id), err)
	}
	p := &process{
		incarnation: incarnation, tls: e.cfg.TLS, patience: e.cfg.Introduction, listener: m.listener, gate: newGate(),
		grpc: answers.GRPC, closing: answers.Close,
		grpcConns: newHandoff(m.listener.Addr()), httpConns: newHandoff(m.listener.Addr()),
	}
	p.http = &http.Server{
		Handler: answers.HTTP, ReadHeaderTimeout: e.cfg.Introduction, IdleTimeout: e.cfg.Idleness, MaxHeaderBytes: 1 << 16,
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: e.cfg.MaxStreams},
		ErrorLog: log.New(io.Discard, "", 0), // clients that talk nonsense are their own business
	}
	if p.tls != nil {
		p.http.Handler = divided(answers)
	}
	m.running = p
	go func() { _ = p.grpc.Serve(p.grpcConns) }()
	go func() { _ = p.http.Serve(p.httpConns) }()
	go p.accept(e.cfg.MaxConns)
	return nil
}

// divided gives gRPC's requests to its server and all others to the HTTP handler. Over
// TLS clients agree on HTTP/2 for everything, and one connection may carry both.
func divided(answers Process) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			answers.GRPC.ServeHTTP(w, r)
			return
		}
		answers.HTTP.ServeHTTP(w, r)
	})
}

// accept takes connections in until the process ends.
func (p *process) accept(most int) {
	for {
		n, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(time.Millisecond) // out of files, most likely
			continue
		}
		c := p.gate.admit(n, most)
		if c == nil {
			_ = n.Close()
			continue
		}
		go p.introduce(c)
	}
}

// introduce finds out who a client wants to speak to. Over TLS that is seen with each
// request; the HTTP server shakes hands, and tells those off who speak in the clear.
func (p *process) introduce(c *conn) {
	if p.tls != nil {
		p.httpConns.give(tls.Server(c, p.tls))
		return
	}
	http2, err := c.speaksHTTP2(p.patience)
	switch {
	case err != nil:
		_ = c.Close()
	case http2:
		p.grpcConns.give(c)
	default:
		p.httpConns.give(c)
	}
}

// end ends the process for its clients.
func (p *process) end() {
	_ = p.listener.Close()
	p.gate.end()
	_ = p.http.Close()
	p.grpc.Stop()
	if p.closing != nil {
		p.closing()
	}
}

// Close ends all. Addresses are free again when it returns.
func (e *Endpoints) Close() {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return
	}
	e.closed = true
	e.mu.Unlock()
	e.changed.Broadcast()
	if e.serving {
		<-e.done
	}
	for _, m := range e.members {
		switch {
		case m == nil:
		case m.running != nil:
			m.running.end()
		case m.listener != nil:
			_ = m.listener.Close()
		}
	}
}

// Procfile returns etcd's own addresses on a host, as in its Procfile: ports 2379,
// 22379, 32379 and so on in steps of 10000, and then any.
func Procfile(host string) func(id uint64) string {
	const first, step, last = 2379, 10_000, 62379
	return func(id uint64) string {
		port := uint64(first)
		if id > 1 {
			port += id * step
		}
		if port > last {
			port = 0
		}
		return net.JoinHostPort(host, strconv.FormatUint(port, 10))
	}
}
