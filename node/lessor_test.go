package node

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"etcdsim/sim"
	"etcdsim/store"
	"etcdsim/store/mvcc"
)

func at(seconds float64) sim.Time { return sim.Time(seconds * 1e9) }

func leaseOf(id, ttl int64) mvcc.Lease { return mvcc.Lease{ID: id, TTL: ttl, Remaining: ttl} }

func primaryLessor(cfg Config) lessor {
	l := newLessor(cfg)
	l.promote(0, nil, 0)
	return l
}

// Each lease expires when its time is over, the oldest first, and is named again
// only after a while.
func TestLessorExpires(t *testing.T) {
	l := primaryLessor(DefaultConfig())
	l.grant(at(0), leaseOf(5, 4))
	l.grant(at(0), leaseOf(3, 2))
	l.grant(at(0.5), leaseOf(4, 2))
	l.start(at(1), leaseOf(5, 4), 0)
	for _, c := range []struct {
		now   float64
		limit int
		want  []int64
	}{
		{1.9, 9, nil},
		{2, 9, []int64{3}},
		{2.5, 9, []int64{4}},
		{8, 9, []int64{5}},
		{8.9, 9, nil},
		{9, 9, []int64{3}}, // seven seconds later it is still there
		{20, 2, []int64{4, 5}},
		{20, 9, []int64{3}},
	} {
		if got := l.expired(at(c.now), c.limit); !slices.Equal(got, c.want) {
			t.Errorf("expired at %v: %v, want %v", at(c.now), got, c.want)
		}
	}
	l.revoke(3)
	l.revoke(4)
	l.revoke(99)
	if got := l.expired(at(60), 9); !slices.Equal(got, []int64{5}) {
		t.Errorf("after the end of 3 and 4: %v", got)
	}
}

// A follower counts nothing; a new leader begins anew, from the last checkpoint,
// and adds an election's time.
func TestLessorPromote(t *testing.T) {
	l := newLessor(DefaultConfig())
	l.grant(at(0), leaseOf(1, 2))
	if !l.idle() || l.expired(at(99), 9) != nil {
		t.Error("a follower's lessor counts")
	}
	l.promote(at(10), []mvcc.Lease{leaseOf(1, 2), {ID: 2, TTL: 100, Remaining: 30}}, time.Second)
	for id, want := range map[int64]time.Duration{1: 3 * time.Second, 2: 31 * time.Second} { // unordered: independent checks
		if got := l.left(id, at(10)); got != want {
			t.Errorf("lease %d has %v left, want %v", id, got, want)
		}
	}
	l.demote()
	if !l.idle() || l.primary {
		t.Error("demoted, and still counting")
	}
	l.grant(at(11), mvcc.Lease{ID: 9, TTL: 9_000_000_000, Remaining: 9_000_000_000})
	l.promote(at(12), []mvcc.Lease{{ID: 9, TTL: 9_000_000_000, Remaining: 9_000_000_000}}, time.Second)
	if left := l.left(9, at(12)); left < 290*365*24*time.Hour/2 {
		t.Errorf("the longest lease has %v left", left)
	}
}

// Of very many leases that would expire together, some get more time.
func TestLessorSpread(t *testing.T) {
	const leases = 3000
	var all []mvcc.Lease
	for id := range int64(leases) {
		all = append(all, leaseOf(id+1, 10))
	}
	l := newLessor(DefaultConfig())
	l.promote(0, all, time.Second)
	perSecond := map[int64]int{}
	var latest time.Duration
	for id := range int64(leases) {
		left := l.left(id+1, 0)
		if left < 11*time.Second {
			t.Fatalf("lease %d lost time: %v left", id+1, left)
		}
		perSecond[int64(left/time.Second)]++
		latest = max(latest, left)
	}
	for second, n := range perSecond { // unordered: independent checks
		if n > 3*revokeRate/4+1 {
			t.Errorf("%d leases expire in second %d", n, second)
		}
	}
	if latest > 16*time.Second {
		t.Errorf("the last one expires only after %v", latest)
	}
}

// A checkpoint says how much is left, rounded up, of leases that are far from
// their end, and leaves out what it need not say.
func TestLessorCheckpoints(t *testing.T) {
	cfg := DefaultConfig()
	cfg.LeaseCheckpoint, cfg.LeaseCheckpointInterval = true, 5*time.Second
	known := map[int64]mvcc.Lease{1: leaseOf(1, 60), 2: leaseOf(2, 5), 3: leaseOf(3, 6), 4: leaseOf(4, 60)}
	lookup := func(id int64) (mvcc.Lease, bool) { lease, ok := known[id]; return lease, ok }
	l := primaryLessor(cfg)
	for id := int64(1); id <= 4; id++ {
		l.grant(0, known[id])
	}
	if got := l.due(at(4.9), 9, lookup); got != nil {
		t.Errorf("due before the interval is over: %v", got)
	}
	l.start(at(5), known[3], 0) // renewed just now: nothing to say
	delete(known, 4)
	got := l.due(at(5.3), 9, lookup)
	if want := []store.LeaseCheckpoint{{ID: 1, RemainingTTL: 55}}; !slices.Equal(got, want) {
		t.Errorf("due: %v, want %v", got, want)
	}
	if l.renewed(at(5.4), got[0]) {
		t.Error("the checkpoint that is due is outdone by a renewal that nobody asked for")
	}
	l.plan(at(5.3), mvcc.Lease{ID: 1, TTL: 60, Remaining: 55})
	if got := l.due(at(10.3), 9, lookup); !slices.Equal(got, []store.LeaseCheckpoint{{ID: 1, RemainingTTL: 50}}) {
		t.Errorf("due the second time: %v", got)
	}
	l.start(at(10.3), known[1], 0)
	if gone := (store.LeaseCheckpoint{ID: 4, RemainingTTL: 50}); !l.renewed(at(10.4), got[0]) {
		t.Error("a renewal does not outdo a checkpoint that was due before")
	} else if l.revoke(4); !l.renewed(at(10.4), gone) {
		t.Error("a lease that was revoked needs a checkpoint")
	}
	if len(l.checkpoints) > 0 {
		t.Errorf("planned and never to come: %v", l.checkpoints)
	}
	off := primaryLessor(DefaultConfig())
	off.grant(0, leaseOf(1, 1000))
	if len(off.checkpoints) > 0 {
		t.Error("checkpoints although they are off")
	}
}

// The lessor agrees with a list of deadlines, whatever happens to the leases.
func TestLessorAgreesWithDeadlines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := primaryLessor(DefaultConfig())
		deadlines := map[int64]sim.Time{}
		var now sim.Time
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += sim.Time(rapid.Int64Range(0, 3e9).Draw(t, "after"))
			id, ttl := rapid.Int64Range(1, 9).Draw(t, "id"), rapid.Int64Range(1, 20).Draw(t, "ttl")
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0, 1:
				l.start(now, leaseOf(id, ttl), 0)
				deadlines[id] = now.Add(seconds(ttl))
			case 2:
				l.revoke(id)
				delete(deadlines, id)
			case 3:
				var want []int64
				for id, d := range deadlines { // unordered: sorted below
					if d <= now {
						want = append(want, id)
						deadlines[id] = now.Add(l.retry)
					}
				}
				slices.Sort(want)
				got := l.expired(now, 99)
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Fatalf("expired at %v: %v, want %v", now, got, want)
				}
			}
		}
	})
}
