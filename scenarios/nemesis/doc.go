// Package nemesis draws plans: which universe there is, what clients do in it and
// which faults befall it, all from a seed. A [Plan] is written down before anything
// happens, as a scenario ([Plan.File]): running it, saving, shortening and editing
// it are matters of the scenario language, and a saved plan gives the same run as
// the seed did.
//
// A seed draws the whole configuration ("swarm testing", Groce et al., ISSTA 2012):
// the size of the cluster, its ticks, the network, the disks, what clients do, and
// which kinds of faults there are at all. A run with few kinds goes deeper into them
// than one with all. Times are drawn in units of the election timeout, because that
// is what makes a fault short or long.
//
// A plan has two phases. In the first come rounds of faults; between rounds there is
// often a pause in which the cluster recovers, because one that never works has
// nothing to lose. In the second a quorum, or everybody, is mended, and the rest stays
// as it is: now there must be a leader, answers and equal stores within a budget of
// virtual time. The nemesis takes nothing away for good that a quorum needs, so that
// in the end no outage is excused.
//
// Each part draws from a stream of its own. Statements name members, or are attempts
// ("? kill leader"): what a plan says does not depend on what happens, and a fault
// taken out ([Plan.Without]) leaves all others where they were.
package nemesis
