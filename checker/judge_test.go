package checker

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

func serializableGet(key string) store.Request {
	return &store.RangeRequest{Key: key, Serializable: true}
}

// judged is what one judge says about a hand-made history.
func judged(t *testing.T, judge string, h history.History, o Options) Judgement {
	t.Helper()
	j, ok := Judge(h, o).Judgement(judge)
	if !ok {
		t.Fatalf("nobody judges %s", judge)
	}
	return j
}

// expect checks a judgement against the reason expected, "" for a pass.
func expect(t *testing.T, j Judgement, why string) {
	t.Helper()
	if why == "" {
		if j.Verdict != Pass || len(j.Violations) > 0 {
			t.Errorf("%s: got %v %+v, expected a pass", j.Judge, j.Verdict, j.Violations)
		}
		return
	}
	if j.Verdict != Violated || len(j.Violations) == 0 {
		t.Fatalf("%s: got %v, expected a violation: %s", j.Judge, j.Verdict, why)
	}
	prove(j)
	if got := j.Violations[0].Why; got != why {
		t.Errorf("%s:\ngot  %s\nwant %s", j.Judge, got, why)
	}
}

func TestSerializableReads(t *testing.T) {
	first, second := kv("k", "1", 2, 2, 1), kv("k", "2", 2, 3, 2)
	for _, tt := range []struct {
		name    string
		make    func(c *chronicle)
		restart bool // member 2, between 45 and 55 ms
		why     string
	}{
		{
			name: "an old state is allowed",
			make: func(c *chronicle) { c.op(1, 2, 40, 44, serializableGet("k"), read(2, first), 5) },
		},
		{
			name: "a state that never was",
			make: func(c *chronicle) { c.op(1, 2, 40, 44, serializableGet("k"), read(2, second), 5) },
			why:  "At rev 2 the committed log gives k = 1 (rev 2), but n2 answered k = 2 (rev 3).",
		},
		{
			name: "a state that was to come",
			make: func(c *chronicle) { c.op(1, 2, 12, 15, serializableGet("k"), read(3, second), 6) },
			why:  "n2 answered at 0.015s with the effect of index 6, which nobody had applied before 0.025s.",
		},
		{
			name: "a state that was to come, and was asked for later still",
			make: func(c *chronicle) {
				c.Ops[1].Invoke = ms(28)
				c.op(1, 2, 12, 27, serializableGet("k"), read(3, second), 6)
			},
			why: "n2 answered at 0.027s with the effect of index 6, which nobody had applied before 0.028s.",
		},
		{
			name: "a state that was to come, by a member that does not say what it had applied",
			make: func(c *chronicle) { c.op(1, 2, 12, 15, serializableGet("k"), read(3, second), 0) },
			why:  "n2 answered at 0.015s with the effect of index 6, which nobody had applied before 0.025s.",
		},
		{
			name: "a state just before it was to come",
			make: func(c *chronicle) { c.op(1, 2, 12, 25, serializableGet("k"), read(3, second), 6) },
		},
		{
			name: "a state that the member says is another",
			make: func(c *chronicle) { c.op(1, 2, 40, 44, serializableGet("k"), read(2, first), 6) },
		},
		{
			name: "two members need not agree",
			make: func(c *chronicle) {
				c.op(1, 2, 40, 44, serializableGet("k"), read(3, second), 6)
				c.op(1, 3, 60, 64, serializableGet("k"), read(2, first), 5)
			},
		},
		{
			name: "a member that goes back",
			make: func(c *chronicle) {
				c.op(1, 2, 40, 44, serializableGet("k"), read(3, second), 6)
				c.op(3, 2, 60, 64, serializableGet("k"), read(2, first), 5)
			},
			why: "n2 had answered at rev 3 by 0.044s and answered at rev 2 afterwards, without a restart between.",
		},
		{
			name: "a member that goes back, and not by one that nobody looked at first",
			make: func(c *chronicle) {
				c.op(3, 2, 60, 64, serializableGet("k"), read(2, first), 5)
				c.op(1, 2, 40, 44, serializableGet("k"), read(3, second), 6)
			},
			why: "n2 had answered at rev 3 by 0.044s and answered at rev 2 afterwards, without a restart between.",
		},
		{
			name: "a member that goes back by what it showed before the last",
			make: func(c *chronicle) {
				c.op(1, 2, 40, 44, serializableGet("k"), read(3, second), 6)
				c.op(3, 2, 42, 46, serializableGet("k"), read(2, first), 5)
				c.op(3, 2, 60, 64, serializableGet("k"), read(2, first), 5)
			},
			why: "n2 had answered at rev 3 by 0.044s and answered at rev 2 afterwards, without a restart between.",
		},
		{
			name: "a restart before both reads takes nothing back", restart: true,
			make: func(c *chronicle) {
				c.op(1, 2, 60, 64, serializableGet("k"), read(3, second), 6)
				c.op(3, 2, 70, 74, serializableGet("k"), read(2, first), 5)
			},
			why: "n2 had answered at rev 3 by 0.064s and answered at rev 2 afterwards, without a restart between.",
		},
		{
			name: "a restart may go back, and what was seen before counts no more", restart: true,
			make: func(c *chronicle) {
				c.op(1, 2, 40, 44, serializableGet("k"), read(3, second), 6)
				c.op(3, 2, 60, 64, serializableGet("k"), read(2, first), 5)
				c.op(3, 2, 70, 74, serializableGet("k"), read(2, first), 5)
			},
		},
		{
			name: "a restart may go back", restart: true,
			make: func(c *chronicle) {
				c.op(1, 2, 40, 44, serializableGet("k"), read(3, second), 6)
				c.op(3, 2, 60, 64, serializableGet("k"), read(2, first), 5)
			},
		},
		{
			name: "reads at the same time come in any order",
			make: func(c *chronicle) {
				c.op(1, 2, 40, 62, serializableGet("k"), read(3, second), 6)
				c.op(3, 2, 60, 64, serializableGet("k"), read(2, first), 5)
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := twoPuts()
			tt.make(c)
			inv := NewInvariants(3)
			if tt.restart {
				inv.Observe(&trace.Event{Kind: trace.MemberStart, Member: 2, At: ms(0), B: 1})
				inv.Observe(&trace.Event{Kind: trace.MemberCrash, Member: 2, At: ms(45)})
				inv.Observe(&trace.Event{Kind: trace.MemberStart, Member: 2, At: ms(55), B: 2})
			}
			j := judged(t, "serializable reads", c.History, Options{Invariants: inv})
			expect(t, j, tt.why)
			if j.Judged == 0 {
				t.Error("nothing was judged")
			}
			if lin := judged(t, "linearizability", c.History, Options{}); lin.Verdict != Pass {
				t.Errorf("a serializable read is judged as a linearizable one: %+v", lin)
			}
		})
	}
}

