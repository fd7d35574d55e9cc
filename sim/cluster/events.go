package cluster

import (
	pb "go.etcd.io/raft/v3/raftpb"

	"etcdsim/node"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// event is one pending event: flat, so that queueing it allocates nothing.
type event struct {
	kind        eventKind
	member      trace.Addr
	incarnation uint32
	// ref is a packet's slot, a sync's ticket, a timer's token or a peer.
	ref uint64
}

type eventKind uint8

const (
	evTick eventKind = iota
	evPacket
	evSynced
	evWake
	evStop         // a graceful stop has waited long enough
	evSnapshotLost // the transport gives up on a snapshot for peer ref
	evSnapshotSent // the transport knows that a snapshot reached peer ref
	evAlarm        // a member's timer rings
	evUnreachable  // the transport found nobody at peer ref
	evRemoved      // a member that was removed ends
	evFree         // a member whose processor is slow has time again
	evFlap         // flap ref breaks or mends its link
	evResend       // the sender's kernel sends lost packets of stream ref again
	evNothing      // what was to happen then does not
)

// Step lets the next event happen. It returns false if there is none.
func (c *Cluster) Step() bool {
	if c.queue.Len() == 0 {
		return false
	}
	at, e := c.queue.Pop()
	c.log.Now = at
	c.happen(e)
	return true
}

// happen carries an event to whom it concerns. What was meant for an earlier
// incarnation of a member is void; what comes to a paused one waits.
func (c *Cluster) happen(e event) {
	switch e.kind {
	case evNothing:
		return
	case evWake:
		c.receiver(e.member).Wake(e.ref)
		return
	case evPacket:
		c.arrive(e)
		return
	case evResend:
		c.resendLane(e)
		return
	case evFlap:
		c.flap(c.flaps[e.ref])
		return
	}
	m := c.members[e.member-1]
	if m.incarnation != e.incarnation || m.state == Down {
		return
	}
	if e.kind == evTick {
		c.queue.Push(c.Now().Add(c.wait(m, c.cfg.Node.Tick)), e)
	}
	switch {
	case e.kind == evFree:
		c.attend(m)
	case m.state == Paused:
		m.postpone(e)
	case c.occupied(m):
		m.queueUp(e)
	default:
		c.act(m, e)
	}
}

// act carries an event to a member that runs and has time for it.
func (c *Cluster) act(m *member, e event) {
	switch e.kind {
	case evPacket:
		c.arrive(e)
	case evTick:
		c.step(m, &node.Input{Kind: node.Tick})
	case evSynced:
		c.step(m, &node.Input{Kind: node.Synced, Ticket: e.ref})
	case evAlarm:
		c.step(m, &node.Input{Kind: node.Alarm, Token: node.Token(e.ref)})
	case evStop:
		c.finishStop(m)
	case evRemoved:
		c.finishRemoval(m)
	case evSnapshotLost, evSnapshotSent:
		c.step(m, &node.Input{Kind: node.SnapshotSent, Peer: e.ref, OK: e.kind == evSnapshotSent})
	case evUnreachable:
		c.step(m, &node.Input{Kind: node.Unreachable, Peer: e.ref})
	}
}

// postpone keeps an event for a paused member. Its ticks come from the process
// that is paused: they are lost.
func (m *member) postpone(e event) {
	if e.kind != evTick {
		m.backlog = append(m.backlog, e)
	}
}

// unread ends the connections of packets that came for a process while it was paused,
// and that it never read: it is gone. Whoever sent them learns of that.
func (c *Cluster) unread(m *member) {
	backlog := m.backlog
	m.backlog = nil
	for _, e := range backlog {
		if e.kind == evPacket {
			c.reset(m, c.packets.take(uint32(e.ref)))
		}
	}
}

// arrive delivers the packet in slot e.ref, if it survived the way and somebody
// is there.
func (c *Cluster) arrive(e event) {
	slot := uint32(e.ref)
	p := &c.packets.slots[slot]
	switch {
	case p.to.IsClient():
		c.arriveAtClient(slot)
		return
	case int(p.to) > len(c.members):
		c.refuse(&member{id: uint64(p.to), addr: p.to}, c.packets.take(slot))
		return
	}
	m := c.members[p.to-1]
	if !p.arrived {
		if !c.net.Undisturbed() && !c.net.Arrive(p.asPacket()) {
			c.lost(c.packets.take(slot), false)
			return
		}
		// The kernel of a paused member goes on receiving, and that of a busy one.
		if paused := m.state == Paused; paused || c.occupied(m) {
			p.arrived = true
			m.backlog = append(m.backlog, e)
			if paused {
				c.log.Hit(trace.ProbeBacklog)
			}
			return
		}
	}
	switch {
	case m.state == Down:
		c.refuse(m, c.packets.take(slot))
		return
	case p.incarnation != 0 && p.incarnation != m.incarnation:
		c.reset(m, c.packets.take(slot))
		return
	}
	c.deliver(p)
	if p.streamed {
		c.takeInOrder(c.packets.take(slot))
		return
	}
	from, message, call, answer := p.from, p.message, p.call, p.answer
	c.packets.clear(slot)
	switch {
	case call != nil:
		c.request(m, call)
		return
	case answer != nil:
		c.step(m, &node.Input{Kind: node.Answered, Answer: answer})
		return
	}
	if message.GetType() == pb.MsgSnap {
		sender := c.members[from-1]
		c.queue.Push(c.Now(), event{
			kind: evSnapshotSent, member: from, incarnation: sender.incarnation, ref: uint64(m.addr),
		})
	}
	c.step(m, &node.Input{Kind: node.Receive, Message: message})
}

// arriveAtClient delivers the packet in a slot, which is for a client.
func (c *Cluster) arriveAtClient(slot uint32) {
	p := c.packets.take(slot)
	if !c.net.Arrive(p.asPacket()) {
		c.lost(p, false)
		return
	}
	c.deliver(&p)
	if p.streamed {
		c.takeInOrder(p)
		return
	}
	c.receiver(p.to).Answer(*p.answer)
}

func (c *Cluster) deliver(p *packet) {
	c.log.Emit(trace.Event{Kind: trace.Deliver, Aux: p.kind, Member: p.from, Peer: p.to, ID: p.id})
}

// reset is what happens to a packet on a connection to a process that has died,
// if the member runs again by now: its machine knows nothing of the connection.
func (c *Cluster) reset(m *member, p packet) {
	c.log.Emit(trace.Event{Kind: trace.Drop, Aux: trace.DropStale, Member: p.from, Peer: p.to, A: uint64(p.kind), ID: p.id})
	if p.call == nil {
		c.lost(p, true)
		return
	}
	a := refusal(p.call, m.id)
	a.Err = store.ErrConnectionReset
	c.answer(m, a)
}

// refuse is what happens to a packet for a member that is down, or that does not
// exist: nobody listens on its port, and the sender learns that.
func (c *Cluster) refuse(m *member, p packet) {
	c.log.Emit(trace.Event{Kind: trace.Drop, Aux: trace.DropDead, Member: p.from, Peer: p.to, A: uint64(p.kind), ID: p.id})
	switch {
	case p.message != nil:
		c.lost(p, true)
	case p.call != nil && !p.givesUp():
		c.answer(m, refusal(p.call, m.id))
	}
}
