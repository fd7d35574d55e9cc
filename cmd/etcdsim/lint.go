package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"etcdsim/scenarios"
	"etcdsim/scenarios/lint"
)

func lintCommand() *cli.Command {
	return &cli.Command{
		Name:      "lint",
		Usage:     "find scenarios that cannot mean what they say",
		ArgsUsage: "[FILE|FOLDER...]",
		Description: "Nothing is run. Without a file, or for the file \"-\", it reads standard input; a folder means every\n" +
			"scenario file below it. Exit codes: 0 nothing found, 1 something found, 64 usage or scenario error.",
		Action: lintAction,
	}
}

func lintAction(c *cli.Context) error {
	sources, err := readScenarios("lint", c.Args().Slice(), c.App.Reader)
	if err != nil {
		return err
	}
	files := make([]*scenarios.File, len(sources))
	for i, s := range sources {
		if files[i], err = scenarios.Parse(s.name, s.text); err != nil {
			return usage("%w", err)
		}
	}
	found := 0
	for _, f := range files {
		for _, finding := range lint.Check(f) {
			fmt.Fprintln(c.App.Writer, finding)
			found++
		}
	}
	if found > 0 {
		return &exit{code: exitFound}
	}
	return nil
}
