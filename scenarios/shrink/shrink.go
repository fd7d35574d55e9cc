package shrink

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"etcdsim/scenarios"
)

// Trial is a run to make.
type Trial struct {
	File *scenarios.File
	Seed uint64
	// Options are those of the failing run, or without its defects.
	Options scenarios.Options
}

// Runner makes trials, one at a time or several, and returns the place of the
// first in their order whose result is good, with that result; or -1. It may leave
// out those behind it. The function may be called by several goroutines at once.
type Runner func(trials []Trial, good func(*scenarios.Result) bool) (int, *scenarios.Result)

// Config says what is to be shrunk.
type Config struct {
	File    *scenarios.File
	Seed    uint64
	Options scenarios.Options
	// Judge is whose objection is kept. Empty means that of the gravest finding.
	Judge string
	// Effort bounds the work, in events of the trials; 0 is DefaultEffort.
	Effort uint64
	Run    Runner
	// Progress, if not nil, is told of every candidate that is kept.
	Progress func(Progress)
	// Enough, if not nil, is asked now and then whether to end with what there is.
	Enough func() bool
}

// DefaultEffort is about a minute of one processor.
const DefaultEffort = 120_000_000

// Progress says how far a scenario has been shrunk.
type Progress struct {
	// Done says what was done last: "without a fault".
	Done string
	// Trials is the number of runs so far.
	Trials int
	// Statements and Faults count what is left, Operations what clients asked in
	// the failing run.
	Statements, Faults int
	Operations         uint64
}

// Shrunk is a failing scenario that was made short.
type Shrunk struct {
	File *scenarios.File
	Seed uint64
	// Result is that of the failing run.
	Result  *scenarios.Result
	Finding scenarios.Finding
	// Before is what there was to shrink.
	Before Progress
	Progress
}

// ErrPasses is the error of a run that is to be shrunk and that nobody objects to, or
// not the judge who was named.
var ErrPasses = errors.New("the run passes: expected one that fails")

// ErrWithoutBugs is the error of a run that fails whether its defects are
// switched on or not.
var ErrWithoutBugs = errors.New("the run fails without the bugs too: expected one that passes without them")

// shrinker holds the shortest scenario so far.
type shrinker struct {
	Config
	plan    *plan
	file    *scenarios.File
	seed    uint64
	result  *scenarios.Result
	finding scenarios.Finding
	spent   uint64
	trials  int
	// seeds is how many seeds a candidate gets.
	seeds int
}

// Shrink makes a failing scenario short.
func Shrink(c Config) (*Shrunk, error) {
	if c.Effort == 0 {
		c.Effort = DefaultEffort
	}
	c.File = c.File.Unended()
	s := &shrinker{Config: c, seed: c.Seed, seeds: 1}
	// The verdict that a run tested too little says nothing of a shorter one.
	original := newPlan(c.File.Lines)
	var covers []int
	for n, at := range original.places() {
		if at.line().words[0] == "cover" {
			covers = append(covers, n)
		}
	}
	_, r := s.Run([]Trial{{c.File, c.Seed, c.Options}}, func(*scenarios.Result) bool { return true })
	if r == nil || r.Outcome == scenarios.Interrupted {
		return nil, errors.New("interrupted")
	}
	findings := r.Findings()
	i := slices.IndexFunc(findings, func(f scenarios.Finding) bool { return c.Judge == "" || f.Judge == c.Judge })
	if i < 0 {
		return nil, ErrPasses
	}
	s.finding, s.file, s.plan, s.result = findings[i], c.File, original, r
	if !s.innocent(Trial{c.File, c.Seed, c.Options}) {
		return nil, ErrWithoutBugs
	}
	before := s.progress("")
	s.keep("without what must be covered", []*plan{original.without(covers)}, s.fails)
	s.all()
	return &Shrunk{File: s.file, Seed: s.seed, Result: s.result, Finding: s.finding, Before: before, Progress: s.progress("")}, nil
}

// maxSeeds bounds the seeds that a candidate gets.
const maxSeeds = 64

