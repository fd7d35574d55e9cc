package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"etcdsim/scenarios"
	"etcdsim/sim/bug"
	"etcdsim/store/saved/files"
)

// universeFlags vary every run of a command.
func universeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{
			Name: "set", Usage: "override an option, such as net.drop=1% or cluster.nodes=5; repeatable: `SECTION.OPTION=VALUE`",
		},
		&cli.StringFlag{Name: "bug", Usage: "switch defects on, separated by commas: `NAME,...` (see etcdsim bugs)"},
	}
}

// parseUniverse reads the flags that vary every run.
func parseUniverse(c *cli.Context) (o scenarios.Options, err error) {
	for _, text := range c.StringSlice("set") {
		s, err := scenarios.ParseSetting(text)
		if err != nil {
			return o, usage("%s: --set: %w", c.Command.Name, err)
		}
		o.Settings = append(o.Settings, s)
	}
	o.Open = new(files.Opener).Open
	if o.Bugs, err = bug.Parse(c.String("bug")); err != nil {
		return o, usage("%s: --bug: %w", c.Command.Name, err)
	}
	return o, nil
}

// recall takes what the flags leave open from the session that a file holds, if it does:
// its seed, its bugs, and the settings that come before those of the flags.
func recall(c *cli.Context, f *scenarios.File, seed *uint64, o *scenarios.Options) {
	recallBut(f, seed, o, c.IsSet("seed") || c.IsSet("seeds"), c.IsSet("bug"))
}

// recallBut leaves out the seed or the bugs if they were given.
func recallBut(f *scenarios.File, seed *uint64, o *scenarios.Options, seeded, bugs bool) {
	s := f.Session()
	if s == nil {
		return
	}
	if s.Seeded && !seeded {
		*seed = s.Seed
	}
	if !bugs {
		o.Bugs = s.Bugs
	}
	o.Settings = slices.Concat(s.Settings, o.Settings)
}

func parseSeed(c *cli.Context, flag, text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, usage("%s: --%s: %q is not a seed: expected a whole number from 0 to 18446744073709551615", c.Command.Name, flag, text)
	}
	return n, nil
}

// parseSeeds reads the flag --seeds.
func parseSeeds(c *cli.Context) (first, last uint64, err error) {
	text := c.String("seeds")
	a, b, ok := strings.Cut(text, "..")
	if !ok {
		return 0, 0, usage("%s: --seeds: %q: expected a range such as 1..100", c.Command.Name, text)
	}
	if first, err = parseSeed(c, "seeds", a); err != nil {
		return 0, 0, err
	}
	if last, err = parseSeed(c, "seeds", b); err != nil {
		return 0, 0, err
	}
	if last < first {
		return 0, 0, usage("%s: --seeds: %q: expected the smaller seed first", c.Command.Name, text)
	}
	return first, last, nil
}
