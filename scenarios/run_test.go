package scenarios_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"etcdsim/scenarios"
	"etcdsim/sim/trace"
)

// play runs a scenario given as text.
func play(t *testing.T, seed uint64, lines string) *scenarios.Result {
	t.Helper()
	f, err := scenarios.Parse("test.scn", lines)
	if err != nil {
		t.Fatal(err)
	}
	return must(t, f, seed, scenarios.Options{})
}

// Each story ends with an outcome, and its report says why.
func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		name, lines string
		want        scenarios.Outcome
		says        []string
	}{
		{
			"nothing asked", "", scenarios.Pass,
			[]string{"phase 1 run: true"},
		},
		{
			"a wait in vain", "# 1. wait\nwait leader within=100ms", scenarios.Stuck,
			[]string{"phase 1 wait: false", "line 2", "liveness: Waited from 0.000s for 100ms for leader. Instead: no leader."},
		},
		{
			"an expectation that fails", "wait leader within=20s\nexpect elections >=2", scenarios.Violation,
			[]string{"line 2 column 1: expect  elections >=2: ", "elections: 1"},
		},
		{
			"what must not come, comes", "! wait leader within=20s", scenarios.Violation,
			[]string{"line 1 column 1: ! wait  leader", "it came so far", "leads term 2"},
		},
		{
			"what must not come, does not", "! wait leader within=200ms\n! expect leader", scenarios.Pass,
			nil,
		},
		{
			"a run that meets too little", "cover dropped>=1", scenarios.Vacuous,
			[]string{"coverage: unknown: dropped: 0 of at least 1"},
		},
		{
			"a fault without a victim", "kill leader", scenarios.Vacuous,
			[]string{"kill    leader", "there is no leader now"},
		},
		{
			"another value than expected", "wait leader within=20s\nput a 1 within=5s\nget a ==2 within=5s", scenarios.Violation,
			[]string{"line 3 column 1: get     a ==2 within=5s: in fact: a is 1, says n"},
		},
		{
			"a value that must not be there", "wait leader within=20s\nput a 1 within=5s\nget a !=1 within=5s", scenarios.Violation,
			[]string{"line 3 column 1: get     a !=1 within=5s: in fact: a is 1, says n"},
		},
		{
			"a write that must not succeed", "wait leader within=20s\n! put a 1 within=5s", scenarios.Violation,
			[]string{"line 2 column 1: ! put   a 1 within=5s: it was answered: put a=1"},
		},
		{
			"a write in vain", "put a 1 within=100ms", scenarios.Stuck,
			[]string{"phase 1 run: false", "Waited from 0.000s for 100ms for put a=1 to be answered. Instead: "},
		},
		{
			"the amount of several", "let $x = term all", scenarios.Vacuous,
			[]string{"term all is the amount of 3 members, not of one"},
		},
		{
			"no quorum in the end", "kill n1 n2", scenarios.Stuck,
			[]string{"phase 0 the end: false", "for a quorum. Instead: only n3 run"},
		},
		{
			"no quorum asked for", "kill n1 n2\nliveness off", scenarios.Pass,
			nil,
		},
		{
			"a paused majority is no quorum", "wait leader within=20s\npause majority", scenarios.Stuck,
			[]string{"liveness: "},
		},
		{
			"held links are no links", "wait leader within=20s\nhold n1 <-> rest\nhold n2 <-> n3", scenarios.Stuck,
			[]string{"liveness: "},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := play(t, 3, c.lines)
			got := tell(r)
			if r.Outcome != c.want {
				t.Errorf("outcome %v, want %v:\n%s", r.Outcome, c.want, got)
			}
			for _, want := range c.says {
				if !strings.Contains(got, want) {
					t.Errorf("the report lacks %q:\n%s", want, got)
				}
			}
		})
	}
}

// Each story of testdata/statements passes only if the statements in it do what
// they say.
func TestStatements(t *testing.T) {
	stories, err := filepath.Glob("testdata/statements/*.scn")
	if err != nil || len(stories) < 20 {
		t.Fatalf("%d stories, %v", len(stories), err)
	}
	for _, story := range stories {
		t.Run(strings.TrimSuffix(filepath.Base(story), ".scn"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(story)
			if err != nil {
				t.Fatal(err)
			}
			f, err := scenarios.Parse(story, string(text))
			if err != nil {
				t.Fatal(err)
			}
			if printed := scenarios.Format(f); printed != string(text) {
				t.Errorf("not in canonical form, which is\n%s", printed)
			}
			for seed := range uint64(3) {
				if r := must(t, f, seed, scenarios.Options{}); r.Outcome != scenarios.Pass {
					t.Errorf("etcdsim run scenarios/%s --seed %d\n%s", story, seed, tell(r))
				}
			}
		})
	}
}

