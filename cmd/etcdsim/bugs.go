package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"etcdsim/scenarios"
	"etcdsim/scenarios/report"
	"etcdsim/sim/bug"
)

func bugsCommand() *cli.Command {
	return &cli.Command{
		Name:  "bugs",
		Usage: "list the defects that run --bug can switch on, explain one, or measure how fast they are found",
		Description: "Exit codes: 0 done, 1 with --score if a defect was not found, 64 usage, 70 internal error,\n" +
			"130 interrupted.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "explain", Usage: "what is wrong, who must see it, and a run that shows it: `NAME`"},
			&cli.BoolFlag{Name: "score", Usage: "let the nemesis look for each defect without being told where"},
			&cli.StringFlag{Name: "bug", Usage: "with --score: only these, separated by commas: `NAME,...`"},
			&cli.IntFlag{Name: "starts", Value: 5, Usage: "with --score: how many searches, each from another seed: `N`"},
			&cli.StringFlag{Name: "for", Value: "1m", Usage: "with --score: give up a search after `DURATION` of a processor"},
			&cli.StringFlag{Name: "journal", Usage: "with --score: note each defect in `FILE`, and go on from what stands there"},
			&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "with --score: write a document with the shortest scenarios: `FILE`.md"},
		},
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			switch {
			case c.Bool("score") && c.IsSet("explain"):
				return usage("bugs: --score and --explain: expected one of them")
			case c.Bool("score"):
				return scoreAction(c)
			}
			for _, flag := range []string{"bug", "starts", "for", "journal", "out"} {
				if c.IsSet(flag) {
					return usage("bugs: --%s: expected --score with it", flag)
				}
			}
			if c.IsSet("explain") {
				return explainBug(c.App.Writer, c.String("explain"))
			}
			for _, b := range bug.All() {
				fmt.Fprintf(c.App.Writer, "%s  %s; judge %s; etcdsim run %s --bug %s\n", b.Name, b.Reference, b.Judge, b.Scenario, b.Name)
				for _, line := range wrap(b.Cause, textWidth) {
					fmt.Fprintf(c.App.Writer, "    %s\n", line)
				}
			}
			return nil
		},
	}
}

// explainSeeds is how many seeds of its scenario are tried to show a defect.
const explainSeeds = 200

// explainBug teaches a defect: what is wrong and where it is known from, the scenario
// that shows it, and what the judge says there.
func explainBug(w io.Writer, name string) error {
	set, err := bug.Parse(name)
	if err != nil {
		return usage("bugs: --explain: %w", err)
	}
	b, ok := only(set)
	if !ok {
		return usage("bugs: --explain: %q: expected the name of one defect", name)
	}
	paragraph := func(title, text string) {
		fmt.Fprintf(w, "%s\n", title)
		for _, line := range wrap(text, textWidth) {
			fmt.Fprintf(w, "  %s\n", line)
		}
		fmt.Fprintln(w)
	}
	f := scenarios.Lookup(b.Scenario)
	about := f.About()
	fmt.Fprintf(w, "%s  (%s)\n\n", b.Name, b.Reference)
	paragraph("WHAT IS WRONG", b.Cause)
	paragraph("WHO MUST SEE IT", "the judge of "+b.Judge+", in the scenario "+f.Name+": "+about.Purpose)
	paragraph("WHAT THAT SCENARIO TEACHES", about.Teaches)
	for seed := uint64(1); seed <= explainSeeds; seed++ {
		r, err := scenarios.Run(f, seed, scenarios.Options{Bugs: set})
		if err != nil {
			return &exit{exitInternal, err}
		}
		if seenBy(r, b.Judge) {
			fmt.Fprintf(w, "SEE IT\n  $ %s\n\n", report.Reproduce(r))
			return report.Text(w, r, style(w))
		}
	}
	return &exit{exitInternal, fmt.Errorf("none of %d seeds of %s shows %s", explainSeeds, f.Name, b.Name)}
}

// only returns the one defect of a set.
func only(set bug.Set) (found bug.Bug, ok bool) {
	for _, b := range bug.All() {
		if set == bug.Set(0).With(b.ID) {
			return b, true
		}
	}
	return found, false
}

// seenBy reports whether a judge objects to a run.
func seenBy(r *scenarios.Result, judge string) bool {
	j, ok := r.Report.Judgement(judge)
	return ok && len(j.Violations) > 0
}
