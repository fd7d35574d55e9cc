// Package node is one member of the cluster: the real raft library, its log on
// a disk and its store, behind one function, Step. A member calls no one; what
// it wants sent, answered or synced is in the Output of the step, and the
// cluster carries it there. It can therefore be tested alone, with a script.
//
// Members drive raft as etcd's raftNode and EtcdServer do: through Ready and
// Advance with one save under way at a time, in etcd's order of persist, send
// and apply (ready.go), with linearizable reads in rounds of ReadIndex
// (read.go), proposals that wait for their entry to be applied (request.go), a
// state that goes to the disk in batches (backend.go) and a log that begins anew
// every so many entries (apply.go). What arrives during an fsync is therefore
// batched behind it, and a stalled disk silences a member's heartbeats, as it does
// in etcd.
//
// A member never reads a clock or a random source: the time is an argument,
// and raft's one random draw is replaced in randomness.go.
package node

import (
	"errors"
	"fmt"
	"time"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"etcdsim/sim"
	"etcdsim/sim/bug"
	"etcdsim/sim/trace"
	"etcdsim/store"
	"etcdsim/store/disk"
	"etcdsim/store/mvcc"
	"etcdsim/store/wal"
)

// Node is one member. It is not for concurrent use.
type Node struct {
	id   uint64
	addr trace.Addr
	cfg  Config
	bugs bug.Set
	log  *trace.Log // the trace; the raft log is wal

	// now is the time of the present step by the machine's steady clock, and ahead
	// how far its wall clock is before that.
	now   sim.Time
	ahead time.Duration
	raft  driver
	wal   *wal.Log
	disk  *disk.Disk
	replicated

	// What raft said last; see observe.
	term   uint64
	role   uint16
	leader uint64
	// leaderSince is when the present leader became known.
	leaderSince sim.Time
	commit      uint64
	// applied is the index of the last entry in the store. Invariant:
	// applied <= commit.
	applied     uint64
	appliedTerm uint64 // of that entry
	// handed is the index of the last entry that raft has handed out as committed. It
	// is behind applied after a start from a state that is ahead of the committed
	// index, until that is known again; raft needs the log from here on.
	handed uint64
	// serving: this process has told the members its name through the log, and
	// takes requests from clients.
	serving bool
	// firstCommit is the last term in which this member saw an entry committed.
	firstCommit uint64

	keeping  keeping
	save     save
	syncing  []written
	snapshot snapshot
	requests requests
	reads    reads
	// tickPending: a tick came while a save was under way. etcd's ticker channel
	// holds one and drops the rest.
	tickPending bool
	// lastTick is when raft's clock ticked last.
	lastTick    sim.Time
	forwarded   forwarded
	traffic     traffic
	own         own
	leasing     leasing
	tokens      tokens
	maintaining maintaining
	services    services
	reconfig    reconfiguring
	// heard is when each peer was last heard, by ID.
	heard     []sim.Time
	watch     watching
	compactor compactor
	seed      sim.Seed // of the run; streams of random numbers derive from it
	// trap is where the process will die.
	trap Trap

	out Output
}

// Input is one thing that happens to a member.
type Input struct {
	Kind InputKind
	// Message is the raft message of a Receive. Nobody may change it any more.
	Message *pb.Message
	// Call is the request of a Request. It is not changed.
	Call *Call
	// Connected is since when the member's transport has been connected to each
	// peer, by ID, or Unconnected: for the Request of a change of the membership.
	Connected []sim.Time
	// Ticket is the sync that a Synced completes.
	Ticket uint64
	// Token is that of the timer of an Alarm.
	Token Token
	// Answer is what another member answered, for Answered. It is not changed.
	Answer *Answer
	// Peer and OK are the report of a SnapshotSent: whether the snapshot for Peer
	// arrived.
	Peer uint64
	OK   bool
}

// InputKind says what happened.
type InputKind uint8

// Inputs.
const (
	Tick           InputKind = iota // the member's clock ticked
	Receive                         // a raft message arrived
	Request                         // a client's request arrived
	Synced                          // the disk finished a sync
	SnapshotSent                    // the fate of a snapshot sent to Peer is known
	Unreachable                     // nobody listens at Peer
	TransferLeader                  // this leader shall hand over to Peer
	Alarm                           // a timer rang
	Answered                        // another member answered a call of this one
)

// Call is a client's request.
type Call struct {
	Client trace.Addr
	// Streamed: the call is answered as often as there is something to say, and
	// further calls with the same Op belong to it. See watch.go.
	Streamed bool
	// Op identifies the operation within the run; it becomes the ID of the
	// proposal.
	Op uint64
	// For is the client's operation that another member asks for, or 0.
	For     uint64
	Request store.Request
	// As says in whose name the client asks.
	As store.Credential
	// self: the member itself asks, and may do everything.
	self bool
}

