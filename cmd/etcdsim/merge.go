package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"etcdsim/cmd/etcdsim/sweep"
	"etcdsim/scenarios"
	"etcdsim/scenarios/report"
)

func mergeCommand() *cli.Command {
	return &cli.Command{
		Name:      "merge",
		Usage:     "put the results of the shards of a sweep together",
		ArgsUsage: "FILE...",
		Description: "The results of all shards make what one sweep would have made, to the byte. One file alone is told again.\n" +
			"Exit codes: as those of sweep; 2 also if runs are missing because a shard ended early.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "write the merged results to `FILE`"},
		}, outputFlags()...),
		Action: mergeAction,
	}
}

func mergeAction(c *cli.Context) error {
	o, err := parseOutput(c)
	if err != nil {
		return err
	}
	if c.NArg() == 0 {
		return usage("merge: no files: expected the results of every shard of a sweep")
	}
	shards, done, err := openShards(c.Args().Slice())
	defer done()
	if err != nil {
		return err
	}
	write := func(f *os.File) error { return mergeInto(f, shards, o, c.App.Writer) }
	if out := c.String("out"); out != "" {
		return replaceFile(out, public, write)
	}
	f, err := os.CreateTemp("", "etcdsim-*.ndjson")
	if err != nil {
		return unwritten("results", err)
	}
	r := resultsFile{file: f, passing: true}
	defer r.close()
	return write(f)
}

// mergeInto writes the merged results to a file, and tells of them.
func mergeInto(f *os.File, shards []*sweep.Reader, o output, stdout io.Writer) error {
	r := resultsFile{file: f}
	var t *teller
	begin := func(h *sweep.Header) (err error) {
		if t, err = newTeller(h, o, stdout); err == nil {
			r.writer, err = sweep.NewWriter(f, h, false)
		}
		return err
	}
	emit := func(rec *report.Record) error { return errors.Join(t.tell(rec), r.write(rec)) }
	missing, err := sweep.Merge(shards, begin, emit)
	if err != nil {
		return usage("merge: %w", err)
	}
	if err := errors.Join(r.flush(), t.end(r.reread)); err != nil {
		return unwritten("results", err)
	}
	if missing > 0 {
		return &exit{scenarios.Vacuous.ExitCode(), fmt.Errorf("%d runs of the sweep are missing: a shard ended early", missing)}
	}
	return t.verdict()
}

// openShards opens results files. The function closes them.
func openShards(names []string) (shards []*sweep.Reader, done func(), err error) {
	var files []*os.File
	done = func() {
		for _, f := range files {
			_ = f.Close()
		}
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, done, usage("merge: %s: %w: expected the results of a sweep", name, cause(err))
		}
		files = append(files, f)
		r, err := sweep.NewReader(name, f)
		if err != nil {
			return nil, done, usage("merge: %w", err)
		}
		shards = append(shards, r)
	}
	return shards, done, nil
}
