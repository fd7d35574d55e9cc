package cluster

import (
	"errors"

	"etcdsim/node"
	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store/disk"
)

// Disks that no longer hold what they were given, and what becomes of their members. A
// member notices when it starts, by its checksums, and refuses: it must not serve what
// is not so, and must not forget what it has promised. That is no defect of it; its
// machine stays down until the disk is repaired or the member replaced.

// Damage damages the disk of a member in so many places where it will be noticed, and
// reports whether the disk held anything to damage.
func (c *Cluster) Damage(id uint64, kind disk.Damage, places uint64) bool {
	d := c.members[id-1].disk
	within := node.Proven(d)
	for range places {
		if !d.Damage(kind, within) {
			return d.Damaged() // what is left is not told from the damaged rest
		}
	}
	return true
}

// Wipe kills a member and empties its disk. It cannot come back as it was: see Start.
func (c *Cluster) Wipe(id uint64) {
	m := c.members[id-1]
	c.Kill(id)
	if m.lost == nil {
		m.lost = m.disk
	}
	c.log.Hit(trace.ProbeDiskWiped)
	m.disk = c.emptyDisk(m.addr)
	c.log.Emit(trace.Event{Kind: trace.MemberFault, Aux: trace.FaultWiped, Member: m.addr, A: uint64(m.lost.Used())})
}

// Wiped reports whether the disk of a member was emptied.
func (c *Cluster) Wiped(id uint64) bool { return c.members[id-1].lost != nil }

// Spoiled reports that the member may not find on its disk what it has promised to keep:
// the disk is damaged, lies, has forgotten something or will in a crash, or was wiped.
func (c *Cluster) Spoiled(id uint64) bool {
	m := c.members[id-1]
	return m.lost != nil || m.spoiled() || m.disk.Lying() || m.disk.Hollow()
}

// Unwipe puts the disk back that a member had before it was wiped, as if it had been
// taken out and not erased. Of one that runs it does nothing.
func (c *Cluster) Unwipe(id uint64) {
	if m := c.members[id-1]; m.lost != nil && m.state == Down {
		m.disk, m.lost = m.lost, nil
	}
}

// errBootstrapped is etcd's reason to refuse a member whose disk is empty, though it had
// begun already: it would vote and acknowledge a second time.
var errBootstrapped = errors.New("the member has already been bootstrapped")

// spoiled reports that what a member finds on its disk may not be what it had written.
func (m *member) spoiled() bool { return m.disk.Damaged() || m.disk.Forgot() }

// refused notes that a member could not start, or go on, on its disk as it is.
func (c *Cluster) refused(m *member, why error) {
	c.log.Hit(trace.ProbeDamageFound)
	c.log.Emit(trace.Event{
		Kind: trace.MemberFault, Aux: trace.FaultRefused, Member: m.addr, A: sim.Hash([]byte(why.Error())), B: uint64(m.incarnation),
	})
	m.refusal = why
	m.disk.Abandon()
}

// ended ends a process that cannot go on: as it must where its disk refuses what it is
// to keep, and by a defect where that is not why.
func (c *Cluster) ended(m *member, why error) {
	if !errors.Is(why, disk.ErrFull) && !errors.Is(why, disk.ErrIO) {
		c.breakdown(m, why.Error(), "")
		return
	}
	c.diskRefused(why)
	c.KillProcess(m.id)
}

// diskRefused notes that a member ended because its disk did not take or give what it
// was to.
func (c *Cluster) diskRefused(why error) {
	switch {
	case errors.Is(why, disk.ErrFull):
		c.log.Hit(trace.ProbeDiskFull)
	case errors.Is(why, disk.ErrIO):
		c.log.Hit(trace.ProbeDiskFailed)
	}
}

// Refusal returns why a member did not start the last time it was to, or nil.
func (c *Cluster) Refusal(id uint64) error { return c.members[id-1].refusal }

// crash lets the disk of a member crash with it.
func (c *Cluster) crash(m *member) {
	if loss := m.disk.Crash(); loss.Broken > 0 {
		c.log.Emit(trace.Event{Kind: trace.MemberFault, Aux: trace.FaultForgot, Member: m.addr, A: uint64(loss.Broken)})
	}
}
