package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"etcdsim/cmd/etcdsim/sweep"
	"etcdsim/scenarios"
	"etcdsim/scenarios/report"
	"etcdsim/sim/spelling"
	"etcdsim/sim/trace"
)

// output is what is made of results.
type output struct {
	json    bool
	junit   string
	github  bool
	require []string
}

func outputFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "text", Usage: "text, or json: the results, a JSON object a line"},
		&cli.StringFlag{Name: "junit", Usage: "write the results to `FILE` as JUnit XML"},
		&cli.BoolFlag{Name: "github", Usage: "annotate failures for GitHub Actions, and write its step summary"},
		&cli.StringFlag{Name: "require", Usage: "fail unless these rare events happened, separated by commas: `PROBE,...`"},
	}
}

func parseOutput(c *cli.Context) (output, error) {
	o := output{junit: c.String("junit"), github: c.Bool("github")}
	switch f := c.String("format"); f {
	case "text":
	case "json":
		o.json = true
	default:
		return o, usage("%s: --format: %q: expected text or json", c.Command.Name, f)
	}
	if o.github && o.json {
		return o, usage("%s: --github: annotations are text: expected --format text", c.Command.Name)
	}
	if list := c.String("require"); list != "" {
		o.require = strings.Split(list, ",")
	}
	var known []string
	for _, p := range trace.Probes() {
		known = append(known, p.String())
	}
	for _, name := range o.require {
		if !slices.Contains(known, name) {
			return o, usage("%s: --require: unknown rare event %q%s: expected some of %s",
				c.Command.Name, name, spelling.DidYouMean(name, known), strings.Join(known, ", "))
		}
	}
	return o, nil
}

// teller tells of the records of a sweep, whether they are made or merged. What
// it tells depends on the records alone.
type teller struct {
	output
	header *sweep.Header
	tally  *sweep.Tally
	w      io.Writer
	lines  *sweep.Writer
}

func newTeller(h *sweep.Header, o output, w io.Writer) (*teller, error) {
	t := &teller{output: o, header: h, tally: sweep.NewTally(h), w: w}
	if !o.json {
		return t, nil
	}
	var err error
	if t.lines, err = sweep.NewWriter(w, h, false); err != nil {
		return nil, unwritten("results", err)
	}
	return t, nil
}

// alikeTold is how many runs that fail alike are told of one by one.
const alikeTold = 5

// tell tells of one run that did not pass: in full if it is the first to fail in
// its way, on a line if others did before.
func (t *teller) tell(rec *report.Record) (err error) {
	alike := t.tally.Add(rec)
	switch {
	case t.json:
		return t.lines.Write(rec)
	case alike == 1:
		if _, err = io.WriteString(t.w, rec.Text); err == nil && t.github {
			err = report.Annotate(t.w, rec)
		}
	case alike > 1 && alike <= alikeTold:
		_, err = fmt.Fprintln(t.w, rec.Line)
	}
	return err
}

// end tells what it came to. The records are read again for what cannot be told
// one run at a time.
func (t *teller) end(records func() (*sweep.Reader, error)) error {
	if t.json {
		if err := t.lines.Flush(); err != nil {
			return err
		}
	} else if _, err := io.WriteString(t.w, t.tally.Summary()); err != nil {
		return err
	}
	if t.github {
		if err := t.stepSummary(); err != nil {
			return err
		}
	}
	if t.junit == "" {
		return nil
	}
	return writeFile(t.junit, func(w io.Writer) error { return sweep.JUnit(w, t.tally, records) })
}

// stepSummary adds the summary to the file that GitHub shows beside the step.
func (t *teller) stepSummary() error {
	path := os.Getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, t.tally.Markdown())
	return errors.Join(err, f.Close())
}

// verdict is the error that ends the process: the worst outcome of all runs, or
// that a rare event was asked for and did not happen.
func (t *teller) verdict() error {
	if code := t.tally.Worst.ExitCode(); t.tally.Runs > 0 && code != exitOK {
		return &exit{code, nil}
	}
	never := t.tally.Never()
	var missed []string
	for _, name := range t.require {
		if slices.Contains(never, name) {
			missed = append(missed, name)
		}
	}
	if len(missed) > 0 {
		return &exit{scenarios.Vacuous.ExitCode(), fmt.Errorf("required, and never reached: %s", strings.Join(missed, ", "))}
	}
	if t.tally.Runs == 0 {
		return &exit{scenarios.Vacuous.ExitCode(), errors.New("no run was made")}
	}
	return nil
}
