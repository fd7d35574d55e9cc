package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"etcdsim/cmd/etcdsim/folder"
	"etcdsim/scenarios"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"etcdsim": main})
}

// The scripts in testdata/script type commands and look at what comes out.
// "exits N COMMAND..." runs a command that must end with code N;
// "replace OLD NEW FILE" changes a file; "rename FOLDER NAME" gives the only entry
// of a folder another name.
func TestScripts(t *testing.T) {
	testscript.Run(t, scripts(testscript.Params{Dir: "testdata/script"}))
}

// scripts returns the parameters with the commands and conditions that scripts use.
func scripts(p testscript.Params) testscript.Params {
	p.Cmds = map[string]func(*testscript.TestScript, bool, []string){
		"exits": exits, "replace": replace, "rename": rename, "served": served, "ctl": ctl, "etcdctl": etcdctl,
	}
	p.Condition = condition
	return p
}

// rename gives the only entry of a folder another name.
func rename(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: rename FOLDER NAME")
	}
	folder := ts.MkAbs(args[0])
	entries, err := os.ReadDir(folder)
	ts.Check(err)
	if len(entries) != 1 {
		ts.Fatalf("%s has %d entries, want one", args[0], len(entries))
	}
	ts.Check(os.Rename(filepath.Join(folder, entries[0].Name()), filepath.Join(folder, args[1])))
}

// replace puts a text in the place of another in a file, where that must be.
func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace OLD NEW FILE")
	}
	text := ts.ReadFile(args[2])
	if !strings.Contains(text, args[0]) {
		ts.Fatalf("%s does not hold %q", args[2], args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(strings.ReplaceAll(text, args[0], args[1])), 0o600))
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var e *exec.ExitError
		if !errors.As(err, &e) {
			ts.Fatalf("%v", err)
		}
		got = e.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// Flags may stand anywhere, in every form that the flag parser knows.
func TestFlagsStandAnywhere(t *testing.T) {
	for _, args := range []string{
		"run steady --seed 7",
		"run --seed 7 steady",
		"run steady --seed=7",
		"run -seed 7 steady",
		"run -s 7 steady",
		"run steady -s 7",
		"run steady -s=7",
		"run steady --seed 1 --seed 7",
		"run --seed 7 -- steady",
		"run --check-determinism steady --seed 7",
		"run steady --check-determinism --seed 7",
		"run --check-determinism=false steady --seed 7",
		"run --set cluster.nodes=3 steady --seed 7",
		"run steady --set net.latency=1ms..5ms --seed 7 --set load.keys=5",
		"run --format text steady --seed 7 --bug=",
	} {
		var stdout, stderr bytes.Buffer
		code := run(strings.Fields(args), &stdout, &stderr)
		if code != 0 || !strings.HasPrefix(stdout.String(), "steady  seed 7  3 nodes") || stderr.Len() > 0 {
			t.Errorf("etcdsim %s: exit code %d, stdout\n%sstderr\n%s", args, code, &stdout, &stderr)
		}
	}
}

