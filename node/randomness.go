package node

import (
	"fmt"

	"go.etcd.io/raft/v3"

	"etcdsim/sim"
)

// The library draws each election timeout from crypto/rand and offers no hook;
// everything else about it is deterministic. After every call into a RawNode the timeout it drew is
// replaced by a pure function of (seed, member, term, role): the same
// distribution, our own choice. There is no global state, so any number of
// simulations run in one process, and crypto/rand is left alone for those who
// need it, such as TLS.
//
// raft redraws only in becomeFollower, becomeCandidate and becomeLeader, which
// change term or role; a pure function of both needs no detection of redraws.
// becomePreCandidate does not redraw, and here does: the distribution is the
// same, since the value a pre-candidate would have kept was drawn alike.

// timer owns the election timeout of one RawNode.
type timer struct {
	seed          uint64 // of this member's stream
	electionTicks int

	term    *uint64
	state   *raft.StateType
	timeout *int

	// The timeout belongs to drawnTerm and drawnState.
	drawn      int
	drawnTerm  uint64
	drawnState raft.StateType
}

// newTimer takes over the election timeout of a member's raft.
func newTimer(in *inside, seed sim.Seed, member uint64, electionTicks int) timer {
	t := timer{
		seed: seedOf(seed, member), electionTicks: electionTicks, term: in.term, state: in.state, timeout: in.timeout,
	}
	t.draw()
	return t
}

// seedOf derives the seed of one member's timeouts.
func seedOf(seed sim.Seed, member uint64) uint64 {
	r := seed.Stream(fmt.Sprintf("raft/%d", member))
	return r.Uint64()
}

// settle restores our timeout. It must follow every call that may have changed
// the member's term or role.
func (t *timer) settle() {
	if *t.term != t.drawnTerm || *t.state != t.drawnState {
		t.draw()
	}
	*t.timeout = t.drawn
}

// draw chooses the timeout for the present term and role: uniform in
// [ElectionTick, 2*ElectionTick), as raft's own (Raft paper, section 5.2).
func (t *timer) draw() {
	t.drawnTerm, t.drawnState = *t.term, *t.state
	z := sim.Mix(t.seed + sim.Mix(t.drawnTerm<<2|uint64(t.drawnState)))
	t.drawn = t.electionTicks + int(z%uint64(t.electionTicks))
	*t.timeout = t.drawn
}
