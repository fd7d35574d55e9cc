package checker

import (
	"testing"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// Votes, consents to a campaign, and terms.
func TestVotes(t *testing.T) {
	contrasts(t, committed, []variants{
		{
			name: "a second vote after a restart", property: oneVote,
			wrong: func(s *story) { s.crash(2); s.start(2, 1, 2); s.grant(2, 3, 1) },
			right: func(s *story) { s.crash(2); s.start(2, 1, 2); s.grant(2, 1, 1) },
			why:   "n2 voted for n3 in term 1, after it had voted for n1",
		},
		{
			name: "nobody would vote for it", property: consented,
			wrong: func(s *story) { s.healthy(); s.role(3, trace.RoleCandidate, 2) },
			right: func(s *story) { s.healthy(); s.consent(1, 3, 2); s.role(3, trace.RoleCandidate, 2) },
			why:   "n3 campaigned in term 2 with the consent of n3 only, though n1, n2 followed a leader; the voters are n1, n2, n3",
		},
		{
			name: "nobody is asked where members do not ask", property: consented,
			wrong: func(s *story) { s.healthy(); s.role(3, trace.RoleCandidate, 2) },
			right: func(s *story) { s.healthy(); s.inv.PreVote = false; s.role(3, trace.RoleCandidate, 2) },
			why:   "n3 campaigned in term 2 with the consent of n3 only, though n1, n2 followed a leader; the voters are n1, n2, n3",
		},
		{
			name: "somebody would have voted for it, two terms ago", property: consented,
			wrong: func(s *story) { s.healthy(); s.follows(2, 1, 2); s.consent(1, 3, 1); s.role(3, trace.RoleCandidate, 3) },
			right: func(s *story) { s.healthy(); s.follows(2, 1, 2); s.consent(1, 3, 2); s.role(3, trace.RoleCandidate, 3) },
			why:   "n3 campaigned in term 3 with the consent of n3 only, though n1, n2 followed a leader; the voters are n1, n2, n3",
		},
		{
			name: "consents of two terms ago do not outlive others", property: consented,
			wrong: func(s *story) {
				s.healthy()
				s.follows(3, 1, 2)
				s.consent(1, 3, 2)
				s.consent(4, 3, 4)
				s.consent(2, 3, 2)
				s.role(3, trace.RoleCandidate, 4)
			},
			right: func(s *story) {
				s.healthy()
				s.follows(3, 1, 2)
				s.consent(4, 3, 4)
				s.consent(2, 3, 3)
				s.role(3, trace.RoleCandidate, 4)
			},
			why: "n3 campaigned in term 4 with the consent of n3 only, though n1, n2 followed a leader; the voters are n1, n2, n3",
		},
		{
			name: "nobody would vote for it in the first term, which it has missed", property: consented,
			wrong: func(s *story) { s.healthy(); s.role(3, trace.RoleCandidate, 1) },
			right: func(s *story) { s.healthy(); s.consent(1, 3, 1); s.role(3, trace.RoleCandidate, 1) },
			why:   "n3 campaigned in term 1 with the consent of n3 only, though n1, n2 followed a leader; the voters are n1, n2, n3",
		},
		{
			name: "a learner would vote for it", property: consented,
			wrong: func(s *story) { s.healthy(); s.consent(4, 3, 2); s.role(3, trace.RoleCandidate, 2) },
			right: func(s *story) { s.healthy(); s.consent(2, 3, 2); s.role(3, trace.RoleCandidate, 2) },
			why:   "n3 campaigned in term 2 with the consent of n3 only, though n1, n2 followed a leader; the voters are n1, n2, n3",
		},
		{
			name: "a leader of the past wanted it to campaign", property: consented,
			wrong: func(s *story) { s.healthy(); s.urge(1, 3, 0); s.role(3, trace.RoleCandidate, 2) },
			right: func(s *story) { s.healthy(); s.urge(1, 3, 1); s.role(3, trace.RoleCandidate, 2) },
			why:   "n3 campaigned in term 2 with the consent of n3 only, though n1, n2 followed a leader; the voters are n1, n2, n3",
		},
		{
			name: "a leader wanted it to campaign once", property: consented,
			wrong: func(s *story) {
				s.healthy()
				s.urge(1, 3, 1)
				s.follows(2, 1, 2)
				s.role(3, trace.RoleCandidate, 3)
			},
			right: func(s *story) {
				s.healthy()
				s.urge(1, 3, 2)
				s.follows(2, 1, 2)
				s.role(3, trace.RoleCandidate, 3)
			},
			why: "n3 campaigned in term 3 with the consent of n3 only, though n1, n2 followed a leader; the voters are n1, n2, n3",
		},
		{
			name: "nobody would vote for it, but the leader is dead", property: consented,
			wrong: func(s *story) { s.healthy(); s.crash(3); s.start(3, 1, 1); s.role(3, trace.RoleCandidate, 2) },
			right: func(s *story) { s.healthy(); s.crash(1); s.role(3, trace.RoleCandidate, 2) },
			why:   "n3 campaigned in term 2 with the consent of n3 only, though n1, n2 followed a leader; the voters are n1, n2, n3",
		},
		{
			name: "nobody would vote for it, but the leader is one of an earlier term", property: consented,
			wrong: func(s *story) { s.healthy(); s.role(3, trace.RoleCandidate, 2) },
			right: func(s *story) { s.healthy(); s.role(3, trace.RoleCandidate, 3) },
			why:   "n3 campaigned in term 2 with the consent of n3 only, though n1, n2 followed a leader; the voters are n1, n2, n3",
		},
		{
			name: "a candidate votes for another", property: oneVote,
			wrong: func(s *story) { s.role(3, trace.RoleCandidate, 2); s.state(3, 2, 2); s.grant(3, 2, 2) },
			right: func(s *story) { s.role(3, trace.RolePreCandidate, 1); s.state(3, 2, 2); s.grant(3, 2, 2) },
			why:   "n3 voted for n2 in term 2, after it had voted for n3",
		},
		{
			name: "a candidate votes for another after a restart", property: oneVote,
			wrong: func(s *story) {
				s.role(3, trace.RoleCandidate, 2)
				s.state(3, 2, 3)
				s.crash(3)
				s.start(3, 2, 1)
				s.grant(3, 2, 2)
			},
			right: func(s *story) { // nobody has heard of its own vote
				s.role(3, trace.RoleCandidate, 2)
				s.crash(3)
				s.start(3, 1, 1)
				s.state(3, 2, 2)
				s.grant(3, 2, 2)
			},
			why: "n3 voted for n2 in term 2, after it had voted for n3",
		},
		{
			name: "a vote told before it is durable", property: voteDurable,
			wrong: func(s *story) { s.grant(3, 2, 2); s.state(3, 2, 2) },
			right: func(s *story) { s.state(3, 2, 2); s.grant(3, 2, 2) },
			why:   "n3 told n2 of its vote in term 2 before it was durable (durable: term 0, vote none)",
		},
		{
			name: "a leader without a durable vote", property: voteDurable,
			wrong: func(s *story) { s.role(2, trace.RoleCandidate, 2); s.role(2, trace.RoleLeader, 2) },
			right: func(s *story) { s.elect(2, 3, 2) },
			why:   "n2 became leader of term 2 before its vote for itself was durable (durable: term 1, vote n1)",
		},
		{
			name: "a leader whose durable vote is for another", property: voteDurable,
			wrong: func(s *story) { s.role(2, trace.RoleCandidate, 2); s.state(2, 2, 3); s.role(2, trace.RoleLeader, 2) },
			right: func(s *story) { s.elect(2, 3, 2) },
			why:   "n2 became leader of term 2 before its vote for itself was durable (durable: term 2, vote n3)",
		},
		{
			name: "a leader whose durable vote for itself is an old one", property: voteDurable,
			wrong: func(s *story) { s.state(3, 1, 3); s.role(3, trace.RoleLeader, 2) },
			right: func(s *story) { s.write(3, 2, 1, 0); s.elect(3, 1, 2) },
			why:   "n3 became leader of term 2 before its vote for itself was durable (durable: term 1, vote n3)",
		},
		{
			name: "a leader of another term than that in which its vote may be durable", property: voteDurable,
			wrong: func(s *story) { s.crash(3); s.start(3, 2, 1); s.role(3, trace.RoleLeader, 3) },
			right: func(s *story) {
				s.write(3, 2, 1, 0)
				s.crash(3)
				s.start(3, 2, 2)
				s.state(1, 2, 3)
				s.grant(1, 3, 2)
				s.role(3, trace.RoleLeader, 2)
			},
			why: "n3 became leader of term 3 before its vote for itself was durable (durable: term 2, vote unknown)",
		},
		{
			name: "a vote in a term that is not durable", property: voteDurable,
			wrong: func(s *story) { s.state(3, 1, 2); s.grant(3, 2, 2) },
			right: func(s *story) { s.state(3, 3, 0); s.grant(3, 2, 2) }, // too late to vote again
			why:   "n3 told n2 of its vote in term 2 before it was durable (durable: term 1, vote n2)",
		},
		{
			name: "a saved term that goes back", property: termMonotonic,
			wrong: func(s *story) { s.state(2, 0, 0) },
			right: func(s *story) { s.state(2, 1, 1) },
			why:   "n2 saved term 0 after term 1",
		},
		{
			name: "a term that goes back", property: termMonotonic,
			wrong: func(s *story) { s.role(2, trace.RoleFollower, 0) },
			right: func(s *story) { s.role(2, trace.RoleFollower, 1) },
			why:   "n2 went from term 1 back to term 0",
		},
		{
			name: "a consent of the term before does not make forget the others", property: consented,
			wrong: func(s *story) { s.healthy(); s.consent(4, 3, 2); s.consent(4, 3, 1); s.role(3, trace.RoleCandidate, 2) },
			right: func(s *story) { s.healthy(); s.consent(1, 3, 2); s.consent(4, 3, 1); s.role(3, trace.RoleCandidate, 2) },
			why:   "n3 campaigned in term 2 with the consent of n3 only, though n1, n2 followed a leader; the voters are n1, n2, n3",
		},
	})
}

// A member that told of its vote before it was durable and died may not vote again, even
// where nothing on its disk says so.
func TestVotesAreRememberedThroughACrash(t *testing.T) {
	s := committed()
	s.grant(2, 3, 2)
	s.crash(2)
	s.start(2, 1, 2)
	s.state(2, 2, 1)
	if s.inv.first[oneVote] != nil {
		t.Fatalf("%+v", s.inv.Violations())
	}
	if s.grant(2, 1, 2); s.inv.first[oneVote] == nil {
		t.Errorf("n2 voted for n3 and n1 in term 2, but only %+v", s.inv.Violations())
	}
}

// Elections are told in order, and who led at a time is who won the latest term then.
func TestElectionsAreRemembered(t *testing.T) {
	s := committed()
	first := s.inv.Elections()[0]
	s.elect(2, 3, 2)
	second := s.inv.Elections()[1]
	if len(s.inv.Elections()) != 2 || first.Member != 1 || first.Term != 1 || second.Member != 2 || second.Term != 2 {
		t.Fatalf("elections %+v", s.inv.Elections())
	}
	for _, tt := range []struct {
		at   sim.Time
		want Election
	}{{first.At - 1, Election{}}, {first.At, first}, {second.At - 1, first}, {second.At, second}} {
		if e, ok := s.inv.leaderBefore(tt.at); e != tt.want || ok != (tt.want.Member != 0) {
			t.Errorf("before %v: %+v %v, want %+v", tt.at, e, ok, tt.want)
		}
	}
	// One of an earlier term that comes late leads nobody.
	s.state(3, 1, 3)
	s.role(3, trace.RoleLeader, 1)
	if e, _ := s.inv.leaderBefore(s.log.Now); e != second {
		t.Errorf("an election in term 1 after that in term 2 makes %+v the leader", e)
	}
	if !s.inv.leads(2, 2) || s.inv.leads(1, 2) || (*Invariants)(nil).leads(2, 2) {
		t.Error("n2 leads term 2, and nobody else does")
	}
	if _, ok := (*Invariants)(nil).leaderBefore(s.log.Now); ok {
		t.Error("nobody watched, and yet there is a leader")
	}
	if !s.inv.Broken() || newStory(3).inv.Broken() {
		t.Error("two leaders of term 1 break an invariant, and a beginning breaks none")
	}
}
