// Package live is where the outside world enters. A [Driver] paces a universe
// against the wall clock and turns what comes from outside, requests of real
// clients and statements of whoever operates the cluster, into inputs with a
// virtual time. Members, network and disks are those of every other run; they do
// not know that somebody is watching.
//
// Everything that enters is a statement of the scenario language, and each is written
// by a [Recorder] behind the place in the run where it entered. So the recording is a
// scenario: played without clock or sockets it comes to the same digest, and whatever
// is done with scenarios can be done with a session of real clients.
//
//	 goroutines of the edge            the loop (one goroutine)            universe
//	Call, Stream ── messages ──> take, place, record ── Input ──> cluster, members, network
//	        <────── answers ───────────────────────────────────<
//
// Virtual time follows the wall clock and never overtakes it by more than
// [Lead]: what an input sets off within that time happens at once, so that real
// clients do not wait for simulated microseconds.
//
// The package speaks no protocol; those are in the packages below it. It decides
// nothing about what happens in a universe, and no clock reading ever reaches one
// except as the time at which an input enters.
package live
