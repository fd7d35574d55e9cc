package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
)

// watch is a condition being watched in one run. It is asked again only after
// events that may have changed the answer.
type watch struct {
	// wakes are the kinds of those events.
	wakes trace.Set
	// by is when the condition holds by itself, or 0.
	by    sim.Time
	holds func() bool
	// deadline is when to stop watching; await sets it.
	deadline sim.Time
	// state says how things stand, for a condition that does not hold; what holds
	// is told in note, which may be nil. A telling note outranks others in the
	// report of a phase.
	state   func() string
	note    func() string
	telling bool
}

func (c LeaderCondition) watch(r *run) (watch, *halt) {
	among := everybody
	if len(c.In) > 0 {
		ids, h := r.peek(c.In)
		if h != nil {
			return watch{}, h
		}
		among = setOf(ids...)
	}
	var leader uint64
	return watch{
		wakes: memberEvents,
		holds: func() bool {
			leader = r.leaderAmong(among)
			return leader != 0
		},
		state: func() string {
			if leader != 0 {
				return fmt.Sprintf("n%d leads term %d", leader, r.counters.terms[leader])
			}
			if among != everybody {
				return fmt.Sprintf("no leader among %s", names(among.list()))
			}
			return "no leader"
		},
		note: func() string {
			if c.As != "" {
				r.vars[c.As] = setOf(leader)
			}
			return fmt.Sprintf("n%d leads term %d", leader, r.counters.terms[leader])
		},
		telling: true,
	}, nil
}

// leaderAmong returns the leader of the highest term among some members, or 0.
func (r *run) leaderAmong(among members) (leader uint64) {
	var term uint64
	for id := uint64(1); id <= uint64(r.c.Size()); id++ {
		if !among.has(id) {
			continue
		}
		if v := r.c.Member(id); v.State == cluster.Up && v.Role == trace.RoleLeader && v.Term > term {
			leader, term = id, v.Term
		}
	}
	return leader
}

func (ConvergedCondition) watch(r *run) (watch, *halt) {
	return watch{
		wakes: memberEvents,
		holds: func() bool { return r.unsettled() == "" },
		state: r.unsettled,
		note: func() string {
			core, _ := r.core()
			return fmt.Sprintf("%s at rev %d", plural(len(core), "member"), r.c.Member(core[0]).Revision)
		},
		telling: true,
	}, nil
}

// unsettled says what keeps the core of the cluster from having converged, or
// nothing if it has.
func (r *run) unsettled() string {
	core, quorum := r.core()
	if !quorum {
		return fmt.Sprintf("no quorum of running members can reach each other, only %s", orNobody(core))
	}
	leader := r.leaderAmong(setOf(core...))
	if leader == 0 {
		return "no leader among " + names(core)
	}
	want := r.c.Member(leader)
	for _, id := range core {
		switch v := r.c.Member(id); {
		case v.Leader != leader || v.Term != want.Term:
			return fmt.Sprintf("n%d does not follow n%d, the leader of term %d", id, leader, want.Term)
		case v.LastIndex != want.LastIndex:
			return fmt.Sprintf("n%d has %d entries, the leader n%d %d", id, v.LastIndex, leader, want.LastIndex)
		case v.Applied != v.LastIndex:
			return fmt.Sprintf("n%d has applied %d of its %d entries", id, v.Applied, v.LastIndex)
		}
	}
	return ""
}