// Of several reads that are wrong the first is told, with what shows it.
func TestSerializableReadsTellTheFirst(t *testing.T) {
	second := kv("k", "2", 2, 3, 2)
	c := twoPuts()
	c.op(1, 2, 12, 15, serializableGet("k"), read(3, second), 6)
	one := judged(t, "serializable reads", c.History, Options{})
	c.op(1, 2, 40, 44, serializableGet("k"), read(2, second), 5)
	two := judged(t, "serializable reads", c.History, Options{})
	if one.Note != "" || two.Note != "the first of 2" || len(two.Violations) != 1 || two.Violations[0].Why != one.Violations[0].Why {
		t.Errorf("%+v\n%+v", one, two)
	}
	if ops := one.Violations[0].Ops; len(ops) != 2 || ops[0].Note != "from the future" || ops[1].Op.ID != 2 {
		t.Errorf("a read of what was to come is shown by %+v", ops)
	}
	// Without a log, or an account of restarts, less can be said.
	c.Commits = nil
	if j := judged(t, "serializable reads", c.History, Options{}); j.Verdict != Pass || j.Judged != 0 {
		t.Errorf("%+v", j)
	}
	back := twoPuts()
	back.op(1, 2, 40, 44, serializableGet("k"), read(3, second), 6)
	back.op(3, 2, 60, 64, serializableGet("k"), read(2, kv("k", "1", 2, 2, 1)), 5)
	expect(t, judged(t, "serializable reads", back.History, Options{}), "")
}

