package checker

import (
	"testing"

	"etcdsim/sim/trace"
)

// set is a bit set of IDs.
func set(ids ...int) (s uint64) {
	for _, id := range ids {
		s |= 1 << id
	}
	return s
}

// change: m commits and applies a change of the configuration.
func (s *story) change(m trace.Addr, index, voters, learners uint64) {
	s.commit(m, trace.RoleFollower, index, 1)
	s.emit(trace.Event{Kind: trace.ConfApplied, Member: m, Term: 1, Index: index, A: voters, B: learners})
}

// written: n1 and n2 have the entry durably.
func (s *story) written(index uint64) {
	s.write(1, index, 1, 1)
	s.write(2, index, 1, 1)
}

// grown: n1 leads term 1; n4 has joined as a learner, then as a voter, known to
// n1 and n2.
func grownTo(t *testing.T, voter bool) *story {
	t.Helper()
	s := committed()
	s.written(3)
	s.change(1, 3, set(1, 2, 3), set(4))
	s.change(2, 3, set(1, 2, 3), set(4))
	if voter {
		s.written(4)
		s.change(1, 4, set(1, 2, 3, 4), 0)
		s.change(2, 4, set(1, 2, 3, 4), 0)
	}
	if v := s.inv.Violations(); len(v) > 0 {
		t.Fatalf("the beginning violates %s: %s", v[0].Property, v[0].Why)
	}
	return s
}

