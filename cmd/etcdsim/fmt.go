package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"etcdsim/scenarios"
)

func fmtCommand() *cli.Command {
	return &cli.Command{
		Name:      "fmt",
		Usage:     "print scenario files in their canonical form",
		ArgsUsage: "[FILE|FOLDER...]",
		Description: "Without a file, or for the file \"-\", it reads standard input and prints the result. A folder means\n" +
			"every scenario file below it. Exit codes: 0 done, 1 with --check if a file is not canonical, 64 usage\n" +
			"or scenario error; then no file was changed.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "write", Aliases: []string{"w"}, Usage: "write the result back instead of printing it"},
			&cli.BoolFlag{Name: "list", Aliases: []string{"l"}, Usage: "print the names of the files that are not canonical"},
			&cli.BoolFlag{Name: "check", Usage: "like --list, and fail if there is one"},
		},
		Action: fmtAction,
	}
}

// formatted is a scenario file as it is and as it should be.
type formatted struct{ name, is, want string }

func fmtAction(c *cli.Context) error {
	write, check := c.Bool("write"), c.Bool("check")
	list := c.Bool("list") || check
	if write && check {
		return usage("fmt: --write and --check: expected one of them")
	}
	sources, err := readScenarios("fmt", c.Args().Slice(), c.App.Reader)
	if err != nil {
		return err
	}
	// All are read before any is written: a mistake changes nothing.
	all := make([]formatted, len(sources))
	for i, s := range sources {
		if write && s.name == stdinName {
			return usage("fmt: --write: standard input cannot be written to: expected a file")
		}
		f, err := scenarios.Parse(s.name, s.text)
		if err != nil {
			return usage("%w", err)
		}
		all[i] = formatted{s.name, s.text, scenarios.Format(f)}
	}
	differ := 0
	for _, f := range all {
		if !write && !list {
			fmt.Fprint(c.App.Writer, f.want)
			continue
		}
		if f.is == f.want {
			continue
		}
		differ++
		if list {
			fmt.Fprintln(c.App.Writer, f.name)
		}
		if write {
			if err := os.WriteFile(f.name, []byte(f.want), 0o666); err != nil {
				return unwritten("what is formatted", err)
			}
		}
	}
	if check && differ > 0 {
		return &exit{code: exitFound}
	}
	return nil
}

// source is the text of a scenario, and where it is from.
type source struct{ name, text string }

// stdinName is what errors call standard input.
const stdinName = "standard input"

// readScenarios reads the files that the arguments of a command mean: "-" is
// standard input, as no argument is; a folder is every scenario file below it.
func readScenarios(command string, args []string, stdin io.Reader) ([]source, error) {
	if len(args) == 0 {
		args = []string{"-"}
	}
	var all []source
	for _, arg := range args {
		if arg == "-" {
			text, err := io.ReadAll(stdin)
			if err != nil {
				return nil, usage("%s: standard input: %w", command, err)
			}
			all = append(all, source{stdinName, string(text)})
			continue
		}
		names, err := scenarioFiles(arg)
		if err != nil {
			return nil, usage("%s: %s: %w: expected a scenario file or a folder of them", command, arg, err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				return nil, usage("%s: %s: %w: expected a scenario file", command, name, cause(err))
			}
			all = append(all, source{name, string(text)})
		}
	}
	return all, nil
}

// scenarioFiles returns the file of this name, or the scenario files below the
// folder of this name, in order of their names.
func scenarioFiles(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, cause(err)
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	var files []string
	err = filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, scenarios.Suffix) {
			files = append(files, path)
		}
		return err
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("no file %s below it", "NAME"+scenarios.Suffix)
	}
	return files, cause(err)
}

// cause is an error without the operation and the path, which its reader knows.
func cause(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}
