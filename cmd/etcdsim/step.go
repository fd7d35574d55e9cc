package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"

	"github.com/urfave/cli/v2"

	"etcdsim/cmd/etcdsim/prompt"
	"etcdsim/scenarios"
	"etcdsim/scenarios/nemesis"
	"etcdsim/scenarios/step"
)

func stepCommand() *cli.Command {
	return &cli.Command{
		Name:      "step",
		Usage:     "walk through a universe, statement by statement or event by event",
		ArgsUsage: "[SCENARIO|FILE|--nemesis]",
		Description: "Lines are statements of the scenario language, and commands: help lists both.\n" +
			"They come from the terminal, or from a pipe. The exit code is that of the verdict, if end was\n" +
			"asked for, as of etcdsim run; and 64 if a line of a pipe was a mistake.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{
				Name: "seed", Aliases: []string{"s"}, Value: "1",
				Usage: "what decides everything that the lines leave open: `N`",
			},
			&cli.BoolFlag{Name: "nemesis", Usage: "begin with the plan that the nemesis draws from the seed (see etcdsim plan)"},
		}, universeFlags()...),
		Action: func(c *cli.Context) error { return stepAction(c, os.Stdin) },
	}
}

func stepAction(c *cli.Context, in *os.File) error {
	switch {
	case c.NArg() > 1:
		return usage("step: %d arguments: expected at most one, the name of a scenario or a file", c.NArg())
	case c.NArg() == 1 && c.Bool("nemesis"):
		return usage("step: --nemesis and %q: expected one of them", c.Args().First())
	}
	seed, err := parseSeed(c, "seed", c.String("seed"))
	if err != nil {
		return err
	}
	options, err := parseUniverse(c)
	if err != nil {
		return err
	}
	var f *scenarios.File
	if c.Bool("nemesis") {
		f = nemesis.Draw(seed).File()
	} else if c.NArg() == 1 {
		if f, err = open(c.Command.Name, c.Args().First()); err != nil {
			return err
		}
		recall(c, f, &seed, &options)
	}
	var interrupted atomic.Bool
	options.Interrupted = func() bool { return interrupted.Swap(false) }
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	defer signal.Stop(signals)
	go func() {
		for {
			select {
			case <-signals:
				interrupted.Store(true)
			case <-ctx.Done():
				return
			}
		}
	}()
	session, err := step.New(f, seed, options)
	if err != nil {
		return usage("%w", err)
	}
	defer session.Close()
	p := prompt.Prompt{Session: session, In: in, Out: c.App.Writer, Save: saveFile}
	if err := p.Run(); err != nil {
		return usage("step: %w", err)
	}
	if r := session.Result(); r != nil && r.Outcome.ExitCode() != exitOK {
		return &exit{r.Outcome.ExitCode(), nil}
	}
	return nil
}

// saveFile writes a scenario.
func saveFile(name, text string) error {
	create := os.Create
	if f, err := scenarios.Parse(name, text); err == nil && rightsOf(f) == private {
		create = createPrivate
	}
	f, err := create(name)
	if err == nil {
		_, err = f.WriteString(text)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, cause(err))
	}
	return nil
}
