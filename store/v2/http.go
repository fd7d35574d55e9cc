package v2store

import (
	"net/url"
	"strconv"
	"strings"
)

// Request is an HTTP request as the front sees it.
type Request struct {
	Method string
	// Path is decoded and without the query.
	Path string
	// Query and Body are URL-encoded. As with Go's net/http, a body counts only
	// in a PUT, POST or PATCH, and there its fields come before the query's.
	Query, Body string
}

// Response is the answer.
type Response struct {
	Status int
	Header []Field
	// Body is empty in the answer to a HEAD.
	Body []byte
}

// Field is one header field.
type Field struct{ Name, Value string }

// Get returns the value of a header field; empty if there is none. Names are
// compared exactly, in the spelling of this package.
func (r *Response) Get(name string) string {
	for _, f := range r.Header {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// Member is what the member that answers knows of itself and of its cluster.
type Member struct {
	// ClusterID, RaftIndex (committed) and RaftTerm are shown in v2's headers.
	ClusterID, RaftIndex, RaftTerm uint64
	// StoreIndex is the index of the member's store when it answers.
	StoreIndex uint64
	// Leader is the leader's peer URL, which /v1/leader answers with; empty
	// during an election. Machines are the client URLs of all members.
	Leader   string
	Machines []string
}

// Call is a request that was understood.
type Call struct {
	// Kind says who answers; the fields below belong to kinds.
	Kind Kind
	// Answer is the response to Answered.
	Answer Response
	// Command is what to Propose.
	Command Command
	// Path is what to Read or Wait for. A Wait with Since 0 is for the next event.
	Path              string
	Recursive, Stream bool
	Since             uint64

	// How the answer shall look.
	v1, head, noValue bool
}

// Kind is what has to be done to answer a Call.
type Kind uint8

// The kinds.
const (
	// Answered is complete: the request was refused, or asked of the member alone.
	Answered Kind = iota
	// Propose goes through the log: Reply with what Apply returned.
	Propose
	// Read is of this member's store: Reply with what Get returned.
	Read
	// Wait opens a watch: answer with Open, then with Chunk for each event, or
	// with Refuse if there is no watch.
	Wait
	// ReadStats asks for the store's counters: answer with Counters.
	ReadStats
)

// Parse understands a request of either API. now is the clock of the member that
// received it; it becomes the command's time, and TTLs count from it.
func Parse(r Request, now Time, m Member) Call {
	switch {
	case strings.HasPrefix(r.Path, v2Keys+"/"), r.Path == v2Keys:
		return parseV2(r, now, m)
	case r.Path == "/v2/stats/store":
		return getOnly(r, Call{Kind: ReadStats}, "GET")
	case r.Path == "/v2/machines":
		return getOnly(r, machines(m), "GET", "HEAD")
	case strings.HasPrefix(r.Path, "/v1/"):
		return parseV1(r, now, m)
	}
	return notFound()
}

// Serve answers a call on a single store, as a cluster of one would that commits
// at once: it is the whole protocol in one place. For a Wait it also returns the
// watcher, from which the events of the body come.
func (c *Call) Serve(s *Store, now Time, m Member) (Response, *Watcher) {
	m.StoreIndex = s.Index()
	switch c.Kind {
	case Propose:
		result := s.Apply(c.Command)
		m.StoreIndex = result.Index
		return c.Reply(result, m), nil
	case Read:
		return c.Reply(s.Get(c.Path, c.Recursive, now), m), nil
	case Wait:
		w, err := s.Watch(c.Path, c.Recursive, c.Stream, c.Since)
		if err != nil {
			return c.Refuse(err, m), nil
		}
		return c.Open(w, m), w
	case ReadStats:
		return c.Counters(s.Stats()), nil
	}
	return c.Answer, nil
}

// Reply renders the outcome of a Propose or Read.
func (c *Call) Reply(r Result, m Member) Response {
	switch {
	case r.Err != nil:
		return c.Refuse(r.Err, m)
	case c.v1:
		return c.replyV1(r, m)
	}
	return c.replyV2(r, m)
}

// Refuse renders an error of the store, or one of [Unavailable].
func (c *Call) Refuse(err *Error, m Member) Response {
	if c.v1 && c.Kind == Wait {
		// v1 does not say why there can be no watch.
		err = &Error{Code: ClientInternal, Cause: clean(c.Path), Index: err.Index}
	}
	var header []Field
	if !c.v1 {
		header = append(header, clusterID(m))
	}
	header = append(header,
		Field{"Content-Type", "application/json"},
		Field{"X-Etcd-Index", strconv.FormatUint(err.Index, 10)})
	return c.respond(err.Code.Status(), header, append(err.AppendJSON(nil), '\n'))
}

// Unavailable is the error with which a member answers if the log did not take
// the command, or not in time; cause is the text of the reason.
func Unavailable(cause string) *Error { return &Error{Code: RaftInternal, Cause: cause} }

// Open renders how the answer to a Wait begins. v2 sends it before there is an
// event; the body follows in chunks.
func (c *Call) Open(w *Watcher, m Member) Response {
	if c.v1 {
		return c.respond(200, []Field{sniffed}, nil)
	}
	return c.respond(200, headerV2(w.StartIndex(), m), nil)
}

// Chunk renders one event of a Wait; v1 shows the member's index in it.
func (c *Call) Chunk(e *Event, m Member) []byte {
	switch {
	case c.head:
		return nil
	case c.v1:
		return appendV1(nil, e, m.StoreIndex)
	}
	return append(e.AppendJSON(nil), '\n')
}

// Counters renders the answer to ReadStats.
func (c *Call) Counters(st Stats) Response {
	return c.respond(200, []Field{{"Content-Type", "application/json"}}, st.AppendJSON(nil))
}

func (c *Call) respond(status int, header []Field, body []byte) Response {
	if c.head {
		body = nil
	}
	return Response{Status: status, Header: header, Body: body}
}

// sniffed is the content type that Go's net/http finds in a body whose handler
// gave none, JSON included.
var sniffed = Field{"Content-Type", "text/plain; charset=utf-8"}

func clusterID(m Member) Field {
	return Field{"X-Etcd-Cluster-Id", strconv.FormatUint(m.ClusterID, 16)}
}

// answered makes the call whose response is known.
func answered(r Response) Call { return Call{Kind: Answered, Answer: r} }

// plain is a response as Go's http.Error makes it.
func plain(status int, text string, header ...Field) Response {
	return Response{
		Status: status,
		Header: append(header, sniffed, Field{"X-Content-Type-Options", "nosniff"}),
		Body:   []byte(text + "\n"),
	}
}

func notFound() Call { return answered(plain(404, "404 page not found")) }

func machines(m Member) Call {
	return answered(Response{Status: 200, Header: []Field{sniffed}, Body: []byte(strings.Join(m.Machines, ", "))})
}

// getOnly passes the call if the request's method is one of those allowed.
func getOnly(r Request, c Call, allowed ...string) Call {
	for _, method := range allowed {
		if r.Method == method {
			if c.head = method == "HEAD"; c.head {
				c.Answer.Body = nil
			}
			return c
		}
	}
	return answered(plain(405, "Method Not Allowed", Field{"Allow", strings.Join(allowed, ",")}))
}

// form returns the fields of the body, then those of the query.
func (r *Request) form() (url.Values, error) {
	form := url.Values{}
	var first error
	read := func(encoded string) {
		fields, err := url.ParseQuery(encoded)
		if first == nil {
			first = err
		}
		for name, values := range fields { // unordered: each name has its own list
			form[name] = append(form[name], values...)
		}
	}
	switch r.Method {
	case "POST", "PUT", "PATCH":
		read(r.Body)
	}
	read(r.Query)
	return form, first
}