func TestDurability(t *testing.T) {
	for _, tt := range []struct {
		name      string
		make      func(c *chronicle)
		converged bool
		why       string
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
			why:  "put k=2 is in the log twice: at index 6 and at index 9.",
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
			name: "remembered by one", converged: true,
			make: func(c *chronicle) {
				c.Members = []history.Member{{ID: 1, Running: true, Applied: 5}, {ID: 2, Running: true, Applied: 6}}
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := twoPuts()
			tt.make(c)
			expect(t, judged(t, "durability", c.History, Options{Converged: tt.converged}), tt.why)
		})
	}
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
	expect(t, judged(t, "linearizability", c.History, o),
		"n1 acknowledged put k=2 at 0.030s, but the log that the members agreed on by 0.050s does not hold it.")
	expect(t, judged(t, "store", c.History, o), "")
	// Where another client's write came instead, that one is in the log.
	other := twoPuts()
	other.op(3, 2, 41, 56, put("j", "1"), wrote(3), 6)
	inv.replaced[0].Is = 3
	expect(t, judged(t, "durability", other.History, o),
		"n1 acknowledged put k=2 at 0.030s, committed at index 6; at 0.050s n2 applied put j=1 there instead. "+
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
	c.Commits[0].Proposal.ID = 77 // asked for by nobody
	j = judged(t, "store", c.History, Options{})
	expect(t, j, "Applying put k=1 at index 5 must give rev 2, but the store gave rev 9.")
	if j.Note != "the first of 2" || len(j.Violations[0].Ops) != 0 {
		t.Errorf("note %q, shown by %+v", j.Note, j.Violations[0].Ops)
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
		why     string
	}{
		{name: "equal", members: []history.Member{member(1, 6, 3, 7), member(2, 6, 3, 7)}},
		{name: "one behind", members: []history.Member{member(1, 6, 3, 7), member(2, 5, 2, 8)}},
		{name: "one down", members: []history.Member{member(1, 6, 3, 7), down}},
		{
			name: "the first one is down",
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
			expect(t, judged(t, "replicas", c.History, Options{}), tt.why)
		})
	}
}

func TestLiveness(t *testing.T) {
	c := twoPuts()
	c.Members = []history.Member{{ID: 1, Running: true, Applied: 6}, {ID: 2, Running: true, Applied: 6}, {ID: 3, Applied: 2}}
	expect(t, judged(t, "liveness", c.History, Options{Converged: true}), "")
	c.Members[1].Applied, c.Members[1].Commit = 5, 6
	expect(t, judged(t, "liveness", c.History, Options{Converged: true}),
		"In the end n1 has applied the log through index 6, n2 only through 5 (commit index 6).")
	// The last and the first are told, wherever they stand.
	c.Members = []history.Member{
		{ID: 1, Running: true, Applied: 7},
		{ID: 2, Running: true, Applied: 5, Commit: 6},
		{ID: 3, Running: true, Applied: 6},
		{ID: 4, Running: true, Applied: 8},
	}
	expect(t, judged(t, "liveness", c.History, Options{Converged: true}),
		"In the end n4 has applied the log through index 8, n2 only through 5 (commit index 6).")
	expect(t, judged(t, "liveness", c.History, Options{Stalled: []Stall{}}), "") // it was given no time to settle
	nothing := Stall{Awaited: "a leader", Since: ms(100), Within: 2 * time.Second}
	expect(t, judged(t, "liveness", c.History, Options{Stalled: []Stall{nothing}}), "Waited from 0.100s for 2s for a leader.")
	stall := Stall{Awaited: "a leader", Since: ms(100), Within: 2 * time.Second, Found: "n1 follows nobody"}
	o := Options{Stalled: []Stall{stall}}
	expect(t, judged(t, "liveness", c.History, o), "Waited from 0.100s for 2s for a leader. Instead: n1 follows nobody.")
	if code := Judge(c.History, o).ExitCode(); code != ExitLiveness {
		t.Errorf("exit code %d, expected %d", code, ExitLiveness)
	}
}

