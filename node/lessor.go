package node

import (
	"cmp"
	"container/heap"
	"slices"
	"time"

	"etcdsim/sim"
	"etcdsim/store"
	"etcdsim/store/mvcc"
)

// The rates and batches of etcd's lessor.
const (
	// leasePeriod is how often the leader looks for leases that expired and for
	// checkpoints that are due.
	leasePeriod = 500 * time.Millisecond
	// revokeRate is how many leases are revoked a second at most; each look takes
	// half of them.
	revokeRate = 1000
	// checkpointBatch is how many checkpoints one log entry holds, and
	// checkpointRate how many entries a second there are.
	checkpointBatch = 1000
	checkpointRate  = 1000
)

// lessor counts the time that leases have left. Which leases exist, and for how
// long they were granted, is replicated state of the store; when one expires is
// known to the leader alone, whose lessor is called primary. It knows no log and
// no clock: the member tells it what happened, and when.
type lessor struct {
	// retry is how long the revocation of an expired lease may take before the
	// lessor names it once more.
	retry time.Duration
	// checkpointEvery is the time between two checkpoints of a lease; 0 is never.
	checkpointEvery time.Duration

	// primary: this member leads and has applied all that came before it led.
	// Otherwise there are no countdowns, and no lease ever expires.
	primary    bool
	countdowns map[int64]*countdown
	// expiries are the countdowns, the next to be looked at first.
	expiries expiries
	// checkpoints are those planned, the next due first. A lease may have several.
	checkpoints checkpoints
}

// countdown is the time of one lease.
type countdown struct {
	id     int64
	expiry sim.Time
	// look is when the lessor looks at it: at its expiry, and later again if it is
	// still there then.
	look sim.Time
	// index is its place among the expiries.
	index int
}

// planned is a checkpoint to come.
type planned struct {
	at sim.Time
	id int64
}

func newLessor(cfg Config) lessor {
	l := lessor{retry: cfg.RequestTimeout(), countdowns: make(map[int64]*countdown)}
	if cfg.LeaseCheckpoint {
		l.checkpointEvery = cfg.LeaseCheckpointInterval
	}
	return l
}

// promote makes the lessor the primary one. It does not know when its
// predecessor renewed which lease, so each begins anew, with all of its time (or
// what the last checkpoint left) and the time that an election may have taken.
func (l *lessor) promote(now sim.Time, leases []mvcc.Lease, extend time.Duration) {
	l.primary = true
	for _, lease := range leases {
		l.start(now, lease, extend)
		l.plan(now, lease)
	}
	if len(leases) >= revokeRate {
		l.spread(now, leases, extend)
	}
}

// spread delays the expiry of some of very many leases, so that those which would
// expire in one second are fewer than can be revoked in it.
func (l *lessor) spread(now sim.Time, leases []mvcc.Lease, extend time.Duration) {
	leases = slices.Clone(leases)
	slices.SortStableFunc(leases, func(a, b mvcc.Lease) int {
		return cmp.Compare(l.countdowns[a.ID].expiry, l.countdowns[b.ID].expiry)
	})
	const perSecond = 3 * revokeRate / 4
	base := l.left(leases[0].ID, now)
	window := base + time.Second
	expiring := 0
	for _, lease := range leases {
		left := l.left(lease.ID, now)
		if left > window {
			base, window, expiring = left, left+time.Second, 1
			continue
		}
		if expiring++; expiring <= perSecond {
			continue
		}
		delay := time.Duration(expiring)*time.Second/perSecond - (left - base)
		window = base + delay
		l.start(now, lease, delay+extend)
		l.plan(now, lease)
	}
}

// demote makes the lessor a follower's: it forgets all times.
func (l *lessor) demote() {
	l.primary = false
	clear(l.countdowns)
	l.expiries, l.checkpoints = nil, nil
}

// grant takes in a new lease.
func (l *lessor) grant(now sim.Time, lease mvcc.Lease) {
	if l.primary {
		l.start(now, lease, 0)
		l.plan(now, lease)
	}
}

// start begins the time of a lease anew.
func (l *lessor) start(now sim.Time, lease mvcc.Lease, extend time.Duration) {
	expiry := now.Add(extend).Add(seconds(lease.Remaining))
	if c := l.countdowns[lease.ID]; c != nil {
		c.expiry, c.look = expiry, expiry
		heap.Fix(&l.expiries, c.index)
		return
	}
	c := &countdown{id: lease.ID, expiry: expiry, look: expiry}
	l.countdowns[lease.ID] = c
	heap.Push(&l.expiries, c)
}

