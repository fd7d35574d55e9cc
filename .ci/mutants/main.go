// Command mutants breaks a package on purpose, in one place after another, and asks
// its tests. A mutant that they do not notice is a condition that nothing tests: what
// a judge decides there might as well be the opposite.
//
//	go run ./.ci/mutants ./checker                     all of a package
//	go run ./.ci/mutants -only watch.go,locks.go ./checker
//	go run ./.ci/mutants -again ./checker ./store/wal  forgetting what is known
//
// Mutants are of these kinds (mutate.go):
//
//	never, always   a condition, or an operand of && and ||, is forced
//	boundary        < becomes <=, and the like
//	left out        a statement, the second operand of + and -, the rounds of a range
//	zero            a return returns zero values, or true in place of false
//	unlisted        a value of a case is another
//	min for max     and the other way round
//
// The tree is never changed. All mutants of a package are compiled into one test
// binary, each behind a guard that a number in the environment opens, and reach the
// compiler by -overlay; so a mutant costs a run of a few tests and no compilation.
// Only the tests that come to its place are run for it, in their short form.
//
// What was found is kept in runs/mutants, one line a mutant with the test that
// noticed it, and whoever is interrupted goes on there. A mutant that was noticed is
// not tried again while its file stays as it is; one that survived is, as soon as a
// file of the package changes. Standard output gets the survivors and a table.
//
// A run that does not end is a mutant noticed only if it computes all the time: then
// the mutant made a loop. Some survivors are equivalent to the original, so that a
// list which is not empty is no failure; a person decides.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	flags := flag.NewFlagSet("mutants", flag.ExitOnError)
	again := flags.Bool("again", false, "forget what earlier runs found")
	only := flags.String("only", "", "files to mutate, by name, separated by commas; all if empty")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: go run ./.ci/mutants [-again] [-only FILE,...] PACKAGE...")
		flags.PrintDefaults()
	}
	_ = flags.Parse(os.Args[1:]) // it exits on an error
	if flags.NArg() == 0 {
		flags.Usage()
		os.Exit(64)
	}
	for _, pattern := range flags.Args() {
		if err := examine(os.Stdout, os.Stderr, kept, pattern, *only, *again); err != nil {
			fmt.Fprintf(os.Stderr, "mutants: %s: %v\n", pattern, err)
			os.Exit(1)
		}
	}
}

// kept is the folder of ledgers.
var kept = filepath.Join("runs", "mutants")

// examine tries all mutants of a package, and prints those that survived. What is
// known of them is kept in a folder.
func examine(out, progress io.Writer, folder, pattern, only string, again bool) error {
	p, err := load(pattern)
	if err != nil {
		return err
	}
	chosen, err := p.chosen(only)
	if err != nil {
		return err
	}
	mutants, err := p.mutate(chosen)
	if err != nil {
		return err
	}
	if len(mutants) == 0 {
		return errors.New("nothing to mutate: expected a package with code")
	}
	b, err := p.build(mutants)
	if err != nil {
		return err
	}
	defer b.remove()
	if err := b.observe(progress); err != nil {
		return err
	}

	file := filepath.Join(folder, strings.ReplaceAll(p.name, "/", "-")+".txt")
	known := ledger{}
	if !again {
		if known, err = readLedger(file); err != nil {
			return err
		}
	}
	known.carry(p, mutants)
	for i, m := range mutants {
		if m.outcome != "" {
			continue
		}
		if m.outcome, m.by, err = b.try(m); err != nil {
			return err
		}
		fmt.Fprintf(progress, "%d of %d: %s\n", i+1, len(mutants), m)
		if i%20 == 0 {
			if err := known.write(file, p, mutants); err != nil {
				return err
			}
		}
	}
	if err := known.write(file, p, mutants); err != nil {
		return err
	}
	return summary(out, p, mutants)
}

// chosen tells which files are to be mutated.
func (p *pkg) chosen(only string) (func(file string) bool, error) {
	if only == "" {
		return func(string) bool { return true }, nil
	}
	names := strings.Split(only, ",")
	for _, name := range names {
		if !slices.ContainsFunc(p.files, func(f *file) bool { return f.name == name }) {
			return nil, fmt.Errorf("-only %s: expected files of the package that are no tests, and %q is none", only, name)
		}
	}
	return func(file string) bool { return slices.Contains(names, file) }, nil
}

// summary prints the survivors, and what came of the mutants of each file.
func summary(out io.Writer, p *pkg, mutants []*mutant) error {
	type row struct{ all, noticed, endless, survived, unreached int }
	rows, total := map[string]*row{}, &row{}
	for _, m := range mutants {
		if rows[m.file] == nil {
			rows[m.file] = &row{}
		}
		for _, r := range []*row{rows[m.file], total} {
			r.all++
			switch m.outcome {
			case noticed:
				r.noticed++
			case endless:
				r.endless++
			case survived:
				r.survived++
			case unreached:
				r.unreached++
			}
		}
		if m.outcome == survived || m.outcome == unreached {
			fmt.Fprintln(out, m)
		}
	}
	fmt.Fprintf(out, "\n%-32s %8s %8s %8s %9s %10s\n", p.name, "mutants", "noticed", "endless", "survived", "unreached")
	line := func(name string, r *row) {
		fmt.Fprintf(out, "%-32s %8d %8d %8d %9d %10d\n", name, r.all, r.noticed, r.endless, r.survived, r.unreached)
	}
	for _, f := range p.files {
		if r := rows[f.name]; r != nil {
			line(f.name, r)
		}
	}
	line("all", total)
	return nil
}