// Answer is what a member answers to a Call.
type Answer struct {
	Client trace.Addr
	// Streamed: more answers to the Op may follow, unless this one is an error.
	Streamed bool
	Op       uint64
	store.Response
	// Applied is the index the response reflects: for a write that of its own
	// entry. Term and Member say who answered. They are the simulator's
	// knowledge, not the client's.
	Applied, Term, Member uint64
}

// PeerCall is a call from this member to another, which answers it like a
// client's.
type PeerCall struct {
	To uint64
	Call
}

// Timer asks for an Alarm after some time.
type Timer struct {
	After time.Duration
	Token Token
}

// Token says what a timer is for.
type Token uint64

// Output is what a member wants done. It is valid until the next Step.
type Output struct {
	// Messages go to the network in this order.
	Messages []*pb.Message
	// Answers go to clients.
	Answers []Answer
	// Calls go to other members.
	Calls []PeerCall
	// Timers are set; none is ever unset.
	Timers []Timer
	// Syncs are the disk syncs that began: each is answered by a Synced input
	// after its latency.
	Syncs []disk.Ticket
	// Applied are the requests applied in this step, in log order.
	Applied []Applied
	// Fatal ends the process: its disk refused a write, and a member that cannot
	// save must not go on. etcd exits likewise.
	Fatal error
	// Died is the point at which the process died in the middle of the step, or
	// Nowhere. Messages had left by then; of answers and timers nobody hears.
	Died Point
	// Removed reports that the member applied its own removal: it lets what it has
	// sent arrive, and ends.
	Removed bool
	// Gone are members that were removed and do not know it: they still send. They
	// are told so.
	Gone []uint64
}

// Applied is one request that the member applied.
type Applied struct {
	Index, Term uint64
	Proposal    *store.Proposal
	Response    store.Response
}

// ErrRemoved is what Start returns for a member that was removed.
var ErrRemoved = errors.New("the member has been permanently removed from the cluster")

// Start brings a member up from what its disk holds, and from nothing else. A
// disk that holds no log is a new member's: a founder begins with the given
// voters, who are all founders, and one that joins later, without any, learns
// everything from the leader. now is what the machine's steady clock shows. An error
// means that the disk's content cannot be trusted, or is ErrRemoved.
func Start(
	id uint64, voters []uint64, cfg Config, d *disk.Disk, now sim.Time, seed sim.Seed, bugs bug.Set, log *trace.Log,
) (*Node, error) {
	if fields.err != nil {
		return nil, fmt.Errorf("node: raft's election timeout cannot be made deterministic: %w", fields.err)
	}
	w, err := openLog(d, wal.Config{
		SegmentSize: cfg.Segment, ReleaseEarly: bugs.Has(bug.SnapGCRace), TrustCache: bugs.Has(bug.UnsyncedRestart),
	}, voters, cfg.State)
	if err != nil {
		return nil, fmt.Errorf("node %d: %w", id, err)
	}
	n := &Node{
		id: id, addr: trace.Addr(id), cfg: cfg, bugs: bugs, log: log,
		wal: w, disk: d, heard: make([]sim.Time, len(voters)+1), seed: seed,
	}
	n.requests.waiting = make(map[uint64]waiter)
	n.now, n.lastTick, n.traffic.started = now, now, now
	n.leasing.lessor = newLessor(cfg)

	snap, err := w.Snapshot()
	if err != nil {
		return nil, fmt.Errorf("node %d: %w", id, err)
	}
	if err := n.openState(snap); err != nil {
		return nil, fmt.Errorf("node %d: %w", id, err)
	}
	n.snapshot.index = snap.GetMetadata().GetIndex()
	hard, _, _ := w.InitialState()

	n.handed = min(n.applied, hard.GetCommit())
	checkQuorum, reads := cfg.CheckQuorum && !bugs.Has(bug.NoCheckQuorum), raft.ReadOnlySafe
	if bugs.Has(bug.LeaseRead) && checkQuorum {
		reads = raft.ReadOnlyLeaseBased
	}
	n.raft, err = newDriver(&raft.Config{
		ID:            id,
		ElectionTick:  int(cfg.ElectionTicks),
		HeartbeatTick: int(cfg.HeartbeatTicks),
		Storage:       &storage{w, n.confState},
		Applied:       n.handed,
		// As in etcd: a message of at most 1 MiB, and 512 under way.
		MaxSizePerMsg:   1 << 20,
		MaxInflightMsgs: 4096 / 8,
		CheckQuorum:     checkQuorum,
		PreVote:         cfg.PreVote && !bugs.Has(bug.NoPreVote),
		ReadOnlyOption:  reads,
		Logger:          logger{},

		DisableConfChangeValidation: bugs.Has(bug.ConfUnvalidated),
	}, seed)
	if err != nil {
		return nil, fmt.Errorf("node %d: %w", id, err)
	}
	n.term, n.commit = hard.GetTerm(), max(hard.GetCommit(), n.applied)
	if n.members.Removed(id) || n.committedRemoval() {
		return nil, fmt.Errorf("node %d: %w", id, ErrRemoved)
	}
	return n, nil
}

