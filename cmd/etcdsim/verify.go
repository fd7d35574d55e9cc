package main

import (
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"etcdsim/checker"
	"etcdsim/checker/recorded"
)

func verifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "judge histories that were recorded elsewhere",
		ArgsUsage: "FILE...",
		Description: "The file \"-\" is the standard input. Formats:\n" +
			"jsonl (docs/history.md), jepsen (history.edn: registers, or transactions that append to lists),\n" +
			"porcupine (the logs in its test data), robustness (operations.json of etcd's robustness tests).\n" +
			"Exit codes: 0 every history passes, 1 one does not, 2 a judge gave up on one, 64 usage, or a malformed history.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "auto", Usage: "the format of all files: `FORMAT`, or auto to find out"},
		},
		Action: verifyAction,
	}
}

func verifyAction(c *cli.Context) error {
	if c.NArg() == 0 {
		return usage("verify: no file: expected at least one")
	}
	format, err := recorded.ParseFormat(c.String("format"))
	if err != nil {
		return usage("verify: --format: %w", err)
	}
	worst := checker.Pass
	for _, name := range c.Args().Slice() {
		data, err := readHistory(name)
		if err != nil {
			return usage("verify: %s: %w: expected a history", name, cause(err))
		}
		f, err := recorded.Judge(name, data, format)
		if err != nil {
			return usage("verify: %w", err)
		}
		tellFinding(c.App.Writer, name, &f)
		worst = max(worst, f.Verdict)
	}
	switch worst {
	case checker.Violated:
		return &exit{code: checker.ExitSafety}
	case checker.Unknown:
		return &exit{code: checker.ExitUnknown}
	}
	return nil
}

// readHistory reads a file, or the standard input if it is called "-".
func readHistory(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(name)
}

// tellFinding writes what the judges say about a file.
func tellFinding(w io.Writer, name string, f *recorded.Finding) {
	word := map[checker.Verdict]string{checker.Pass: "PASS", checker.Unknown: "UNKNOWN", checker.Violated: "FAIL"}[f.Verdict]
	fmt.Fprintf(w, "%s  %s  %s (%s), %d operations (%d unknown)\n", word, name, f.Kind, f.Format, f.Operations, f.Unknown)
	if f.Verdict == checker.Violated {
		fmt.Fprintf(w, "VIOLATION %s\n", f.Property)
	}
	for _, e := range f.Evidence {
		fmt.Fprintf(w, "  %s:%d  %s\n", name, e.Line, e.Text)
	}
	if f.Why != "" && f.Verdict != checker.Pass {
		fmt.Fprintf(w, "WHY  %s\n", f.Why)
	}
}
