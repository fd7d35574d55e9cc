// Package outside is the opening of a universe to whoever is not part of it:
// requests that no client of the simulation drew enter through it, and answers leave.
//
// An [Opening] is one endpoint on the network. What enters is an [Input], a value
// that prints as a statement of the scenario language; where it enters is a [Place] in
// the run. So a session with real clients is a scenario: whoever lets the same inputs
// enter at the same places of the same universe has the same run, bit by bit. The
// driver of package live writes that scenario down while it happens, and package
// scenarios plays it.
//
// The opening notes what was asked and answered as a history, for conditions and
// judges. It knows no clock but the universe's and no protocol; it decides nothing.
package outside
