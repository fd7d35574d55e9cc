package node

import (
	"errors"
	"slices"

	"go.etcd.io/raft/v3"

	"etcdsim/sim"
	"etcdsim/sim/bug"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// maxApplyGap is how far the store may lag behind the commit index before a
// member refuses new proposals; etcd's maxGapBetweenApplyAndCommitIndex.
const maxApplyGap = 5000

// errProposalDropped is raft.ErrProposalDropped as it reaches a client: the
// leader is handing over, or too much is uncommitted.
var errProposalDropped = &store.Error{Code: store.Unknown, Text: raft.ErrProposalDropped.Error()}

// requests are the writes that this member took in and has not answered.
type requests struct {
	// waiting holds who waits for which proposal.
	waiting map[uint64]waiter
	// arrived holds proposal IDs in order of arrival, which is the order of their
	// deadlines. Some are answered already.
	arrived []uint64
	// held are encoded proposals that wait for a leader to be known.
	held []held
	// early are the calls of clients that came before this member served any:
	// its port is open, but nobody answers there yet.
	early []Call
	buf   []byte
}

type waiter struct {
	client  trace.Addr
	arrived sim.Time
}

type held struct {
	id   uint64
	data []byte
}

// request takes in a client's request: reads go to their rounds, writes to
// raft.
func (n *Node) request(c Call) {
	if _, gone := c.Request.(*store.StreamCloseRequest); gone && !c.Streamed {
		n.abandon(c.Op)
		return
	}
	if !n.serving && c.Client.IsClient() && !n.bugs.Has(bug.SingletonStaleReadIndex) {
		n.requests.early = append(n.requests.early, c)
		return
	}
	if n.hold(&c) {
		return
	}
	if c.Streamed {
		if _, ok := c.Request.(*store.SnapshotRequest); ok {
			n.handOut(c)
		} else {
			n.onStream(c)
		}
		return
	}
	err := n.admit(c)
	if err == nil && !n.fits(c.Request) {
		n.refuseForSpace(c)
		return
	}
	if err == nil {
		err = store.Check(c.Request, int(n.cfg.MaxTxnOps))
	}
	if err == nil {
		err = n.authorize(&c)
	}
	if err != nil {
		n.answer(c.Client, c.Op, store.Response{Err: err}, n.applied)
		return
	}
	switch r := c.Request.(type) {
	case *store.MemberAddRequest, *store.MemberRemoveRequest, *store.MemberUpdateRequest, *store.MemberPromoteRequest:
		n.changeMembers(c)
		return
	case *store.MoveLeaderRequest:
		n.moveLeader(c, r.Target)
		return
	case *store.StatusRequest:
		n.answerStatus(c)
		return
	case *store.DefragmentRequest:
		n.defragmentFor(c)
		return
	case *store.HTTPRequest:
		n.serveHTTP(c, r)
		return
	case *store.LockRequest, *store.UnlockRequest, *store.CampaignRequest, *store.ProclaimRequest, *store.LeaderRequest,
		*store.ObserveRequest, *store.ResignRequest:
		n.serveCall(c)
		return
	case *store.AuthenticateRequest:
		if !c.self {
			n.authenticate(c, r)
			return
		}
	case *store.UserAddRequest, *store.UserChangePasswordRequest:
		c.Request = n.withHash(r)
	case *store.LeaseGrantRequest:
		c.Request = n.withLeaseID(r)
	case *store.LeaseKeepAliveRequest:
		n.keepAlive(c)
		return
	case *store.LeaseTimeToLiveRequest:
		n.timeToLive(n.arrived(c), r)
		return
	}
	switch {
	case !store.ReadOnly(c.Request):
		n.propose(c)
	case store.Serializable(c.Request), n.bugs.Has(bug.SerializableAsLinearizable),
		n.bugs.Has(bug.LeaderLocalRead) && n.role == trace.RoleLeader:
		n.serve(c)
	default:
		n.read(c)
	}
}

func (n *Node) propose(c Call) {
	if n.commit > n.applied+maxApplyGap {
		n.answer(c.Client, c.Op, store.Response{Err: store.ErrTooManyRequests}, n.applied)
		return
	}
	p := store.Proposal{ID: c.Op, Request: c.Request}
	if n.kv.AuthEnabled() {
		if err := n.sign(&p, &c); err != nil {
			n.answer(c.Client, c.Op, store.Response{Err: err}, n.applied)
			return
		}
	}
	n.requests.buf = store.AppendProposal(n.requests.buf[:0], &p)
	if len(n.requests.buf) > int(n.cfg.MaxRequest) {
		n.answer(c.Client, c.Op, store.Response{Err: store.ErrRequestTooLarge}, n.applied)
		return
	}
	n.submit(c, slices.Clone(n.requests.buf))
}

// submit takes in an encoded proposal, whose ID is the call's, and hands it to raft.
func (n *Node) submit(c Call, data []byte) {
	n.requests.waiting[c.Op] = waiter{c.Client, n.now}
	n.requests.arrived = append(n.requests.arrived, c.Op)
	// Without a leader raft drops proposals, and etcd does not offer it any
	// (raft's node.run): they wait.
	if n.leader == raft.None {
		n.requests.held = append(n.requests.held, held{c.Op, data})
		return
	}
	n.offer(c.Op, data)
}

// offer hands an encoded proposal to raft.
func (n *Node) offer(id uint64, data []byte) {
	n.log.Emit(trace.Event{Kind: trace.Propose, Aux: n.role, Member: n.addr, Term: n.term, A: uint64(len(data)), ID: id})
	if err := n.raft.node.Propose(data); err != nil {
		if !errors.Is(err, raft.ErrProposalDropped) {
			panic("node: raft refused a proposal: " + err.Error())
		}
		n.log.Emit(trace.Event{Kind: trace.ProposeDropped, Member: n.addr, Term: n.term, ID: id})
		if _, waits := n.older.calls[id]; waits {
			return // v2 does not look at what raft says, and waits
		}
		n.answerRequest(id, store.Response{Err: errProposalDropped})
	}
}

// proposeHeld offers what waited for a leader.
func (n *Node) proposeHeld() {
	pending := n.requests.held
	n.requests.held = nil
	for _, h := range pending {
		if _, ok := n.requests.waiting[h.id]; ok {
			n.offer(h.id, h.data)
		}
	}
}

// answerRequest answers whoever waits here for the proposal, if anybody does.
func (n *Node) answerRequest(id uint64, r store.Response) {
	if w, ok := n.requests.waiting[id]; ok {
		delete(n.requests.waiting, id)
		if !n.answerOlder(id, r) {
			n.answer(w.client, id, r, n.applied)
		}
	}
}

// expireRequests gives up on writes that were not applied in time. They may be
// applied later all the same.
func (n *Node) expireRequests() {
	for len(n.requests.arrived) > 0 {
		id := n.requests.arrived[0]
		w, ok := n.requests.waiting[id]
		if ok {
			if n.now.Sub(w.arrived) < n.cfg.RequestTimeout() {
				return
			}
			n.answerRequest(id, store.Response{Err: n.timeoutReason(w.arrived)})
		}
		n.requests.arrived = n.requests.arrived[1:]
	}
}

// timeoutReason is etcd's parseProposeCtxErr: a timeout, with the reason if the
// member can tell.
func (n *Node) timeoutReason(arrived sim.Time) *store.Error {
	election := n.cfg.Election()
	if lost := n.leaderSince.Add(-2 * election); arrived > lost && arrived < n.leaderSince {
		return store.ErrTimeoutLeaderFail
	}
	recently := func(peer uint64) bool { return n.now.Sub(n.lastHeard(peer)) <= election }
	switch n.leader {
	case raft.None:
	case n.id:
		connected := 1
		for _, peer := range n.confState.GetVoters() {
			if peer != n.id && recently(peer) {
				connected++
			}
		}
		if connected <= len(n.confState.GetVoters())/2 {
			return store.ErrTimeoutConnectionLost
		}
	default:
		if !recently(n.leader) {
			return store.ErrTimeoutConnectionLost
		}
	}
	return store.ErrTimeout
}

// answer puts an answer into the output.
func (n *Node) answer(client trace.Addr, op uint64, r store.Response, applied uint64) {
	if client == nobody {
		return
	}
	a := Answer{Client: client, Op: op, Response: r, Applied: applied, Term: n.term, Member: n.id}
	if client == n.addr {
		n.own.answers = append(n.own.answers, a)
		return
	}
	n.out.Answers = append(n.out.Answers, a)
}
