package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"etcdsim/cmd/etcdsim/folder"
	"etcdsim/scenarios/report"
)

// Exit codes beside those of outcomes; 64 and 70 are sysexits.h's.
const (
	exitOK          = 0
	exitFound       = 1 // by a command that looks for something that should not be
	exitUsage       = 64
	exitInternal    = 70
	exitInterrupted = 130
)

// exit is an error that carries the exit code of the process. Without an error
// to tell, the outcome has been told already.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

// usage is an error of the one who typed the command.
func usage(format string, args ...any) error {
	return &exit{exitUsage, fmt.Errorf(format, args...)}
}

// unwritten is the error of something that cannot be written to where it was wanted. It
// is a mistake in the command if there cannot be a file.
func unwritten(what string, err error) error {
	code := exitInternal
	var place *fs.PathError
	if errors.As(err, &place) && place.Op != "write" && place.Op != "close" || errors.Is(err, folder.ErrTaken) {
		code = exitUsage
	}
	return &exit{code, fmt.Errorf("%s cannot be written: %w", what, err)}
}

// run is the whole program but for the process: it returns the exit code.
// Results go to stdout, everything else to stderr.
func run(args []string, stdout, stderr io.Writer) int {
	app := newApp(stdout, stderr)
	args, err := permute(app, args)
	if err == nil {
		err = app.Run(append([]string{app.Name}, args...))
	}
	var e *exit
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &e):
		if e.err != nil {
			fmt.Fprintf(stderr, "etcdsim: %v\n", e.err)
		}
		return e.code
	}
	// What is left comes from the flag parser.
	fmt.Fprintf(stderr, "etcdsim: %v\n", err)
	return exitUsage
}

func newApp(stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:  "etcdsim",
		Usage: "etcd in a simulated universe: a scenario and a seed decide everything",
		Description: "Exit codes: 0 done, and what ran passes; 1 a promise is broken, or what was looked for is there; 2 nothing is\n" +
			"proved; 3 no progress after the faults; 4 not reproducible; 64 a mistake in the command or in a file; 70 a fault\n" +
			"of the simulator; 130 interrupted.",
		HideVersion:     true,
		HideHelpCommand: true,
		// A value may hold commas: --set load.mix=put:1,get:1.
		DisableSliceFlagSeparator: true,
		Writer:                    stdout,
		ErrWriter:                 stderr,
		// Errors are told by run, and no one but main ends the process.
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError:   func(_ *cli.Context, err error, _ bool) error { return usage("%w", err) },
		Commands: []*cli.Command{
			runCommand(),
			sweepCommand(),
			mergeCommand(),
			replayCommand(),
			diffCommand(),
			shrinkCommand(),
			blameCommand(),
			fmtCommand(),
			lintCommand(),
			stepCommand(),
			exportCommand(),
			learnCommand(),
			uiCommand(),
			listCommand(),
			planCommand(),
			censusCommand(),
			bugsCommand(),
			verifyCommand(),
			languageCommand(),
			serveCommand(),
			ctlCommand(),
			etcdctlCommand(),
			certsCommand(),
			versionCommand(),
		},
	}
	for _, c := range app.Commands {
		c.HideHelpCommand = true
		c.OnUsageError = app.OnUsageError
	}
	return app
}

// noArguments refuses arguments of commands that take none.
func noArguments(c *cli.Context) error {
	if c.NArg() > 0 {
		return usage("%s: unexpected argument %q: expected none", c.Command.Name, c.Args().First())
	}
	return nil
}

// style returns how reports look on this writer: coloured on a terminal, unless
// NO_COLOR (https://no-color.org) or a dumb terminal forbid it.
func style(w io.Writer) report.Style {
	return report.Style{Colour: os.Getenv("NO_COLOR") == "" && terminal(w)}
}

// terminal reports whether the writer is a terminal that can do more than print.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// wrap breaks a text into lines of at most width characters.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}
