package learn

import (
	"cmp"
	"fmt"
	"slices"

	"etcdsim/checker/history"
	"etcdsim/scenarios/report/chronicle"
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// teller walks through a run and makes cards. The first thing that the run does not
// show, or that is not true of it, is kept in err, and everything after it comes to
// nothing: a lesson is straight-line code.
type teller struct {
	*Course
	at    sim.Time
	note  int // the next note to look at
	cards []Card
	err   error
}

func newTeller(c *Course) *teller { return &teller{Course: c} }

// find goes on to the next event of these kinds that is as wanted, and returns it.
func (t *teller) find(what string, kinds trace.Set, wanted func(*trace.Event) bool) trace.Event {
	for ; t.err == nil && t.note < len(t.Chronicle.Notes); t.note++ {
		e := &t.Chronicle.Notes[t.note]
		if kinds>>e.Kind&1 == 1 && (wanted == nil || wanted(e)) {
			t.at = e.At
			t.note++
			return *e
		}
	}
	t.lack(what)
	return trace.Event{}
}

// lack notes that the run does not show something.
func (t *teller) lack(what string) {
	if t.err == nil {
		t.err = fmt.Errorf("%w: %s", errUnfit, what)
	}
}

// role goes on to where a member takes a role.
func (t *teller) role(role uint16) trace.Event {
	return t.find("a "+trace.RoleName(role), trace.Kinds(trace.RoleChange), func(e *trace.Event) bool { return e.Aux == role })
}

// phase goes on to the beginning of a phase.
func (t *teller) phase(n uint64) {
	t.find(fmt.Sprintf("phase %d", n), trace.Kinds(trace.Phase), func(e *trace.Event) bool { return e.ID == n })
}

// scene begins a card at the present moment.
func (t *teller) scene() { t.cards = append(t.cards, Card{At: t.at}) }

func (t *teller) card() *Card {
	if len(t.cards) == 0 {
		t.scene()
	}
	return &t.cards[len(t.cards)-1]
}

// say says something that is true of any run.
func (t *teller) say(text string) {
	c := t.card()
	c.Texts = append(c.Texts, text)
}

// fact says something about this run, which must hold in it.
func (t *teller) fact(holds bool, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !holds {
		t.lack("it is not so that " + text)
		return
	}
	t.say(text)
}

// ask ends the card with a question.
func (t *teller) ask(q *Question) { t.card().Question = q }

// memberState is a member at a moment.
type memberState struct {
	ID                                  uint64
	Life                                uint64 // as chronicle.Up...
	Role, Term, Leader, Commit, Applied uint64
	Last, Durable                       uint64
	terms                               map[uint64]uint64
}

// up reports that the member runs.
func (m *memberState) up() bool { return m.Life == chronicle.Up }

// term returns the term of an entry in its log, or 0. Index 0 has term 0.
func (m *memberState) term(index uint64) uint64 { return m.terms[index] }

// holds reports that its disk has an entry.
func (m *memberState) holds(index, term uint64) bool {
	return index <= m.Durable && m.terms[index] == term
}

// members returns all members at the present moment, by number.
func (t *teller) members() []memberState { return t.membersAt(t.at) }

func (t *teller) membersAt(at sim.Time) []memberState {
	all := make([]memberState, t.Chronicle.Members)
	for i := range all {
		all[i].ID, all[i].terms = uint64(i)+1, map[uint64]uint64{}
	}
	for _, c := range t.Chronicle.Changes {
		if c.At > at {
			break
		}
		if c.Member == 0 || int(c.Member) > len(all) {
			continue
		}
		m := &all[c.Member-1]
		field := map[chronicle.Field]*uint64{
			chronicle.Life: &m.Life, chronicle.Role: &m.Role, chronicle.Term: &m.Term, chronicle.Leader: &m.Leader,
			chronicle.Commit: &m.Commit, chronicle.Applied: &m.Applied, chronicle.Last: &m.Last, chronicle.Durable: &m.Durable,
		}[c.Field]
		if field != nil {
			*field = c.Value
		}
	}
	for _, e := range t.Chronicle.Entries {
		if e.At > at {
			break
		}
		all[e.Member-1].take(e)
	}
	return all
}

// take lets an entry into the log.
func (m *memberState) take(e chronicle.Entry) {
	if m.terms[e.Index-1] == 0 && m.terms[e.Index] == 0 {
		clear(m.terms)
	}
	for i := e.Index; m.terms[i] != 0; i++ {
		delete(m.terms, i)
	}
	if e.Term != 0 {
		m.terms[e.Index] = e.Term
	}
}

// member returns a member at the present moment.
func (t *teller) member(id uint64) memberState {
	all := t.members()
	if id == 0 || id > uint64(len(all)) {
		return memberState{}
	}
	return all[id-1]
}

// majority is how many of n are one.
func majority(n int) int { return n/2 + 1 }

// those returns the members of which something is true.
func those(all []memberState, wanted func(*memberState) bool) []uint64 {
	var ids []uint64
	for i := range all {
		if wanted(&all[i]) {
			ids = append(ids, all[i].ID)
		}
	}
	return ids
}

// newer compares logs as voters do: by the term of the last entry, then by length
// (Raft paper, section 5.4.1).
func newer(a, b *memberState) int {
	return cmp.Or(cmp.Compare(a.term(a.Last), b.term(b.Last)), cmp.Compare(a.Last, b.Last))
}

// canWin returns the running members that a majority of all would vote for.
func canWin(all []memberState) []uint64 {
	return those(all, func(c *memberState) bool {
		votes := those(all, func(v *memberState) bool { return c.up() && v.up() && newer(c, v) >= 0 })
		return len(votes) >= majority(len(all))
	})
}

// placed is an operation with its entry, if it has one.
type placed struct {
	*history.Op
	Index, Term uint64 // 0: it is in no committed entry
}

// operations returns all operations of a load with their entries.
func (t *teller) operations(load string) []placed {
	entries := map[uint64]*history.Commit{}
	for i := range t.Result.History.Commits {
		c := &t.Result.History.Commits[i]
		entries[c.Proposal.ID] = c
	}
	var ops []placed
	for i := range t.Result.History.Ops {
		op := &t.Result.History.Ops[i]
		if load != "" && op.Load != load {
			continue
		}
		p := placed{Op: op}
		if c := entries[op.ID]; c != nil {
			p.Index, p.Term = c.Index, c.Term
		}
		ops = append(ops, p)
	}
	return ops
}

// first returns the first operation that is as wanted.
func (t *teller) first(what string, ops []placed, wanted func(*placed) bool) placed {
	i := slices.IndexFunc(ops, func(p placed) bool { return wanted(&p) })
	if i < 0 {
		t.lack(what)
		return placed{Op: &history.Op{}}
	}
	return ops[i]
}

// goTo moves to a time.
func (t *teller) goTo(at sim.Time) {
	t.at = at
	t.note, _ = slices.BinarySearchFunc(t.Chronicle.Notes, at, func(e trace.Event, at sim.Time) int { return cmp.Compare(e.At, at) })
}