// all goes through all ways of making the plan shorter until none helps. Each
// round gives candidates more seeds.
func (s *shrinker) all() {
	of := func(concerns ...scenarios.Concern) func(*line) bool {
		return func(l *line) bool { return slices.Contains(concerns, l.concern) }
	}
	for round := 1; ; round++ {
		before, _ := s.plan.text()
		s.seeds = min(4*round*round, maxSeeds)
		s.drop("without a fault", of(scenarios.OfFaults))
		s.idle()
		s.drop("without clients", of(scenarios.OfClients))
		s.drop("without a statement", func(l *line) bool { return l.concern != scenarios.OfVerdict })
		s.unwrap()
		s.fewerMembers()
		s.fewerOperations()
		s.sooner()
		s.fewerWords()
		s.simplerWords()
		after, _ := s.plan.text()
		if s.enough() || after == before && s.seeds == maxSeeds {
			return
		}
	}
}

func (s *shrinker) enough() bool { return s.spent >= s.Effort || s.Enough != nil && s.Enough() }

// few is how many operations are few enough to be read.
const few = 20

// fails reports whether a run fails as the first one did. Clients may not do much
// more than they did before: the failure would be harder to read.
func (s *shrinker) fails(r *scenarios.Result) bool {
	return s.same(r) && r.Counts.Operations <= max(few, s.result.Counts.Operations*5/4)
}

// same reports whether the same judge objects to the same. What a statement
// expects may change its words.
func (s *shrinker) same(r *scenarios.Result) bool {
	return slices.ContainsFunc(r.Findings(), func(f scenarios.Finding) bool {
		return f.Judge == s.finding.Judge && (f.Property == s.finding.Property || f.Judge == scenarios.JudgeExpectation)
	})
}

// innocent reports whether a failing run passes without its defects. One that has
// none need not.
func (s *shrinker) innocent(t Trial) bool {
	if t.Options.Bugs == 0 {
		return true
	}
	t.Options.Bugs = 0
	i, _ := s.Run([]Trial{t}, func(r *scenarios.Result) bool { return r.Outcome == scenarios.Pass })
	s.trials++
	s.spent += s.result.Counts.Events
	return i == 0
}

// keep tries candidates in order and keeps the first that is good with any of its
// seeds. It returns its place, or -1.
func (s *shrinker) keep(done string, candidates []*plan, good func(*scenarios.Result) bool) int {
	options := s.Options
	// A run that takes much longer than the failing one is no improvement.
	options.MaxEvents = 4*s.result.Counts.Events + 10_000
	seeds := s.tried()
	var trials []Trial
	var places []int
	plans := make([]*plan, len(candidates))
	known := map[string]bool{}
	for i, c := range candidates {
		p, f, ok := c.file(s.File.Name, options)
		if !ok {
			continue
		}
		text, _ := p.text()
		if known[text] {
			continue
		}
		known[text] = true
		plans[i] = p
		for _, seed := range seeds {
			trials = append(trials, Trial{f, seed, options})
			places = append(places, i)
		}
	}
	for len(trials) > 0 && !s.enough() {
		n, r := s.Run(trials, good)
		made := n + 1
		if n < 0 {
			made = len(trials)
		}
		s.trials += made
		s.spent += uint64(made) * s.result.Counts.Events
		if n < 0 || r == nil {
			return -1
		}
		if s.innocent(trials[n]) {
			s.plan, s.file, s.seed, s.result = plans[places[n]], trials[n].File, trials[n].Seed, r
			if s.Progress != nil {
				s.Progress(s.progress(done))
			}
			return places[n]
		}
		trials, places = trials[n+1:], places[n+1:]
	}
	return -1
}

// tried are the seeds that a candidate gets: the one that fails now, and some
// small ones. Long runs get few.
func (s *shrinker) tried() []uint64 {
	const events = 150_000
	n := min(s.seeds, int(events/max(s.result.Counts.Events, 1))+1)
	seeds := []uint64{s.seed}
	for seed := uint64(1); len(seeds) < n; seed++ {
		if seed != s.seed {
			seeds = append(seeds, seed)
		}
	}
	return seeds
}

func (s *shrinker) progress(done string) Progress {
	return Progress{
		Done: done, Trials: s.trials, Statements: len(s.plan.places()), Faults: s.plan.faults(),
		Operations: s.result.Counts.Operations,
	}
}

