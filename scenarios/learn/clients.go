package learn

import (
	"cmp"
	"fmt"
	"slices"

	"etcdsim/checker"
	"etcdsim/checker/history"
	"etcdsim/scenarios/report/chronicle"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// told is an operation as a sentence has it.
func told(p placed) string {
	return fmt.Sprintf("c%d: %s", p.Client, store.DescribeAnswered(p.Request, p.Response))
}

func failover(t *teller) {
	t.phase(1)
	old := t.role(trace.RoleLeader)
	crash := t.find("the leader's death", trace.Kinds(trace.MemberCrash), func(e *trace.Event) bool { return e.Member == old.Member })
	t.scene()
	ops := t.operations("w")
	open := slices.DeleteFunc(slices.Clone(ops), func(p placed) bool { return p.Invoke >= crash.At || p.Return <= crash.At })
	t.fact(len(open) > 0, "%s, the leader of term %d, is killed while %s wait for answers.", chronicle.Name(old.Member), old.Term,
		plural(len(open), "client"))
	lost := t.first("a write that its client gave up", open, func(p *placed) bool {
		_, put := p.Request.(*store.PutRequest)
		return put && p.Outcome == history.Unknown
	})
	t.fact(lost.ID != 0, "One of them had asked: c%d, %s. It will wait in vain until its patience ends.", lost.Client,
		store.Describe(lost.Request))
	t.ask(choose("What should this client believe, when it gives up?", 2,
		"The leader may have died before it wrote the entry, or after a majority had it. From outside that "+
			"looks the same. A client that simply repeats the write may do it twice.",
		"the write did not happen", "the write happened", "it cannot know"))

	campaign := t.role(trace.RolePreCandidate)
	t.scene()
	t.fact(campaign.At > crash.At, "For %s nobody notices: followers wait for a heartbeat that does not come. Then %s loses patience.",
		(campaign.At - crash.At).String(), chronicle.Name(campaign.Member))
	leader := t.role(trace.RoleLeader)
	t.scene()
	t.fact(leader.Term > old.Term, "%s leads term %d, %s after the death of %s.", chronicle.Name(leader.Member), leader.Term,
		(leader.At - crash.At).String(), chronicle.Name(old.Member))
	t.say("Its first deed is an entry of its own, without contents: with it everything before is committed too.")
	t.ask(yesNo(fmt.Sprintf("We can look into the log: did the write of c%d happen after all?", lost.Client), lost.Index > 0,
		fmt.Sprintf("It %s in the committed log. The client never learns it.", map[bool]string{
			true:  "is",
			false: "is not",
		}[lost.Index > 0])))

	acked := slices.DeleteFunc(slices.Clone(ops), func(p placed) bool {
		return p.Outcome != history.OK || p.Return >= crash.At || store.ReadOnly(p.Request)
	})
	kept := 0
	for _, p := range acked {
		if p.Index > 0 || store.HashResponse(p.Response) != 0 {
			kept++
		}
	}
	t.goTo(t.Chronicle.To)
	t.scene()
	t.fact(len(acked) > 0 && kept == len(acked),
		"All %d writes that had been acknowledged before are still there. That is the promise: what was "+
			"acknowledged survives its leader.", len(acked))
}

func staleReads(t *teller) {
	t.phase(2)
	t.scene()
	old := t.leaders()
	if len(old) != 1 {
		t.lack("one leader")
		return
	}
	t.fact(len(old) == 1, "%s leads term %d. Now it is cut off from the other members, but not from its clients.", member(old[0]),
		t.member(old[0]).Term)

	leader := t.role(trace.RoleLeader)
	t.scene()
	t.fact(uint64(leader.Member) != old[0], "The others have elected %s, in term %d.", chronicle.Name(leader.Member), leader.Term)
	both := t.leaders()
	t.ask(which("Which members believe at this moment that they lead?", both,
		"Nobody told the old leader. It steps down when it notices that it has not heard from a majority for "+
			"an election timeout, and not before."))

	t.scene()
	t.fact(len(both) == 2, "Two leaders, in different terms: that is allowed. There are never two in the same term.")
	t.ask(which("Which of them can get a write committed?", []uint64{uint64(leader.Member)},
		"A write needs a majority of disks. The old leader reaches nobody."))

	write := t.first("a write that was acknowledged by the new leader's side", t.operations("w"), func(p *placed) bool {
		return p.Outcome == history.OK && p.Index > 0 && p.Term == leader.Term && p.Member != old[0]
	})
	t.goTo(write.Return)
	t.scene()
	t.fact(write.ID != 0, "A client was just told: %s, revision %d, in term %d.", told(write), write.Response.Revision, write.Term)
	read := t.first("a read at the old leader", t.operations("readers"),
		func(p *placed) bool { return p.Invoke > write.Return && p.Member == old[0] })
	t.goTo(read.Invoke)
	t.scene()
	t.fact(read.ID != 0, "Another client asks the old leader: %s.", store.Describe(read.Request))
	t.ask(yesNo("May it answer from its own store?", false,
		"Its store is from before the write. Whoever was told of the write, and tells this client, would "+
			"catch etcd serving the past. So a leader asks a majority first whether it still leads: raft's "+
			"ReadIndex."))
	t.goTo(min(read.Return, t.Chronicle.To))
	t.scene()
	t.fact(read.Outcome != history.OK, "So this read is not answered. Better no answer than a wrong one.")
}

// leaders returns the members that believe that they lead.
func (t *teller) leaders() []uint64 {
	return those(t.members(), func(m *memberState) bool { return m.up() && m.Role == uint64(trace.RoleLeader) })
}

// keyOf returns the key of a put or of a get of one key, or "".
func keyOf(r store.Request) (key string, write bool) {
	switch r := r.(type) {
	case *store.PutRequest:
		return r.Key, true
	case *store.RangeRequest:
		if r.RangeEnd == "" && r.Revision == 0 && !r.Serializable {
			return r.Key, false
		}
	}
	return "", false
}

func linearizability(t *teller) {
	ops := slices.DeleteFunc(t.operations("w"), func(p placed) bool { return p.Outcome != history.OK })
	// A put and a get of the same key that overlap, with an answer that tells the order.
	var put, get placed
	for _, p := range ops {
		key, write := keyOf(p.Request)
		if !write || get.Op != nil {
			continue
		}
		for _, g := range ops {
			other, also := keyOf(g.Request)
			if also || other != key || key == "" || g.Invoke >= p.Return || g.Return <= p.Invoke {
				continue
			}
			put, get = p, g
			break
		}
	}
	if get.Op == nil {
		t.lack("a put and a get of one key that overlap")
		return
	}
	t.goTo(min(put.Invoke, get.Invoke))
	t.scene()
	t.say("Clients see only when they asked, when they were answered, and what. The promise, linearizability, " +
		"is that all answers fit one order: each operation takes effect at one instant between its question and " +
		"its answer, as if there were a single copy.")
	t.fact(put.Invoke < get.Return && get.Invoke < put.Return, "Two operations on the same key overlap: %s (%s to %s), and %s (%s to %s).",
		told(placed{Op: &history.Op{Client: put.Client, Request: put.Request}}), put.Invoke, put.Return,
		fmt.Sprintf("c%d: %s", get.Client, store.Describe(get.Request)), get.Invoke, get.Return)
	t.ask(choose("Which order is allowed?", 2,
		"Neither was over when the other began, so each may have been first. Real time says nothing about operations that overlap.",
		"the put first", "the get first", "either"))

	t.goTo(max(put.Return, get.Return))
	t.scene()
	saw := get.Response.Revision >= put.Response.Revision
	t.fact(put.Response.Revision > 0 && get.Response.Revision > 0, "The put was answered with revision %d, the get with revision %d.",
		put.Response.Revision, get.Response.Revision)
	t.ask(yesNo("Did the put take effect before the get?", saw,
		"Each change makes a new revision, and every answer says which one it saw. The get saw the put if its revision is not smaller."))

	after := t.first("a later get", ops, func(p *placed) bool {
		key, write := keyOf(p.Request)
		want, _ := keyOf(put.Request)
		return !write && key == want && p.Invoke > put.Return
	})
	t.goTo(after.Invoke)
	t.scene()
	t.fact(after.Invoke > put.Return, "Later, after the put was answered, c%d asks for the same key.", after.Client)
	t.ask(yesNo("May it still get what was there before the put?", false,
		"The put was over when it asked, so it comes after it in every allowed order. An answer from before "+
			"would be a violation, and the judges would show these two operations."))
	t.goTo(after.Return)
	t.scene()
	t.fact(after.Response.Revision >= put.Response.Revision,
		"It gets revision %d, not less than %d. So it went with all %d operations of this run: the judges found an order for them.",
		after.Response.Revision, put.Response.Revision, t.Result.Counts.Operations)
}

func localRead(t *teller) {
	violations := t.Result.Report.Violations()
	i := slices.IndexFunc(violations, func(v checker.Violation) bool { return v.Property == "linearizability" && len(v.Ops) >= 2 })
	if i < 0 {
		t.lack("a violation of linearizability")
		return
	}
	v := violations[i]
	ops := make([]placed, len(v.Ops))
	for i := range v.Ops {
		ops[i] = placed{Op: &v.Ops[i].Op}
	}
	slices.SortFunc(ops, func(a, b placed) int { return cmp.Compare(a.Invoke, b.Invoke) })
	first, second := ops[0], ops[len(ops)-1]
	t.goTo(first.Invoke)
	t.scene()
	t.say("In this run a defect is switched on: a member that believes it leads answers reads from its own " +
		"store, without asking anybody. Early versions of etcd did that.")
	t.fact(len(t.leaders()) >= 1, "At this moment %s believe that they lead.", names(t.leaders()))
	t.fact(first.Return < second.Invoke, "A client was told, at %s: %s. Later, at %s, another asks %s.", first.Return, told(first),
		second.Invoke, member(second.Member))

	t.goTo(second.Return)
	t.scene()
	t.fact(second.Outcome == history.OK, "It is answered: %s, revision %d, by %s in term %d.", told(second), second.Response.Revision,
		member(second.Member), second.Op.Term)
	t.ask(yesNo("Is that allowed?", false,
		"The first operation was over before the second began, with a higher revision. The second saw the past."))
	t.scene()
	t.ask(choose("Which member was wrong?", int(second.Member)-1, v.Why, t.everybody()...))
	t.scene()
	t.say("That is what a failure looks like: the promise that was broken, the few operations that show it, " +
		"and why. The same seed shows it every time.")
	t.fact(second.Op.Term < first.Op.Term, "The first was answered in term %d, the second in term %d, which was over.", first.Op.Term,
		second.Op.Term)
}

func (t *teller) everybody() []string {
	var all []string
	for i := range t.Chronicle.Members {
		all = append(all, chronicle.Name(trace.Addr(i+1)))
	}
	return all
}
