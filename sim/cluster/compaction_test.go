package cluster_test

import (
	"slices"
	"testing"
	"time"

	"etcdsim/node"
	"etcdsim/sim"
	"etcdsim/sim/cluster"
	"etcdsim/store"
)

// compactions lists the compactions committed so far, with the times at which they
// were noticed.
type compactions struct {
	*story
	revisions []int64
	at        []sim.Time
	// past holds the leader's revision at each tenth of a second.
	past []int64
}

// watchFor lets time pass, and notes what is compacted.
func (c *compactions) watchFor(d time.Duration) {
	for end := c.Now().Add(d); c.NextAt() <= end; {
		c.Step()
		for sim.Time(len(c.past))*sim.Time(100*time.Millisecond) <= c.Now() {
			revision := int64(1)
			if leader := c.Leader(); leader != 0 {
				revision = c.Member(leader).Revision
			}
			c.past = append(c.past, revision)
		}
		seen := 0
		for _, commit := range c.Commits() {
			if r, ok := commit.Proposal.Request.(*store.CompactionRequest); ok {
				if seen++; seen > len(c.revisions) {
					c.revisions, c.at = append(c.revisions, r.Revision), append(c.at, c.Now())
				}
			}
		}
	}
}

// TestPeriodicCompaction: whoever leads compacts what is a period old, every period,
// and nobody else does. A new leader has noted revisions, too, and goes on at once.
func TestPeriodicCompaction(t *testing.T) {
	const period = 2 * time.Second
	s := newStory(t, 1, func(c *cluster.Config) { c.Node.AutoCompaction = node.AutoCompaction{Period: period} })
	c := &compactions{story: s}
	s.write()
	c.watchFor(15 * time.Second)
	if n := len(c.revisions); n < 7 || n > 8 {
		t.Fatalf("%d compactions in some 16 s, want one every 2 s", n)
	}
	if !slices.IsSorted(c.revisions) {
		t.Errorf("compacted at %v", c.revisions)
	}
	for i, rev := range c.revisions {
		then := int(c.at[i].Add(-period) / sim.Time(100*time.Millisecond))
		// A look is a tenth of a period apart, and a compaction takes some time.
		if low, high := c.past[max(then-4, 0)], c.past[then+1]; rev < low || rev > high {
			t.Errorf("at %v compacted rev %d, but a period ago the newest was rev %d to %d", c.at[i], rev, low, high)
		}
		if i > 0 && c.at[i].Sub(c.at[i-1]) > period+period/10+100*time.Millisecond {
			t.Errorf("%v passed between compactions", c.at[i].Sub(c.at[i-1]))
		}
	}
	before := len(c.revisions)
	s.Kill(s.Leader())
	c.watchFor(5 * time.Second)
	if len(c.revisions) == before {
		t.Error("the new leader does not compact")
	}
}

// TestRevisionCompaction: whoever leads looks every five minutes and keeps the
// newest revisions.
func TestRevisionCompaction(t *testing.T) {
	s := newStory(t, 2, func(c *cluster.Config) { c.Node.AutoCompaction = node.AutoCompaction{Keep: 40} })
	c := &compactions{story: s}
	s.write()
	c.watchFor(2 * time.Second)
	s.w.every = time.Hour
	c.watchFor(20 * time.Minute)
	newest := s.Member(1).Revision
	if len(c.revisions) != 1 || c.revisions[0] != newest-40 {
		t.Fatalf("compacted at %v, want once at rev %d", c.revisions, newest-40)
	}
	if at := c.at[0]; at < sim.Time(5*time.Minute) || at > sim.Time(5*time.Minute+2*time.Second) {
		t.Errorf("compacted at %v, want after five minutes", at)
	}
}

// TestCompactionOff: without being asked, nobody compacts.
func TestCompactionOff(t *testing.T) {
	s := newStory(t, 3, nil)
	c := &compactions{story: s}
	s.write()
	c.watchFor(10 * time.Second)
	if len(c.revisions) > 0 {
		t.Errorf("compacted at %v", c.revisions)
	}
}

func TestParseAutoCompaction(t *testing.T) {
	for text, want := range map[string]node.AutoCompaction{
		"off": {}, "periodic:1h": {Period: time.Hour}, "periodic:100ms": {Period: 100 * time.Millisecond}, "revision:1000": {Keep: 1000},
	} {
		got, err := node.ParseAutoCompaction(text)
		if err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
		if again, err := node.ParseAutoCompaction(got.String()); err != nil || again != want {
			t.Errorf("%s prints as %s, which reads as %v, %v", text, got, again, err)
		}
	}
	for _, text := range []string{
		"", "on", "off:1", "periodic", "periodic:", "periodic:5", "periodic:1ms", "periodic:-1h", "revision:0", "revision:1s",
	} {
		if got, err := node.ParseAutoCompaction(text); err == nil {
			t.Errorf("%q reads as %v", text, got)
		}
	}
}
