package checker

import (
	"testing"

	"etcdsim/sim/trace"
	"etcdsim/store"
)

func serializableGet(key string) store.Request {
	return &store.RangeRequest{Key: key, Serializable: true}
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
