package learn

import (
	"fmt"
	"slices"

	"etcdsim/scenarios/report/chronicle"
	"etcdsim/sim/trace"
)

func election(t *teller) {
	t.scene()
	all := t.members()
	n := len(all)
	t.say("Raft keeps the same log on several members. To do so it first elects a leader: the leader decides " +
		"what comes next in the log, and the others follow it.")
	t.fact(len(those(all, func(m *memberState) bool { return m.Role == uint64(trace.RoleFollower) && m.Leader == 0 })) == n,
		"All %d members have just started. Everybody is a follower, and nobody knows a leader.", n)
	t.say("Each member waits for a time that it drew at random. Whoever hears no leader until then wants to become one.")

	pre := t.role(trace.RolePreCandidate)
	t.scene()
	first := uint64(pre.Member)
	term := t.member(first).Term
	t.fact(term == pre.Term,
		"%s waited the shortest. It does not begin an election at once: it asks the others whether they would vote for it. "+
			"That is PreVote, and it changes nobody's term, which is still %d.", member(first), term)
	t.ask(number("If they say yes, in which term does it begin its election?", term+1,
		"A candidate always goes to the next term. Terms are raft's clock: each has at most one leader, and "+
			"whoever hears of a later one follows it."))

	candidate := t.role(trace.RoleCandidate)
	t.scene()
	t.fact(uint64(candidate.Member) == first && candidate.Term == term+1,
		"A majority would. %s is a candidate now, in term %d. It votes for itself and asks the others for their votes.", member(first),
		candidate.Term)
	t.ask(number("How many votes does it need to win, its own included?", uint64(majority(n)),
		"A majority of all members, running or not. Two majorities always have a member in common, and a "+
			"member votes once a term: so no term has two leaders."))

	vote := t.find("a vote", trace.Kinds(trace.StateDurable), func(e *trace.Event) bool {
		return e.Term == candidate.Term && e.A == first && uint64(e.Member) != first
	})
	t.scene()
	t.fact(vote.Member != 0, "%s has written down on its disk that it votes for %s in term %d. Only now it answers.",
		chronicle.Name(vote.Member), member(first), candidate.Term)
	t.ask(yesNo("Could it have answered first and written later?", false,
		"If it crashed in between, it would forget its vote, and could vote for somebody else in the same "+
			"term: two leaders. (Try --bug vote-before-persist.)"))

	leader := t.role(trace.RoleLeader)
	t.scene()
	t.fact(uint64(leader.Member) == first && leader.Term == candidate.Term, "%s has a majority and leads term %d.", member(first),
		leader.Term)
	t.say("It tells everybody at once, and again every heartbeat, so that nobody else's patience ends.")
	t.ask(yesNo("Can another member still become leader of this same term?", false,
		"It would need a majority of votes of this term, and a majority has given theirs away."))

	heard := t.find("a follower that hears of it", trace.Kinds(trace.LeaderKnown, trace.RoleChange), func(e *trace.Event) bool {
		return e.B == first && uint64(e.Member) != first
	})
	t.scene()
	t.fact(heard.Term == leader.Term, "%s hears of it and follows, in term %d.", chronicle.Name(heard.Member), heard.Term)
}

func splitVote(t *teller) {
	t.phase(1)
	old := t.role(trace.RoleLeader)
	t.scene()
	n := len(t.members())
	t.fact(old.Member != 0, "%s leads term %d, and all is well. What if several members want to succeed it at the same moment?",
		chronicle.Name(old.Member), old.Term)

	t.find("the leader's death", trace.Kinds(trace.MemberCrash), func(e *trace.Event) bool { return e.Member == old.Member })
	t.scene()
	t.fact(t.member(uint64(old.Member)).Life == chronicle.Down,
		"It dies. And this scenario holds back all messages, so the others cannot hear each other's requests.")
	first := t.role(trace.RoleCandidate)
	for range n - 2 {
		t.role(trace.RoleCandidate)
	}
	t.scene()
	all := t.members()
	alone := those(all, func(m *memberState) bool {
		return m.up() && m.Role == uint64(trace.RoleCandidate) && m.Term == first.Term
	})
	t.fact(len(alone) == n-1, "%s are all candidates of term %d. Each has voted for itself.", and(alone), first.Term)
	t.ask(number("How many votes can each of them get in this term, at most?", 1,
		"One: its own. The others have given theirs to themselves, and a member votes once a term."))

	won := false
	for i := range t.Chronicle.Notes {
		e := &t.Chronicle.Notes[i]
		won = won || e.Kind == trace.RoleChange && e.Aux == trace.RoleLeader && e.Term == first.Term
	}
	leader := t.role(trace.RoleLeader)
	t.scene()
	t.fact(!won, "The messages arrive, everybody refuses everybody, and term %d ends without a leader. Nobody decides the tie.", first.Term)
	t.say("Each candidate waits again, for a time of its own, drawn anew. It is unlikely that two draw the same.")
	t.fact(leader.Term > first.Term, "%s was the first to wake, and won term %d before the others stirred.",
		chronicle.Name(leader.Member), leader.Term)
	t.ask(yesNo("Could a cluster have a leader in every term, if timeouts were all the same?", false,
		"With equal timeouts the candidates would meet again and again. Randomness breaks the symmetry; that "+
			"is why raft draws each timeout anew."))
}

