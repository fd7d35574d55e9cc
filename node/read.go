package node

import (
	"encoding/binary"
	"time"

	"go.etcd.io/raft/v3"

	"etcdsim/sim"
	"etcdsim/sim/bug"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// readRetry is how long a member waits for an answer to ReadIndex before it
// asks again; etcd's readIndexRetryTime.
const readRetry = 500 * time.Millisecond

// reads are linearizable reads (Raft thesis, section 6.4). They go in rounds, as
// in etcd's linearizable read loop: all reads that arrived before a round began
// share one ReadIndex; those that arrive during it wait for the next. A round
// is confirmed when the leader has heard from a quorum that it still leads, and
// served once the store has applied what was committed then.
type reads struct {
	next     []Call // for the next round
	underWay []Call // of the present round; empty if there is none
	// The present round asked at began, last asked at asked, and takes an answer
	// to any of its requests: IDs first through last.
	began, lastAsked sim.Time
	first, last      uint64
	// confirmed: the answer is here, and says index.
	confirmed bool
	index     uint64
}

// serve answers a read from the store as it is.
func (n *Node) serve(c Call) {
	if c.Request == nil { // only the confirmation was wanted
		n.answer(c.Client, c.Op, store.Response{Revision: n.kv.Revision()}, n.applied)
		return
	}
	if n.maintaining.rewriting {
		n.maintaining.readers = append(n.maintaining.readers, c)
		return
	}
	if n.kv.AuthEnabled() {
		if err := n.mayRead(&c); err != nil {
			n.answer(c.Client, c.Op, store.Response{Err: err}, n.applied)
			return
		}
	}
	switch c.Request.(type) {
	case *store.MemberListRequest:
		n.listMembers(c)
	case *store.BackendHashRequest:
		n.hashAll(c)
	case *store.SnapshotRequest:
		n.sendSnapshot(c)
	default:
		n.answer(c.Client, c.Op, n.kv.Read(c.Request), n.applied)
	}
}

// read takes in a linearizable read.
func (n *Node) read(c Call) {
	n.reads.next = append(n.reads.next, c)
	n.beginRound()
}

// beginRound starts a round if reads wait and none is under way.
func (n *Node) beginRound() {
	r := &n.reads
	if len(r.underWay) > 0 || len(r.next) == 0 {
		return
	}
	r.underWay, r.next = r.next, r.underWay[:0]
	r.confirmed = false
	r.began = n.now
	r.first = r.last + 1
	n.askReadIndex()
}

// askReadIndex sends one ReadIndex for the present round. Each has a context of
// its own: an answer to an earlier one must not be taken for an answer to a
// later one (etcd #20418).
func (n *Node) askReadIndex() {
	n.reads.last++
	n.reads.lastAsked = n.now
	if n.knowsTooLittle() {
		return // resendReads will ask
	}
	context := make([]byte, 8)
	binary.BigEndian.PutUint64(context, n.reads.last)
	if n.role == trace.RoleLeader && n.firstCommit != n.term && n.bugs.Has(bug.ReadIndexEarly) {
		n.confirmReads(raft.ReadState{Index: n.commit, RequestCtx: context})
		return
	}
	n.raft.node.ReadIndex(context)
}

// knowsTooLittle reports whether raft would answer a ReadIndex with a commit index
// that others have gone beyond. A new leader knows what was committed before it only
// when it has committed something itself; raft makes readers wait for that, except
// where the leader is the only voter (etcd-io/raft#105). It may be the last one left:
// the leader that was removed before it was told more than it.
func (n *Node) knowsTooLittle() bool {
	return n.role == trace.RoleLeader && n.firstCommit != n.term && n.members.Voters() == 1 &&
		!n.bugs.Has(bug.SingletonStaleReadIndex)
}

// confirmReads takes raft's answer. Answers to past rounds are late, and
// ignored.
func (n *Node) confirmReads(rs raft.ReadState) {
	r := &n.reads
	id := binary.BigEndian.Uint64(rs.RequestCtx)
	late := id < r.first && !n.bugs.Has(bug.ReadIndexContextReuse)
	if len(r.underWay) == 0 || r.confirmed || late || id > r.last {
		return
	}
	r.confirmed, r.index = true, rs.Index
	n.log.Emit(trace.Event{
		Kind: trace.ReadConfirm, Member: n.addr, Term: n.term, Index: rs.Index, A: uint64(len(r.underWay)),
	})
	n.serveReads()
}

// serveReads answers the present round if it is confirmed and the store is far
// enough, and lets the next one begin.
func (n *Node) serveReads() {
	r := &n.reads
	if len(r.underWay) == 0 || !r.confirmed || n.applied < r.index {
		return
	}
	for _, c := range r.underWay {
		n.serve(c)
	}
	n.endRound()
}

// failReads refuses the reads of the present round unless it is confirmed.
func (n *Node) failReads(err *store.Error) {
	r := &n.reads
	if len(r.underWay) == 0 || r.confirmed {
		return
	}
	n.log.Hit(trace.ProbeReadLeaderChanged)
	for _, c := range r.underWay {
		n.answer(c.Client, c.Op, store.Response{Err: err}, n.applied)
	}
	n.endRound()
}

func (n *Node) endRound() {
	n.reads.underWay = n.reads.underWay[:0]
	if len(n.reads.next) > 0 {
		n.beginRound()
	}
}

// retryReads asks again for a round that waits too long, and gives up on one
// that waited as long as any request may.
func (n *Node) retryReads() {
	r := &n.reads
	if len(r.underWay) == 0 || r.confirmed {
		return
	}
	switch {
	case n.now.Sub(r.began) >= n.cfg.RequestTimeout():
		n.failReads(store.ErrTimeout)
	case n.now.Sub(r.lastAsked) >= readRetry:
		n.log.Hit(trace.ProbeReadRetried)
		n.askReadIndex()
	}
}

// resendReads asks again because the leader has just committed in its own term,
// before which it could not answer (etcd's firstCommitInTerm notification).
func (n *Node) resendReads() {
	if len(n.reads.underWay) > 0 && !n.reads.confirmed {
		n.askReadIndex()
	}
}
