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
)

// The scoreboard: how many plans of the nemesis, and how many seconds of one core, it
// takes until the judge that must see a defect sees it. Nothing tells the nemesis
// which defect is switched on.

// scorer looks for defects.
type scorer struct {
	ctx context.Context
	// plans makes a scenario of a seed.
	plans  func(seed uint64) *scenarios.File
	starts int
	limit  time.Duration
}

// found is how one defect was found.
type found struct {
	bug bug.Bug
	// seeds and times are those of the searches that found it, in order.
	seeds []int
	times []time.Duration
	// missed counts the searches that gave up. first is the seed of the first that did
	// not, others the judges that objected to it as well.
	missed int
	first  uint64
	others []string
	// shortest is the plan of that seed, shrunk; nil if none was found.
	shortest *shrink.Shrunk
}

// startsApart is how far apart the seeds are from which searches begin.
const startsApart = 1_000_000

func scoreAction(c *cli.Context) error {
	limit, err := time.ParseDuration(c.String("for"))
	if err != nil || limit <= 0 {
		return usage("bugs: --for: %q: expected a duration such as 1m", c.String("for"))
	}
	if c.Int("starts") < 1 {
		return usage("bugs: --starts: %d: expected at least 1", c.Int("starts"))
	}
	chosen, err := bug.Parse(c.String("bug"))
	if err != nil {
		return usage("bugs: --bug: %w", err)
	}
	ctx, stop := signal.NotifyContext(c.Context, os.Interrupt)
	defer stop()
	s := scorer{
		ctx: ctx, starts: c.Int("starts"), limit: limit,
		plans: func(seed uint64) *scenarios.File { return nemesis.Draw(seed).File() },
	}
	var all []found
	row := func(cells ...any) { fmt.Fprintf(c.App.Writer, "%-28s %-16s %-9s %-7s %-9s %-11s %s\n", cells...) }
	row("bug", "judge", "found", "seeds", "seconds", "statements", "also seen by")
	for _, b := range bug.All() {
		if chosen != 0 && !chosen.Has(b.ID) || ctx.Err() != nil {
			continue
		}
		one, err := s.score(b)
		if err != nil {
			return &exit{exitInternal, err}
		}
		if ctx.Err() != nil {
			break
		}
		all = append(all, one)
		row(b.Name, b.Judge, fmt.Sprintf("%d of %d", len(one.seeds), s.starts), one.medianSeeds(), one.medianTime(), one.statements(),
			strings.Join(one.others, ", "))
	}
	fmt.Fprintln(c.App.Writer, s.summary(all))
	if name := c.String("out"); name != "" {
		if err := writeFile(name, func(w io.Writer) error { return s.document(w, all) }); err != nil {
			return err
		}
	}
	switch {
	case ctx.Err() != nil:
		return &exit{exitInterrupted, errors.New("interrupted")}
	case slices.ContainsFunc(all, func(o found) bool { return len(o.seeds) == 0 }):
		return &exit{code: 1}
	}
	return nil
}

// score searches for a defect from several seeds, and shrinks what the first search
// found.
func (s *scorer) score(b bug.Bug) (found, error) {
	one := found{bug: b}
	for i := range s.starts {
		began := time.Now()
		seed := uint64(i*startsApart + 1)
		tried := 0
		for {
			r, err := scenarios.Run(s.plans(seed), seed, s.options(b))
			if err != nil {
				return one, fmt.Errorf("the plan of seed %d: %w", seed, err)
			}
			tried++
			if s.stopped() {
				return one, nil
			}
			if seenBy(r, b.Judge) {
				one.seeds, one.times = append(one.seeds, tried), append(one.times, time.Since(began))
				if one.first == 0 {
					one.first, one.others = seed, otherJudges(r, b.Judge)
				}
				break
			}
			if time.Since(began) > s.limit {
				one.missed++
				break
			}
			seed++
		}
	}
	slices.Sort(one.seeds)
	slices.Sort(one.times)
	if one.first == 0 {
		return one, nil
	}
	until := time.Now().Add(shrinkPatience)
	small, err := shrink.Shrink(shrink.Config{
		File: s.plans(one.first), Seed: one.first, Options: s.options(b), Run: runner(1),
		Enough: func() bool { return s.stopped() || time.Now().After(until) },
	})
	if err == nil {
		one.shortest = small
	}
	return one, nil
}

// shrinkPatience bounds the time that a plan is made shorter.
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
	if i := (len(o.seeds) + o.missed - 1) / 2; i < len(o.seeds) {
		return i
	}
	return -1
}

func (o *found) medianSeeds() string {
	if i := o.median(); i >= 0 {
		return fmt.Sprint(o.seeds[i])
	}
	return "-"
}

func (o *found) medianTime() string {
	if i := o.median(); i >= 0 {
		return fmt.Sprintf("%.2f", o.times[i].Seconds())
	}
	return "-"
}

func (o *found) statements() string {
	if o.shortest == nil {
		return "-"
	}
	return fmt.Sprint(o.shortest.Statements)
}

// within counts the defects of which half of the searches took no longer.
func within(all []found, d time.Duration) (n int) {
	for i := range all {
		if m := all[i].median(); m >= 0 && all[i].times[m] <= d {
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
	return text + fmt.Sprintf("%d found within %v, when a search is given up, on one core", within(all, s.limit), s.limit)
}

// document writes the scoreboard with the shortest scenarios.
func (s *scorer) document(w io.Writer, all []found) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Scoreboard\n\nHow long it takes until the nemesis, which is not told what to look for, makes the judge of a defect\n"+
		"object to it. `etcdsim bugs --score --starts %d --for %v --out docs/scoreboard.md` writes this page: %d searches for\n"+
		"each defect, from seeds far apart, one run after another; seeds and seconds are medians. Seeds are the same on every\n"+
		"machine, seconds are not. The last column is the length of the plan of the first search after `etcdsim shrink`; the\n"+
		"scenarios follow below.\n\n%s.\n\n", s.starts, s.limit, s.starts, s.summary(all))
	b.WriteString("| defect | judge | found | seeds | seconds | statements | also seen by |\n|---|---|---|---|---|---|---|\n")
	for i := range all {
		o := &all[i]
		fmt.Fprintf(&b, "| %s | %s | %d of %d | %s | %s | %s | %s |\n", o.bug.Name, o.bug.Judge, len(o.seeds), s.starts,
			o.medianSeeds(), o.medianTime(), o.statements(), strings.Join(o.others, ", "))
	}
	for i := range all {
		if o := &all[i]; o.shortest != nil {
			fmt.Fprintf(&b, "\n## %s\n\nSeed %d: %s.\n\n```text\n%s```\n", o.bug.Name, o.shortest.Seed, o.shortest.Finding,
				scenarios.Format(o.shortest.File))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
