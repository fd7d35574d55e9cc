package folder

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"etcdsim/scenarios"
)

// kept keeps a short run and returns its folder.
func kept(t *testing.T) string {
	t.Helper()
	f, err := scenarios.Parse("one.scn", "cluster nodes=1\n# 1. a leader\nwait leader within=20s\n")
	if err != nil {
		t.Fatal(err)
	}
	path, err := Save(t.TempDir(), "this program", f, 7, scenarios.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSavedRunIsTheSame(t *testing.T) {
	path := kept(t)
	if filepath.Base(path) != "one-7" || !Is(path) || Is(filepath.Dir(path)) {
		t.Errorf("the folder is %s", path)
	}
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := d.Replay(nil)
	if err != nil || !r.Same || r.Events != d.Events || d.Program != "this program" {
		t.Errorf("%+v, %v: want the same run of %d events", r, err, d.Events)
	}
	events, err := d.Recorded()
	if err != nil || uint64(len(events)) != d.Events {
		t.Errorf("%d events, %v; want %d", len(events), err, d.Events)
	}
}

// What is damaged is named.
func TestDamagedFolders(t *testing.T) {
	for _, c := range []struct{ file, text, want string }{
		{recordFile, "{", "run.json: unexpected end"},
		{recordFile, "{}", "run.json: a run folder of format 0: expected 1"},
		{recordFile, `{"folder":1,"settings":["x"]}`, "run.json: settings: "},
		{recordFile, `{"folder":1,"bugs":"x"}`, "run.json: bugs: "},
		{planFile, "walk\n", "scenario.scn:1:1: "},
		{traceFile, "some other text", "trace.ndjson.gz: gzip: "},
	} {
		path := kept(t)
		if err := os.WriteFile(filepath.Join(path, c.file), []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := Open(path)
		if err == nil {
			_, err = d.Replay(nil)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %q: %v, want %q", c.file, c.text, err, c.want)
		}
	}
}

// Cut off, a trace is told from a run that ended.
func TestTornTrace(t *testing.T) {
	path := kept(t)
	name := filepath.Join(path, traceFile)
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text[:len(text)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := d.Replay(nil); err == nil || !strings.Contains(err.Error(), traceFile) {
		t.Errorf("%+v, %v: want an error that names the trace", r, err)
	}
}
