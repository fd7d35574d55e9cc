// Package wal keeps a raft log, the hard state and the snapshots of one member
// as checksummed bytes on a simulated disk, and serves them to raft.
//
// # Two views
//
// A [Log] is a raft.Storage over memory: what raft may rely on. Beside it stand
// the bytes: what a crash leaves. [Log.Save] writes entries and hard state to
// the disk's buffer; they become durable with a sync, and the member makes the
// entries visible with [Log.Append] once it has completed. [Open] rebuilds the
// memory from the bytes alone.
//
// # Bytes
//
// The log is a sequence of records, cut into segment files. A record's position
// is its offset in the whole log, as if that were one file; a segment is named
// by the position of its first byte, so that nothing but the names is needed to
// find one's way. A segment begins with what recovery would otherwise need older
// segments for: the hard state and the newest snapshot marker.
//
// Records are framed as in package record. The position of a record enters its
// checksum, and each says how far the log was durable when it was written.
//
// # Recovery
//
// The records are read up to the first that is not valid. If it is where a crash
// tore an unsynced write, everything from there on is cut off: nobody was ever
// promised it. If a later valid record shows by its lag that the place had been
// durable, then the medium is at fault, and the log is refused with a
// [record.CorruptError]: to go on would be to forget what was promised. (Damage to the
// very last batch that was synced before a crash has no such witness, and looks
// like a torn write.)
//
// What is left is synced before anybody relies on it: the process that wrote it may have
// died in the middle of a sync, while its machine went on, and then the bytes can be read
// without being durable. (etcd 3.7.3 does not do that: watched by strace, a member that
// starts again syncs its backend, and its log only with the first entry that it writes.)
//
// A snapshot lives in a file of its own and counts only if the log holds its
// marker, at or below the committed index of the last hard state, and if its
// checksum holds. File and marker are written before the hard state that relies
// on them (etcd-io/etcd#10219): were it otherwise, a crash between the two would
// leave a committed index beyond the end of the log. A marker of a snapshot that
// was received from a leader also says that the log starts anew there; where its
// file did not survive the crash that interrupted the sync, the log ends before
// the marker.
package wal
