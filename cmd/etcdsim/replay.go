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
	"etcdsim/scenarios/report"
)

func replayCommand() *cli.Command {
	return &cli.Command{
		Name:      "replay",
		Usage:     "repeat a run that was kept, and prove that it is the same",
		ArgsUsage: "FOLDER|RECORDING",
		Description: "The folder is one that run --save or sweep --save wrote, the recording a file that serve wrote.\n" +
			"Exit codes: 0 the same run, whatever its outcome;\n" +
			"4 another run, with the first event that differs; 64 usage or folder error, 70 internal error, 130 interrupted.",
		Action: replayAction,
	}
}

func replayAction(c *cli.Context) error {
	if c.NArg() != 1 {
		return usage("replay: %d arguments: expected one, the folder of a run or a recording", c.NArg())
	}
	path := c.Args().First()
	if isRecording(path) {
		return replayRecording(c.App.Writer, path)
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
	if err := report.Text(w, r.Result, style(w)); err != nil {
		return &exit{exitInternal, fmt.Errorf("the report cannot be written: %w", err)}
	}
	if r.Same {
		fmt.Fprintf(w, "SAME  all %d events are as recorded by %s\n", r.Events, d.Program)
		return nil
	}
	tellDifference(w, d, r)
	return &exit{scenarios.Nondeterminism.ExitCode(), nil}
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
