// Package membership is the replicated state that says who the members of a
// cluster are: IDs, names, addresses, who is a learner, and who was removed. It
// changes only by entries of the log, one after another, so that all members
// agree at every index; it belongs to the members' snapshots.
//
// It is what etcd keeps beside raft's own configuration, which knows voters and
// learners and nothing else. A change that is invalid when its turn comes is
// refused then, by all members alike, and raft does not hear of it.
//
// The package never decides whether a change is wise: who is connected to whom,
// and how far a learner has come, is known to members and not to the log.
package membership

import (
	"slices"

	"etcdsim/sim/bug"
	"etcdsim/store"
)

// Config is what all members must agree on.
type Config struct {
	// MaxLearners bounds the learners; etcd's --max-learners, 1 by default.
	MaxLearners uint64
	Bugs        bug.Set
}

// Cluster is who the members are after some prefix of the log. Two that applied
// the same entries are equal.
type Cluster struct {
	cfg Config
	// members are ordered by ID. The slice is replaced and never changed, for
	// answers share it.
	members []store.Member
	// removed has a bit for the ID of each member that was removed. An ID never
	// comes back.
	removed uint64
	// next is the ID of the next member to join.
	next uint64
	// changed: it is not what the founders began with.
	changed bool
	hash    uint64

	// promoted has a bit for each member that was promoted; with the defect
	// bug.LearnerNotPersisted it does not reach a snapshot.
	promoted uint64
}

// New returns the membership that a cluster begins with: founders, all of them
// voters that run. Without founders it is that of a member which joins later
// and has learned nothing.
func New(cfg Config, founders []uint64) *Cluster {
	c := &Cluster{cfg: cfg, next: 1}
	for _, id := range slices.Sorted(slices.Values(founders)) {
		c.members = append(c.members, store.Member{
			ID: id, Name: store.MemberName(id),
			PeerURLs: []string{store.PeerURL(id)}, ClientURLs: []string{store.ClientURL(id)},
		})
		c.next = id + 1
	}
	return c
}

// Members returns the members in the order of their IDs. The slice must not be
// changed.
func (c *Cluster) Members() []store.Member { return c.members }

// Member returns a member, or nil if there is none of this ID.
func (c *Cluster) Member(id uint64) *store.Member {
	if i, found := c.find(id); found {
		return &c.members[i]
	}
	return nil
}

func (c *Cluster) find(id uint64) (int, bool) {
	return slices.BinarySearchFunc(c.members, id, func(m store.Member, id uint64) int {
		switch {
		case m.ID < id:
			return -1
		case m.ID > id:
			return 1
		}
		return 0
	})
}

// Removed reports whether the ID belonged to a member that was removed.
func (c *Cluster) Removed(id uint64) bool { return id <= store.MaxMembers && c.removed&(1<<id) != 0 }

// Voters returns the number of members that vote.
func (c *Cluster) Voters() (n int) {
	for i := range c.members {
		if !c.members[i].Learner {
			n++
		}
	}
	return n
}

// Hash identifies the membership. It is 0 for the founders as they began.
func (c *Cluster) Hash() uint64 { return c.hash }

// Apply applies a change that the log carries, in its order, and returns the
// answer. A refused one has changed nothing.
func (c *Cluster) Apply(req store.Request) store.Response {
	if err := c.validate(req); err != nil {
		return store.Response{Err: err}
	}
	members := slices.Clone(c.members)
	switch req := req.(type) {
	case *store.MemberAddRequest:
		added := store.Member{ID: c.next, PeerURLs: slices.Sorted(slices.Values(req.PeerURLs)), Learner: req.Learner}
		c.next++
		c.become(append(members, added))
		return store.Response{Result: &store.MemberAddResult{Member: added, Members: c.members}}
	case *store.MemberRemoveRequest:
		i, _ := c.find(req.ID)
		c.removed |= 1 << req.ID
		c.become(slices.Delete(members, i, i+1))
	case *store.MemberUpdateRequest:
		i, _ := c.find(req.ID)
		members[i].PeerURLs = slices.Clone(req.PeerURLs)
		if c.cfg.Bugs.Has(bug.MemberUpdateLearner) {
			members[i].Learner = false
		}
		c.become(members)
	case *store.MemberPromoteRequest:
		i, _ := c.find(req.ID)
		members[i].Learner = false
		c.promoted |= 1 << req.ID
		c.become(members)
	case *store.MemberPublishRequest:
		// A member that was removed meanwhile has nobody to tell.
		if i, found := c.find(req.ID); found {
			members[i].Name, members[i].ClientURLs = req.Name, slices.Clone(req.ClientURLs)
			c.become(members)
		}
		return store.Response{Result: &store.MemberPublishResult{}}
	}
	return store.Response{Result: &store.MembersResult{Members: c.members}}
}

func (c *Cluster) become(members []store.Member) {
	c.members, c.changed = members, true
	c.hash = store.MixString(store.Mix(c.next, c.removed), store.AppendMembers(nil, members))
}

// validate refuses a change that does not fit the present members, in the order
// of etcd's ValidateConfigurationChange.
func (c *Cluster) validate(req store.Request) *store.Error {
	switch req := req.(type) {
	case *store.MemberAddRequest:
		switch {
		case c.next > store.MaxMembers:
			return store.ErrTooManyMembers
		case c.taken(req.PeerURLs, 0):
			return store.ErrPeerURLExists
		case req.Learner && uint64(len(c.members)-c.Voters()) >= c.cfg.MaxLearners:
			return store.ErrTooManyLearners
		}
	case *store.MemberRemoveRequest:
		if c.Member(req.ID) == nil {
			return store.ErrMemberNotFound
		}
	case *store.MemberUpdateRequest:
		switch {
		case c.Member(req.ID) == nil:
			return store.ErrMemberNotFound
		case c.taken(req.PeerURLs, req.ID):
			return store.ErrPeerURLExists
		}
	case *store.MemberPromoteRequest:
		switch m := c.Member(req.ID); {
		case m == nil:
			return store.ErrMemberNotFound
		case !m.Learner:
			return store.ErrMemberNotLearner
		}
	}
	return nil
}

// taken reports whether one of the addresses belongs to a member other than
// except.
func (c *Cluster) taken(urls []string, except uint64) bool {
	for i := range c.members {
		m := &c.members[i]
		if m.ID != except && slices.ContainsFunc(m.PeerURLs, func(url string) bool { return slices.Contains(urls, url) }) {
			return true
		}
	}
	return false
}

// ReadyToAddVoter reports whether enough members have started for one more
// voter, which has not: etcd's first part of --strict-reconfig-check. A lone
// member may always get a second one.
func (c *Cluster) ReadyToAddVoter() bool {
	started, voters := c.started(0)
	return started == 1 && voters == 1 || started >= quorum(voters+1)
}

// ReadyToRemoveVoter reports whether those that stay without the member would
// have a quorum of started ones.
func (c *Cluster) ReadyToRemoveVoter(id uint64) bool {
	started, voters := c.started(id)
	return started >= quorum(voters)
}

// ReadyToPromote reports whether one more voter, which runs, would leave a
// quorum of started ones.
func (c *Cluster) ReadyToPromote() bool {
	started, voters := c.started(0)
	return started+1 >= quorum(voters+1)
}

// started counts the voters but one, and those of them that have started.
func (c *Cluster) started(except uint64) (started, voters int) {
	for i := range c.members {
		if m := &c.members[i]; !m.Learner && m.ID != except {
			voters++
			if m.Started() {
				started++
			}
		}
	}
	return started, voters
}

func quorum(n int) int { return n/2 + 1 }
