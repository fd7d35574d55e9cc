// Package compare holds our store beside a real etcd. It is for tests only, and a
// module of its own, so that the simulator does not inherit what an etcd server
// depends on.
//
// # Model
//
// A random sequence of requests goes to a real etcd, over gRPC as any client's
// would, and to ours twice: to the store alone, with what a member checks before
// it (bare), and to a simulated cluster of one member (member). All three begin
// empty, and after each request their answers must be equal: results, revisions,
// events, error codes and error texts. A difference is shrunk to the shortest
// sequence that still shows it.
//
// Numbers that the servers choose have no fixed values in such a sequence:
// revisions are written relative to the newest or to the last compaction, the IDs
// of leases and members by the order in which they were given out, and tokens by
// their user. So a sequence from which requests are missing still means something.
//
// # What it never does
//
// It waits for no lease: times to live are long or the lease is revoked at once,
// for ours passes virtual time and etcd's the real one. It looks at one member
// only: elections and replication are the business of the simulator's own judges.
package compare
