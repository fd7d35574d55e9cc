package node

import (
	"fmt"
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"etcdsim/sim/trace"
	"etcdsim/store"
	"etcdsim/store/mvcc"
)

// What a member does about its own data when it is asked to: it tells how large
// it is, writes it anew, and hands out copies. After etcd's api/v3rpc/maintenance.go
// and, for the quota, api/v3rpc/quota.go and apply/quota.go.

// maintaining is the member's part in maintenance.
type maintaining struct {
	// outOfSpace are writes refused for lack of space, which are answered when the
	// alarm is on.
	outOfSpace []Call
	// rewriting: the member is defragmenting. Raft goes on meanwhile; what is
	// committed waits in entries, and who reads waits in readers. The requests to
	// defragment are rewrites, oldest first; the first is under way.
	rewriting bool
	rewrites  []Call
	entries   []*pb.Entry
	readers   []Call
}

// hashAll answers with a checksum over everything.
func (n *Node) hashAll(c Call) {
	n.answer(c.Client, c.Op, store.Response{
		Revision: n.kv.Revision(), Result: &store.BackendHashResult{Hash: n.kv.BackendHash()},
	}, n.applied)
}

// answerStatus tells how the member is.
func (n *Node) answerStatus(c Call) {
	s := &store.StatusResult{
		Version: store.ServerVersion, StorageVersion: store.StorageVersion,
		DBSize: n.kv.Size(), DBSizeInUse: n.kv.SizeInUse(), DBSizeQuota: int64(n.cfg.Quota),
		Leader: n.leader, RaftIndex: n.commit, RaftTerm: n.term, RaftAppliedIndex: n.applied,
	}
	if s.DBSizeQuota == 0 {
		s.DBSizeQuota = mvcc.DefaultQuota
	}
	if self := n.members.Member(n.id); self != nil {
		s.IsLearner = self.Learner
	}
	if n.leader == raft.None {
		s.Errors = append(s.Errors, store.ErrNoLeader.Text)
	}
	for _, a := range n.kv.Alarms() {
		s.Errors = append(s.Errors, alarmText(a))
	}
	n.answer(c.Client, c.Op, store.Response{Revision: n.kv.Revision(), Result: s}, n.applied)
}

// alarmText prints an alarm as protobuf prints messages: without what is 0.
func alarmText(a store.Alarm) string {
	if a.MemberID == 0 {
		return fmt.Sprintf("alarm:%v", a.Type)
	}
	return fmt.Sprintf("memberID:%d alarm:%v", a.MemberID, a.Type)
}

// Quota. A member looks when a write arrives, and again when it is applied: many
// may be under way at once. Then it has happened all the same, on every member,
// and only its client is told that there was no space (which is why clients
// cannot know what became of such a write).

// fits reports whether a request stays within this member's quota.
func (n *Node) fits(req store.Request) bool { return n.kv.Fits(req, int64(n.cfg.Quota)) }

// refuseForSpace raises the alarm, and refuses a write when it is on.
func (n *Node) refuseForSpace(c Call) {
	m := &n.maintaining
	n.log.Hit(trace.ProbeNoSpace)
	m.outOfSpace = append(m.outOfSpace, c)
	n.raiseNoSpace(func() {
		m.outOfSpace = slices.DeleteFunc(m.outOfSpace, func(other Call) bool { return other.Op == c.Op })
		n.answer(c.Client, c.Op, store.Response{Err: store.ErrNoSpace}, n.applied)
	})
}

// exceeded answers a write that went beyond the quota when it was applied.
func (n *Node) exceeded(id uint64) {
	n.log.Hit(trace.ProbeNoSpaceApplied)
	refuse := func() { n.answerRequest(id, store.Response{Err: store.ErrNoSpace}) }
	if slices.ContainsFunc(n.kv.Alarms(), func(a store.Alarm) bool { return a.Type == store.AlarmNoSpace }) {
		refuse()
		return
	}
	n.raiseNoSpace(refuse)
}

// raiseNoSpace raises this member's alarm through the log, and goes on when that
// was applied or has failed.
func (n *Node) raiseNoSpace(then func()) {
	n.ask(&store.AlarmRequest{
		Action: store.AlarmActivate, Alarm: store.Alarm{MemberID: n.id, Type: store.AlarmNoSpace},
	}, func(store.Response) { then() })
}

// Defragmenting writes all data anew. It holds a lock that applying and reading
// need, so both stand still, on this member, for as long as it takes.

// rewriteFixed is how long the new file takes, and rewriteNanos how long each byte
// takes: 100 MB a second.
const (
	rewriteFixed = 5 * time.Millisecond
	rewriteNanos = 10
)

// defragmentFor takes in a request to defragment.
func (n *Node) defragmentFor(c Call) {
	n.maintaining.rewrites = append(n.maintaining.rewrites, c)
	n.defragment()
}

// defragment begins with the oldest request unless one is under way.
func (n *Node) defragment() {
	m := &n.maintaining
	if m.rewriting || len(m.rewrites) == 0 {
		return
	}
	n.reach(BeforeDefragCopy)
	size := n.kv.Size()
	undo := n.kv.Defragment()
	if err := n.writeBase(); err != nil {
		// The old file is as it was.
		undo()
		n.endRewrite(&store.Error{Code: store.Unknown, Text: err.Error()})
		return
	}
	n.reach(BeforeDefragRename)
	n.out.Syncs = append(n.out.Syncs, n.disk.Sync())
	n.log.Hit(trace.ProbeDefragmented)
	m.rewriting = true
	n.setTimer(rewriteFixed+time.Duration(size*rewriteNanos), tokenRewrite)
}

// rewritten takes the end of a defragmentation.
func (n *Node) rewritten() {
	if n.maintaining.rewriting {
		n.reach(AfterDefrag)
		n.endRewrite(nil)
	}
}

// endRewrite answers the oldest request, and lets go on what stood still.
func (n *Node) endRewrite(err *store.Error) {
	m := &n.maintaining
	c := m.rewrites[0]
	m.rewrites = m.rewrites[1:]
	r := store.Response{Result: &store.DefragmentResult{}} // etcd sends no header
	if err != nil {
		r = store.Response{Revision: r.Revision, Err: err}
	}
	n.answer(c.Client, c.Op, r, n.applied)
	entries, readers := m.entries, m.readers
	m.rewriting, m.entries, m.readers = false, nil, nil
	n.apply(entries)
	for _, c := range readers {
		n.serve(c)
	}
	n.defragment()
}

// replaced ends a defragmentation whose data a leader's snapshot has replaced.
func (n *Node) replaced() {
	if n.maintaining.rewriting {
		n.maintaining.entries = nil
		n.endRewrite(nil)
	}
}
