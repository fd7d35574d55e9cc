package cluster_test

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"etcdsim/node"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
	"etcdsim/store/conformance"
)

// TestOlderAnswersAsRecordedFromEtcd replays what real servers of v2 and v1 were
// asked against whole clusters, over the network: whichever member is asked, every
// status, index and body must be the recorded one; while nobody dies, and while
// members die, restart from their disks and are sent snapshots.
func TestOlderAnswersAsRecordedFromEtcd(t *testing.T) {
	for _, api := range []struct {
		name   string
		corpus conformance.Corpus
	}{{"v2", conformance.V2}, {"v1", conformance.V1}} {
		for _, way := range []struct {
			name  string
			nodes int
			dying bool
		}{{"one member", 1, false}, {"one member, dying", 1, true}, {"three members", 3, false}, {"three members, dying", 3, true}} {
			t.Run(api.name+", "+way.name, func(t *testing.T) {
				r := replayOlder(t, conformance.OlderRecords(t, api.corpus), way.nodes, way.dying)
				t.Logf("%d records replayed, %d differ; %d deaths, %d snapshots installed, %d redirects",
					r.played, r.differ, r.deaths, r.log.Hits(trace.ProbeSnapshotInstalled), r.log.Hits(trace.ProbeOlderRedirected))
			})
		}
	}
}

// olderReplay is a client that asks one thing after another, each of the next
// member.
type olderReplay struct {
	*story
	self  trace.Addr
	got   map[uint64]store.HTTPResult // the parts of an answer merged
	done  map[uint64]bool
	waits map[string]uint64 // operations by the names of their waits
	down  uint64            // a member that is dead for a while
	since int

	played, differ, deaths int
}

func replayOlder(t *testing.T, records []conformance.OlderRecord, nodes int, dying bool) *olderReplay {
	r := &olderReplay{
		story: newStory(t, 1, func(c *cluster.Config) {
			c.Nodes = nodes
			if dying {
				c.Node.SnapshotEntries, c.Node.SnapshotCatchUp = 30, 5
			}
		}),
		self: trace.Client(0), got: map[uint64]store.HTTPResult{}, done: map[uint64]bool{}, waits: map[string]uint64{},
	}
	r.Attach(r.self, r)
	for i := range records {
		if dying && len(r.waits) == 0 {
			r.die()
		}
		r.settled()
		r.play(&records[i])
		r.played++
	}
	r.settled()
	return r
}

// settled waits until the members agree and know who leads.
func (r *olderReplay) settled() {
	r.until("the members converge", func() bool {
		for id := range uint64(r.Size()) {
			if v := r.Member(id + 1); v.State == cluster.Up && !v.Serving {
				return false
			}
		}
		return r.Converged()
	})
}

// die kills a member now and then and restarts it at once, or of several after so
// long that it needs a snapshot.
func (r *olderReplay) die() {
	switch {
	case r.down != 0:
		if r.played > r.since+60 {
			r.Start(r.down)
			r.down = 0
		}
	case r.played%40 == 39:
		r.deaths++
		r.run(150 * time.Millisecond) // a batch reaches the disk
		victim := uint64(r.deaths%r.Size()) + 1
		r.Kill(victim)
		if r.deaths%2 == 0 || r.Size() == 1 {
			r.Start(victim)
		} else {
			r.down, r.since = victim, r.played
		}
	}
}

func (r *olderReplay) Answer(a node.Answer) {
	if a.Err != nil {
		r.t.Fatalf("n%d does not answer: %v", a.Member, a.Err)
	}
	part, whole := a.Result.(*store.HTTPResult), r.got[a.Op]
	if part.Status != 0 {
		whole.Status, whole.Header = part.Status, part.Header
	}
	whole.Body += part.Body
	r.got[a.Op] = whole
	r.done[a.Op] = !part.More
}

func (r *olderReplay) Wake(uint64) {}

// member returns whom to ask about a record.
func (r *olderReplay) member(rec *conformance.OlderRecord) uint64 {
	id := uint64(rec.Line%r.Size()) + 1
	if id == r.down {
		id = id%uint64(r.Size()) + 1
	}
	return id
}

func (r *olderReplay) play(rec *conformance.OlderRecord) {
	switch rec.Op {
	case conformance.OlderRequest:
		got := r.ask(r.member(rec), rec.Request())
		r.compare(rec, &got)
	case conformance.OlderWaitStart:
		op := r.NextOp()
		r.waits[rec.Name] = op
		r.Stream(r.self, r.member(rec), op, rec.Request())
		r.run(50 * time.Millisecond)
	case conformance.OlderWaitResult:
		op := r.waits[rec.Name]
		delete(r.waits, rec.Name)
		r.run(50 * time.Millisecond)
		if got := r.got[op]; r.done[op] || got.Body != "" {
			r.compare(rec, &got)
		} else {
			r.compare(rec, nil)
		}
		r.HangUp(op)
	}
}

// ask asks a member, and whom it names instead.
func (r *olderReplay) ask(member uint64, req *store.HTTPRequest) store.HTTPResult {
	op := r.NextOp()
	r.Call(r.self, member, op, req)
	r.until("the request is answered", func() bool { return r.done[op] })
	got := r.got[op]
	if got.Status != 307 {
		return got
	}
	u, err := url.Parse(got.Get("Location"))
	if err != nil || u.Path != req.Path || u.RawQuery != req.Query {
		r.t.Fatalf("%s %s is redirected to %q: %v", req.Method, req.Path, got.Get("Location"), err)
	}
	next, err := strconv.ParseUint(strings.TrimPrefix(u.Hostname(), "n"), 10, 64)
	if err != nil || next == member {
		r.t.Fatalf("n%d redirects to %q: %v", member, got.Get("Location"), err)
	}
	return r.ask(next, req)
}

func (r *olderReplay) compare(rec *conformance.OlderRecord, got *store.HTTPResult) {
	diff := rec.Diff(got)
	if diff == "" {
		return
	}
	if r.differ++; r.differ <= 5 {
		r.t.Errorf("%v: %s", rec, diff)
	}
}
