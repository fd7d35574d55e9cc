package cluster

import (
	"cmp"
	"slices"
	"time"

	"etcdsim/node"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// Streams. What a client and a member say to each other on a stream travels in a
// TCP connection of its own: it arrives once and in order, or the connection
// breaks. The network loses packets all the same; the sender's kernel notices and
// sends them again, later and later. So a stream survives a lossy or briefly cut
// link, with a delay, and never skips anything.
//
// The model leaves acknowledgements out: the cluster knows which packets were
// lost, and lets them go again when a kernel would have found out.

// conn is the connection of one stream.
type conn struct {
	op             uint64
	client, member trace.Addr
	// as says in whose name all requests are sent.
	as store.Credential
	// incarnation of the member that took the opening request in; 0 before.
	incarnation uint32
	up, down    lane // to the member, and to the client
}

// lane is one direction of a connection. Packets are numbered from 1.
type lane struct {
	sent uint32
	// taken is the last number handed over. Everything before was, too.
	taken uint32
	// early are packets that arrived before one that must be taken first, and lost
	// those that must be sent again, both in the order of their numbers.
	early, lost []packet
	// tries counts the times that the lost ones were sent again in vain; a timer
	// runs while armed.
	tries int
	armed bool
}

const (
	// resendMin is how long a kernel waits for an acknowledgement; it doubles with
	// each attempt, up to resendMax. Linux has these figures, too (RFC 6298).
	resendMin = 200 * time.Millisecond
	resendMax = 2 * time.Minute
	// resendTries is how often it tries before it gives the connection up: Linux's
	// tcp_retries2.
	resendTries = 15
)

// Stream sends a client's request over the stream of the operation; the first one
// opens the connection. It stays until an answer with an error comes, or until
// the client hangs up.
func (c *Cluster) Stream(client trace.Addr, member, op uint64, r store.Request) {
	c.StreamAs(client, member, op, store.Credential{}, r)
}

// StreamAs does the same in somebody's name. What is sent over the stream later is
// sent in the same name.
func (c *Cluster) StreamAs(client trace.Addr, member, op uint64, as store.Credential, r store.Request) {
	k := c.conns[op]
	if k == nil {
		k = &conn{op: op, client: client, member: trace.Addr(member), as: as}
		if c.conns == nil {
			c.conns = make(map[uint64]*conn)
		}
		c.conns[op] = k
	}
	c.sendInOrder(&k.up, packet{
		from: client, to: trace.Addr(member), kind: trace.ClientRequest, streamed: true, size: requestBytes,
		call: &node.Call{Client: client, Streamed: true, Op: op, Request: r, As: k.as},
	})
}

// HangUp closes a stream for the client: it hears no more of it, and the member
// learns when it can be reached.
func (c *Cluster) HangUp(op uint64) {
	k := c.conns[op]
	if k == nil {
		return
	}
	c.Stream(k.client, uint64(k.member), op, &store.StreamCloseRequest{})
	k.client = 0
}

// answerStream sends an answer on a stream.
func (c *Cluster) answerStream(m *member, a node.Answer) {
	p := packet{from: m.addr, to: a.Client, kind: trace.ClientResponse, streamed: true, size: requestBytes, answer: &a}
	k := c.conns[a.Op]
	switch {
	case k == nil || k.client == 0:
		return // closed meanwhile
	case k.incarnation != m.incarnation || a.Err == store.ErrConnectionReset || a.Err == store.ErrConnectionRefused:
		// A reset takes no place in the line: what is under way is lost.
		c.sendPacket(&p)
		return
	}
	if r, ok := a.Result.(interface{ Bytes() int64 }); ok {
		p.size = int32(min(r.Bytes(), 1<<30))
	}
	c.sendInOrder(&k.down, p)
}

// sendInOrder gives a packet its number, and sends it unless others wait before it.
func (c *Cluster) sendInOrder(l *lane, p packet) {
	l.sent++
	p.seq = l.sent
	if len(l.lost) > 0 {
		l.lost = append(l.lost, p)
		return
	}
	c.sendPacket(&p)
}

func (k *conn) lane(p *packet) *lane {
	if p.call != nil {
		return &k.up
	}
	return &k.down
}

// resendLater keeps a lost packet of a stream until its sender's kernel sends it
// again. Resets are not sent again.
func (c *Cluster) resendLater(p packet) {
	k := c.conns[p.op()]
	if k == nil || p.seq == 0 {
		return
	}
	l := k.lane(&p)
	i, _ := slices.BinarySearchFunc(l.lost, p.seq, func(q packet, seq uint32) int { return cmp.Compare(q.seq, seq) })
	l.lost = slices.Insert(l.lost, i, p)
	if l.armed {
		return
	}
	l.armed = true
	wait := min(resendMin<<l.tries, resendMax)
	c.queue.Push(c.Now().Add(wait), event{kind: evResend, member: p.from, ref: k.op})
}

// resendLane sends the lost packets of a lane again. A member's process that has ended
// sends nothing.
func (c *Cluster) resendLane(e event) {
	k := c.conns[e.ref]
	if k == nil {
		return
	}
	l := &k.up
	if !e.member.IsClient() {
		l = &k.down
		if m := c.members[k.member-1]; m.state == Down || m.incarnation != k.incarnation {
			return
		}
	}
	l.armed = false
	l.tries++
	if l.tries > resendTries {
		c.timeOut(k)
		return
	}
	c.log.Hit(trace.ProbeStreamResent)
	lost := l.lost
	l.lost = nil
	for _, p := range lost {
		c.sendPacket(&p)
	}
}

// timeOut breaks a connection that nothing passes. Both kernels tell their
// processes.
func (c *Cluster) timeOut(k *conn) {
	delete(c.conns, k.op)
	if m := c.members[k.member-1]; m.state == Up && m.incarnation == k.incarnation {
		closing := &node.Call{Client: k.client, Streamed: true, Op: k.op, Request: &store.StreamCloseRequest{}}
		c.step(m, &node.Input{Kind: node.Request, Call: closing})
	}
	if k.client != 0 {
		c.receiver(k.client).Answer(broken(k))
	}
}

func broken(k *conn) node.Answer {
	return node.Answer{
		Client: k.client, Streamed: true, Op: k.op,
		Response: store.Response{Err: store.ErrConnectionReset}, Member: uint64(k.member),
	}
}

// takeInOrder hands over a packet of a stream that has arrived, and those that
// arrived before it and waited for it.
func (c *Cluster) takeInOrder(p packet) {
	k := c.conns[p.op()]
	if k == nil {
		return // hung up, or broken
	}
	if p.seq == 0 {
		c.handOver(k, &p)
		return
	}
	l := k.lane(&p)
	l.tries = 0
	i, _ := slices.BinarySearchFunc(l.early, p.seq, func(q packet, seq uint32) int { return cmp.Compare(q.seq, seq) })
	l.early = slices.Insert(l.early, i, p)
	for len(l.early) > 0 && l.early[0].seq == l.taken+1 && c.conns[k.op] == k {
		next := l.early[0]
		l.early = l.early[1:]
		l.taken++
		c.handOver(k, &next)
	}
}

// handOver gives a packet of a stream to whom it is for.
func (c *Cluster) handOver(k *conn, p *packet) {
	if p.answer != nil {
		if p.answer.Err != nil {
			delete(c.conns, k.op)
		}
		if k.client != 0 {
			c.receiver(k.client).Answer(*p.answer)
		}
		return
	}
	m := c.members[k.member-1]
	if k.incarnation == 0 {
		k.incarnation = m.incarnation
	}
	if _, closing := p.call.Request.(*store.StreamCloseRequest); closing {
		delete(c.conns, k.op)
	}
	switch {
	case m.state == Down:
		c.refuse(m, *p)
	case m.incarnation != k.incarnation:
		// Nobody knows the connection any more: the kernel says so.
		c.answerStream(m, broken(k))
	default:
		c.request(m, p.call)
	}
}
