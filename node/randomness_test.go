package node

import (
	"testing"

	"go.etcd.io/raft/v3"

	"etcdsim/sim"
)

// TestTimeoutIsOurs proves that the timeout is a function of seed, member, term
// and role alone, within raft's bounds, and differs where it should.
func TestTimeoutIsOurs(t *testing.T) {
	drawn := func(seed sim.Seed, member, term uint64, state raft.StateType) int {
		var timeout int
		tm := timer{seed: seedOf(seed, member), electionTicks: 10, term: &term, state: &state, timeout: &timeout}
		tm.draw()
		timeout = 999 // as if raft had redrawn
		tm.settle()
		return timeout
	}
	draw := func(seed, member, term uint64, state raft.StateType) int {
		return drawn(sim.NewSeed(seed), member, term, state)
	}
	seen := map[int]int{}
	for term := range uint64(400) {
		d := draw(7, 1, term, raft.StateFollower)
		if d != draw(7, 1, term, raft.StateFollower) {
			t.Fatalf("term %d: two draws for the same seed, member, term and role differ", term)
		}
		if d < 10 || d >= 20 {
			t.Fatalf("term %d: timeout %d is outside [10, 20)", term, d)
		}
		seen[d]++
	}
	for d := 10; d < 20; d++ {
		if seen[d] < 20 {
			t.Errorf("timeout %d came %d times in 400 terms: far from uniform", d, seen[d])
		}
	}
	differs := func(what string, other func(term uint64) int) {
		for term := range uint64(50) {
			if other(term) != draw(7, 1, term, raft.StateFollower) {
				return
			}
		}
		t.Errorf("the timeout does not depend on the %s", what)
	}
	differs("seed", func(term uint64) int { return draw(8, 1, term, raft.StateFollower) })
	differs("turn", func(term uint64) int {
		turned := sim.NewSeed(7)
		turned.Turn(1)
		return drawn(turned, 1, term, raft.StateFollower)
	})
	differs("member", func(term uint64) int { return draw(7, 2, term, raft.StateFollower) })
	differs("term", func(term uint64) int { return draw(7, 1, term+1000, raft.StateFollower) })
	differs("role", func(term uint64) int { return draw(7, 1, term, raft.StateCandidate) })
}
