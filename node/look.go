package node

import (
	"cmp"
	"slices"
	"time"

	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"etcdsim/sim/trace"
	"etcdsim/store"
	"etcdsim/store/mvcc"
)

// What people see who look into a member. Looking changes nothing; it may allocate.

// LogEntry is an entry of a member's log.
type LogEntry struct {
	Index, Term uint64
	// Request is what the entry carries, or nil for an empty one, with which a leader
	// begins its term. Conf reports that it changes the configuration.
	Request store.Request
	Conf    bool
}

// Entries returns the entries of the member's log from index first to last, as far as
// it holds them, durable or not.
func (n *Node) Entries(first, last uint64) []LogEntry {
	low, _ := n.wal.FirstIndex()
	high, _ := n.wal.LastIndex()
	first, last = max(first, low), min(last, high)
	if first > last {
		return nil
	}
	raw, err := n.wal.Entries(first, last+1, 1<<62)
	if err != nil {
		return nil
	}
	entries := make([]LogEntry, len(raw))
	for i, e := range raw {
		entries[i] = LogEntry{Index: e.GetIndex(), Term: e.GetTerm(), Conf: e.GetType() != pb.EntryNormal}
		data := e.GetData()
		if entries[i].Conf {
			cc := &pb.ConfChange{}
			if proto.Unmarshal(data, cc) != nil {
				continue
			}
			data = cc.GetContext()
		}
		if len(data) == 0 {
			continue
		}
		if p, err := store.DecodeProposal(data); err == nil {
			entries[i].Request = p.Request
		}
	}
	return entries
}

// Peer is a member as the leader sees it.
type Peer struct {
	ID      uint64
	Learner bool
	// Match is the last entry known to be in its log, Next the next to be sent.
	Match, Next uint64
	// State is raft's: probe, replicate or snapshot.
	State string
	// Active reports that it was heard within the last election timeout.
	Active bool
}

// Peers returns the progress of all members, in the order of their IDs, or nil if the
// member does not lead.
func (n *Node) Peers() []Peer {
	progress := n.Status().Progress
	peers := make([]Peer, 0, len(progress))
	for id, p := range progress { // unordered: sorted below
		peers = append(peers, Peer{
			ID: id, Learner: p.IsLearner, Match: p.Match, Next: p.Next, State: stateName(p.State.String()), Active: p.RecentActive,
		})
	}
	slices.SortFunc(peers, func(a, b Peer) int { return cmp.Compare(a.ID, b.ID) })
	return peers
}

// stateName is the lower-case name of one of raft's states: "StateProbe".
func stateName(s string) string {
	names := map[string]string{"StateProbe": "probe", "StateReplicate": "replicate", "StateSnapshot": "snapshot"}
	if name := names[s]; name != "" {
		return name
	}
	return s
}

// Watch is a watcher that the member serves.
type Watch struct {
	// Client is who watches, over the stream Op.
	Client trace.Addr
	Op     uint64
	mvcc.Watching
}

// Watches returns the watchers that the member serves, by stream and in the order of
// their creation.
func (n *Node) Watches() []Watch {
	var all []Watch
	for _, s := range n.watch.streams {
		for _, w := range s.Watching() {
			all = append(all, Watch{s.client, s.op, w})
		}
	}
	return all
}

// LeaseLeft returns how long a lease has left. Only the leader counts that; the others
// report false.
func (n *Node) LeaseLeft(id int64) (left time.Duration, counted bool) {
	c := n.leasing.lessor.countdowns[id]
	if c == nil || !n.leasing.lessor.primary {
		return 0, false
	}
	return c.expiry.Sub(n.now), true
}

// Patience returns how many ticks the member has heard nothing of a leader, and after
// how many it wants an election. A leader counts the ticks since it last made sure of
// its quorum instead.
func (n *Node) Patience() (elapsed, timeout int) { return *n.raft.elapsed, *n.raft.timeout }
