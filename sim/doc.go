// Package sim is the kernel of the simulated universe: virtual [Time], the
// event [Queue], named random streams ([Rand]), integer probabilities
// ([Ratio]) and coroutine processes ([Proc]) for client code that reads as a
// straight line.
//
// A simulation is one single-threaded loop over one queue ordered by
// (time, sequence). Nothing here, and nothing in the packages built on it,
// reads a wall clock, starts a goroutine, selects, or draws from a global
// source of randomness; a seed decides everything. Concurrency lives outside:
// a sweep runs one whole simulation per worker.
package sim
