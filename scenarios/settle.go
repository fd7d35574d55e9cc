package scenarios

import (
	"fmt"
	"time"

	"etcdsim/checker/history"
	"etcdsim/scenarios/workload"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// The end of a run. Loads stop and what is under way ends; then the members that
// can reach each other must prove to be well within a budget of virtual time: a
// write succeeds, each of them answers a linearizable read of everything, and
// all have applied the same log. The network is as the scenario left it.

// settle lets the run come to rest.
func (r *run) settle() *halt {
	r.closePhase(nil)
	r.openPhase(0, "the end")
	for _, l := range r.workloads {
		l.Stop()
	}
	for _, w := range r.watches {
		w.Settle()
	}
	if h := r.drain(); h != nil {
		return h
	}
	if r.liveness == 0 {
		return nil
	}
	if h := r.prove(); h != nil {
		r.result.Failure = &Failure{Outcome: h.outcome, Why: h.why, At: r.now()}
		return h
	}
	return nil
}

// drain waits for the operations under way. Each ends at its timeout at the
// latest.
func (r *run) drain() *halt {
	idle := watch{
		wakes: trace.AllKinds,
		holds: func() bool { return r.clients.Busy() == 0 },
	}
	// A client may end without an event, after a pause: who looks only after events
	// would wait for ever where nothing else happens.
	for range time.Hour / time.Second {
		if ok, h := r.await(idle, time.Second); ok || h != nil {
			return h
		}
	}
	return nil
}

// finalTimeout is how long the clients of the end wait for an answer: long enough to
// log in over a slow network. A member that has no leader keeps requests; they try
// again elsewhere.
func (r *run) finalTimeout() time.Duration {
	const journeys = 12
	return time.Second + journeys*r.universe.cluster.Net.Latency.Max
}

// prove makes the core of the cluster show that it is well.
func (r *run) prove() *halt {
	began := r.now()
	core, quorum := r.core()
	if !quorum {
		return stuck("a quorum", began, 0, fmt.Sprintf(
			"only %s run and reach each other; a scenario that ends so says liveness off", orNobody(core)))
	}
	await := func(w watch, what string) *halt {
		ok, h := r.await(w, r.liveness-r.now().Sub(began))
		if h == nil && !ok {
			h = stuck(what, began, r.liveness, r.trouble())
		}
		return h
	}
	write := r.until("end-write", core, workload.Put, &store.PutRequest{Key: finalKey, Value: "1"})
	if h := await(write, "a write to succeed"); h != nil {
		return h
	}
	for _, id := range core {
		if r.c.Member(id).Learner {
			continue // it serves no such reads
		}
		read := r.until("end-read", []uint64{id}, workload.Range, &store.RangeRequest{Key: "\x00", RangeEnd: "\x00"})
		if h := await(read, fmt.Sprintf("n%d to answer a linearizable read", id)); h != nil {
			return h
		}
	}
	converged, _ := ConvergedCondition{}.watch(r)
	if h := await(converged, "all members to have applied the same log"); h != nil {
		return h
	}
	if h := r.proveWatches(core, r.liveness-r.now().Sub(began)); h != nil {
		return h
	}
	// Meanwhile a lease may have ended, or the history been compacted.
	if h := await(converged, "all members to have applied the same log"); h != nil {
		return h
	}
	r.note(converged.note(), true)
	r.settled = len(core) == len(r.running())
	return nil
}

// trouble says what ails the cluster, as far as it can be seen.
func (r *run) trouble() string {
	if s := r.unsettled(); s != "" {
		return s
	}
	return "the members agree"
}

// finalKey is the key of the last write.
const finalKey = "etcdsim/end"

// until starts a client that repeats a request until it succeeds, and returns
// that as a condition.
func (r *run) until(name string, endpoints []uint64, kind workload.Kind, req store.Request) watch {
	done := false
	r.clients.Spawn(name, r.finalTimeout(), endpoints, func(s *workload.Session) {
		for !done {
			done = s.Do(kind, req).Outcome == history.OK
		}
	})
	return watch{wakes: trace.Kinds(trace.Return), holds: func() bool { return done }}
}

// awaitDown stops a running member gracefully and waits until it is down. A
// paused one cannot be asked, and is killed.
func (r *run) awaitDown(id uint64) *halt {
	if r.c.Member(id).State == cluster.Paused {
		r.c.KillProcess(id)
	}
	r.c.Stop(id)
	down := watch{
		wakes: trace.Kinds(trace.MemberStop, trace.MemberCrash, trace.MemberRemoved),
		holds: func() bool { return r.c.Member(id).State == cluster.Down },
	}
	began := r.now()
	ok, h := r.await(down, stopPatience)
	if h == nil && !ok {
		h = stuck(fmt.Sprintf("n%d to stop", id), began, stopPatience, "it runs")
	}
	return h
}
