package checker

import (
	"math/bits"

	"etcdsim/sim/trace"
)

// Configurations. Who votes is decided by the log: a change takes effect at a
// member when it applies the entry (raft's doc.go, Membership Changes), so
// members may use different configurations at the same time. That is safe as
// long as two configurations that follow each other share a majority, which they
// do if one member at a time joins or leaves (Raft thesis, section 4.1). What a
// majority is, is judged by the configuration of the member that counts.

// configMark is the configuration from an index of the log on, as bit sets of
// IDs.
type configMark struct {
	index            uint64
	voters, learners uint64
	member           trace.Addr
}

// configAt returns the configuration as of an index.
func (v *Invariants) configAt(index uint64) configMark {
	i := len(v.configs) - 1
	for i > 0 && v.configs[i].index > index {
		i--
	}
	return v.configs[i]
}

// configApplied takes note of a member's new configuration. All members have the
// same one at the same index, it differs from the one before by one member, and no
// leader took it in before it had applied the one before: of three configurations
// the first and the last may differ by two members.
func (v *Invariants) configApplied(m *memberAccount, e *trace.Event) {
	v.inOrder(m, e)
	m.voters = e.A
	if e.A&e.B != 0 {
		v.report(oneConfiguration, e, "in the configuration of n%d at index %d %s both vote and learn", m.id, e.Index, idText(e.A&e.B))
	}
	before := v.configAt(e.Index)
	if before.index == e.Index {
		if before.voters != e.A || before.learners != e.B {
			v.report(oneConfiguration, e, "from index %d on the voters are %s and the learners %s on n%d, but %s and %s on n%d",
				e.Index, idText(e.A), idText(e.B), m.id, idText(before.voters), idText(before.learners), before.member)
		}
		return
	}
	if last := v.configs[len(v.configs)-1]; last.index > e.Index {
		// Whoever applied the later change has skipped this one, which only a
		// snapshot allows; and whoever made that has applied this one, and told.
		v.report(oneConfiguration, e, "n%d applied a change of the configuration at index %d, which n%d, at index %d, does not know of",
			m.id, e.Index, last.member, last.index)
		return
	}
	if moved := before.voters ^ e.A; bits.OnesCount64(moved) > 1 {
		v.report(oneChange, e, "the change at index %d turned the voters %s into %s at once", e.Index, idText(before.voters), idText(e.A))
	}
	if mark, ok := v.entry(e.Index); ok && mark.term == e.Term && uint64(mark.config) < before.index {
		v.report(changesApart, e,
			"n%d, leader of term %d, took the change at index %d into its log before it had applied the one at index %d: "+
				"a majority of the voters %s need not meet one of the voters %s",
			mark.member, e.Term, e.Index, before.index, idText(v.configAt(before.index-1).voters), idText(e.A))
	}
	v.configs = append(v.configs, configMark{e.Index, e.A, e.B, e.Member})
}

// entry returns what is known of the entry at an index.
func (v *Invariants) entry(index uint64) (entryMark, bool) {
	if index >= uint64(len(v.entries)) {
		return entryMark{}, false
	}
	return v.entries[index], true
}

// elected checks that a new leader votes itself, and has the votes of a majority
// of the voters that it knows (5.2). Others may grant a vote as well: a learner
// may have become a voter without knowing it. But they do not count.
func (v *Invariants) elected(m *memberAccount, e *trace.Event) {
	v.voted(m, e, e.Member)
	if e.Term >= maxVoteTerm {
		return
	}
	granted := uint64(0)
	for rest := m.voters; rest != 0; rest &= rest - 1 {
		id := bits.TrailingZeros64(rest)
		if id < len(v.members) && e.Term < uint64(len(v.members[id].votes)) && v.members[id].votes[e.Term] == e.Member {
			granted |= 1 << id
		}
	}
	switch all := bits.OnesCount64(m.voters); {
	case m.voters>>e.Member&1 == 0:
		v.report(electedByVoters, e, "n%d became leader of term %d without being one of the voters %s", m.id, e.Term, idText(m.voters))
	case bits.OnesCount64(granted) <= all/2:
		v.report(electedByVoters, e, "n%d became leader of term %d with the votes of %s only; the voters are %s",
			m.id, e.Term, idText(granted), idText(m.voters))
	}
}

// idText prints a bit set of IDs: "n1, n3".
func idText(set uint64) string {
	text := ""
	for ; set != 0; set &= set - 1 {
		if text != "" {
			text += ", "
		}
		text += "n" + itoa(bits.TrailingZeros64(set))
	}
	if text == "" {
		return "nobody"
	}
	return text
}
