package scenarios

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"etcdsim/checker"
	"etcdsim/checker/history"
	"etcdsim/node"
	"etcdsim/scenarios/workload"
	"etcdsim/sim"
	"etcdsim/sim/bug"
	"etcdsim/sim/cluster"
	"etcdsim/sim/outside"
	"etcdsim/sim/trace"
	"etcdsim/store"
	"etcdsim/store/saved"
)

// Options vary a run without changing its scenario. The zero value varies
// nothing.
type Options struct {
	// Settings override those of the scenario.
	Settings []Setting
	// Bugs are the defects to switch on.
	Bugs bug.Set
	// Open returns the snapshot that a scenario names with "cluster from=NAME": only
	// who runs it knows about files. beside is the name of the scenario's file, or
	// empty for a setting. What it returns is shared and never changed. nil opens
	// nothing.
	Open func(name, beside string) (*saved.Snapshot, error)
	// Observe, if not nil, is called with the trace before anything happens, to
	// subscribe to it.
	Observe func(*trace.Log)
	// Between, if not nil, is called after each event: somebody looks at the universe, and
	// changes nothing.
	Between func()
	// Interrupted, if not nil, is asked now and then whether to stop.
	Interrupted func() bool
	// Fork, if its By is not 0, gives the run another future from some time on.
	Fork Fork
	// MaxEvents bounds the events that happen; 0 means DefaultMaxEvents.
	MaxEvents uint64
}

// Fork is a moment from which on a run draws everything anew: what happened before
// it is the same run, what comes after is another. See sim.Seed.
type Fork struct {
	At sim.Time
	// By tells the futures apart: equal ones are the same. 0 is the future that the
	// seed has.
	By uint64
}

// DefaultMaxEvents bounds a run that does not come to an end: some hundred times
// what a scenario of the library needs.
const DefaultMaxEvents = 20_000_000

// defaultLiveness is how soon a cluster must be well after the last statement.
const defaultLiveness = 30 * time.Second

// run is a scenario being run.
type run struct {
	// language is the table of statements, which cannot refer to itself: some
	// statements execute others.
	language []statement
	opts     Options
	universe universe
	log      *trace.Log
	c        *cluster.Cluster
	clients  *workload.Clients
	rand     sim.Rand
	counters counters
	lessors  checker.Lessors
	// steps is the number of events that happened, limit the most that may; here those
	// that happened at the present instant.
	steps, limit, here uint64
	invariants         *checker.Invariants // nil if nobody judges

	// bell is the number of the last wake asked for, rung that of the last one
	// that came.
	bell, rung uint64

	vars    map[string]members
	numbers map[string]uint64
	// mended are the members that the last mend was about, or none.
	mended members
	// strand is the sequence of statements that goes on at present.
	strand    *strand
	loads     []*load
	workloads []*workload.Load
	watches   []*workload.Watches
	sifted    []sifted
	covers    []Bound
	liveness  time.Duration
	// acting reports that a statement was reached that acts on the universe.
	acting bool
	// broken reports that an invariant of raft was found broken.
	broken bool
	// opening is where requests from outside enter, nil if there is no session;
	// operations are those of the run by the numbers that they have in the session.
	opening    *outside.Opening
	operations map[uint64]uint64
	// unmet is why the first statement of a session that did not hold did not, or nil.
	unmet *halt
	// blamed is the halt that the result's Failure tells of.
	blamed *halt
	// stopped is why somebody outside of the scenario ended it, or nil.
	stopped *halt
	// settled reports that all running members proved to be well in the end.
	settled bool

	phase *PhaseResult // the present one, or nil
	// implied: the present phase is the one of a scenario that has not named any.
	implied bool
	telling bool // its note is a telling one
	missing bool // a statement of it did not hold, the first of a session
	// told is what the last line told.
	told   string
	result *Result
}

// Run lets a scenario happen in a universe of its own and judges it. The same
// file, seed and options give the same result, byte for byte, on every machine;
// any number of runs may go on beside each other. The error is about the
// scenario and its settings; what goes wrong in a run is in the result.
func Run(f *File, seed uint64, o Options) (*Result, error) {
	p, err := Begin(f, seed, o)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	for i := range f.Lines {
		if p.Line(&f.Lines[i]) != nil {
			break
		}
	}
	return p.End(), nil
}

// newRun prepares a run; its universe begins with begin.
func newRun(f *File, seed uint64, o Options) (*run, error) {
	u, err := prepare(f, o)
	if err != nil {
		return nil, err
	}
	r := &run{
		language: statements, opts: o, universe: u, log: trace.NewLog(), rand: sim.NewRand(seed, "scenario"),
		vars: map[string]members{}, numbers: map[string]uint64{}, liveness: defaultLiveness,
		result: &Result{Scenario: f.Name, Seed: seed, Nodes: u.cluster.Nodes, Bugs: o.Bugs, Settings: o.Settings},
	}
	if from := u.cluster.From; from != nil {
		r.result.From = cmp.Or(u.from, "the session") + " sha256:" + from.Sum()
	}
	if r.limit = o.MaxEvents; r.limit == 0 {
		r.limit = DefaultMaxEvents
	}
	r.counters = counters{log: r.log, voters: 1<<(u.cluster.Nodes+1) - 2}
	if o.Observe != nil {
		o.Observe(r.log)
	}
	return r, nil
}

