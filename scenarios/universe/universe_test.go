package universe_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"etcdsim/scenarios"
	"etcdsim/scenarios/universe"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

func run(t *testing.T, c universe.Config, story func(*universe.Universe)) *scenarios.Result {
	t.Helper()
	r, err := universe.Run(c, 1, story)
	if err != nil {
		t.Fatal(err)
	}
	if r.Panic != nil {
		t.Fatalf("%s\n%s", r.Panic.Text, r.Panic.Stack)
	}
	return r
}

// Each fault has its effect on who it names, and what undoes it undoes it.
func TestFaults(t *testing.T) {
	r := run(t, universe.Config{Describe: "cluster nodes=3"}, func(u *universe.Universe) {
		leader := u.Leader(10 * time.Second)
		m := u.Others(leader)[0]
		for _, c := range []struct {
			name     string
			do, undo func(...universe.Member)
			state    cluster.State
		}{
			{"kill", u.Kill, u.Restart, cluster.Down},
			{"kill machine=up", u.KillProcess, u.Restart, cluster.Down},
			{"stop", u.Stop, u.Restart, cluster.Down},
			{"pause", u.Pause, u.Resume, cluster.Paused},
		} {
			c.do(m)
			u.Expect(u.Look(m).State == c.state, "%s leaves %v %v", c.name, m, c.state)
			c.undo(m)
			u.Wait(10*time.Second, "the member to be back", func() bool { return u.Look(m).State == cluster.Up })
		}
		u.Isolate(leader)
		u.Leader(10*time.Second, u.Others(leader)...)
		u.Heal()
		u.Converged(10 * time.Second)
		u.Stall(m)
		u.Unstall(m)
		u.Cut(m, u.Others(m)...)
		u.Heal()
		u.Converged(10 * time.Second)
	})
	if r.Outcome != scenarios.Pass {
		t.Errorf("%v: %+v", r.Outcome, r.Failure)
	}
}

// Clients get what the members answer: values, refusals, and nothing.
func TestClients(t *testing.T) {
	r := run(t, universe.Config{}, func(u *universe.Universe) {
		u.Leader(10 * time.Second)
		c := u.Client("c", func(c *universe.Client) {
			_, err := c.Get("k")
			c.Expect(errors.Is(err, universe.ErrNotFound), "no key: %v", err)
			rev, err := c.Put("k", "1")
			c.Expect(err == nil && rev == 2, "put: revision %d, %v", rev, err)
			swapped, err := c.Swap("k", rev, "2")
			c.Expect(swapped && err == nil, "swap: %v", err)
			swapped, err = c.Swap("k", rev, "3")
			c.Expect(!swapped && err == nil, "the second swap: %v", err)
			kv, err := c.Get("k")
			c.Expect(err == nil && kv.Value == "2" && kv.Version == 2, "get: %v, %v", &kv, err)
			deleted, err := c.Delete("k")
			c.Expect(deleted && err == nil, "delete: %v", err)
			lease, err := c.Grant(5)
			c.Expect(lease != 0 && err == nil, "grant: %v", err)
			_, err = c.Do(&store.PutRequest{Key: "k", Lease: 99})
			c.Expect(errors.Is(err, store.ErrLeaseNotFound), "a lease that is not: %v", err)
			before := c.Now()
			c.Sleep(time.Second)
			c.Expect(c.Now().Sub(before) == time.Second, "asleep for %v", c.Now().Sub(before))
		})
		u.Join(time.Minute, c)
		u.Stop(u.Members()[0], u.Members()[1])
		lonely := u.Client("lonely", func(c *universe.Client) {
			_, err := c.Put("k", "4")
			c.Expect(errors.Is(err, universe.ErrUnknown), "a put without a quorum: %v", err)
		}, u.Members()[2])
		u.Join(time.Minute, lonely)
		u.Do("start all")
	})
	if r.Outcome != scenarios.Pass || len(r.History.Ops) < 9 {
		t.Errorf("%v: %+v", r.Outcome, r.Failure)
	}
}

