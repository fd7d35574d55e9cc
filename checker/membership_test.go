package checker

import (
	"fmt"
	"slices"
	"testing"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// assembly is a history about members, written by hand.
type assembly struct {
	h   history.History
	inv *Invariants
	now sim.Time
}

// begin is a cluster of three founders.
func begin() *assembly {
	a := &assembly{inv: NewInvariants(3)}
	for id := uint64(1); id <= 3; id++ {
		a.h.Members = append(a.h.Members, history.Member{ID: id, Founder: true})
	}
	return a
}

// known is a list of started members; learners are those behind 0.
func known(ids ...uint64) *store.MembersResult {
	r := &store.MembersResult{}
	learner := false
	for _, id := range ids {
		if id == 0 {
			learner = true
			continue
		}
		m := store.Member{ID: id, PeerURLs: []string{store.PeerURL(id)}, Learner: learner}
		if id <= 3 {
			m.Name = store.MemberName(id)
		}
		r.Members = append(r.Members, m)
	}
	return r
}

// do: a client asks, the change is committed at the index (0: it is not), and the
// answer comes.
func (a *assembly) do(index uint64, r store.Request, result store.Result, err *store.Error) *assembly {
	op := history.Op{
		ID: uint64(len(a.h.Ops) + 1), Member: 1, Request: r, Invoke: a.now, Outcome: history.OK, Applied: index,
		Response: store.Response{Result: result, Err: err},
	}
	a.now += 1e9
	op.Return = a.now
	a.now++
	if err != nil {
		op.Outcome = history.Failed
		if err.MaybeApplied() {
			op.Outcome = history.Unknown
		}
	}
	a.h.Ops = append(a.h.Ops, op)
	if store.Reconfigures(r) && index > 0 {
		a.h.Commits = append(a.h.Commits, history.Commit{
			Index: index, Proposal: &store.Proposal{ID: op.ID, Request: r}, Response: op.Response, At: op.Return,
		})
	}
	return a
}

func (a *assembly) add(index uint64, learner bool, after ...uint64) *assembly {
	members := known(after...).Members
	r := &store.MemberAddRequest{PeerURLs: []string{store.PeerURL(members[len(members)-1].ID)}, Learner: learner}
	return a.do(index, r, &store.MemberAddResult{Member: members[len(members)-1], Members: members}, nil)
}

func (a *assembly) list(applied uint64, linearizable bool, ids ...uint64) *assembly {
	return a.do(applied, &store.MemberListRequest{Linearizable: linearizable}, known(ids...), nil)
}

// addAt adds a member by addresses, and lists it by these.
func (a *assembly) addAt(index uint64, urls ...string) *assembly {
	list := slices.Clone(known(1, 2, 3).Members)
	if n := len(a.h.Commits); n > 0 {
		list = slices.Clone(listed(a.h.Commits[n-1].Response.Result))
	}
	m := store.Member{ID: uint64(len(list) + 1), PeerURLs: urls}
	return a.do(index, &store.MemberAddRequest{PeerURLs: urls}, &store.MemberAddResult{Member: m, Members: append(list, m)}, nil)
}

func update(id uint64, url string) *store.MemberUpdateRequest {
	return &store.MemberUpdateRequest{ID: id, PeerURLs: []string{url}}
}

// full: as many have joined as may.
func (a *assembly) full() *assembly {
	a.h.Members = append(a.h.Members, history.Member{ID: store.MaxMembers, Founder: true})
	return a
}

// publishes: a member tells its name, in an entry of its own.
func (a *assembly) publishes(index, id uint64) *assembly {
	a.h.Commits = append(a.h.Commits, history.Commit{
		Index: index, At: a.now, Response: store.Response{Result: &store.MemberPublishResult{}},
		Proposal: &store.Proposal{ID: 1<<63 | index, Request: &store.MemberPublishRequest{ID: id, Name: store.MemberName(id)}},
	})
	return a
}

// moves: n1 leads, and is asked at 10 ns to hand over to n2.
func (a *assembly) moves(elections ...Election) {
	a.inv.elections = append([]Election{{At: 2, Term: 3, Member: 1}}, elections...)
	a.now = 10
	a.do(0, &store.MoveLeaderRequest{Target: 2}, &store.MoveLeaderResult{}, nil)
}

// last is the last operation.
func (a *assembly) last() *history.Op { return &a.h.Ops[len(a.h.Ops)-1] }

func TestMembership(t *testing.T) {
	promote, remove := &store.MemberPromoteRequest{ID: 4}, &store.MemberRemoveRequest{ID: 2}
	for _, tt := range []struct {
		name, property string
		wrong, right   func(a *assembly)
		why            string
	}{
		{
			name: "a promotion that is not in the list", property: "lists",
			wrong: func(a *assembly) {
				a.add(5, true, 1, 2, 3, 0, 4).do(6, promote, known(1, 2, 3, 4), nil).list(6, true, 1, 2, 3, 0, 4)
			},
			right: func(a *assembly) {
				a.add(5, true, 1, 2, 3, 0, 4).do(6, promote, known(1, 2, 3, 4), nil).list(6, true, 1, 2, 3, 4)
			},
			why: "After index 6 the members are n1, n2, n3, n4 (not started), but n1 listed n1, n2, n3, n4 (learner) (not started).",
		},
		{
			name: "an update that makes a learner a voter", property: "etcd's rules",
			wrong: func(a *assembly) {
				after := known(1, 2, 3, 4)
				after.Members[3].PeerURLs = []string{"http://x:1"}
				a.add(5, true, 1, 2, 3, 0, 4).do(6, &store.MemberUpdateRequest{ID: 4, PeerURLs: []string{"http://x:1"}}, after, nil)
			},
			right: func(a *assembly) {
				after := known(1, 2, 3, 0, 4)
				after.Members[3].PeerURLs = []string{"http://x:1"}
				a.add(5, true, 1, 2, 3, 0, 4).do(6, &store.MemberUpdateRequest{ID: 4, PeerURLs: []string{"http://x:1"}}, after, nil)
			},
			why: `Applying member update n4 http://x:1 at index 6 must give n1, n2, n3, n4 (learner) (not started) at ["http://x:1"], ` +
				`but the members gave n1, n2, n3, n4 (not started) at ["http://x:1"].`,
		},
		{
			name: "an ID that is given again", property: "etcd's rules",
			wrong: func(a *assembly) {
				a.add(5, false, 1, 2, 3, 4).do(6, &store.MemberRemoveRequest{ID: 4}, known(1, 2, 3), nil).add(7, false, 1, 2, 3, 4)
			},
			right: func(a *assembly) {
				a.add(5, false, 1, 2, 3, 4).do(6, &store.MemberRemoveRequest{ID: 4}, known(1, 2, 3), nil).add(7, false, 1, 2, 3, 5)
			},
			why: "Applying member add http://n4:2380 at index 7 must give n1, n2, n3, n5 (not started) at [\"http://n4:2380\"], " +
				"but the members gave n1, n2, n3, n4 (not started).",
		},
		{
			name: "who was removed is removed again", property: "etcd's rules",
			wrong: func(a *assembly) { a.do(5, remove, known(1, 3), nil).do(6, remove, known(1, 3), nil) },
			right: func(a *assembly) { a.do(5, remove, known(1, 3), nil).do(6, remove, nil, store.ErrMemberNotFound) },
			why:   `Applying member remove n2 at index 6 must give the error "etcdserver: member not found", but the members gave n1, n3.`,
		},
		{
			name: "a refusal without a reason", property: "etcd's rules",
			wrong: func(a *assembly) { a.do(5, promote, nil, store.ErrMemberNotLearner) },
			right: func(a *assembly) { a.do(5, promote, nil, store.ErrMemberNotFound) },
			why: `Applying member promote n4 at index 5 must give the error "etcdserver: member not found", ` +
				`but the members gave the error "etcdserver: can only promote a learner member".`,
		},
		{
			name: "an address that another member has", property: "etcd's rules",
			wrong: func(a *assembly) { a.add(5, false, 1, 2, 3, 4).add(6, false, 1, 2, 3, 4) },
			right: func(a *assembly) {
				a.add(5, false, 1, 2, 3, 4)
				a.do(6, &store.MemberAddRequest{PeerURLs: []string{store.PeerURL(4)}}, nil, store.ErrPeerURLExists)
			},
			why: `Applying member add http://n4:2380 at index 6 must give the error "etcdserver: Peer URLs already exists", ` +
				"but the members gave n1, n2, n3, n4 (not started).",
		},
		{
			name: "a learner too many", property: "etcd's rules",
			wrong: func(a *assembly) { a.add(5, true, 1, 2, 3, 0, 4).add(6, true, 1, 2, 3, 0, 4, 5) },
			right: func(a *assembly) {
				a.add(5, true, 1, 2, 3, 0, 4)
				a.do(6, &store.MemberAddRequest{PeerURLs: []string{store.PeerURL(5)}, Learner: true}, nil, store.ErrTooManyLearners)
				joined := known(1, 2, 3, 4, 5)
				joined.Members[3].Learner = true
				a.do(7, &store.MemberAddRequest{PeerURLs: []string{store.PeerURL(5)}},
					&store.MemberAddResult{Member: joined.Members[4], Members: joined.Members}, nil)
			},
			why: `Applying member add http://n5:2380 learner at index 6 must give the error "etcdserver: too many learner members in cluster", ` +
				"but the members gave n1, n2, n3, n4 (learner) (not started), n5 (learner) (not started).",
		},
		{
			name: "a member too many", property: "etcd's rules",
			wrong: func(a *assembly) {
				a.full().do(5, &store.MemberAddRequest{PeerURLs: []string{"http://x:1"}}, &store.MemberAddResult{}, nil)
			},
			right: func(a *assembly) {
				a.full().do(5, &store.MemberAddRequest{PeerURLs: []string{"http://x:1"}}, nil, store.ErrTooManyMembers)
			},
			why: fmt.Sprintf("Applying member add http://x:1 at index 5 must give the error %q, but the members gave nobody.",
				store.ErrTooManyMembers.Text),
		},
		{
			name: "an update of nobody", property: "etcd's rules",
			wrong: func(a *assembly) { a.do(5, update(4, store.PeerURL(4)), known(1, 2, 3), nil) },
			right: func(a *assembly) { a.do(5, update(4, store.PeerURL(4)), nil, store.ErrMemberNotFound) },
			why: `Applying member update n4 http://n4:2380 at index 5 must give the error "etcdserver: member not found", ` +
				"but the members gave n1, n2, n3.",
		},
		{
			name: "an update to the address of another", property: "etcd's rules",
			wrong: func(a *assembly) { a.do(5, update(2, store.PeerURL(3)), known(1, 2, 3), nil) },
			right: func(a *assembly) {
				a.do(5, update(2, store.PeerURL(3)), nil, store.ErrPeerURLExists).do(6, update(2, store.PeerURL(2)), known(1, 2, 3), nil)
			},
			why: `Applying member update n2 http://n3:2380 at index 5 must give the error "etcdserver: Peer URLs already exists", ` +
				"but the members gave n1, n2, n3.",
		},
		{
			name: "a voter is promoted", property: "etcd's rules",
			wrong: func(a *assembly) { a.do(5, &store.MemberPromoteRequest{ID: 2}, known(1, 2, 3), nil) },
			right: func(a *assembly) { a.do(5, &store.MemberPromoteRequest{ID: 2}, nil, store.ErrMemberNotLearner) },
			why: `Applying member promote n2 at index 5 must give the error "etcdserver: can only promote a learner member", ` +
				"but the members gave n1, n2, n3.",
		},
		{
			name: "a founder too many", property: "lists",
			wrong: func(a *assembly) {
				a.h.Members = append(a.h.Members, history.Member{ID: 4, Founder: true})
				a.list(4, true, 1, 2, 3)
			},
			right: func(a *assembly) {
				a.h.Members = append(a.h.Members, history.Member{ID: 4})
				a.list(4, true, 1, 2, 3)
			},
			why: "After index 4 the members are n1, n2, n3, n4, but n1 listed n1, n2, n3.",
		},
		{
			name: "who has started is not listed as started", property: "lists",
			wrong: func(a *assembly) { a.add(5, false, 1, 2, 3, 4).publishes(6, 4).list(6, true, 1, 2, 3, 4) },
			right: func(a *assembly) {
				a.add(5, false, 1, 2, 3, 4).publishes(6, 4).publishes(7, 5).list(5, false, 1, 2, 3, 4).list(7, true, 1, 2, 3, 4)
				list := known(1, 2, 3, 4)
				list.Members[3].Name = "n4"
				a.last().Response.Result = list
			},
			why: "After index 6 the members are n1, n2, n3, n4, but n1 listed n1, n2, n3, n4 (not started).",
		},
		{
			name: "addresses in another order than that in which they are kept", property: "etcd's rules",
			wrong: func(a *assembly) { a.addAt(5, "http://x:1", "http://x:2").addAt(6, "http://y:2", "http://y:1") },
			right: func(a *assembly) { a.addAt(5, "http://x:1", "http://x:2") },
			why: `Applying member add http://y:2,http://y:1 at index 6 must give n1, n2, n3, n4 (not started) at ["http://x:1" "http://x:2"], ` +
				`n5 (not started) at ["http://y:1" "http://y:2"], but the members gave n1, n2, n3, n4 (not started) at ["http://x:1" "http://x:2"], ` +
				`n5 (not started) at ["http://y:2" "http://y:1"].`,
		},
		{
			name: "a removal refused, a promotion refused the second time", property: "durability",
			wrong: func(a *assembly) {
				op := a.do(5, remove, known(1, 3), nil).last()
				op.Outcome, op.Response = history.Failed, store.Response{Err: store.ErrMemberNotFound}
			},
			right: func(a *assembly) {
				op := a.add(5, true, 1, 2, 3, 0, 4).do(6, promote, known(1, 2, 3, 4), nil).last()
				op.Outcome, op.Response = history.Failed, store.Response{Err: store.ErrMemberNotLearner}
			},
			why: "n1 refused member remove n2 for good (etcdserver: member not found), but it was committed at index 5 and applied.",
		},
		{
			name: "acknowledged and not in the log", property: "durability",
			wrong: func(a *assembly) { a.do(0, remove, known(1, 3), nil) },
			right: func(a *assembly) { a.do(0, remove, nil, store.ErrUnhealthy) },
			why:   "n1 acknowledged member remove n2 at 1.000s, but no entry of the committed log carries it.",
		},
		{
			name: "another answer than the log's", property: "durability",
			wrong: func(a *assembly) { a.do(5, remove, known(1, 3), nil).last().Response.Result = known(1, 2, 3) },
			right: func(a *assembly) { a.do(5, remove, known(1, 3), nil) },
			why:   "member remove n2, committed at index 5, gave n1, n3, but n1 answered n1, n2, n3.",
		},
		{
			name: "refused for good and yet applied", property: "durability",
			wrong: func(a *assembly) {
				op := a.do(5, remove, known(1, 3), nil).last()
				op.Outcome, op.Response = history.Failed, store.Response{Err: store.ErrUnhealthy}
			},
			right: func(a *assembly) {
				op := a.do(5, remove, known(1, 3), nil).last()
				op.Outcome, op.Response = history.Unknown, store.Response{Err: store.ErrTimeout}
			},
			why: "n1 refused member remove n2 for good (etcdserver: unhealthy cluster), but it was committed at index 5 and applied.",
		},
		{
			name: "a stale list", property: "lists",
			wrong: func(a *assembly) { a.do(5, remove, known(1, 3), nil).list(4, true, 1, 2, 3) },
			right: func(a *assembly) { a.do(5, remove, known(1, 3), nil).list(4, false, 1, 2, 3).list(5, true, 1, 3) },
			why: "member remove n2 was acknowledged at 1.000s, at index 5; at 1.000s n1 was asked for a linearizable list, " +
				"and gave the one as of index 4.",
		},
		{
			name: "a stale list, and one that is not: the change was still under way", property: "lists",
			wrong: func(a *assembly) { a.do(5, remove, known(1, 3), nil).list(4, true, 1, 2, 3) },
			right: func(a *assembly) {
				a.do(5, remove, known(1, 3), nil).list(4, true, 1, 2, 3).last().Invoke = a.h.Ops[0].Return
			},
			why: "member remove n2 was acknowledged at 1.000s, at index 5; at 1.000s n1 was asked for a linearizable list, " +
				"and gave the one as of index 4.",
		},
		{
			name: "a stale list, and those of which nobody heard or that nobody acknowledged", property: "lists",
			wrong: func(a *assembly) { a.do(5, remove, known(1, 3), nil).list(4, true, 1, 2, 3) },
			right: func(a *assembly) {
				op := a.do(5, remove, known(1, 3), nil).last()
				op.Outcome, op.Response = history.Unknown, store.Response{}
				op = a.list(4, true, 1, 2, 3).list(5, true).last()
				op.Outcome, op.Response = history.Unknown, store.Response{}
			},
			why: "member remove n2 was acknowledged at 1.000s, at index 5; at 1.000s n1 was asked for a linearizable list, " +
				"and gave the one as of index 4.",
		},
		{
			name: "a handover to another one than asked for, and to itself", property: "handover",
			wrong: func(a *assembly) { a.moves(Election{At: 9, Term: 4, Member: 3}) },
			right: func(a *assembly) {
				a.moves(Election{At: 9, Term: 4, Member: 2})
				a.inv.elections[1].Member = 3
				a.last().Request = &store.MoveLeaderRequest{Target: 1}
			},
			why: "n1 said at 1.000s that it had handed over to n2, which did not lead then.",
		},
		{
			name: "a handover after which another one leads", property: "handover",
			wrong: func(a *assembly) { a.moves(Election{At: 11, Term: 4, Member: 3}) },
			right: func(a *assembly) { a.moves(Election{At: 11, Term: 4, Member: 2}, Election{At: 12, Term: 5, Member: 3}) },
			why:   "n1 said at 1.000s that it had handed over to n2, which did not lead then.",
		},
		{
			name: "a handover that came too late", property: "handover",
			wrong: func(a *assembly) { a.moves(Election{At: 2e9, Term: 4, Member: 2}) },
			right: func(a *assembly) { a.moves(Election{At: 10, Term: 4, Member: 2}) },
			why:   "n1 said at 1.000s that it had handed over to n2, which did not lead then.",
		},
		{
			name: "a handover that did not happen", property: "handover",
			wrong: func(a *assembly) {
				a.inv.elections = []Election{{At: 1, Term: 2, Member: 2}, {At: 2, Term: 3, Member: 1}}
				a.now = 10
				a.do(0, &store.MoveLeaderRequest{Target: 2}, &store.MoveLeaderResult{}, nil)
			},
			right: func(a *assembly) {
				a.inv.elections = []Election{{At: 2, Term: 3, Member: 1}, {At: 11, Term: 4, Member: trace.Addr(2)}}
				a.now = 10
				a.do(0, &store.MoveLeaderRequest{Target: 2}, &store.MoveLeaderResult{}, nil)
				a.do(0, &store.MoveLeaderRequest{Target: 2}, &store.MoveLeaderResult{}, nil) // to itself
			},
			why: "n1 said at 1.000s that it had handed over to n2, which did not lead then.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			legal := begin()
			tt.right(legal)
			report := Judge(legal.h, Options{Invariants: legal.inv})
			if v := report.Violations(); len(v) > 0 {
				t.Errorf("the legal neighbour violates %s: %s", v[0].Property, v[0].Why)
			}
			wrong := begin()
			tt.wrong(wrong)
			report = Judge(wrong.h, Options{Invariants: wrong.inv})
			j, ok := report.Judgement("membership")
			prove(j)
			if !ok || len(j.Violations) == 0 {
				t.Fatalf("nothing was violated: %+v", j)
			}
			if v := j.Violations[0]; v.Property != tt.property || v.Why != tt.why {
				t.Errorf("got  %s: %s\nwant %s: %s", v.Property, v.Why, tt.property, tt.why)
			}
			if v := j.Violations[0]; tt.property != "etcd's rules" && (len(v.Ops) == 0 || v.Member != 1) {
				t.Errorf("nothing shows it: %+v", v)
			}
			others := slices.DeleteFunc(report.Judgements, func(j Judgement) bool { return j.Judge == "membership" })
			if v := (Report{others}).Violations(); len(v) > 0 {
				t.Errorf("another judge objects as well: %+v", v[0])
			}
		})
	}
}

// Without a word about members there is nothing to judge.
func TestMembershipUnasked(t *testing.T) {
	a := begin()
	a.do(5, &store.PutRequest{Key: "k"}, &store.PutResult{}, nil)
	if _, ok := Judge(a.h, Options{}).Judgement("membership"); ok {
		t.Error("the membership was judged though nobody asked about it")
	}

	a = begin()
	a.moves()
	if j, ok := Judge(a.h, Options{}).Judgement("membership"); !ok || j.Verdict != Pass {
		t.Errorf("nobody knows who led, and yet a handover is judged: %+v", j)
	}
}
