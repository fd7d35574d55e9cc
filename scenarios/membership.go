package scenarios

import (
	"fmt"
	"strings"
	"time"

	"etcdsim/checker/history"
	"etcdsim/scenarios/workload"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// Statements about who the members are. Each is the work of an operator, a client
// of its own (see workload.Session.Administer), and takes as long as that takes.

// AddArgs announce a member.
type AddArgs struct {
	// Member is its number as the author expects it, or 0.
	Member  uint64
	Learner bool
	// As is the variable that takes the member, without '$', or empty.
	As string
	// Via are the members that the operator asks; empty means all.
	Via    Targets
	Within time.Duration
}

// String prints the arguments as they are written.
func (a AddArgs) String() string {
	var words []string
	if a.Member != 0 {
		words = append(words, store.MemberName(a.Member))
	}
	if a.Learner {
		words = append(words, "learner")
	}
	if a.As != "" {
		words = append(words, "as=$"+a.As)
	}
	if len(a.Via) > 0 {
		words = append(words, "via="+a.Via.join(","))
	}
	return strings.Join(append(words, "within="+printDuration(a.Within)), " ")
}

func parseAdd(p *parser) AddArgs {
	a := AddArgs{}
	if t, ok := parseTarget(p.peek()); ok && t.Kind == "n" {
		if p.scope.repeating > 0 {
			p.fail(p.at(), "n%d: expected no number inside of repeat: each one that is added has another", t.Member)
		}
		a.Member = t.Member
		p.take()
	}
	a.Learner = p.accept("learner")
	if o, found := p.option("as"); found {
		name, ok := strings.CutPrefix(o.Value, "$")
		switch {
		case !ok || !isName(name):
			p.fail(o.Pos.Col, "as: %q: expected a variable such as $new", o.Value)
		case p.statement.Not:
			p.fail(o.Pos.Col, "as: a member that must be refused cannot be named")
		}
		a.As = name
		p.bind(o.Pos.Col, name)
	}
	a.Via = p.targetOption("via")
	a.Within = p.within()
	return a
}

// ChangeArgs change something about one member.
type ChangeArgs struct {
	Of Targets
	// URL is the new address, for update.
	URL    string
	Via    Targets
	Within time.Duration
}

// String prints the arguments as they are written.
func (a ChangeArgs) String() string {
	s := a.Of.String()
	if a.URL != "" {
		s += " url=" + a.URL
	}
	if len(a.Via) > 0 {
		s += " via=" + a.Via.join(",")
	}
	return s + " within=" + printDuration(a.Within)
}

func parseChange(p *parser) ChangeArgs {
	return ChangeArgs{Of: p.targets(false), Via: p.targetOption("via"), Within: p.within()}
}

func parseUpdate(p *parser) ChangeArgs {
	a := parseChange(p)
	o, found := p.option("url")
	if !found {
		p.fail(p.end, "expected url=http://host:port")
	}
	a.URL = o.Value
	return a
}

// execStart starts members that do not run. One that was removed refuses.
func execStart(r *run, _ *Statement, a MemberArgs) *halt {
	ids, h := r.resolve(a.Of)
	if h != nil {
		return h
	}
	for _, id := range ids {
		r.c.Start(id)
		if v := r.c.Member(id); v.Removed && v.State == cluster.Down {
			r.note(fmt.Sprintf("n%d was removed and refuses to start", id), false)
			return nil
		}
	}
	r.note(names(ids)+" started", false)
	return nil
}

func execAdd(r *run, st *Statement, a AddArgs) *halt {
	id := uint64(r.c.Size() + 1)
	req := &store.MemberAddRequest{PeerURLs: []string{store.PeerURL(id)}, Learner: a.Learner}
	list, h := r.administer(st, req, a.Via, a.Within)
	if h != nil || st.Not {
		return h
	}
	id = workload.Reached(list, req.PeerURLs)
	if a.As != "" {
		r.vars[a.As] = setOf(id)
	}
	what := "voter"
	if a.Learner {
		what = "learner"
	}
	r.note(fmt.Sprintf("n%d announced as a %s", id, what), false)
	return nil
}

// execChange has an operator change each member that the targets mean.
func execChange(r *run, st *Statement, a ChangeArgs) *halt {
	ids, h := r.resolve(a.Of)
	if h != nil {
		return h
	}
	for _, id := range ids {
		req, done := change(st.Verb, id, a.URL)
		if _, h := r.administer(st, req, a.Via, a.Within); h != nil {
			return h
		}
		if !st.Not {
			r.note(done, false)
		}
	}
	return nil
}

// change returns the request that a verb stands for, and what is told of it when
// it is done.
func change(verb string, id uint64, url string) (req store.Request, done string) {
	name := store.MemberName(id)
	switch verb {
	case "promote":
		return &store.MemberPromoteRequest{ID: id}, name + " votes"
	case "remove":
		return &store.MemberRemoveRequest{ID: id}, name + " removed"
	case "update":
		return &store.MemberUpdateRequest{ID: id, PeerURLs: []string{url}}, name + " at " + url
	case "transfer":
		return &store.MoveLeaderRequest{Target: id}, name + " was handed the leadership"
	}
	panic("scenarios: no change of the membership is called " + verb)
}

// operatorTimeout is how long an operator waits for an answer; etcdctl's
// --command-timeout.
const operatorTimeout = 5 * time.Second

// administer has an operator make a change, and returns the members then; or, if
// the statement says that it must not be done, has it ask until it is refused.
func (r *run) administer(st *Statement, req store.Request, via Targets, within time.Duration) ([]store.Member, *halt) {
	endpoints, h := r.endpoints(via)
	if h != nil {
		return nil, h
	}
	var (
		ended bool
		list  []store.Member
		op    history.Op
	)
	operator := r.clients.Spawn("operator", operatorTimeout, endpoints, func(s *workload.Session) {
		if st.Not {
			op = s.Ask(req)
		} else {
			list = s.Administer(req)
		}
		ended = true
	})
	began := r.now()
	over := watch{wakes: trace.AllKinds, holds: func() bool { return ended }}
	held, h := r.await(over, within)
	switch {
	case h != nil:
		return nil, h
	case !held:
		operator.Leave()
		if st.Not {
			r.note("not done: "+r.lastRefusal(req), false)
			return nil, nil
		}
		return nil, stuck(store.Describe(req), began, within, r.lastRefusal(req))
	case !st.Not:
		return list, nil
	case op.Outcome == history.OK:
		return nil, &halt{outcome: Violation, why: "it was done: " + store.DescribeAnswered(req, op.Response)}
	}
	r.note("refused: "+op.Response.Err.Text, false)
	return nil, nil
}

// lastRefusal says how the last attempt at a request ended.
func (r *run) lastRefusal(req store.Request) string {
	ops := r.clients.Ops()
	for i := len(ops) - 1; i >= 0; i-- {
		if ops[i].Request != req || ops[i].Return > r.now() {
			continue
		}
		if err := ops[i].Response.Err; err != nil {
			return err.Text
		}
		return "no answer"
	}
	return "the members cannot be listed"
}
