package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"etcdsim/sim/live/flags"
	"etcdsim/sim/spelling"
)

// etcd's own settings, as flags of serve and in the file of --config-file.

// etcdFlags returns a flag for each of etcd's settings that means something here.
func etcdFlags() (all []cli.Flag) {
	for i := range flags.All {
		switch f := &flags.All[i]; {
		case !f.Meant() || f.Doc == "":
		case f.Kind == flags.Switch:
			all = append(all, &cli.BoolFlag{Name: f.Name, Value: f.On, Usage: f.Doc, Category: "etcd's own:"})
		default:
			all = append(all, &cli.StringFlag{Name: f.Name, Usage: f.Doc, Category: "etcd's own:"})
		}
	}
	return all
}

// configFileFlag names the file.
func configFileFlag() cli.Flag {
	return &cli.StringFlag{
		Name:  "config-file",
		Usage: "`FILE` with etcd's settings in etcd's form, and with these flags; it stands instead of etcd's own flags, as in etcd",
	}
}

// parseSettings returns etcd's settings: those of the file, or those of the flags. What
// the file says of serve's own flags counts as if it had been typed, unless something
// else was.
func parseSettings(c *cli.Context) (*flags.Settings, error) {
	s := &flags.Settings{}
	path := c.String("config-file")
	for i := range flags.All {
		name := flags.All[i].Name
		if !c.IsSet(name) {
			continue
		}
		if path != "" {
			return nil, usage("serve: --%s beside --config-file: the file alone says it, as in etcd: expected it there", name)
		}
		if _, err := s.Set(name, fmt.Sprint(c.Value(name))); err != nil {
			return nil, usage("serve: --%s: %w", name, err)
		}
	}
	if path != "" {
		if err := readSettings(c, s, path); err != nil {
			return nil, err
		}
	}
	if err := s.Check(); err != nil {
		return nil, usage("serve: %w", err)
	}
	for _, note := range s.Notes() {
		fmt.Fprintf(c.App.ErrWriter, "etcdsim: %s\n", note)
	}
	return s, nil
}

// readSettings reads the file of --config-file.
func readSettings(c *cli.Context, s *flags.Settings, path string) error {
	text, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return usage("serve: --config-file: %s: %w", path, cause(err))
	}
	own := ownFlags(c)
	all, err := flags.Read(path, text, own)
	var wrong *flags.FileError
	if errors.As(err, &wrong) && wrong.Unknown != "" {
		return usage("serve: %w%s", err, spelling.DidYouMean(wrong.Unknown, wrong.Known))
	}
	if err != nil {
		return usage("serve: %w", err)
	}
	for _, a := range all {
		var note string
		switch {
		case !slices.Contains(own, a.Name):
			note, err = s.Set(a.Name, a.Value())
		case !c.IsSet(a.Name):
			for _, value := range a.Values {
				err = errors.Join(err, c.Set(a.Name, value))
			}
		}
		if err != nil {
			return usage("serve: %s:%d: %s: %w", path, a.Line, a.Name, err)
		}
		if note != "" {
			fmt.Fprintf(c.App.ErrWriter, "etcdsim: %s:%d: %s changes nothing: %s\n", path, a.Line, a.Name, note)
		}
	}
	return nil
}

// ownFlags returns the names of serve's own flags, which may stand in the file.
func ownFlags(c *cli.Context) (names []string) {
	for _, f := range c.Command.Flags {
		name := f.Names()[0]
		if flags.Find(name) == nil && name != "config-file" && name != "help" {
			names = append(names, name)
		}
	}
	return names
}
