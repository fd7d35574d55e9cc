package scenarios

import (
	"fmt"
	"time"

	"etcdsim/scenarios/workload"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// What the statements do. Each returns a halt if it cannot be done or does not
// hold.

// execNet changes the network of a universe that runs. Before that, the
// statement went into the making of it.
func execNet(r *run, _ *Statement, a SectionArgs) *halt {
	if !r.acting {
		return nil
	}
	config := r.c.Network().Config()
	a.Options.apply(config.Set)
	r.c.Network().SetConfig(config)
	return nil
}

func execLoad(r *run, _ *Statement, a LoadArgs) *halt {
	endpoints, h := r.endpoints(a.Via)
	if h != nil {
		return h
	}
	config := a.Config
	r.universe.loads.apply(config.Set)
	r.loads = append(r.loads, &load{name: a.Name, members: everybody})
	r.workloads = append(r.workloads, r.clients.Load(a.Name, config, endpoints))
	return nil
}

func execUnload(r *run, _ *Statement, a NameArgs) *halt {
	for _, l := range r.workloads {
		if l.Name == a.Name {
			l.Stop()
		}
	}
	for _, w := range r.watches {
		if w.Name == a.Name {
			w.Stop()
		}
	}
	return nil
}

// execCompact sends a compaction from a client of its own, which does not wait.
func execCompact(r *run, _ *Statement, a CompactArgs) *halt {
	var newest int64
	for _, id := range r.running() {
		newest = max(newest, r.c.Member(id).Revision)
	}
	revision := newest - int64(a.Keep)
	if revision < 1 {
		return nil
	}
	timeout := workload.DefaultConfig().Timeout
	r.clients.Spawn("compact", timeout, nil, func(s *workload.Session) {
		s.Do(workload.Compact, &store.CompactionRequest{Revision: revision})
	})
	return nil
}

func execWait(r *run, st *Statement, a WaitArgs) *halt {
	w, h := a.Condition.watch(r)
	if h != nil {
		return h
	}
	began := r.now()
	held, h := r.await(w, a.Within)
	if h != nil {
		return h
	}
	r.unsift()
	switch {
	case held && st.Not:
		return &halt{outcome: Violation, why: "it came so far: " + w.state()}
	case !held && !st.Not:
		return stuck(a.Condition.String(), began, a.Within, w.state())
	}
	if held && w.note != nil {
		r.note(w.note(), w.telling)
	}
	return nil
}

func execExpect(r *run, st *Statement, a ExpectArgs) *halt {
	w, h := a.Condition.watch(r)
	if h != nil {
		return h
	}
	held := w.holds()
	r.unsift()
	if held == st.Not {
		return &halt{outcome: Violation, why: "in fact: " + w.state()}
	}
	if held && w.note != nil {
		r.note(w.note(), w.telling)
	}
	return nil
}

func execLet(r *run, _ *Statement, a LetArgs) *halt {
	if len(a.Of) == 0 {
		return r.remember(a)
	}
	ids, h := r.peek(a.Of)
	r.vars[a.Var] = setOf(ids...)
	return h
}

// remember keeps what a meter shows now.
func (r *run) remember(a LetArgs) *halt {
	g, h := r.gauge(a.Amount, CompareCondition{})
	if h != nil {
		return h
	}
	if g.size != 1 {
		return &halt{outcome: Vacuous, why: fmt.Sprintf("%s is the amount of %d members, not of one", a.Amount, g.size)}
	}
	r.numbers[a.Var] = g.read(0)
	r.note(g.String(), false)
	return nil
}

// each does something to each member that the targets mean, and notes it.
func (r *run) each(ts Targets, done string, do func(id uint64)) *halt {
	ids, h := r.resolve(ts)
	if h != nil {
		return h
	}
	for _, id := range ids {
		do(id)
	}
	r.note(names(ids)+" "+done, false)
	return nil
}

func execStop(r *run, _ *Statement, a MemberArgs) *halt {
	return r.each(a.Of, "stopped", r.c.Stop)
}

func execPause(r *run, _ *Statement, a MemberArgs) *halt {
	return r.each(a.Of, "paused", r.c.Pause)
}

func execResume(r *run, _ *Statement, a MemberArgs) *halt {
	return r.each(a.Of, "resumed", r.c.Resume)
}

func execStall(r *run, _ *Statement, a MemberArgs) *halt {
	return r.each(a.Of, "stalled", func(id uint64) { r.c.Disk(id).Stall() })
}

func execUnstall(r *run, _ *Statement, a MemberArgs) *halt {
	return r.each(a.Of, "goes on", r.c.ResumeDisk)
}

// stopPatience bounds how long a restart waits for a graceful stop.
const stopPatience = time.Minute

// execRestart starts members. One that runs is stopped first, which takes as
// long as it takes to hand over its leadership.
func execRestart(r *run, _ *Statement, a MemberArgs) *halt {
	ids, h := r.resolve(a.Of)
	if h != nil {
		return h
	}
	for _, id := range ids {
		if h := r.awaitDown(id); h != nil {
			return h
		}
		r.c.Start(id)
	}
	r.note(names(ids)+" restarted", false)
	return nil
}

func execPartition(r *run, _ *Statement, a PartitionArgs) *halt {
	ids, h := r.resolveGroups(a.Groups)
	if h != nil {
		return h
	}
	sides := make([][]trace.Addr, len(ids))
	note := ""
	for i := range ids {
		sides[i] = r.addresses(ids[i], a.Groups[i])
		if i > 0 {
			note += " | "
		}
		note += names(ids[i])
	}
	r.c.Network().Partition(sides...)
	if core, quorum := r.core(); !quorum {
		note += fmt.Sprintf("; no quorum is left, only %s", orNobody(core))
	}
	r.note(note, false)
	return nil
}

func execIsolate(r *run, _ *Statement, a MemberArgs) *halt {
	return r.each(a.Of, "isolated", func(id uint64) { r.c.Network().Isolate(trace.Addr(id)) })
}

// links calls do with each directed link that the arguments name.
func (r *run) links(a LinkArgs, do func(from, to trace.Addr)) *halt {
	ids, h := r.resolveGroups([]Targets{a.From, a.To})
	if h != nil {
		return h
	}
	for _, from := range r.addresses(ids[0], a.From) {
		for _, to := range r.addresses(ids[1], a.To) {
			if from == to {
				continue
			}
			do(from, to)
			if a.Both {
				do(to, from)
			}
		}
	}
	return nil
}

func execCut(r *run, _ *Statement, a LinkArgs) *halt { return r.links(a, r.c.Network().Cut) }

func execHold(r *run, _ *Statement, a LinkArgs) *halt { return r.links(a, r.c.Network().Hold) }

func execHeal(r *run, _ *Statement, a LinkArgs) *halt {
	if len(a.From) == 0 {
		r.c.HealAll()
		return nil
	}
	return r.links(a, r.c.Heal)
}

func execRelease(r *run, _ *Statement, a LinkArgs) *halt {
	if len(a.From) == 0 {
		return r.releaseAll()
	}
	return r.links(a, r.c.Release)
}

// releaseAll ends every hold.
func (r *run) releaseAll() *halt {
	all := make([]trace.Addr, 0, r.c.Size()+r.clients.Count())
	for id := range r.c.Size() {
		all = append(all, trace.Addr(id+1))
	}
	for i := range r.clients.Count() {
		all = append(all, trace.Client(i))
	}
	for _, from := range all {
		for _, to := range all {
			if from != to && r.c.Network().IsHeld(from, to) {
				r.c.Release(from, to)
			}
		}
	}
	return nil
}

// execCover remembers what the end of the run asks for.
func execCover(r *run, _ *Statement, a CoverArgs) *halt {
	r.covers = append(r.covers, a.Bounds...)
	return nil
}

func execLiveness(r *run, _ *Statement, a LivenessArgs) *halt {
	r.liveness = a.Within
	return nil
}

// writes reports whether an operation may change the store.
func writes(request store.Request) bool { return !store.ReadOnly(request) }
