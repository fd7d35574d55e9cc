package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"etcdsim/scenarios/learn"
)

// progressFile is where the progress is kept.
func progressFile(c *cli.Context) (string, error) {
	if name := c.String("progress"); name != "" {
		return name, nil
	}
	folder, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no folder for the progress (%w): expected --progress FILE", err)
	}
	return filepath.Join(folder, "etcdsim", "learn.json"), nil
}

// readProgress reads the progress that is kept in a file; of a file that is not there,
// none.
func readProgress(name string) (learn.Progress, error) {
	taken := learn.Progress{}
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return taken, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &taken)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: expected the progress that an earlier lesson wrote", name, cause(err))
	}
	if taken == nil { // the file says null
		taken = learn.Progress{}
	}
	return taken, nil
}

// took notes in a file how a lesson went.
func took(file, lesson string, s learn.Score) error {
	taken, err := readProgress(file)
	if err != nil {
		return err
	}
	if err := taken.Take(lesson, s); err != nil {
		return err
	}
	return writeProgress(file, taken)
}

func writeProgress(name string, taken learn.Progress) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(taken, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o644)
}
