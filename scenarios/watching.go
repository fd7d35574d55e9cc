package scenarios

import (
	"fmt"
	"time"

	"etcdsim/checker/history"
	"etcdsim/scenarios/workload"
	"etcdsim/sim/trace"
)

// WatchArgs start watching clients.
type WatchArgs struct {
	ClientsArgs
	Config workload.WatchConfig
}

func parseWatch(p *parser) WatchArgs {
	a := WatchArgs{Config: workload.DefaultWatchConfig()}
	a.ClientsArgs = parseClients(p, "the name of the watching clients", &p.scope.watches, a.Config.Set)
	return a
}

// watchers reads the name of watching clients that an earlier statement started.
func (p *parser) watchers() string {
	return p.introduced("the name of watching clients", "an earlier watch statement", p.scope.watches)
}

func execWatch(r *run, _ *Statement, a WatchArgs) *halt {
	endpoints, h := r.endpoints(a.Via)
	if h != nil {
		return h
	}
	config := a.Config
	r.universe.watches.apply(config.Set)
	r.watches = append(r.watches, r.clients.Watch(a.Name, config, endpoints))
	return nil
}

// watchers returns the watching clients of a name.
func (r *run) watchers(name string) *workload.Watches {
	for _, w := range r.watches {
		if w.Name == name {
			return w
		}
	}
	panic("scenarios: no watching clients " + name + " although the parser saw them")
}

func ofWatch(name, doc string, read func(*workload.Watches) uint64) meter {
	return meter{kind: meterWatch, name: name, doc: doc, wakes: trace.Kinds(trace.Watched), watch: read}
}

// watchGauge reads a meter of watching clients.
func (c CompareCondition) watchGauge(r *run, m *meter, name string) gauge {
	w, before := r.watchers(name), uint64(0)
	if c.Here {
		before = m.watch(w)
	}
	return gauge{
		size: 1, wakes: m.wakes,
		read: func(int) uint64 { return m.watch(w) - before },
		tell: func(_ int, n uint64) string { return fmt.Sprintf("%s: %d %s", name, n, m.name) },
	}
}

// caughtUp is the condition that all watchers were told of everything that the core
// of the cluster has applied.
func (r *run) caughtUp(core []uint64) watch {
	revision := r.c.Member(core[0]).Revision
	for _, w := range r.watches {
		w.CatchUp(revision, core)
	}
	behind := func() string {
		for _, w := range r.watches {
			if s := w.Behind(); s != "" {
				return s
			}
		}
		return ""
	}
	return watch{
		wakes: trace.Kinds(trace.Watched),
		holds: func() bool { return behind() == "" },
		state: behind,
	}
}

// proveWatches makes the watchers show that they were told of everything.
func (r *run) proveWatches(core []uint64, within time.Duration) *halt {
	if len(r.watches) == 0 {
		return nil
	}
	began, w := r.now(), r.caughtUp(core)
	ok, h := r.await(w, within)
	if h == nil && !ok {
		h = stuck("all watchers to be told of everything", began, within, w.state())
	}
	return h
}

// watched returns what watchers were told, for the judges.
func (r *run) watched() []*history.Watch { return r.clients.Watches() }
