package node

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// Automatic compaction, after etcd's api/v3compactor. Every member keeps the time
// and, if it goes by time, notes its revision now and then; only the one that
// believes that it leads proposes. So a new leader knows how old its history is.

// AutoCompaction says how a member compacts the history by itself; etcd's
// --auto-compaction-mode and --auto-compaction-retention. The zero value is never.
type AutoCompaction struct {
	// Period is how long history is kept at least. Keep is how many of the newest
	// revisions are kept. At most one of them is set.
	Period time.Duration
	Keep   uint64
}

// ParseAutoCompaction reads "off", "periodic:1h" or "revision:1000".
func ParseAutoCompaction(s string) (AutoCompaction, error) {
	mode, retention, _ := strings.Cut(s, ":")
	switch mode {
	case "off":
		if s == mode {
			return AutoCompaction{}, nil
		}
	case "periodic":
		if d, err := time.ParseDuration(retention); err == nil && d >= minCompactionPeriod {
			return AutoCompaction{Period: d}, nil
		}
	case "revision":
		if n, err := strconv.ParseUint(retention, 10, 62); err == nil && n > 0 {
			return AutoCompaction{Keep: n}, nil
		}
	}
	return AutoCompaction{}, fmt.Errorf(
		"%q is no automatic compaction: expected off, periodic:1h (%v at least) or revision:1000", s, minCompactionPeriod)
}

// minCompactionPeriod keeps a tenth of a period well above an instant.
const minCompactionPeriod = 100 * time.Millisecond

// String prints the setting as ParseAutoCompaction reads it.
func (a AutoCompaction) String() string {
	switch {
	case a.Period > 0:
		return "periodic:" + a.Period.String()
	case a.Keep > 0:
		return "revision:" + strconv.FormatUint(a.Keep, 10)
	}
	return "off"
}

const (
	// maxCompactionInterval is how often etcd compacts at least if it goes by time,
	// however long the period.
	maxCompactionInterval = time.Hour
	// compactionTries is how many times it looks in that time.
	compactionTries = 10
	// revisionInterval is how often it looks if it goes by revisions.
	revisionInterval = 5 * time.Minute
)

// interval returns the time between two compactions, if it goes by time.
func (a AutoCompaction) interval() time.Duration { return min(a.Period, maxCompactionInterval) }

// look returns the time between two looks.
func (a AutoCompaction) look() time.Duration {
	if a.Keep > 0 {
		return revisionInterval
	}
	return a.interval() / compactionTries
}

// compactor is a member's automatic compaction.
type compactor struct {
	// running: the timer of the next look is set, or a compaction is under way.
	running bool
	// noted are the member's revisions at its latest looks; the first is a period
	// old once there are enough of them.
	noted []int64
	// last is the revision of the last compaction that this member saw through, and
	// done when that was; before the first it is when the member began.
	last int64
	done sim.Time
	// again: there was one, so that the next follows after an interval rather than
	// a whole period.
	again bool
}

// compactNowAndThen begins with automatic compaction.
func (n *Node) compactNowAndThen() {
	n.compactor.running = true
	n.compactor.done = n.now
	n.awaitCompaction()
}

// awaitCompaction notes the revision and waits for the next look.
func (n *Node) awaitCompaction() {
	a, c := n.cfg.AutoCompaction, &n.compactor
	if a.Period > 0 {
		c.noted = append(c.noted, n.kv.Revision())
		if len(c.noted) > int(a.Period/a.look())+1 {
			c.noted = c.noted[1:]
		}
	}
	n.setTimer(a.look(), tokenCompact)
}

// lookWhetherToCompact proposes a compaction if it is time for one.
func (n *Node) lookWhetherToCompact() {
	revision, due := n.dueCompaction()
	if !n.leasing.leads || !due {
		n.awaitCompaction()
		return
	}
	n.log.Hit(trace.ProbeAutoCompaction)
	c := &n.compactor
	c.again = true
	n.ask(&store.CompactionRequest{Revision: revision}, func(r store.Response) {
		// Compacted so far already is as good.
		if r.Err == nil || r.Err == store.ErrCompacted {
			c.last, c.done = revision, n.now
		}
		n.awaitCompaction()
	})
}

// dueCompaction returns the revision to compact at, and whether it is time.
func (n *Node) dueCompaction() (revision int64, due bool) {
	a, c := n.cfg.AutoCompaction, &n.compactor
	if a.Keep > 0 {
		revision = n.kv.Revision() - int64(a.Keep)
		return revision, revision > 0 && revision != c.last
	}
	wait := a.Period
	if c.again {
		wait = a.interval()
	}
	revision = c.noted[0]
	return revision, n.now.Sub(c.done) >= wait && revision != c.last
}
