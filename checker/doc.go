// Package checker holds the judges of a run. They decide from what was recorded,
// and from nothing else, whether the system kept its promises:
//
//   - linearizability: every answer follows from one order of all operations
//     that respects real time (linearizability.go, search.go);
//   - serializable reads: a read that may be stale is still a read of some past
//     state, never of the future and never backwards (serializable.go);
//   - durability: what was acknowledged is in the committed log once, as it was
//     asked, and stays there (durability.go);
//   - replicas: equal histories give equal stores (replicas.go);
//   - watch: every watcher is told of what it asked for, once, in order and whole,
//     over all its streams (watch.go);
//   - leases: a lease lives for as long as a client was told, and not much longer,
//     and takes exactly its keys with it (leases.go, overdue.go, lessors.go);
//   - locks: at most one client at a time may rely on a lock, and fenced writes
//     come in order (locks.go);
//   - elections: the same for whoever was elected, and who is said to lead did
//     (elections.go);
//   - auth: nothing is done that the rights in force forbid, and nothing denied that
//     they allow (auth.go, authority.go);
//   - raft: the invariants of the protocol, at every event (invariants*.go);
//   - liveness and coverage: that something happened at all (liveness.go,
//     coverage.go).
//
// Answers are judged against a reference of etcd's key-value store (model.go)
// that is written to be read. It shares no line with the store that the members
// run, so that the two cannot share a bug; the price is that a rule of etcd is
// written down twice.
//
// # Why the committed log may be used
//
// A client that timed out does not know whether its write took effect, and a
// checker that knows as little must consider both: a dozen such writes are more
// than porcupine can search. The simulator knows. A write whose proposal was
// never committed is dropped, one that was committed is pinned to its place.
// That stays honest because the log itself is judged apart: raft's invariants
// and the replicas' hashes show that it is one log, and the durability judge
// that it holds what was acknowledged. Histories from elsewhere have no log;
// there the search takes unknown outcomes as "maybe applied".
//
// # What a verdict means
//
// Pass is a proof, Violated comes with the operations that show it, and Unknown
// means that a search was given up: never a pass. Effort is counted in steps of
// the model, not in seconds, so that the verdict of a history is the same on
// every machine.
package checker
