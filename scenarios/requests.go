package scenarios

import (
	"fmt"
	"strings"
	"time"

	"etcdsim/checker/history"
	"etcdsim/scenarios/workload"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// Statements that are one request of one client, for stories in which a certain key
// matters. The client asks again until it is answered; where the request must not be
// answered ("!"), it asks once. A write that was asked for again may have happened
// twice, as the judges know.

// RequestArgs are a request for one key.
type RequestArgs struct {
	Key string
	// Value is what put writes.
	Value string
	// Relation is "==" or "!=" if what get reads is compared with Wanted, else empty.
	// Wanted is a value, or Nothing if the key must not be there.
	Relation, Wanted string
	// Serializable: the member may answer from its own state.
	Serializable bool
	// Via are the members that the client asks; empty means all.
	Via    Targets
	Within time.Duration
}

// Nothing is what a key is compared with that is not there. No value is called so.
const Nothing = "nothing"

// String prints the arguments as they are written.
func (a RequestArgs) String() string {
	words := []string{a.Key}
	if a.Value != "" {
		words = append(words, a.Value)
	}
	if a.Relation != "" {
		words = append(words, a.Relation+a.Wanted)
	}
	if a.Serializable {
		words = append(words, "serializable")
	}
	if len(a.Via) > 0 {
		words = append(words, "via="+a.Via.join(","))
	}
	return strings.Join(append(words, "within="+printDuration(a.Within)), " ")
}

func parsePut(p *parser) RequestArgs {
	a := RequestArgs{Key: p.name("a key")}
	at := p.at()
	if a.Value = p.value("a value"); a.Value == Nothing {
		p.fail(at, "a value cannot be called %s: expected another", Nothing)
	}
	return p.request(a)
}

func parseGet(p *parser) RequestArgs {
	a := RequestArgs{Key: p.name("a key")}
	if p.peek() == "==" || p.peek() == "!=" {
		if p.statement.Not {
			p.fail(p.at(), "expected no value: what must not be answered has none")
		}
		a.Relation = p.take().text
		a.Wanted = p.value("a value, or " + Nothing)
	}
	a.Serializable = p.accept("serializable")
	return p.request(a)
}

func parseDelete(p *parser) RequestArgs { return p.request(RequestArgs{Key: p.name("a key")}) }

// request reads what all requests may have.
func (p *parser) request(a RequestArgs) RequestArgs {
	a.Via = p.targetOption("via")
	a.Within = p.within()
	return a
}

// value reads a value: like a name, but a digit may come first.
func (p *parser) value(what string) string {
	if !isName("v"+p.peek()) || p.peek() == "" {
		p.missing(what + " of letters, digits, '-' and '_'")
		return ""
	}
	return p.take().text
}

func execPut(r *run, st *Statement, a RequestArgs) *halt {
	_, h := r.request(st, a, workload.Put, &store.PutRequest{Key: a.Key, Value: a.Value})
	return h
}

func execDelete(r *run, st *Statement, a RequestArgs) *halt {
	_, h := r.request(st, a, workload.Delete, &store.DeleteRangeRequest{Key: a.Key})
	return h
}

func execGet(r *run, st *Statement, a RequestArgs) *halt {
	op, h := r.request(st, a, workload.Get, &store.RangeRequest{Key: a.Key, Serializable: a.Serializable})
	if h != nil || st.Not {
		return h
	}
	value := Nothing
	if res, ok := op.Response.Result.(*store.RangeResult); ok && len(res.KVs) > 0 {
		value = res.KVs[0].Value
	}
	if a.Relation != "" && (value == a.Wanted) != (a.Relation == "==") {
		return &halt{outcome: Violation, why: fmt.Sprintf("in fact: %s is %s, says n%d", a.Key, value, op.Member)}
	}
	r.note(fmt.Sprintf("%s is %s, says n%d", a.Key, value, op.Member), false)
	return nil
}

// clientTimeout is how long the client of a statement waits before it asks another
// member.
const clientTimeout = 2 * time.Second

// request has a client ask until it is answered, and returns that operation; or, if
// the statement says that it must not be answered, has it ask once.
func (r *run) request(st *Statement, a RequestArgs, kind workload.Kind, req store.Request) (op history.Op, h *halt) {
	endpoints, h := r.endpoints(a.Via)
	if h != nil {
		return op, h
	}
	timeout := min(clientTimeout, a.Within)
	if st.Not {
		timeout = a.Within
	}
	ended := false
	client := r.clients.Spawn("client", timeout, endpoints, func(s *workload.Session) {
		for {
			if op = s.Do(kind, req); st.Not || op.Outcome == history.OK {
				break
			}
		}
		ended = true
	})
	began := r.now()
	over := watch{wakes: trace.AllKinds, holds: func() bool { return ended }}
	held, h := r.await(over, a.Within)
	switch {
	case h != nil:
		return op, h
	case st.Not && held && op.Outcome == history.OK:
		return op, &halt{outcome: Violation, why: "it was answered: " + store.DescribeAnswered(req, op.Response)}
	case st.Not && held && op.Response.Err != nil:
		r.note("refused: "+op.Response.Err.Text, false)
	case st.Not:
		r.note("no answer", false)
	case !held:
		client.Leave()
		return op, stuck(store.Describe(req)+" to be answered", began, a.Within, r.lastRefusal(req))
	case kind != workload.Get:
		r.note(fmt.Sprintf("%s, says n%d", store.Describe(req), op.Member), false)
	}
	return op, nil
}
