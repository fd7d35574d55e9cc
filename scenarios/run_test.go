package scenarios_test

import (
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
			[]string{"✓ 1. run", "PASS"},
		},
		{
			"a wait in vain", "# 1. wait\nwait leader within=100ms", scenarios.Stuck,
			[]string{"✗ 1. wait", "test.scn:2", "VIOLATION liveness", "leader", "FAIL liveness", "reproduce  etcdsim run test.scn --seed 3"},
		},
		{
			"an expectation that fails", "wait leader within=20s\nexpect elections >=2", scenarios.Violation,
			[]string{"test.scn:2", "EXPECTATION  expect elections >=2", "elections: 1", "FAIL violation"},
		},
		{
			"what must not come, comes", "! wait leader within=20s", scenarios.Violation,
			[]string{"EXPECTATION  ! wait leader", "it came so far", "leads term 2"},
		},
		{
			"what must not come, does not", "! wait leader within=200ms\n! expect leader", scenarios.Pass,
			[]string{"PASS"},
		},
		{
			"a run that meets too little", "cover dropped>=1", scenarios.Vacuous,
			[]string{"VACUOUS  coverage: dropped: 0 of at least 1", "UNKNOWN"},
		},
		{
			"a fault without a victim", "kill leader", scenarios.Vacuous,
			[]string{"VACUOUS  kill leader", "there is no leader now"},
		},
		{
			"no quorum in the end", "kill n1 n2", scenarios.Stuck,
			[]string{"✗ the end", "VIOLATION liveness", "n3"},
		},
		{
			"no quorum asked for", "kill n1 n2\nliveness off", scenarios.Pass,
			[]string{"PASS"},
		},
		{
			"a paused majority is no quorum", "wait leader within=20s\npause majority", scenarios.Stuck,
			[]string{"VIOLATION liveness"},
		},
		{
			"held links are no links", "wait leader within=20s\nhold n1 <-> rest\nhold n2 <-> n3", scenarios.Stuck,
			[]string{"VIOLATION liveness"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := play(t, 3, c.lines)
			got := text(t, r)
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

// Each statement does what it says: the story passes only if so.
func TestStatements(t *testing.T) {
	const up = "wait leader within=20s as=$l\n"
	for _, c := range []struct{ name, lines string }{
		{"kill and restart", up + "kill $l\nwait leader in=rest within=20s\n! expect leader in=$l\nrestart $l\nwait converged within=20s\ncover crashes>=1 starts>=4"},
		{"a restart of who runs", up + "restart n1 n2\nwait converged within=20s\ncover stops>=2 starts>=5"},
		{"a graceful stop hands over", up + "stop leader\nwait leader in=rest within=2s\nrestart $l\ncover stops>=1"},
		{"pause and resume", up + "pause $l\nwait leader in=rest within=20s\nresume $l\nwait converged within=20s\nexpect leader in=rest\ncover pauses>=1"},
		{"the restart of who is paused", up + "pause $l\nrestart $l\nwait converged within=20s\ncover crashes>=1"},
		{"a partition spares clients", up + "load w mix=get via=n1,n2,n3\npartition n1 | n2 n3\nwait acked w >=1 via=n2,n3 since=here within=20s\nheal\ncover blocked>=1"},
		{"isolation does not", up + "load w mix=get serializable=100% via=$l timeout=300ms\nwait acked w >=5 within=5s\nisolate $l\n" +
			"! wait acked w >=1 since=here within=2s\nheal\nwait acked w >=1 since=here within=5s"},
		{"serializable reads need no quorum", up + "load w mix=get serializable=100% via=$l\npartition $l | rest\nwait acked w >=5 since=here within=2s\nheal"},
		{"a one-way cut", up + "cut $l -> rest\nwait leader in=rest within=20s\nheal $l -> rest\nwait converged within=20s\ncover blocked>=1"},
		{"hold and release", up + "hold $l <-> rest\nwait leader in=rest within=20s\nexpect held >=1\nrelease $l -> rest\nrelease\nwait converged within=20s"},
		{"release of all", up + "hold n1 -> n2 n3\nhold clients <-> n1\nwait elapsed 3s\nrelease\nwait converged within=20s\ncover held>=1"},
		{"a bridge", up + "partition n1 n2 | n2 n3\nload w via=n2\nwait acked w >=10 within=30s\nheal"},
		{"the network changes", up + "net drop=20%\nwait dropped >=5 within=20s\nnet drop=0%\nexpect dropped >=5"},
		{"a compaction", up + "load w mix=put:5,past:5 keys=2\nwait acked w >=100 within=20s\ncompact keep=5\nwait failed w >=1 within=20s\nexpect compacted-read >=1"},
		{"unload", up + "load w\nwait acked w >=10 within=5s\nunload w\nwait elapsed 3s\n! wait acked w >=1 since=here within=1s"},
		{"a load that ends", up + "load w ops=40 clients=3\nwait acked w >=40 within=20s\n! wait acked w >=1 since=here within=1s\nexpect acked w == 40"},
		{"a rate", up + "load w rate=100 clients=5 mix=put\nwait at 10s\nload v rate=100 clients=5 mix=put\nwait at 12s\n" +
			"expect invoked >=200\nexpect acked v >=190\nexpect acked v <=205"},
		{"values of a size", up + "load w value=3000 mix=put ops=10\nwait acked w >=10 within=20s"},
		{"all kinds of requests", up + "load w clients=3 keys=4 mix=put:4,get:2,range:2,delete:1,txn:4,past:1,count:1,clear:1 serializable=30%\nwait acked w >=300 within=60s"},
		{"variables", up + "let $few = minority\nlet $others = majority\nkill $few\nwait converged within=20s\nrestart $few\nwait elapsed 1s\nkill $others\n" +
			"wait elapsed 1s\nrestart all\nwait converged within=20s\ncover crashes>=3"},
		{"meters of members", up + "load w mix=put\nwait applied all >=20 within=20s\nexpect revision $l >=10\nexpect commit n1 >= 20\nexpect log all >= 20\n" +
			"expect term all == term $l\nwait written w >=30 within=5s"},
		{"a snapshot for a laggard", "node snapshot=20 catch-up=5\n" + up + "let $slow = followers\nload w mix=put\nkill n1\nwait written w >=100 within=30s\nrestart n1\n" +
			"wait snapshots >=1 within=20s\nwait converged within=20s\ncover saved-snapshots>=1"},
		// Puts only: raft answers ReadIndex of a single voter before the commit index
		// is known again after a crash (etcd-io/raft#105).
		{"one member", "cluster nodes=1\n" + up + "load w mix=put\nwait acked w >=50 within=10s\nkill all\nrestart all\nwait acked w >=50 since=here within=20s"},
		{"seven members", "cluster nodes=7\n" + up + "load w\nkill minority\nwait acked w >=50 since=here within=30s\nrestart all\nwait converged within=30s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(3) {
				if r := play(t, seed, c.lines); r.Outcome != scenarios.Pass {
					t.Errorf("%s\n%s", c.lines, text(t, r))
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
	if got := text(t, r); !strings.Contains(got, "planted") || !strings.Contains(got, "reproduce  etcdsim run steady --seed 1") {
		t.Errorf("the report says\n%s", got)
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
	r, where, err := scenarios.RunTwice(scenarios.Lookup("steady"), 1, o)
	if err != nil || r.Outcome != scenarios.Nondeterminism || !strings.Contains(where, "DIVERGED  at event") || !strings.Contains(where, "probe") {
		t.Errorf("%v, %v, %s", r.Outcome, err, where)
	}
}
