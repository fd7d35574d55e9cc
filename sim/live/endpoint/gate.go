package endpoint

import (
	"net"
	"sync"
	"time"
)

// gate is what the connections of a member pass. While it is shut they are
// silent.
type gate struct {
	mu     sync.Mutex
	opened *sync.Cond
	shut   bool
	conns  map[*conn]struct{}
	// ended: the process is gone, and with it its connections.
	ended bool
}

func newGate() *gate {
	g := &gate{conns: make(map[*conn]struct{})}
	g.opened = sync.NewCond(&g.mu)
	return g
}

// set shuts the gate or opens it.
func (g *gate) set(shut bool) {
	g.mu.Lock()
	g.shut = shut
	g.mu.Unlock()
	g.opened.Broadcast()
}

// end resets all connections, as the kernel of a process that died does.
func (g *gate) end() {
	g.mu.Lock()
	g.ended = true
	conns := g.conns
	g.conns = nil
	g.mu.Unlock()
	g.opened.Broadcast()
	for c := range conns { // unordered: they are independent
		c.reset()
	}
}

// admit takes a new connection in. It returns nil if the process is gone or has
// as many as it takes.
func (g *gate) admit(n net.Conn, most int) *conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended || len(g.conns) >= most {
		return nil
	}
	c := &conn{Conn: n, gate: g}
	g.conns[c] = struct{}{}
	return c
}

// conn is a connection through a gate.
type conn struct {
	net.Conn
	gate *gate
	// first are bytes that were read to see who speaks.
	first  []byte
	closed bool // guarded by the gate
}

// pass waits until the gate is open.
func (c *conn) pass() error {
	g := c.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.shut && !g.ended && !c.closed {
		g.opened.Wait()
	}
	if g.ended || c.closed {
		return net.ErrClosed
	}
	return nil
}

// Read returns what has arrived once the gate is open.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(p, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	n, err := c.Conn.Read(p)
	if passed := c.pass(); passed != nil {
		return 0, passed
	}
	return n, err
}

// Write sends once the gate is open.
func (c *conn) Write(p []byte) (int, error) {
	if err := c.pass(); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// Close closes the connection, and frees whoever waits on it.
func (c *conn) Close() error {
	g := c.gate
	g.mu.Lock()
	c.closed = true
	delete(g.conns, c)
	g.mu.Unlock()
	g.opened.Broadcast()
	return c.Conn.Close()
}

// reset closes the connection without the usual farewell.
func (c *conn) reset() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Conn.Close()
}

// preface is what a client that speaks HTTP/2 says first (RFC 9113, section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// speaksHTTP2 reads as much as it takes to see whether the client speaks HTTP/2.
func (c *conn) speaksHTTP2(patience time.Duration) (bool, error) {
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return false, err
	}
	var buf [len(preface)]byte
	n := 0
	for n < len(buf) && string(buf[:n]) == preface[:n] {
		read, err := c.Read(buf[n:])
		n += read
		if err != nil {
			return false, err
		}
	}
	c.first = append([]byte(nil), buf[:n]...)
	return string(buf[:n]) == preface, c.SetReadDeadline(time.Time{})
}