func orNobody(ids []uint64) string {
	if len(ids) == 0 {
		return "nobody"
	}
	return names(ids)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (c ElapsedCondition) watch(r *run) (watch, *halt) {
	return timeWatch(r.c.Now().Add(c.Duration)), nil
}

func (c AtCondition) watch(r *run) (watch, *halt) {
	return timeWatch(max(c.Time, r.c.Now())), nil
}

func timeWatch(by sim.Time) watch {
	return watch{by: by, holds: func() bool { return false }, state: func() string { return "" }}
}

func (c CompareCondition) watch(r *run) (watch, *halt) {
	left, h := r.gauge(c.Left, c)
	if h != nil {
		return watch{}, h
	}
	right, h := r.gauge(c.Right, c)
	if h != nil {
		return watch{}, h
	}
	holds := func() bool {
		for i := range left.size {
			for j := range right.size {
				if !related(left.read(i), c.Relation, right.read(j)) {
					return false
				}
			}
		}
		return true
	}
	state := func() string {
		if c.Right.Meter == "" && c.Right.Var == "" {
			return left.String()
		}
		return left.String() + ", " + right.String()
	}
	return watch{wakes: left.wakes | right.wakes, holds: holds, state: state, note: state}, nil
}

func related(a uint64, relation string, b uint64) bool {
	switch relation {
	case "":
		return a > b // b is 0
	case ">=":
		return a >= b
	case "<=":
		return a <= b
	case "==":
		return a == b
	case "!=":
		return a != b
	case ">":
		return a > b
	case "<":
		return a < b
	}
	panic("scenarios: no relation " + relation)
}

// gauge is an operand in one run: one or more amounts to read.
type gauge struct {
	size  int
	read  func(i int) uint64
	wakes trace.Set
	// tell prints the i-th amount: "term of n2 is 4", "elections: 3".
	tell func(i int, amount uint64) string
}

// String prints the present amounts.
func (g gauge) String() string {
	parts := make([]string, g.size)
	for i := range parts {
		parts[i] = g.tell(i, g.read(i))
	}
	return strings.Join(parts, ", ")
}

// gauge reads an operand, of a condition if it belongs to one.
func (r *run) gauge(o Operand, c CompareCondition) (gauge, *halt) {
	switch {
	case o.Var != "":
		return gauge{
			size: 1,
			read: func(int) uint64 { return r.numbers[o.Var] },
			tell: func(_ int, n uint64) string { return fmt.Sprintf("$%s is %d", o.Var, n) },
		}, nil
	case o.Meter == "":
		return gauge{
			size: 1,
			read: func(int) uint64 { return o.Number },
			tell: func(_ int, n uint64) string { return strconv.FormatUint(n, 10) },
		}, nil
	}
	m := meterNamed(o.Meter)
	switch m.kind {
	case meterMember:
		ids, h := r.peek(o.Of)
		return gauge{
			size: len(ids), wakes: m.wakes,
			read: func(i int) uint64 { return m.member(r, ids[i]) },
			tell: func(i int, n uint64) string { return fmt.Sprintf("%s of n%d is %d", m.name, ids[i], n) },
		}, h
	case meterLoad:
		return c.loadGauge(r, m, o.Load)
	case meterWatch:
		return c.watchGauge(r, m, o.Load), nil
	}
	before := uint64(0)
	if c.Here {
		before = m.counter(&r.counters)
	}
	return gauge{
		size: 1, wakes: m.wakes,
		read: func(int) uint64 { return m.counter(&r.counters) - before },
		tell: func(_ int, n uint64) string { return fmt.Sprintf("%s: %d", m.name, n) },
	}, nil
}

// loadGauge reads a meter of a load, of all its operations or of some.
func (c CompareCondition) loadGauge(r *run, m *meter, who string) (gauge, *halt) {
	l := r.load(who)
	via := everybody
	if len(c.Via) > 0 {
		ids, h := r.peek(c.Via)
		if h != nil {
			return gauge{}, h
		}
		via = setOf(ids...)
		who += " via " + names(ids)
	}
	if len(c.Via) > 0 || c.Here {
		l = r.sift(l, via, c.Here)
	}
	return gauge{
		size: 1, wakes: m.wakes,
		read: func(int) uint64 { return m.load(l) },
		tell: func(_ int, n uint64) string { return fmt.Sprintf("%s: %d %s", who, n, m.name) },
	}, nil
}

// load counts operations of one load that ended, by how they ended.
type load struct {
	name                            string
	acked, written, failed, unknown uint64
	// Only operations of these members, invoked not before since, are counted.
	members members
	since   sim.Time
}

func (l *load) count(op *history.Op, write bool) {
	if op.Load != l.name || op.Invoke < l.since || !l.members.has(op.Member) {
		return
	}
	switch op.Outcome {
	case history.OK:
		l.acked++
		if write {
			l.written++
		}
	case history.Failed:
		l.failed++
	case history.Unknown:
		l.unknown++
	}
}

// sift counts some of the operations of a load: those via members, and only
// those yet to be invoked if fromHere.
func (r *run) sift(l *load, via members, fromHere bool) *load {
	some := &load{name: l.name, members: via}
	if fromHere {
		// What was invoked at this instant was invoked before the statement.
		some.since = r.c.Now() + 1
	} else {
		ops := r.clients.Ops()
		for i := range ops {
			if ops[i].Return != sim.Forever {
				some.count(&ops[i], writes(ops[i].Request))
			}
		}
	}
	r.sifted = append(r.sifted, sifted{some, r.strand})
	return some
}

// sifted counts some operations of a load while a strand looks at a condition.
type sifted struct {
	*load
	by *strand
}

// unsift ends the counts that the present strand asked for.
func (r *run) unsift() {
	r.sifted = slices.DeleteFunc(r.sifted, func(s sifted) bool { return s.by == r.strand })
}

// await lets virtual time pass until the condition holds, at most until the
// deadline, and reports whether it does.
func (r *run) await(w watch, within time.Duration) (bool, *halt) {
	if w.holds() {
		return true, nil
	}
	if w.by == 0 {
		w.deadline = r.c.Now().Add(within)
	} else {
		w.deadline = w.by
	}
	if r.strand.yield != nil {
		return r.strand.yield(w), nil
	}
	r.bell++
	r.c.WakeAt(w.deadline, 0, r.bell)
	r.log.Recent()
	for r.rung != r.bell {
		if h := r.step(); h != nil {
			return false, h
		}
		if r.log.Recent()&w.wakes != 0 && w.holds() {
			return true, nil
		}
	}
	return w.by != 0, nil
}
