package node

import (
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"etcdsim/sim"
	"etcdsim/sim/bug"
	"etcdsim/sim/trace"
)

// save is the one save that may be under way: a Ready whose entries and hard
// state were written and are being synced.
type save struct {
	underWay bool
	ticket   uint64
	// sent: its messages are out, since the member led when the Ready came.
	sent bool
}

// written is what a sync under way makes durable.
type written struct {
	ticket  uint64
	hard    *pb.HardState
	entries []*pb.Entry
}

// pump handles what raft has ready, until it has nothing or a save must be
// waited for. The order is that of etcd's raftNode.start:
//
//  1. what is committed goes to the store,
//  2. a leader sends, in parallel with its own disk (Raft thesis, 10.2.1),
//  3. entries and hard state are saved,
//  4. anybody else sends only now that they are durable,
//  5. raft may go on.
func (n *Node) pump() {
	n.observe()
	for !n.save.underWay {
		what := n.raft.outlook()
		if what == quiet {
			break
		}
		if what == light {
			n.passOn()
			continue
		}
		rd := n.raft.next()
		if rd.SoftState != nil {
			n.followed(rd.SoftState.RaftState == raft.StateLeader)
		}
		if committed := rd.HardState.GetCommit(); committed > n.commit {
			n.log.Emit(trace.Event{
				Kind: trace.CommitMoved, Aux: n.role, Member: n.addr, Term: n.term, Index: committed, A: n.commit,
			})
			n.commit = committed
		}
		if len(rd.ReadStates) > 0 {
			n.confirmReads(rd.ReadStates[len(rd.ReadStates)-1])
		}
		if raft.IsEmptySnap(rd.Snapshot) {
			n.apply(rd.CommittedEntries)
		} // else the entries follow the snapshot, which must be durable first

		sent := n.sendEarly(rd.Messages)
		if err := n.write(rd); err != nil {
			n.out.Fatal = err
			return
		}
		if !rd.MustSync && raft.IsEmptySnap(rd.Snapshot) {
			n.finish(rd, sent)
			continue
		}
		n.reach(BeforeSync)
		ticket := n.disk.Sync()
		n.out.Syncs = append(n.out.Syncs, ticket)
		n.syncing = append(n.syncing, written{ticket.ID, rd.HardState, rd.Entries})
		if n.role == trace.RoleLeader && n.bugs.Has(bug.AckBeforeFsync) {
			n.finish(rd, sent)
			continue
		}
		n.save = save{underWay: true, ticket: ticket.ID, sent: sent}
	}
	n.snapshotIfDue()
}

// sendEarly sends messages before what they say is durable, if the member may, and
// reports whether it did.
func (n *Node) sendEarly(messages []*pb.Message) bool {
	if n.role != trace.RoleLeader && !n.hasty(messages) {
		return false
	}
	if len(messages) > 0 {
		n.reach(BeforeLeaderSend)
		n.send(messages)
		n.reach(AfterLeaderSend)
	}
	return true
}

// hasty reports whether a member that does not lead promises something before it
// is durable. Only two of the defects do that.
func (n *Node) hasty(messages []*pb.Message) bool {
	if !n.bugs.Has(bug.VoteBeforePersist) && !n.bugs.Has(bug.AppendAckBeforePersist) {
		return false
	}
	return slices.ContainsFunc(messages, func(m *pb.Message) bool {
		switch m.GetType() {
		case pb.MsgVoteResp:
			return n.bugs.Has(bug.VoteBeforePersist)
		case pb.MsgAppResp:
			return n.bugs.Has(bug.AppendAckBeforePersist)
		}
		return false
	})
}

// write hands a Ready's state to the log. A snapshot goes first: the log must
// never name a commit index that what it holds cannot reach (etcd #10219).
func (n *Node) write(rd *raft.Ready) error {
	if !raft.IsEmptySnap(rd.Snapshot) {
		n.reach(BeforeSaveSnap)
		if n.bugs.Has(bug.SnapOrder) {
			_ = n.wal.Save(rd.HardState, nil)
		}
		if err := n.wal.SaveSnapshot(rd.Snapshot); err != nil {
			return err
		}
		n.reach(AfterSaveSnap)
	}
	if len(rd.Entries) > 0 || !raft.IsEmptyHardState(rd.HardState) {
		n.reach(BeforeSave)
	}
	if err := n.wal.Save(rd.HardState, rd.Entries); err != nil {
		return err
	}
	prev := uint64(0)
	for i, e := range rd.Entries {
		if i == 0 {
			prev, _ = n.wal.Term(e.GetIndex() - 1)
			if last, _ := n.wal.LastIndex(); e.GetIndex() <= last {
				n.log.Hit(trace.ProbeLogTruncated)
			}
		}
		n.log.Emit(trace.Event{
			Kind: trace.LogAppend, Member: n.addr, Term: e.GetTerm(), Index: e.GetIndex(), A: prev, B: hashEntry(e),
		})
		prev = e.GetTerm()
	}
	return nil
}

