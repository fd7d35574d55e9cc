package cluster

import (
	pb "go.etcd.io/raft/v3/raftpb"

	"etcdsim/network"
	"etcdsim/node"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// packet is what travels: a raft message, a client's call, or an answer. What
// it carries is immutable.
type packet struct {
	id       uint64 // number within the run, from 1
	from, to trace.Addr
	kind     uint16 // raft message type, trace.ClientRequest or trace.ClientResponse
	// arrived: it has come to the mailbox of a paused member.
	arrived bool
	// streamed: it belongs to a stream, in which seq is its place; see stream.go.
	streamed bool
	size     int32
	seq      uint32
	// incarnation is that of the receiving member to which the sender's connection
	// leads; 0 if nobody listened when the packet left. See stream.go for streams.
	incarnation uint32
	message     *pb.Message
	call        *node.Call
	answer      *node.Answer
}

// op is the operation that a client's packet belongs to.
func (p *packet) op() uint64 {
	if p.call != nil {
		return p.call.Op
	}
	return p.answer.Op
}

// givesUp reports whether the packet only tells that nobody waits for an answer. It
// has none itself.
func (p *packet) givesUp() bool {
	_, closing := p.call.Request.(*store.StreamCloseRequest)
	return closing && !p.streamed
}

// once reports that the packet cannot arrive twice: the connection below delivers it
// once, and nothing above would send it again.
func (p *packet) once() bool { return p.message == nil || p.message.GetType() == pb.MsgProp }

func (p *packet) asPacket() network.Packet {
	return network.Packet{ID: p.id, From: p.from, To: p.to, Kind: p.kind, Size: int(p.size), Once: p.once()}
}

// packets holds the packets on their way in reusable slots.
type packets struct {
	slots []packet
	free  []uint32
	count uint64
}

// open returns a slot for a new packet, which has a number and nothing else. The
// pointer is valid until the next call.
func (ps *packets) open() (uint32, *packet) {
	slot, p := ps.place()
	ps.count++
	*p = packet{id: ps.count}
	return slot, p
}

// add gives a packet a slot and a number.
func (ps *packets) add(q *packet) (uint32, *packet) {
	slot, p := ps.place()
	ps.count++
	*p = *q
	p.id = ps.count
	return slot, p
}

// again gives a duplicate of the packet in a slot a slot of its own. It keeps
// its number.
func (ps *packets) again(slot uint32) uint32 {
	other, p := ps.place()
	*p = ps.slots[slot]
	return other
}

// place returns a free slot, in which an earlier packet may lie.
func (ps *packets) place() (uint32, *packet) {
	n := len(ps.free) - 1
	if n < 0 {
		ps.slots = append(ps.slots, packet{})
		n = len(ps.slots) - 1
		return uint32(n), &ps.slots[n]
	}
	slot := ps.free[n]
	ps.free = ps.free[:n]
	return slot, &ps.slots[slot]
}

// take frees a slot and returns the packet that was in it.
func (ps *packets) take(slot uint32) packet {
	ps.clear(slot)
	return ps.slots[slot]
}

// clear frees a slot. What lies in it stays until the slot is used again, which is
// soon.
func (ps *packets) clear(slot uint32) { ps.free = append(ps.free, slot) }

// refusal is the answer to a call that found nobody listening: it had no effect.
func refusal(c *node.Call, member uint64) node.Answer {
	return node.Answer{
		Client: c.Client, Streamed: c.Streamed, Op: c.Op, Response: store.Response{Err: store.ErrConnectionRefused}, Member: member,
	}
}
