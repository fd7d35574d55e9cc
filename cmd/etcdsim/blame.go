package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"

	"github.com/urfave/cli/v2"

	"etcdsim/cmd/etcdsim/parallel"
	"etcdsim/cmd/etcdsim/sweep"
	"etcdsim/scenarios/blame"
	"etcdsim/sim"
)

func blameCommand() *cli.Command {
	return &cli.Command{
		Name:      "blame",
		Usage:     "find the moments that decided that a run fails",
		ArgsUsage: "SCENARIO|FILE|FOLDER",
		Description: "For many times t it keeps the run up to t, draws everything after it anew some dozens of times, and counts how\n" +
			"many of these futures fail in the same way. Where their share jumps, something was decided.\n" +
			"Exit codes: 0 done, 64 usage or scenario error, or a run that does not fail, 70 internal error, 130 interrupted.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "futures", Aliases: []string{"k"}, Usage: "how many futures each time gets: `N` (default 40)"},
			&cli.StringFlag{Name: "jobs", Aliases: []string{"j"}, Usage: "how many runs at a time, `N`; default: one for each processor"},
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "text", Usage: "text or json"},
		}, subjectFlags()...),
		Action: blameAction,
	}
}

// maxFutures bounds the futures of a time.
const maxFutures = 100_000

func blameAction(c *cli.Context) error {
	s, err := parseSubject(c)
	if err != nil {
		return err
	}
	jobs, err := parseJobs(c)
	if err != nil {
		return err
	}
	futures := blame.DefaultFutures
	if text := c.String("futures"); text != "" {
		if futures, err = strconv.Atoi(text); err != nil || futures < 1 || futures > maxFutures {
			return usage("blame: --futures: %q: expected a number from 1 to %d", text, maxFutures)
		}
	}
	tell := tellBlame
	switch f := c.String("format"); f {
	case "text":
	case "json":
		tell = jsonBlame
	default:
		return usage("blame: --format: %q: expected text or json", f)
	}
	ctx, stop := signal.NotifyContext(c.Context, os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop)
	interrupted := func() bool { return ctx.Err() != nil }
	s.options.Interrupted = interrupted
	progress := sweep.NewLine(c.App.ErrWriter, terminal(c.App.ErrWriter))
	asked := 0
	v, err := blame.Find(blame.Config{
		File: s.file, Seed: s.seed, Options: s.options, Futures: futures, Enough: interrupted,
		Each: func(n int, do func(int)) { parallel.Each(jobs, n, do) },
		Progress: func(p blame.Point) {
			asked++
			progress.Tell(func() string {
				return fmt.Sprintf("%d times asked about, %d futures each; at %s %d fail", asked, futures, p.At, p.Failing)
			})
		},
	})
	progress.Clear()
	switch {
	case interrupted():
		return &exit{exitInterrupted, errors.New("interrupted")}
	case errors.Is(err, blame.ErrPasses):
		return usage("blame: %s: %w", s.String(), err)
	case err != nil:
		return usage("%w", err)
	}
	if err := tell(c.App.Writer, &s, v); err != nil {
		return unwritten("results", err)
	}
	return nil
}

// tellBlame plots the shares over time, and names the jumps.
func tellBlame(w io.Writer, s *subject, v *blame.Verdict) error {
	return v.Write(w, s.String(), s.file)
}

// The JSON form; times are nanoseconds of virtual time.
type (
	blamePoint struct {
		At      sim.Time `json:"at"`
		Failing int      `json:"failing"`
		Futures int      `json:"futures"`
	}
	blameJump struct {
		From     sim.Time `json:"from"`
		To       sim.Time `json:"to"`
		Before   int      `json:"before"`
		After    int      `json:"after"`
		Suspects []string `json:"suspects"`
	}
	blameVerdict struct {
		Scenario string       `json:"scenario"`
		Seed     uint64       `json:"seed"`
		Bugs     string       `json:"bugs,omitempty"`
		Finding  string       `json:"finding"`
		Decided  sim.Time     `json:"decided"`
		Points   []blamePoint `json:"points"`
		Jumps    []blameJump  `json:"jumps"`
	}
)

func jsonBlame(w io.Writer, s *subject, v *blame.Verdict) error {
	out := blameVerdict{
		Scenario: s.file.Name, Seed: s.seed, Bugs: s.options.Bugs.String(), Finding: v.Finding.String(), Decided: v.Decided, Jumps: []blameJump{},
	}
	for _, p := range v.Points {
		out.Points = append(out.Points, blamePoint(p))
	}
	for _, j := range v.Jumps {
		jump := blameJump{From: j.Before.At, To: j.After.At, Before: j.Before.Failing, After: j.After.Failing, Suspects: []string{}}
		for i := range j.Suspects {
			jump.Suspects = append(jump.Suspects, blame.Suspect(s.file, &j.Suspects[i]))
		}
		out.Jumps = append(out.Jumps, jump)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(&out)
}
