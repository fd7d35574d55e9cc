// Package v2store is etcd's older data model, a tree of directories and files
// with TTLs, as a replicated state machine, and the two HTTP APIs that speak it:
// v2 (modelled on etcd 3.4.23) and the flat v1 (modelled on etcd 0.4.9).
//
// # Model
//
// A node is a file with a value or a directory. Nodes whose name begins with an
// underscore are hidden: they are left out of listings and of recursive waits,
// and answer to their full path only. Every successful write takes the next
// index; a node remembers the index that created it and the index that wrote it
// last. A write yields an [Event], which carries the node and, where there was
// one, the node it replaced. The last [HistorySize] events are kept, so that a
// client which waits for one event after another misses none:
//
//	PUT    /job ttl=5  -> index 7, {action: set, node: {/job, 7}}
//	GET    /job?wait=true&waitIndex=8   (blocks)
//	SYNC   five seconds later           (a command of the log, see below)
//	                   -> index 8, {action: expire, node: {/job, 8}}
//
// # Replication
//
// [Store.Apply] is a pure function of the store and of a [Command]: members that
// apply the same commands hold the same bytes ([Store.Hash]). Time therefore
// travels inside the command. The member that proposes stamps its clock on it
// and turns a TTL into an instant; no member's clock decides anything when the
// entry is applied. A node does not vanish by itself when its instant has come:
// the leader proposes [Sync], and that command expires it, on every member at
// the same index. Until then it can be read, with a TTL of 0 or less.
//
// Reads ([Store.Get]) and waits ([Store.Watch]) belong to one member and do not
// pass through the log, except for a read with quorum, which does.
//
// # HTTP
//
// The front is three pure steps, so that the log fits between them:
//
//	call := Parse(request, now, member)   // a Call, or an answer at once
//	result := store.Apply(call.Command)   // on every member, through the log
//	response := call.Reply(result, member)
//
// # What it never does
//
// It reads no clock, starts no goroutine, draws nothing at random and depends on
// no map's order. Where etcd answers in map order (listings without sorted=true,
// the order in which a directory's children go) this package uses the order of
// names. It knows nothing of membership, of authentication or of sockets.
//
// Some of etcd's behaviour looks like a mistake and is kept, because clients and
// recordings depend on it. The places say "as etcd does".
package v2store
