package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"etcdsim/cmd/etcdsim/folder"
	"etcdsim/cmd/etcdsim/sweep"
	"etcdsim/scenarios"
	"etcdsim/scenarios/nemesis"
	"etcdsim/scenarios/report"
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

func sweepCommand() *cli.Command {
	return &cli.Command{
		Name:      "sweep",
		Usage:     "let scenarios happen with many seeds, on all processors",
		ArgsUsage: "[SCENARIO|FILE...]",
		Description: "Without a scenario it takes all of the library. Results come in the order of seeds, whatever the number of\n" +
			"jobs; a sweep that is interrupted has made a beginning of them, which --out keeps and --resume continues.\n" +
			"Exit codes: as those of run, by the worst outcome; 2 also if a required rare event did not happen.",
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "nemesis", Usage: "also the plan that the nemesis draws from each seed; without a scenario, these alone"},
			&cli.StringFlag{Name: "seeds", Value: "1..1000", Usage: "the range of seeds: `A..B`; with --for, all from 1 on"},
			&cli.StringFlag{Name: "jobs", Aliases: []string{"j"}, Usage: "how many runs at a time, `N`; default: one for each processor"},
			&cli.StringFlag{Name: "for", Usage: "begin no run after `DURATION`"},
			&cli.BoolFlag{Name: "fail-fast", Usage: "stop at the first seed that fails"},
			&cli.StringFlag{Name: "shard", Usage: "make only every N-th run, from the I-th: `I/N`, or env to be told by the environment"},
			&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "write results to `FILE`, a JSON object a line"},
			&cli.BoolFlag{Name: "resume", Usage: "go on where the results in --out end"},
			&cli.StringFlag{Name: "save", Usage: "keep the first run that fails in each way in a folder below `FOLDER`, for replay and diff"},
			&cli.StringFlag{Name: "corpus", Usage: "try the runs in `FILE` first, and add to it what is rare"},
		}, append(universeFlags(), outputFlags()...)...),
		Action: sweepAction,
	}
}

// sweepJob is a sweep as the command line asks for it.
type sweepJob struct {
	pool   sweep.Pool
	out    string
	resume bool
	save   string
	corpus string
	known  *sweep.Corpus
	fast   bool
	output
}

func parseSweep(c *cli.Context) (*sweepJob, error) {
	j := &sweepJob{
		out: c.String("out"), resume: c.Bool("resume"), fast: c.Bool("fail-fast"), save: c.String("save"), corpus: c.String("corpus"),
	}
	var err error
	if j.output, err = parseOutput(c); err != nil {
		return nil, err
	}
	if j.resume && j.out == "" {
		return nil, usage("sweep: --resume: expected --out with the results to go on with")
	}
	if j.pool.Options, err = parseUniverse(c); err != nil {
		return nil, err
	}
	h := &j.pool.Header
	h.Format, h.Trace, h.Bugs = sweep.Format, trace.Version, j.pool.Options.Bugs.String()
	for _, s := range j.pool.Options.Settings {
		h.Settings = append(h.Settings, s.String())
	}
	if h.Build, err = build(); err != nil {
		return nil, &exit{exitInternal, err}
	}
	if h.First, h.Last, err = parseSeeds(c); err != nil {
		return nil, err
	}
	if j.pool.Until, err = parseUntil(c); err != nil {
		return nil, err
	}
	if c.IsSet("for") && !c.IsSet("seeds") {
		h.Last, h.Open = 0, true
	}
	if j.pool.Jobs, err = parseJobs(c); err != nil {
		return nil, err
	}
	if text := c.String("shard"); text != "" {
		if h.Shard, err = sweep.ParseShard(text, os.Getenv); err != nil {
			return nil, usage("sweep: --shard: %w", err)
		}
	}
	if err := j.parseScenarios(c.Args().Slice(), c.Bool("nemesis")); err != nil {
		return nil, err
	}
	return j, j.readCorpus()
}

// maxJobs bounds the number of runs at a time.
const maxJobs = 1024