func TestMistakesThatOnlySettingsShow(t *testing.T) {
	f, err := scenarios.Parse("test.scn", "cluster nodes=5\n\n  kill n4")
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := scenarios.ParseSetting("cluster.nodes=3")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = scenarios.Run(f, 1, scenarios.Options{Settings: []scenarios.Setting{nodes}}); err == nil ||
		!strings.HasPrefix(err.Error(), "test.scn:3:3: n4: the cluster has 3 members") {
		t.Errorf("error %v", err)
	}
	for text, want := range map[string]string{
		"add n5 within=1s":                    "test.scn:1:1: add n5: members are numbered in the order in which they are added: expected n4",
		"! add n5 within=1s\nkill n4":         "test.scn:2:1: n4: the cluster has 3 members",
		"kill n4\nadd within=1s":              "test.scn:1:1: n4: the cluster has 3 members",
		"add within=1s\npromote n5 within=1s": "test.scn:2:1: n5: the cluster has 4 members",
	} {
		f, err := scenarios.Parse("test.scn", text)
		if err == nil {
			_, err = scenarios.Run(f, 1, scenarios.Options{})
		}
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
	for text, want := range map[string]string{
		"nodes=3":        `"nodes=3": expected SECTION.OPTION=VALUE`,
		"cluster.nodes":  `"cluster.nodes": expected SECTION.OPTION=VALUE`,
		"cluster.nodes=": `"cluster.nodes=": expected SECTION.OPTION=VALUE`,
		"moon.phase=1":   `unknown section "moon": expected one of cluster, net, disk, node, load`,
		"net.drop=200%":  `net.drop: "200%" is not a probability`,
		"load.keys=none": `load.keys: "none" is not a count`,
		"node.tick=0s":   `node.tick: "0s" is not a duration`,
	} {
		if s, err := scenarios.ParseSetting(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("ParseSetting(%q) = %v, %v; want error %s", text, s, err, want)
		}
	}
}

// A setting reaches the part of the universe it names.
func TestSettingsTakeEffect(t *testing.T) {
	f := scenarios.Lookup("steady")
	plain := must(t, f, 1, scenarios.Options{})
	for _, text := range []string{"cluster.nodes=5", "net.drop=1%", "disk.sync=5ms", "node.election=20", "load.keys=2"} {
		s, err := scenarios.ParseSetting(text)
		if err != nil {
			t.Fatal(err)
		}
		if r := must(t, f, 1, scenarios.Options{Settings: []scenarios.Setting{s}}); r.Digest == plain.Digest {
			t.Errorf("--set %s changes nothing", text)
		}
	}
}

func TestInterruptAndBound(t *testing.T) {
	f := scenarios.Lookup("steady")
	if r := must(t, f, 1, scenarios.Options{Interrupted: func() bool { return true }}); r.Outcome != scenarios.Interrupted {
		t.Errorf("an interrupted run ends with %v", r.Outcome)
	}
	if r := must(t, f, 1, scenarios.Options{MaxEvents: 1000}); r.Outcome != scenarios.Stuck {
		t.Errorf("a run beyond its bound ends with %v", r.Outcome)
	}
}

// A defect of the simulator is a result, not a crash.
func TestPanicsAreCaught(t *testing.T) {
	o := scenarios.Options{Observe: func(l *trace.Log) {
		l.Subscribe(trace.Kinds(trace.Invoke), func(*trace.Event) { panic("planted") })
	}}
	r := must(t, scenarios.Lookup("steady"), 1, o)
	if r.Outcome != scenarios.Internal || r.Panic == nil || !strings.Contains(r.Panic.Stack, "run_test.go") {
		t.Errorf("outcome %v, panic %+v", r.Outcome, r.Panic)
	}
}

// A universe that differs from run to run is found out, at the first event that
// differs.
func TestNondeterminismIsFound(t *testing.T) {
	events := 0
	o := scenarios.Options{Observe: func(l *trace.Log) {
		l.Subscribe(trace.Kinds(trace.Invoke), func(*trace.Event) {
			if events++; events == 100 {
				l.Hit(trace.ProbeSplitVote)
			}
		})
	}}
	r, err := scenarios.RunTwice(scenarios.Lookup("steady"), 1, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Outcome != scenarios.Nondeterminism || !strings.Contains(r.Divergence, " differs\n") || !strings.Contains(r.Divergence, "probe") {
		t.Errorf("%v: %s", r.Outcome, r.Divergence)
	}
}
