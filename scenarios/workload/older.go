package workload

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"etcdsim/checker/history"
	"etcdsim/node"
	"etcdsim/store"
)

// older is the life of a client that speaks the older APIs. It counts by comparing
// and swapping, waits for others to count on, puts into a queue and takes from it,
// writes keys that expire, and now and then speaks v1 and is sent to the leader.
func (l *Load) older(s *Session) {
	o := antique{load: l, s: s, seen: make([]olderNode, len(l.keys))}
	for l.more() {
		switch r := s.rand.Intn(16); {
		case r < 6:
			o.count()
		case r < 9:
			o.wait()
		case r < 11:
			o.enqueue()
		case r < 13:
			o.dequeue()
		case r < 15:
			o.mortal()
		default:
			o.v1()
		}
		if !l.stopped {
			s.Sleep(s.rand.Between(l.cfg.Think.Min, l.cfg.Think.Max))
		}
	}
}

// antique is a client of the older APIs.
type antique struct {
	load *Load
	s    *Session
	// seen is how this client last saw each counter; the zero value was not there.
	seen []olderNode
}

// olderNode is a node as v2 shows it.
type olderNode struct {
	Key, Value    string
	ModifiedIndex uint64
	Nodes         []olderNode
}

// olderAnswer is what a body of v2 says.
type olderAnswer struct {
	Node      olderNode
	ErrorCode int
}

// Codes of v2's errors that a client reacts to.
const (
	olderNotFound = 100
	olderConflict = 101
	olderExists   = 105
)

// count adds one to a counter, if it is as this client has last seen it; otherwise
// it looks first.
func (o *antique) count() {
	r := &o.s.rand
	i := r.Intn(len(o.seen))
	path := "/v2/keys/counters/" + o.load.keys[i]
	if o.seen[i].ModifiedIndex == 0 || r.Intn(4) == 0 {
		o.look(i, path)
	}
	was := o.seen[i]
	form := url.Values{}
	switch n, _ := strconv.Atoi(was.Value); {
	case was.ModifiedIndex == 0:
		form.Set("prevExist", "false")
		form.Set("value", "1")
	case r.Intn(2) == 0:
		form.Set("prevIndex", strconv.FormatUint(was.ModifiedIndex, 10))
		form.Set("value", strconv.Itoa(n+1))
	default:
		form.Set("prevValue", was.Value)
		form.Set("value", strconv.Itoa(n+1))
	}
	_, a := o.ask(OlderWrite, &store.HTTPRequest{Method: "PUT", Path: path, Body: form.Encode()})
	switch {
	case a.Node.Key != "":
		o.seen[i] = a.Node
	case a.ErrorCode == olderConflict, a.ErrorCode == olderExists, a.ErrorCode == olderNotFound:
		o.look(i, path)
	}
}

// look reads a counter: from the member, or with a quorum.
func (o *antique) look(i int, path string) {
	req := &store.HTTPRequest{Method: "GET", Path: path}
	if o.s.rand.Intn(2) == 0 {
		req.Query = "quorum=true"
	}
	switch _, a := o.ask(OlderRead, req); {
	case a.ErrorCode == olderNotFound:
		o.seen[i] = olderNode{}
	case a.Node.ModifiedIndex != 0:
		o.seen[i] = a.Node
	}
}

// wait waits for the next event of a counter after the one that this client has
// seen, or for any event of the next time.
func (o *antique) wait() {
	r := &o.s.rand
	i := r.Intn(len(o.seen))
	req := &store.HTTPRequest{Method: "GET", Path: "/v2/keys/counters/" + o.load.keys[i], Query: "wait=true"}
	switch seen := o.seen[i]; {
	case r.Intn(4) == 0:
		req.Path, req.Query = "/v2/keys/counters", "wait=true&recursive=true"
	case seen.ModifiedIndex != 0 && r.Intn(4) > 0:
		req.Query = "wait=true&waitIndex=" + strconv.FormatUint(seen.ModifiedIndex+1, 10)
	}
	if _, a := o.ask(OlderWait, req); strings.HasSuffix(req.Path, a.Node.Key) && a.Node.Value != "" {
		o.seen[i] = a.Node
	}
}

// enqueue puts something into the queue.
func (o *antique) enqueue() {
	value := strconv.FormatUint(o.s.cs.value(), 10)
	o.ask(OlderWrite, &store.HTTPRequest{Method: "POST", Path: "/v2/keys/queue", Body: "value=" + value})
}

