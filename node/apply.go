package node

import (
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"etcdsim/sim/bug"
	"etcdsim/sim/trace"
	"etcdsim/store"
	"etcdsim/store/wal"
)

// apply hands committed entries to the store, in log order, and answers those
// who wait for them.
func (n *Node) apply(entries []*pb.Entry) {
	if len(entries) > 0 {
		n.handed = max(n.handed, entries[len(entries)-1].GetIndex())
	}
	if n.maintaining.rewriting {
		n.maintaining.entries = append(n.maintaining.entries, entries...)
		return
	}
	if len(entries) > 0 {
		n.reach(BeforeApply)
	}
	before := n.applied
	for _, e := range entries {
		if e.GetIndex() <= n.applied {
			continue // recovered with the backend
		}
		if e.GetIndex() != n.applied+1 {
			panic(fmt.Sprintf("node %d: entry %d follows applied index %d", n.id, e.GetIndex(), n.applied))
		}
		n.applied, n.appliedTerm = e.GetIndex(), e.GetTerm()
		if e.GetTerm() == n.term && n.firstCommit != n.term {
			n.firstCommit = n.term
			n.resendReads()
		}
		switch e.GetType() {
		case pb.EntryNormal:
			n.applyNormal(e)
		case pb.EntryConfChange, pb.EntryConfChangeV2:
			n.applyConf(e)
		}
	}
	if n.applied > before {
		n.reach(AfterApply)
		n.stateChanged()
	}
	n.serveReads()
}

func (n *Node) applyNormal(e *pb.Entry) {
	var id uint64
	if len(e.GetData()) == 0 {
		n.kv.Skip(e.GetIndex()) // a new leader's first entry
		n.promoteLessor()
	} else {
		p, err := n.cfg.Decoded.proposal(e)
		if err != nil {
			panic(fmt.Sprintf("node %d: committed entry %d does not decode: %v", n.id, e.GetIndex(), err))
		}
		fits := n.fits(p.Request)
		response := n.applyProposal(e.GetIndex(), p)
		n.out.Applied = append(n.out.Applied, Applied{
			Index: e.GetIndex(), Term: e.GetTerm(), Proposal: p, Response: response,
		})
		switch p.Request.(type) {
		case *store.LeaseGrantRequest, *store.LeaseRevokeRequest, *store.LeaseCheckpointRequest:
			n.leaseApplied(p.Request, response)
		case *store.AuthenticateRequest, *store.AuthDisableRequest:
			n.authApplied(p.Request, response)
		case *store.CompactionRequest:
			if response.Err == nil {
				n.log.Hit(trace.ProbeCompacted)
			}
		}
		id = p.ID
		if fits || response.Err != nil {
			n.answerRequest(id, response)
		} else {
			n.exceeded(id)
		}
	}
	n.log.Emit(trace.Event{
		Kind: trace.Apply, Member: n.addr, Term: e.GetTerm(), Index: e.GetIndex(),
		A: hashEntry(e), B: n.stateHash(), ID: id,
	})
}

// applyProposal applies a request to the part of the state that it is about.
func (n *Node) applyProposal(index uint64, p *store.Proposal) store.Response {
	if _, ok := p.Request.(*store.MemberPublishRequest); ok {
		n.kv.Skip(index)
		response := n.members.Apply(p.Request)
		n.membersChanged()
		return response
	}
	if r, ok := p.Request.(*store.OlderRequest); ok {
		return n.applyOlder(index, r)
	}
	if _, here := n.requests.waiting[p.ID]; !here && n.bugs.Has(bug.TxnAsymRange) {
		p = withoutRanges(p)
	}
	if _, ok := p.Request.(*store.CompactionRequest); !ok {
		return n.kv.Apply(index, p)
	}
	n.reach(BeforeCompact)
	response := n.kv.Apply(index, p)
	n.keeping.compacted = true
	n.reach(AfterCompact)
	return response
}

// withoutRanges returns the proposal without what only whoever waits for the answer
// wants to know: a defect, for a range may have to be refused, and all else with it.
func withoutRanges(p *store.Proposal) *store.Proposal {
	txn, ok := p.Request.(*store.TxnRequest)
	if !ok {
		return p
	}
	isRange := func(op store.Op) bool {
		_, ok := op.(*store.RangeRequest)
		return ok
	}
	fewer, lean := *p, *txn
	lean.Success = slices.DeleteFunc(slices.Clone(txn.Success), isRange)
	lean.Failure = slices.DeleteFunc(slices.Clone(txn.Failure), isRange)
	fewer.Request = &lean
	return &fewer
}

// applyConf applies a configuration change. One that does not fit the present
// members is refused, and raft hears of no change.
func (n *Node) applyConf(e *pb.Entry) {
	n.reach(BeforeApplyConf)
	cc := &pb.ConfChange{}
	if err := proto.Unmarshal(e.GetData(), cc); err != nil {
		panic(fmt.Sprintf("node %d: committed configuration change %d does not decode: %v", n.id, e.GetIndex(), err))
	}
	p, err := store.DecodeProposal(cc.GetContext())
	if err != nil {
		panic(fmt.Sprintf("node %d: committed change of the members %d does not decode: %v", n.id, e.GetIndex(), err))
	}
	response := n.members.Apply(p.Request)
	id := raft.None
	if response.Err == nil {
		id = cc.GetNodeId()
		if added, ok := response.Result.(*store.MemberAddResult); ok {
			id = added.Member.ID
		}
	}
	cc.NodeId = &id
	n.confState = n.raft.node.ApplyConfChange(cc)
	n.kv.Skip(e.GetIndex())
	n.out.Applied = append(n.out.Applied, Applied{Index: e.GetIndex(), Term: e.GetTerm(), Proposal: p, Response: response})
	n.log.Emit(trace.Event{
		Kind: trace.ConfApplied, Member: n.addr, Term: e.GetTerm(), Index: e.GetIndex(), ID: p.ID,
		A: bitSet(n.confState.GetVoters()), B: bitSet(n.confState.GetLearners()),
	})
	n.changeApplied(p.ID, response)
	n.membersChanged()
}

