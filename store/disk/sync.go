package disk

import (
	"slices"
	"time"

	"etcdsim/sim/trace"
)

// Sync starts making durable everything that was written, created and removed so
// far. The caller calls Synced with the ticket's ID when its latency has passed.
// Several syncs may be under way; they complete in any order.
func (d *Disk) Sync() Ticket {
	s := d.start(time.Duration(int64(d.rand.Within(d.config.Sync)) * d.slow))
	if d.slow > 1 {
		d.log.Hit(trace.ProbeSyncSlowed)
	}
	if d.stalled {
		s.held = true
		d.log.Hit(trace.ProbeSyncStalled)
	}
	return Ticket{s.ID, s.Latency, s.held}
}

// Flush makes everything durable at once, and completes the syncs under way with
// it: what a member waits for as long as it takes, a stall included, when it
// starts and when it stops in good order. Given that time, the caches of a device
// that lies are empty, too. It returns ErrIO, and something may not be durable, if the
// device or a sync fails.
func (d *Disk) Flush() error {
	if d.failing {
		return ErrIO
	}
	lying := d.lying
	d.lying = false
	d.confess()
	d.start(0)
	for len(d.syncs) > 0 {
		d.end(d.syncs[0])
	}
	d.lying = lying
	return d.Failure()
}

// confess lets the next sync cover what others have said is durable and is not.
func (d *Disk) confess() {
	for _, f := range d.files {
		if f.kept < f.stable || !f.keptName {
			d.soil(f)
		}
	}
}

// Synced ends a sync, and returns true if it has completed. Otherwise the device is
// stalled, and the ticket comes again from Resume; or it fails, or this sync has, as
// Failure says; or a crash came first.
func (d *Disk) Synced(id uint64) bool {
	if d.failing {
		return false
	}
	for _, s := range d.syncs {
		if s.ID != id {
			continue
		}
		if d.stalled {
			s.held, s.Latency = true, 0
			d.log.Hit(trace.ProbeSyncStalled)
			return false
		}
		return d.end(s)
	}
	return false
}

// end lets a sync complete, unless it is to fail.
func (d *Disk) end(s *pending) bool {
	if d.toFail > 0 {
		d.failSync(s)
		return false
	}
	d.complete(s)
	return true
}

// start begins a sync.
func (d *Disk) start(latency time.Duration) *pending {
	d.started++
	s := d.newPending()
	*s = pending{Ticket: Ticket{ID: d.started, Latency: latency}, covers: s.covers[:0]}
	for _, f := range d.dirty {
		s.bytes += f.size - f.covered
		f.covered = f.size
		f.dirty = false
		s.covers = append(s.covers, cover{f, f.size})
	}
	d.dirty = d.dirty[:0]
	d.syncs = append(d.syncs, s)
	d.log.Emit(trace.Event{Kind: trace.DiskSync, Member: d.owner, ID: s.ID, A: uint64(s.bytes), B: uint64(latency)})
	return s
}

func (d *Disk) newPending() *pending {
	if n := len(d.finished); n > 0 {
		s := d.finished[n-1]
		d.finished = d.finished[:n-1]
		return s
	}
	return &pending{}
}

// complete makes durable what the sync covers.
func (d *Disk) complete(s *pending) {
	i := 0
	for ; d.syncs[i] != s; i++ {
		// What an earlier sync had in hand came before this one too.
		d.syncs[i].settle(d.lying)
	}
	s.settle(d.lying)
	d.syncs = slices.Delete(d.syncs, i, i+1)
	d.finished = append(d.finished, s)
	if len(d.gone) > 0 && !d.lying {
		d.settleRemovals(func(r removal) bool { return r.after < s.ID })
	}
	d.log.Emit(trace.Event{Kind: trace.DiskSynced, Member: d.owner, ID: s.ID, A: uint64(s.bytes)})
}

// settle notes that what the sync covers is durable, or that it is said to be.
func (s *pending) settle(lying bool) {
	for _, c := range s.covers {
		f := c.file
		if len(f.holes) > 0 {
			f.rewrite(c.size)
		}
		f.stable = max(f.stable, min(c.size, f.size)) // a tail may have been cut off
		f.named = true
		if !lying {
			f.kept, f.keptName = f.stable, true
		}
	}
}

// settleRemovals forgets the removed files whose removal is durable.
func (d *Disk) settleRemovals(durable func(removal) bool) {
	d.gone = slices.DeleteFunc(d.gone, func(r removal) bool {
		if !durable(r) {
			return false
		}
		d.recycle(r.file)
		return true
	})
}

// Slow multiplies the latency of syncs that start from now on; 1 is normal.
func (d *Disk) Slow(factor int64) {
	if factor = max(factor, 1); factor != d.slow {
		d.slow = factor
		d.fault(trace.FaultDiskSlow, uint64(d.slow), 0)
	}
}

// Stall stops all syncs: none completes until Resume. Writes are buffered all
// the while.
func (d *Disk) Stall() {
	if !d.stalled {
		d.stalled = true
		d.fault(trace.FaultDiskStall, 0, 0)
	}
}

// Stalled reports whether syncs are stopped.
func (d *Disk) Stalled() bool { return d.stalled }

// Resume lets syncs go on and returns those that waited, in order of their start
// and with the latency that is left to each. The caller calls Synced for each as
// for a new one.
func (d *Disk) Resume() []Ticket {
	if !d.stalled {
		return nil
	}
	d.stalled = false
	var waited []Ticket
	for _, s := range d.syncs {
		if s.held {
			s.held = false
			waited = append(waited, s.Ticket)
		}
	}
	d.fault(trace.FaultDiskResume, uint64(len(waited)), 0)
	return waited
}
