// Package shrink makes failing scenarios short: it takes away whatever the
// failure does not need, until a person can read what is left.
//
// It is delta debugging (Zeller and Hildebrandt, "Simplifying and isolating
// failure-inducing input", 2002) on statements and their words. It knows nothing
// of what statements mean: it leaves some out, or words of some, or makes numbers
// and times smaller; prints that, and parses it again. What does not parse is
// mended by leaving out the statements that do not, or given up. So a statement
// that the language learns tomorrow is shrunk today.
//
// A candidate is kept only if it was run and fails by the same judge and property,
// and, where the failure comes of defects that were switched on, passes without
// them. Because what is left out moves what follows, a candidate gets several
// seeds; the one that fails is part of the result.
//
// The result depends on the scenario, the seed and the effort, not on how many
// candidates are tried at a time: of several that fail, the first in a fixed order
// is taken.
package shrink
