package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// outcome is what came of a mutant; empty while nobody asked.
type outcome string

const (
	noticed   outcome = "noticed"
	endless   outcome = "endless"   // it made a loop
	survived  outcome = "survived"  // tests came to its place, and passed
	unreached outcome = "unreached" // no test came to its place
)

// guard is the file that is compiled with the package, but for its package clause.
//
//go:embed guard.txt
var guard string

// memory bounds the address space of a run in KiB: some loops collect things.
const memory = 6 << 20

// A run may compute patience times as long as its tests did unbroken, and
// leastPatience at any rate. Time that passes says little on a machine that has other
// things to do; stuck is for runs that wait for something which never comes.
const (
	patience      = 10
	leastPatience = 3 * time.Second
	stuck         = 5 * time.Minute
)

// binary is a package's tests, with all its mutants inside.
type binary struct {
	p       *pkg
	scratch string
	mutants []*mutant
	took    map[string]time.Duration // what each test computed, unbroken
}

func (b *binary) path() string { return filepath.Join(b.scratch, "mutants.test") }

func (b *binary) remove() { _ = os.RemoveAll(b.scratch) } // a temporary folder

// build compiles the tests of a package with all its mutants.
func (p *pkg) build(mutants []*mutant) (*binary, error) {
	scratch, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return nil, err
	}
	b := &binary{p: p, scratch: scratch, mutants: mutants, took: map[string]time.Duration{}}
	if err := b.compile(); err != nil {
		b.remove()
		return nil, err
	}
	return b, nil
}

func (b *binary) compile() error {
	replaced := map[string]string{}
	put := func(name string, text []byte) error {
		file := filepath.Join(b.scratch, name)
		replaced[filepath.Join(b.p.dir, name)] = file
		return os.WriteFile(file, text, 0o666)
	}
	for _, f := range b.p.files {
		if f.guarded == nil {
			continue
		}
		if err := put(f.name, f.guarded); err != nil {
			return err
		}
	}
	if err := put("mutant_guard.go", []byte("package "+b.p.itself.Name()+"\n\n"+guard)); err != nil {
		return err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return err
	}
	file := filepath.Join(b.scratch, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o666); err != nil {
		return err
	}
	out, err := exec.Command("go", "test", "-c", "-vet=off", "-overlay", file, "-o", b.path(), b.p.dir).CombinedOutput()
	if err != nil {
		return fmt.Errorf("the guarded package does not compile: %w\n%s", err, out)
	}
	return nil
}

// A run is what came of some tests.
type run struct {
	out    []byte
	passed bool
	// endless: it computed for too long. idle: it waited for too long.
	endless, idle bool
	computed      time.Duration
}

// run runs the tests that a regular expression names. They may compute for limit.
func (b *binary) run(tests string, limit time.Duration, env string) (run, error) {
	ctx, cancel := context.WithTimeout(context.Background(), stuck)
	defer cancel()
	bounds := fmt.Sprintf(`ulimit -v %d && ulimit -t %d && exec "$0" "$@"`, memory, limit/time.Second+1)
	args := []string{"-c", bounds, b.path(), "-test.run", tests, "-test.short", "-test.failfast", "-test.timeout=0"}
	if b.p.rapid {
		args = append(args, "-rapid.nofailfile")
	}
	cmd := exec.CommandContext(ctx, "sh", args...)
	cmd.Dir = b.p.dir
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", env)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return run{}, err
	}
	idle := ctx.Err() != nil
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return run{
		// The bound on the time of the processor is kept by killing.
		out: out, passed: err == nil, idle: idle, endless: !idle && status.Signaled() && status.Signal() == syscall.SIGKILL,
		computed: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
	}, nil
}

// observe runs each test alone and unbroken, and notes to which mutants it comes.
func (b *binary) observe(progress io.Writer) error {
	cmd := exec.Command(b.path(), "-test.list", "^(Test|Fuzz|Example)")
	cmd.Dir = b.p.dir
	list, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("the tests cannot be listed: %w\n%s", err, list)
	}
	reached := filepath.Join(b.scratch, "reached")
	for _, test := range strings.Fields(string(list)) {
		if err := os.WriteFile(reached, nil, 0o666); err != nil {
			return err
		}
		r, err := b.run("^"+test+"$", stuck, "MUTANT_REACHED="+reached)
		if err != nil {
			return err
		}
		if !r.passed {
			return fmt.Errorf("%s does not pass unbroken:\n%s", test, r.out)
		}
		b.took[test] = r.computed
		text, err := os.ReadFile(reached)
		if err != nil {
			return err
		}
		numbers := strings.Fields(string(text))
		for _, s := range numbers {
			n, err := strconv.Atoi(s)
			if err != nil || n < 1 || n > len(b.mutants) {
				return fmt.Errorf("%s came to mutant %q, expected 1 to %d", test, s, len(b.mutants))
			}
			b.mutants[n-1].tests = append(b.mutants[n-1].tests, test)
		}
		fmt.Fprintf(progress, "%s: comes to %d mutants in %v\n", test, len(numbers), b.took[test].Round(time.Millisecond))
	}
	for _, m := range b.mutants {
		slices.SortStableFunc(m.tests, func(x, y string) int { return cmp.Compare(b.took[x], b.took[y]) })
	}
	return nil
}

var failed = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)

// try asks the tests about one mutant: those that took little time first.
func (b *binary) try(m *mutant) (outcome, string, error) {
	if len(m.tests) == 0 {
		return unreached, "", nil
	}
	// Tests run in the order of the files: quick ones alone, since most notice.
	slow := slices.IndexFunc(m.tests, func(test string) bool { return b.took[test] > 100*time.Millisecond })
	if slow < 0 {
		slow = len(m.tests)
	}
	for _, tests := range [][]string{m.tests[:slow], m.tests[slow:]} {
		if len(tests) == 0 {
			continue
		}
		limit := leastPatience
		for _, test := range tests {
			limit += patience * b.took[test]
		}
		r, err := b.run("^("+strings.Join(tests, "|")+")$", limit, "MUTANT="+strconv.Itoa(m.n))
		switch {
		case err != nil:
			return "", "", err
		case r.idle:
			return survived, "", nil
		case r.endless:
			return endless, tests[0], nil
		case !r.passed:
			return noticed, witness(r.out, tests), nil
		}
	}
	return survived, "", nil
}

// witness returns the test that failed first, going by the output.
func witness(out []byte, tests []string) string {
	found := failed.FindSubmatch(out)
	switch {
	case found != nil:
		return string(found[1])
	case bytes.Contains(out, []byte("panic")):
		return "a panic in " + tests[0]
	}
	return "the end of " + tests[0]
}
