package v2store

import (
	"encoding/json"
	"strconv"
)

// The functions here write what encoding/json would make of etcd's types, field
// for field, without reflection.

// object appends the fields of a JSON object one by one.
type object struct {
	b     []byte
	comma bool
}

func (o *object) open() { o.b, o.comma = append(o.b, '{'), false }

func (o *object) close() { o.b, o.comma = append(o.b, '}'), true }

func (o *object) name(name string) {
	if o.comma {
		o.b = append(o.b, ',')
	}
	o.comma = true
	o.b = append(o.b, '"')
	o.b = append(o.b, name...)
	o.b = append(o.b, '"', ':')
}

func (o *object) text(name, value string) {
	o.name(name)
	o.b = appendQuoted(o.b, value)
}

func (o *object) uint(name string, v uint64) {
	o.name(name)
	o.b = strconv.AppendUint(o.b, v, 10)
}

// flag appends true, or nothing.
func (o *object) flag(name string, v bool) {
	if v {
		o.name(name)
		o.b = append(o.b, "true"...)
	}
}

// expiration appends the two fields of a node that expires.
func (o *object) expiration(at Time, ttl int64) {
	if at != 0 {
		o.name("expiration")
		o.b = at.appendJSON(o.b)
	}
	if ttl != 0 {
		o.name("ttl")
		o.b = strconv.AppendInt(o.b, ttl, 10)
	}
}

// appendQuoted appends a JSON string; <, > and & are escaped, as etcd does.
func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, err := json.Marshal(s)
			if err != nil { // cannot happen to a string
				panic("v2store: " + err.Error())
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// AppendJSON appends the event as v2 answers with it. That it was a refresh is
// not shown.
func (e *Event) AppendJSON(b []byte) []byte {
	o := object{b: b}
	o.open()
	o.text("action", e.Action.String())
	o.name("node")
	e.Node.appendJSON(&o)
	if e.PrevNode != nil {
		o.name("prevNode")
		e.PrevNode.appendJSON(&o)
	}
	o.close()
	return o.b
}

func (n *Node) appendJSON(o *object) {
	o.open()
	if n.Key != "" {
		o.text("key", n.Key)
	}
	if n.HasValue {
		o.text("value", n.Value)
	}
	o.flag("dir", n.Dir)
	o.expiration(n.Expiration, n.TTL)
	if len(n.Nodes) > 0 {
		o.name("nodes")
		o.b, o.comma = append(o.b, '['), false
		for _, c := range n.Nodes {
			if o.comma {
				o.b = append(o.b, ',')
			}
			c.appendJSON(o)
		}
		o.b, o.comma = append(o.b, ']'), true
	}
	if n.Modified != 0 {
		o.uint("modifiedIndex", n.Modified)
	}
	if n.Created != 0 {
		o.uint("createdIndex", n.Created)
	}
	o.close()
}

// AppendJSON appends the error as both APIs answer with it.
func (e *Error) AppendJSON(b []byte) []byte {
	o := object{b: b}
	o.open()
	o.name("errorCode")
	o.b = strconv.AppendInt(o.b, int64(e.Code), 10)
	o.text("message", e.Code.String())
	if e.Cause != "" {
		o.text("cause", e.Cause)
	}
	o.uint("index", e.Index)
	o.close()
	return o.b
}