func TestCrashes(t *testing.T) {
	s := newStory(3)
	o := Options{Invariants: s.inv}
	expect(t, judged(t, "crash", history.History{}, o), "")

	s.crash(2)
	s.emit(trace.Event{Kind: trace.DiskLost, Member: 2, A: 70})
	o.Breakdowns = []Breakdown{{At: ms(20), Member: 2, Text: "no log"}}
	expect(t, judged(t, "crash", history.History{}, o),
		"n2 broke down: no log. It had ended at 0.004s, and its disk had lost 70 bytes that were not synced.")

	s.crash(3) // another one, and one that came later
	s.log.Now = ms(30)
	s.crash(2)
	expect(t, judged(t, "crash", history.History{}, o),
		"n2 broke down: no log. It had ended at 0.004s, and its disk had lost 70 bytes that were not synced.")
	o.Breakdowns = []Breakdown{{At: ms(20), Member: 3, Text: "no log"}}
	expect(t, judged(t, "crash", history.History{}, o),
		"n3 broke down: no log. It had ended at 0.006s, and its disk had lost nothing.")
	expect(t, judged(t, "crash", history.History{}, Options{Breakdowns: o.Breakdowns}), "n3 broke down: no log.")

	o.Breakdowns[0] = Breakdown{At: ms(35), Member: 2, Text: "no log"}
	s.start(2, 1, 1)
	expect(t, judged(t, "crash", history.History{}, o), "n2 broke down: no log.")
}

func TestCoverage(t *testing.T) {
	met := Requirement{What: "elections", Least: 2, Met: 2}
	o := Options{Cover: []Requirement{met}}
	expect(t, judged(t, "coverage", twoPuts().History, o), "")
	o.Cover = append(o.Cover, Requirement{What: "packet-lost", Least: 1}, Requirement{What: "write-torn", Least: 3, Met: 2})
	j := judged(t, "coverage", twoPuts().History, o)
	prove(j)
	if j.Verdict != Unknown || j.Note != "packet-lost: 0 of at least 1, write-torn: 2 of at least 3" {
		t.Errorf("got %v %q", j.Verdict, j.Note)
	}
	if code := Judge(twoPuts().History, o).ExitCode(); code != ExitUnknown {
		t.Errorf("exit code %d, expected %d", code, ExitUnknown)
	}
}

// Safety outranks liveness, and both outrank doubt.
func TestExitCodes(t *testing.T) {
	safety := Judgement{Class: Safety, Verdict: Violated}
	liveness := Judgement{Class: Progress, Verdict: Violated}
	doubt := Judgement{Class: Safety, Verdict: Unknown}
	pass := Judgement{Class: Safety, Verdict: Pass}
	for _, tt := range []struct {
		judgements []Judgement
		code       int
		verdict    Verdict
	}{
		{nil, ExitPass, Pass},
		{[]Judgement{pass}, ExitPass, Pass},
		{[]Judgement{pass, doubt}, ExitUnknown, Unknown},
		{[]Judgement{doubt, liveness}, ExitLiveness, Violated},
		{[]Judgement{liveness, doubt}, ExitLiveness, Violated},
		{[]Judgement{liveness, doubt, safety}, ExitSafety, Violated},
		{[]Judgement{safety, liveness}, ExitSafety, Violated},
		{[]Judgement{{Class: Progress, Verdict: Pass}}, ExitPass, Pass},
		{[]Judgement{{Class: Progress, Verdict: Unknown}}, ExitUnknown, Unknown},
		{[]Judgement{{Class: Coverage, Verdict: Violated}}, ExitUnknown, Violated},
	} {
		r := Report{Judgements: tt.judgements}
		if r.ExitCode() != tt.code || r.Verdict() != tt.verdict {
			t.Errorf("%+v: exit code %d and %v, expected %d and %v", tt.judgements, r.ExitCode(), r.Verdict(), tt.code, tt.verdict)
		}
	}
}

// Who has nothing to judge says nothing.
func TestNothingToJudge(t *testing.T) {
	names := func(h history.History, o Options) string {
		var all []string
		for _, j := range Judge(h, o).Judgements {
			all = append(all, j.Judge)
		}
		return strings.Join(all, ", ")
	}
	const always = "linearizability, serializable reads, durability, store, replicas"
	for _, tt := range []struct {
		name string
		h    history.History
		o    Options
		more string
	}{
		{name: "writes", h: twoPuts().History},
		{name: "leases", h: newLeaseStory().History, more: ", leases"},
		{name: "locks", h: newLockStory().History, more: ", leases, locks"},
		{name: "elections", h: newElectionStory().History, more: ", leases, elections"},
		{name: "rights", h: newRightsStory().History, more: ", auth"},
		{name: "the older APIs", h: newOlderStory().History, more: ", older"},
		{name: "watchers", h: newWatchStory(fromNow).History, more: ", watch"},
		{name: "members", h: begin().list(0, false, 1, 2, 3).h, more: ", membership"},
		{name: "a trace", h: twoPuts().History, o: Options{Invariants: NewInvariants(3)}, more: ", raft, crash"},
		{name: "a breakdown", h: twoPuts().History, o: Options{Breakdowns: []Breakdown{{}}}, more: ", crash"},
		{name: "an end", h: twoPuts().History, o: Options{Converged: true}, more: ", liveness"},
		{name: "waits", h: twoPuts().History, o: Options{Stalled: []Stall{}}, more: ", liveness"},
		{name: "cover", h: twoPuts().History, o: Options{Cover: []Requirement{{}}}, more: ", coverage"},
	} {
		if got := names(tt.h, tt.o); got != always+tt.more {
			t.Errorf("%s: %s, want %s", tt.name, got, always+tt.more)
		}
	}
}

