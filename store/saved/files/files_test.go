package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"etcdsim/store/saved"
)

// A snapshot is found beside the scenario, and read once; one that cannot be opened may
// be there later.
func TestOpen(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	write := func(name string, file []byte) {
		if err := os.WriteFile(filepath.Join(folder, name), file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var o Opener
	for _, c := range []struct {
		file []byte // nil is none
		want error
		says string
	}{
		{nil, fs.ErrNotExist, "expected a file of etcdctl snapshot save"},
		{[]byte("nonsense"), saved.ErrCorrupt, "without a meta page"},
	} {
		if c.file != nil {
			write("etcd.db", c.file)
		}
		snap, err := o.Open("etcd.db", "")
		if snap != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("of the file %q: %v, %v; want %v, and that it says %q", c.file, snap, err, c.want, c.says)
		}
	}

	write("etcd.db", saved.Write(&saved.Snapshot{Revision: 1, Compacted: -1, Auth: saved.Auth{Revision: 1}}))
	here, err := o.Open("etcd.db", "")
	if err != nil {
		t.Fatal(err)
	}
	write("etcd.db", []byte("nonsense"))
	if again, err := o.Open("etcd.db", "a.scn"); again != here || err != nil {
		t.Errorf("read again: %p and %p, %v", here, again, err)
	}
	if _, err := o.Open("etcd.db", "elsewhere/a.scn"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("beside a scenario elsewhere: %v, want %v", err, fs.ErrNotExist)
	}
	if _, err := o.Open(filepath.Join(folder, "etcd.db"), "elsewhere/a.scn"); !errors.Is(err, saved.ErrCorrupt) {
		t.Errorf("by its whole name: %v, want %v", err, saved.ErrCorrupt)
	}
}
