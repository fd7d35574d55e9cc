// Package mvcc is the multi-version store: etcd's key-value semantics as a
// deterministic state machine. [Store.Apply] takes the requests of the log one
// after another, [Store.Read] serves what changes nothing; both answer as an
// etcd 3.7 server does, to the letter of its error texts.
//
// # Model
//
// Every write appends a version; nothing is overwritten. A version carries the
// revision (main, sub) that wrote it: main counts the transactions that changed
// something, from 2, and sub the changes within one. The versions of a key form
// a chain from the newest to the oldest; a deletion is a version without value,
// a tombstone, which ends the key's life. So
//
//	put k=a, put k=b, delete k, put k=c
//
// leaves k with the chain
//
//	5 c (life created at 5) -> 4 tombstone -> 3 b -> 2 a (life created at 2)
//
// and a read at revision 3 answers b, at 4 nothing. Compaction at revision 3
// drops what no read at or after 3 can see: only 2. Compaction at 4 drops 2 and
// 3 and keeps the tombstone, because a watcher may still begin at 4 and must
// learn of the deletion (etcd #18089); compaction at 5 drops it, too.
//
// # Memory
//
// Versions lie in chunks in the order of their revisions, which is also the
// order in which watchers and checksums read them. A hash table finds a key for
// reads and writes of one key; a list of sorted blocks finds ranges. All of it
// only grows, except at a compaction, which builds a new one. Therefore a clone
// costs nothing: it shares everything and ignores the versions that were written
// after it. Answers share memory with the store and must not be changed.
//
// # Rules
//
// Users, roles and alarms are part of the state, too. Apply checks each request
// by the rules in force when it is applied, not when it was asked: whoever was
// admitted under older rules is refused. The size that quotas look at is that of
// the file which a real member would have.
//
// # What it never does
//
// It reads no clock and draws nothing: lease time is counted by the leader, which
// proposes revocations. It asks no quorum: whether a read may be served is the
// member's business. It is not for concurrent use, and neither is a store
// together with its clones.
package mvcc
