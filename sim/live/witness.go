package live

import (
	"etcdsim/checker/history"
	"etcdsim/node"
	"etcdsim/sim"
	"etcdsim/store"
)

// Witness notes what clients outside asked and were answered, for judges. The zero
// value has seen nothing.
type Witness struct {
	ops []history.Op
	// at says where each operation is that has not returned.
	at map[uint64]int
	// busy are the places of clients that have an operation under way: real clients
	// have many at a time, those of a history one.
	busy []bool
	// users says whom a token stands for.
	users map[string]string
}

// Ops returns the operations so far, in order of invocation.
func (w *Witness) Ops() []history.Op { return w.ops }

// noted reports whether judges know what to make of an operation. On streams those
// are the requests that may wait long.
func noted(in *Input) bool { return in.Kind == Call || in.Kind == Open && store.Service(in.Request) }

// invoked notes that an operation begins.
func (w *Witness) invoked(in *Input, now sim.Time) {
	if !noted(in) {
		return
	}
	if w.at == nil {
		w.at, w.users = make(map[uint64]int), make(map[string]string)
	}
	w.at[in.Op] = len(w.ops)
	w.ops = append(w.ops, history.Op{
		ID: in.Op, Client: w.place(), Member: in.Member, Load: "outside", Request: in.Request, User: w.userOf(&in.As),
		Invoke: now, Return: sim.Forever, Outcome: history.Unknown,
	})
}

// userOf returns in whose name a request is made, as far as the client can know.
func (w *Witness) userOf(as *store.Credential) string {
	if as.Token == "" {
		return as.Name
	}
	if user, known := w.users[as.Token]; known {
		return user
	}
	claims, _ := store.ParseClaims(as.Token) // some are made elsewhere
	return claims.User
}

// firstPlace is the number of the first client of this kind; those of scenarios have
// smaller ones.
const firstPlace = 10_000

// place takes a client that is free.
func (w *Witness) place() int {
	for i := range w.busy {
		if !w.busy[i] {
			w.busy[i] = true
			return firstPlace + i
		}
	}
	w.busy = append(w.busy, true)
	return firstPlace + len(w.busy) - 1
}

// answered notes how an operation ended.
func (w *Witness) answered(a *node.Answer, now sim.Time) {
	i, ok := w.at[a.Op]
	if !ok {
		return
	}
	delete(w.at, a.Op)
	op := &w.ops[i]
	w.busy[op.Client-firstPlace] = false
	op.Return, op.Response, op.Applied, op.Term = now, a.Response, a.Applied, a.Term
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
		w.users[a.Result.(*store.AuthenticateResult).Token] = login.Name
	}
}

// hungUp notes that nobody waits for an operation any more.
func (w *Witness) hungUp(op uint64, now sim.Time) {
	if i, ok := w.at[op]; ok {
		delete(w.at, op)
		w.ops[i].Return = now
		w.busy[w.ops[i].Client-firstPlace] = false
	}
}
