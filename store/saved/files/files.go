// Package files reads snapshots from files, for whoever runs scenarios that name
// some.
package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"etcdsim/store/saved"
)

// Opener opens snapshots, each once, however often it is asked: a sweep runs a
// scenario thousands of times. What could not be opened is tried again. The zero value
// is ready. It may be used by several goroutines.
type Opener struct {
	mu   sync.Mutex
	open map[string]*saved.Snapshot
}

// Open returns the snapshot in a file; see scenarios.Options.Open. A relative name is
// one in the folder of the scenario, or, for a setting, in the present one.
func (o *Opener) Open(name, beside string) (*saved.Snapshot, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(beside), name)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if snap := o.open[name]; snap != nil {
		return snap, nil
	}
	snap, err := Read(name)
	if err != nil {
		return nil, err
	}
	if o.open == nil {
		o.open = make(map[string]*saved.Snapshot)
	}
	o.open[name] = snap
	return snap, nil
}

// Read reads the snapshot in a file.
func Read(path string) (*saved.Snapshot, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err // whoever asked knows the rest
		}
		return nil, fmt.Errorf("%w: expected a file of etcdctl snapshot save", err)
	}
	return saved.Read(file)
}
