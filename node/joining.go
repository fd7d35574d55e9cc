package node

import (
	"slices"
	"time"

	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// Members come and go. Whoever joins, or has fallen far behind, gets a snapshot
// of the leader's present state and then the log after it; whoever is removed
// ends, and does not start again.

// busy reports that requests about members wait for something.
func (r *reconfiguring) busy() bool {
	return len(r.waiting) > 0 || len(r.moves) > 0 || len(r.answers) > 0
}

// membersChanged draws this member's own conclusions from a change.
func (n *Node) membersChanged() {
	if n.members.Removed(n.id) {
		if n.role == trace.RoleLeader {
			n.log.Hit(trace.ProbeLeaderRemoved)
		}
		n.out.Removed = true
	}
}

// committedRemoval reports whether the recovered log holds this member's own
// removal among what is committed. Starting would only repeat it.
func (n *Node) committedRemoval() bool {
	for index := n.applied + 1; index <= n.commit; index++ {
		entries, err := n.wal.Entries(index, index+1, 0)
		if err != nil || entries[0].GetType() != pb.EntryConfChange {
			continue
		}
		cc := &pb.ConfChange{}
		if proto.Unmarshal(entries[0].GetData(), cc) == nil && cc.GetType() == pb.ConfChangeRemoveNode && cc.GetNodeId() == n.id {
			return true
		}
	}
	return false
}

// withPresentState replaces the snapshot in a message, which is the last one
// saved, by one of the present state, as etcd does. The last one saved may be
// from before the follower became a member, and a snapshot in which it does not
// find itself is of no use to it. The message may be under way on a slow link
// for long, so the log stays as long as it is until the follower has caught up.
func (n *Node) withPresentState(m *pb.Message) *pb.Message {
	index, term := n.applied, n.appliedTerm
	i := slices.IndexFunc(n.snapshot.sent, func(s sentSnapshot) bool { return s.to == m.GetTo() })
	if i < 0 {
		i = len(n.snapshot.sent)
		n.snapshot.sent = append(n.snapshot.sent, sentSnapshot{to: m.GetTo()})
	}
	n.snapshot.sent[i].until = sim.Forever
	return &pb.Message{
		Type: m.Type, To: m.To, From: m.From, Term: m.Term,
		Snapshot: pb.EnsureSnapshot(&pb.Snapshot{
			Data:     n.encode(),
			Metadata: &pb.SnapshotMetadata{Index: &index, Term: &term, ConfState: n.confState},
		}),
	}
}

// sentSnapshot is a snapshot under way to a follower, or one that arrived not
// long ago.
type sentSnapshot struct {
	to uint64
	// until is when the follower should have caught up; Forever until the snapshot
	// has arrived.
	until sim.Time
}

// catchUpTime is how long the log is kept for a follower that has got a
// snapshot; etcd's releaseDelayAfterSnapshot.
const catchUpTime = 30 * time.Second

// snapshotArrived takes the report on a snapshot that was sent.
func (n *Node) snapshotArrived(to uint64, ok bool) {
	n.snapshot.sent = slices.DeleteFunc(n.snapshot.sent, func(s sentSnapshot) bool { return s.to == to })
	if ok {
		n.snapshot.sent = append(n.snapshot.sent, sentSnapshot{to, n.now.Add(catchUpTime)})
	}
}

// catchingUp reports whether a follower may need the log after a snapshot that
// was sent to it.
func (n *Node) catchingUp() bool {
	n.snapshot.sent = slices.DeleteFunc(n.snapshot.sent, func(s sentSnapshot) bool { return s.until <= n.now })
	return len(n.snapshot.sent) > 0
}

// Members returns who the members are, as far as this one has applied. The slice
// must not be changed.
func (n *Node) Members() []store.Member { return n.members.Members() }
