package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"etcdsim/scenarios"
	"etcdsim/scenarios/report"
	"etcdsim/sim/live"
	"etcdsim/sim/live/host"
)

// isRecording reports whether a path is that of a file, which a run's folder is not.
func isRecording(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// replayRecording repeats a session with real clients.
func replayRecording(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return usage("replay: %w", err)
	}
	defer func() { _ = f.Close() }() // it was read
	r, result, err := host.Replay(f, nil)
	if err != nil && !errors.Is(err, live.ErrDiverged) {
		return usage("replay: %s: %w", path, err)
	}
	if err := report.Text(w, result, style(w)); err != nil {
		return &exit{exitInternal, fmt.Errorf("the report cannot be written: %w", err)}
	}
	fmt.Fprintf(w, "%d inputs, %d of them requests, %d answers, %v\n", r.Inputs, r.Requests, r.Answers, r.At)
	switch {
	case err != nil:
		fmt.Fprintf(w, "DIFFERENT  %v\n", err)
		return &exit{scenarios.Nondeterminism.ExitCode(), nil}
	case r.Recorded:
		fmt.Fprintln(w, "SAME  the session ended in the same digest")
	default:
		fmt.Fprintln(w, "CUT OFF  the recording has no end, and everything up to there fits")
	}
	return nil
}
