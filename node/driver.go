package node

import (
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"etcdsim/sim"
)

// driver is raft's RawNode as a member drives it. Asking it whether anything is
// ready costs as much as many a message does, and mostly the answer is known: what
// was just done has one, or cannot have one. So the driver asks only in doubt.
//
// A wrong guess that something is ready costs an empty Ready, which changes
// nothing. There is no guessing that nothing is: see advance and tick.
type driver struct {
	node *raft.RawNode
	timer
	outlook outlook
	// ready is the Ready that is being handled.
	ready raft.Ready
}

// outlook says whether raft has something ready.
type outlook uint8

const (
	inDoubt  outlook = iota // it must be asked
	quiet                   // it has nothing, for certain
	expected                // it is taken to have something
)

func newDriver(c *raft.Config, seed sim.Seed) (driver, error) {
	node, err := raft.NewRawNode(c)
	if err != nil {
		return driver{}, err
	}
	return driver{node: node, timer: newTimer(node, seed, c.ID, c.ElectionTick)}, nil
}

// next returns what raft has ready, or nil. It must be followed by advance before
// the next, and is valid until then.
func (d *driver) next() *raft.Ready {
	if d.outlook == quiet || d.outlook == inDoubt && !d.node.HasReady() {
		d.outlook = quiet
		return nil
	}
	d.ready = d.node.Ready()
	d.outlook = quiet // until something happens to raft
	return &d.ready
}

// advance tells raft that the Ready was handled. What raft then does to itself may
// have something ready: candidates vote for themselves, a leader acknowledges its own
// entries, and of what is committed there may be more than fits into a Ready.
func (d *driver) advance() {
	rd, state := &d.ready, *d.state
	nothing := d.handedAll() && (state == raft.StateFollower && rd.Snapshot == nil || state == raft.StateLeader && len(rd.Entries) == 0)
	d.node.Advance(*rd)
	if !nothing {
		d.doubt()
	}
}

// handedAll reports that the Ready holds all that is committed and was not handed
// out before, as far as it can tell.
func (d *driver) handedAll() bool {
	rd := &d.ready
	n := len(rd.CommittedEntries)
	return n == 0 || rd.CommittedEntries[n-1].GetIndex() == rd.HardState.GetCommit()
}

// onlyMessages reports that the Ready says nothing but what is to be sent, so that
// raft stays as it is when it goes on. Candidates vote for themselves.
func (d *driver) onlyMessages() bool {
	rd := &d.ready
	return len(rd.Entries)+len(rd.CommittedEntries)+len(rd.ReadStates) == 0 &&
		rd.SoftState == nil && rd.HardState == nil && rd.Snapshot == nil &&
		(*d.state == raft.StateFollower || *d.state == raft.StateLeader)
}

// doubt: something was done whose consequences are not known.
func (d *driver) doubt() {
	if d.outlook == quiet {
		d.outlook = inDoubt
	}
}

// tick moves raft's clock. A follower that is one afterwards had nothing to do.
func (d *driver) tick() {
	before := *d.state
	d.node.Tick()
	if before != raft.StateFollower || *d.state != raft.StateFollower {
		d.doubt()
	}
}

// step takes in a message. Requests of a leader are answered, and what a follower
// forwards goes on.
func (d *driver) step(msg *pb.Message) {
	switch msg.GetType() {
	case pb.MsgApp, pb.MsgHeartbeat, pb.MsgProp, pb.MsgReadIndex, pb.MsgReadIndexResp:
		d.outlook = expected
	default:
		d.doubt()
	}
	// The library reports messages it cannot use: responses of removed peers,
	// proposals it drops. etcd ignores them alike.
	_ = d.node.Step(msg)
}

// propose offers an entry: it is appended or forwarded, or refused.
func (d *driver) propose(data []byte) error {
	d.outlook = expected
	return d.node.Propose(data)
}

// readIndex asks for the index that a linearizable read must see.
func (d *driver) readIndex(context []byte) {
	d.outlook = expected
	d.node.ReadIndex(context)
}

func (d *driver) proposeConfChange(cc *pb.ConfChange) error {
	d.doubt()
	return d.node.ProposeConfChange(cc)
}

func (d *driver) applyConfChange(cc *pb.ConfChange) *pb.ConfState {
	d.doubt()
	return d.node.ApplyConfChange(cc)
}

func (d *driver) transferLeader(to uint64) {
	d.doubt()
	d.node.TransferLeader(to)
}

func (d *driver) reportSnapshot(peer uint64, status raft.SnapshotStatus) {
	d.doubt()
	d.node.ReportSnapshot(peer, status)
}

func (d *driver) reportUnreachable(peer uint64) {
	d.doubt()
	d.node.ReportUnreachable(peer)
}