// begin makes the universe, in which members are about to start.
func (r *run) begin() (err error) {
	r.counters.watch()
	if r.c, err = cluster.New(r.universe.cluster, r.result.Seed, r.log); err != nil {
		return err
	}
	r.strand = &strand{rest: r.all()}
	r.c.Attach(0, (*script)(r))
	r.clients = workload.New(r.c, r.result.Seed, r.log, r.returned)
	r.clients.Break(r.opts.Bugs)
	if from := r.universe.cluster.From; from != nil && from.Auth.Enabled {
		r.clients.Guard()
	}
	r.openPhase(1, "run")
	r.implied = true
	return nil
}

// close ends what runs inside.
func (r *run) close() {
	r.c.Close()
	r.clients.Close()
}

// Check returns what Run would refuse: a mistake that only the scenario as a whole
// shows, such as a member that is not there.
func Check(f *File, o Options) error {
	_, err := prepare(f, o)
	return err
}

// prepare reads the universe off a scenario and its settings.
func prepare(f *File, o Options) (universe, error) {
	u, from := defaults(), origin{}
	u.cluster.Bugs = o.Bugs
	statements := f.Statements()
	for _, s := range statements {
		st := lookup(s.Verb)
		if st.group == groupVerdict {
			continue
		}
		args, ok := s.Args.(SectionArgs)
		if !ok {
			break
		}
		for _, option := range args.Options {
			at := Pos{s.Pos.Line, option.Pos.Col}
			if err := u.set(Setting{s.Verb, option.Name, option.Value}); err != nil {
				return u, &Error{File: f.Name, Pos: at, Text: err.Error()}
			}
			if u.from != from.name {
				from = origin{u.from, f.Name, at}
			}
		}
	}
	for _, s := range o.Settings {
		if err := u.set(s); err != nil {
			return u, err
		}
		if u.from != from.name {
			from = origin{name: u.from}
		}
	}
	if s := f.Session(); s != nil && s.Snapshot.Snapshot != nil {
		u.cluster.From = s.Snapshot.Snapshot
	} else if err := u.open(from, o.Open); err != nil {
		return u, err
	}
	if err := u.cluster.Node.Check(); err != nil {
		return u, err
	}
	if s := f.Session(); s != nil {
		u.session = *s
		for _, m := range s.URLs {
			if n := uint64(len(u.cluster.ClientURLs)); m.Member == n+1 && n < uint64(u.cluster.Nodes) {
				u.cluster.ClientURLs = append(u.cluster.ClientURLs, m.URL)
			}
		}
	}
	u.known = uint64(u.cluster.Nodes)
	return u, checkMembers(f.Name, f.Lines, &u.known, 1)
}

// anybody is the number of members where nobody can say how many there will be.
const anybody = math.MaxUint64

// checkMembers checks that statements name no member that cannot be there yet, the
// lines happening so many times over. known is the number of members so far.
func checkMembers(file string, lines []Line, known *uint64, times uint64) error {
	for i := range lines {
		s := lines[i].Statement
		if s == nil {
			continue
		}
		if _, ok := s.Args.(SessionArgs); ok {
			*known = anybody
		}
		if *known == anybody {
			return nil
		}
		if a, ok := s.Args.(AddArgs); ok && !s.Not {
			if a.Member != 0 && a.Member != *known+1 {
				text := fmt.Sprintf("add n%d: members are numbered in the order in which they are added: expected n%d", a.Member, *known+1)
				return &Error{File: file, Pos: s.Pos, Text: text}
			}
			*known += times
		}
		if m := s.largestMember(); m > *known {
			text := fmt.Sprintf("n%d: the cluster has %d members: expected n1 to n%d", m, *known, *known)
			return &Error{File: file, Pos: s.Pos, Text: text}
		}
		again := times
		if a, ok := s.Args.(RepeatArgs); ok {
			again *= a.Times
		}
		for b := range s.Branches {
			if err := checkMembers(file, s.Branches[b].Lines, known, again); err != nil {
				return err
			}
		}
	}
	return nil
}

// returned counts an operation that ended.
func (r *run) returned(op *history.Op) {
	if _, login := op.Request.(*store.AuthenticateRequest); login {
		return // it is not what the load is about
	}
	write := writes(op.Request)
	for _, l := range r.loads {
		l.count(op, write)
	}
	for _, s := range r.sifted {
		s.count(op, write)
	}
}

// load returns the counts of a load by its name.
func (r *run) load(name string) *load {
	for _, l := range r.loads {
		if l.name == name {
			return l
		}
	}
	panic("scenarios: no load " + name + " although the parser saw it")
}

// script is the run as an endpoint of the cluster: it is woken at deadlines.
type script run