// drop leaves out statements: all at once, then half of them, and so on down to
// each, the last first.
func (s *shrinker) drop(done string, chosen func(*line) bool) {
	numbers := func() []int {
		var list []int
		for n, at := range s.plan.places() {
			if chosen(at.line()) {
				list = append(list, n)
			}
		}
		return list
	}
	for size := len(numbers()); size > 0; size = (size + 1) / 2 {
		for end := len(numbers()); end > 0 && !s.enough(); {
			list := numbers()
			end = min(end, len(list))
			var candidates []*plan
			for e := end; e > 0; e -= size {
				candidates = append(candidates, s.plan.without(list[max(e-size, 0):e]))
			}
			i := s.keep(done, candidates, s.fails)
			if i < 0 {
				break
			}
			end -= (i + 1) * size
		}
		if size == 1 {
			return
		}
	}
}

// idle replaces statements by the time that they may take: some are there only
// because they last.
func (s *shrinker) idle() {
	for again := true; again && !s.enough(); {
		var candidates []*plan
		for n, at := range s.plan.places() {
			l := at.line()
			i := slices.IndexFunc(l.words, func(w string) bool { return strings.HasPrefix(w, within) })
			if l.concern != scenarios.OfFaults || i < 0 {
				continue
			}
			c := s.plan.clone()
			c.places()[n].in.lines[at.i] = &line{
				words: []string{"wait", "elapsed", strings.TrimPrefix(l.words[i], within)}, concern: scenarios.OfWaits,
			}
			candidates = append(candidates, c)
		}
		again = s.keep("with a wait instead", candidates, s.fails) >= 0
	}
}

// within begins the word that says how long a statement may take.
const within = "within="

// unwrap replaces blocks by what one of their branches holds.
func (s *shrinker) unwrap() {
	for again := true; again && !s.enough(); {
		var candidates []*plan
		for n, at := range s.plan.places() {
			for b := range at.line().branches {
				c := s.plan.clone()
				own := c.places()[n]
				own.in.lines = slices.Replace(own.in.lines, own.i, own.i+1, own.line().branches[b].lines...)
				candidates = append(candidates, c)
			}
		}
		again = s.keep("without a block", candidates, s.fails) >= 0
	}
}

// fewerMembers makes the cluster smaller. Members that are gone are no longer
// named.
func (s *shrinker) fewerMembers() {
	nodes := 0
	number := 0
	for n, at := range s.plan.places() {
		for _, w := range at.line().words {
			if count, ok := strings.CutPrefix(w, "nodes="); ok && at.line().words[0] == "cluster" {
				nodes, _ = strconv.Atoi(count)
				number = n
			}
		}
	}
	var candidates []*plan
	for fewer := 1; fewer < nodes; fewer++ {
		c := s.plan.clone()
		all := c.places()
		all[number].line().words = []string{"cluster", fmt.Sprintf("nodes=%d", fewer)}
		for _, at := range all {
			l := at.line()
			l.words = slices.DeleteFunc(l.words, func(w string) bool {
				id, err := strconv.Atoi(strings.TrimPrefix(w, "n"))
				return strings.HasPrefix(w, "n") && err == nil && id > fewer && id <= nodes
			})
		}
		candidates = append(candidates, c)
	}
	s.keep("with fewer members", candidates, s.fails)
}

