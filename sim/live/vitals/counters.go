package vitals

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

// Counters count what a member's process was asked. The zero value has counted
// nothing. It may be used from any goroutine.
type Counters struct {
	mu sync.Mutex
	// clients are requests by their type and the version that the client tells;
	// handled are answers.
	clients map[Client]uint64
	handled map[Handled]uint64
}

// Client says what kind of client asked, and how.
type Client struct {
	// Type is unary or stream, Version that of the client's API or "unknown".
	Type, Version string
}

// Clients say of themselves which version they have, whatever they like. Beyond so many
// versions, each of so many bytes at most, it is "other".
const (
	mostVersions = 100
	longVersion  = 100
)

// Handled says what was answered: a method of a service, of a type (unary,
// server_stream, bidi_stream), and the name of gRPC's code.
type Handled struct{ Service, Method, Type, Code string }

// Asked counts a request.
func (c *Counters) Asked(by Client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.clients == nil {
		c.clients = make(map[Client]uint64)
	}
	if _, known := c.clients[by]; !known && (len(c.clients) >= mostVersions || len(by.Version) > longVersion) {
		by.Version = "other"
	}
	c.clients[by]++
}

// Answered counts an answer.
func (c *Counters) Answered(h Handled) { c.add(h, 1) }

// Expect makes an answer known that has not been given yet: it counts 0.
func (c *Counters) Expect(h Handled) { c.add(h, 0) }

func (c *Counters) add(h Handled, n uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.handled == nil {
		c.handled = make(map[Handled]uint64)
	}
	c.handled[h] += n
}

// write prints the counters as metrics.
func (c *Counters) write(w io.Writer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var clients, handled []string
	for by, n := range c.clients { // unordered: sorted below
		clients = append(clients, fmt.Sprintf("etcd_server_client_requests_total{client_api_version=%q,type=%q} %d\n", by.Version, by.Type, n))
	}
	for h, n := range c.handled { // unordered: sorted below
		handled = append(handled, fmt.Sprintf("grpc_server_handled_total{grpc_code=%q,grpc_method=%q,grpc_service=%q,grpc_type=%q} %d\n",
			h.Code, h.Method, h.Service, h.Type, n))
	}
	section := func(name, help string, lines []string) {
		slices.Sort(lines)
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s counter\n%s", name, help, name, strings.Join(lines, ""))
	}
	section("etcd_server_client_requests_total", "The total number of client requests per client version.", clients)
	section("grpc_server_handled_total", "Total number of RPCs completed on the server, regardless of success or failure.", handled)
}
