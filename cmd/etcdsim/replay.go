package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/urfave/cli/v2"

	"etcdsim/cmd/etcdsim/folder"
	"etcdsim/scenarios"
)

func replayCommand() *cli.Command {
	return &cli.Command{
		Name:      "replay",
		Usage:     "repeat a run that was kept, and prove that it is the same",
		ArgsUsage: "FOLDER|RECORDING",
		Description: "The folder is one that run --save or sweep --save wrote. Exit codes: 0 the same run, whatever its outcome;\n" +
			"4 another run, with the first event that differs; 64 usage or folder error, 70 internal error, 130 interrupted.\n" +
			"The recording is a file that serve wrote, a scenario like others, which run, step, shrink, export and blame take,\n" +
			"too. Its exit codes are those of run, of which 4 means that it is another run.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "text", Usage: "text or json"},
			&cli.StringFlag{Name: "report", Usage: "also write the run as a page for a browser: `FILE`.html"},
		},
		Action: replayAction,
	}
}

func replayAction(c *cli.Context) error {
	if c.NArg() != 1 {
		return usage("replay: %d arguments: expected one, the folder of a run or a recording", c.NArg())
	}
	path, j := c.Args().First(), job{page: c.String("report")}
	var err error
	if j.json, err = parseFormat(c); err != nil {
		return err
	}
	if isFile(path) {
		return replayRecording(c, path, j)
	}
	if !folder.Is(path) {
		return usage("replay: %s is not the folder of a run: expected one that run --save wrote, or a recording that serve wrote", path)
	}
	d, err := folder.Open(path)
	if err != nil {
		return usage("replay: %w", err)
	}
	ctx, stop := signal.NotifyContext(c.Context, os.Interrupt)
	defer stop()
	r, err := d.Replay(func() bool { return ctx.Err() != nil })
	if err != nil {
		return usage("replay: %w", err)
	}
	if r.Result.Outcome == scenarios.Interrupted {
		return &exit{exitInterrupted, errors.New("interrupted")}
	}
	w := c.App.Writer
	j.file, j.options = func(uint64) *scenarios.File { return d.File }, d.Options
	if err := j.hand(w, c.App.ErrWriter, r.Result); err != nil {
		return err
	}
	if j.json {
		w = c.App.ErrWriter // the standard output is for one object
	}
	if r.Same {
		fmt.Fprintf(w, "SAME  all %d events are as recorded by %s\n", r.Events, d.Program)
		return nil
	}
	tellDifference(w, d, r)
	return &exit{scenarios.Nondeterminism.ExitCode(), nil}
}

// replayRecording repeats a session with real clients.
func replayRecording(c *cli.Context, path string, j job) error {
	f, err := open(c.Command.Name, path)
	if err != nil {
		return err
	}
	if f.Session() == nil {
		return usage("replay: %s is not a recording: expected one that serve wrote; etcdsim run runs scenarios", path)
	}
	j.file = func(uint64) *scenarios.File { return f }
	recall(c, f, &j.first, &j.options)
	ctx, stop := signal.NotifyContext(c.Context, os.Interrupt)
	defer stop()
	j.options.Interrupted = func() bool { return ctx.Err() != nil }
	r, err := j.once(j.first)
	if err != nil {
		return usage("%w", err)
	}
	if err := j.hand(c.App.Writer, c.App.ErrWriter, r); err != nil {
		return err
	}
	if r.Outcome < scenarios.Internal && !j.json {
		tellSession(c.App.Writer, f, r)
	}
	if code := r.Outcome.ExitCode(); code != exitOK {
		return &exit{code, nil}
	}
	return nil
}

// tellSession says how long the session was, and whether it is the same.
func tellSession(w io.Writer, f *scenarios.File, r *scenarios.Result) {
	requests := 0
	for _, s := range f.Statements() {
		if s.Verb == "ask" {
			requests++
		}
	}
	fmt.Fprintf(w, "%d requests from outside, %v\n", requests, r.Counts.Elapsed)
	switch ended := f.Ended(); {
	case ended == nil || ended.Digest == "":
		fmt.Fprintln(w, "CUT OFF  the recording has no end, and everything up to there fits")
	case ended.Digest == r.Story.String():
		fmt.Fprintln(w, "SAME  the session ended in the same digest")
	default:
		fmt.Fprintf(w, "DIFFERENT  recorded digest %s, now %s\n", ended.Digest, r.Story)
	}
}

// tellDifference says where a repetition is another run.
func tellDifference(w io.Writer, d *folder.Folder, r *folder.Replay) {
	fmt.Fprintf(w, "DIFFERENT  recorded digest %s, now %s\n", d.Digest, r.Result.Digest)
	if r.Why != "" {
		fmt.Fprintf(w, "WHY  %s\n", r.Why)
	}
	if r.Recorded == "" && r.Replayed == "" {
		return
	}
	or := func(event string) string {
		if event == "" {
			return "the end"
		}
		return event
	}
	fmt.Fprintf(w, "event %d is the first to differ\n  recorded  %s\n  now       %s\n", r.Events+1, or(r.Recorded), or(r.Replayed))
}