// fewerOperations lets clients ask less: loads end after some requests, and begin
// later. Where that is not enough, nothing need be proved in the end, or what is
// asked again until it is done is asked when it can be done.
func (s *shrinker) fewerOperations() {
	fewer := func(r *scenarios.Result) bool { return s.same(r) && r.Counts.Operations < s.result.Counts.Operations }
	for again := true; again && !s.enough(); {
		var candidates []*plan
		for n, at := range s.plan.places() {
			if at.line().words[0] != "load" {
				continue
			}
			for _, ops := range []int{1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 18, 20, 24, 40, 100} {
				c := s.plan.clone()
				l := c.places()[n].line()
				l.words = slices.DeleteFunc(l.words, func(w string) bool { return strings.HasPrefix(w, "ops=") })
				l.words = append(l.words, fmt.Sprintf("ops=%d", ops))
				candidates = append(candidates, c)
			}
			for to := len(at.in.lines) - 1; to > at.i; to-- {
				if later := at.in.lines[to]; later.title == "" && later.concern == scenarios.OfUniverse {
					continue
				}
				c := s.plan.clone()
				own := c.places()[n]
				moved := own.line()
				own.in.lines = slices.Delete(own.in.lines, own.i, own.i+1)
				own.in.lines = slices.Insert(own.in.lines, to, moved)
				candidates = append(candidates, c)
			}
		}
		if s.result.Counts.Operations > few {
			c := s.plan.clone()
			c.lines = append(c.lines, &line{words: []string{"liveness", "off"}, concern: scenarios.OfVerdict})
			candidates = append(candidates, c)
		}
		if times := s.times(); s.result.Counts.Operations > few {
			for k := range times {
				for _, more := range []time.Duration{5 * time.Second, 2 * time.Second, time.Second} {
					candidates = append(candidates, s.moved(times[k:], more))
				}
			}
		}
		again = s.keep("with fewer operations", candidates, fewer) >= 0
	}
}

// sooner shortens the time before each "at": what comes later comes as much
// sooner.
func (s *shrinker) sooner() {
	for again := true; again && !s.enough(); {
		again = false
		times := s.times()
		for k := len(times) - 1; k >= 0 && !s.enough(); k-- {
			times = s.times()
			if k >= len(times) {
				continue
			}
			before := time.Duration(0)
			if k > 0 {
				before = times[k-1].at
			}
			gap := times[k].at - before
			var candidates []*plan
			for _, less := range []time.Duration{gap, gap * 3 / 4, gap / 2, gap / 4} {
				if less = less.Truncate(time.Millisecond); less <= 0 {
					continue
				}
				candidates = append(candidates, s.moved(times[k:], -less))
			}
			if s.keep("sooner", candidates, s.fails) >= 0 {
				again = true
			}
		}
	}
}

// moment is the time behind the word "at" of a statement.
type moment struct {
	number, word int
	at           time.Duration
}

// moved returns the plan with these moments moved.
func (s *shrinker) moved(times []moment, by time.Duration) *plan {
	c := s.plan.clone()
	all := c.places()
	for _, t := range times {
		all[t.number].line().words[t.word] = (t.at + by).String()
	}
	return c
}

func (s *shrinker) times() []moment {
	var all []moment
	for n, at := range s.plan.places() {
		words := at.line().words
		for i, w := range words[1:] {
			if d, err := time.ParseDuration(w); err == nil && words[i] == "at" {
				all = append(all, moment{n, i + 1, d})
			}
		}
	}
	return all
}

// fewerWords leaves out words: options, targets, the prefix of an attempt.
func (s *shrinker) fewerWords() {
	for n := len(s.plan.places()) - 1; n >= 0 && !s.enough(); n-- {
		for again := true; again; {
			if n >= len(s.plan.places()) {
				break
			}
			own := s.plan.places()[n].line()
			if own.concern == scenarios.OfVerdict || len(own.words) == 1 {
				break
			}
			var candidates []*plan
			for i := range own.words {
				if strings.HasPrefix(own.words[i], "ops=") {
					continue
				}
				c := s.plan.clone()
				l := c.places()[n].line()
				l.words = slices.Delete(l.words, i, i+1)
				candidates = append(candidates, c)
			}
			again = s.keep("with fewer words", candidates, s.fails) >= 0
		}
	}
}

// simplerWords makes numbers smaller and times shorter.
func (s *shrinker) simplerWords() {
	for n := len(s.plan.places()) - 1; n >= 0; n-- {
		for i := 1; ; i++ {
			for again := true; again && !s.enough(); {
				if n >= len(s.plan.places()) || i >= len(s.plan.places()[n].line().words) {
					break
				}
				var candidates []*plan
				for _, word := range simpler(s.plan.places()[n].line().words[i]) {
					c := s.plan.clone()
					c.places()[n].line().words[i] = word
					candidates = append(candidates, c)
				}
				again = s.keep("simpler", candidates, s.fails) >= 0
			}
			if n >= len(s.plan.places()) || i >= len(s.plan.places()[n].line().words) {
				break
			}
		}
	}
}
