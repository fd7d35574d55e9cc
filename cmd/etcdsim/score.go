package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"etcdsim/scenarios"
	"etcdsim/scenarios/nemesis"
	"etcdsim/scenarios/shrink"
	"etcdsim/sim/bug"
	"etcdsim/sim/trace"
)

// The scoreboard: how many plans of the nemesis, and how many seconds of a processor, it
// takes until the judge that must see a defect sees it. Nothing tells the nemesis
// which defect is switched on. The time is what the process spent, not what passed: it
// is the same on a machine that has other things to do.

// scorer looks for defects.
type scorer struct {
	ctx context.Context
	// plans makes a scenario of a seed.
	plans  func(seed uint64) *scenarios.File
	starts int
	// limit bounds a search, patience the shrinking of what it found, in time of a processor.
	limit, patience time.Duration
}

// found is how one defect was found. It is what a line of the journal holds.
type found struct {
	Bug string
	// Starts and Limit are how it was searched for, Trace the version of the trace then:
	// with another one, seeds have other runs.
	Starts int
	Limit  time.Duration
	Trace  int
	// Seeds and Times are those of the searches that found it, each in order.
	Seeds []int
	Times []time.Duration
	// First is the seed of the first search that found it, Others the judges that
	// objected to it as well.
	First  uint64
	Others []string
	// Shortest is the plan of that seed, shrunk, and ShortestSeed the seed that it
	// fails with, by Finding. That is empty if none was found.
	Shortest     string
	ShortestSeed uint64
	Finding      string
	Statements   int
}

// startsApart is how far apart the seeds are from which searches begin.
const startsApart = 1_000_000

func scoreAction(c *cli.Context) error {
	s, chosen, err := newScorer(c)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(c.Context, os.Interrupt)
	defer stop()
	s.ctx = ctx
	known := map[string]found{}
	journal, err := openJournal(c.String("journal"), func(one found) {
		if one.Starts == s.starts && one.Limit == s.limit && one.Trace == trace.Version {
			known[one.Bug] = one
		}
	})
	if err != nil {
		return usage("bugs: --journal: %w", err)
	}
	defer func() { _ = journal.close() }() // each note was written, or that failed
	var all []found
	row := func(cells ...any) { fmt.Fprintf(c.App.Writer, "%-28s %-16s %-9s %-7s %-9s %-11s %s\n", cells...) }
	row("bug", "judge", "found", "seeds", "seconds", "statements", "also seen by")
	for _, b := range bug.All() {
		if chosen != 0 && !chosen.Has(b.ID) || ctx.Err() != nil {
			continue
		}
		one, ok := known[b.Name]
		if !ok {
			if one, err = s.score(b); err == nil && ctx.Err() == nil {
				err = journal.note(one)
			}
		}
		if err != nil {
			return &exit{exitInternal, err}
		}
		if ctx.Err() != nil {
			break
		}
		all = append(all, one)
		row(b.Name, b.Judge, fmt.Sprintf("%d of %d", len(one.Seeds), s.starts), one.medianSeeds(), one.medianTime(), one.statements(),
			strings.Join(one.Others, ", "))
	}
	fmt.Fprintln(c.App.Writer, s.summary(all))
	if name := c.String("out"); name != "" && ctx.Err() == nil {
		if err := writeFile(name, func(w io.Writer) error { return s.document(w, all) }); err != nil {
			return err
		}
	}
	switch {
	case ctx.Err() != nil:
		return &exit{exitInterrupted, errors.New("interrupted")}
	case slices.ContainsFunc(all, func(o found) bool { return len(o.Seeds) == 0 }):
		return &exit{code: exitFound}
	}
	return nil
}

// newScorer reads the flags: how to search, and for which defects, or all.
func newScorer(c *cli.Context) (s scorer, chosen bug.Set, err error) {
	s.plans = func(seed uint64) *scenarios.File { return nemesis.Draw(seed).File() }
	s.starts, s.patience = c.Int("starts"), shrinkPatience
	if s.limit, err = time.ParseDuration(c.String("for")); err != nil || s.limit <= 0 {
		return s, 0, usage("bugs: --for: %q: expected a duration such as 1m", c.String("for"))
	}
	if s.starts < 1 {
		return s, 0, usage("bugs: --starts: %d: expected at least 1", s.starts)
	}
	if chosen, err = bug.Parse(c.String("bug")); err != nil {
		return s, 0, usage("bugs: --bug: %w", err)
	}
	return s, chosen, nil
}

