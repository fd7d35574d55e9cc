// Package step is a run that a person walks through: statements of the scenario
// language one by one, with a look at members, links, disks and clients between them.
//
// # Model
//
// A [Session] is a story, the lines that have happened so far, and what is yet to
// come of the scenario it began with. Everything that lets time pass is a statement
// and becomes a line of the story: "message 3" is the wait for three deliveries, and
// so on. So the story is a scenario file at every moment, and run as a file it gives
// the same digest.
//
// Nothing is taken back in a universe. To go back is to play the story from the
// beginning and to stop earlier, which takes milliseconds and ends in just the same
// state, because seed and story decide everything.
//
// # What it never does
//
// It knows no terminal: a line goes in and text comes out ([Session.Do]). It looks at
// the universe and never touches it but through statements: looking changes no run.
package step
