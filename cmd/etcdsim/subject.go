package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"etcdsim/cmd/etcdsim/folder"
	"etcdsim/scenarios"
	"etcdsim/scenarios/nemesis"
)

// subject is one run that a command looks at: a scenario with a seed, or one that
// was kept.
type subject struct {
	file    *scenarios.File
	seed    uint64
	options scenarios.Options
}

// subjectFlags name a run.
func subjectFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "seed", Aliases: []string{"s"}, Value: "1", Usage: "the seed of the run: `N`"},
		&cli.BoolFlag{Name: "nemesis", Usage: "instead of a scenario, the plan that the nemesis draws from the seed"},
	}, universeFlags()...)
}

// parseSubject reads which run is meant.
func parseSubject(c *cli.Context) (s subject, err error) {
	name := c.Command.Name
	if s.options, err = parseUniverse(c); err != nil {
		return s, err
	}
	if s.seed, err = parseSeed(c, "seed", c.String("seed")); err != nil {
		return s, err
	}
	if c.Bool("nemesis") {
		if c.NArg() > 0 {
			return s, usage("%s: --nemesis and %s: expected one of them", name, c.Args().First())
		}
		s.file = nemesis.Draw(s.seed).File()
		return s, nil
	}
	if c.NArg() != 1 {
		return s, usage("%s: %d arguments: expected one, a scenario, a file or the folder of a run", name, c.NArg())
	}
	if path := c.Args().First(); folder.Is(path) {
		for _, flag := range []string{"seed", "set", "bug"} {
			if c.IsSet(flag) {
				return s, usage("%s: --%s: %s says that itself: expected a scenario with it", name, flag, path)
			}
		}
		d, err := folder.Open(path)
		if err != nil {
			return s, usage("%s: %w", name, err)
		}
		return subject{d.File, d.Seed, d.Options}, nil
	}
	if s.file, err = open(name, c.Args().First()); err != nil {
		return s, err
	}
	recall(c, s.file, &s.seed, &s.options)
	return s, nil
}

// String names the run as reports do.
func (s *subject) String() string {
	text := fmt.Sprintf("%s  seed %d", s.file.Name, s.seed)
	for _, set := range s.options.Settings {
		text += "  " + set.String()
	}
	if s.options.Bugs != 0 {
		text += "  bug " + s.options.Bugs.String()
	}
	return text
}
