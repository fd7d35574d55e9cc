// Package workload is the clients inside the simulation: what they ask, of
// whom, and what they write down about it.
//
// A client is straight-line code ([Session]: Do a request, Sleep a while) that
// runs as a coroutine in the universe's one loop. It has one operation under
// way at a time and a connection to one member, which it keeps until that
// member fails it; then it takes the next, as the balancer of etcd's client
// does. It gives up waiting after a timeout, and then never learns the outcome.
// It never repeats a request by itself: whether a write that failed may be
// tried again is the application's decision (etcd #14890).
//
// Everything a client does is an event of the trace and an operation of the
// history, which the judges read. A [Load] is a number of clients that draw
// their requests from a mix; every value is written once in a run, so that a
// stale read cannot pass for a fresh one.
//
// Clients that watch ([Watches]) are event by event what etcd's client/v3 is: all
// watchers of a client share a stream, and when that breaks they go on at the next
// member after what they have seen. What each watcher is told is in the history, too.
//
// Clients never look at the members: all they know is what they were answered.
package workload
