package learn

import (
	"etcdsim/scenarios/report/chronicle"
	"etcdsim/sim/trace"
)

func durability(t *teller) {
	var before memberState
	dead := t.find("a process that dies while its disk syncs", trace.Kinds(trace.MemberCrash), func(e *trace.Event) bool {
		before = t.membersAt(e.At - 1)[e.Member-1]
		return e.A == 1 && before.Durable < before.Last
	})
	who := chronicle.Name(dead.Member)
	t.goTo(dead.At - 1)
	t.scene()
	t.say("To write is not to have: what a process writes is in the memory of its machine at first. A sync brings it to the disk, " +
		"and takes its time.")
	t.fact(before.Durable < before.Last, "%s has written its log through entry %d, and a sync is under way. It is durable through %d.",
		who, before.Last, before.Durable)
	t.ask(number("Through which entry may it promise that it has the log?", before.Durable,
		"What it promises must survive anything. A leader counts it towards a majority from then on."))

	t.scene()
	t.fact(dead.A == 1, "Now its process dies, as by kill -9 or for want of memory. Its machine goes on.")
	t.ask(number("Through which entry can the next process read the log?", before.Last,
		"The memory of the machine is still there, and whoever reads the file reads that. Only a power cut would take it away."))

	t.goTo(dead.At)
	again := t.find("its next start", trace.Kinds(trace.MemberStart), func(e *trace.Event) bool { return e.Member == dead.Member })
	t.scene()
	t.fact(again.Index == before.Last, "%s starts again, and reads its log through entry %d.", who, again.Index)
	t.ask(yesNo("Can it tell which of these entries are durable?", false,
		"Bytes in memory and bytes on the disk look the same. So before it answers anybody, it syncs its log, and then all of it is. "+
			"(A real etcd 3.7.3 leaves that out; try etcdsim run process-death --bug unsynced-restart.)"))

	cut := t.find("a power cut", trace.Kinds(trace.MemberCrash), func(e *trace.Event) bool { return e.A == 0 })
	short := t.membersAt(cut.At - 1)[max(cut.Member, 1)-1]
	t.goTo(cut.At - 1)
	t.scene()
	who = chronicle.Name(cut.Member)
	t.say("Later the same happens to " + who + ", in the middle of a sync that a client waits for. Its next process starts, syncs, and " +
		"tells the leader that it has the write. With the leader that is a majority, and the client hears that its write is safe.")
	t.fact(short.Durable == short.Last, "%s has its log through entry %d, and all of it is durable. Now its power is cut, and the leader's.",
		who, short.Last)
	t.ask(choose("And if it had not synced what it read?", 1,
		"It would have let the leader count on a write that is gone now. The two members that go on without the leader do not have it, "+
			"although a client was told that it is safe.",
		"the sync before its process died would have been enough",
		"what it has promised since might be gone",
		"it could not have started"))

	back := t.find("its return", trace.Kinds(trace.MemberStart), func(e *trace.Event) bool { return e.Member == cut.Member })
	t.scene()
	t.fact(back.Index >= short.Last, "It comes back with its log through entry %d: nothing is lost.", back.Index)
}
