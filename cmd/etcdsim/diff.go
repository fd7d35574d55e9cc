package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"etcdsim/cmd/etcdsim/folder"
	"etcdsim/scenarios"
	"etcdsim/sim/trace"
)

func diffCommand() *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Usage:     "show two runs side by side from the first event in which they differ",
		ArgsUsage: "A [B]",
		Description: "A and B are folders of runs that were kept, or SCENARIO or FILE, with @SEED behind it if it is not that of\n" +
			"--seed. What --set and --bug say applies to B; without B, it is A with them.\n" +
			"Exit codes: 0 the same events, 1 others, 64 usage or scenario error, 70 internal error, 130 interrupted.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "seed", Aliases: []string{"s"}, Value: "1", Usage: "the seed of runs that name none: `N`"},
			&cli.StringFlag{Name: "lines", Aliases: []string{"n"}, Value: "30", Usage: "how many lines to show: `N`"},
		}, universeFlags()...),
		Action: diffAction,
	}
}

// side is one of the runs to compare.
type side struct {
	title  string
	events []trace.Event
}

func diffAction(c *cli.Context) error {
	if c.NArg() < 1 || c.NArg() > 2 {
		return usage("diff: %d arguments: expected one or two, folders or scenarios", c.NArg())
	}
	lines, err := strconv.Atoi(c.String("lines"))
	if err != nil || lines < 1 || lines > maxLines {
		return usage("diff: --lines: %q: expected a number from 1 to %d", c.String("lines"), maxLines)
	}
	varied, err := parseUniverse(c)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(c.Context, os.Interrupt)
	defer stop()
	interrupted := func() bool { return ctx.Err() != nil }
	a, err := openSide(c, c.Args().First(), scenarios.Options{Interrupted: interrupted}, false)
	if err != nil {
		return err
	}
	varied.Interrupted = interrupted
	b, err := openSide(c, c.Args().Get(c.NArg()-1), varied, true)
	if err != nil {
		return err
	}
	w := c.App.Writer
	fmt.Fprintf(w, "A  %s, %d events\nB  %s, %d events\n", a.title, len(a.events), b.title, len(b.events))
	if slices.Equal(a.events, b.events) {
		fmt.Fprintln(w, "the same events")
		return nil
	}
	n := folder.Agree(a.events, b.events)
	fmt.Fprintf(w, "event %d is the first to differ\n", n+1)
	if err := folder.SideBySide(w, a.events, b.events, lines); err != nil {
		return &exit{exitInternal, err}
	}
	return &exit{exitDifferent, nil}
}

// exitDifferent is the exit code of runs that are not the same.
const exitDifferent = 1

// maxLines bounds the comparison, which takes the square of it in memory.
const maxLines = 5000

// openSide reads a run that was kept, or makes one. The flags that vary a run count if it
// is the varied one.
func openSide(c *cli.Context, name string, o scenarios.Options, varied bool) (side, error) {
	if folder.Is(name) {
		if len(o.Settings) > 0 || o.Bugs != 0 {
			return side{}, usage("diff: %s: a run that was kept is not varied: expected a scenario with --set or --bug", name)
		}
		d, err := folder.Open(name)
		if err != nil {
			return side{}, usage("diff: %w", err)
		}
		events, err := d.Recorded()
		if err != nil {
			return side{}, usage("diff: %w", err)
		}
		return side{name, events}, nil
	}
	text, seeded := c.String("seed"), false
	if at := strings.LastIndex(name, "@"); at >= 0 {
		name, text, seeded = name[:at], name[at+1:], true
	}
	seed, err := parseSeed(c, "seed", text)
	if err != nil {
		return side{}, err
	}
	f, err := open("diff", name)
	if err != nil {
		return side{}, err
	}
	recallBut(f, &seed, &o, seeded || c.IsSet("seed"), varied && c.IsSet("bug"))
	r, events, err := folder.Collect(f, seed, o)
	if err != nil {
		return side{}, usage("%w", err)
	}
	if r.Outcome == scenarios.Interrupted {
		return side{}, &exit{exitInterrupted, errors.New("interrupted")}
	}
	title := fmt.Sprintf("%s  seed %d", name, seed)
	for _, s := range o.Settings {
		title += "  " + s.String()
	}
	if o.Bugs != 0 {
		title += "  bug " + o.Bugs.String()
	}
	return side{title, events}, nil
}