// Turn makes all that the member draws from now on other draws: see sim.Seed. The
// election timeout that it has drawn stays as long as its term and role do.
func (n *Node) Turn(by uint64) {
	n.seed.Turn(by)
	if n.watch.watchers != nil {
		n.watch.rand.Turn(by)
	}
	if n.tokens.rand != nil {
		n.tokens.rand.Turn(by)
	}
	n.raft.timer.seed = seedOf(n.seed, n.id)
}

// openLog recovers the log from a disk, or begins one on a new disk.
func openLog(d *disk.Disk, cfg wal.Config, voters []uint64, state []byte) (*wal.Log, error) {
	w, err := wal.Open(d, cfg)
	if errors.Is(err, wal.ErrNoLog) {
		if len(voters) == 0 {
			return wal.Create(d, cfg, nil)
		}
		return wal.Create(d, cfg, wal.Genesis(voters, state))
	}
	return w, err
}

// TurnWallClock tells the member how far the machine's wall clock is ahead of its
// steady one. Nearly everything goes by the latter, as in etcd, whose Go measures
// durations by it: raft's ticks, leases, timeouts and tokens. The wall clock is in
// what outlives the process or goes to others: the nodes of the older store expire by
// it, and the identifiers that a process gives out begin with it.
func (n *Node) TurnWallClock(ahead time.Duration) { n.ahead = ahead }

// wall returns what the machine's wall clock shows.
func (n *Node) wall() sim.Time {
	if n.ahead != 0 {
		n.log.Hit(trace.ProbeWallClockWrong)
	}
	return max(n.now.Add(n.ahead), 0)
}

// Step lets one thing happen to the member, at the time now by the machine's steady
// clock, and returns what the member wants done about it. now never goes back.
func (n *Node) Step(now sim.Time, in *Input) *Output {
	if n.trap.At != Nowhere {
		return n.stepIntoTrap(now, in)
	}
	return n.step(now, in)
}

func (n *Node) stepIntoTrap(now sim.Time, in *Input) (out *Output) {
	defer n.dies(&out)
	return n.step(now, in)
}

func (n *Node) step(now sim.Time, in *Input) *Output {
	n.now = now
	n.out.Messages = n.out.Messages[:0]
	n.out.Answers = n.out.Answers[:0]
	n.out.Calls = n.out.Calls[:0]
	n.out.Timers = n.out.Timers[:0]
	n.out.Syncs = n.out.Syncs[:0]
	n.out.Applied = n.out.Applied[:0]
	n.out.Gone = n.out.Gone[:0]
	n.out.Fatal, n.out.Removed, n.out.Died = nil, false, Nowhere
	switch in.Kind {
	case Tick:
		n.tick()
	case Receive:
		n.receive(in.Message)
	case Request:
		n.reconfig.connected = in.Connected
		n.request(*in.Call)
	case Synced:
		n.synced(in.Ticket)
	case SnapshotSent:
		status := raft.SnapshotFailure
		if in.OK {
			status = raft.SnapshotFinish
		}
		n.snapshotArrived(in.Peer, in.OK)
		n.raft.node.ReportSnapshot(in.Peer, status)
	case Unreachable:
		n.raft.node.ReportUnreachable(in.Peer)
	case TransferLeader:
		n.raft.node.TransferLeader(in.Peer)
	case Alarm:
		n.alarm(in.Token)
	case Answered:
		n.answered(in.Answer)
	}
	n.pump()
	if len(n.tokens.early) > 0 && n.takeEarly() {
		n.pump()
	}
	if len(n.own.answers) > 0 || len(n.services.ready) > 0 {
		n.goOnInside()
	}
	if n.watch.watchers != nil {
		n.serveWatchers()
	}
	return &n.out
}

// tick moves raft's clock, and expires what waited too long. etcd's ticker is
// read by the goroutine that also saves: during a save raft's clock stands
// still, and at most one tick is made up afterwards.
func (n *Node) tick() {
	if n.save.underWay {
		n.tickPending = true
	} else {
		n.tickRaft()
	}
	n.expireRequests()
	n.retryReads()
	if n.reconfig.busy() {
		n.expireChanges()
	}
	if !n.serving {
		n.publish()
	}
	if !n.compactor.running && n.cfg.AutoCompaction != (AutoCompaction{}) {
		n.compactNowAndThen()
	}
}

