// Package chronicle turns the events of a trace into what people look at: packets
// with their fate, what each member was at each moment, what its log held, and
// what belongs to one operation. Pictures, exports and lessons are drawn from it.
//
// A [Film] watches a run and keeps a window of it, for a run may have millions of
// events. What happened before the window is folded into the state in which the
// window begins, so that every moment in it can be shown in full.
//
// A chronicle is a pure function of the trace. It judges nothing and knows nothing
// that the trace does not say; the texts of requests come from the history that
// the run left.
package chronicle
