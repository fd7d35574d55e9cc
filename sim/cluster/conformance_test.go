package cluster_test

import (
	"fmt"
	"testing"
	"time"

	"etcdsim/node"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
	"etcdsim/store/conformance"
)

// TestAnswersAsRecordedFromEtcd replays what a real etcd was asked against whole
// clusters, over the network: whichever member is asked, every answer, event and
// error must be the recorded one.
func TestAnswersAsRecordedFromEtcd(t *testing.T) {
	records := conformance.Records(t)
	for _, nodes := range []int{1, 3} {
		t.Run(fmt.Sprintf("nodes=%d", nodes), func(t *testing.T) {
			r := newReplay(t, nodes)
			for i := range records {
				r.replay(&records[i])
			}
			t.Logf("%d answers and %d views of watchers with %d events compared, %d differ", r.answers, r.watches, r.events, r.failed)
		})
	}
}

// replay is a client that asks one thing after another, each of the next member.
type replay struct {
	*story
	self    trace.Addr
	streams map[string]*watching
	// got are the answers to operations, in order; heard those of streams.
	got   map[uint64]node.Answer
	heard map[uint64][]store.WatchResponse

	answers, watches, events, failed int
}

// watching is an open stream with one watcher.
type watching struct {
	op, member uint64
	start      int64
	over       bool // cancelled
}

func newReplay(t *testing.T, nodes int) *replay {
	r := &replay{
		story: newStory(t, 1, func(c *cluster.Config) { c.Nodes = nodes }), self: trace.Client(0),
		streams: map[string]*watching{}, got: map[uint64]node.Answer{}, heard: map[uint64][]store.WatchResponse{},
	}
	r.Attach(r.self, r)
	return r
}

func (r *replay) Answer(a node.Answer) {
	if !a.Streamed {
		r.got[a.Op] = a
		return
	}
	if a.Err != nil {
		r.t.Fatalf("a stream to n%d ended: %v", a.Member, a.Err)
	}
	r.heard[a.Op] = append(r.heard[a.Op], *a.Result.(*store.WatchResponse))
}

func (r *replay) Wake(uint64) {}

func (r *replay) replay(rec *conformance.Record) {
	r.until("the members converge", r.Converged)
	member := uint64(rec.Line%r.Size()) + 1
	var diff string
	if rec.Request != nil {
		r.answers++
		op := r.NextOp()
		r.Call(r.self, member, op, rec.Request)
		r.until("the request is answered", func() bool { return r.got[op].Op == op })
		diff = rec.Diff(r.got[op].Response)
		delete(r.got, op)
	} else {
		r.watches++
		r.events += len(rec.Watched.Events)
		diff = rec.DiffWatched(r.watched(rec, member))
	}
	if diff == "" {
		return
	}
	if r.failed++; r.failed <= 5 {
		r.t.Errorf("line %d: %s %s, asked of n%d\n%s", rec.Line, rec.Op, rec.Desc, member, diff)
	}
}

// watched reads a watcher as the recording did: until it has seen everything.
func (r *replay) watched(rec *conformance.Record, member uint64) *conformance.Watched {
	w := r.streams[rec.Stream]
	if rec.Watch != nil {
		w = &watching{op: r.NextOp(), member: member, start: rec.Watch.StartRevision}
		r.streams[rec.Stream] = w
		r.Stream(r.self, w.member, w.op, &store.StreamOpenRequest{})
		r.Stream(r.self, w.member, w.op, rec.Watch)
		r.until("a watcher is created", func() bool { return len(r.heard[w.op]) > 0 })
	}
	seen := new(conformance.Watched)
	if rec.Op == "WatchOpen" {
		created := r.heard[w.op][0]
		r.heard[w.op] = r.heard[w.op][1:]
		seen.Created, w.over = &created, created.Canceled
		return seen
	}
	revision := r.Member(w.member).Revision
	if !w.over {
		r.read(w, revision)
	}
	for _, resp := range r.heard[w.op] {
		switch {
		case resp.Created:
			seen.Created = &resp
		case resp.Canceled:
			seen.Canceled = &resp
		}
		seen.Events = append(seen.Events, resp.Events...)
	}
	seen.UpTo = revision
	r.heard[w.op] = nil
	if rec.Op != "WatchDrain" {
		r.HangUp(w.op)
	}
	return seen
}

// read asks for progress until the answer names the revision, or the watcher is
// cancelled. One that begins in the future gets no answer before that.
func (r *replay) read(w *watching, revision int64) {
	if w.start > revision {
		return
	}
	begun := r.Now()
	for done := false; !done; {
		if r.Now().Sub(begun) > 10*time.Second {
			r.t.Fatalf("n%d does not say that it has served watcher %+v up to revision %d, only: %+v", w.member, *w, revision, r.heard[w.op])
		}
		r.Stream(r.self, w.member, w.op, &store.WatchProgressRequest{})
		r.run(30 * time.Millisecond)
		for _, resp := range r.heard[w.op] {
			w.over = w.over || resp.Canceled
			done = done || w.over || resp.IsProgress() && resp.Revision >= revision
		}
	}
}
