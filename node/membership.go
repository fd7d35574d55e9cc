package node

import (
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store"
	"etcdsim/store/membership"
)

// Who the members are changes by entries of the log of a kind of its own, one
// at a time: raft's configuration (voters and learners) and the list of members
// change together when such an entry is applied. Before that the member that is
// asked looks whether the change is wise, as etcd's EtcdServer does in
// AddMember, RemoveMember and PromoteMember; whether it is valid is decided when
// its turn in the log has come.

// healthInterval is how long members must have been connected before one of
// them lets the cluster change; etcd's HealthInterval.
const healthInterval = 5 * time.Second

// Unconnected stands in Input.Connected for a peer without a connection.
const Unconnected = sim.Forever

// reconfiguring is the member's part in changes of the membership.
type reconfiguring struct {
	// waiting are the changes taken in here whose entry is not applied, in the order
	// of their arrival.
	waiting []change
	// answers are those to changes that were applied, and leave when raft is done
	// with the entry: before that it would drop the next change (etcd #15528).
	answers []Answer
	// moves are the requests to hand over leadership that are under way.
	moves []move
	// connected is since when this member has been connected to each peer, by ID;
	// known within a step that takes in a request about members.
	connected []sim.Time
	// publishing: the member has asked to publish its name.
	publishing bool
}

// change is a change of the membership on its way.
type change struct {
	Call
	// id is that of its proposal: the client's operation, also where another member
	// asks for the client.
	id      uint64
	arrived sim.Time
	// data is the proposal; nil once raft has it.
	data []byte
}

// move is a request to hand over leadership.
type move struct {
	Call
	target  uint64
	arrived sim.Time
}

// admit refuses what a member does not serve to clients: most of it while it
// learns.
func (n *Node) admit(c Call) *store.Error {
	m := n.members.Member(n.id)
	if c.Client.IsClient() && m != nil && m.Learner && !store.ForLearners(c.Request) {
		return store.ErrNotSupportedForLearner
	}
	return nil
}

// changeMembers takes in a change of the membership.
func (n *Node) changeMembers(c Call) {
	var err *store.Error
	switch req := c.Request.(type) {
	case *store.MemberAddRequest:
		c.Request = req.Normal()
		err = n.mayAdd(req)
	case *store.MemberRemoveRequest:
		err = n.mayRemove(req.ID)
	case *store.MemberPromoteRequest:
		if n.role != trace.RoleLeader {
			n.promoteElsewhere(c)
			return
		}
		err = n.mayPromote(req.ID)
	}
	if err != nil {
		n.answer(c.Client, c.Op, store.Response{Err: err}, n.applied)
		return
	}
	n.proposeChange(c)
}

// promoteElsewhere passes a promotion on: only the leader knows how far the
// learner has come. A member that asks for a client must find the leader itself.
func (n *Node) promoteElsewhere(c Call) {
	if n.fromMember(c) {
		n.answer(c.Client, c.Op, store.Response{Err: store.ErrNotLeader}, n.applied)
		return
	}
	n.forward(c)
}

// mayAdd protects the quorum: the new member counts as one that is not there.
func (n *Node) mayAdd(req *store.MemberAddRequest) *store.Error {
	switch {
	case !n.cfg.StrictReconfig:
		return nil
	case !req.Learner && !n.members.ReadyToAddVoter():
		return store.ErrNotEnoughStarted
	}
	if voters := n.members.Voters(); voters > 1 && n.connectedVoters() < quorum(voters+1) {
		return store.ErrUnhealthy
	}
	return nil
}

// mayRemove protects the quorum: those that stay must be enough and be there.
// Whoever is not there may go.
func (n *Node) mayRemove(id uint64) *store.Error {
	m := n.members.Member(id)
	switch {
	case !n.cfg.StrictReconfig, m != nil && m.Learner:
		return nil
	case !n.members.ReadyToRemoveVoter(id):
		return store.ErrNotEnoughStarted
	case id != n.id && n.connectedSince(id) == Unconnected:
		return nil
	case n.connectedVoters()-1 < quorum(n.members.Voters()-1):
		return store.ErrUnhealthy
	}
	return nil
}

// mayPromote wants the learner to have nine tenths of the leader's log.
func (n *Node) mayPromote(id uint64) *store.Error {
	progress := n.Status().Progress
	learner, ok := progress[id]
	switch {
	case !ok:
		return store.ErrMemberNotFound
	case learner.Match*10 < progress[n.id].Match*9:
		n.log.Hit(trace.ProbeLearnerNotReady)
		return store.ErrLearnerNotReady
	case n.cfg.StrictReconfig && !n.members.ReadyToPromote():
		return store.ErrNotEnoughStarted
	}
	return nil
}

func quorum(n int) int { return n/2 + 1 }

func (n *Node) connectedSince(peer uint64) sim.Time {
	if peer >= uint64(len(n.reconfig.connected)) {
		return Unconnected
	}
	return n.reconfig.connected[peer]
}

// connectedVoters counts the voters that this member has been connected to long
// enough, and itself.
func (n *Node) connectedVoters() (count int) {
	for _, m := range n.members.Members() {
		if m.Learner {
			continue
		}
		since := n.connectedSince(m.ID)
		if m.ID == n.id || since != Unconnected && since.Add(healthInterval) < n.now {
			count++
		}
	}
	return count
}

// proposeChange hands a change to raft, or keeps it until there is a leader.
func (n *Node) proposeChange(c Call) {
	id := c.Op
	if c.For != 0 {
		id = c.For
	}
	p := store.Proposal{ID: id, Request: c.Request}
	n.reconfig.waiting = append(n.reconfig.waiting, change{
		Call: c, id: id, arrived: n.now, data: store.AppendProposal(nil, &p),
	})
	n.offerChanges()
}

