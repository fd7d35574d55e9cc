package universe

import (
	"fmt"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"etcdsim/scenarios"
	"etcdsim/scenarios/report"
	"etcdsim/sim/trace"
)

// SeedsVariable is the environment variable that names other seeds than those of the
// test: "ETCDSIM_SEEDS=77" or "ETCDSIM_SEEDS=1..1000".
const SeedsVariable = "ETCDSIM_SEEDS"

// defaultSeeds is how many seeds a test runs if it does not say.
const defaultSeeds = 10

// Test tells a story for each seed, as a test of its own ("seed=7"), and fails those
// that are not judged well, with what the judges say and the command that does it
// again. The first seed is run twice: a story that differs from itself fails.
//
// The story has the subtest's t, for all that testing offers; a Fatal ends the story
// without a verdict.
func Test(t *testing.T, c Config, story func(*testing.T, *Universe)) {
	t.Helper()
	first, last, err := seeds(c, os.Getenv(SeedsVariable))
	if err != nil {
		t.Fatalf("%s: %v", SeedsVariable, err)
	}
	if c.Name == "" {
		c.Name = t.Name()
	}
	pkg := caller()
	for seed := first; ; seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			r := c.once(t, seed, seed == first, story)
			if r.Outcome == scenarios.Pass {
				return
			}
			r.Command = command(pkg, t.Name(), seed)
			var b strings.Builder
			if err := report.Text(&b, r, report.Style{}); err != nil {
				t.Error(err)
			}
			b.WriteString(blamed(c, seed, func(u *Universe) { story(t, u) }))
			t.Errorf("\n%s", b.String())
			if r.Panic != nil {
				t.Logf("%s\n%s", r.Panic.Text, r.Panic.Stack)
			}
		})
		if seed == last {
			return
		}
	}
}

// seeds returns the range of seeds to run: what the variable says, or the test.
func seeds(c Config, variable string) (first, last uint64, err error) {
	if variable == "" {
		if c.Seeds == 0 {
			c.Seeds = defaultSeeds
		}
		return 1, c.Seeds, nil
	}
	from, to, isRange := strings.Cut(variable, "..")
	if !isRange {
		to = from
	}
	first, err = strconv.ParseUint(from, 10, 64)
	if err == nil {
		last, err = strconv.ParseUint(to, 10, 64)
	}
	if err != nil || last < first {
		return 0, 0, fmt.Errorf("%q: expected a seed such as 77, or a range such as 1..1000", variable)
	}
	return first, last, nil
}

// once runs one seed, or twice if both runs shall be compared.
func (c Config) once(t *testing.T, seed uint64, twice bool, story func(*testing.T, *Universe)) *scenarios.Result {
	t.Helper()
	run := func(see func(*trace.Event)) *scenarios.Result {
		watched := c
		watched.Observe = func(l *trace.Log) {
			if c.Observe != nil {
				c.Observe(l)
			}
			if see != nil {
				l.Subscribe(trace.AllKinds, see)
			}
		}
		r, err := Run(watched, seed, func(u *Universe) { story(t, u) })
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if !twice {
		return run(nil)
	}
	var events []trace.Event
	r := run(func(e *trace.Event) { events = append(events, *e) })
	n, parted := 0, ""
	again := run(func(e *trace.Event) {
		switch {
		case parted != "":
		case n == len(events):
			parted = "the second run has more events: " + scenarios.Describe(e)
		case events[n] != *e:
			parted = fmt.Sprintf("event %d differs\n  first   %s\n  second  %s", n+1, scenarios.Describe(&events[n]), scenarios.Describe(e))
		}
		n++
	})
	if parted == "" && again.Digest != r.Digest {
		parted = fmt.Sprintf("the second run ended after %d events, the first after %d", n, len(events))
	}
	if parted != "" {
		r.Outcome, r.Divergence = scenarios.Nondeterminism, parted
	}
	return r
}

// caller returns the import path of the package whose test called Test.
func caller() string {
	pc, _, _, _ := runtime.Caller(2)
	name := runtime.FuncForPC(pc).Name() // etcdsim/x/y_test.TestZ
	dir, last := path.Split(name)
	last, _, _ = strings.Cut(last, ".")
	return dir + strings.TrimSuffix(last, "_test")
}

// command returns the command that runs one seed of a test again.
func command(pkg, test string, seed uint64) string {
	name, _, _ := strings.Cut(test, "/")
	return fmt.Sprintf("%s=%d go test %s -count=1 -run '^%s$'", SeedsVariable, seed, pkg, name)
}
