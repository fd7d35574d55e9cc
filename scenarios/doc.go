// Package scenarios makes things happen: it reads the scenario language, holds
// the built-in scenarios, and runs one of them in a universe of its own
// ([Run]).
//
// A scenario ([File]) is a story in statements, one a line: what the universe
// is like, what clients ask of it, which faults befall it, and what must be
// true afterwards.
//
//	cluster nodes=5
//	# 1. a leader serves writes
//	wait    leader within=10s as=$old
//	load    w clients=4 keys=3 mix=put:5,get:4
//	wait    acked w >=50 within=5s
//	# 2. kill it
//	kill    $old
//	wait    leader within=10s
//
// Blocks hold statements that happen repeatedly or at the same time (block.go,
// strand.go). One table (statements.go) is the language: the parser, the runner, the help
// and the documentation read it. Waits are on conditions in virtual time;
// a condition says which events may change it, and is asked again only after
// one of them, so that watching costs nothing between.
//
// A run goes on in four steps: the statements (execute.go); a quiet end in which
// loads stop, a write and a read of everything succeed, and the members
// converge (settle.go); the judges (judge.go); and a [Result]. The network is
// healed and members are restarted only if the scenario says so.
//
// A run has no effect but its result, reads no clock and shares nothing: any
// number may go on beside each other, and the same scenario, seed and options
// give the same bytes everywhere. What is random is drawn from streams of the
// seed; the scenario's own draws ("any", "minority") come from the stream
// "scenario".
package scenarios
