package universe

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"etcdsim/scenarios"
	"etcdsim/sim"
	"etcdsim/sim/bug"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store/saved"
	"etcdsim/store/saved/files"
)

// Config describes the universes of a story. The zero value is three members on a
// fast network.
type Config struct {
	// Name is what reports call the story. Test takes the test's.
	Name string
	// Describe is the beginning of a scenario, one statement a line: how the universe
	// is made ("cluster nodes=5", "net drop=1%"), and what else shall happen before the
	// story begins.
	Describe string
	// Settings override options of the universe: "net.drop=1%".
	Settings []string
	// Bugs are the defects to switch on.
	Bugs bug.Set
	// Seeds is how many seeds Test runs, from 1; 0 means 10.
	Seeds uint64
	// Observe, if not nil, is called with each trace before anything happens.
	Observe func(*trace.Log)

	// fork and limit are those of a future of the story; see Blame.
	fork  scenarios.Fork
	limit uint64
}

// Member is a member of the cluster by its number, from 1. No member is 0.
type Member uint64

// String returns the name of the member in the scenario language: "n3".
func (m Member) String() string { return fmt.Sprintf("n%d", uint64(m)) }

// Universe is one universe while its story is told. It is for the story alone, not for
// concurrent use, and of no use after it.
type Universe struct {
	play      *scenarios.Play
	scope     scenarios.Scope
	phases    int
	processes []*Process
}

// ended unwinds a story that cannot go on.
type ended struct{}

// Run tells a story in the universe of a seed and judges what happened. The error is
// about the description of the universe; what goes wrong in the story is in the
// result.
func Run(c Config, seed uint64, story func(*Universe)) (*scenarios.Result, error) {
	if c.Name == "" {
		c.Name = "story"
	}
	f, err := scenarios.Parse(c.Name, c.Describe)
	if err != nil {
		return nil, err
	}
	o := scenarios.Options{Bugs: c.Bugs, Observe: c.Observe, Open: inFolderOfTest, Fork: c.fork, MaxEvents: c.limit}
	for _, text := range c.Settings {
		s, err := scenarios.ParseSetting(text)
		if err != nil {
			return nil, err
		}
		o.Settings = append(o.Settings, s)
	}
	play, err := scenarios.Begin(f, seed, o)
	if err != nil {
		return nil, err
	}
	defer play.Close()
	u := &Universe{play: play, scope: f.After()}
	u.tell(func() {
		for i := range f.Lines {
			if f.Lines[i].Phase != nil {
				u.phases = f.Lines[i].Phase.Number
			}
			if play.Line(&f.Lines[i]) != nil {
				panic(ended{})
			}
		}
		story(u)
	})
	for _, p := range u.processes {
		p.session.Leave()
	}
	r := play.End()
	r.Command = fmt.Sprintf("the story %s with seed %d", c.Name, seed)
	return r, nil
}

// snapshots are those that descriptions of universes name.
var snapshots files.Opener

// inFolderOfTest opens a snapshot; a story has no file that it could stand beside.
func inFolderOfTest(name, _ string) (*saved.Snapshot, error) { return snapshots.Open(name, "") }

// tell lets a story go on until it ends or cannot go on.
func (u *Universe) tell(story func()) {
	defer func() {
		if v := recover(); v != nil && v != (ended{}) {
			panic(v) // a mistake in the story is its own
		}
	}()
	story()
}

// Do does a statement of the scenario language, or a block in all its lines: "cut n1
// -> n2", "load w clients=4", "wait acked w >=50 within=5s", "cover dropped>=1". A
// statement that is none is a mistake of the story, and panics.
func (u *Universe) Do(format string, args ...any) {
	line, err := scenarios.ParseLine(fmt.Sprintf(format, args...), &u.scope)
	if err == nil {
		err = u.play.Check(&line)
	}
	if err != nil {
		panic(fmt.Sprintf("universe: %s: %v", here(), err))
	}
	if line.Statement != nil {
		line.Statement.Pos = scenarios.Pos{} // it stands in no file
	}
	if u.play.Line(&line) != nil {
		panic(ended{})
	}
}

