package cluster_test

import (
	"fmt"
	"time"

	"etcdsim/checker/history"
	"etcdsim/node"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// writer is a client that puts, one operation at a time, as often as asked, and
// keeps its history.
type writer struct {
	c     *cluster.Cluster
	self  trace.Addr
	every time.Duration // between the starts of two puts; 0 is at once
	ops   []history.Op
	acked int
}

func (w *writer) put() {
	op := w.c.NextOp()
	key, value := keys[op%uint64(len(keys))], values[op%uint64(len(values))]
	request := &store.PutRequest{Key: key, Value: value}
	w.ops = append(w.ops, history.Op{ID: op, Request: request, Invoke: w.c.Now()})
	w.c.Call(w.self, max(w.c.Leader(), 1), op, request)
}

func (w *writer) Answer(a node.Answer) {
	i := len(w.ops) - 1
	for w.ops[i].ID != a.Op {
		i--
	}
	op := &w.ops[i]
	op.Return, op.Response, op.Applied = w.c.Now(), a.Response, a.Applied
	if a.Err == nil {
		op.Outcome = history.OK
		w.acked++
	}
	if w.every == 0 {
		w.put()
	}
}

func (w *writer) Wake(uint64) {
	w.put()
	w.c.WakeAt(w.c.Now().Add(w.every), w.self, 0)
}

var keys, values = texts("key-%02d", 10), texts("value-%03d", 1000)

func texts(format string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(format, i)
	}
	return list
}

func (w *writer) start() *writer {
	w.c.Attach(w.self, w)
	if w.every > 0 {
		w.c.WakeAt(w.c.Now().Add(w.every), w.self, 0)
	} else {
		w.put()
	}
	return w
}
