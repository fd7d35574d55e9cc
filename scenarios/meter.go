package scenarios

import (
	"math/bits"
	"slices"

	"etcdsim/scenarios/workload"
	"etcdsim/sim"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// A meter shows an amount that statements compare: a counter of the whole run,
// of one load, or the state of one member.
type meter struct {
	kind      meterKind
	name, doc string
	// wakes are the kinds of events after which the meter may show something
	// else.
	wakes trace.Set
	// One of these reads it, by kind.
	counter func(*counters) uint64
	load    func(*load) uint64
	watch   func(*workload.Watches) uint64
	member  func(*run, uint64) uint64
}

type meterKind uint8

const (
	meterCounter meterKind = iota
	meterLoad
	meterWatch
	meterMember
)

// meters are all meters. Each probe is one too.
var meters = append([]meter{
	count("messages", "packets sent", trace.Send),
	count("delivered", "packets delivered", trace.Deliver),
	drops("dropped", "packets that a link lost by chance", trace.DropLoss),
	drops("blocked", "packets that met a cut link", trace.DropCut),
	drops("taken", "packets that a statement took away", trace.DropTaken),
	drops("undelivered", "packets that found nobody listening", trace.DropDead),
	count("duplicated", "packets delivered twice", trace.Duplicate),
	count("reordered", "packets that left their line", trace.Reorder),
	count("held", "packets held", trace.Hold),
	tally("elections", "leaders elected", func(c *counters) uint64 { return c.elected }, trace.RoleChange),
	tally("candidacies", "times that a member campaigned", func(c *counters) uint64 { return c.candidates }, trace.RoleChange),
	count("crashes", "members killed", trace.MemberCrash),
	count("stops", "members stopped gracefully", trace.MemberStop),
	count("starts", "members started, the first time included", trace.MemberStart),
	count("pauses", "members paused", trace.MemberPause),
	tally("lost-bytes", "unsynced bytes that crashes lost", func(c *counters) uint64 { return c.lostBytes }, trace.DiskLost),
	count("torn", "writes that crashes tore", trace.DiskTorn),
	tally("voters", "members that vote", func(c *counters) uint64 { return uint64(bits.OnesCount64(c.voters)) }, trace.ConfApplied),
	tally("learners", "members that learn", func(c *counters) uint64 { return uint64(bits.OnesCount64(c.learners)) }, trace.ConfApplied),
	tally("conf-changes", "changes of the voters or learners", func(c *counters) uint64 { return c.changes }, trace.ConfApplied),
	count("removals", "members that ended because they were removed", trace.MemberRemoved),
	count("syncs", "disk syncs", trace.DiskSynced),
	count("snapshots", "snapshots installed from a leader", trace.SnapInstall),
	count("saved-snapshots", "snapshots that members saved of their own", trace.SnapSaved),
	count("expired", "times that a leader found a lease expired", trace.LeaseExpired),
	count("renewed", "renewals of leases", trace.LeaseRenewed),
	count("watched", "responses that watching clients were given", trace.Watched),
	tally("resumed", "watchers that went on over another stream", func(c *counters) uint64 { return c.resumed }, trace.Watched),
	count("invoked", "requests sent by clients", trace.Invoke),
	tally("answered", "requests answered", func(c *counters) uint64 { return c.outcomes[trace.OutcomeOK] }, trace.Return),
	tally("refused", "requests refused, certainly without effect",
		func(c *counters) uint64 { return c.outcomes[trace.OutcomeFailed] }, trace.Return),
	tally("unknown", "requests whose outcome the client never learned", (*counters).unknown, trace.Return, trace.Abandon),
	{name: "happened", doc: "events of the trace", wakes: trace.AllKinds, counter: func(c *counters) uint64 { return c.log.Count() }},

	ofLoad("acked", "operations of a load that were answered", func(l *load) uint64 { return l.acked }),
	ofLoad("written", "writes of a load that were acknowledged", func(l *load) uint64 { return l.written }),
	ofLoad("failed", "operations of a load that were refused", func(l *load) uint64 { return l.failed }),
	ofLoad("lost", "operations of a load whose outcome is unknown", func(l *load) uint64 { return l.unknown }),

	ofWatch("events", "events that watching clients were told of", func(w *workload.Watches) uint64 { return w.Events }),
	ofWatch("watchers", "watchers that were created", func(w *workload.Watches) uint64 { return w.Created }),
	ofWatch("resumptions", "watchers that went on over another stream", func(w *workload.Watches) uint64 { return w.Resumed }),
	ofWatch("bookmarks", "responses that told a watcher how far it was served", func(w *workload.Watches) uint64 { return w.Progress }),

	ofMember("member", "1 if it is a member of the cluster, else 0",
		func(r *run, id uint64) uint64 { return one(id <= uint64(r.c.Size()) && r.c.Member(id).Member) }),
	ofMember("voter", "1 if a member votes, else 0", func(r *run, id uint64) uint64 { return one(r.voters().has(id)) }),
	ofMember("learner", "1 if a member learns and does not vote, else 0",
		func(r *run, id uint64) uint64 { return one(id <= uint64(r.c.Size()) && r.c.Member(id).Learner) }),
	ofMember("joined", "1 if a member has told the others its name, else 0", func(r *run, id uint64) uint64 {
		return one(slices.ContainsFunc(r.c.Roster(), func(m store.Member) bool { return m.ID == id && m.Started() }))
	}),
	ofMember("running", "1 if the process of a member runs, else 0",
		func(r *run, id uint64) uint64 { return one(r.c.Member(id).State == cluster.Up) }),
	ofMember("saving", "1 if a member has handed entries to its disk that are not durable yet, else 0", func(r *run, id uint64) uint64 {
		n := r.c.Node(id)
		return one(n != nil && n.Saving())
	}),
	ofMember("leads", "1 if a member believes that it leads, else 0",
		func(r *run, id uint64) uint64 { return one(r.c.Member(id).Role == trace.RoleLeader) }),
	ofMember("term", "raft term of a member; the last known if it is down",
		func(r *run, id uint64) uint64 { return r.counters.terms[id] }),
	ofMember("commit", "commit index of a member", func(r *run, id uint64) uint64 { return r.c.Member(id).Commit }),
	ofMember("applied", "applied index of a member", func(r *run, id uint64) uint64 { return r.c.Member(id).Applied }),
	ofMember("log", "last index in the log of a member", func(r *run, id uint64) uint64 { return r.c.Member(id).LastIndex }),
	ofMember("log-term", "term of the last entry in the log of a member", func(r *run, id uint64) uint64 {
		if n := r.c.Node(id); n != nil {
			return n.LastTerm()
		}
		return 0
	}),
	ofMember("revision", "revision of the store of a member",
		func(r *run, id uint64) uint64 { return uint64(r.c.Member(id).Revision) }),
}, append(dataMeters(), probeMeters()...)...)

func one(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// memberEvents change the state of a member.
var memberEvents = trace.Kinds(trace.MemberStart, trace.MemberCrash, trace.MemberStop, trace.MemberPause, trace.MemberResume,
	trace.RoleChange, trace.LeaderKnown, trace.CommitMoved, trace.LogAppend, trace.LogDurable, trace.SnapInstall, trace.Apply,
	trace.LinkCut, trace.LinkHeal, trace.LinkHold, trace.LinkFree, trace.ConfApplied, trace.MemberRemoved)

// count is the number of events of one kind.
func count(name, doc string, kind trace.Kind) meter {
	return tally(name, doc, func(c *counters) uint64 { return c.log.CountOf(kind) }, kind)
}

// drops is the number of packets lost for one reason.
func drops(name, doc string, reason uint16) meter {
	return tally(name, doc, func(c *counters) uint64 { return c.dropped[reason] }, trace.Drop)
}

// tally is a counter that events of some kinds may change.
func tally(name, doc string, read func(*counters) uint64, wakes ...trace.Kind) meter {
	return meter{name: name, doc: doc, wakes: trace.Kinds(wakes...), counter: read}
}

func ofLoad(name, doc string, read func(*load) uint64) meter {
	return meter{kind: meterLoad, name: name, doc: doc, wakes: trace.Kinds(trace.Return, trace.Abandon), load: read}
}

func ofMember(name, doc string, read func(*run, uint64) uint64) meter {
	return meter{kind: meterMember, name: name, doc: doc, wakes: memberEvents, member: read}
}

func probeMeters() []meter {
	var all []meter
	for _, p := range trace.Probes() {
		all = append(all, meter{
			name: p.String(), doc: "times that " + p.Doc(), wakes: trace.AllKinds,
			counter: func(c *counters) uint64 { return c.log.Hits(p) },
		})
	}
	return all
}

// meterNamed returns the meter of this name, or nil.
func meterNamed(name string) *meter {
	i := slices.IndexFunc(meters, func(m meter) bool { return m.name == name })
	if i < 0 {
		return nil
	}
	return &meters[i]
}

func meterNames() []string {
	return namesOf(func(*meter) bool { return true })
}

func counterNames() []string {
	return namesOf(func(m *meter) bool { return m.kind == meterCounter })
}

func namesOf(keep func(*meter) bool) []string {
	var names []string
	for i := range meters {
		if keep(&meters[i]) {
			names = append(names, meters[i].name)
		}
	}
	return names
}

// counters are the figures of a run that the trace does not keep by itself, taken
// as a subscriber of it.
type counters struct {
	log *trace.Log
	// dropped counts lost packets by reason, outcomes answers by outcome.
	dropped    [8]uint64
	outcomes   [4]uint64
	elected    uint64
	candidates uint64
	lostBytes  uint64
	resumed    uint64
	// voters and learners are those of the newest configuration, at the index
	// config, as bit sets of IDs; changes counts what made them so.
	voters, learners, config, changes uint64
	// terms holds the highest term each member was seen in, by ID.
	terms [cluster.MaxNodes + 1]uint64
}

// watch subscribes to the trace. It must be called before the first event.
func (c *counters) watch() {
	c.log.Subscribe(trace.Kinds(trace.RoleChange, trace.MemberStart, trace.LogAppend, trace.SnapInstall, trace.Drop,
		trace.Return, trace.Watched, trace.DiskLost, trace.ConfApplied), c.count)
}

func (c *counters) count(e *trace.Event) {
	switch e.Kind {
	case trace.RoleChange:
		switch e.Aux {
		case trace.RoleLeader:
			c.elected++
		case trace.RoleCandidate:
			c.candidates++
		}
		c.terms[e.Member] = max(c.terms[e.Member], e.Term)
	case trace.MemberStart:
		c.terms[e.Member] = max(c.terms[e.Member], e.Term)
	case trace.Drop:
		c.dropped[e.Aux&7]++
	case trace.Return:
		c.outcomes[e.Aux&3]++
	case trace.Watched:
		if e.Aux&trace.WatchResumed != 0 {
			c.resumed++
		}
	case trace.DiskLost:
		c.lostBytes += e.A
	case trace.ConfApplied:
		c.configured(e)
	}
}

// configured takes note of a configuration that nobody had before.
func (c *counters) configured(e *trace.Event) {
	if e.Index <= c.config {
		return
	}
	c.config = e.Index
	if c.voters != e.A || c.learners != e.B {
		c.voters, c.learners = e.A, e.B
		c.changes++
	}
}

// unknown is the number of operations whose client never learned the outcome.
func (c *counters) unknown() uint64 {
	return c.outcomes[trace.OutcomeUnknown] + c.log.CountOf(trace.Abandon)
}

// faults adds up what was done to the cluster.
func (c *counters) faults() uint64 {
	sum := c.dropped[trace.DropLoss] + c.dropped[trace.DropCorrupt] + c.dropped[trace.DropTaken]
	for _, kind := range []trace.Kind{
		trace.Duplicate, trace.Reorder, trace.LinkCut, trace.LinkHold, trace.MemberCrash, trace.MemberPause,
		trace.DiskFault, trace.DiskTorn, trace.MemberFault,
	} {
		sum += c.log.CountOf(kind)
	}
	return sum
}

// Counts are the figures of a run.
type Counts struct {
	// Operations were sent by clients; Acked of them were answered, Failed refused
	// and Unknown neither.
	Operations, Acked, Failed, Unknown uint64
	// Messages are packets sent, Dropped those lost in any way.
	Messages, Dropped uint64
	// Elections counts leaders elected, Crashes members killed.
	Elections, Crashes uint64
	// Faults counts what was done to the cluster: each packet lost, doubled or
	// reordered by chance, each link cut or held, each member killed or paused, each
	// fault of a disk or of a member's machine.
	Faults uint64
	// Events counts the events of the trace, Commits the entries of the committed
	// log that carried a request.
	Events, Commits uint64
	// Elapsed is the virtual time of the end.
	Elapsed sim.Time
	// Probes are the rare things that happened, in the order of the probes.
	Probes []ProbeCount
	// Meters are what all counters of the run show, probes included, that show
	// anything.
	Meters []ProbeCount
}

// Meter returns what a counter of the run shows.
func (n *Counts) Meter(name string) uint64 {
	for i := range n.Meters {
		if n.Meters[i].Name == name {
			return n.Meters[i].Hits
		}
	}
	return 0
}

// ProbeCount says how often a rare thing happened.
type ProbeCount struct {
	Name string
	Hits uint64
}

func (c *counters) counts() Counts {
	n := Counts{
		Operations: c.log.CountOf(trace.Invoke), Acked: c.outcomes[trace.OutcomeOK], Failed: c.outcomes[trace.OutcomeFailed],
		Unknown:  c.unknown(),
		Messages: c.log.CountOf(trace.Send), Dropped: c.log.CountOf(trace.Drop),
		Elections: c.elected, Crashes: c.log.CountOf(trace.MemberCrash), Faults: c.faults(),
		Events: c.log.Count(), Elapsed: c.log.Now,
	}
	for _, p := range trace.Probes() {
		if hits := c.log.Hits(p); hits > 0 {
			n.Probes = append(n.Probes, ProbeCount{p.String(), hits})
		}
	}
	for i := range meters {
		if m := &meters[i]; m.kind == meterCounter {
			if hits := m.counter(c); hits > 0 {
				n.Meters = append(n.Meters, ProbeCount{m.name, hits})
			}
		}
	}
	return n
}
