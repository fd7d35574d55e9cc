package learn

import (
	"etcdsim/checker/history"
	"etcdsim/scenarios/report/chronicle"
	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// put returns the first acknowledged put that stands alone in the log for a while, so
// that its way can be followed.
func (t *teller) put() placed {
	return t.first("a put that was acknowledged", t.operations("w"), func(p *placed) bool {
		_, put := p.Request.(*store.PutRequest)
		return put && p.Outcome == history.OK && p.Index > 3
	})
}

func replication(t *teller) {
	op := t.put()
	t.goTo(op.Invoke)
	t.scene()
	n := len(t.members())
	t.say("Follow one write on its way.")
	t.fact(op.Member > 0, "Client c%d asks %s: %s.", op.Client, member(op.Member), store.Describe(op.Request))

	written := t.find("the leader's entry", trace.Kinds(trace.LogAppend),
		func(e *trace.Event) bool { return e.Index == op.Index && e.Term == op.Term })
	t.scene()
	leader := uint64(written.Member)
	t.fact(t.member(leader).Role == uint64(trace.RoleLeader),
		"It came to the leader, %s, which puts it at the end of its log: entry %d of term %d.",
		member(leader), op.Index, op.Term)
	t.say("At the same time it sends it to the followers, with the index and term of the entry before: who does not have that one refuses.")
	t.ask(which("In whose log is the entry at this moment?", those(t.members(),
		func(m *memberState) bool { return m.term(op.Index) == op.Term }),
		"The leader's only. The others learn of it when the message arrives."))

	follower := t.find("a follower's entry", trace.Kinds(trace.LogAppend), func(e *trace.Event) bool {
		return e.Index == op.Index && e.Term == op.Term && uint64(e.Member) != leader
	})
	t.scene()
	t.fact(follower.At > written.At, "%s got it %s later and writes it. It answers when its disk has it, not before.",
		chronicle.Name(follower.Member), (follower.At - written.At).String())

	durable := t.find("the follower's sync", trace.Kinds(trace.LogDurable),
		func(e *trace.Event) bool { return e.Member == follower.Member && e.Index >= op.Index })
	t.fact(durable.At >= follower.At, "At %s it is on its disk.", durable.At)
	t.ask(number("How many disks must have an entry before it is committed, in a cluster of this size?", uint64(majority(n)),
		"A majority. Whichever members are lost then, as long as a majority is left one of them has it."))

	commit := t.find("the commit", trace.Kinds(trace.CommitMoved),
		func(e *trace.Event) bool { return uint64(e.Member) == leader && e.Index >= op.Index })
	t.scene()
	have := those(t.members(), func(m *memberState) bool { return m.holds(op.Index, op.Term) })
	t.fact(len(have) >= majority(n), "The leader has heard enough: entry %d is committed. It is on the disks of %s.", op.Index, and(have))
	t.ask(yesNo("Do the followers know now that it is committed?", len(those(t.members(),
		func(m *memberState) bool { return m.ID != leader && m.Commit >= op.Index })) == n-1,
		"The leader tells them with its next message. Until then the entry is committed, and they do not know it."))

	applied := t.find("its application", trace.Kinds(trace.Apply),
		func(e *trace.Event) bool { return e.Index == op.Index && uint64(e.Member) == op.Member })
	t.goTo(op.Return)
	t.scene()
	t.fact(op.Return >= applied.At && applied.At >= commit.At,
		"%s applied it to its store at %s and answered; the client has its answer %s after it asked: revision %d.",
		member(op.Member), applied.At, (op.Return - op.Invoke).String(), op.Response.Revision)
}

func commitRule(t *teller) {
	op := t.put()
	t.goTo(op.Invoke)
	written := t.find("the leader's entry", trace.Kinds(trace.LogAppend),
		func(e *trace.Event) bool { return e.Index == op.Index && e.Term == op.Term })
	t.scene()
	n := len(t.members())
	leader := uint64(written.Member)
	t.say("An entry is committed once a majority of members has it on disk, if it is of the leader's own " +
		"term. Then it stays for ever. Three moments of one entry:")
	t.fact(leader > 0, "%s, the leader of term %d, has just put entry %d into its log. Nobody else has it.", member(leader), op.Term,
		op.Index)
	t.ask(yesNo("Is it committed?", t.committed(op), "One log of several, and not even on disk. If the leader died now, it could be lost."))

	for t.err == nil && !t.committed(op) {
		t.find("a sync that makes a majority", trace.Kinds(trace.LogDurable), func(e *trace.Event) bool { return e.Index >= op.Index })
	}
	t.scene()
	have := those(t.members(), func(m *memberState) bool { return m.holds(op.Index, op.Term) })
	t.fact(len(have) >= majority(n), "Now it is on the disks of %s.", and(have))
	knows := those(t.members(), func(m *memberState) bool { return m.Commit >= op.Index })
	t.fact(len(knows) == 0, "Nobody knows that: the acknowledgement is still under way to the leader.")
	t.ask(yesNo("Is it committed?", t.committed(op),
		"It is on a majority of disks, and of the term of the leader. Whoever is elected from now on has it: "+
			"a winner needs a vote of one of those members. To be committed, nobody needs to know it."))

	t.find("the leader's knowledge", trace.Kinds(trace.CommitMoved),
		func(e *trace.Event) bool { return uint64(e.Member) == leader && e.Index >= op.Index })
	t.scene()
	t.fact(t.member(leader).Commit >= op.Index, "The acknowledgement has come: the leader knows that everything through %d is committed.",
		t.member(leader).Commit)
	t.ask(yesNo("Did the leader have to hear of all members?", false,
		"A majority is enough, itself included. A slow member slows nobody down; a majority that is gone stops everything."))
}

// committed reports that a majority has an operation's entry on disk at the present
// moment, by the term of the leader that proposed it.
func (t *teller) committed(op placed) bool {
	all := t.members()
	return len(those(all, func(m *memberState) bool { return m.holds(op.Index, op.Term) })) >= majority(len(all))
}

func snapshots(t *teller) {
	installed := t.find("a snapshot that is installed", trace.Kinds(trace.SnapInstall), nil)
	at, lagging := t.at, uint64(installed.Member)
	before := t.membersAt(at - 1)
	behind := before[max(lagging, 1)-1]
	leader := behind.Leader
	if leader == 0 || leader > uint64(len(before)) {
		t.lack("a leader that the laggard knows")
		return
	}
	first := t.firstEntry(leader, at)
	t.goTo(at - 1)
	t.scene()
	t.fact(behind.Last < installed.Index, "%s was away for long: its log ends at entry %d, and the leader's, %s, at %d.",
		member(lagging), behind.Last, member(leader), before[leader-1].Last)
	t.say("A log that only grew would fill the disk, and replaying it would take for ever. So members drop " +
		"what they have applied, and keep the store instead.")
	t.fact(first > behind.Last+1, "The leader's log begins only at entry %d now.", first)
	t.ask(yesNo("Can the leader send the entries that are missing?", first <= behind.Last+1,
		"It would have to begin behind the last entry that the follower has, and no longer has those. It "+
			"sends its whole store instead: a snapshot."))

	t.goTo(at)
	t.scene()
	now := t.member(lagging)
	t.fact(now.Applied == installed.Index && now.Last == installed.Index,
		"The snapshot has arrived and is on the disk: %s is at entry %d, as if it had applied all before.",
		member(lagging), installed.Index)
	t.ask(number("Which entry does it need next?", installed.Index+1,
		"The one behind the snapshot; from there on the log goes on as usual."))
	next := t.find("the next entry", trace.Kinds(trace.LogAppend), func(e *trace.Event) bool { return uint64(e.Member) == lagging })
	t.scene()
	t.fact(next.Index == installed.Index+1, "And there it is: entry %d, by the log.", next.Index)
}

// firstEntry returns the first entry that a member's log holds.
func (t *teller) firstEntry(id uint64, at sim.Time) uint64 {
	first := uint64(1)
	for i := range t.Chronicle.Notes {
		e := &t.Chronicle.Notes[i]
		if e.At <= at && uint64(e.Member) == id && e.Kind == trace.LogCompacted {
			first = max(first, e.Index+1)
		}
	}
	return first
}

func membership(t *teller) {
	conf := t.find("a learner that is added", trace.Kinds(trace.ConfApplied), func(e *trace.Event) bool { return e.B != 0 })
	t.scene()
	learner, voters := members(conf.B), members(conf.A)
	if len(learner) != 1 {
		t.lack("one learner")
		return
	}
	t.say("Who belongs to the cluster is itself in the log: a change of members is an entry, and needs a majority like any other.")
	t.fact(len(voters) == 3, "With entry %d, %s is a learner. The voters are %s.", conf.Index, member(learner[0]), and(voters))
	t.fact(t.member(learner[0]).Life == chronicle.Down, "It has not even started yet.")
	t.ask(number("How many members make a majority now?", uint64(majority(len(voters))),
		"Learners do not vote and do not count. That is what they are for: had the empty member come as a "+
			"voter, it would count for a quorum that it cannot help to reach."))

	started := t.find("its start", trace.Kinds(trace.MemberStart), func(e *trace.Event) bool { return uint64(e.Member) == learner[0] })
	t.scene()
	t.fact(started.Index < t.member(voters[0]).Last, "It starts, with nothing, and gets the log, or a snapshot and then the log.")
	t.ask(yesNo("May it be promoted right now?", false,
		"The leader refuses as long as it is far behind: \"can only promote a learner member which is in sync "+
			"with leader\". Only the leader knows how far each member has come."))

	promoted := t.find("its promotion", trace.Kinds(trace.ConfApplied), func(e *trace.Event) bool { return e.A>>learner[0]&1 == 1 })
	t.scene()
	voters = members(promoted.A)
	t.fact(len(voters) == 4, "Entry %d promotes it: the voters are %s.", promoted.Index, and(voters))
	t.ask(number("How many members make a majority now?", uint64(majority(len(voters))),
		"Three of four. Four members survive the loss of one, just as three do; that is why clusters have odd sizes."))

	t.phase(5)
	dead := t.find("the death of a leader", trace.Kinds(trace.MemberCrash), nil)
	t.scene()
	t.fact(dead.Member != 0, "Later the cluster is split in two and two, and %s, the leader of one side, dies.",
		chronicle.Name(dead.Member))
	t.ask(yesNo("Can anything be written now?", false,
		"No side has three. Whoever is left waits until the others are back, and loses nothing."))
}

// members lists a bit set.
func members(set uint64) (ids []uint64) {
	for id := range uint64(64) {
		if set>>id&1 == 1 {
			ids = append(ids, id)
		}
	}
	return ids
}