// parseJobs reads the flag --jobs.
func parseJobs(c *cli.Context) (int, error) {
	text := c.String("jobs")
	if text == "" {
		return runtime.NumCPU(), nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxJobs {
		return 0, usage("%s: --jobs: %q: expected a number from 1 to %d", c.Command.Name, text, maxJobs)
	}
	return n, nil
}

// parseUntil reads the flag --for; the zero time is that it is not set.
func parseUntil(c *cli.Context) (time.Time, error) {
	text := c.String("for")
	if text == "" {
		return time.Time{}, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return time.Time{}, usage("%s: --for: %q: expected a duration such as 10m", c.Command.Name, text)
	}
	return time.Now().Add(d), nil
}

// parseScenarios finds what is to be run.
func (j *sweepJob) parseScenarios(names []string, drawn bool) error {
	h := &j.pool.Header
	if drawn {
		// What it draws is a matter of the program, which the header names.
		h.Scenarios = append(h.Scenarios, sweep.Entry{Name: scenarios.Drawn, Plan: "drawn"})
	}
	if len(names) == 0 && !drawn {
		names = scenarioNames()
	}
	files := map[string]*scenarios.File{}
	for _, name := range names {
		if files[name] != nil {
			return usage("sweep: %s: expected each scenario once", name)
		}
		f, err := open("sweep", name)
		if err != nil {
			return err
		}
		files[name] = f
		text := scenarios.Format(f)
		u, err := scenarios.Configure(f, j.pool.Options)
		if err != nil {
			return usage("%w", err)
		}
		if u.From != nil { // another file is another plan
			text += u.From.Sum()
		}
		plan := fmt.Sprintf("%016x", sim.Hash([]byte(text)))
		h.Scenarios = append(h.Scenarios, sweep.Entry{Name: name, Plan: plan})
	}
	j.pool.Source = func(t sweep.Task) *scenarios.File {
		if f := files[t.Scenario]; f != nil {
			return f
		}
		return nemesis.Draw(t.Seed).File()
	}
	return nil
}

func (j *sweepJob) readCorpus() error {
	if j.corpus == "" {
		return nil
	}
	text, err := os.ReadFile(j.corpus)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return usage("sweep: --corpus: %w", err)
	}
	if j.known, err = sweep.ParseCorpus(j.corpus, string(text)); err != nil {
		return usage("sweep: --corpus: %w", err)
	}
	j.pool.Header.Tried = j.known.Tasks(j.pool.Header.Scenarios)
	return nil
}

func sweepAction(c *cli.Context) error {
	j, err := parseSweep(c)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(c.Context, os.Interrupt)
	defer stop()
	// A second one ends the process as usual.
	context.AfterFunc(ctx, stop)
	// One job is one processor, the collector's work included.
	runtime.GOMAXPROCS(j.pool.Jobs)
	// Jobs share the collector, and wait for each other when it stops them: it may
	// take some 300 MiB to stop them seldom.
	collectAt(1200)
	return j.run(ctx, c.App.Writer, c.App.ErrWriter)
}

// run makes the sweep.
func (j *sweepJob) run(ctx context.Context, stdout, stderr io.Writer) error {
	h := &j.pool.Header
	t, err := newTeller(h, j.output, stdout)
	if err != nil {
		return err
	}
	scout := sweep.NewScout()
	tell := func(rec *report.Record) error {
		scout.See(rec)
		return t.tell(rec)
	}
	results, next, err := j.openResults(tell)
	if err != nil {
		return err
	}
	defer results.close()

	progress := sweep.NewProgress(stderr, terminal(stderr), h.Shard.Part(h.Size()), t.tally.Runs)
	var failed error
	j.pool.Emit = func(rec *report.Record) bool {
		if j.json || rec.Outcome != scenarios.Pass {
			progress.Clear()
		}
		failed = errors.Join(tell(rec), results.write(rec))
		progress.Tell(t.tally)
		return failed == nil && (!j.fast || rec.Outcome == scenarios.Pass)
	}
	err = j.pool.Run(ctx, next)
	progress.Done(t.tally, j.pool.Jobs)
	if err != nil {
		return usage("%w", err)
	}
	if failed = errors.Join(failed, results.flush()); failed == nil {
		failed = t.end(results.reread)
	}
	if failed == nil && j.save != "" {
		failed = j.keep(stderr, t.tally)
	}
	if failed == nil && j.known != nil {
		j.known.Remember(scout, t.tally)
		failed = writeFile(j.corpus, j.known.Write)
	}
	switch {
	case failed != nil:
		return unwritten("results", failed)
	case ctx.Err() != nil:
		return &exit{exitInterrupted, errors.New("interrupted")}
	}
	return t.verdict()
}

// keep writes the folders of the runs that were the first to fail in their way.
func (j *sweepJob) keep(stderr io.Writer, t *sweep.Tally) error {
	for _, f := range t.Findings() {
		file := j.pool.Source(sweep.Task{Scenario: f.Scenario, Seed: f.First.Seed})
		path, err := folder.Save(j.save, program(), file, f.First.Seed, j.pool.Options)
		if err != nil {
			return err
		}
		fmt.Fprintf(stderr, "kept in %s\n", path)
	}
	return nil
}
