package scenarios

import (
	"slices"

	"etcdsim/sim"
	"etcdsim/sim/trace"
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
	member  func(*run, uint64) uint64
}

type meterKind uint8

const (
	meterCounter meterKind = iota
	meterLoad
	meterMember
)

// meters are all meters. Each probe is one too.
var meters = append([]meter{
	count("messages", "packets sent", trace.Send),
	count("delivered", "packets delivered", trace.Deliver),
	drops("dropped", "packets that a link lost by chance", trace.DropLoss),
	drops("blocked", "packets that met a cut link", trace.DropCut),
	drops("undelivered", "packets that found nobody listening", trace.DropDead),
	count("duplicated", "packets delivered twice", trace.Duplicate),
	count("reordered", "packets that left their line", trace.Reorder),
	count("held", "packets held", trace.Hold),
	{name: "elections", doc: "leaders elected", wakes: trace.Kinds(trace.RoleChange), counter: func(c *counters) uint64 { return c.elected }},
	{name: "candidacies", doc: "members that campaigned", wakes: trace.Kinds(trace.RoleChange), counter: func(c *counters) uint64 { return c.candidates }},
	count("crashes", "members killed", trace.MemberCrash),
	count("stops", "members stopped gracefully", trace.MemberStop),
	count("starts", "members started, the first time included", trace.MemberStart),
	count("pauses", "members paused", trace.MemberPause),
	{name: "lost-bytes", doc: "unsynced bytes that crashes lost", wakes: trace.Kinds(trace.DiskLost), counter: func(c *counters) uint64 { return c.lostBytes }},
	count("torn", "writes that crashes tore", trace.DiskTorn),
	count("syncs", "disk syncs", trace.DiskSynced),
	count("snapshots", "snapshots installed from a leader", trace.SnapInstall),
	count("saved-snapshots", "snapshots that members saved of their own", trace.SnapSaved),
	count("invoked", "requests sent by clients", trace.Invoke),
	{name: "answered", doc: "requests answered", wakes: trace.Kinds(trace.Return), counter: func(c *counters) uint64 { return c.outcomes[trace.OutcomeOK] }},
	{name: "refused", doc: "requests refused, certainly without effect", wakes: trace.Kinds(trace.Return), counter: func(c *counters) uint64 { return c.outcomes[trace.OutcomeFailed] }},
	{
		name: "unknown", doc: "requests whose outcome the client never learned", wakes: trace.Kinds(trace.Return, trace.Abandon),
		counter: func(c *counters) uint64 { return c.outcomes[trace.OutcomeUnknown] + c.kinds[trace.Abandon] },
	},

	{kind: meterLoad, name: "acked", doc: "operations of a load that were answered", wakes: trace.Kinds(trace.Return), load: func(l *load) uint64 { return l.acked }},
	{kind: meterLoad, name: "written", doc: "writes of a load that were acknowledged", wakes: trace.Kinds(trace.Return), load: func(l *load) uint64 { return l.written }},
	{kind: meterLoad, name: "failed", doc: "operations of a load that were refused", wakes: trace.Kinds(trace.Return), load: func(l *load) uint64 { return l.failed }},
	{
		kind: meterLoad, name: "lost", doc: "operations of a load whose outcome is unknown", wakes: trace.Kinds(trace.Return, trace.Abandon),
		load: func(l *load) uint64 { return l.unknown },
	},

	{kind: meterMember, name: "term", doc: "raft term of a member, the last known if it is down", wakes: memberEvents, member: func(r *run, id uint64) uint64 { return r.counters.terms[id] }},
	{kind: meterMember, name: "commit", doc: "commit index of a member", wakes: memberEvents, member: func(r *run, id uint64) uint64 { return r.c.Member(id).Commit }},
	{kind: meterMember, name: "applied", doc: "applied index of a member", wakes: memberEvents, member: func(r *run, id uint64) uint64 { return r.c.Member(id).Applied }},
	{kind: meterMember, name: "log", doc: "last index in the log of a member", wakes: memberEvents, member: func(r *run, id uint64) uint64 { return r.c.Member(id).LastIndex }},
	{kind: meterMember, name: "revision", doc: "revision of the store of a member", wakes: memberEvents, member: func(r *run, id uint64) uint64 { return uint64(r.c.Member(id).Revision) }},
}, probeMeters()...)

// memberEvents change the state of a member.
var memberEvents = trace.Kinds(trace.MemberStart, trace.MemberCrash, trace.MemberStop, trace.MemberPause, trace.MemberResume,
	trace.RoleChange, trace.LeaderKnown, trace.CommitMoved, trace.LogAppend, trace.LogDurable, trace.SnapInstall, trace.Apply,
	trace.LinkCut, trace.LinkHeal)

func count(name, doc string, kind trace.Kind) meter {
	return meter{name: name, doc: doc, wakes: trace.Kinds(kind), counter: func(c *counters) uint64 { return c.kinds[kind] }}
}

func drops(name, doc string, reason uint16) meter {
	return meter{name: name, doc: doc, wakes: trace.Kinds(trace.Drop), counter: func(c *counters) uint64 { return c.dropped[reason] }}
}

func probeMeters() []meter {
	var all []meter
	for _, p := range trace.Probes() {
		all = append(all, meter{
			name: p.String(), doc: "probe", wakes: trace.AllKinds, counter: func(c *counters) uint64 { return c.log.Hits(p) },
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

// counters count the events of a run, as a subscriber of its trace.
type counters struct {
	log   *trace.Log
	kinds [64]uint64
	// dropped counts lost packets by reason, outcomes answers by outcome.
	dropped    [8]uint64
	outcomes   [4]uint64
	elected    uint64
	candidates uint64
	lostBytes  uint64
	// terms holds the highest term each member was seen in, by ID.
	terms []uint64
}

func (c *counters) count(e *trace.Event) {
	c.kinds[e.Kind]++
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
	case trace.DiskLost:
		c.lostBytes += e.A
	}
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
	// Events counts the events of the trace, Commits the entries of the committed
	// log that carried a request.
	Events, Commits uint64
	// Elapsed is the virtual time of the end.
	Elapsed sim.Time
	// Probes are the rare things that happened, in the order of the probes.
	Probes []ProbeCount
}

// ProbeCount says how often a rare thing happened.
type ProbeCount struct {
	Name string
	Hits uint64
}

func (c *counters) counts() Counts {
	n := Counts{
		Operations: c.kinds[trace.Invoke], Acked: c.outcomes[trace.OutcomeOK], Failed: c.outcomes[trace.OutcomeFailed],
		Unknown:  c.outcomes[trace.OutcomeUnknown] + c.kinds[trace.Abandon],
		Messages: c.kinds[trace.Send], Dropped: c.kinds[trace.Drop],
		Elections: c.elected, Crashes: c.kinds[trace.MemberCrash],
		Events: c.log.Count(), Elapsed: c.log.Now,
	}
	for _, p := range trace.Probes() {
		if hits := c.log.Hits(p); hits > 0 {
			n.Probes = append(n.Probes, ProbeCount{p.String(), hits})
		}
	}
	return n
}
