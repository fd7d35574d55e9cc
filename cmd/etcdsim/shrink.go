package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"etcdsim/cmd/etcdsim/parallel"
	"etcdsim/cmd/etcdsim/sweep"
	"etcdsim/scenarios"
	"etcdsim/scenarios/report"
	"etcdsim/scenarios/shrink"
)

func shrinkCommand() *cli.Command {
	return &cli.Command{
		Name:      "shrink",
		Usage:     "make a failing scenario as short as it can be and still fail",
		ArgsUsage: "SCENARIO|FILE|FOLDER",
		Description: "It takes away faults, then clients, members, operations, time and options, and keeps what still fails by the\n" +
			"same judge, and passes without the bugs. The scenario goes to standard output or to --out; with --out, the report\n" +
			"of its run to standard output.\n" +
			"Exit codes: 0 done, 64 usage or scenario error, or a run that does not fail, 70 internal error, 130 interrupted:\n" +
			"then what had been reached is printed.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "write the scenario to `FILE`"},
			&cli.StringFlag{Name: "jobs", Aliases: []string{"j"}, Usage: "how many runs at a time, `N`; default: one for each processor"},
			&cli.StringFlag{Name: "for", Usage: "try nothing further after `DURATION`"},
		}, subjectFlags()...),
		Action: shrinkAction,
	}
}

func shrinkAction(c *cli.Context) error {
	s, err := parseSubject(c)
	if err != nil {
		return err
	}
	jobs, err := parseJobs(c)
	if err != nil {
		return err
	}
	until, err := parseUntil(c)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(c.Context, os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop)
	interrupted := func() bool { return ctx.Err() != nil }
	s.options.Interrupted = interrupted
	progress := newShrinkProgress(c.App.ErrWriter)
	small, err := shrink.Shrink(shrink.Config{
		File: s.file, Seed: s.seed, Options: s.options, Run: runner(jobs), Progress: progress.tell,
		Enough: func() bool { return interrupted() || !until.IsZero() && time.Now().After(until) },
	})
	progress.lines.Clear()
	switch {
	case errors.Is(err, shrink.ErrPasses), errors.Is(err, shrink.ErrWithoutBugs):
		return usage("shrink: %s: %w", s.String(), err)
	case err != nil && interrupted():
		return &exit{exitInterrupted, errors.New("interrupted")}
	case err != nil:
		return usage("%w", err)
	}
	s.options.Interrupted = nil
	if err := s.hand(small, c.String("out"), c.App.Writer, c.App.ErrWriter); err != nil {
		return err
	}
	if interrupted() {
		return &exit{exitInterrupted, errors.New("interrupted")}
	}
	return nil
}

// hand hands out what came of it, as a file that was run once more.
func (s *subject) hand(small *shrink.Shrunk, out string, stdout, stderr io.Writer) error {
	name := out
	if name == "" {
		name = "shrunk" + scenarios.Suffix
	}
	title := strings.TrimSuffix(name[strings.LastIndexAny(name, `/\`)+1:], scenarios.Suffix)
	text := fmt.Sprintf("# %s: fails by %s\n# from: %s\n\n", title, small.Finding, s.String())
	text += scenarios.Format(small.File.Sealed(small.Result))
	f, err := scenarios.Parse(name, text)
	if err != nil {
		return &exit{exitInternal, fmt.Errorf("what was reached does not parse: %w", err)}
	}
	r, err := scenarios.RunTwice(f, small.Seed, s.options)
	if err != nil {
		return &exit{exitInternal, fmt.Errorf("what was reached does not run: %w", err)}
	}
	if r.Digest != small.Result.Digest || r.Outcome != small.Result.Outcome {
		return &exit{exitInternal, fmt.Errorf("what was reached is another run: digest %s, not %s", r.Digest, small.Result.Digest)}
	}
	fmt.Fprintf(stderr, "from  %s\nto    %s, after %d runs\n", amount(small.Before), amount(small.Progress), small.Trials)
	fmt.Fprintf(stderr, "reproduce  %s\n", report.Reproduce(r))
	if out == "" {
		_, err = io.WriteString(stdout, text)
	} else {
		err = replaceFile(out, rightsOf(f), func(f *os.File) error {
			_, err := f.WriteString(text)
			return err
		})
		if err == nil {
			err = report.Text(stdout, r, style(stdout))
		}
	}
	if err != nil {
		return unwritten("results", err)
	}
	return nil
}

// amount says how much there is of a scenario.
func amount(p shrink.Progress) string {
	return fmt.Sprintf("%d statements, %d of them faults, %d operations", p.Statements, p.Faults, p.Operations)
}

// runner makes trials, so many at a time.
func runner(jobs int) shrink.Runner {
	return func(trials []shrink.Trial, good func(*scenarios.Result) bool) (int, *scenarios.Result) {
		results := make([]*scenarios.Result, len(trials))
		first := parallel.First(jobs, len(trials), func(i int) bool {
			t := &trials[i]
			r, err := scenarios.Run(t.File, t.Seed, t.Options)
			if err != nil || r.Outcome == scenarios.Interrupted || !good(r) {
				return false
			}
			results[i] = r
			return true
		})
		if first < 0 {
			return -1, nil
		}
		return first, results[first]
	}
}

// shrinkProgress tells of what is kept: every step on a line, on a terminal over
// again on one.
type shrinkProgress struct{ lines *sweep.Line }

func newShrinkProgress(w io.Writer) *shrinkProgress {
	return &shrinkProgress{sweep.NewLine(w, terminal(w))}
}

func (p *shrinkProgress) tell(at shrink.Progress) {
	p.lines.Tell(func() string {
		return fmt.Sprintf("%s, after %d runs: %s", amount(at), at.Trials, at.Done)
	})
}
