package cluster

import (
	"fmt"
	"math"
	"time"

	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"etcdsim/network"
	"etcdsim/node"
	"etcdsim/sim/trace"
)

// sendPacket gives a packet of a client, or to one, to the network and queues its
// arrival.
func (c *Cluster) sendPacket(q *packet) {
	slot, p := c.packets.add(q)
	if !p.streamed {
		c.connect(p)
	}
	c.log.Emit(trace.Event{Kind: trace.Send, Aux: p.kind, Member: p.from, Peer: p.to, Index: p.op(), ID: p.id})
	c.travel(slot, p.asPacket())
}

// sendMessages gives raft messages of a member to the network.
func (c *Cluster) sendMessages(m *member, messages []*pb.Message) {
	for _, msg := range messages {
		if c.cfg.Marshal {
			msg = reencode(msg)
		}
		slot, p := c.packets.open()
		p.from, p.to, p.kind, p.message, p.size = m.addr, trace.Addr(msg.GetTo()), uint16(msg.GetType()), msg, messageBytes(msg)
		c.connect(p)
		aux := p.kind
		if msg.GetReject() {
			aux |= trace.Rejected
		}
		c.log.Emit(trace.Event{
			Kind: trace.Send, Aux: aux, Member: p.from, Peer: p.to, ID: p.id,
			Term: msg.GetTerm(), Index: msg.GetIndex(), A: msg.GetLogTerm(), B: msg.GetCommit(),
		})
		c.travel(slot, p.asPacket())
	}
}

// connect notes to which process the packet's connection leads, if any runs.
func (c *Cluster) connect(p *packet) {
	if i := int(p.to) - 1; i < len(c.members) && c.members[i].state != Down {
		p.incarnation = c.members[i].incarnation
	}
}

// travel asks the network what becomes of the packet in a slot.
func (c *Cluster) travel(slot uint32, p network.Packet) {
	v := c.net.Send(p)
	switch v.Fate {
	case network.Deliver:
		c.queue.Push(v.At, event{kind: evPacket, ref: uint64(slot)})
		if v.Again != 0 {
			again := c.packets.again(slot)
			c.queue.Push(v.Again, event{kind: evPacket, ref: uint64(again)})
		}
	case network.Drop:
		c.lost(c.packets.take(slot), false)
	case network.Held:
		c.held[p.ID] = slot
	}
}

// lost tells a sender's raft what its transport would notice: that nobody
// listens, or that a snapshot did not arrive.
func (c *Cluster) lost(p packet, refused bool) {
	if p.streamed {
		c.resendLater(p)
		return
	}
	if p.message == nil || p.from.IsClient() {
		return
	}
	sender := c.members[p.from-1]
	switch {
	case p.message.GetType() == pb.MsgSnap:
		c.queue.Push(c.Now().Add(snapshotPatience), event{
			kind: evSnapshotLost, member: p.from, incarnation: sender.incarnation, ref: uint64(p.to),
		})
	case refused && sender.state != Down:
		c.queue.Push(c.Now(), event{kind: evUnreachable, member: p.from, incarnation: sender.incarnation, ref: uint64(p.to)})
	}
}

// snapshotPatience is how long a member's transport waits before it gives up on
// a snapshot whose packets vanish.
const snapshotPatience = time.Second

// Release frees a held link and lets its packets go.
func (c *Cluster) Release(from, to trace.Addr) {
	c.resend(c.net.Release(from, to))
}

// ReleaseAll frees every held link.
func (c *Cluster) ReleaseAll() { c.resend(c.net.ReleaseAll()) }

func (c *Cluster) resend(held []network.Packet) {
	for _, p := range held {
		slot := c.held[p.ID]
		delete(c.held, p.ID)
		c.travel(slot, p)
	}
}

// answer sends an answer from a member to its client.
func (c *Cluster) answer(m *member, a node.Answer) {
	if a.Streamed {
		c.answerStream(m, a)
		return
	}
	answer := c.answers.New()
	*answer = a
	c.sendPacket(&packet{from: m.addr, to: a.Client, kind: trace.ClientResponse, answer: answer, size: requestBytes})
}

func reencode(m *pb.Message) *pb.Message {
	data, err := proto.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("cluster: raft message %v does not marshal: %v", m.GetType(), err))
	}
	decoded := &pb.Message{}
	if err := proto.Unmarshal(data, decoded); err != nil {
		panic(fmt.Sprintf("cluster: raft message %v does not unmarshal: %v", m.GetType(), err))
	}
	return decoded
}

// requestBytes is what a client's packet counts for on a link with a bandwidth.
const requestBytes = 256

// messageBytes estimates the size of a raft message on the wire.
func messageBytes(m *pb.Message) int32 {
	size := 40 + len(m.GetContext()) + len(m.GetSnapshot().GetData())
	for _, e := range m.Entries {
		size += 16 + len(e.GetData())
	}
	return int32(min(size, math.MaxInt32))
}
