package main

import (
	"bufio"
	"context"
	"encoding/json"
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

// census runs plans and writes down what became of them.
type census struct {
	bugs    bug.Set
	stop    bool
	journal *os.File
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
	if name := c.String("journal"); name != "" {
		if err := job.open(name); err != nil {
			return usage("census: --journal: %w", err)
		}
	}
	ctx, done := signal.NotifyContext(context.Background(), os.Interrupt)
	defer done()
	job.run(ctx, first, last)
	if job.journal != nil && job.err == nil {
		job.err = job.journal.Close()
	}
	if err := job.sum.Write(c.App.Writer); err != nil {
		return &exit{exitInternal, err}
	}
	switch {
	case job.err != nil:
		return &exit{exitInternal, job.err}
	case ctx.Err() != nil:
		return &exit{exitInterrupted, errors.New("interrupted")}
	case job.failed:
		return &exit{1, nil}
	}
	return nil
}

// open reads what the journal holds, and goes on writing there. A line that was cut
// short is written anew.
func (j *census) open(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var found nemesis.Finding
		if json.Unmarshal(lines.Bytes(), &found) == nil {
			j.known[found.Seed] = found
		}
	}
	j.journal = f
	return lines.Err()
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
			j.failed = j.failed || found.Outcome != scenarios.Pass.String()
			j.mu.Unlock()
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
	if j.journal != nil {
		line, err := json.Marshal(found)
		if err == nil {
			_, err = j.journal.Write(append(line, '\n'))
		}
		if err != nil {
			j.err = err
		}
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