// hashEntry identifies an entry's content.
func hashEntry(e *pb.Entry) uint64 { return sim.Hash(e.GetData()) + uint64(e.GetType()) }

// synced takes the end of a sync: of the save under way, or of a snapshot.
func (n *Node) synced(ticket uint64) {
	if !n.disk.Synced(ticket) {
		n.out.Fatal = n.disk.Failure() // or it stalled meanwhile, and the ticket comes again
		return
	}
	n.traceDurable(ticket)
	n.stateSettled()
	if n.save.underWay && ticket == n.save.ticket {
		sent := n.save.sent
		n.reach(AfterSave)
		n.save = save{}
		n.finish(&n.raft.ready, sent)
		if n.tickPending {
			n.tickPending = false
			n.tickRaft()
		}
	}
	n.snapshotSynced(ticket)
}

// traceDurable tells the trace what a completed sync made durable.
func (n *Node) traceDurable(ticket uint64) {
	i := slices.IndexFunc(n.syncing, func(w written) bool { return w.ticket == ticket })
	if i < 0 {
		return // a snapshot's
	}
	w := n.syncing[i]
	n.syncing = slices.Delete(n.syncing, i, i+1)
	if len(w.entries) > 0 {
		last := w.entries[len(w.entries)-1]
		n.log.Emit(trace.Event{
			Kind: trace.LogDurable, Member: n.addr, Term: last.GetTerm(), Index: last.GetIndex(), A: w.entries[0].GetIndex(),
		})
	}
	if !raft.IsEmptyHardState(w.hard) {
		n.log.Emit(trace.Event{
			Kind: trace.StateDurable, Member: n.addr, Term: w.hard.GetTerm(), A: w.hard.GetVote(), B: w.hard.GetCommit(),
		})
	}
}

// finish does what must not happen before a Ready is durable. sent says that its
// messages are out.
func (n *Node) finish(rd *raft.Ready, sent bool) {
	if !raft.IsEmptySnap(rd.Snapshot) {
		n.install(rd.Snapshot)
		n.apply(rd.CommittedEntries)
	}
	n.wal.Append(rd.Entries)
	n.goOn(rd, sent)
	if len(n.reconfig.answers) > 0 {
		n.answerChanges()
	}
	n.observe()
}

// passOn handles what is ready where that says nothing of raft's state: the pump's
// order, without the steps that have nothing to do.
func (n *Node) passOn() {
	messages, reads := n.raft.take()
	if len(reads) > 0 {
		n.confirmReads(reads[len(reads)-1])
	}
	n.sendLate(messages, n.sendEarly(messages))
	n.reach(BeforeAdvance)
	n.raft.giveBack(messages)
}

// goOn sends what a Ready promises, unless that is done, and lets raft go on.
func (n *Node) goOn(rd *raft.Ready, sent bool) {
	n.sendLate(rd.Messages, sent)
	n.reach(BeforeAdvance)
	n.raft.advance()
}

// sendLate sends messages whose promises are durable by now, unless they are out.
func (n *Node) sendLate(messages []*pb.Message, sent bool) {
	if !sent && len(messages) > 0 {
		n.reach(BeforeFollowerSend)
		n.send(messages)
		n.reach(AfterFollowerSend)
	}
}

// send puts messages into the output. Of several append responses in one batch
// only the last says anything new; etcd's processMessages drops the others.
func (n *Node) send(messages []*pb.Message) {
	lastResp := len(messages) - 1
	for lastResp > 0 && messages[lastResp].GetType() != pb.MsgAppResp {
		lastResp--
	}
	for i, m := range messages {
		if n.members.Removed(m.GetTo()) {
			continue
		}
		switch m.GetType() {
		case pb.MsgAppResp:
			if i != lastResp {
				continue
			}
		case pb.MsgApp:
			n.traffic.append(m.GetTo())
		case pb.MsgSnap:
			n.log.Hit(trace.ProbeSnapshotSent)
			n.reach(BeforeSnapshotSend)
			n.out.Messages = append(n.out.Messages, n.withPresentState(m))
			n.reach(AfterSnapshotSend)
			continue
		case pb.MsgVoteResp, pb.MsgPreVoteResp:
			if m.GetReject() {
				n.log.Hit(trace.ProbeLogTooOld)
			}
		}
		n.out.Messages = append(n.out.Messages, m)
	}
}
