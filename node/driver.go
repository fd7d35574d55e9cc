package node

import (
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"etcdsim/sim"
)

// driver is raft's RawNode as a member drives it. Asking it whether anything is ready
// costs as much as many a message does, and a Ready several times that; mostly there is
// nothing, or messages and answers to reads and nothing else. So the driver looks for
// itself (inside.go): it asks for a Ready only where there is one that says more, and
// takes messages and answers as they are.
type driver struct {
	node *raft.RawNode
	inside
	timer timer
	// said is what the last Ready said of raft.
	said standing
	// ready is the Ready that is being handled.
	ready raft.Ready
	// spare is an empty list of messages, to be used again.
	spare []*pb.Message
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
	d := driver{node: node, inside: look(node)}
	d.timer = newTimer(&d.inside, seed, c.ID, c.ElectionTick)
	d.said = d.standing()
	return d, nil
}

func (d *driver) standing() standing {
	return standing{*d.term, *d.vote, *d.committed, *d.lead, *d.state}
}

// changed reports whether raft stands otherwise than it said last.
func (d *driver) changed() bool {
	s := &d.said
	return *d.committed != s.commit || *d.term != s.term || *d.vote != s.vote || *d.lead != s.lead || *d.state != s.state
}

// outlook looks at what raft has ready, as RawNode.HasReady does. It must not be asked
// between a Ready and its Advance. New entries and a new snapshot need no look of their
// own: raft wants to acknowledge them afterwards, if only to itself.
func (d *driver) outlook() outlook {
	switch {
	case d.changed(), *d.applying < *d.committed, len(*d.afterAppend) > 0:
		return heavy
	case len(*d.messages) > 0 || len(*d.reads) > 0:
		return light
	}
	return quiet
}

// next returns what raft has ready. It must be followed by advance before the next,
// and is valid until then.
func (d *driver) next() *raft.Ready {
	d.ready = d.node.Ready()
	d.said = d.standing()
	return &d.ready
}

// advance tells raft that the Ready was handled. Its messages have been sent.
func (d *driver) advance() {
	if *d.messages == nil {
		*d.messages = d.ready.Messages[:0]
	}
	d.node.Advance(d.ready)
	d.ready = raft.Ready{}
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
