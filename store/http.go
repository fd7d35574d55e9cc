package store

import (
	"strconv"
	"strings"
)

// The older APIs. etcd's v2 and v1 speak HTTP, and their tree of keys is a store
// of its own beside the key-values. Package store/v2 gives these requests their
// meaning; here they are text and bytes.

// HTTPRequest is a request in the shape of HTTP, to the older APIs. One that waits
// is best asked over a stream, so that the member learns when nobody waits any
// more.
type HTTPRequest struct {
	Method string
	// Path is decoded and without the query.
	Path string
	// Query and Body are as they travel: URL-encoded forms, or for /v2/members JSON.
	Query, Body string
}

// HTTPField is one field of a header.
type HTTPField struct{ Name, Value string }

// HTTPResult answers an HTTPRequest. Over a stream it may come in parts: the
// status and the header first, then pieces of the body.
type HTTPResult struct {
	// Status is 0 in every part but the first.
	Status int
	Header []HTTPField
	Body   string
	// More: another part follows, perhaps much later.
	More bool
}

// Get returns the value of a header field; empty if there is none. Names are
// compared exactly, in the spelling of package store/v2.
func (r *HTTPResult) Get(name string) string {
	for _, f := range r.Header {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// OlderRequest carries a command of the older store through the log, encoded as
// package store/v2 does it. Members propose it; clients do not send it.
type OlderRequest struct{ Command string }

// OlderResult answers an OlderRequest.
type OlderResult struct {
	// Index is that of the older store after the command.
	Index uint64
	// Text is the event that it caused, or the error that refused it, as v2 shows
	// them. Nodes that expired have a line each.
	Text string
}

func (*HTTPRequest) isRequest()  {}
func (*OlderRequest) isRequest() {}
func (*HTTPResult) isResult()    {}
func (*OlderResult) isResult()   {}

// mixOlder folds an answer of the older APIs into a hash.
func mixOlder(h uint64, result Result) uint64 {
	switch res := result.(type) {
	case *HTTPResult:
		h = mixWords(h, uint64(kindHTTP), uint64(res.Status), bit(res.More), uint64(len(res.Header)))
		for _, f := range res.Header {
			h = MixString(MixString(h, f.Name), f.Value)
		}
		return MixString(h, res.Body)
	case *OlderResult:
		return MixString(mixWords(h, uint64(kindOlder), res.Index), res.Text)
	}
	return h
}

// describeOlder prints "PUT /v2/keys/a?prevExist=true value=1".
func describeOlder(b *strings.Builder, req Request) {
	switch req := req.(type) {
	case *HTTPRequest:
		b.WriteString(req.Method + " " + Text(req.Path))
		if req.Query != "" {
			b.WriteString("?" + Text(req.Query))
		}
		if req.Body != "" {
			b.WriteString(" " + Text(req.Body))
		}
	case *OlderRequest:
		b.WriteString("older command of " + strconv.Itoa(len(req.Command)) + " bytes")
	}
}

func describeOlderResult(b *strings.Builder, result Result) {
	switch res := result.(type) {
	case *HTTPResult:
		describeNumber(b, " = ", int64(res.Status))
		if body := strings.TrimSpace(res.Body); body != "" {
			b.WriteString(" " + body)
		}
	case *OlderResult:
		describeNumber(b, " = index ", int64(res.Index))
		b.WriteString(" " + strings.TrimSpace(res.Text))
	}
}
