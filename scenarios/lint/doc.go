// Package lint finds scenarios that cannot mean what they say ([Check]): a split
// that leaves no quorum, and then a wait for a leader; a fault that is still there
// when members are to converge; a variable that nobody reads.
//
// It reads a scenario without running it, and so does not know who the members are
// that a run draws, nor how long anything takes. It follows the statements in order
// and keeps the least number of members that must be down or cut off by then,
// whoever they are. What it finds is certain: a finding is a mistake, or a statement
// that could be left out. It does not find everything; where members come and go, or
// where statements go on at the same time, it knows less and says less.
//
// Unlike the parser, which refuses what has no meaning, it speaks of scenarios that
// run. It draws nothing, and changes nothing.
package lint
