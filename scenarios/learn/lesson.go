package learn

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"etcdsim/scenarios"
	"etcdsim/scenarios/report/chronicle"
	"etcdsim/sim"
	"etcdsim/sim/bug"
	"etcdsim/sim/trace"
)

// Lesson is one subject.
type Lesson struct {
	// Name is what it is called on the command line, Title in a list.
	Name, Title string
	// Source is where to read more.
	Source string
	// Scenario is the name of the built-in scenario that it runs, Bugs the defects
	// switched on.
	Scenario string
	Bugs     bug.Set
	tell     func(*teller)
}

// Course is a lesson made of a run.
type Course struct {
	Lesson    *Lesson
	Seed      uint64
	File      *scenarios.File
	Result    *scenarios.Result
	Chronicle *chronicle.Chronicle
	Cards     []Card
}

// Card is a moment of the run, what is said about it, and perhaps a question.
type Card struct {
	At       sim.Time
	Texts    []string
	Question *Question
}

// Lessons are all lessons in the order in which they are best taken.
var Lessons = []Lesson{
	{Name: "election", Title: "How a leader is elected", Source: "Raft paper, section 5.2", Scenario: "steady", tell: election},
	{
		Name: "split-vote", Title: "Split votes, and why timeouts are random", Source: "Raft paper, section 5.2", Scenario: "split-vote",
		tell: splitVote,
	},
	{
		Name: "replication", Title: "How an entry gets into all logs", Source: "Raft paper, section 5.3", Scenario: "steady",
		tell: replication,
	},
	{Name: "commit", Title: "When an entry is committed", Source: "Raft paper, section 5.3", Scenario: "steady", tell: commitRule},
	{Name: "election-safety", Title: "Who may be elected", Source: "Raft paper, section 5.4.1", Scenario: "figure-7", tell: electionSafety},
	{
		Name: "figure-8", Title: "Why counting is not enough", Source: "Raft paper, section 5.4.2, figure 8", Scenario: "figure-8",
		tell: figure8,
	},
	{
		Name: "failover", Title: "A leader dies while clients write", Source: "Raft paper, section 8", Scenario: "leader-kill",
		tell: failover,
	},
	{
		Name: "stale-reads", Title: "Two leaders, and reads that ask a quorum", Source: "Raft thesis, section 6.4",
		Scenario: "leader-partition", tell: staleReads,
	},
	{
		Name: "durability", Title: "What is on a disk, and what only looks like it", Source: "Raft paper, section 5 (persistent state)",
		Scenario: "process-death", tell: durability,
	},
	{
		Name: "snapshots", Title: "When the log does not go back far enough", Source: "Raft paper, section 7", Scenario: "snapshot-catch-up",
		tell: snapshots,
	},
	{
		Name: "membership", Title: "Members that come as learners", Source: "Raft thesis, section 4.2.1; etcd, \"Learner\"",
		Scenario: "learner-promote", tell: membership,
	},
	{
		Name: "linearizability", Title: "What clients are promised", Source: "Herlihy and Wing, 1990", Scenario: "leader-kill",
		tell: linearizability,
	},
	{
		Name: "bug", Title: "How a bug looks", Source: "etcd issue 741", Scenario: "leader-partition",
		Bugs: bug.Set(0).With(bug.LeaderLocalRead), tell: localRead,
	},
}

// Lookup returns the lesson of this name, or nil.
func Lookup(name string) *Lesson {
	i := slices.IndexFunc(Lessons, func(l Lesson) bool { return l.Name == name })
	if i < 0 {
		return nil
	}
	return &Lessons[i]
}

// mostSeeds is how many seeds are tried until one shows what the lesson needs.
const mostSeeds = 60

// filmLimit is the number of events of a run that a lesson can look at.
const filmLimit = 400_000

// Give makes a course of the first seed that shows what the lesson needs.
func (l *Lesson) Give() (*Course, error) {
	var failed error
	for seed := uint64(1); seed <= mostSeeds; seed++ {
		c, err := l.of(seed)
		if err == nil {
			return c, nil
		}
		if failed == nil {
			failed = fmt.Errorf("seed %d: %w", seed, err)
		}
	}
	return nil, fmt.Errorf("lesson %s: no seed up to %d shows it: %w", l.Name, mostSeeds, failed)
}

// errUnfit: the run does not show what a lesson needs.
var errUnfit = errors.New("the run does not show it")

// of makes a course of one seed.
func (l *Lesson) of(seed uint64) (*Course, error) {
	c := &Course{Lesson: l, Seed: seed, File: scenarios.Lookup(l.Scenario)}
	if c.File == nil {
		return nil, fmt.Errorf("no scenario %q", l.Scenario)
	}
	film := &chronicle.Film{Limit: filmLimit}
	r, err := scenarios.Run(c.File, seed, scenarios.Options{Bugs: l.Bugs, Observe: film.Attach})
	if err != nil {
		return nil, err
	}
	if l.Bugs == 0 && r.Outcome != scenarios.Pass {
		return nil, fmt.Errorf("%w: it ends with %s", errUnfit, r.Outcome)
	}
	c.Result, c.Chronicle = r, film.Chronicle()
	t := newTeller(c)
	l.tell(t)
	if t.err != nil {
		return nil, t.err
	}
	c.Cards = t.cards
	return c, nil
}

// Questions counts the questions.
func (c *Course) Questions() int {
	n := 0
	for _, card := range c.Cards {
		if card.Question != nil {
			n++
		}
	}
	return n
}

// Question is asked about a moment; the right answer is computed from the run.
type Question struct {
	Kind Kind
	Text string
	// Expected says what answers look like: "yes or no".
	Expected string
	// Options are the answers to choose from by number, from 1; nil for others.
	Options []string
	// Right is the right answer, as Mark reads it.
	Right string
	// Why explains it.
	Why string
	// parse brings an answer into the form of Right.
	parse func(string) (string, bool)
}

// Mark reports whether an answer is right. An answer that is none is an error, which
// says what was expected.
func (q *Question) Mark(answer string) (bool, error) {
	canonical, ok := q.parse(strings.ToLower(strings.TrimSpace(answer)))
	if !ok {
		return false, fmt.Errorf("%q: expected %s", answer, q.Expected)
	}
	return canonical == q.Right, nil
}

// Table shows the members at a moment, and the ends of their logs by term, in plain
// text: a column for each entry.
func (c *Course) Table(at sim.Time) string {
	t := newTeller(c)
	all := t.membersAt(at)
	last := uint64(0)
	for i := range all {
		last = max(last, all[i].Last)
	}
	first := max(last, tableColumns) - tableColumns + 1
	var b strings.Builder
	fmt.Fprintf(&b, "%-4s%-14s%5s%8s%8s   ", "", "", "term", "commit", "on disk")
	for i := first; i <= last; i++ {
		fmt.Fprintf(&b, "%5d", i)
	}
	b.WriteByte('\n')
	for i := range all {
		m := &all[i]
		what := trace.RoleName(uint16(m.Role))
		if m.Life != chronicle.Up {
			what = [...]string{chronicle.Down: "down", chronicle.Paused: "paused", chronicle.Gone: "removed"}[m.Life]
		}
		fmt.Fprintf(&b, "%-4s%-14s%5d%8d%8d   ", member(m.ID), what, m.Term, m.Commit, m.Durable)
		for k := first; k <= last; k++ {
			text := ""
			if term := m.term(k); term > 0 {
				text = fmt.Sprint(term)
				if k > m.Durable {
					text += "?"
				}
			}
			fmt.Fprintf(&b, "%5s", text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// tableColumns is how many entries of each log a table shows.
const tableColumns = 7
