package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"

	"etcdsim/scenarios"
	"etcdsim/sim/spelling"
	"etcdsim/sim/trace"
)

// textWidth is the width of explanations.
const textWidth = 76

func listCommand() *cli.Command {
	return &cli.Command{
		Name:        "list",
		Usage:       "list the built-in scenarios and what each teaches",
		ArgsUsage:   "[SCENARIO]",
		Description: "Without a scenario it lists them all, by subject; with one, it prints that scenario.",
		Action: func(c *cli.Context) error {
			switch c.NArg() {
			case 0:
				return listAll(c.App.Writer)
			case 1:
				name := c.Args().First()
				f := scenarios.Lookup(name)
				if f == nil {
					return usage("list: unknown scenario %q%s: expected one that etcdsim list names", name, spelling.DidYouMean(name, scenarioNames()))
				}
				_, err := fmt.Fprint(c.App.Writer, scenarios.Format(f))
				return err
			}
			return usage("list: %d arguments: expected at most one, the name of a scenario", c.NArg())
		},
	}
}

// listAll lists the built-in scenarios by their subjects.
func listAll(w io.Writer) error {
	group := ""
	for _, f := range scenarios.Library() {
		about := f.About()
		if about.Group != group {
			if group != "" {
				fmt.Fprintln(w)
			}
			group = about.Group
			fmt.Fprintf(w, "%s\n", strings.ToUpper(group))
		}
		fmt.Fprintf(w, "  %s\n", f.Name)
		for _, text := range []string{about.Purpose, "teaches: " + about.Teaches, "source: " + about.Source} {
			for i, line := range wrap(text, textWidth) {
				indent := "    "
				if i > 0 && text != about.Purpose {
					indent += "  "
				}
				fmt.Fprintf(w, "%s%s\n", indent, line)
			}
		}
	}
	return nil
}

func languageCommand() *cli.Command {
	return &cli.Command{
		Name:        "language",
		Usage:       "explain the statements of scenario files",
		ArgsUsage:   "[STATEMENT]",
		Description: "Without a statement it explains them all in short; with one, it shows an example.",
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "markdown", Usage: "print the reference page"}},
		Action: func(c *cli.Context) error {
			text := scenarios.Help()
			switch {
			case c.NArg() > 1 || c.NArg() == 1 && c.Bool("markdown"):
				return usage("language: unexpected argument %q: expected one statement, or --markdown", c.Args().Get(c.NArg()-1))
			case c.Bool("markdown"):
				text = scenarios.Reference()
			case c.NArg() == 1:
				verb := c.Args().First()
				if text = scenarios.HelpOn(verb); text == "" {
					return usage("language: unknown statement %q%s: expected one of %s",
						verb, spelling.DidYouMean(verb, scenarios.Verbs()), strings.Join(scenarios.Verbs(), ", "))
				}
			}
			_, err := fmt.Fprint(c.App.Writer, text)
			return err
		},
	}
}

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print the version of the program and of the traces",
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			fmt.Fprintln(c.App.Writer, program())
			return nil
		},
	}
}

// program is the version of this program and of what decides its traces.
func program() string {
	return fmt.Sprintf("etcdsim %s  trace %d  raft %s  %s",
		version("etcdsim"), trace.Version, version("go.etcd.io/raft/v3"), runtime.Version())
}

// version returns the version of a module in this binary.
func version(module string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if info.Main.Path == module {
		return info.Main.Version
	}
	for _, m := range info.Deps {
		if m.Path == module {
			return m.Version
		}
	}
	return "unknown"
}
