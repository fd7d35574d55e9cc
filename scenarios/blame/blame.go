// Package blame finds the moments that decided that a run fails.
//
// A failing run is one of many futures of each of its moments. So its past is kept
// up to a time t, everything after it is drawn anew some dozens of times
// ([scenarios.Fork]), and the futures that fail in the same way are counted. Early
// on that is as rare as the failure is; in the end all futures fail. Where the
// share jumps, something was decided: a candidate was elected, a packet was lost, a
// fault hit the leader. Between two times whose shares differ most, more are asked
// about, until the jump is known to a few milliseconds; what the run did between
// them is the suspect.
//
// Shares are counts, not floating point: equal arguments give equal answers
// everywhere.
package blame

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"etcdsim/scenarios"
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// Config says which run to look at, and how closely.
type Config struct {
	File    *scenarios.File
	Seed    uint64
	Options scenarios.Options
	// Run, if not nil, makes the run with these options in place of scenarios.Run: a
	// story told in Go has no file. It may be called as Each calls its function.
	Run func(scenarios.Options) (*scenarios.Result, error)
	// Futures is how many futures each moment gets; 0 is DefaultFutures.
	Futures int
	// Each does something for all i below n, in any order or at the same time.
	Each func(n int, do func(i int))
	// Progress, if not nil, is told of each moment that has been asked about.
	Progress func(Point)
	// Enough, if not nil, is asked now and then whether to end with what there is.
	Enough func() bool
}

// DefaultFutures is how many futures a moment gets.
const DefaultFutures = 40

// How closely a run is looked at.
const (
	// moments are asked about first, at equal distances.
	moments = 20
	// jumps is how many of the largest are narrowed down, each to this precision.
	jumps     = 3
	precision = 5 * time.Millisecond
)

// Point is the share of the futures of a moment that fail.
type Point struct {
	At sim.Time
	// Failing of Futures fail in the same way.
	Failing, Futures int
}

// more is by how much the share of q is larger than that of p, in thousandths.
func (p Point) more(q Point) int {
	return 1000*q.Failing/max(q.Futures, 1) - 1000*p.Failing/max(p.Futures, 1)
}

// Jump is a moment at which the share rises.
type Jump struct {
	// Before and After are the shares on its two sides.
	Before, After Point
	// Suspects are what the run did between them, the most telling first.
	Suspects []trace.Event
}

// Verdict is what was found.
type Verdict struct {
	Finding scenarios.Finding
	// Result is that of the run itself.
	Result *scenarios.Result
	// Decided is when the failure became certain as judges see it, or the end.
	Decided sim.Time
	// Points are the moments that were asked about, in the order of time.
	Points []Point
	// Jumps are the largest rises, the largest first. Rises that chance may explain
	// are left out.
	Jumps []Jump
}

// ErrPasses is the error of a run that does not fail.
var ErrPasses = errors.New("the run passes: expected one that fails")

// Find finds the moments that decided that a run fails.
func Find(c Config) (*Verdict, error) {
	if c.Run == nil {
		c.File = c.File.Unended()
		c.Run = func(o scenarios.Options) (*scenarios.Result, error) { return scenarios.Run(c.File, c.Seed, o) }
	}
	if c.Futures == 0 {
		c.Futures = DefaultFutures
	}
	var events []trace.Event
	o := c.Options
	o.Observe = func(l *trace.Log) {
		if c.Options.Observe != nil {
			c.Options.Observe(l)
		}
		l.Subscribe(trace.AllKinds, func(e *trace.Event) { events = append(events, *e) })
	}
	r, err := c.Run(o)
	if err != nil {
		return nil, err
	}
	findings := r.Findings()
	if len(findings) == 0 {
		return nil, ErrPasses
	}
	s := search{Config: c, verdict: &Verdict{Finding: findings[0], Result: r, Decided: decided(r)}}
	s.ask()
	s.verdict.Jumps = s.rises()
	for i := range s.verdict.Jumps {
		j := &s.verdict.Jumps[i]
		j.Suspects = suspects(c.File, events, j.Before.At, j.After.At)
	}
	return s.verdict, nil
}

// decided is when the gravest violation became certain.
func decided(r *scenarios.Result) sim.Time {
	at := r.Counts.Elapsed
	for _, v := range r.Report.Violations() {
		if v.At > 0 {
			at = min(at, v.At)
		}
	}
	return at
}

// search asks about moments.
type search struct {
	Config
	verdict *Verdict
}