// Wake is called at a deadline.
func (s *script) Wake(token uint64) { s.rung = token }

// Answer is never called: the script asks nothing.
func (s *script) Answer(a node.Answer) {
	panic(fmt.Sprintf("scenarios: an answer to operation %d came to the script", a.Op))
}

// pauseEvery is the number of steps after which a run asks whether to stop.
const pauseEvery = 1 << 12

// brokenEvents is how many events more a run gets once an invariant of raft is
// broken: enough for clients to see the damage. Members that contradict each
// other may send messages back and forth for ever.
const brokenEvents = 100_000

// step lets one event happen.
func (r *run) step() *halt {
	if r.stopped != nil {
		return r.stopped
	}
	r.steps++
	if r.c.NextAt() > r.c.Now() {
		r.here = 0
	}
	r.here++
	if f := r.opts.Fork; f.By != 0 && r.c.NextAt() >= f.At {
		r.opts.Fork = Fork{}
		r.turn(f.By)
	}
	if !r.c.Step() {
		return &halt{outcome: Internal, why: "nothing is left to happen", final: true}
	}
	if r.opts.Between != nil {
		r.opts.Between()
	}
	if r.log.CountOf(trace.MemberPanic) > 0 {
		b := r.c.Breakdowns()[0]
		return &halt{outcome: Violation, why: fmt.Sprintf("n%d broke down: %s", b.Member, b.Text), final: true}
	}
	if r.steps%pauseEvery == 0 {
		if r.opts.Interrupted != nil && r.opts.Interrupted() {
			return &halt{outcome: Interrupted, why: "interrupted", final: true}
		}
		if !r.broken && r.opening == nil && r.invariants != nil && r.invariants.Broken() {
			r.broken = true
			r.limit = min(r.limit, r.steps+brokenEvents)
		}
	}
	if r.steps > r.limit {
		return &halt{outcome: Stuck, why: fmt.Sprintf("no end after %d events", r.limit), final: true}
	}
	return nil
}

// turn draws everything anew from now on.
func (r *run) turn(by uint64) {
	r.rand.Turn(by)
	r.clients.Turn(by)
	r.c.Turn(by)
}

// line lets a line happen.
func (r *run) line(l *Line) *halt {
	if l.Phase != nil {
		if r.implied {
			r.phase = nil
		}
		r.closePhase(nil)
		r.openPhase(l.Phase.Number, l.Phase.Title)
		r.log.Emit(trace.Event{Kind: trace.Phase, ID: uint64(l.Phase.Number)})
	}
	if l.Statement != nil {
		return r.execute(l.Statement)
	}
	return nil
}

func (r *run) execute(s *Statement) *halt {
	st := rowOf(r.language, s.Verb)
	if st.exec == nil {
		return nil
	}
	if st.acts() {
		r.acting = true
	}
	if r.opening != nil {
		// Nobody could know before who would be there.
		known := uint64(r.c.Size())
		if err := checkMembers(r.result.Scenario, []Line{{Statement: s}}, &known, 1); err != nil {
			return r.miss(s, &halt{outcome: Vacuous, why: err.(*Error).Text}) //nolint:errorlint // it is returned as it is
		}
	}
	if !st.silent {
		r.log.Emit(trace.Event{Kind: trace.Action, ID: uint64(s.Number), A: sim.Hash([]byte(s.String()))})
	}
	h := st.exec(r, s)
	if h != nil && s.Maybe && h.vain() {
		r.note("in vain: "+s.String(), false)
		return nil
	}
	if h == nil {
		return nil
	}
	return r.miss(s, h)
}

// miss notes that a statement does not hold. It returns the halt that ends the run,
// or nil if the run goes on.
func (r *run) miss(s *Statement, h *halt) *halt {
	if r.result.Failure == nil || h.final && h != r.blamed {
		r.blamed = h
		r.result.Failure = &Failure{Outcome: h.outcome, Pos: s.Pos, Statement: s.String(), Why: h.why, At: r.c.Now()}
	}
	if r.opening == nil || h.final {
		return h
	}
	if r.unmet == nil {
		r.unmet, r.missing = h, true
	}
	r.note("in vain: "+h.why, false)
	return nil
}

func (r *run) openPhase(number int, title string) {
	r.phase = &PhaseResult{Number: number, Title: title, Start: r.now()}
	r.telling, r.implied, r.missing = false, false, false
}

// now is the present time; the beginning before there is a universe.
func (r *run) now() sim.Time { return r.log.Now }

// closePhase ends the present phase, if there is one.
func (r *run) closePhase(h *halt) {
	if r.phase == nil {
		return
	}
	r.phase.End, r.phase.OK = r.now(), h == nil && !r.missing
	r.result.Phases = append(r.result.Phases, *r.phase)
	r.phase = nil
}

// note tells what happened in the present phase. The last telling note stays,
// or the last one if none is telling.
func (r *run) note(text string, telling bool) {
	r.told = text
	if r.phase != nil && (telling || !r.telling) {
		r.phase.Note, r.telling = text, telling
	}
}
