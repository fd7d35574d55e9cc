package checker

import (
	"testing"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// story writes a run of three members, event by event. Time is the number of
// the event in milliseconds.
type story struct {
	log *trace.Log
	inv *Invariants
	inc [8]uint64
}

func newStory(members int) *story {
	s := &story{log: trace.NewLog(), inv: NewInvariants(members)}
	s.inv.Watch(s.log)
	for id := range members {
		s.start(trace.Addr(id+1), 0, 1)
	}
	return s
}

func (s *story) emit(e trace.Event) {
	s.log.Now += sim.Time(1e6)
	s.log.Emit(e)
}

// start: a member starts with the given term and last index; index 1 is the
// snapshot that every member begins with.
func (s *story) start(m trace.Addr, term, last uint64) { s.startAt(m, term, last, 1) }

// startAt: a member starts with a state in which so much of the log is applied.
func (s *story) startAt(m trace.Addr, term, last, applied uint64) {
	s.inc[m]++
	s.emit(trace.Event{Kind: trace.MemberStart, Member: m, Term: term, Index: last, A: applied, B: s.inc[m]})
}

func (s *story) crash(m trace.Addr) { s.emit(trace.Event{Kind: trace.MemberCrash, Member: m}) }

func (s *story) state(m trace.Addr, term uint64, vote trace.Addr) {
	s.emit(trace.Event{Kind: trace.StateDurable, Member: m, Term: term, A: uint64(vote)})
}

func (s *story) role(m trace.Addr, role uint16, term uint64) {
	s.emit(trace.Event{Kind: trace.RoleChange, Aux: role, Member: m, Term: term})
}

func (s *story) grant(m, to trace.Addr, term uint64) {
	s.emit(trace.Event{Kind: trace.Send, Aux: msgVoteResp, Member: m, Peer: to, Term: term})
}

// healthy: n1 leads term 1, n2 follows it, and members ask before they campaign.
func (s *story) healthy() {
	s.inv.PreVote = true
	s.follows(1, 1, 2)
}

// follows: members follow n1 in a term.
func (s *story) follows(term uint64, members ...trace.Addr) {
	for _, m := range members {
		s.emit(trace.Event{Kind: trace.LeaderKnown, Member: m, Term: term, B: 1})
	}
}

// consent: m would vote for another in a term.
func (s *story) consent(m, candidate trace.Addr, term uint64) {
	s.emit(trace.Event{Kind: trace.Send, Aux: msgPreVoteResp, Member: m, Peer: candidate, Term: term})
}

// urge: a leader that hands over tells another member to campaign at once.
func (s *story) urge(leader, m trace.Addr, term uint64) {
	s.emit(trace.Event{Kind: trace.Send, Aux: msgTimeoutNow, Member: leader, Peer: m, Term: term})
}

// elect: m wins term with the vote of voter.
func (s *story) elect(m, voter trace.Addr, term uint64) {
	s.role(m, trace.RoleCandidate, term)
	s.state(m, term, m)
	s.role(voter, trace.RoleFollower, term)
	s.state(voter, term, m)
	s.grant(voter, m, term)
	s.role(m, trace.RoleLeader, term)
}

// hash of an entry: equal for equal index and term.
func hash(index, term uint64) uint64 { return sim.Mix(index<<20 + term) }

func (s *story) append(m trace.Addr, index, term, prev uint64) {
	s.emit(trace.Event{Kind: trace.LogAppend, Member: m, Term: term, Index: index, A: prev, B: hash(index, term)})
}

func (s *story) durable(m trace.Addr, index, term uint64) {
	s.emit(trace.Event{Kind: trace.LogDurable, Member: m, Term: term, Index: index, A: index})
}

func (s *story) write(m trace.Addr, index, term, prev uint64) {
	s.append(m, index, term, prev)
	s.durable(m, index, term)
}

// batchOf: a member writes entries of a term, and they are durable at once.
func (s *story) batchOf(m trace.Addr, term, first, last uint64) {
	for i := first; i <= last; i++ {
		s.append(m, i, term, 0)
	}
	s.emit(trace.Event{Kind: trace.LogDurable, Member: m, Term: term, Index: last, A: first})
}

// winsLate: m wins term 2 with the vote of n1, and learns of it when n2 has won term 3
// with that, too, and committed index 3.
func (s *story) winsLate(m trace.Addr) {
	s.role(m, trace.RoleCandidate, 2)
	s.state(m, 2, m)
	s.state(1, 2, m)
	s.grant(1, m, 2)
	s.elect(2, 1, 3)
	s.write(2, 3, 3, 1)
	s.role(1, trace.RoleFollower, 3)
	s.write(1, 3, 3, 1)
	s.commit(2, trace.RoleLeader, 3, 3)
	s.role(m, trace.RoleLeader, 2)
}

// laggingCommit: n1 commits index 3, and then n3 learns that index 2 is committed.
func (s *story) laggingCommit() {
	s.written(3)
	s.commit(1, trace.RoleLeader, 3, 1)
	s.write(3, 2, 1, 0)
	s.commit(3, trace.RoleFollower, 2, 1)
}

func (s *story) ack(m, to trace.Addr, index, term uint64) {
	s.emit(trace.Event{Kind: trace.Send, Aux: msgAppResp, Member: m, Peer: to, Term: term, Index: index})
}

func (s *story) commit(m trace.Addr, role uint16, index, term uint64) {
	s.emit(trace.Event{Kind: trace.CommitMoved, Aux: role, Member: m, Term: term, Index: index})
}

func (s *story) apply(m trace.Addr, index, term, store uint64) {
	s.emit(trace.Event{Kind: trace.Apply, Member: m, Term: term, Index: index, A: hash(index, term), B: store, ID: index})
}

// batch: a member writes its state; settled: it is durable; open: a restart
// finds it, with a hash of the store.
func (s *story) batch(m trace.Addr, index uint64) {
	s.emit(trace.Event{Kind: trace.BackendCommit, Member: m, Index: index})
}

func (s *story) settled(m trace.Addr, index uint64) {
	s.emit(trace.Event{Kind: trace.BackendDurable, Member: m, Index: index})
}

func (s *story) open(m trace.Addr, index, store uint64) {
	s.emit(trace.Event{Kind: trace.BackendOpen, Member: m, Index: index, B: store})
}

// install: a member takes a snapshot over, as of an index of term 1.
func (s *story) install(m trace.Addr, index uint64) {
	s.emit(trace.Event{Kind: trace.SnapInstall, Member: m, Index: index, Term: 1, B: 100})
}

// sendSnapshot: a leader sends its state to a laggard.
func (s *story) sendSnapshot(leader, m trace.Addr) {
	const msgSnap = 7
	s.emit(trace.Event{Kind: trace.Send, Aux: msgSnap, Member: leader, Peer: m, Term: 1})
}

// forgets: a disk loses all that it said was durable.
func (s *story) forgets(m trace.Addr) {
	s.emit(trace.Event{Kind: trace.MemberFault, Aux: trace.FaultForgot, Member: m})
}

// committed: n1 leads term 1 and has committed and applied index 2; n2 has the
// entry, n3 does not.
func committed() *story {
	s := newStory(3)
	s.elect(1, 2, 1)
	s.append(1, 2, 1, 0)
	s.write(2, 2, 1, 0)
	s.ack(2, 1, 2, 1)
	s.durable(1, 2, 1)
	s.commit(1, trace.RoleLeader, 2, 1)
	s.apply(1, 2, 1, 100)
	s.commit(2, trace.RoleFollower, 2, 1)
	s.apply(2, 2, 1, 100)
	return s
}

// variants are two ways in which a story goes on: wrong violates the property, and why says
// how; right is its legal neighbour.
type variants struct {
	name         string
	property     invariant
	wrong, right func(s *story)
	why          string
}

// contrasts plays all of them, each on a story of its own.
func contrasts(t *testing.T, begin func() *story, all []variants) {
	t.Helper()
	for _, v := range all {
		t.Run(v.name, func(t *testing.T) { contrast(t, begin, v.wrong, v.right, v.property, v.why) })
	}
}

// contrast tells two stories that begin alike: the wrong one violates the invariant
// first, and for the reason given; the right one, its legal neighbour, violates none.
func contrast(t *testing.T, begin func() *story, wrong, right func(*story), which invariant, why string) {
	t.Helper()
	legal := begin()
	right(legal)
	if v := legal.inv.Violations(); len(v) > 0 {
		t.Errorf("the legal neighbour violates %s: %s", v[0].Property, v[0].Why)
	}
	s := begin()
	wrong(s)
	v := s.inv.first[which]
	if v == nil {
		t.Fatalf("%s was not violated, but %+v", invariantNames[which], s.inv.Violations())
	}
	prove(Judgement{Judge: "raft", Violations: []Violation{*v}})
	if v.Why != why+"." {
		t.Errorf("got  %s\nwant %s", v.Why, why)
	}
	if v.Property != invariantNames[which] || v.At == 0 || v.Member == 0 {
		t.Errorf("incomplete: %+v", v)
	}
	if all := s.inv.Violations(); all[0].Property != v.Property {
		t.Errorf("%q came first: %s", all[0].Property, all[0].Why)
	}
}

func (s *story) legal(t *testing.T) {
	t.Helper()
	if v := s.inv.Violations(); len(v) > 0 {
		t.Errorf("%s: %s", v[0].Property, v[0].Why)
	}
}