// Phase begins the next phase of the story, which reports tell and time by itself.
func (u *Universe) Phase(title string) {
	u.phases++
	if u.play.Line(&scenarios.Line{Phase: &scenarios.Phase{Number: u.phases, Title: title}}) != nil {
		panic(ended{})
	}
}

// Note tells what the present phase came to.
func (u *Universe) Note(format string, args ...any) { u.play.Note(fmt.Sprintf(format, args...)) }

// Now returns the virtual time.
func (u *Universe) Now() sim.Time { return u.play.Log().Now }

// Sleep lets virtual time pass.
func (u *Universe) Sleep(d time.Duration) { u.await(d, func() bool { return false }) }

// await lets time pass until a condition holds, and reports whether it did.
func (u *Universe) await(within time.Duration, holds func() bool) bool {
	held := u.play.Wait(within, holds)
	if u.play.Failure() != nil {
		panic(ended{})
	}
	return held
}

// Wait lets virtual time pass until the condition holds. If it does not hold in time,
// the story ends there. The condition is asked after every event; it must change
// nothing.
func (u *Universe) Wait(within time.Duration, what string, holds func() bool) {
	if !u.await(within, holds) {
		u.halt(scenarios.Stuck, what, fmt.Sprintf("it is not so after %v (%s)", within, here()))
	}
}

// Expect ends the story unless what it says is so.
func (u *Universe) Expect(so bool, format string, args ...any) {
	if !so {
		u.halt(scenarios.Violation, fmt.Sprintf(format, args...), "it is not so ("+here()+")")
	}
}

func (u *Universe) halt(o scenarios.Outcome, what, why string) {
	u.play.Halt(o, what, why)
	panic(ended{})
}

// here is the place in the story that called this package.
func here() string {
	pcs := make([]uintptr, 16)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		inside := strings.Contains(f.Function, "/scenarios/universe.")
		if !inside && f.Function != "" || !more {
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
	}
}

// Members returns all members there ever were, in the order of their numbers.
func (u *Universe) Members() []Member {
	all := make([]Member, u.play.Cluster().Size())
	for i := range all {
		all[i] = Member(i + 1)
	}
	return all
}

// Others returns the members that are not among those given.
func (u *Universe) Others(than ...Member) []Member {
	var others []Member
	for _, m := range u.Members() {
		if !slices.Contains(than, m) {
			others = append(others, m)
		}
	}
	return others
}

// Look returns the present state of a member.
func (u *Universe) Look(m Member) cluster.View { return u.play.Cluster().Member(uint64(m)) }

// Count returns how often an event has happened so far.
func (u *Universe) Count(k trace.Kind) uint64 { return u.play.Log().CountOf(k) }

// Leader waits for a leader, among the members given or, without any, among all, and
// returns it.
func (u *Universe) Leader(within time.Duration, among ...Member) Member {
	leader := Member(0)
	what := "a leader"
	if len(among) > 0 {
		what = fmt.Sprintf("a leader among %v", among)
	}
	u.Wait(within, what, func() bool {
		leader = u.leaderAmong(among)
		return leader != 0
	})
	u.Note("%v leads term %d", leader, u.Look(leader).Term)
	return leader
}

// leaderAmong returns the running leader of the highest term, or 0.
func (u *Universe) leaderAmong(among []Member) (leader Member) {
	var term uint64
	for _, m := range u.Members() {
		v := u.Look(m)
		if (len(among) == 0 || slices.Contains(among, m)) && v.State == cluster.Up && v.Role == trace.RoleLeader && v.Term > term {
			leader, term = m, v.Term
		}
	}
	return leader
}

// Converged waits until the running members that reach each other have a quorum,
// follow one leader and have applied all of its log.
func (u *Universe) Converged(within time.Duration) { u.Do("wait converged within=%v", within) }
