// Package sweep lets many universes happen: scenarios times seeds, on all
// processors, one whole simulation per worker.
//
// A sweep is a numbered list of runs ([Header]). Whatever the number of workers
// and the order in which runs end, records come out in the order of their
// numbers, so that two sweeps of one list give the same bytes; a sweep that is
// stopped leaves a beginning of the list. Everything else follows from that: a
// results file ([Writer], [Reader]) can be continued where it ends, the files of
// shards can be merged into the one that a single sweep would have written
// ([Merge]), and what is told in the end ([Tally]) is a function of the records.
//
// This is one of the few places with goroutines and a wall clock. Neither
// reaches a run or a record: they decide only how many runs there are.
package sweep