// score searches for a defect from several seeds, and shrinks what the first search
// found.
func (s *scorer) score(b bug.Bug) (found, error) {
	one := found{Bug: b.Name, Starts: s.starts, Limit: s.limit, Trace: trace.Version}
	for i := range s.starts {
		began := processorTime()
		spent := func() time.Duration { return processorTime() - began }
		first := uint64(i*startsApart + 1)
		for seed := first; spent() <= s.limit; seed++ {
			r, err := scenarios.Run(s.plans(seed), seed, s.options(b))
			if err != nil {
				return one, fmt.Errorf("the plan of seed %d: %w", seed, err)
			}
			if s.stopped() {
				return one, nil
			}
			if seenBy(r, b.Judge) {
				one.Seeds, one.Times = append(one.Seeds, int(seed-first)+1), append(one.Times, spent())
				if one.First == 0 {
					one.First, one.Others = seed, otherJudges(r, b.Judge)
				}
				break
			}
		}
	}
	slices.Sort(one.Seeds)
	slices.Sort(one.Times)
	if one.First != 0 {
		s.shrink(b, &one)
	}
	return one, nil
}

// shrink makes the plan that was found short. One that cannot be is left out.
func (s *scorer) shrink(b bug.Bug, one *found) {
	until := processorTime() + s.patience
	small, err := shrink.Shrink(shrink.Config{
		File: s.plans(one.First), Seed: one.First, Options: s.options(b), Judge: b.Judge, Run: runner(1),
		Enough: func() bool { return s.stopped() || processorTime() > until },
	})
	if err == nil {
		one.Shortest, one.ShortestSeed = scenarios.Format(small.File), small.Seed
		one.Finding, one.Statements = small.Finding.String(), small.Statements
	}
}

// shrinkPatience is how long a plan is made shorter.
const shrinkPatience = 5 * time.Second

func (s *scorer) stopped() bool { return s.ctx.Err() != nil }

func (s *scorer) options(b bug.Bug) scenarios.Options {
	return scenarios.Options{Bugs: bug.Set(0).With(b.ID), Interrupted: s.stopped}
}

func otherJudges(r *scenarios.Result, judge string) (others []string) {
	for _, j := range r.Report.Judgements {
		if len(j.Violations) > 0 && j.Judge != judge {
			others = append(others, j.Judge)
		}
	}
	return others
}

// median returns the middle of what was found over all searches; those that gave up
// count as worse than any.
func (o *found) median() int {
	if i := (o.Starts - 1) / 2; i < len(o.Seeds) {
		return i
	}
	return -1
}

func (o *found) medianSeeds() string {
	if i := o.median(); i >= 0 {
		return fmt.Sprint(o.Seeds[i])
	}
	return "-"
}

func (o *found) medianTime() string {
	if i := o.median(); i >= 0 {
		return fmt.Sprintf("%.2f", o.Times[i].Seconds())
	}
	return "-"
}

func (o *found) statements() string {
	if o.Finding == "" {
		return "-"
	}
	return fmt.Sprint(o.Statements)
}

// within counts the defects of which half of the searches took no longer.
func within(all []found, d time.Duration) (n int) {
	for i := range all {
		if m := all[i].median(); m >= 0 && all[i].Times[m] <= d {
			n++
		}
	}
	return n
}

func (s *scorer) summary(all []found) string {
	text := fmt.Sprintf("%d defects: ", len(all))
	for _, d := range []time.Duration{10 * time.Second, time.Minute} {
		if d < s.limit {
			text += fmt.Sprintf("%d found within %v, ", within(all, d), d)
		}
	}
	return text + fmt.Sprintf("%d found within %v of a processor, when a search is given up", within(all, s.limit), s.limit)
}

// document writes the scoreboard with the shortest scenarios.
func (s *scorer) document(w io.Writer, all []found) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Scoreboard\n\nHow long it takes until the nemesis, which is not told what to look for, makes the judge of a defect\n"+
		"object to it. `etcdsim bugs --score --starts %d --for %v --out docs/scoreboard.md` writes this page: %d searches for\n"+
		"each defect, from seeds far apart, one run after another; seeds and seconds are medians. Seeds are the same on every\n"+
		"machine; seconds, which are those of a processor, are not. The last but one column is the length of the plan of the\n"+
		"first search after `etcdsim shrink`; the scenarios follow below.\n\n%s.\n\n", s.starts, s.limit, s.starts, s.summary(all))
	b.WriteString("| defect | judge | found | seeds | seconds | statements | also seen by |\n|---|---|---|---|---|---|---|\n")
	for i := range all {
		o := &all[i]
		fmt.Fprintf(&b, "| %s | %s | %d of %d | %s | %s | %s | %s |\n", o.Bug, judgeOf(o.Bug), len(o.Seeds), s.starts,
			o.medianSeeds(), o.medianTime(), o.statements(), strings.Join(o.Others, ", "))
	}
	for i := range all {
		if o := &all[i]; o.Finding != "" {
			fmt.Fprintf(&b, "\n## %s\n\nSeed %d: %s.\n\n```text\n%s```\n", o.Bug, o.ShortestSeed, o.Finding, o.Shortest)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// judgeOf returns the judge that must see a defect.
func judgeOf(name string) string {
	for _, b := range bug.All() {
		if b.Name == name {
			return b.Judge
		}
	}
	return ""
}
