package workload

import (
	"strconv"
	"time"

	"etcdsim/checker/history"
	"etcdsim/node"
	"etcdsim/sim"
	"etcdsim/sim/bug"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// Clients are all client processes of one universe. Not for concurrent use.
type Clients struct {
	c    *cluster.Cluster
	log  *trace.Log
	seed sim.Seed

	count    int // of clients; each has an address of its own
	sessions []*Session
	watching []*watchClient
	ops      []history.Op
	watches  []*history.Watch
	bugs     bug.Set
	busy     int
	guarded  bool // see Guard
	values   uint64
	onReturn func(*history.Op)
	requests requests
}

// New returns the clients of a cluster; there are none at first. onReturn, if
// not nil, is called with each operation that ends; the pointer is valid during
// the call.
func New(c *cluster.Cluster, seed uint64, log *trace.Log, onReturn func(*history.Op)) *Clients {
	return &Clients{c: c, log: log, seed: sim.NewSeed(seed), onReturn: onReturn, ops: make([]history.Op, 0, 1024)}
}

// Turn makes all that clients draw from now on other draws: see sim.Seed.
func (cs *Clients) Turn(by uint64) {
	cs.seed.Turn(by)
	for _, s := range cs.sessions {
		s.rand.Turn(by)
	}
	for _, w := range cs.watching {
		w.rand.Turn(by)
	}
}

// Ops returns the operations so far, in order of invocation. Those under way
// are Unknown and have not returned.
func (cs *Clients) Ops() []history.Op { return cs.ops }

// Count returns the number of clients so far.
func (cs *Clients) Count() int { return cs.count }

// Reserve takes the number of a client, and the address with it, that is not one of
// these, for whoever asks from outside.
func (cs *Clients) Reserve() int { return cs.take() }

// take returns the number of a new client, counted from 0.
func (cs *Clients) take() int {
	cs.count++
	return cs.count - 1
}

// Watches returns the watchers so far, in the order of their creation.
func (cs *Clients) Watches() []*history.Watch { return cs.watches }

// Break switches on the defects that are the clients' own.
func (cs *Clients) Break(bugs bug.Set) { cs.bugs = bugs }

// Busy returns the number of clients that have not ended.
func (cs *Clients) Busy() int { return cs.busy }

// Close ends all client processes where they are. Nothing of the run may be
// used through them afterwards.
func (cs *Clients) Close() {
	for _, s := range cs.sessions {
		s.stop()
	}
}

// value returns a value that was never returned before in this run.
func (cs *Clients) value() uint64 {
	cs.values++
	return cs.values
}

// Session is one client: its process, its connection and its clock.
type Session struct {
	cs      *Clients
	index   int
	addr    trace.Addr
	load    string
	timeout time.Duration
	rand    sim.Rand
	proc    *sim.Proc[sim.Time, *node.Answer]
	await   func(sim.Time) *node.Answer
	ended   bool
	// leaving: it begins no other request.
	leaving bool

	// member is the one that this client is connected to. endpoints are those it
	// may connect to; empty means all.
	member    uint64
	endpoints []uint64

	// user is in whose name this client asks, and token what it was given for the
	// password; both empty without.
	user, token string

	// op is the operation under way, or 0; answer is what it was answered.
	op     uint64
	answer node.Answer

	// deadline is when the process wants to go on at the latest, or Forever.
	deadline sim.Time
	// next and later are pending wakes, or Forever. The queue cannot forget one,
	// and most timeouts never strike; so a deadline after a pending wake waits for
	// that and then asks again, and one wake serves many requests. Invariant:
	// next <= deadline, next <= later.
	next, later sim.Time
}

// Spawn starts a client process. Its operations belong to the load of this
// name, and it gives up on each after the timeout. The body may end by itself.
func (cs *Clients) Spawn(load string, timeout time.Duration, endpoints []uint64, body func(*Session)) *Session {
	i := cs.take()
	s := &Session{
		cs: cs, index: i, addr: trace.Client(i), load: load, timeout: timeout,
		rand:      cs.seed.Stream("client/" + strconv.Itoa(i)),
		endpoints: endpoints,
		deadline:  sim.Forever, next: sim.Forever, later: sim.Forever,
	}
	s.member = s.endpoint(i)
	s.proc = sim.NewProc(func(await func(sim.Time) *node.Answer) {
		s.await = await
		body(s)
	})
	cs.sessions = append(cs.sessions, s)
	cs.busy++
	cs.c.Attach(s.addr, s)
	s.wait(s.proc.Start())
	return s
}

// endpoint returns the i-th endpoint, counted around.
func (s *Session) endpoint(i int) uint64 {
	if len(s.endpoints) > 0 {
		return s.endpoints[i%len(s.endpoints)]
	}
	return uint64(i%s.cs.c.Size()) + 1
}

// choice is the number of endpoints.
func (s *Session) choice() int {
	if len(s.endpoints) > 0 {
		return len(s.endpoints)
	}
	return s.cs.c.Size()
}

// reconnect takes the next endpoint.
func (s *Session) reconnect() {
	if len(s.endpoints) == 0 {
		s.member = s.member%uint64(s.cs.c.Size()) + 1
		return
	}
	for i, m := range s.endpoints {
		if m == s.member {
			s.member = s.endpoint(i + 1)
			return
		}
	}
}

// Now returns the virtual time.
func (s *Session) Now() sim.Time { return s.cs.c.Now() }

// Rand returns the client's own stream.
func (s *Session) Rand() *sim.Rand { return &s.rand }

// Sleep lets virtual time pass.
func (s *Session) Sleep(d time.Duration) {
	if d > 0 {
		s.await(s.Now().Add(d))
	}
}

// reconnectMin and reconnectMax bound the pause before a client that was failed
// uses its next connection; the backoff of etcd's client is of this order.
const (
	reconnectMin = 25 * time.Millisecond
	reconnectMax = 75 * time.Millisecond
)

// Do sends a request and waits for the answer or the timeout. It returns the
// operation as the history holds it; the value does not change any more. After
// a failure of the connection or the member it reconnects, which takes a while.
func (s *Session) Do(kind Kind, req store.Request) history.Op {
	if s.cs.guarded {
		return s.doAs(kind, req, s.do)
	}
	return s.do(kind, req)
}

func (s *Session) do(kind Kind, req store.Request) history.Op {
	i := s.invoke(kind, req)
	op, answer := s.outwait(i, kind)
	if answer == nil || elsewhere(op.Response.Err) {
		s.reconnect()
		s.Sleep(s.rand.Between(reconnectMin, reconnectMax))
	}
	return op
}

// DoCancelable sends a request over a stream, as gRPC does, so that the member learns
// when this client gives up or dies. It is for requests that may wait long.
func (s *Session) DoCancelable(kind Kind, req store.Request) history.Op {
	if s.cs.guarded {
		return s.doAs(kind, req, s.doCancelable)
	}
	return s.doCancelable(kind, req)
}

func (s *Session) doCancelable(kind Kind, req store.Request) history.Op {
	i := s.note(kind, req)
	s.cs.c.StreamAs(s.addr, s.member, s.op, store.Credential{Token: s.token}, req)
	id := s.op
	op, answer := s.outwait(i, kind)
	s.cs.c.HangUp(id)
	if answer == nil || elsewhere(op.Response.Err) {
		s.reconnect()
		s.Sleep(s.rand.Between(reconnectMin, reconnectMax))
	}
	return op
}

// outwait waits for the answer to the operation at a place, or for the timeout.
func (s *Session) outwait(i int, kind Kind) (history.Op, *node.Answer) {
	answer := s.await(s.Now().Add(s.timeout))
	if s.cs.bugs.Has(bug.ClientRetryDup) && (answer == nil || answer.Err != nil && answer.Err.MaybeApplied()) {
		s.reconnect()
		s.cs.c.CallAs(s.addr, s.member, s.op, store.Credential{Token: s.token}, s.cs.ops[i].Request)
		answer = s.await(s.Now().Add(s.timeout))
	}
	s.settle(&s.cs.ops[i], kind, answer)
	return s.cs.ops[i], answer
}

// elsewhere reports whether another member may do better: this one is not well,
// or is a learner (etcd's client tries another then, too).
func elsewhere(err *store.Error) bool {
	return err != nil && (err.Code == store.Unavailable || err == store.ErrNotSupportedForLearner)
}

// invoke records and sends a request, and returns where its operation is kept.
func (s *Session) invoke(kind Kind, req store.Request) int {
	i := s.note(kind, req)
	s.cs.c.CallAs(s.addr, s.member, s.op, store.Credential{Token: s.token}, req)
	return i
}

// note records the beginning of an operation, and returns where it is kept.
func (s *Session) note(kind Kind, req store.Request) int {
	cs := s.cs
	if s.leaving {
		s.await(sim.Forever) // the process ends here
	}
	s.op = cs.c.NextOp()
	user := ""
	if s.token != "" {
		user = s.user
	}
	cs.ops = append(cs.ops, history.Op{
		ID: s.op, Client: s.index, Member: s.member, Load: s.load, User: user, Request: req,
		Invoke: s.Now(), Return: sim.Forever, Outcome: history.Unknown,
	})
	cs.log.Emit(trace.Event{
		Kind: trace.Invoke, Aux: uint16(kind), Member: s.addr, Peer: trace.Addr(s.member), A: store.HashRequest(req), ID: s.op,
	})
	return len(cs.ops) - 1
}

// settle records how an operation ended. answer is nil if the client gave up.
func (s *Session) settle(op *history.Op, kind Kind, answer *node.Answer) {
	cs := s.cs
	s.op = 0
	op.Return = s.Now()
	if answer == nil {
		cs.log.Emit(trace.Event{
			Kind: trace.Abandon, Member: s.addr, Peer: trace.Addr(op.Member), A: uint64(op.Return.Sub(op.Invoke)), ID: op.ID,
		})
	} else {
		op.Response, op.Applied, op.Term = answer.Response, answer.Applied, answer.Term
		op.Outcome = outcome(kind, answer.Err)
		if r, ok := answer.Result.(*store.HTTPResult); ok {
			op.Outcome = outcomeHTTP(kind, r)
		}
		cs.log.Emit(trace.Event{
			Kind: trace.Return, Aux: uint16(op.Outcome), Member: s.addr, Peer: trace.Addr(op.Member),
			A: store.HashResponse(op.Response), B: uint64(op.Response.Revision), ID: op.ID,
		})
	}
	switch {
	case op.Outcome == history.Unknown:
		cs.log.Hit(trace.ProbeOpUnknown)
	case op.Response.Err == store.ErrCompacted && !kind.Writes():
		cs.log.Hit(trace.ProbeCompactedRead)
	case op.Response.Err == store.ErrAuthOldRevision:
		cs.log.Hit(trace.ProbeAuthOld)
	case op.Response.Err == store.ErrPermissionDenied:
		cs.log.Hit(trace.ProbeAuthDenied)
	case op.Response.Err == store.ErrFutureRevision && !kind.Writes():
		cs.log.Hit(trace.ProbeFutureRead)
	}
	if cs.onReturn != nil {
		cs.onReturn(op)
	}
}

// outcome is what a client knows after an answer. A refused read had no effect,
// whatever the reason.
func outcome(kind Kind, err *store.Error) history.Outcome {
	switch {
	case err == nil:
		return history.OK
	case kind.Writes() && err.MaybeApplied(), (kind == Lock || kind == Campaign) && err != store.ErrConnectionRefused:
		return history.Unknown
	}
	return history.Failed
}

// Answer is called by the cluster with an answer. One to an operation that the
// client gave up on is late, and ignored.
func (s *Session) Answer(a node.Answer) {
	if a.Op != s.op || s.ended {
		return
	}
	s.answer = a
	s.wait(s.proc.Resume(&s.answer))
}

// Wake is called by the cluster when a wake is due.
func (s *Session) Wake(uint64) {
	now := s.Now()
	if s.next <= now {
		s.next, s.later = s.later, sim.Forever
	}
	switch {
	case s.ended:
	case s.deadline <= now:
		s.wait(s.proc.Resume(nil))
	default:
		s.arm()
	}
}

// wait notes what the process wants: to go on at the deadline, or nothing more.
func (s *Session) wait(deadline sim.Time, alive bool) {
	switch {
	case !alive:
		s.end()
		return
	case s.leaving && s.op == 0:
		s.stop()
		return
	}
	s.deadline = deadline
	s.arm()
}

// Leave makes the client end after the request that it has under way.
func (s *Session) Leave() {
	s.leaving = true
	if s.op == 0 {
		s.stop()
	}
}

// stop ends the process where it is.
func (s *Session) stop() {
	s.proc.Stop()
	s.end()
}

func (s *Session) end() {
	if !s.ended {
		s.ended, s.deadline = true, sim.Forever
		s.cs.busy--
	}
}

// arm makes sure that a wake comes by the deadline.
func (s *Session) arm() {
	if s.deadline < s.next {
		s.next, s.later = s.deadline, s.next
		s.cs.c.WakeAt(s.deadline, s.addr, 0)
	}
}

// Client is what an observer may know of a client.
type Client struct {
	// Index counts all clients from 0; Load is whose it is.
	Index int
	Load  string
	// Member is the one that it is connected to.
	Member uint64
	// User is in whose name it asks, or empty.
	User string
	// Under is the operation under way, or nil.
	Under *history.Op
	// Ended reports that it asks no more.
	Ended bool
}

// Clients returns the clients that ask one request at a time, in the order of their
// creation.
func (cs *Clients) Clients() []Client {
	all := make([]Client, len(cs.sessions))
	for i, s := range cs.sessions {
		all[i] = Client{Index: s.index, Load: s.load, Member: s.member, User: s.user, Ended: s.ended}
		for j := len(cs.ops) - 1; s.op != 0 && !s.ended && j >= 0 && all[i].Under == nil; j-- {
			if cs.ops[j].ID == s.op {
				op := cs.ops[j]
				all[i].Under = &op
			}
		}
	}
	return all
}
