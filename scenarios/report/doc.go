// Package report tells what a run was like: as text for people ([Text]), on one
// line for sweeps ([Line]), and as JSON for programs ([JSON]).
//
// A report is a pure function of the result: no wall clock, no width of a
// terminal, no path of this machine. Two runs of one seed give the same bytes.
// Colour is an argument, and never the only sign: there is a mark and a word
// beside each.
package report
