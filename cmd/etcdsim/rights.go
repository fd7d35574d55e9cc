package main

import (
	"errors"
	"os"
	"path/filepath"

	"etcdsim/scenarios"
)

// public are the rights of a file that everybody may read, and private those of one that
// only its owner may.
const (
	public  os.FileMode = 0o644
	private os.FileMode = 0o600
)

// rightsOf returns the rights of a scenario's file. A session holds what clients sent,
// passwords among it.
func rightsOf(f *scenarios.File) os.FileMode {
	if f.Session() != nil {
		return private
	}
	return public
}

// createPrivate creates a file that only its owner may read, also where there is one that
// others may. What is no file, such as a pipe, keeps its rights.
func createPrivate(path string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Clean(path), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, private)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		err = f.Chmod(private)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