// seconds returns a duration, the longest one if it would overflow.
func seconds(n int64) time.Duration {
	const most = int64(1<<63-1) / int64(time.Second)
	return time.Duration(max(min(n, most), -most)) * time.Second
}

// revoke forgets a lease that is no more.
func (l *lessor) revoke(id int64) {
	if c := l.countdowns[id]; c != nil {
		heap.Remove(&l.expiries, c.index)
		delete(l.countdowns, id)
	}
}

// left returns the time that a lease has left, which is not positive if it
// expired.
func (l *lessor) left(id int64, now sim.Time) time.Duration {
	return l.countdowns[id].expiry.Sub(now)
}

// overdue reports whether a lease is past its expiry, by a count that goes on.
func (l *lessor) overdue(id int64, now sim.Time) bool {
	return l.countdowns[id] != nil && l.left(id, now) <= 0
}

// expired returns leases that are past their expiry, up to limit, the oldest
// first. Each is named again only after the retry time.
func (l *lessor) expired(now sim.Time, limit int) []int64 {
	var ids []int64
	for len(l.expiries) > 0 && l.expiries[0].look <= now && len(ids) < limit {
		c := l.expiries[0]
		c.look = now.Add(l.retry)
		heap.Fix(&l.expiries, 0)
		ids = append(ids, c.id)
	}
	return ids
}

// plan plans the next checkpoint of a lease that has more time left than passes
// until then.
func (l *lessor) plan(now sim.Time, lease mvcc.Lease) {
	if l.primary && l.checkpointEvery > 0 && seconds(lease.Remaining) > l.checkpointEvery {
		heap.Push(&l.checkpoints, planned{now.Add(l.checkpointEvery), lease.ID})
	}
}

// due returns checkpoints that are due, up to limit. A lease that is gone,
// expired, or was renewed just now needs none.
func (l *lessor) due(now sim.Time, limit int, lookup func(id int64) (mvcc.Lease, bool)) []store.LeaseCheckpoint {
	var due []store.LeaseCheckpoint
	for len(l.checkpoints) > 0 && l.checkpoints[0].at <= now && len(due) < limit {
		id := heap.Pop(&l.checkpoints).(planned).id
		lease, ok := lookup(id)
		if !ok || l.left(id, now) <= 0 {
			continue
		}
		if left := int64((l.left(id, now) + time.Second - 1) / time.Second); left < lease.TTL {
			due = append(due, store.LeaseCheckpoint{ID: id, RemainingTTL: left})
		}
	}
	return due
}

// renewed reports whether a lease has more time than a checkpoint says that was due,
// or has ended.
func (l *lessor) renewed(now sim.Time, c store.LeaseCheckpoint) bool {
	return l.countdowns[c.ID] == nil || l.left(c.ID, now) > seconds(c.RemainingTTL)
}

// idle reports that time changes nothing here.
func (l *lessor) idle() bool { return len(l.expiries) == 0 && len(l.checkpoints) == 0 }

// expiries is a heap of countdowns by the time of the next look; ties go to the
// smaller ID.
type expiries []*countdown

// Len implements heap.Interface, and so do the others below.
func (h expiries) Len() int { return len(h) }

func (h expiries) Less(i, j int) bool {
	return h[i].look < h[j].look || h[i].look == h[j].look && h[i].id < h[j].id
}

func (h expiries) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *expiries) Push(x any) {
	c := x.(*countdown)
	c.index = len(*h)
	*h = append(*h, c)
}

func (h *expiries) Pop() any {
	last := len(*h) - 1
	c := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return c
}

// checkpoints is a heap of planned checkpoints by their time; ties go to the
// smaller ID.
type checkpoints []planned

// Len implements heap.Interface, and so do the others below.
func (h checkpoints) Len() int { return len(h) }

func (h checkpoints) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].id < h[j].id
}

func (h checkpoints) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h *checkpoints) Push(x any) { *h = append(*h, x.(planned)) }

func (h *checkpoints) Pop() any {
	last := len(*h) - 1
	p := (*h)[last]
	*h = (*h)[:last]
	return p
}