// ask asks about moments at equal distances, then between those whose shares
// differ most.
func (s *search) ask() {
	end := s.verdict.Decided
	for i := range sim.Time(moments + 1) {
		if s.enough() {
			return
		}
		s.at(end / moments * i)
	}
	for range jumps {
		for !s.enough() {
			i := s.widest()
			if i < 0 {
				return
			}
			p := s.verdict.Points
			s.at(p[i].At + (p[i+1].At-p[i].At)/2)
		}
	}
}

func (s *search) enough() bool { return s.Enough != nil && s.Enough() }

// widest returns the largest rise between neighbours that are further apart than
// the precision, or -1. Only the largest rises of all are looked at.
func (s *search) widest() int {
	all := s.order()
	for _, i := range all[:min(jumps, len(all))] {
		p := s.verdict.Points
		if p[i+1].At.Sub(p[i].At) > precision {
			return i
		}
	}
	return -1
}

// order lists the rises between neighbours that chance does not explain, the
// largest first.
func (s *search) order() []int {
	p := s.verdict.Points
	var all []int
	for i := range len(p) - 1 {
		if p[i].more(p[i+1]) >= significant(s.Futures) {
			all = append(all, i)
		}
	}
	slices.SortStableFunc(all, func(a, b int) int { return p[b].more(p[b+1]) - p[a].more(p[a+1]) })
	return all
}

// significant is the least rise, in thousandths, that chance does not explain: two
// shares of n futures each differ by at most sqrt(1/(2n)) once in a standard
// deviation; it is three of them.
func significant(n int) int {
	root := 1
	for root*root*2*n < 9*1000*1000 {
		root++
	}
	return root
}

// rises returns the largest rises.
func (s *search) rises() []Jump {
	all := s.order()
	var found []Jump
	for _, i := range all[:min(jumps, len(all))] {
		found = append(found, Jump{Before: s.verdict.Points[i], After: s.verdict.Points[i+1]})
	}
	return found
}

// at asks about the futures of a moment.
func (s *search) at(t sim.Time) {
	failing := make([]bool, s.Futures)
	s.Each(s.Futures, func(i int) {
		o := s.Options
		o.Fork = scenarios.Fork{At: t, By: uint64(i + 1)}
		// A future may take longer than the run did, but not for ever.
		o.MaxEvents = 10*s.verdict.Result.Counts.Events + 100_000
		r, err := s.Run(o)
		failing[i] = err == nil && slices.ContainsFunc(r.Findings(), s.same)
	})
	p := Point{At: t, Futures: s.Futures}
	for _, yes := range failing {
		if yes {
			p.Failing++
		}
	}
	i, found := slices.BinarySearchFunc(s.verdict.Points, t, func(p Point, t sim.Time) int { return cmp.Compare(p.At, t) })
	if !found {
		s.verdict.Points = slices.Insert(s.verdict.Points, i, p)
	}
	if s.Progress != nil {
		s.Progress(p)
	}
}

// same reports whether a finding is that of the run.
func (s *search) same(f scenarios.Finding) bool { return f == s.verdict.Finding }

// telling are the kinds of events that decide matters, the most telling first.
var telling = []trace.Kind{
	trace.Action, trace.MemberCrash, trace.MemberFault, trace.DiskFault, trace.DiskTorn, trace.DiskLost, trace.LinkCut, trace.RoleChange,
	trace.LeaderKnown, trace.SnapInstall, trace.ConfApplied, trace.Drop, trace.Duplicate, trace.Reorder, trace.LeaseExpired,
	trace.BackendDurable, trace.DiskSynced, trace.CommitMoved, trace.Deliver,
}

// maxSuspects bounds the events that are named.
const maxSuspects = 4

// statements are those of a file, none of no file.
func statements(f *scenarios.File) []*scenarios.Statement {
	if f == nil {
		return nil
	}
	return f.Statements()
}

// suspects are the most telling events between two times. Statements that only
// wait or look do nothing.
func suspects(f *scenarios.File, events []trace.Event, from, to sim.Time) []trace.Event {
	idle := map[uint64]bool{}
	for _, s := range statements(f) {
		switch s.Args.(type) {
		case scenarios.WaitArgs, scenarios.ExpectArgs:
			idle[uint64(s.Number)] = true
		}
	}
	var found []trace.Event
	for _, kind := range telling {
		for i := range events {
			e := &events[i]
			if e.Kind != kind || e.At < from || e.At > to || kind == trace.Action && idle[e.ID] {
				continue
			}
			if found = append(found, *e); len(found) == maxSuspects {
				return found
			}
		}
	}
	return found
}