// dequeue takes the first out of the queue, unless somebody else is faster.
func (o *antique) dequeue() {
	_, a := o.ask(OlderRead, &store.HTTPRequest{Method: "GET", Path: "/v2/keys/queue", Query: "sorted=true"})
	if len(a.Node.Nodes) == 0 {
		return
	}
	first := a.Node.Nodes[0]
	o.ask(OlderWrite, &store.HTTPRequest{
		Method: "DELETE", Path: "/v2/keys" + first.Key, Query: "prevIndex=" + strconv.FormatUint(first.ModifiedIndex, 10),
	})
}

// mortal writes a key that expires, gives it more time, or looks whether it is
// still there.
func (o *antique) mortal() {
	r := &o.s.rand
	path := "/v2/keys/mortal/" + o.load.keys[r.Intn(len(o.seen))]
	ttl := strconv.FormatInt(int64(r.Between(o.load.cfg.TTL.Min, o.load.cfg.TTL.Max)/time.Second), 10)
	switch r.Intn(4) {
	case 0:
		o.ask(OlderRead, &store.HTTPRequest{Method: "GET", Path: path})
	case 1:
		o.ask(OlderWrite, &store.HTTPRequest{Method: "PUT", Path: path, Body: "prevExist=true&refresh=true&ttl=" + ttl})
	default:
		value := strconv.FormatUint(o.s.cs.value(), 10)
		o.ask(OlderWrite, &store.HTTPRequest{Method: "PUT", Path: path, Body: "ttl=" + ttl + "&value=" + value})
	}
}

// v1 writes or reads a key by v1. A follower sends the writer to the leader.
func (o *antique) v1() {
	path := "/v1/keys/flat/" + o.load.keys[o.s.rand.Intn(len(o.seen))]
	if o.s.rand.Intn(3) == 0 {
		o.ask(OlderRead, &store.HTTPRequest{Method: "GET", Path: path})
		return
	}
	req := &store.HTTPRequest{Method: "PUT", Path: path, Body: "value=" + strconv.FormatUint(o.s.cs.value(), 10)}
	result, _ := o.ask(OlderWrite, req)
	if result.Status != 307 {
		return
	}
	u, err := url.Parse(result.Get("Location"))
	if err != nil {
		return
	}
	if id, err := strconv.ParseUint(strings.TrimPrefix(u.Hostname(), "n"), 10, 64); err == nil {
		o.s.member = id
		o.ask(OlderWrite, req)
	}
}

// ask makes a request and reads the answer. After a failure the client goes on
// with another member.
func (o *antique) ask(kind Kind, req *store.HTTPRequest) (result store.HTTPResult, a olderAnswer) {
	op := o.s.doHTTP(kind, req)
	res, ok := op.Response.Result.(*store.HTTPResult)
	if !ok {
		return result, a
	}
	// v1 answers in another form, and is not understood here.
	if err := json.Unmarshal([]byte(res.Body), &a); err != nil {
		a = olderAnswer{}
	}
	return *res, a
}

// doHTTP makes an HTTP request on a connection of its own, and puts the parts of the
// answer together. A connection that the client gives up is closed.
func (s *Session) doHTTP(kind Kind, req *store.HTTPRequest) history.Op {
	i := s.note(kind, req)
	id := s.op
	s.cs.c.Stream(s.addr, s.member, id, req)
	deadline := s.Now().Add(s.timeout)
	var whole store.HTTPResult
	var answer *node.Answer
	for {
		answer = s.await(deadline)
		if answer == nil || answer.Err != nil {
			break
		}
		part := answer.Result.(*store.HTTPResult)
		if part.Status != 0 {
			whole.Status, whole.Header = part.Status, part.Header
		}
		whole.Body += part.Body
		if !part.More {
			answer.Result = &whole
			break
		}
	}
	s.settle(&s.cs.ops[i], kind, answer)
	op := s.cs.ops[i]
	s.cs.c.HangUp(id)
	// Waiting in vain says nothing about the member.
	inVain := answer == nil && kind == OlderWait && whole.Status == 200
	if !inVain && (answer == nil || answer.Err != nil || whole.Status >= 500) {
		s.reconnect()
		s.Sleep(s.rand.Between(reconnectMin, reconnectMax))
	}
	return op
}

// outcomeHTTP is what a client knows after an answer of the older APIs: a status of
// 500 says that the log did not take the command in time, or may have.
func outcomeHTTP(kind Kind, r *store.HTTPResult) history.Outcome {
	switch {
	case r.Status < 500:
		return history.OK
	case kind.Writes():
		return history.Unknown
	}
	return history.Failed
}