// A judge of safety tells the earliest violation, and of how many. All violations are
// told in the order of the judges.
func TestFirstViolation(t *testing.T) {
	late, early := Violation{At: 2, Why: "late"}, Violation{At: 1, Why: "early"}
	one := safety("one", 3, []Violation{late})
	two := safety("two", 3, []Violation{late, early})
	if one.Note != "" || two.Note != "the first of 2" || len(two.Violations) != 1 || two.Violations[0].Why != "early" || two.Judged != 3 {
		t.Errorf("%+v\n%+v", one, two)
	}
	all := Report{Judgements: []Judgement{one, safety("none", 0, nil), two}}.Violations()
	if len(all) != 2 || all[0].Why != "late" || all[1].Why != "early" {
		t.Errorf("%+v", all)
	}
}

// A budget that is too small gives up, where the default finds.
func TestBudgetIsKept(t *testing.T) {
	if got := (Options{}).budget(); got != defaultBudget {
		t.Errorf("%d steps by default, want %d", got, defaultBudget)
	}
	if got := (Options{Budget: 7}).budget(); got != 7 {
		t.Errorf("%d steps, want 7", got)
	}
}

// The report of a history is the same every time, text included, whatever
// porcupine's goroutines do.
func TestReportsAreReproducible(t *testing.T) {
	for kind := none; kind < numAnomalies; kind++ {
		r := recipe{
			seed: 5, ops: 300, clients: 6, keys: 3, timeouts: sim.Percent(5), serializable: sim.Percent(20), anomaly: kind, rate: sim.Percent(5),
		}
		first := Judge(generate(r), Options{})
		for range 3 {
			if again := Judge(generate(r), Options{}); !reflect.DeepEqual(first, again) {
				t.Fatalf("%v: two reports differ:\n%+v\n%+v", kind, first, again)
			}
		}
	}
}

// Judges only read the history, and take one that holds nothing, or nothing but
// oddities.
func TestJudgesAnything(t *testing.T) {
	r := sim.NewRand(1, "oddities")
	for seed := range uint64(300) {
		h := generate(recipe{seed: seed, ops: 20, clients: 3, keys: 2, timeouts: sim.Percent(10), serializable: sim.Percent(20)})
		for range 3 {
			switch r.Intn(6) {
			case 0:
				h.Ops[r.Intn(len(h.Ops))].Response = store.Response{}
			case 1:
				h.Ops[r.Intn(len(h.Ops))].ID = r.Uint64()
			case 2:
				h.Ops[r.Intn(len(h.Ops))].Applied = r.Uint64()
			case 3:
				h.Ops[r.Intn(len(h.Ops))].Outcome = history.Outcome(r.Intn(5))
			case 4:
				h.Commits = h.Commits[:r.Intn(len(h.Commits)+1)]
			case 5:
				if n := len(h.Commits); n > 0 {
					i, k := r.Intn(n), r.Intn(n)
					h.Commits[i], h.Commits[k] = h.Commits[k], h.Commits[i]
				}
			}
		}
		Judge(h, Options{Invariants: NewInvariants(3), Converged: true, Budget: 5000})
	}
	Judge(history.History{}, Options{})
	report := Judge(history.History{}, Options{Invariants: NewInvariants(0), Converged: true})
	if report.Verdict() != Pass {
		t.Errorf("an empty history: %+v", report)
	}
	if !strings.Contains(Violated.String(), "violation") {
		t.Error("a violation is called by its name")
	}
}
