package v2store

import (
	"strconv"
	"strings"

	"etcdsim/store"
)

// parseV1 understands a request of the v1 API: the tree seen as flat keys.
//
//	GET, HEAD     /v1/keys/KEY            a value, or the list of a directory
//	PUT, POST     /v1/keys/KEY            set; with prevValue test and set, and
//	                                      with an empty prevValue create
//	DELETE        /v1/keys/KEY
//	GET, HEAD     /v1/watch/KEY           wait for the next event of the key
//	POST          /v1/watch/KEY  index=N  wait for the first one since index N
//	GET, HEAD     /v1/leader, /v1/machines, /v1/stats/store
//
// Commands and errors are v2's; v1 cannot make or delete a directory, but makes
// those that a key needs. Other methods are not found, rather than not allowed.
func parseV1(r *store.HTTPRequest, now Time, m Member) Call {
	call := Call{v1: true, head: r.Method == "HEAD"}
	reads := r.Method == "GET" || call.head
	writes := r.Method == "PUT" || r.Method == "POST"

	if key, ok := strings.CutPrefix(r.Path, "/v1/keys/"); ok {
		call.Path = clean(key)
		switch {
		case reads:
			call.Kind = Read
			return call
		case writes:
			return call.set(r, now, m)
		case r.Method == "DELETE":
			call.Command = Command{Path: call.Path, Time: now}
			call.propose(MethodDelete)
			return call
		}
		return notFound()
	}
	if key, ok := strings.CutPrefix(r.Path, "/v1/watch/"); ok {
		call.Path = clean(key)
		if reads || r.Method == "POST" {
			return call.watch(r, m)
		}
		return notFound()
	}
	switch {
	case !reads:
		return notFound()
	case r.Path == "/v1/leader":
		return call.leader(m)
	case r.Path == "/v1/machines", r.Path == "/v1/peers":
		return getOnly(r, machines(m), "GET", "HEAD")
	case r.Path == "/v1/stats/store":
		call.Kind = ReadStats
		return call
	}
	return notFound()
}

// set reads the form of a write. Malformed escapes are ignored, as in etcd.
func (c Call) set(r *store.HTTPRequest, now Time, m Member) Call {
	form, _ := form(r)
	c.Command = Command{Path: c.Path, Value: form.Get("value"), Time: now}
	if c.Command.Value == "" {
		return answered(c.Refuse(&Error{Code: ValueRequired, Cause: "Set", Index: m.StoreIndex}, m))
	}
	if ttl := form.Get("ttl"); ttl != "" {
		seconds, err := strconv.Atoi(ttl)
		if err != nil {
			return answered(c.Refuse(&Error{Code: TTLNotNumber, Cause: "Set", Index: m.StoreIndex}, m))
		}
		c.Command.Expiration = now.add(int64(seconds))
	}
	if form.Has("prevValue") {
		if c.Command.PrevValue = form.Get("prevValue"); c.Command.PrevValue == "" {
			c.Command.PrevExist = ExistNo
		}
	}
	c.propose(MethodPut)
	return c
}

func (c Call) watch(r *store.HTTPRequest, m Member) Call {
	if r.Method == "POST" {
		form, _ := form(r)
		since, err := strconv.ParseUint(form.Get("index"), 10, 64)
		if err != nil {
			return answered(c.Refuse(&Error{Code: IndexNotNumber, Cause: "Watch From Index", Index: m.StoreIndex}, m))
		}
		c.Since = since
	}
	c.Kind = Wait
	return c
}

func (c Call) leader(m Member) Call {
	if m.Leader == "" {
		return answered(c.Refuse(&Error{Code: DuringElection, Index: m.StoreIndex}, m))
	}
	return answered(c.respond(200, []store.HTTPField{sniffed}, []byte(m.Leader)))
}

// replyV1 renders a success. A write shows its own index, a read the store's.
func (c *Call) replyV1(r Result, m Member) store.HTTPResult {
	index := m.StoreIndex
	if c.Kind == Propose {
		index = 0
	}
	return c.respond(200, []store.HTTPField{sniffed}, appendV1(nil, r.Event, index))
}

// appendV1 appends the event as v1 shows it: an object, or for a directory the
// array of what is in it. An index of 0 stands for that of the node.
func appendV1(b []byte, e *Event, index uint64) []byte {
	o := object{b: b}
	if !e.Node.Dir {
		flatten(&o, e, e.Node, index)
		return o.b
	}
	o.b = append(o.b, '[')
	for i, n := range e.Node.Nodes {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		// Listings show neither TTL nor previous value.
		listed := Node{Key: n.Key, Value: n.Value, HasValue: n.HasValue, Dir: n.Dir, Modified: n.Modified}
		flatten(&o, &Event{Action: e.Action}, &listed, index)
	}
	return append(o.b, ']')
}

func flatten(o *object, e *Event, n *Node, index uint64) {
	action := e.Action.String()
	switch e.Action {
	case ActionCreate, ActionCompareAndSwap:
		action = "testAndSet"
	}
	had := e.PrevNode != nil && e.PrevNode.HasValue
	if index == 0 {
		index = n.Modified
	}
	o.open()
	o.text("action", action)
	o.text("key", n.Key)
	o.flag("dir", n.Dir)
	if had {
		o.text("prevValue", e.PrevNode.Value)
	}
	if n.HasValue {
		o.text("value", n.Value)
	}
	o.flag("newKey", e.Action == ActionSet && !had)
	o.expiration(n.Expiration, n.TTL)
	o.uint("index", index)
	o.close()
}