// A client that tries again gets through once there is a quorum; one that is stopped asks
// nothing more.
func TestClientsThatGoOnAndEnd(t *testing.T) {
	r := run(t, universe.Config{}, func(u *universe.Universe) {
		u.Leader(10 * time.Second)
		members := u.Members()
		u.Stop(members[1], members[2])
		patient := u.Client("patient", func(c *universe.Client) {
			c.Retry(func() error {
				_, err := c.Put("k", "1")
				return err
			})
		})
		u.Sleep(5 * time.Second)
		u.Expect(!patient.Done(), "a put without a quorum goes on being tried")
		u.Restart(members[1], members[2])
		u.Join(time.Minute, patient)

		restless := u.Client("restless", func(c *universe.Client) {
			for {
				_, _ = c.Get("k")
			}
		})
		u.Sleep(time.Second)
		asked := u.Count(trace.Invoke)
		u.Expect(asked > 10, "a client that never rests has asked %d times", asked)
		restless.Stop()
		u.Sleep(time.Second)
		asked = u.Count(trace.Invoke)
		u.Sleep(time.Second)
		u.Expect(u.Count(trace.Invoke) == asked, "a client that was stopped asks no more")
	})
	if r.Outcome != scenarios.Pass {
		t.Errorf("%v: %+v", r.Outcome, r.Failure)
	}
}

// What is awaited in vain or is not so ends the story there, whoever says it.
func TestStoriesEndWhereTheyFail(t *testing.T) {
	for name, c := range map[string]struct {
		story          func(*universe.Universe)
		outcome        scenarios.Outcome
		statement, why string
	}{
		"an expectation": {
			func(u *universe.Universe) { u.Expect(1 > 2, "one is more") },
			scenarios.Violation, "one is more", "it is not so (universe_test.go:",
		},
		"a wait": {
			func(u *universe.Universe) { u.Wait(time.Second, "rain", func() bool { return false }) },
			scenarios.Stuck, "rain", "it is not so after 1s (universe_test.go:",
		},
		"a statement": {
			func(u *universe.Universe) { u.Do("expect crashes >=1") },
			scenarios.Violation, "expect  crashes >=1", "in fact: crashes: 0",
		},
		"a client": {
			func(u *universe.Universe) {
				u.Client("c", func(c *universe.Client) {
					c.Sleep(time.Second)
					c.Expect(false, "a client is content")
				})
				u.Sleep(time.Hour)
			},
			scenarios.Violation, "a client is content", "it is not so (universe_test.go:",
		},
		"a description": {nil, scenarios.Violation, "expect  crashes >=1", "in fact: crashes: 0"},
	} { // unordered: each stands for itself
		config, story := universe.Config{}, func(u *universe.Universe) {
			u.Leader(10 * time.Second)
			c.story(u)
			t.Errorf("%s: the story goes on", name)
		}
		if c.story == nil {
			config.Describe = "wait leader within=10s\nexpect crashes >=1\n"
			story = func(*universe.Universe) { t.Errorf("%s: the story begins", name) }
		}
		r := run(t, config, story)
		if f := r.Failure; r.Outcome != c.outcome || f == nil || f.Statement != c.statement || !strings.HasPrefix(f.Why, c.why) {
			t.Errorf("%s: %v, %+v", name, r.Outcome, f)
		}
		if r.Counts.Elapsed.Sub(0) > time.Minute {
			t.Errorf("%s: it ended at %v", name, r.Counts.Elapsed)
		}
	}
}

// A mistake of the story itself is neither a finding nor an error of the simulator.
func TestMistakesOfStoriesPanic(t *testing.T) {
	for text, want := range map[string]string{
		"jump":            "unknown statement",
		"kill n9":         "expected n1 to n3",
		"cluster nodes=5": "the universe is made before it runs",
	} { // unordered: each stands for itself
		func() {
			defer func() {
				if v, ok := recover().(string); !ok || !strings.Contains(v, want) || !strings.Contains(v, "universe_test.go:") {
					t.Errorf("%s: panics with %q, want %q", text, v, want)
				}
			}()
			run(t, universe.Config{}, func(u *universe.Universe) { u.Do("%s", text) })
		}()
	}
	if _, err := universe.Run(universe.Config{Describe: "cluster nodes=99"}, 1, nil); err == nil {
		t.Error("a universe of 99 members")
	}
}