// offerChanges hands the changes that wait for a leader to raft. It does not
// say whether it takes them: one that comes while another is under way becomes
// an empty entry, and its client waits in vain, in etcd as here.
func (n *Node) offerChanges() {
	if n.leader == raft.None {
		return
	}
	for i := range n.reconfig.waiting {
		c := &n.reconfig.waiting[i]
		if c.data == nil {
			continue
		}
		n.log.Emit(trace.Event{
			Kind: trace.Propose, Aux: n.role, Member: n.addr, Term: n.term, A: uint64(len(c.data)), ID: c.id,
		})
		_ = n.raft.node.ProposeConfChange(&pb.ConfChange{Type: changeType(c.Request).Enum(), NodeId: changed(c.Request), Context: c.data})
		c.data = nil
	}
}

// changeType is what a change is to raft.
func changeType(req store.Request) pb.ConfChangeType {
	switch req := req.(type) {
	case *store.MemberAddRequest:
		if req.Learner {
			return pb.ConfChangeAddLearnerNode
		}
		return pb.ConfChangeAddNode
	case *store.MemberPromoteRequest:
		return pb.ConfChangeAddNode
	case *store.MemberRemoveRequest:
		return pb.ConfChangeRemoveNode
	}
	return pb.ConfChangeUpdateNode
}

// changed is whom a change concerns. A new member gets its ID when the entry is
// applied, so that two members which add at the same time do not give the same.
func changed(req store.Request) *uint64 {
	var id uint64
	switch req := req.(type) {
	case *store.MemberPromoteRequest:
		id = req.ID
	case *store.MemberRemoveRequest:
		id = req.ID
	case *store.MemberUpdateRequest:
		id = req.ID
	}
	return &id
}

// changeApplied notes the answer for whoever waits here for the change.
func (n *Node) changeApplied(id uint64, r store.Response) {
	if i := slices.IndexFunc(n.reconfig.waiting, func(c change) bool { return c.id == id }); i >= 0 {
		c := n.reconfig.waiting[i]
		n.reconfig.waiting = slices.Delete(n.reconfig.waiting, i, i+1)
		n.reconfig.answers = append(n.reconfig.answers, Answer{
			Client: c.Client, Op: c.Op, Response: r, Applied: n.applied, Member: n.id,
		})
	}
}

// answerChanges answers the changes that raft is done with.
func (n *Node) answerChanges() {
	for _, a := range n.reconfig.answers {
		n.answer(a.Client, a.Op, a.Response, a.Applied)
	}
	n.reconfig.answers = n.reconfig.answers[:0]
}

// expireChanges gives up on changes that were not applied in time, and on
// handovers that did not happen.
func (n *Node) expireChanges() {
	r := &n.reconfig
	for len(r.waiting) > 0 && n.now.Sub(r.waiting[0].arrived) >= n.cfg.RequestTimeout() {
		c := r.waiting[0]
		r.waiting = r.waiting[1:]
		n.answer(c.Client, c.Op, store.Response{Err: n.timeoutReason(c.arrived)}, n.applied)
	}
	n.checkMoves()
}

// moveLeader takes in a request to hand over leadership.
func (n *Node) moveLeader(c Call, target uint64) {
	err := store.ErrBadLeaderTransferee
	m := n.members.Member(target)
	if n.leader != n.id {
		err = store.ErrNotLeader
	}
	if n.leader != n.id || m == nil || m.Learner {
		n.answer(c.Client, c.Op, store.Response{Err: err}, n.applied)
		return
	}
	n.raft.node.TransferLeader(target)
	n.reconfig.moves = append(n.reconfig.moves, move{Call: c, target: target, arrived: n.now})
	n.checkMoves()
}

// checkMoves answers the handovers that are done. etcd looks once a tick.
func (n *Node) checkMoves() {
	n.reconfig.moves = slices.DeleteFunc(n.reconfig.moves, func(m move) bool {
		switch {
		case n.leader == m.target:
			n.log.Hit(trace.ProbeHandedOver)
			n.answer(m.Client, m.Op, store.Response{Result: &store.MoveLeaderResult{}}, n.applied)
		case n.now.Sub(m.arrived) >= n.cfg.RequestTimeout():
			n.answer(m.Client, m.Op, store.Response{Err: store.ErrTimeoutLeaderTransfer}, n.applied)
		default:
			return false
		}
		return true
	})
}

// listMembers answers who the members are, as far as this one has applied.
func (n *Node) listMembers(c Call) {
	n.answer(c.Client, c.Op, store.Response{Result: &store.MembersResult{Members: n.members.Members()}}, n.applied)
}

// publish tells the members the name of this one through the log. A member
// publishes at every start, and serves clients only once it has applied that: it
// has then applied all that was committed before it started. Of a cluster of one
// voter nothing else would ensure that, for raft answers its ReadIndex at once
// (etcd-io/raft#105), while its commit index may have been lost in a crash.
func (n *Node) publish() {
	if n.reconfig.publishing || n.members.Member(n.id) == nil {
		return
	}
	n.reconfig.publishing = true
	url := n.cfg.ClientURL
	if url == "" {
		url = store.ClientURL(n.id)
	}
	n.ask(&store.MemberPublishRequest{
		ID: n.id, Name: store.MemberName(n.id), ClientURLs: []string{url},
	}, func(r store.Response) {
		n.reconfig.publishing = false
		if r.Err != nil || n.serving {
			return
		}
		n.serving = true
		early := n.requests.early
		n.requests.early = nil
		for _, c := range early {
			n.request(c)
		}
	})
}

// settings returns the settings of the list of members.
func (n *Node) settings() membership.Config {
	return membership.Config{MaxLearners: n.cfg.MaxLearners, Bugs: n.bugs}
}
