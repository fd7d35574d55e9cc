package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"etcdsim/scenarios/report/export"
	"etcdsim/scenarios/report/page"
	"etcdsim/sim"
)

// exportLimit is the number of events that an export holds: tools take more than a
// page.
const exportLimit = 200_000

func exportCommand() *cli.Command {
	var formats []string
	for _, f := range export.Formats {
		formats = append(formats, fmt.Sprintf("  %-10s %s", f.Name, f.What))
	}
	return &cli.Command{
		Name:      "export",
		Usage:     "write a run for tools that show traces",
		ArgsUsage: "FORMAT SCENARIO|FILE",
		Description: "Formats:\n" + strings.Join(formats, "\n") +
			"\nExit codes: 0 written, whatever came of the run, 64 usage or scenario error, 70 internal error.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "seed", Aliases: []string{"s"}, Value: "1", Usage: "the seed of the run: `N`"},
			&cli.StringFlag{Name: "window", Aliases: []string{"w"}, Usage: "only this part of the run, such as 1.2s..1.5s: `FROM..TO`"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE` instead of the standard output"},
		}, universeFlags()...),
		Action: exportAction,
	}
}

func exportAction(c *cli.Context) error {
	if c.NArg() != 2 {
		return usage("export: %d arguments: expected two, a format and a scenario", c.NArg())
	}
	format, err := export.Lookup(c.Args().First())
	if err != nil {
		return usage("export: %w", err)
	}
	run := &export.Run{}
	if run.From, run.To, err = parseWindow(c.String("window")); err != nil {
		return usage("export: --window: %w", err)
	}
	seed, err := parseSeed(c, "seed", c.String("seed"))
	if err != nil {
		return err
	}
	options, err := parseUniverse(c)
	if err != nil {
		return err
	}
	if run.File, err = open(c.Command.Name, c.Args().Get(1)); err != nil {
		return err
	}
	recall(c, run.File, &seed, &options)
	if run.Result, run.Chronicle, err = page.Record(run.File, seed, options, exportLimit); err != nil {
		return usage("%w", err)
	}
	if err := writeTo(c.App.Writer, c.String("output"), func(w io.Writer) error { return format.Write(w, run) }); err != nil {
		return unwritten("the export", err)
	}
	return nil
}

// parseWindow reads FROM..TO; nothing means everything.
func parseWindow(text string) (from, to sim.Time, err error) {
	if text == "" {
		return 0, 0, nil
	}
	a, b, ok := strings.Cut(text, "..")
	first, errA := time.ParseDuration(a)
	last, errB := time.ParseDuration(b)
	if !ok || errA != nil || errB != nil || first < 0 || last <= first {
		return 0, 0, fmt.Errorf("%q: expected two times such as 1.2s..1.5s, the earlier one first", text)
	}
	return sim.Time(first), sim.Time(last), nil
}

// writeTo writes to a file, or to the standard output if there is no name.
func writeTo(stdout io.Writer, name string, write func(io.Writer) error) error {
	if name == "" {
		return write(stdout)
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