// The same seed, the same digest; another seed, another universe.
func TestStoriesAreDeterministic(t *testing.T) {
	story := func(u *universe.Universe) {
		u.Leader(10 * time.Second)
		u.Client("w", func(c *universe.Client) {
			for {
				_, _ = c.Put("k", "v")
				c.Sleep(c.Rand().Between(time.Millisecond, 9*time.Millisecond))
			}
		})
		u.Do("kill any")
		u.Sleep(time.Second)
	}
	one, again := run(t, universe.Config{}, story), run(t, universe.Config{}, story)
	other, err := universe.Run(universe.Config{}, 2, story)
	if err != nil || one.Digest != again.Digest || one.Digest == other.Digest {
		t.Errorf("%v, %v; another seed %v (%v)", one.Digest, again.Digest, other.Digest, err)
	}
}

// A story begins with a snapshot that its description names, from the test's folder.
func TestFromSnapshot(t *testing.T) {
	r := run(t, universe.Config{Describe: "cluster from=../../docs/orders.db"}, func(u *universe.Universe) {
		u.Leader(10 * time.Second)
		reader := u.Client("reader", func(c *universe.Client) {
			kv, err := c.Get("orders/2")
			u.Expect(err == nil && kv.Version > 0, "orders/2 is %v, %v", kv, err)
		})
		u.Join(time.Minute, reader)
	})
	if r.Outcome != scenarios.Pass {
		t.Errorf("%v: %+v", r.Outcome, r.Failure)
	}
}

// Each seed passes as a test of its own, the first one twice.
func TestEverybodyLeads(t *testing.T) {
	universe.Test(t, universe.Config{Seeds: 3}, everybodyLeads)
}

// The test below fails on purpose, where it is told to.
const planted = "UNIVERSE_PLANTED"

func TestPlanted(t *testing.T) {
	wrong := os.Getenv(planted)
	if wrong == "" {
		t.Skip("for TestFailuresAreReported")
	}
	runs := 0
	universe.Test(t, universe.Config{Seeds: 2}, func(_ *testing.T, u *universe.Universe) {
		u.Leader(10 * time.Second)
		if runs++; wrong == "moody" && runs == 2 {
			u.Sleep(time.Second)
		}
		u.Expect(wrong == "moody", "the plan works")
	})
}

// A seed that fails says which, what the judges say, and the command; a story that
// differs from itself is found out.
func TestFailuresAreReported(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	fail := func(env ...string) string {
		cmd := exec.Command(self, "-test.run=^TestPlanted$")
		cmd.Env = append(os.Environ(), env...)
		out, err := cmd.CombinedOutput()
		if err == nil {
			t.Errorf("%v: the test passes", env)
		}
		return string(out)
	}
	for _, c := range []struct {
		out  string
		want []string
	}{
		{fail(planted + "=story"), []string{
			"--- FAIL: TestPlanted/seed=1", "--- FAIL: TestPlanted/seed=2", "EXPECTATION  the plan works", "WHY  at ",
			"reproduce  ETCDSIM_SEEDS=2 go test etcdsim/scenarios/universe -count=1 -run '^TestPlanted$'",
		}},
		{fail(planted+"=story", "ETCDSIM_SEEDS=77"), []string{"--- FAIL: TestPlanted/seed=77", "ETCDSIM_SEEDS=77 go test"}},
		{fail(planted+"=story", "ETCDSIM_SEEDS=9..3"), []string{`ETCDSIM_SEEDS: "9..3": expected a seed such as 77`}},
		{fail(planted+"=story", "ETCDSIM_BLAME=0"), []string{`ETCDSIM_BLAME: "0": expected how many futures each moment gets`}},
		{fail(planted+"=story", "ETCDSIM_BLAME=2", "ETCDSIM_SEEDS=1"), []string{"TestPlanted  seed 1  fails by expectation", "certain at"}},
		{fail(planted + "=moody"), []string{"--- FAIL: TestPlanted/seed=1", "NONDETERMINISM", "event "}},
	} {
		for _, want := range c.want {
			if !strings.Contains(c.out, want) {
				t.Errorf("the output lacks %q:\n%s", want, c.out)
			}
		}
	}
}
