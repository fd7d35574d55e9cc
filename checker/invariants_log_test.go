package checker

import (
	"fmt"
	"testing"

	"etcdsim/sim/trace"
)

// What is known of a member's log: which entry stands where, and what of it a crash
// cannot take back.
func TestFollowsALog(t *testing.T) {
	contrasts(t, committed, []variants{
		{
			name: "a batch of which the end was replaced", property: appendDurable,
			wrong: func(s *story) {
				s.append(2, 3, 1, 1)
				s.append(2, 4, 1, 1)
				s.append(2, 4, 2, 1)
				s.durable(2, 4, 1)
				s.ack(2, 1, 4, 2)
			},
			right: func(s *story) {
				s.append(2, 3, 1, 1)
				s.append(2, 4, 1, 1)
				s.append(2, 4, 2, 1)
				s.durable(2, 4, 1)
				s.ack(2, 1, 3, 2)
			},
			why: "n2 acknowledged the log through index 4 to n1, though it was durable only through 3",
		},
		{
			name: "a batch that a snapshot has made void", property: appendDurable,
			wrong: func(s *story) {
				s.append(3, 3, 1, 1)
				s.install(3, 2)
				s.durable(3, 3, 1)
				s.append(3, 3, 1, 1)
				s.ack(3, 1, 3, 1)
			},
			right: func(s *story) {
				s.append(3, 3, 1, 1)
				s.install(3, 2)
				s.append(3, 3, 1, 1)
				s.durable(3, 3, 1)
				s.ack(3, 1, 3, 1)
			},
			why: "n3 acknowledged the log through index 3 to n1, though it was durable only through 2",
		},
		{
			// The leader of term 5 sends what one of term 2 had left behind. What the
			// leader of term 4 is to be told may be on its way still.
			name: "an acknowledgement from before entries of an old term came", property: appendDurable,
			wrong: func(s *story) { s.write(2, 3, 1, 1); s.follows(5, 2); s.append(2, 3, 2, 1); s.ack(2, 1, 3, 5) },
			right: func(s *story) { s.write(2, 3, 1, 1); s.follows(5, 2); s.append(2, 3, 2, 1); s.ack(2, 1, 3, 4) },
			why:   "n2 acknowledged the log through index 3 to n1, though it was durable only through 2",
		},
		{
			name: "an acknowledgement from before a crash", property: appendDurable,
			wrong: func(s *story) {
				s.write(2, 3, 1, 1)
				s.append(2, 3, 2, 1)
				s.crash(2)
				s.start(2, 2, 2)
				s.ack(2, 1, 3, 1)
			},
			right: func(s *story) {
				s.write(2, 3, 1, 1)
				s.append(2, 3, 2, 1)
				s.crash(2)
				s.start(2, 2, 3)
				s.ack(2, 1, 3, 1)
			},
			why: "n2 acknowledged the log through index 3 to n1, though it was durable only through 2",
		},
		{
			name: "the first of three terms at one index, two entries", property: logMatching,
			wrong: func(s *story) {
				s.append(1, 3, 1, 1)
				s.append(2, 3, 5, 1)
				s.emit(trace.Event{Kind: trace.LogAppend, Member: 3, Term: 1, Index: 3, B: 7})
			},
			right: func(s *story) { s.append(1, 3, 1, 1); s.append(2, 3, 5, 1); s.append(3, 3, 1, 0) },
			why: fmt.Sprintf("index 3 of term 1 is one entry on n1 (after term 1, hash %016x) and another on n3 (after term 0, hash %016x)",
				hash(3, 1), 7),
		},
		{
			name: "an entry after another, which its writer does not know", property: logMatching,
			wrong: func(s *story) { s.append(2, 3, 1, 9) },
			right: func(s *story) { s.append(2, 3, 1, 0) },
			why:   "n2 appended index 3 after an entry of term 9, though its entry 2 is of term 1",
		},
		{
			name: "a predecessor that the first writer does not know", property: logMatching,
			wrong: func(s *story) { s.append(1, 3, 1, 1); s.append(3, 3, 1, 9) },
			right: func(s *story) { s.append(1, 3, 1, 0); s.append(3, 3, 1, 9) },
			why: fmt.Sprintf("index 3 of term 1 is one entry on n1 (after term 1, hash %016x) and another on n3 (after term 9, hash %016x)",
				hash(3, 1), hash(3, 1)),
		},
		{
			// What replaced an entry is durable: a crash leaves the new one.
			name: "a log that is known after a crash", property: logMatching,
			wrong: func(s *story) {
				s.write(2, 3, 1, 1)
				s.write(2, 3, 2, 1)
				s.crash(2)
				s.start(2, 2, 3)
				s.append(2, 4, 2, 1)
			},
			right: func(s *story) {
				s.write(2, 3, 1, 1)
				s.write(2, 3, 2, 1)
				s.crash(2)
				s.start(2, 2, 3)
				s.append(2, 4, 2, 2)
			},
			why: "n2 appended index 4 after an entry of term 1, though its entry 3 is of term 2",
		},
		{
			name: "an entry that was appended and survived a crash", property: logMatching,
			wrong: func(s *story) { s.append(2, 3, 2, 1); s.crash(2); s.start(2, 2, 3); s.append(2, 4, 2, 1) },
			right: func(s *story) { s.append(2, 3, 2, 1); s.crash(2); s.start(2, 2, 3); s.append(2, 4, 2, 2) },
			why:   "n2 appended index 4 after an entry of term 1, though its entry 3 is of term 2",
		},
	})
}

// Entries may be replaced before anything was committed, and where nothing is committed
// yet.
func TestReplacedWhereNothingIsCommitted(t *testing.T) {
	s := newStory(3)
	s.append(2, 2, 1, 0)
	s.append(2, 2, 2, 0)
	s.legal(t)
	s = committed()
	end := uint64(len(s.inv.committed)) // as far as the account has come
	for i := uint64(3); i <= end; i++ {
		s.append(2, i, 1, 0)
	}
	s.append(2, end, 2, 0)
	s.legal(t)
}

// A log is followed correctly through a crash that leaves open which tail
// survived: nothing is concluded from what is not known.
func TestUnknownTailsAreNoViolations(t *testing.T) {
	s := committed()
	s.write(2, 3, 1, 1)
	s.write(2, 4, 1, 1)
	s.append(2, 4, 2, 1) // replaces index 4, not yet durable
	s.append(2, 3, 3, 1) // and now index 3
	s.crash(2)
	s.start(2, 1, 4) // either log
	s.elect(2, 3, 4)
	s.append(2, 4, 1, 1) // the old one, as it turns out
	s.legal(t)
}

// The tail of a log stays unknown from the first place that was replaced, until all that
// replaced it is durable.
func TestUnknownFromTheFirstReplacement(t *testing.T) {
	play := func() *story {
		s := committed()
		s.write(2, 3, 1, 1)
		s.write(2, 4, 1, 1)
		s.append(2, 3, 2, 1)
		s.append(2, 4, 2, 2)
		s.append(2, 4, 3, 2) // a second replacement, behind the first one
		return s
	}
	s := play()
	s.crash(2)
	s.start(2, 3, 4)
	s.append(2, 4, 4, 1) // after the oldest entry 3, as it turns out
	s.legal(t)

	s = play()
	s.durable(2, 3, 2)
	s.crash(2)
	s.start(2, 3, 4)
	s.append(2, 5, 4, 2) // after the entry 4 between
	s.legal(t)
}
