package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"etcdsim/cmd/etcdsim/folder"
	"etcdsim/scenarios"
	"etcdsim/scenarios/nemesis"
	"etcdsim/scenarios/report"
	"etcdsim/scenarios/report/page"
	"etcdsim/sim/spelling"
)

func runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "let a scenario happen and judge it",
		ArgsUsage: "SCENARIO|FILE|--nemesis",
		Description: "Exit codes: 0 pass, 1 safety violation, 2 unknown or vacuous, 3 liveness, 4 nondeterminism,\n" +
			"64 usage or scenario error, 70 internal error, 130 interrupted.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{
				Name: "seed", Aliases: []string{"s"}, Value: "1",
				Usage: "what decides everything that the scenario leaves open: `N`",
			},
			&cli.StringFlag{Name: "seeds", Usage: "run a range of seeds, one after the other: `A..B`"},
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "text", Usage: "text or json"},
			&cli.BoolFlag{Name: "nemesis", Usage: "instead of a scenario, the plan that the nemesis draws from the seed (see etcdsim plan)"},
			&cli.BoolFlag{Name: "check-determinism", Usage: "run each seed twice and compare"},
			&cli.StringFlag{Name: "report", Usage: "also write the run as a page for a browser: `FILE`.html"},
			&cli.StringFlag{Name: "save", Usage: "keep each run in a folder of its own below `FOLDER`, for replay and diff"},
		}, universeFlags()...),
		Action: runAction,
	}
}

// job is what the arguments of run ask for.
type job struct {
	// file returns the scenario to run with a seed.
	file        func(seed uint64) *scenarios.File
	first, last uint64
	sweep       bool
	json, twice bool
	save, page  string
	options     scenarios.Options
}

func runAction(c *cli.Context) error {
	j, err := parseJob(c)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	j.options.Interrupted = func() bool { return ctx.Err() != nil }
	return j.run(ctx, c.App.Writer, c.App.ErrWriter)
}

func parseJob(c *cli.Context) (job, error) {
	var j job
	var err error
	if drawn := c.Bool("nemesis"); drawn && c.NArg() > 0 {
		return j, usage("run: --nemesis and %q: expected one of them", c.Args().First())
	} else if !drawn && c.NArg() != 1 {
		return j, usage("run: %d arguments: expected one, the name of a scenario (etcdsim list names them) or a file", c.NArg())
	}
	if j.first, err = parseSeed(c, "seed", c.String("seed")); err != nil {
		return j, err
	}
	j.last = j.first
	if c.IsSet("seeds") {
		if c.IsSet("seed") {
			return j, usage("run: --seed and --seeds: expected one of them")
		}
		if j.first, j.last, err = parseSeeds(c); err != nil {
			return j, err
		}
		j.sweep = true
	}
	if j.json, err = parseFormat(c); err != nil {
		return j, err
	}
	if j.options, err = parseUniverse(c); err != nil {
		return j, err
	}
	j.twice, j.save, j.page = c.Bool("check-determinism"), c.String("save"), c.String("report")
	if j.page != "" && j.sweep {
		return j, usage("run: --report and --seeds: expected one seed; --save keeps a page of each")
	}
	if c.Bool("nemesis") {
		j.file = func(seed uint64) *scenarios.File { return nemesis.Draw(seed).File() }
		return j, nil
	}
	f, err := open(c.Command.Name, c.Args().First())
	if err != nil {
		return j, err
	}
	recall(c, f, &j.first, &j.options)
	if !j.sweep {
		j.last = j.first
	}
	j.file = func(uint64) *scenarios.File { return f }
	return j, nil
}

// parseFormat reads the flag --format, and reports whether it asks for JSON.
func parseFormat(c *cli.Context) (bool, error) {
	f := c.String("format")
	if f != "text" && f != "json" {
		return false, usage("%s: --format: %q: expected text or json", c.Command.Name, f)
	}
	return f == "json", nil
}

func scenarioNames() []string {
	var names []string
	for _, f := range scenarios.Library() {
		names = append(names, f.Name)
	}
	return names
}

