// Package disk is the simulated storage device of one member: named files that
// grow at their end, a sync that takes time, and crashes.
//
// # Fault model
//
// A write goes to a buffer, is read back from there at once, and is durable when
// a sync that began after it has completed. A sync covers the whole device:
// everything written, created and removed before it began.
//
// When a process ends and its machine goes on ([Disk.Abandon]), nothing is lost, and
// nothing becomes durable: the next process reads what the last one wrote, and must sync
// before it relies on that.
//
// A crash of the machine keeps what is durable, byte for byte. The rest is decided by
// draws:
//
//   - kept: the system had written all of it back in time;
//   - lost: every file ends where it was last synced;
//   - torn, decided for each file: the sectors of 512 bytes that a sync under way
//     covered have reached the platter or not, each on its own; of what no sync
//     covered a prefix of sectors has. Below the last sector that did, and
//     sometimes one sector beyond it, the missing ones hold zeros or garbage.
//
// The names obey the same rule: a file created since the last sync is gone
// unless some of its bytes survive; of the files removed since then, the last
// ones may be back.
//
// A sector is written as a whole or not at all, and writing the rest of a sector
// does no harm to the durable bytes in it. What was synced is never lost, moved
// or changed, unless a fault is injected: bits that rot, sectors of garbage and
// sectors that were written to the wrong place ([Disk.Damage]), and syncs that lie
// ([Disk.Lie]).
//
// Beside crashes: syncs can be slow ([Disk.Slow]), stop until released
// ([Disk.Stall]), the device can be full ([ErrFull], [Disk.Fill]), and it can fail
// ([ErrIO], [Disk.Fail]), or only some of its syncs do ([Disk.FailSyncs]).
//
// Injected damage lies over the bytes and is seen by reading only. Underneath, the
// pristine bytes are kept, so that [Disk.Repair] takes all of it back.
//
// The disk keeps no time: it names the latency of a sync, and the owner of the
// event queue says when it has passed.
package disk