func electionSafety(t *teller) {
	t.phase(2)
	t.scene()
	all := t.members()
	t.fact(len(those(all, (*memberState).up)) == len(all) && all[4].Last > all[0].Last,
		"n5 leads, and is cut off. Two writes are in its log, through entry %d, and in nobody else's.", all[4].Last)

	t.find("n4's return", trace.Kinds(trace.MemberStart), func(e *trace.Event) bool { return e.Member == 4 && e.At > 0 })
	t.scene()
	all = t.members()
	t.say("The others elected a leader and went on without it; n4 died on the way. Now all are together " +
		"again. Look at where their logs end.")
	for i := range all {
		m := &all[i]
		t.fact(m.up() && m.Last > 0, "%s: entry %d of term %d.", member(m.ID), m.Last, m.term(m.Last))
	}
	winners := canWin(all)
	t.say("A voter refuses a candidate whose log is older than its own: whose last entry is of an earlier " +
		"term, or of the same term and further back.")
	t.fact(len(winners) > 0 && len(winners) < len(all), "So not everybody could be elected now.")
	t.ask(which("Which members could win an election now?", winners,
		"Those to which a majority of all members would say yes: whose log is at least as new as those of that majority. "+
			"What is committed is on a majority; so every winner has it."))

	old := all[4]
	t.scene()
	t.fact(!slices.Contains(winners, 5) && old.term(old.Last) < all[winners[0]-1].term(all[winners[0]-1].Last),
		"n5 could not: its last entry is of term %d, which is over.", old.term(old.Last))
	t.ask(yesNo("Was a client told that the writes which only n5 has took effect?", false,
		"They were on one disk of five, so they were never committed. What may be lost is only what nobody was promised."))

	mended := t.find("n5's new entries", trace.Kinds(trace.LogAppend),
		func(e *trace.Event) bool { return e.Member == 5 && e.Term > old.term(old.Last) })
	t.scene()
	t.fact(mended.Index <= old.Last,
		"The leader sends n5 what it lacks. Entry %d was of term %d there, and is of term %d now: a leader makes "+
			"the others' logs like its own.",
		mended.Index, old.term(mended.Index), mended.Term)
}

func figure8(t *teller) {
	t.phase(2)
	t.scene()
	all := t.members()
	// The entry is the last one of the leader that died.
	entry, term := all[0].Last, all[0].term(all[0].Last)
	holders := func() []uint64 {
		return those(t.members(), func(m *memberState) bool { return m.term(entry) == term })
	}
	t.fact(len(holders()) == 2 && term > 0, "n1 led term %d and died. Its last entry, %d, is in two logs of five: %s.", term, entry,
		and(holders()))

	leader := t.role(trace.RoleLeader)
	t.scene()
	t.fact(uint64(leader.Member) == 5 && leader.Term > term,
		"n5, which does not have it, won term %d with the votes of others that lack it too.", leader.Term)
	later := t.find("n5's own entry", trace.Kinds(trace.LogAppend),
		func(e *trace.Event) bool { return uint64(e.Member) == 5 && e.Term == leader.Term })
	t.fact(later.Index == entry,
		"It begins its term with an entry of its own, at the same place %d, and dies before anybody else has it.", later.Index)
	t.ask(choose("Entries of two terms compete for the same place now. Which log do voters take for the newer one?", 1,
		"The one that ends with the later term, whatever its length. That comparison is what protects "+
			"committed entries, and here it decides the story.",
		fmt.Sprintf("that of n1, which ends with term %d", term), fmt.Sprintf("that of n5, which ends with term %d", leader.Term)))

	t.phase(3)
	again := t.role(trace.RoleLeader)
	t.phase(4)
	t.scene()
	t.fact(uint64(again.Member) == 1 && again.Term > leader.Term,
		"n1 came back, won term %d, and sent its old entry to others, before it died again.", again.Term)
	have := holders()
	t.fact(len(have) >= majority(len(all)), "Entry %d of term %d is now in %s: %s of five.", entry, term, plural(len(have), "log"),
		and(have))
	t.ask(yesNo("Is it committed?", false,
		"n5 has an entry of a later term, so its log counts as newer, and it can still be elected and replace "+
			"this one. A leader counts copies only of entries of its own term; older ones are committed with them."))

	last := t.role(trace.RoleLeader)
	t.scene()
	t.fact(uint64(last.Member) == 5, "And so it comes: n5 is back, and wins term %d.", last.Term)
	t.ask(yesNo(fmt.Sprintf("Will the others keep entry %d of term %d?", entry, term), false,
		"A leader never changes its own log; it makes the others like it. What differs from it is replaced."))
	t.find("the replacement", trace.Kinds(trace.LogAppend), func(e *trace.Event) bool { return e.Index == entry && e.Term == leader.Term })
	t.scene()
	t.fact(t.member(5).Term == last.Term, "The first of them has replaced it by that of n5.")
	t.find("the end of it", trace.Kinds(trace.CommitMoved), func(e *trace.Event) bool { return e.Index > entry })
	t.goTo(t.Chronicle.To)
	t.scene()
	t.fact(len(holders()) == 0,
		"In the end nobody has entry %d of term %d any more. The client that wanted it was never told that it had happened.", entry, term)
}
