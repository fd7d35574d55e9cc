// Package playground is a universe that somebody plays with: it goes on as far as it is
// asked to, statements of the scenario language happen to it at any moment, and from
// any earlier moment another future can be had.
//
// # Model
//
// A [Session] has a story: statements with the times at which they happened. Time that
// passes freely leaves nothing in the story; before the next statement a wait for that
// instant is written. So the story is a scenario, and [Session.Story] run as a file
// gives the same universe. Another future is the story up to an instant, played anew,
// and a new statement.
//
// [Session.Do] takes a request and gives a [Frame]: what happened since the frame
// before, or everything if the past is another. Whoever shows it keeps all frames, so
// looking back costs nothing here.
//
// A session may be a lesson of package learn: the run of its course, from its beginning to
// its end, with the cards that lead through it. Whoever does something to it has left the
// lesson for a future of his own.
//
// # What it never does
//
// It knows no wall clock, no network and no browser: a server and a WebAssembly program
// are both thin shells around it. Looking changes nothing: no frame leaves a trace.
package playground
