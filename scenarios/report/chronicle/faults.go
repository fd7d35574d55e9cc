package chronicle

import (
	"fmt"
	"time"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// What ails members and their disks: what events make of it, and what they are called.

// ail changes what ails the disk of the event's member.
func (w *world) ail(e *trace.Event, begins, ends uint64, c *Chronicle) {
	w.set(e, Disk, w.members[e.Member].fields[Disk]&^ends|begins, c)
}

func (w *world) diskFault(e *trace.Event, c *Chronicle) {
	switch e.Aux {
	case trace.FaultDiskStall:
		w.ail(e, DiskStalled, 0, c)
	case trace.FaultDiskResume:
		w.ail(e, 0, DiskStalled, c)
	case trace.FaultDiskSlow:
		times := e.A
		if times <= 1 {
			times = 0
		}
		w.set(e, SlowSyncs, times, c)
	case trace.FaultDiskFull:
		w.ail(e, DiskFull, 0, c)
	case trace.FaultDiskFree:
		w.ail(e, 0, DiskFull, c)
	case trace.FaultDiskRot, trace.FaultDiskGarbage, trace.FaultDiskMisdirected:
		w.ail(e, DiskDamaged, 0, c)
	case trace.FaultDiskLie:
		w.ail(e, DiskLies, 0, c)
	case trace.FaultDiskFail, trace.FaultDiskFailSyncs:
		w.ail(e, DiskFails, 0, c)
	case trace.FaultDiskSyncFailed:
		if e.B == 0 {
			w.ail(e, 0, DiskFails, c)
		}
	case trace.FaultDiskRepair:
		w.ail(e, 0, DiskDamaged|DiskLies|DiskFails|DiskWiped, c)
	}
}

func (w *world) memberFault(e *trace.Event, c *Chronicle) {
	switch e.Aux {
	case trace.FaultClockPace:
		w.set(e, Drift, e.A, c)
	case trace.FaultClockTurned:
		w.set(e, Ahead, e.A, c)
	case trace.FaultSlowSteps:
		w.set(e, SlowSteps, e.A, c)
	case trace.FaultWiped: // another disk, without the faults of the one before
		w.set(e, Disk, DiskWiped, c)
		w.set(e, SlowSyncs, 0, c)
	}
}

// tellDisk says in words what happened to a disk.
func tellDisk(who string, e *trace.Event) string {
	disk := "the disk of " + who
	switch e.Aux {
	case trace.FaultDiskStall:
		return disk + " stalls: no sync completes"
	case trace.FaultDiskResume:
		return disk + " goes on"
	case trace.FaultDiskSlow:
		if e.A <= 1 {
			return disk + " is as fast as before"
		}
		return fmt.Sprintf("%s is slow: syncs take %d times as long", disk, e.A)
	case trace.FaultDiskFull:
		return disk + " is full"
	case trace.FaultDiskFree:
		return disk + " has room again"
	case trace.FaultDiskRot:
		return "bits flip on " + disk
	case trace.FaultDiskGarbage:
		return "garbage takes the place of a sector on " + disk
	case trace.FaultDiskMisdirected:
		return "a sector of " + disk + " holds what belongs elsewhere"
	case trace.FaultDiskLie:
		return disk + " lies from now on: what its syncs cover is lost in a crash"
	case trace.FaultDiskFail:
		return disk + " fails"
	case trace.FaultDiskRepair:
		return disk + " is repaired"
	case trace.FaultDiskFailSyncs:
		return fmt.Sprintf("syncs of %s will fail: the next %d", disk, e.A)
	case trace.FaultDiskSyncFailed:
		return fmt.Sprintf("a sync of %s fails: %d bytes are there to be read, and will never be durable", disk, e.A)
	}
	return disk + " has a fault"
}

// tellFault says in words what happened to a member's machine or process.
func tellFault(who string, e *trace.Event) string {
	switch e.Aux {
	case trace.FaultClockPace:
		return fmt.Sprintf("the clock of %s runs at another pace: %s", who, sim.Drift(e.A))
	case trace.FaultClockTurned:
		return fmt.Sprintf("the wall clock of %s jumps by %s, and is off by %s", who, time.Duration(e.B), time.Duration(e.A))
	case trace.FaultTrapSet:
		switch {
		case e.A == 0:
			return who + " is spared: it dies at no point of its code"
		case e.Index > 0:
			return who + "'s process will die at a certain point of its code; its machine goes on"
		}
		return who + " will die at a certain point of its code"
	case trace.FaultTrapSprung:
		return who + " dies at that point of its code"
	case trace.FaultWiped:
		return fmt.Sprintf("the disk of %s is emptied: %d bytes are gone", who, e.A)
	case trace.FaultForgot:
		return fmt.Sprintf("the crash of %s lost %d bytes that its disk had said were durable", who, e.A)
	case trace.FaultRefused:
		return who + " does not start from its disk as it is"
	case trace.FaultSlowSteps:
		if e.A == 0 {
			return "the processor of " + who + " is fast again"
		}
		return fmt.Sprintf("the processor of %s is slow: a step takes up to %s", who, time.Duration(e.A))
	}
	return who + " has a fault"
}
