package checker

import (
	"testing"

	"etcdsim/checker/history"
	"etcdsim/store"
)

func TestStore(t *testing.T) {
	c := twoPuts()
	expect(t, judged(t, "store", c.History, Options{}), "")
	// The client never hears of it: only this judge can see it.
	c.Ops[1].Outcome, c.Ops[1].Response = history.Unknown, store.Response{}
	c.Commits[1].Response = wrote(9)
	expect(t, judged(t, "store", c.History, Options{}), "Applying put k=2 at index 6 must give rev 3, but the store gave rev 9.")
	expect(t, judged(t, "linearizability", c.History, Options{}), "")

	// Where no key, count or revision differs, both answers are told; and of several
	// the first.
	c.Commits[1].Response = wrote(3)
	c.op(3, 1, 40, 50, &store.LeaseGrantRequest{ID: 7, TTL: 5}, store.Response{}, 0).Outcome = history.Unknown
	c.commit(3, 7, 45, &store.LeaseGrantRequest{ID: 7, TTL: 5}, granted(3, 7, 4))
	j := judged(t, "store", c.History, Options{})
	expect(t, j, "Applying lease grant 7 ttl 5s at index 7 must give lease grant 7 ttl 5s = 7 ttl 5s, "+
		"but the store gave lease grant 7 ttl 5s = 7 ttl 4s.")
	if j.Note != "" || len(j.Violations[0].Ops) != 1 {
		t.Errorf("note %q, shown by %+v", j.Note, j.Violations[0].Ops)
	}
	c.Commits[0].Response = wrote(9)
	for _, tt := range []struct {
		id    uint64
		shown int
	}{{1, 1}, {77, 0}} { // nobody asked for 77
		c.Commits[0].Proposal.ID = tt.id
		j = judged(t, "store", c.History, Options{})
		expect(t, j, "Applying put k=1 at index 5 must give rev 2, but the store gave rev 9.")
		if j.Note != "the first of 2" || len(j.Violations[0].Ops) != tt.shown {
			t.Errorf("note %q, shown by %+v", j.Note, j.Violations[0].Ops)
		}
	}
}

func TestReplicas(t *testing.T) {
	member := func(id, applied uint64, rev int64, hash uint64) history.Member {
		return history.Member{ID: id, Running: true, Applied: applied, Revision: rev, Hash: hash}
	}
	down := member(3, 6, 3, 99)
	down.Running = false
	for _, tt := range []struct {
		name    string
		members []history.Member
		judged  int // if all is well
		why     string
	}{
		{name: "equal", judged: 2, members: []history.Member{member(1, 6, 3, 7), member(2, 6, 3, 7)}},
		{name: "one behind", judged: 2, members: []history.Member{member(1, 6, 3, 7), member(2, 5, 2, 8)}},
		{name: "one down", judged: 1, members: []history.Member{member(1, 6, 3, 7), down}},
		{
			name: "the first one is down", judged: 1,
			members: []history.Member{
				down, member(1, 6, 3, 7),
			},
		},
		{
			name: "another hash", members: []history.Member{member(1, 6, 3, 7), member(2, 6, 3, 8)},
			why: "The stores of n1 and n2 differ: rev 3 with hash 0000000000000007 after applied index 6 and " +
				"rev 3 with hash 0000000000000008 after applied index 6.",
		},
		{
			name: "another revision", members: []history.Member{member(1, 6, 3, 7), member(2, 6, 4, 7)},
			why: "The stores of n1 and n2 differ: rev 3 with hash 0000000000000007 after applied index 6 and " +
				"rev 4 with hash 0000000000000007 after applied index 6.",
		},
		{
			name: "equal revisions, elsewhere in the log", members: []history.Member{member(1, 6, 3, 7), member(2, 9, 3, 8)},
			why: "The stores of n1 and n2 differ: rev 3 with hash 0000000000000007 after applied index 6 and " +
				"rev 3 with hash 0000000000000008 after applied index 9.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := twoPuts()
			c.Members = tt.members
			j := judged(t, "replicas", c.History, Options{})
			if expect(t, j, tt.why); tt.why == "" && j.Judged != tt.judged {
				t.Errorf("%d members were judged, expected %d", j.Judged, tt.judged)
			}
		})
	}
}