// open returns the built-in scenario of this name, or reads the file. The command
// is the one to name in errors.
func open(command, name string) (*scenarios.File, error) {
	if f := scenarios.Lookup(name); f != nil {
		return f, nil
	}
	if !strings.HasSuffix(name, scenarios.Suffix) && filepath.Base(name) == name && !isFile(name) {
		return nil, usage("%s: unknown scenario %q%s: expected one that etcdsim list names, or a file %s",
			command, name, spelling.DidYouMean(name, scenarioNames()), "NAME"+scenarios.Suffix)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, usage("%s: %s: %w: expected a scenario file", command, name, cause(err))
	}
	f, err := scenarios.ParseSession(name, string(text))
	if err != nil {
		return nil, usage("%w", err)
	}
	return f, nil
}

// isFile reports whether a path is that of a file.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// run runs the seeds in order and tells about each. The error carries the worst
// outcome.
func (j *job) run(ctx context.Context, stdout, stderr io.Writer) error {
	var sum tally
	for seed := j.first; ; seed++ {
		r, err := j.once(seed)
		if err != nil {
			return usage("%w", err)
		}
		sum.add(r)
		if err := j.hand(stdout, stderr, r); err != nil {
			return err
		}
		if ctx.Err() != nil || seed == j.last {
			break
		}
	}
	if j.sweep && !j.json {
		fmt.Fprintln(stdout, sum.summary())
	}
	if ctx.Err() != nil {
		return &exit{exitInterrupted, errors.New("interrupted")}
	}
	if code := sum.worst.ExitCode(); code != exitOK {
		return &exit{code, nil}
	}
	return nil
}

// hand tells about one run, and keeps it if that is asked for.
func (j *job) hand(stdout, stderr io.Writer, r *scenarios.Result) error {
	if err := j.tell(stdout, r); err != nil {
		return unwritten("the report", err)
	}
	if err := j.keep(stderr, r); err != nil {
		return err
	}
	if r.Panic != nil {
		fmt.Fprintf(stderr, "etcdsim: internal error: %s\n%s", r.Panic.Text, r.Panic.Stack)
	}
	if len(r.Breakdowns) > 0 {
		b := &r.Breakdowns[0]
		fmt.Fprintf(stderr, "etcdsim: n%d broke down: %s\n%s", b.Member, b.Text, b.Stack)
	}
	return nil
}

// once runs one seed: twice if determinism is to be checked.
func (j *job) once(seed uint64) (*scenarios.Result, error) {
	if j.twice {
		return scenarios.RunTwice(j.file(seed), seed, j.options)
	}
	return scenarios.Run(j.file(seed), seed, j.options)
}

// keep writes the folder of a run, if that is asked for.
func (j *job) keep(stderr io.Writer, r *scenarios.Result) error {
	if r.Outcome == scenarios.Interrupted {
		return nil
	}
	if j.page != "" {
		err := writeTo(nil, j.page, func(w io.Writer) error { return page.Of(w, j.file(r.Seed), r.Seed, j.options) })
		if err != nil {
			return unwritten("the page", err)
		}
		fmt.Fprintf(stderr, "see %s\n", j.page)
	}
	if j.save == "" {
		return nil
	}
	path, err := folder.Save(j.save, program(), j.file(r.Seed), r.Seed, j.options)
	if err != nil {
		return unwritten("the run", err)
	}
	fmt.Fprintf(stderr, "kept in %s\n", path)
	return nil
}

// tell writes about one run: in full, or on one line if it passed in a sweep.
func (j *job) tell(w io.Writer, r *scenarios.Result) error {
	if j.json {
		return report.JSON(w, r)
	}
	if j.sweep {
		if err := report.Line(w, r, style(w)); err != nil || r.Outcome == scenarios.Pass {
			return err
		}
	}
	return report.Text(w, r, style(w))
}

// tally adds up the outcomes of a sweep.
type tally struct {
	seeds int
	worst scenarios.Outcome
	// by counts outcomes; first is the first seed of each.
	by    [scenarios.Interrupted + 1]int
	first [scenarios.Interrupted + 1]uint64
}

func (t *tally) add(r *scenarios.Result) {
	t.seeds++
	if t.by[r.Outcome] == 0 {
		t.first[r.Outcome] = r.Seed
	}
	t.by[r.Outcome]++
	t.worst = max(t.worst, r.Outcome)
}

// summary is the sum of a sweep on one line.
func (t *tally) summary() string {
	parts := []string{fmt.Sprintf("%d seeds: %d pass", t.seeds, t.by[scenarios.Pass])}
	for o := scenarios.Vacuous; o <= scenarios.Interrupted; o++ {
		if t.by[o] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s (first seed %d)", t.by[o], o, t.first[o]))
		}
	}
	return strings.Join(parts, ", ")
}
