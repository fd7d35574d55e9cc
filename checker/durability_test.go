package checker

import (
	"testing"

	"etcdsim/checker/history"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

func TestDurability(t *testing.T) {
	for _, tt := range []struct {
		name      string
		make      func(c *chronicle)
		converged bool
		why       string
		at        int // ms; 0 where it says nothing new
	}{
		{name: "all is there", make: func(*chronicle) {}},
		{
			name: "acknowledged, and not in the log",
			make: func(c *chronicle) { c.op(1, 2, 40, 50, put("j", "1"), wrote(4), 7) },
			why:  "n2 acknowledged put j=1 at 0.050s, but no entry of the committed log carries it.",
		},
		{
			name: "a lease whose ID the member chose",
			make: func(c *chronicle) {
				c.op(1, 2, 40, 50, &store.LeaseGrantRequest{TTL: 9}, granted(3, 7, 9), 7)
				c.commit(3, 7, 45, &store.LeaseGrantRequest{ID: 7, TTL: 9}, granted(3, 7, 9))
			},
		},
		{
			name: "a lease whose ID the client chose",
			make: func(c *chronicle) {
				c.op(1, 2, 40, 50, &store.LeaseGrantRequest{ID: 7, TTL: 9}, granted(3, 7, 9), 7)
				c.commit(3, 7, 45, &store.LeaseGrantRequest{ID: 7, TTL: 9}, granted(3, 7, 9))
			},
		},
		{
			name: "a lease in the log with another ID",
			make: func(c *chronicle) {
				c.op(1, 2, 40, 50, &store.LeaseGrantRequest{ID: 7, TTL: 9}, granted(3, 7, 9), 7)
				c.commit(3, 7, 45, &store.LeaseGrantRequest{ID: 8, TTL: 9}, granted(3, 8, 9))
			},
			why: "n2 acknowledged lease grant 7 ttl 9s, but the log holds lease grant 8 ttl 9s at index 7 under its name.",
		},
		{
			name: "a lease in the log with another time",
			make: func(c *chronicle) {
				c.op(1, 2, 40, 50, &store.LeaseGrantRequest{TTL: 9}, granted(3, 7, 9), 7)
				c.commit(3, 7, 45, &store.LeaseGrantRequest{ID: 7, TTL: 8}, granted(3, 7, 8))
			},
			why: "n2 acknowledged lease grant 0 ttl 9s, but the log holds lease grant 7 ttl 8s at index 7 under its name.",
		},
		{
			name: "a deletion in the log as it was asked",
			make: func(c *chronicle) {
				answer := store.Response{Revision: 3, Result: &store.DeleteRangeResult{}}
				c.op(1, 2, 40, 50, &store.DeleteRangeRequest{Key: "x"}, answer, 7)
				c.commit(3, 7, 45, &store.DeleteRangeRequest{Key: "x"}, answer)
			},
		},
		{
			name: "a deletion in the log of another key",
			make: func(c *chronicle) {
				answer := store.Response{Revision: 3, Result: &store.DeleteRangeResult{}}
				c.op(1, 2, 40, 50, &store.DeleteRangeRequest{Key: "x"}, answer, 7)
				c.commit(3, 7, 45, &store.DeleteRangeRequest{Key: "y"}, answer)
			},
			why: "n2 acknowledged delete x, but the log holds delete y at index 7 under its name.",
		},
		{
			name: "a revocation in the log as it was asked",
			make: func(c *chronicle) {
				answer := store.Response{Err: store.ErrLeaseNotFound}
				c.op(1, 2, 40, 50, &store.LeaseRevokeRequest{ID: 5}, answer, 7)
				c.commit(3, 7, 45, &store.LeaseRevokeRequest{ID: 5}, answer)
			},
		},
		{
			name: "a revocation in the log of another lease",
			make: func(c *chronicle) {
				answer := store.Response{Err: store.ErrLeaseNotFound}
				c.op(1, 2, 40, 50, &store.LeaseRevokeRequest{ID: 5}, answer, 7)
				c.commit(3, 7, 45, &store.LeaseRevokeRequest{ID: 6}, answer)
			},
			why: "n2 acknowledged lease revoke 5, but the log holds lease revoke 6 at index 7 under its name.",
		},
		{
			name: "a put in the log as it was asked, in another place of memory",
			make: func(c *chronicle) { c.Commits[1].Proposal.Request = put("k", "2") },
		},
		{
			name: "in the log as a deletion",
			make: func(c *chronicle) { c.Commits[1].Proposal.Request = &store.DeleteRangeRequest{Key: "k"} },
			why:  "n1 acknowledged put k=2, but the log holds delete k at index 6 under its name.",
		},
		{
			name: "a deletion in the log as a put",
			make: func(c *chronicle) {
				c.op(1, 2, 40, 50, &store.DeleteRangeRequest{Key: "x"}, store.Response{Revision: 3}, 7)
				c.commit(3, 7, 45, put("x", "1"), wrote(4))
			},
			why: "n2 acknowledged delete x, but the log holds put x=1 at index 7 under its name.",
		},
		{
			name: "a lease in the log as its end",
			make: func(c *chronicle) {
				c.op(1, 2, 40, 50, &store.LeaseGrantRequest{ID: 7, TTL: 9}, granted(3, 7, 9), 7)
				c.commit(3, 7, 45, &store.LeaseRevokeRequest{ID: 7}, store.Response{Err: store.ErrLeaseNotFound})
			},
			why: "n2 acknowledged lease grant 7 ttl 9s, but the log holds lease revoke 7 at index 7 under its name.",
		},
		{
			name: "unknown, and not in the log",
			make: func(c *chronicle) {
				c.op(1, 2, 40, 50, put("j", "1"), store.Response{}, 0).Outcome = history.Unknown
			},
		},
		{
			name: "in the log as another request",
			make: func(c *chronicle) { c.Commits[1].Proposal.Request = put("k", "3") },
			why:  "n1 acknowledged put k=2, but the log holds put k=3 at index 6 under its name.",
		},
		{
			name: "refused, and not in the log",
			make: func(c *chronicle) {
				c.op(1, 2, 40, 50, put("j", "1"), store.Response{Err: store.ErrTooManyRequests}, 6).Outcome = history.Failed
			},
		},
		{
			name: "refused, yet applied",
			make: func(c *chronicle) {
				c.op(1, 2, 40, 50, put("j", "1"), store.Response{Err: store.ErrTooManyRequests}, 6).Outcome = history.Failed
				c.commit(3, 7, 45, put("j", "1"), wrote(4))
			},
			why: "n2 refused put j=1 for good (etcdserver: too many requests), but it was committed at index 7 and applied.",
		},
		{
			name: "refused, yet applied before all others",
			make: func(c *chronicle) {
				c.Ops[0].Outcome, c.Ops[0].Response = history.Failed, store.Response{Err: store.ErrTooManyRequests}
			},
			why: "n1 refused put k=1 for good (etcdserver: too many requests), but it was committed at index 5 and applied.",
		},
		{
			name: "refused when it was applied",
			make: func(c *chronicle) {
				refusal := store.Response{Err: store.ErrLeaseNotFound}
				c.op(1, 2, 40, 50, &store.LeaseRevokeRequest{ID: 5}, refusal, 7).Outcome = history.Failed
				c.commit(3, 7, 45, &store.LeaseRevokeRequest{ID: 5}, refusal)
			},
		},
		{
			name: "applied twice",
			make: func(c *chronicle) { c.commit(2, 9, 45, put("k", "2"), wrote(4)) },
			why:  "put k=2 is in the log twice: at index 6 and at index 9.", at: 45,
		},
		{
			name: "applied twice, and nobody knows when",
			make: func(c *chronicle) { c.commit(2, 9, 0, put("k", "2"), wrote(4)) },
			why:  "put k=2 is in the log twice: at index 6 and at index 9.", at: 20, // when it was asked for
		},
		{
			name: "applied twice, and answered the second time",
			make: func(c *chronicle) { c.commit(2, 9, 45, put("k", "2"), wrote(4)); c.Ops[1].Applied = 9 },
			why:  "put k=2 is in the log twice: at index 6 and at index 9.",
		},
		{
			name: "applied once, and refused the second time",
			make: func(c *chronicle) { c.commit(2, 9, 45, put("k", "2"), store.Response{Err: store.ErrNoSpace}) },
		},
		{
			name: "refused once, and applied the second time",
			make: func(c *chronicle) {
				c.op(1, 2, 40, 50, put("j", "1"), wrote(4), 6)
				c.commit(3, 7, 41, put("j", "1"), store.Response{Err: store.ErrNoSpace})
				c.commit(3, 8, 42, put("j", "1"), wrote(4))
			},
		},
		{
			name: "refused for nothing, yet applied",
			make: func(c *chronicle) {
				c.op(1, 2, 40, 50, put("j", "1"), store.Response{}, 6).Outcome = history.Failed
				c.commit(3, 7, 45, put("j", "1"), wrote(4))
			},
			why: "n2 refused put j=1 for good (without a reason), but it was committed at index 7 and applied.",
		},
		{
			name: "refused twice",
			make: func(c *chronicle) {
				refusal := store.Response{Err: store.ErrLeaseNotFound}
				c.op(1, 2, 40, 50, &store.LeaseRevokeRequest{ID: 5}, refusal, 7).Outcome = history.Failed
				c.commit(3, 7, 45, &store.LeaseRevokeRequest{ID: 5}, refusal)
				c.commit(3, 8, 46, &store.LeaseRevokeRequest{ID: 5}, refusal)
			},
		},
		{
			name: "nobody is there in the end", converged: true,
			make: func(c *chronicle) { c.Members = []history.Member{{ID: 1, Applied: 5}} },
		},
		{
			name: "forgotten, in a run that was not to end settled",
			make: func(c *chronicle) { c.Members = []history.Member{{ID: 1, Running: true, Applied: 5}} },
		},
		{
			name: "unknown, and forgotten in the end", converged: true,
			make: func(c *chronicle) {
				c.Ops[1].Outcome = history.Unknown
				c.Members = []history.Member{{ID: 1, Running: true, Applied: 5}}
			},
		},
		{
			name: "forgotten in the end", converged: true,
			make: func(c *chronicle) {
				c.Members = []history.Member{{ID: 1, Running: true, Applied: 5}, {ID: 2, Applied: 6}}
			},
			why: "n1 acknowledged put k=2 at 0.030s, committed at index 6, but in the end no running member has applied more than index 5.",
		},
		{
			name: "all forgotten in the end", converged: true,
			make: func(c *chronicle) { c.Members = []history.Member{{ID: 1, Running: true, Applied: 4}} },
			why:  "n1 acknowledged put k=1 at 0.010s, committed at index 5, but in the end no running member has applied more than index 4.",
		},
		{
			name: "remembered by one", converged: true,
			make: func(c *chronicle) {
				c.op(1, 2, 40, 50, get("k"), read(3, kv("k", "2", 2, 3, 2)), 6) // which the log does not hold
				c.Members = []history.Member{{ID: 1, Running: true, Applied: 5}, {ID: 2, Running: true, Applied: 6}}
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := twoPuts()
			tt.make(c)
			j := judged(t, "durability", c.History, Options{Converged: tt.converged})
			if expect(t, j, tt.why); tt.at != 0 && j.Violations[0].At != ms(tt.at) {
				t.Errorf("at %v, expected %v", j.Violations[0].At, ms(tt.at))
			}
		})
	}
}

// Operations count that were answered and are no reads; and with nobody's log, none.
func TestDurabilityCounts(t *testing.T) {
	c := twoPuts()
	c.op(1, 2, 40, 50, get("k"), read(3, kv("k", "2", 2, 3, 2)), 6)
	c.op(1, 2, 60, 70, put("j", "1"), store.Response{}, 0).Outcome = history.Unknown
	c.op(1, 2, 80, 90, put("j", "1"), store.Response{Err: store.ErrTooManyRequests}, 6).Outcome = history.Failed
	if j := judged(t, "durability", c.History, Options{}); j.Judged != 3 {
		t.Errorf("%d operations were judged, expected 3", j.Judged)
	}
	c.Commits = nil
	j := judged(t, "durability", c.History, Options{})
	if expect(t, j, ""); j.Judged != 0 {
		t.Errorf("%d operations were judged without a log", j.Judged)
	}
	// Somebody watched, and the members have committed nothing: that is a log.
	expect(t, judged(t, "durability", c.History, Options{Invariants: NewInvariants(3)}),
		"n1 acknowledged put k=1 at 0.010s, but no entry of the committed log carries it.")
}

// A committed entry that another one replaced is told with the crash that lost
// it, and the judges follow the log that the members agreed on.
func TestLostWriteNamesTheCrash(t *testing.T) {
	c := twoPuts()
	c.op(2, 2, 60, 70, get("k"), read(2, kv("k", "1", 2, 2, 1)), 6)
	inv := NewInvariants(3)
	apply := func(at int, member trace.Addr, index, term, id uint64) {
		inv.Observe(&trace.Event{Kind: trace.Apply, At: ms(at), Member: member, Index: index, Term: term, A: id, ID: id})
	}
	apply(5, 1, 5, 2, 1)
	apply(25, 1, 6, 2, 2)
	inv.Observe(&trace.Event{Kind: trace.MemberCrash, At: ms(40), Member: 1})
	inv.Observe(&trace.Event{Kind: trace.DiskLost, At: ms(40), Member: 1, A: 48})
	apply(50, 2, 6, 3, 0)
	apply(55, 3, 6, 2, 2) // a member that kept the old log changes nothing
	apply(57, 1, 6, 3, 0) // nor does another one that has the new one
	if len(inv.replaced) != 1 {
		t.Errorf("one entry gave way, not %+v", inv.replaced)
	}

	o := Options{Invariants: inv}
	expect(t, judged(t, "durability", c.History, o),
		"n1 acknowledged put k=2 at 0.030s, committed at index 6; at 0.050s n2 applied an entry without a request there instead. "+
			"Crashes between lost what was not synced: n1 at 0.040s (48 bytes).")
	j := judged(t, "linearizability", c.History, o)
	expect(t, j, "n1 acknowledged put k=2 at 0.030s, but the log that the members agreed on by 0.050s does not hold it.")
	if v := j.Violations[0]; v.At != ms(50) || v.Index != 6 || v.Ops[0].Note != "lost" {
		t.Errorf("%q at %v, at index %d", v.Ops[0].Note, v.At, v.Index)
	}
	expect(t, judged(t, "store", c.History, o), "")
	// Where another client's write came instead, that one is in the log.
	other := twoPuts()
	other.op(3, 2, 41, 56, put("j", "1"), wrote(3), 6)
	inv.replaced[0].Is = 3
	expect(t, judged(t, "durability", other.History, o),
		"n1 acknowledged put k=2 at 0.030s, committed at index 6; at 0.050s n2 applied put j=1 there instead. "+
			"Crashes between lost what was not synced: n1 at 0.040s (48 bytes).")
	inv.replaced[0].Is = 1 // an entry of the first one, again
	expect(t, judged(t, "durability", twoPuts().History, o),
		"n1 acknowledged put k=2 at 0.030s, committed at index 6; at 0.050s n2 applied put k=1 there instead. "+
			"Crashes between lost what was not synced: n1 at 0.040s (48 bytes).")
	inv.replaced[0].Is = 77 // and where nobody knows who asked for it, nothing is
	expect(t, judged(t, "durability", twoPuts().History, o),
		"n1 acknowledged put k=2 at 0.030s, committed at index 6; at 0.050s n2 applied request 77 there instead. "+
			"Crashes between lost what was not synced: n1 at 0.040s (48 bytes).")
	// Crashes before it was asked, after it was gone, and without loss, did not lose it.
	inv.stops = []Stop{{At: ms(19), Member: 1, Lost: 5}, {At: ms(51), Member: 1, Lost: 5}, {At: ms(45), Member: 1}}
	expect(t, judged(t, "durability", twoPuts().History, o),
		"n1 acknowledged put k=2 at 0.030s, committed at index 6; at 0.050s n2 applied request 77 there instead. "+
			"No crash between lost anything that was not synced.")
	inv.stops = []Stop{{At: ms(20), Member: 1, Lost: 5}, {At: ms(50), Member: 3, Lost: 6}}
	expect(t, judged(t, "durability", twoPuts().History, o),
		"n1 acknowledged put k=2 at 0.030s, committed at index 6; at 0.050s n2 applied request 77 there instead. "+
			"Crashes between lost what was not synced: n1 at 0.020s (5 bytes), n3 at 0.050s (6 bytes).")
	inv.replaced[0].Is = 0
	if raft := judged(t, "raft", c.History, o); raft.Verdict != Violated {
		t.Error("raft's invariants do not see it")
	}
}
