package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/urfave/cli/v2"

	"etcdsim/scenarios"
	"etcdsim/sim/live/control"
)

func ctlCommand() *cli.Command {
	var words strings.Builder
	for _, w := range control.Words {
		fmt.Fprintf(&words, "  %-18s %s\n", w.Syntax, w.Doc)
	}
	return &cli.Command{
		Name:      "ctl",
		Usage:     "change a cluster that is served: faults, loads, the clock",
		ArgsUsage: "STATEMENT... | run FILE",
		Description: "Takes any statement of the scenario language (see etcdsim language), such as \"kill leader\",\n" +
			"\"partition 'n1 | n2 n3'\" or \"wait leader within=5s\"; waits pass in virtual time, at once. Besides:\n" +
			words.String() + "  run FILE           let the statements of a scenario file happen, one after the other",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "control", Value: controlAddress, Usage: "`ADDRESS` that etcdsim serve told"},
		},
		Action: ctlAction,
	}
}

func ctlAction(c *cli.Context) error {
	if c.NArg() == 0 {
		return usage("ctl: expected a statement, such as kill leader")
	}
	ctx, stop := signal.NotifyContext(c.Context, os.Interrupt)
	defer stop()
	words, address := c.Args().Slice(), c.String("control")
	if words[0] != "run" {
		return sendWords(ctx, c.App.Writer, address, strings.Join(words, " "))
	}
	if len(words) != 2 {
		return usage("ctl: run: expected a scenario file")
	}
	f, err := open("ctl run", words[1])
	if err != nil {
		return err
	}
	if f.Session() != nil {
		return usage("ctl: run: %s is a recorded session: expected a scenario; etcdsim replay lets a session happen again", f.Name)
	}
	return sendFile(ctx, c.App.Writer, address, f)
}

// sendFile lets the statements of a scenario happen, but for those about what is
// there before and after a run.
func sendFile(ctx context.Context, w io.Writer, address string, f *scenarios.File) error {
	for i := range f.Lines {
		line := &f.Lines[i]
		if line.Phase != nil {
			fmt.Fprintln(w, line.Phase)
		}
		if line.Statement == nil || line.Statement.Frames() {
			continue
		}
		if err := sendWords(ctx, w, address, scenarios.Format(&scenarios.File{Lines: f.Lines[i : i+1]})); err != nil {
			return err
		}
	}
	return nil
}

// sendWords sends a line and tells what comes back.
func sendWords(ctx context.Context, w io.Writer, address, line string) error {
	text, err := control.Send(ctx, address, line)
	switch {
	case errors.Is(err, control.ErrRefused):
		return &exit{exitFound, fmt.Errorf("ctl: %w", err)}
	case ctx.Err() != nil:
		return &exit{exitInterrupted, errors.New("interrupted")}
	case err != nil:
		return &exit{exitUsage, fmt.Errorf("ctl: %w: expected etcdsim serve at --control %s", err, address)}
	case text != "":
		fmt.Fprintln(w, text)
	}
	return nil
}
