package playground

import (
	"maps"
	"slices"
	"time"

	"etcdsim/sim"
	"etcdsim/sim/cluster"
	"etcdsim/store"
)

// What can be seen of members and is not in the trace, because it follows from it: how
// patient they are, what the leader knows of the others, and what their stores hold.
// It is looked at now and then, and kept as what changed.

const (
	// lookEvery is how much virtual time passes between two looks.
	lookEvery = 5 * time.Millisecond
	// keysShown is how many keys are shown of each member, the first ones.
	keysShown = 12
)

// looks remembers what was seen last, and all that changed.
type looks struct {
	next    sim.Time
	members []seenMember
	// Rows for frames: see there.
	patience [][4]int64
	peers    [][5]int64
	keys     [][]any
}

// seenMember is what was seen of a member last.
type seenMember struct {
	elapsed, timeout int
	revision         int64
	// known is match and next of each member, by ID - 1, as this one sees them.
	known [][2]uint64
	keys  map[string]int64 // their revisions
}

// look looks at all members, if it is time to.
func (l *looks) look(c *cluster.Cluster) {
	if c.Now() < l.next {
		return
	}
	l.next = c.Now().Add(lookEvery)
	for len(l.members) < c.Size() {
		l.members = append(l.members, seenMember{known: make([][2]uint64, cluster.MaxNodes), keys: map[string]int64{}})
	}
	for i := range l.members {
		if c.Node(uint64(i+1)) != nil {
			l.member(c, int64(i+1), &l.members[i])
		}
	}
}

func (l *looks) member(c *cluster.Cluster, id int64, seen *seenMember) {
	n, at := c.Node(uint64(id)), int64(c.Now())
	if elapsed, timeout := n.Patience(); elapsed != seen.elapsed || timeout != seen.timeout {
		seen.elapsed, seen.timeout = elapsed, timeout
		l.patience = append(l.patience, [4]int64{at, id, int64(elapsed), int64(timeout)})
	}
	if c.Leader() == uint64(id) {
		for _, p := range n.Peers() {
			if known := &seen.known[p.ID-1]; *known != [2]uint64{p.Match, p.Next} {
				*known = [2]uint64{p.Match, p.Next}
				l.peers = append(l.peers, [5]int64{at, id, int64(p.ID), int64(p.Match), int64(p.Next)})
			}
		}
	}
	revision := c.Member(uint64(id)).Revision
	if revision == seen.revision {
		return
	}
	seen.revision = revision
	all := &store.RangeRequest{Key: "\x00", RangeEnd: "\x00", Limit: keysShown}
	res, ok := n.Store().Read(all).Result.(*store.RangeResult)
	if !ok {
		return
	}
	before := seen.keys
	seen.keys = make(map[string]int64, len(res.KVs))
	for _, kv := range res.KVs {
		seen.keys[kv.Key] = kv.ModRevision
		if before[kv.Key] != kv.ModRevision {
			l.keys = append(l.keys, []any{at, id, store.Text(kv.Key), store.Text(kv.Value), kv.ModRevision})
		}
		delete(before, kv.Key)
	}
	for _, key := range slices.Sorted(maps.Keys(before)) {
		l.keys = append(l.keys, []any{at, id, store.Text(key), "", 0})
	}
}