func TestConfigurations(t *testing.T) {
	for _, tt := range []struct {
		name     string
		property invariant
		// voter: n4 votes when the play begins.
		voter        bool
		wrong, right func(s *story)
		why          string
	}{
		{
			name: "a vote too few", property: electedByVoters, voter: true,
			wrong: func(s *story) { s.elect(2, 3, 2) },
			right: func(s *story) { s.state(4, 2, 2); s.grant(4, 2, 2); s.elect(2, 3, 2) },
			why:   "n2 became leader of term 2 with the votes of n2, n3 only; the voters are n1, n2, n3, n4",
		},
		{
			name: "a learner's vote counts", property: electedByVoters,
			wrong: func(s *story) { s.elect(2, 4, 2) },
			right: func(s *story) { s.elect(2, 3, 2) },
			why:   "n2 became leader of term 2 with the votes of n2 only; the voters are n1, n2, n3",
		},
		{
			name: "a learner leads", property: electedByVoters,
			wrong: func(s *story) {
				s.start(4, 0, 0)
				s.emit(trace.Event{Kind: trace.SnapInstall, Member: 4, Index: 3, Term: 1})
				s.state(3, 2, 4)
				s.grant(3, 4, 2)
				s.elect(4, 2, 2)
			},
			right: func(s *story) { s.elect(2, 3, 2) },
			why:   "n4 became leader of term 2 without being one of the voters n1, n2, n3",
		},
		{
			name: "a consent too few", property: consented, voter: true,
			wrong: func(s *story) { s.healthy(); s.follows(1, 3, 4); s.consent(3, 2, 2); s.role(2, trace.RoleCandidate, 2) },
			right: func(s *story) {
				s.healthy()
				s.follows(1, 3, 4)
				s.consent(3, 2, 2)
				s.consent(4, 2, 2)
				s.role(2, trace.RoleCandidate, 2)
			},
			why: "n2 campaigned in term 2 with the consent of n2, n3 only, though n1, n3, n4 followed a leader; the voters are n1, n2, n3, n4",
		},
		{
			name: "a restart forgets the configuration", property: electedByVoters, voter: true,
			wrong: func(s *story) {
				// It recovers from a snapshot as of the change: it knows four voters.
				s.crash(2)
				s.emit(trace.Event{Kind: trace.MemberStart, Member: 2, Term: 1, Index: 4, A: 4, B: 2})
				s.elect(2, 3, 2)
			},
			right: func(s *story) {
				// It recovers from before the change, which it has yet to apply again.
				s.crash(2)
				s.emit(trace.Event{Kind: trace.MemberStart, Member: 2, Term: 1, Index: 4, A: 3, B: 2})
				s.elect(2, 3, 2)
			},
			why: "n2 became leader of term 2 with the votes of n2, n3 only; the voters are n1, n2, n3, n4",
		},
		{
			name: "a commit by the old majority", property: commitQuorum, voter: true,
			wrong: func(s *story) { s.written(5); s.commit(1, trace.RoleLeader, 5, 1) },
			right: func(s *story) { s.written(5); s.write(3, 5, 1, 0); s.commit(1, trace.RoleLeader, 5, 1) },
			why:   "n1 committed index 5 (term 1) when it was durable on 2 of 4 voters",
		},
		{
			name: "a learner's copy counts", property: commitQuorum,
			wrong: func(s *story) { s.write(1, 4, 1, 1); s.write(4, 4, 1, 0); s.commit(1, trace.RoleLeader, 4, 1) },
			right: func(s *story) { s.written(4); s.commit(1, trace.RoleLeader, 4, 1) },
			why:   "n1 committed index 4 (term 1) when it was durable on 1 of 3 voters",
		},
		{
			name: "two configurations at one index", property: oneConfiguration,
			wrong: func(s *story) {
				s.commit(3, trace.RoleFollower, 2, 1)
				s.apply(3, 2, 1, 100)
				s.change(3, 3, set(1, 2, 3, 4), 0)
			},
			right: func(s *story) {
				s.commit(3, trace.RoleFollower, 2, 1)
				s.apply(3, 2, 1, 100)
				s.change(3, 3, set(1, 2, 3), set(4))
			},
			why: "from index 3 on the voters are n1, n2, n3, n4 and the learners nobody on n3, but n1, n2, n3 and n4 on n1",
		},
		{
			name: "other learners at one index", property: oneConfiguration,
			wrong: func(s *story) {
				s.commit(3, trace.RoleFollower, 2, 1)
				s.apply(3, 2, 1, 100)
				s.change(3, 3, set(1, 2, 3), 0)
			},
			right: func(s *story) { s.install(3, 3) },
			why:   "from index 3 on the voters are n1, n2, n3 and the learners nobody on n3, but n1, n2, n3 and n4 on n1",
		},
		{
			name: "other voters at one index", property: oneConfiguration,
			wrong: func(s *story) {
				s.commit(3, trace.RoleFollower, 2, 1)
				s.apply(3, 2, 1, 100)
				s.change(3, 3, set(1, 2), set(4))
			},
			right: func(s *story) { s.install(3, 3) },
			why:   "from index 3 on the voters are n1, n2 and the learners n4 on n3, but n1, n2, n3 and n4 on n1",
		},
		{
			name: "whoever starts from a snapshot counts as it says", property: electedByVoters, voter: true,
			wrong: func(s *story) { s.install(4, 4); s.elect(4, 2, 2) },
			right: func(s *story) { s.install(4, 4); s.state(3, 2, 4); s.grant(3, 4, 2); s.elect(4, 2, 2) },
			why:   "n4 became leader of term 2 with the votes of n2, n4 only; the voters are n1, n2, n3, n4",
		},
		{
			name: "voter and learner at once", property: oneConfiguration,
			wrong: func(s *story) { s.written(4); s.change(1, 4, set(1, 2, 3, 4), set(4)) },
			right: func(s *story) { s.written(4); s.change(1, 4, set(1, 2, 3, 4), 0) },
			why:   "in the configuration of n1 at index 4 n4 both vote and learn",
		},
		{
			name: "a change that the others do not know", property: oneConfiguration, voter: true,
			wrong: func(s *story) { s.change(3, 2, set(1, 2), set(4)) },
			right: func(s *story) {
				s.commit(3, trace.RoleFollower, 2, 1)
				s.apply(3, 2, 1, 100)
				s.change(3, 3, set(1, 2, 3), set(4))
			},
			why: "n3 applied a change of the configuration at index 2, which n1, at index 4, does not know of",
		},
		{
			name: "two members at once", property: oneChange,
			wrong: func(s *story) { s.written(4); s.change(1, 4, set(1, 2, 3, 4, 5), 0) },
			right: func(s *story) { s.written(4); s.change(1, 4, set(1, 2), set(4)) },
			why:   "the change at index 4 turned the voters n1, n2, n3 into n1, n2, n3, n4, n5 at once",
		},
		{
			name: "a change while another is under way", property: changesApart,
			wrong: func(s *story) {
				s.written(4)
				s.written(5)
				s.write(3, 4, 1, 1)
				s.write(3, 5, 1, 1)
				s.change(1, 4, set(1, 2, 3, 4), 0)
				s.change(1, 5, set(2, 3, 4), 0)
			},
			right: func(s *story) {
				s.written(4)
				s.change(1, 4, set(1, 2, 3, 4), 0)
				s.written(5)
				s.write(3, 4, 1, 1)
				s.write(3, 5, 1, 1)
				s.change(1, 5, set(2, 3, 4), 0)
			},
			why: "n1, leader of term 1, took the change at index 5 into its log before it had applied the one at index 4: " +
				"a majority of the voters n1, n2, n3 need not meet one of the voters n2, n3, n4",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			contrast(t, func() *story { return grownTo(t, tt.voter) }, tt.wrong, tt.right, tt.property, tt.why)
		})
	}
}
