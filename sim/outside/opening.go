package outside

import (
	"fmt"

	"etcdsim/checker/history"
	"etcdsim/node"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// Opening is an endpoint of a universe for requests from outside. Not for concurrent
// use.
type Opening struct {
	c    *cluster.Cluster
	log  *trace.Log
	self trace.Addr
	// Answered, if not nil, is called with each answer.
	Answered func(*node.Answer)
	// Returned, if not nil, is called with each noted operation that ended. The pointer
	// is valid during the call.
	Returned func(*history.Op)

	// streams are the members that streams lead to which have not ended, by operation.
	streams map[uint64]uint64
	notes   notes
}

// New opens a universe at the address of a client that nobody is; reserve returns the
// number of such a client. If it keeps, the operations that ended are there to be
// judged; a universe without an end would grow by them for ever.
func New(c *cluster.Cluster, log *trace.Log, reserve func() int, keeps bool) *Opening {
	number := reserve()
	o := &Opening{c: c, log: log, self: trace.Client(number), streams: make(map[uint64]uint64), notes: newNotes(keeps, number, reserve)}
	c.Attach(o.self, (*receiver)(o))
	return o
}

// Addr returns the address.
func (o *Opening) Addr() trace.Addr { return o.self }

// Ops returns the operations so far, in order of invocation; none if the opening does
// not keep them.
func (o *Opening) Ops() []history.Op { return o.notes.kept }

// Enter lets an input enter now, and fills in the number of an operation that begins.
// What is said of an operation that has ended, or of a member that is not there, is not
// heard.
func (o *Opening) Enter(in *Input) {
	switch in.Kind {
	case Ask:
		o.invoke(in)
		o.c.CallAs(o.self, in.Member, in.Op, in.As, in.Request)
	case Open:
		o.invoke(in)
		o.streams[in.Op] = in.Member
		o.c.StreamAs(o.self, in.Member, in.Op, in.As, in.Request)
	case Send:
		if member := o.streams[in.Op]; member != 0 {
			o.c.Stream(o.self, member, in.Op, in.Request)
		}
	case HangUp:
		if o.streams[in.Op] != 0 {
			delete(o.streams, in.Op)
			o.c.HangUp(in.Op)
			o.notes.hungUp(in.Op, o.c.Now(), o.Returned)
		}
	case GiveUp:
		if op := o.notes.under[in.Op]; op != nil {
			o.c.GiveUp(o.self, op.Member, in.Op)
			o.notes.hungUp(in.Op, o.c.Now(), o.Returned)
		}
	case Advertise:
		if in.Member <= uint64(o.c.Size()) {
			o.c.Advertise(in.Member, in.URL)
		}
	}
}

// invoke begins an operation.
func (o *Opening) invoke(in *Input) {
	in.Op = o.c.NextOp()
	o.notes.invoked(in, o.c.Now())
	o.log.Emit(trace.Event{
		Kind: trace.Invoke, Member: o.self, Peer: trace.Addr(in.Member), A: store.HashRequest(in.Request), ID: in.Op,
	})
}

// receiver is the opening as an endpoint on the network.
type receiver Opening

// Answer passes an answer on.
func (r *receiver) Answer(a node.Answer) {
	o := (*Opening)(r)
	outcome := trace.OutcomeOK
	switch {
	case a.Err == nil:
	case a.Err.MaybeApplied():
		outcome = trace.OutcomeUnknown
	default:
		outcome = trace.OutcomeFailed
	}
	o.log.Emit(trace.Event{
		Kind: trace.Return, Aux: outcome, Member: o.self, Peer: trace.Addr(a.Member),
		A: store.HashResponse(a.Response), B: uint64(a.Revision), ID: a.Op,
	})
	if a.Err != nil {
		delete(o.streams, a.Op)
	}
	o.notes.answered(&a, o.c.Now(), o.Returned)
	if o.Answered != nil {
		o.Answered(&a)
	}
}

// Wake is never called: the outside has clocks of its own.
func (*receiver) Wake(token uint64) {
	panic(fmt.Sprintf("outside: a timer %d that nobody set", token))
}
