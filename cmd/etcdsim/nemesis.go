package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"etcdsim/scenarios"
	"etcdsim/scenarios/nemesis"
	"etcdsim/scenarios/report"
	"etcdsim/sim/bug"
	"etcdsim/sim/trace"
)

func planCommand() *cli.Command {
	return &cli.Command{
		Name:  "plan",
		Usage: "print the plan that the nemesis draws from a seed, as a scenario",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "seed", Aliases: []string{"s"}, Value: "1", Usage: "what decides everything: `N`"},
		},
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			seed, err := parseSeed(c, "seed", c.String("seed"))
			if err != nil {
				return err
			}
			_, err = io.WriteString(c.App.Writer, scenarios.Format(nemesis.Draw(seed).File()))
			return err
		},
	}
}

func censusCommand() *cli.Command {
	return &cli.Command{
		Name:  "census",
		Usage: "run the plans of many seeds on all processors, and count what was drawn and what had an effect",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "seeds", Value: "1..1000", Usage: "`A..B`"},
			&cli.StringFlag{Name: "journal", Usage: "note each seed in `FILE`, and go on from what stands there"},
			&cli.StringFlag{Name: "bug", Usage: "switch defects on, separated by commas: `NAME,...`"},
			&cli.BoolFlag{Name: "stop", Usage: "stop at the first seed that does not pass"},
		},
		Action: censusAction,
	}
}

// noted is a line of a census's journal: what became of a seed, with which defects
// switched on, and in which version of the trace.
type noted struct {
	Trace int
	Bugs  string `json:",omitempty"`
	nemesis.Finding
}

// census runs plans and writes down what became of them.
type census struct {
	bugs    bug.Set
	stop    bool
	journal journal
	known   map[uint64]nemesis.Finding
	stderr  io.Writer

	mu     sync.Mutex
	sum    nemesis.Census
	failed bool
	err    error
}

func censusAction(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	first, last, err := parseSeeds(c)
	if err != nil {
		return err
	}
	job := census{stop: c.Bool("stop"), stderr: c.App.ErrWriter, known: map[uint64]nemesis.Finding{}}
	if job.bugs, err = bug.Parse(c.String("bug")); err != nil {
		return usage("census: --bug: %w", err)
	}
	job.journal, err = openJournal(c.String("journal"), func(one noted) {
		if one.Trace == trace.Version && one.Bugs == job.bugs.String() {
			job.known[one.Seed] = one.Finding
		}
	})
	if err != nil {
		return usage("census: --journal: %w", err)
	}
	ctx, done := signal.NotifyContext(c.Context, os.Interrupt)
	defer done()
	job.run(ctx, first, last)
	job.err = errors.Join(job.err, job.journal.close())
	if err := job.sum.Write(c.App.Writer); err != nil {
		return unwritten("results", err)
	}
	switch {
	case job.err != nil:
		return &exit{exitInternal, job.err}
	case ctx.Err() != nil:
		return &exit{exitInterrupted, errors.New("interrupted")}
	case job.failed:
		return &exit{code: exitFound}
	}
	return nil
}

// run lets a worker on each processor take one seed after another.
func (j *census) run(ctx context.Context, first, last uint64) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	seeds := make(chan uint64)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for seed := range seeds {
				if !j.one(ctx, seed) && j.stop {
					cancel()
				}
			}
		})
	}
	for seed := first; ctx.Err() == nil; seed++ {
		if found, ok := j.known[seed]; ok {
			j.mu.Lock()
			j.sum.Add(found)
			passed := found.Outcome == scenarios.Pass.String()
			j.failed = j.failed || !passed
			j.mu.Unlock()
			if !passed && j.stop {
				break
			}
		} else {
			seeds <- seed
		}
		if seed == last {
			break
		}
	}
	close(seeds)
	workers.Wait()
}

// one runs the plan of a seed, and reports whether it passed.
func (j *census) one(ctx context.Context, seed uint64) bool {
	plan := nemesis.Draw(seed)
	r, err := scenarios.Run(plan.File(), seed, scenarios.Options{
		Bugs: j.bugs, Interrupted: func() bool { return ctx.Err() != nil },
	})
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		j.err = fmt.Errorf("seed %d: %w", seed, err)
		return false
	}
	if r.Outcome == scenarios.Interrupted {
		return true
	}
	found := nemesis.Find(plan, r)
	j.sum.Add(found)
	if err := j.journal.note(noted{trace.Version, j.bugs.String(), found}); err != nil {
		j.err = err
	}
	if r.Outcome == scenarios.Pass {
		return true
	}
	j.failed = true
	var b strings.Builder
	if err := report.Text(&b, r, report.Style{}); err != nil {
		j.err = err
	}
	fmt.Fprintln(j.stderr, b.String())
	if r.Panic != nil {
		fmt.Fprintln(j.stderr, r.Panic.Stack)
	}
	return false
}
