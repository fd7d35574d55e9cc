package sim

import "iter"

// Proc is a process inside the simulation: straight-line code that asks for
// something (a wish of type W: "sleep 10 ms", "send this request"), is
// suspended, and goes on when the loop hands it an answer of type A. It is a
// coroutine: it runs only inside Start and Resume, on the caller's stack of
// events, never beside it. A switch costs about 90 ns.
type Proc[W, A any] struct {
	next   func() (W, bool)
	stop   func()
	answer A
}

// NewProc returns a process that will run body. The body asks through await,
// which returns the answer. Nothing runs before Start.
func NewProc[W, A any](body func(await func(W) A)) *Proc[W, A] {
	p := &Proc[W, A]{}
	p.next, p.stop = iter.Pull(func(yield func(W) bool) {
		defer func() {
			if r := recover(); r != nil && r != errStopped {
				panic(r)
			}
		}()
		body(func(w W) A {
			if !yield(w) {
				panic(errStopped)
			}
			return p.answer
		})
	})
	return p
}

// errStopped unwinds a body whose process was stopped.
var errStopped = new(struct{ _ byte })

// Start runs the body up to its first wish. It returns false when the body
// ended without one.
func (p *Proc[W, A]) Start() (W, bool) { return p.next() }

// Resume answers the pending wish and runs the body up to its next one. It
// returns false when the body has ended.
func (p *Proc[W, A]) Resume(answer A) (W, bool) {
	p.answer = answer
	return p.next()
}

// Stop ends the process where it waits: its deferred calls run, the rest of its
// body does not. Every process that may still be waiting must be stopped, or it
// is leaked. Stopping an ended process does nothing.
func (p *Proc[W, A]) Stop() { p.stop() }
