// Package learn is a course on raft and etcd, taught on runs of the real library.
//
// A [Lesson] runs a scenario, stops at the moments that matter, says what the members
// just did and why, and asks. What it says about the run is computed from the run,
// and so are the right answers: which members could win now, whether this entry is
// committed. A lesson that says something untrue of a run refuses the run; the seed
// taught is the first one of which everything said is true. So the course stays true
// when the simulator changes, or fails its test.
//
// The package knows no terminal and no page: a [Course] is cards with texts and
// questions, which others show.
package learn
