package checker

import (
	"testing"

	"etcdsim/sim/trace"
)

// A vote may reach the disk although its sync did not complete.
func TestRecoveredVoteMayBeUnknown(t *testing.T) {
	s := committed()
	s.state(3, 2, 0)
	s.crash(3)
	s.start(3, 2, 1)
	s.grant(3, 2, 2)
	s.legal(t)
}

// What a member has after a restart is held against what was durable before.
func TestRestartedWith(t *testing.T) {
	contrasts(t, committed, []variants{
		{
			// Nothing that is under way excuses it.
			name: "a log that is lost while a leader sends a snapshot", property: restartDurable,
			wrong: func(s *story) { s.write(2, 3, 1, 1); s.sendSnapshot(1, 2); s.crash(2); s.startAt(2, 1, 2, 2) },
			right: func(s *story) { s.write(2, 3, 1, 1); s.sendSnapshot(1, 2); s.crash(2); s.startAt(2, 1, 3, 2) },
			why:   "n2 restarted with a log that ends at index 2, though it was durable through 3",
		},
		{
			// The leader would let a snapshot's entries follow from there.
			name: "another log, while a leader sends a snapshot", property: logMatching,
			wrong: func(s *story) { s.sendSnapshot(1, 2); s.crash(2); s.startAt(2, 1, 2, 2); s.append(2, 3, 9, 9) },
			right: func(s *story) { s.sendSnapshot(1, 2); s.crash(2); s.startAt(2, 1, 2, 2); s.append(2, 3, 9, 1) },
			why:   "n2 appended index 3 after an entry of term 9, though its entry 2 is of term 1",
		},
		{
			// n3 had an entry of term 9 where term 1 committed another.
			name: "its own log, with a snapshot over which it died", property: leaderCompleteness,
			wrong: func(s *story) { s.write(3, 2, 9, 0); s.crash(3); s.startAt(3, 1, 2, 1); s.elect(3, 1, 10) },
			right: func(s *story) {
				s.write(3, 2, 9, 0)
				s.crash(3)
				s.install(3, 2)
				s.startAt(3, 1, 2, 2)
				s.elect(3, 1, 10)
			},
			why: "n3 leads term 10 with an entry of term 9 at index 2, where an entry of term 1 was committed in term 1",
		},
		{
			name: "a vote that was durable, though nobody had heard of it", property: voteDurable,
			wrong: func(s *story) { s.state(3, 2, 2); s.crash(3); s.start(3, 2, 1); s.grant(3, 1, 2) },
			right: func(s *story) { s.state(3, 2, 2); s.crash(3); s.start(3, 2, 1); s.grant(3, 2, 2) },
			why:   "n3 told n1 of its vote in term 2 before it was durable (durable: term 2, vote n2)",
		},
		{
			name: "a vote in a later term than that which was durable", property: voteDurable,
			wrong: func(s *story) { s.state(3, 2, 2); s.crash(3); s.start(3, 2, 1); s.grant(3, 1, 3) },
			right: func(s *story) { s.state(3, 2, 2); s.crash(3); s.start(3, 3, 1); s.grant(3, 1, 3) },
			why:   "n3 told n1 of its vote in term 3 before it was durable (durable: term 2, vote n2)",
		},
		{
			name: "no configuration yet", property: electedByVoters,
			wrong: func(s *story) {
				s.startAt(4, 0, 0, 0)
				s.write(4, 2, 1, 0)
				s.state(3, 2, 4)
				s.grant(3, 4, 2)
				s.state(4, 2, 4)
				s.role(4, trace.RoleLeader, 2)
			},
			right: func(s *story) { s.startAt(4, 0, 0, 0) },
			why:   "n4 became leader of term 2 without being one of the voters nobody",
		},
	})
}

// A member was restarted between two times if it was down for a moment of them.
func TestRestarted(t *testing.T) {
	inv := NewInvariants(3)
	inv.Observe(&trace.Event{Kind: trace.MemberStart, Member: 2, At: ms(1), B: 1})
	inv.Observe(&trace.Event{Kind: trace.MemberCrash, Member: 2, At: ms(20)})
	inv.Observe(&trace.Event{Kind: trace.MemberCrash, Member: 3, At: ms(25)})
	inv.Observe(&trace.Event{Kind: trace.MemberStart, Member: 2, At: ms(30), B: 2})
	for _, tt := range []struct {
		from, to int
		want     bool
	}{{1, 19, false}, {1, 20, true}, {22, 28, true}, {30, 40, true}, {31, 40, false}} {
		if got := inv.restarted(2, ms(tt.from), ms(tt.to)); got != tt.want {
			t.Errorf("restarted between %d and %d ms: %v", tt.from, tt.to, got)
		}
	}
	inv.Observe(&trace.Event{Kind: trace.MemberCrash, Member: 2, At: ms(50)})
	if !inv.restarted(2, ms(60), ms(70)) {
		t.Error("a member that is down answers from nothing that it knew")
	}
	if (*Invariants)(nil).restarted(2, 0, ms(70)) {
		t.Error("nobody watched, and yet a member was restarted")
	}
}
