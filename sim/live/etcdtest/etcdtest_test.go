package etcdtest_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"etcdsim/scenarios"
	"etcdsim/sim/live/etcdtest"
)

// fake is a test that can fail without failing.
type fake struct {
	testing.TB
	name     string
	failed   bool
	log      strings.Builder
	cleanups []func()
}

func (f *fake) Name() string     { return f.name }
func (f *fake) Failed() bool     { return f.failed }
func (f *fake) Cleanup(c func()) { f.cleanups = append(f.cleanups, c) }

func (f *fake) Logf(format string, args ...any) { fmt.Fprintf(&f.log, format+"\n", args...) }

func (f *fake) Fatalf(format string, args ...any) {
	f.Logf(format, args...)
	f.failed = true
	panic(f)
}

func (f *fake) run(body func()) {
	defer func() {
		if r := recover(); r != nil && r != f {
			panic(r)
		}
		for _, c := range f.cleanups {
			c()
		}
	}()
	body()
}

// After a failure the recording is there and replays; after a success it is not.
func TestRecordingOfFailure(t *testing.T) {
	for _, c := range []struct {
		statement string
		says      string
	}{
		{"kill leader", ""},
		{"expect elections >= 7", "expect elections >= 7: "},
		{"kil leader", "unknown statement"},
	} {
		f := &fake{TB: t, name: "TestX/" + strings.Fields(c.statement)[0]}
		f.run(func() {
			cluster := etcdtest.Start(f, etcdtest.Options{Seed: 9})
			if _, err := cluster.Client().Put(t.Context(), "k", "v"); err != nil {
				t.Error(err)
			}
			cluster.Do(c.statement)
		})
		if f.failed != (c.says != "") || !strings.Contains(f.log.String(), c.says) {
			t.Errorf("%s: failed %v, %s", c.statement, f.failed, &f.log)
		}
		kept := regexp.MustCompile(`etcdsim replay (\S+)`).FindStringSubmatch(f.log.String())
		if (kept != nil) != f.failed {
			t.Errorf("%s: kept %v", c.statement, kept)
		}
		if kept == nil {
			continue
		}
		text, err := os.ReadFile(kept[1])
		if err != nil {
			t.Fatal(err)
		}
		r, err := scenarios.Replay(kept[1], string(text))
		if err != nil || r.Counts.Operations != 1 || !strings.HasSuffix(string(text), "ended   digest="+r.Story.String()+"\n") {
			t.Errorf("%s: %+v, %v", c.statement, r, err)
		}
		_ = os.Remove(kept[1])
	}
}

// A cluster in which time stands moves only as far as calls need.
func TestFrozen(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Frozen: true, Nodes: 1, Scenario: "net latency=1ms\n"})
	before := cluster.Now()
	for range 3 {
		if _, err := cluster.Client().Put(t.Context(), "k", "v"); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(20 * time.Millisecond)
	if passed := cluster.Now() - before; passed < 6*time.Millisecond || passed > 30*time.Millisecond {
		t.Errorf("%v passed", passed)
	}
	cluster.Advance(time.Hour)
	if passed := cluster.Now() - before; passed < time.Hour || passed > time.Hour+time.Second {
		t.Errorf("%v passed", passed)
	}
	if cluster.Leader() != "n1" {
		t.Errorf("%q leads", cluster.Leader())
	}
}

// What does not fit is refused before anything starts.
func TestOptionsAreChecked(t *testing.T) {
	for want, o := range map[string]etcdtest.Options{
		"unknown statement": {Scenario: "klil n1"},
		"nodes":             {Nodes: 99},
		"net.drop":          {Settings: []string{"net.drop=200%"}},
		"no leader":         {Scenario: "kill leader"},
	} {
		c, err := etcdtest.New(o)
		if c != nil {
			t.Errorf("%+v: a cluster beside the error %v", o, err)
			c.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
}