// Whatever is typed wrong: exit code 64, nothing on stdout, and a message that
// names the place and what was expected.
func TestUsageErrors(t *testing.T) {
	for args, want := range map[string]string{
		"rnu steady":                             `unknown command "rnu" (did you mean run?): expected run, sweep,`,
		"--seed 7":                               `unknown flag --seed: expected a command first`,
		"help rnu":                               `unknown command "rnu" (did you mean run?)`,
		"run":                                    `run: 0 arguments: expected one, the name of a scenario (etcdsim list `,
		"run steady leader-kill":                 `run: 2 arguments: expected one`,
		"run steady --sed 7":                     `run: unknown flag --sed (did you mean --seed?): expected --seed, --seeds,`,
		"run steady --seed":                      `run: --seed: expected a value after it`,
		"run steady --seed x":                    `run: --seed: "x" is not a seed: expected a whole number`,
		"run steady --seed -1":                   `run: --seed: "-1" is not a seed`,
		"run steady --seed 18446744073709551616": `run: --seed: "18446744073709551616" is not a seed`,
		"run steady --seeds 5":                   `run: --seeds: "5": expected a range such as 1..100`,
		"run steady --seeds 5..1":                `run: --seeds: "5..1": expected the smaller seed first`,
		"run steady --seeds a..b":                `run: --seeds: "a" is not a seed`,
		"run steady --seeds 1..2 --seed 1":       `run: --seed and --seeds: expected one of them`,
		"run steady --format yaml":               `run: --format: "yaml": expected text or json`,
		"run steady --set net.drop=200%":         `run: --set: net.drop: "200%" is not a probability`,
		"run steady --set drop":                  `run: --set: "drop": expected SECTION.OPTION=VALUE`,
		"run steady --bug none-such":             `run: --bug: unknown bug "none-such": expected one of ack-before-fsync,`,
		"run steady --check-determinism=maybe":   `run: --check-determinism: "maybe": expected true or false`,
		"run leader-kil":                         `run: unknown scenario "leader-kil" (did you mean leader-kill?): expected one that`,
		"run missing.scn":                        `run: missing.scn: no such file or directory: expected a scenario file`,
		"run steady --set node.heartbeat=20":     `node.heartbeat: 20 ticks: expected fewer than node.election`,
		"fmt --write --check x.scn":              `fmt: --write and --check: expected one of them`,
		"fmt missing.scn":                        `fmt: missing.scn: no such file or directory: expected a scenario file`,
		"fmt testdata":                           `fmt: testdata: no file NAME.scn below it: expected a scenario file`,
		"lint missing.scn":                       `lint: missing.scn: no such file or directory: expected a scenario file`,
		"serve a b":                              `serve: 2 arguments: expected at most one`,
		"serve --speed fast":                     `serve: --speed: "fast": expected a number from 0 to`,
		"serve --nodes 0":                        `serve: --nodes: cluster.nodes: "0": expected a number from 1 to`,
		"serve --listen 0.0.0.0":                 `serve: --listen: "0.0.0.0:0": expected an address of this machine alone`,
		"serve --listen example.org:7":           `serve: --listen: "example.org:7": expected an address of this machine alone`,
		"serve --listen 127.0.0.1:x":             `serve: --listen: "127.0.0.1:x": expected a port`,
		"serve --control 10.0.0.1:7":             `serve: --control: "10.0.0.1:7": expected an address of this machine alone`,
		"serve --record /none/such":              `serve: --record: open /none/such: no such file`,
		"ui main.go":                             `main.go:1:1: unknown statement "//`,
		"ui --progress main.go":                  `ui: main.go: invalid character '/'`,
		"ui --export x --listen 127.0.0.1:0":     `ui: --export and --listen: expected one of them`,
		"ui --export x ../../docs/orders.scn":    `ui: --export: ../../docs/orders.scn begins with a snapshot`,
		"certs main.go alice":                    `the certificates cannot be written: mkdir main.go: not a dir`,
		"ctl":                                    `ctl: expected a statement`,
		"ctl run":                                `ctl: run: expected a scenario file`,
		"language kil":                           `language: unknown statement "kil" (did you mean kill?): expected one of cluster,`,
		"language kill n1":                       `language: unexpected argument "n1": expected one statement, or --markdown`,
		"list leader-kil":                        `list: unknown scenario "leader-kil" (did you mean leader-kill?): expected one that`,
		"list steady bank":                       `list: 2 arguments: expected at most one, the name of a scenario`,
		"version --long":                         `version: unknown flag --long`,
	} {
		var stdout, stderr bytes.Buffer
		code := run(strings.Fields(args), &stdout, &stderr)
		if code != exitUsage || stdout.Len() > 0 || !strings.HasPrefix(stderr.String(), "etcdsim: "+want) {
			t.Errorf("etcdsim %s: exit code %d, stdout %q, stderr %q; want code 64 and %q", args, code, &stdout, &stderr, want)
		}
		if strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("etcdsim %s: want one line, got %q", args, &stderr)
		}
	}
}

func TestHelpIsAResult(t *testing.T) {
	for args, want := range map[string]string{
		"":                    "etcd in a simulated universe",
		"--help":              "etcd in a simulated universe",
		"help":                "COMMANDS",
		"help run":            "--seeds",
		"run --help":          "Exit codes: 0 pass",
		"run -h x":            "--check-determinism",
		"--version":           "trace 4",
		"version":             "raft v3.",
		"bugs":                "etcdsim run crash-all --bug ack-before-fsync",
		"list":                "leader-partition",
		"language kill":       "expect  crashes ==1",
		"language --markdown": "### kill",
		"language":            "partition TARGET... | TARGET...",
	} {
		var stdout, stderr bytes.Buffer
		if code := run(strings.Fields(args), &stdout, &stderr); code != 0 || stderr.Len() > 0 || !strings.Contains(stdout.String(), want) {
			t.Errorf("etcdsim %s: exit code %d, stdout\n%sstderr %q; want %q", args, code, &stdout, &stderr, want)
		}
	}
}

// The help of the language mentions every statement.
func TestLanguageIsWhole(t *testing.T) {
	var stdout, stderr bytes.Buffer
	run([]string{"language"}, &stdout, &stderr)
	for _, verb := range scenarios.Verbs() {
		if !strings.Contains(stdout.String(), "  "+verb+" ") && !strings.Contains(stdout.String(), "] "+verb+" ") {
			t.Errorf("statement %s is not explained", verb)
		}
	}
}

func TestWrapKeepsWords(t *testing.T) {
	text := "a few words that do not fit on one line of the given width"
	lines := wrap(text, 16)
	if got := strings.Join(lines, " "); got != text {
		t.Errorf("wrap lost words: %q", got)
	}
	if i := slices.IndexFunc(lines, func(l string) bool { return len(l) > 16 }); i >= 0 {
		t.Errorf("line %q is too long", lines[i])
	}
}

// Where there cannot be a file is a mistake in the command; that a file cannot be
// written is none.
func TestUnwritten(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{&fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}, exitUsage},
		{&fs.PathError{Op: "write", Path: "x", Err: fs.ErrInvalid}, exitInternal},
		{&fs.PathError{Op: "close", Path: "x", Err: fs.ErrClosed}, exitInternal},
		{fmt.Errorf("runs: %w", folder.ErrTaken), exitUsage},
		{errors.New("no more"), exitInternal},
	} {
		var e *exit
		if err := unwritten("the page", c.err); !errors.As(err, &e) || e.code != c.want || !errors.Is(e.err, c.err) {
			t.Errorf("%v: %v, want exit code %d", c.err, err, c.want)
		}
	}
}