func bitSet(ids []uint64) (set uint64) {
	for _, id := range ids {
		set |= 1 << (id % 64)
	}
	return set
}

// snapshot tracks the member's own snapshots.
type snapshot struct {
	// index of the newest snapshot, durable or on its way.
	index uint64
	// pending: a snapshot was written and waits for the sync ticket.
	pending bool
	ticket  uint64
	// sent are those sent to followers that may still need the log after them.
	sent []sentSnapshot
}

// snapshotIfDue lets the log begin anew once the backend is durable so many
// entries beyond the last time, and forgets the log before that except for what
// slow followers may still ask for. The old log leaves the disk only when the
// mark is durable, too.
func (n *Node) snapshotIfDue() {
	due := n.snapshot.index + n.cfg.SnapshotEntries
	if n.snapshot.pending || n.applied <= due || n.out.Fatal != nil {
		return
	}
	state := n.keeping.durable
	if state.Index <= due {
		n.commitBatch() // etcd, too, does not wait for the batch's time
		return
	}
	// Entries may be applied before they are durable here; a snapshot may not
	// run ahead of the log it replaces (etcd's applyAll waits likewise), which may hold
	// another entry there until then. Nor may it take from raft what that has yet to hand
	// out, after a start.
	if term, err := n.wal.Term(state.Index); err != nil || term != state.Term || n.handed < state.Index {
		return
	}
	n.reach(BeforeMark)
	_, err := n.wal.CreateSnapshot(state.Index, state.confState, nil)
	if errors.Is(err, raft.ErrSnapOutOfDate) {
		return // a leader's, which is newer, is on its way to the disk
	}
	if n.out.Fatal = err; err != nil {
		return
	}
	n.snapshot.index = state.Index
	n.reach(AfterMark)
	ticket := n.disk.Sync()
	n.out.Syncs = append(n.out.Syncs, ticket)
	n.snapshot.pending, n.snapshot.ticket = true, ticket.ID
	if n.bugs.Has(bug.SnapGCRace) {
		n.release()
	}

	size, _ := n.keeping.backend.Size()
	n.log.Emit(trace.Event{
		Kind: trace.SnapSaved, Member: n.addr, Term: state.Term, Index: state.Index, A: uint64(size), B: state.hash,
	})
	if first, _ := n.wal.FirstIndex(); state.Index >= first+n.cfg.SnapshotCatchUp && !n.catchingUp() {
		through := state.Index - n.cfg.SnapshotCatchUp
		if err := n.wal.Compact(through); err != nil {
			panic(fmt.Sprintf("node %d: compact the log through %d: %v", n.id, through, err))
		}
		n.log.Emit(trace.Event{Kind: trace.LogCompacted, Member: n.addr, Index: through})
	}
}

// snapshotSynced releases what a durable snapshot replaces.
func (n *Node) snapshotSynced(ticket uint64) {
	if n.snapshot.pending && ticket == n.snapshot.ticket {
		n.snapshot.pending = false
		n.reach(BeforeRelease)
		n.release()
	}
}

// release frees the disk of what the newest snapshot replaces. It may not be
// durable in every part yet: a later snapshot releases what stays.
func (n *Node) release() {
	if err := n.wal.Release(n.snapshot.index); err != nil && !errors.Is(err, wal.ErrNotDurable) {
		panic(fmt.Sprintf("node %d: release the log through %d: %v", n.id, n.snapshot.index, err))
	}
}

// install replaces log and store by a leader's snapshot, which is durable by
// now.
func (n *Node) install(snap *pb.Snapshot) {
	meta := snap.GetMetadata()
	n.reach(BeforeApplySnap)
	if err := n.wal.ApplySnapshot(snap); err != nil {
		panic(fmt.Sprintf("node %d: snapshot at index %d from the leader: %v", n.id, meta.GetIndex(), err))
	}
	n.reach(AfterApplySnap)
	if err := n.open(meta.GetConfState(), snap.GetData()); err != nil {
		panic(fmt.Sprintf("node %d: snapshot at index %d from the leader does not decode: %v", n.id, meta.GetIndex(), err))
	}
	n.applied, n.appliedTerm, n.handed = meta.GetIndex(), meta.GetTerm(), meta.GetIndex()
	n.membersChanged()
	n.replaced()
	n.restoreWatchers()
	n.snapshot = snapshot{index: n.applied, sent: n.snapshot.sent}
	n.release()
	n.reach(AfterRelease)
	if n.out.Fatal = n.writeBase(); n.out.Fatal == nil {
		n.out.Syncs = append(n.out.Syncs, n.disk.Sync())
	}
	n.tellInstalled(snap)
	n.reach(AfterInstall)
	n.serveReads()
}

// tellInstalled tells the trace that the state is that of a leader's snapshot now.
func (n *Node) tellInstalled(snap *pb.Snapshot) {
	meta := snap.GetMetadata()
	n.log.Hit(trace.ProbeSnapshotInstalled)
	n.log.Emit(trace.Event{
		Kind: trace.SnapInstall, Member: n.addr, Term: meta.GetTerm(), Index: meta.GetIndex(),
		A: uint64(len(snap.GetData())), B: n.stateHash(),
	})
}
