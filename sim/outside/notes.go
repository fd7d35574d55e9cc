package outside

import (
	"etcdsim/checker/history"
	"etcdsim/node"
	"etcdsim/sim"
	"etcdsim/store"
)

// Load is the load that operations from outside belong to.
const Load = "outside"

// notes remember what was asked and answered.
type notes struct {
	// under are the operations under way.
	under map[uint64]*noted
	// kept are the operations so far in order of invocation, if keeps is set.
	kept  []history.Op
	keeps bool
	// clients stand for those outside: real clients have many operations under way at a
	// time, those of a history one, so that there are as many as had operations at once.
	// reserve returns the number of one more.
	clients []client
	reserve func() int
	// users says whom a token stands for.
	users map[string]string
}

// client is one of those who stand for the outside.
type client struct {
	number int
	// busy: it has an operation under way.
	busy bool
}

// noted is an operation under way.
type noted struct {
	history.Op
	// at is its place among those kept, client that of its client.
	at, client int
}

// newNotes returns notes of which the first client has a number already.
func newNotes(keeps bool, number int, reserve func() int) notes {
	return notes{
		under: make(map[uint64]*noted), users: make(map[string]string), keeps: keeps, clients: []client{{number: number}}, reserve: reserve,
	}
}

// judged reports whether judges know what to make of an operation. On streams those
// are the requests that may wait long.
func judged(in *Input) bool { return in.Kind == Ask || in.Kind == Open && store.Service(in.Request) }

// invoked notes that an operation begins.
func (n *notes) invoked(in *Input, now sim.Time) {
	if !judged(in) {
		return
	}
	free := n.free()
	op := &noted{at: len(n.kept), client: free, Op: history.Op{
		ID: in.Op, Client: n.clients[free].number, Member: in.Member, Load: Load, Request: in.Request, User: n.userOf(&in.As),
		Invoke: now, Return: sim.Forever, Outcome: history.Unknown,
	}}
	n.under[in.Op] = op
	if n.keeps {
		n.kept = append(n.kept, op.Op)
	}
}

// userOf returns in whose name a request is made, as far as the client can know.
func (n *notes) userOf(as *store.Credential) string {
	if as.Token == "" {
		return as.Name
	}
	if user, known := n.users[as.Token]; known {
		return user
	}
	claims, _ := store.ParseClaims(as.Token) // some are made elsewhere
	return claims.User
}

// free takes a client that is free, and returns its place.
func (n *notes) free() int {
	for i := range n.clients {
		if !n.clients[i].busy {
			n.clients[i].busy = true
			return i
		}
	}
	n.clients = append(n.clients, client{n.reserve(), true})
	return len(n.clients) - 1
}

// answered notes how an operation ended, and tells who wants to know.
func (n *notes) answered(a *node.Answer, now sim.Time, returned func(*history.Op)) {
	op := n.under[a.Op]
	if op == nil {
		return
	}
	op.Response, op.Applied, op.Term = a.Response, a.Applied, a.Term
	switch {
	case a.Err == nil:
		op.Outcome = history.OK
	case store.ReadOnly(op.Request), a.Err == store.ErrConnectionRefused:
		op.Outcome = history.Failed
	case store.Service(op.Request) || a.Err.MaybeApplied():
		op.Outcome = history.Unknown
	default:
		op.Outcome = history.Failed
	}
	if login, ok := op.Request.(*store.AuthenticateRequest); ok && a.Err == nil {
		n.users[a.Result.(*store.AuthenticateResult).Token] = login.Name
	}
	n.end(op, now, returned)
}

// hungUp notes that nobody waits for an operation any more.
func (n *notes) hungUp(id uint64, now sim.Time, returned func(*history.Op)) {
	if op := n.under[id]; op != nil {
		n.end(op, now, returned)
	}
}

func (n *notes) end(op *noted, now sim.Time, returned func(*history.Op)) {
	op.Return = now
	delete(n.under, op.ID)
	n.clients[op.client].busy = false
	if n.keeps {
		n.kept[op.at] = op.Op
	}
	if returned != nil {
		returned(&op.Op)
	}
}
