package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// served is a command of scripts: it starts etcdsim serve within the test's process,
// on any ports, and tells the script where in its environment: ETCDCTL_ENDPOINTS for
// etcdctl, N1, N2... for each member, CONTROL for etcdsim ctl. The recording is in
// session.scn. "served stop" ends it, and so does the end of the script.
func served(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: served [ARGUMENTS of serve] | served stop")
	}
	if len(args) == 1 && args[0] == "stop" {
		stop, _ := servers.Load(ts.Getenv("WORK"))
		stop.(func())()
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	app := newApp(in, in)
	args = append([]string{
		app.Name, "serve", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--record", ts.MkAbs("session.scn"),
	}, args...)
	go func() {
		err := app.RunContext(ctx, args)
		_ = in.CloseWithError(err)
		ended <- err
	}()
	ts.Check(readAnnouncement(ts, out))
	go func() { _, _ = io.Copy(io.Discard, out) }()
	stop := sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			ts.Check(err)
		case <-time.After(10 * time.Second):
			ts.Fatalf("serve does not end")
		}
	})
	servers.Store(ts.Getenv("WORK"), stop)
	ts.Defer(stop)
}

// servers holds what stops the server of a script, by its folder.
var servers sync.Map

func readAnnouncement(ts *testscript.TestScript, out io.Reader) error {
	var endpoints []string
	told := bufio.NewScanner(out)
	for told.Scan() && !strings.HasPrefix(told.Text(), "ready") {
		name, value, _ := strings.Cut(told.Text(), " ")
		value = strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(value), "http://"), "https://")
		switch {
		case name == "control":
			ts.Setenv("CONTROL", value)
		case strings.HasPrefix(name, "n"):
			ts.Setenv(strings.ToUpper(name), value)
			endpoints = append(endpoints, value)
		}
	}
	ts.Setenv("ENDPOINTS", strings.Join(endpoints, ","))
	ts.Setenv("E", strings.Join(etcdctlCommandLine(ts), " "))
	return told.Err()
}

// ctl is a command of scripts: etcdsim ctl to what served started.
func ctl(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec("etcdsim", append([]string{"ctl", "--control", ts.Getenv("CONTROL")}, args...)...)
	if (err != nil) != neg {
		ts.Fatalf("etcdsim ctl %s: %v", strings.Join(args, " "), err)
	}
}

var checkPerf = flag.Bool("check-perf", false, "let scripts run etcdctl check perf, which takes a minute")

// condition says whether a line of a script counts: [perf] where somebody has a minute.
func condition(name string) (bool, error) {
	if name == "perf" {
		return *checkPerf, nil
	}
	return false, fmt.Errorf("expected the condition perf, found %q", name)
}

// What the documentation shows holds for an etcdctl of its own as well, built from
// etcd's sources by the same toolchain.
func TestScriptsWithSeparateEtcdctl(t *testing.T) {
	if testing.Short() {
		t.Skip("the same scripts again with another etcdctl: nothing new for the race detector")
	}
	separate := filepath.Join(t.TempDir(), "etcdctl")
	build := exec.Command("go", "build", "-o", separate, "go.etcd.io/etcd/etcdctl/v3")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("etcdctl, which is linked in, cannot be built by itself: %v\n%s", err, out)
	}
	testscript.Run(t, scripts(testscript.Params{
		Files: []string{"testdata/script/tutorial.txtar", "testdata/script/serve.txtar"},
		Setup: func(e *testscript.Env) error { e.Setenv("ETCDCTL", separate); return nil },
	}))
}

// etcdctlCommandLine is the etcdctl that is linked in, or the one that ETCDCTL names,
// with the endpoints of what served started.
func etcdctlCommandLine(ts *testscript.TestScript) []string {
	command := []string{"etcdsim", "etcdctl"}
	if separate := ts.Getenv("ETCDCTL"); separate != "" {
		command = []string{separate}
	}
	return append(command, "--endpoints", ts.Getenv("ENDPOINTS"))
}

// etcdctl is a command of scripts. Its arguments may begin with other endpoints.
func etcdctl(ts *testscript.TestScript, neg bool, args []string) {
	command := etcdctlCommandLine(ts)
	if args[0] == "--endpoints" {
		command = command[:len(command)-2]
	}
	err := ts.Exec(command[0], append(command[1:], args...)...)
	if (err != nil) != neg {
		ts.Fatalf("etcdctl %s: %v", strings.Join(args, " "), err)
	}
}

// A recording holds passwords: only its owner may read it, whoever could read the file
// that it replaces.
func TestRecordingIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "session.scn")
	if err := os.WriteFile(path, []byte("an old one"), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := (&service{record: path}).recording()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err != nil || info.Mode().Perm() != 0o600 || info.Size() != 0 {
		t.Errorf("%v, %v", info, err)
	}
	if f, err := (&service{record: os.DevNull}).recording(); err != nil {
		t.Errorf("what is no file: %v", err)
	} else {
		_ = f.Close()
	}
}
