package node

import (
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"etcdsim/sim"
)

// driver is raft's RawNode as a member drives it. To ask a RawNode whether anything is
// ready costs as much as many a message does, and a Ready with its Advance several times
// that, most of it garbage. So the driver looks for itself (inside.go). Where raft stands
// as before but for its commit index and new entries, it takes what is ready as Ready
// would hand it out, and tells raft what became of it by the same messages as Advance
// would. Elections and snapshots, one time in a hundred, it leaves to Ready and Advance.
type driver struct {
	node *raft.RawNode
	inside
	timer   timer
	storage raft.Storage
	// limit is how many bytes of committed entries are handed out at a time.
	limit uint64
	// said is what the last Ready said of raft.
	said standing
	// ready is the Ready that is being handled. plain: the driver took it itself.
	ready raft.Ready
	plain bool
	// acks are what raft says to itself once the entries of a plain Ready are durable.
	acks []*pb.Message
	// stored and applied tell raft that the entries of a plain Ready are in its storage, and
	// the committed ones in the store. They are used again and again.
	stored, applied *pb.Message
	// spare is an empty list of messages, to be used again.
	spare []*pb.Message
	// states are the hard states of plain Readies.
	states sim.Slab[hardState]
}

// hardState is a hard state with the numbers that it points to.
type hardState struct {
	pb.HardState
	term, vote, commit uint64
}

// standing is what raft tells of itself when it has changed.
type standing struct {
	term, vote, commit, lead uint64
	state                    raft.StateType
}

// outlook says what raft has ready.
type outlook uint8

const (
	quiet outlook = iota // nothing
	light                // messages and answers to reads, which nothing has to be done for
	heavy                // a Ready that says more
)

func newDriver(c *raft.Config, seed sim.Seed) (driver, error) {
	node, err := raft.NewRawNode(c)
	if err != nil {
		return driver{}, err
	}
	d := driver{
		node: node, inside: look(node), storage: c.Storage, limit: c.MaxCommittedSizePerReady,
		stored: &pb.Message{
			Type: pb.MsgStorageAppendResp.Enum(), To: new(c.ID), From: new(raft.LocalAppendThread),
			Term: new(uint64), Index: new(uint64), LogTerm: new(uint64),
		},
		applied: &pb.Message{Type: pb.MsgStorageApplyResp.Enum(), To: new(c.ID), From: new(raft.LocalApplyThread), Term: new(uint64)},
	}
	d.timer = newTimer(&d.inside, seed, c.ID, c.ElectionTick)
	d.said = d.standing()
	return d, nil
}

func (d *driver) standing() standing {
	return standing{*d.term, *d.vote, *d.committed, *d.lead, *d.state}
}

// changed reports whether raft stands otherwise than it said last, but for its commit
// index.
func (d *driver) changed() bool {
	s := &d.said
	return *d.term != s.term || *d.vote != s.vote || *d.lead != s.lead || *d.state != s.state
}

// outlook looks at what raft has ready, as RawNode.HasReady does. It must not be asked
// between a Ready and its advance. New entries and a new snapshot need no look of their
// own: raft wants to acknowledge them afterwards, if only to itself.
func (d *driver) outlook() outlook {
	switch {
	case *d.applying < *d.committed, len(*d.afterAppend) > 0, d.changed():
		return heavy
	case len(*d.messages) > 0 || len(*d.reads) > 0:
		return light
	}
	return quiet
}

// next returns what raft has ready. It must be followed by advance before the next,
// and is valid until then.
func (d *driver) next() *raft.Ready {
	d.plain = !d.changed() && *d.snapshot == nil && *d.committed < *d.offset && *d.inProgress == *d.offset
	if d.plain {
		d.takeReady()
	} else {
		d.ready = d.node.Ready()
	}
	d.said = d.standing()
	return &d.ready
}

// takeReady does what RawNode.Ready does where raft's term, vote, role and leader are
// what they were, there is no snapshot, all that is committed is in the storage, and
// none of the other entries was handed out before.
func (d *driver) takeReady() {
	rd := &d.ready
	if *d.committed != d.said.commit {
		s := d.states.New()
		s.term, s.vote, s.commit = *d.term, *d.vote, *d.committed
		s.Term, s.Vote, s.Commit = &s.term, &s.vote, &s.commit
		rd.HardState, *d.told = &s.HardState, &s.HardState
	}
	if *d.applying < *d.committed {
		entries, err := d.storage.Entries(*d.applying+1, *d.committed+1, d.limit)
		if err != nil {
			panic("node: the log does not hold what is committed: " + err.Error())
		}
		rd.CommittedEntries = entries
		*d.applying = entries[len(entries)-1].GetIndex()
	}
	if fresh := *d.fresh; len(fresh) > 0 {
		last := fresh[len(fresh)-1]
		rd.Entries, rd.MustSync = fresh, true
		*d.inProgress = last.GetIndex() + 1
		*d.stored.Term, *d.stored.Index, *d.stored.LogTerm = *d.term, last.GetIndex(), last.GetTerm()
	}
	rd.ReadStates, *d.reads = *d.reads, nil
	rd.Messages, *d.messages, d.spare = *d.messages, d.spare, nil
	for _, m := range *d.afterAppend {
		if m.GetTo() == d.stored.GetTo() {
			d.acks = append(d.acks, m)
		} else {
			rd.Messages = append(rd.Messages, m)
		}
	}
	*d.afterAppend = (*d.afterAppend)[:0]
}

// advance tells raft that the Ready was handled. Its messages have been sent.
func (d *driver) advance() {
	if d.plain {
		d.advanceReady()
	} else {
		d.node.Advance(d.ready)
	}
	d.spare = d.ready.Messages[:0]
	d.ready = raft.Ready{}
}

// advanceReady does what RawNode.Advance does after a takeReady. What raft says to
// itself it takes or ignores; RawNode does not look at errors either.
func (d *driver) advanceReady() {
	for _, m := range d.acks {
		_ = d.node.Step(m)
	}
	d.acks = d.acks[:0]
	if len(d.ready.Entries) > 0 {
		_ = d.node.Step(d.stored)
	}
	if entries := d.ready.CommittedEntries; len(entries) > 0 {
		d.applied.Entries = entries
		_ = d.node.Step(d.applied)
		d.applied.Entries = nil
	}
}

// take returns what is ready where the outlook is light. For raft it is then as if it
// had been handed out in a Ready, and handled. The messages must be given back once
// they are sent.
func (d *driver) take() (messages []*pb.Message, reads []raft.ReadState) {
	messages, reads = *d.messages, *d.reads
	*d.messages, *d.reads, d.spare = d.spare, nil, nil
	return messages, reads
}

// giveBack takes back a list of messages.
func (d *driver) giveBack(messages []*pb.Message) { d.spare = messages[:0] }