func (n *Node) tickRaft() {
	n.lastTick = n.now
	n.raft.node.Tick()
}

func (n *Node) receive(m *pb.Message) {
	from := m.GetFrom()
	if n.members.Removed(from) {
		n.out.Gone = append(n.out.Gone, from)
		return
	}
	for from >= uint64(len(n.heard)) {
		n.heard = append(n.heard, 0)
	}
	n.heard[from] = n.now
	switch m.GetType() {
	case pb.MsgProp:
		n.log.Hit(trace.ProbeForwarded)
	case pb.MsgApp:
		n.traffic.received++
	case pb.MsgReadIndex:
		if n.knowsTooLittle() {
			return // whoever reads asks again
		}
	}
	// raft reports messages it cannot use: responses of removed peers, proposals it
	// drops. etcd ignores them alike.
	_ = n.raft.node.Step(m)
}

// observe looks whether raft believes something else than before. It must follow
// every call that may have made it so.
func (n *Node) observe() {
	n.raft.timer.settle()
	if *n.raft.term != n.term || uint16(*n.raft.state) != n.role || *n.raft.lead != n.leader {
		n.changed()
	}
}

// changed tells the trace and the waiting reads what raft believes now.
func (n *Node) changed() {
	term, role, leader := *n.raft.term, uint16(*n.raft.state), *n.raft.lead
	kind := trace.RoleChange
	if role == n.role && term == n.term {
		kind = trace.LeaderKnown
	}
	last, _ := n.wal.LastIndex()
	n.log.Emit(trace.Event{
		Kind: kind, Aux: role, Member: n.addr, Term: term, Index: last, A: n.commit, B: leader,
	})
	if n.role == trace.RoleLeader && role == trace.RoleFollower && term == n.term {
		n.log.Hit(trace.ProbeLeaderStepDown)
	}
	if n.role == trace.RoleCandidate && role != trace.RoleLeader && leader == 0 {
		n.log.Hit(trace.ProbeSplitVote)
	}
	newLeader := leader != raft.None && leader != n.leader
	n.term, n.role, n.leader = term, role, leader
	if newLeader {
		n.leaderSince = n.now
		n.failReads(store.ErrLeaderChanged)
		n.proposeHeld()
		n.offerChanges()
	}
}

// lastHeard returns when a peer was last heard.
func (n *Node) lastHeard(peer uint64) sim.Time {
	if peer >= uint64(len(n.heard)) {
		return 0
	}
	return n.heard[peer]
}

// View is what an observer may know of a member.
type View struct {
	Term       uint64
	Role       uint16 // trace.RoleFollower...
	Leader     uint64 // or 0
	Commit     uint64
	Applied    uint64
	LastIndex  uint64
	FirstIndex uint64
	Revision   int64
	Hash       uint64
	// Serving: the member takes requests from clients.
	Serving bool
	// ElectionElapsed of ElectionTimeout ticks have passed without a leader.
	ElectionElapsed, ElectionTimeout int
}

// View returns the member's present state.
func (n *Node) View() View {
	last, _ := n.wal.LastIndex()
	first, _ := n.wal.FirstIndex()
	return View{
		Term: n.term, Role: n.role, Leader: n.leader, Commit: n.commit, Applied: n.applied,
		LastIndex: last, FirstIndex: first, Revision: n.kv.Revision(), Hash: n.kv.Hash(),
		Serving: n.serving, ElectionElapsed: *n.raft.elapsed, ElectionTimeout: *n.raft.timeout,
	}
}

// LastTerm returns the term of the last entry in the member's log, durable or not.
func (n *Node) LastTerm() uint64 {
	last, _ := n.wal.LastIndex()
	term, _ := n.wal.Term(last)
	return term
}

// Role returns the member's term and role.
func (n *Node) Role() (term uint64, role uint16) { return n.term, n.role }

// Saving reports that a save is under way: a crash now finds it half done.
func (n *Node) Saving() bool { return n.save.underWay }

// Status returns raft's own account of the member, with the progress of each
// follower if it leads. It allocates; it is for people who look.
func (n *Node) Status() raft.Status { return n.raft.node.Status() }

// Store returns the member's store, to be looked at.
func (n *Node) Store() *mvcc.Store { return n.kv }

// Halt ends what runs inside the member and would wait for ever otherwise. It is
// the last thing to be called, however the process ended.
func (n *Node) Halt() { n.closeServices() }
