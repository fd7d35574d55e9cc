package scenarios

import (
	"fmt"
	"time"

	"etcdsim/checker"
	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/sim/bug"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
)

// Outcome says how a run ended. The zero value is none.
type Outcome uint8

// Outcomes. Where several apply, the later one of this list counts.
const (
	// Pass: every judge is satisfied, and the run met what it was meant to meet.
	Pass Outcome = 1 + iota
	// Vacuous: no judge objects, but one gave up, or the faults had no effect.
	Vacuous
	// Stuck: something that must happen in the end did not happen.
	Stuck
	// Violation: something happened that must never happen.
	Violation
	// Nondeterminism: the same seed gave another run.
	Nondeterminism
	// Internal: the simulator itself failed.
	Internal
	// Interrupted: somebody stopped the run.
	Interrupted
)

var outcomes = [...]struct {
	name string
	code int
}{
	Pass: {"pass", 0}, Vacuous: {"unknown", 2}, Stuck: {"liveness", 3}, Violation: {"violation", 1},
	Nondeterminism: {"nondeterminism", 4}, Internal: {"internal", 70}, Interrupted: {"interrupted", 130},
}

// String returns the outcome in lower case.
func (o Outcome) String() string { return outcomes[o].name }

// ParseOutcome returns the outcome of this name.
func ParseOutcome(name string) (Outcome, error) {
	for o := Pass; o <= Interrupted; o++ {
		if outcomes[o].name == name {
			return o, nil
		}
	}
	return 0, fmt.Errorf("%q is not an outcome: expected pass, unknown, liveness, violation, nondeterminism, internal or interrupted", name)
}

// ExitCode returns the exit code of a process that ends with this outcome.
func (o Outcome) ExitCode() int { return outcomes[o].code }

// Result is all there is to know about a run.
type Result struct {
	Scenario string
	// Command repeats the run, where etcdsim run does not: a story told in Go is no
	// file. Empty for scenarios.
	Command  string
	Seed     uint64
	Nodes    int
	Bugs     bug.Set
	Settings []Setting
	// From names the snapshot that the members began with, and tells the SHA-256 of it;
	// empty if they began with nothing.
	From    string
	Outcome Outcome
	Phases  []PhaseResult
	// Failure is the statement that did not hold, or nil.
	Failure *Failure
	// Report is what the judges say; it is empty if the run did not come so far.
	Report checker.Report
	// Panic is a defect of the simulator itself, or nil.
	Panic *Panic
	// Divergence shows the first event in which a second run of the same seed
	// differed; empty if none did or none was made.
	Divergence string
	// Breakdowns are members ended by defects.
	Breakdowns []cluster.Breakdown
	Digest     trace.Digest
	// Story is the digest where the last line ended, before the run came to rest: what
	// the end of a recorded session holds.
	Story   trace.Digest
	Counts  Counts
	History history.History
}

// PhaseResult is what happened in one phase.
type PhaseResult struct {
	// Number is 0 for what precedes the first phase and for the end.
	Number     int
	Title      string
	Start, End sim.Time
	OK         bool
	// Note says in a few words what happened: "n4 leads term 3".
	Note string
}

// Failure is a statement that did not hold.
type Failure struct {
	Outcome Outcome
	// Pos is the place of the statement in the file Result.Scenario; zero if the
	// end of the run failed, which has no statement.
	Pos       Pos
	Statement string
	// Why says how things stood instead.
	Why string
	At  sim.Time
}

// Panic is a panic outside of any member.
type Panic struct {
	Text string
	// Stack differs between builds; it belongs into no golden file.
	Stack string
}

// halt ends the statements of a run.
type halt struct {
	outcome Outcome
	why     string
	// stall is what was waited for in vain, or nil.
	stall *checker.Stall
	// final: nothing can happen afterwards.
	final bool
}

// vain reports that nothing went wrong: what was meant is not there, or did not come
// about in time.
func (h *halt) vain() bool { return h.outcome == Vacuous || h.stall != nil }

// stuck is the halt of a wait whose time is up.
func stuck(awaited string, since sim.Time, within time.Duration, found string) *halt {
	return &halt{
		outcome: Stuck, why: found,
		stall: &checker.Stall{Awaited: awaited, Since: since, Within: within, Found: found},
	}
}
