package v2store

import (
	"net/url"
	"strconv"
	"strings"

	"etcdsim/store"
)

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
	Answer store.HTTPResult
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
func Parse(r *store.HTTPRequest, now Time, m Member) Call {
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
func (c *Call) Serve(s *Store, now Time, m Member) (store.HTTPResult, *Watcher) {
	m.StoreIndex = s.Index()
	switch c.Kind {
	case Propose:
		return c.Reply(s.Apply(c.Command), m), nil
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
func (c *Call) Reply(r Result, m Member) store.HTTPResult {
	switch {
	case r.Err != nil:
		return c.Refuse(r.Err, m)
	case c.v1:
		return c.replyV1(r, m)
	}
	return c.replyV2(r, m)
}

// Refuse renders an error of the store, or one of [Unavailable].
func (c *Call) Refuse(err *Error, m Member) store.HTTPResult {
	if c.v1 && c.Kind == Wait {
		// v1 does not say why there can be no watch.
		err = &Error{Code: ClientInternal, Cause: clean(c.Path), Index: err.Index}
	}
	var header []store.HTTPField
	if !c.v1 {
		header = append(header, clusterID(m))
	}
	header = append(header,
		field("Content-Type", "application/json"),
		field("X-Etcd-Index", strconv.FormatUint(err.Index, 10)))
	return c.respond(err.Code.Status(), header, append(err.AppendJSON(nil), '\n'))
}

// Unavailable is the error with which a member answers if the log did not take
// the command, or not in time; cause is the text of the reason.
func Unavailable(cause string) *Error { return &Error{Code: RaftInternal, Cause: cause} }

// Open renders how the answer to a Wait begins. v2 sends it before there is an
// event; the body follows in chunks.
func (c *Call) Open(w *Watcher, m Member) store.HTTPResult {
	if c.v1 {
		return c.respond(200, []store.HTTPField{sniffed}, nil)
	}
	return c.respond(200, headerV2(w.StartIndex(), m), nil)
}

// Chunk renders one event of a Wait; v1 shows the member's index in it.
func (c *Call) Chunk(e *Event, m Member) string {
	switch {
	case c.head:
		return ""
	case c.v1:
		return string(appendV1(nil, e, m.StoreIndex))
	}
	return string(append(e.AppendJSON(nil), '\n'))
}

// Counters renders the answer to ReadStats.
func (c *Call) Counters(st Stats) store.HTTPResult {
	return c.respond(200, []store.HTTPField{field("Content-Type", "application/json")}, st.AppendJSON(nil))
}

func (c *Call) respond(status int, header []store.HTTPField, body []byte) store.HTTPResult {
	if c.head {
		body = nil
	}
	return store.HTTPResult{Status: status, Header: header, Body: string(body)}
}

// field is one of a header.
func field(name, value string) store.HTTPField { return store.HTTPField{Name: name, Value: value} }

// sniffed is the content type that Go's net/http finds in a body whose handler
// gave none, JSON included.
var sniffed = field("Content-Type", "text/plain; charset=utf-8")

func clusterID(m Member) store.HTTPField {
	return field("X-Etcd-Cluster-Id", strconv.FormatUint(m.ClusterID, 16))
}

// answered makes the call whose response is known.
func answered(r store.HTTPResult) Call { return Call{Kind: Answered, Answer: r} }

// plain is a response as Go's http.Error makes it.
func plain(status int, text string, header ...store.HTTPField) store.HTTPResult {
	return store.HTTPResult{
		Status: status,
		Header: append(header, sniffed, field("X-Content-Type-Options", "nosniff")),
		Body:   text + "\n",
	}
}

func notFound() Call { return answered(plain(404, "404 page not found")) }

func machines(m Member) Call {
	return answered(store.HTTPResult{Status: 200, Header: []store.HTTPField{sniffed}, Body: strings.Join(m.Machines, ", ")})
}

// getOnly passes the call if the request's method is one of those allowed.
func getOnly(r *store.HTTPRequest, c Call, allowed ...string) Call {
	for _, method := range allowed {
		if r.Method == method {
			if c.head = method == "HEAD"; c.head {
				c.Answer.Body = ""
			}
			return c
		}
	}
	return answered(plain(405, "Method Not Allowed", field("Allow", strings.Join(allowed, ","))))
}

// form returns the fields of the body, then those of the query. As with Go's net/http a
// body counts only in a PUT, POST or PATCH.
func form(r *store.HTTPRequest) (url.Values, error) {
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
