package scenarios

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
)

// names prints members: "n1, n2".
func names(ids []uint64) string {
	parts := make([]string, len(ids))
	for i, id := range ids {
		parts[i] = "n" + strconv.FormatUint(id, 10)
	}
	return strings.Join(parts, ", ")
}

// resolve decides which members the targets mean now, in order of their
// numbers. It remembers who the rest are.
func (r *run) resolve(ts Targets) ([]uint64, *halt) {
	groups, h := r.resolveGroups([]Targets{ts})
	if h != nil {
		return nil, h
	}
	return groups[0], nil
}

// resolveGroups resolves the groups of one statement: rest is whoever none of
// them names.
func (r *run) resolveGroups(groups []Targets) ([][]uint64, *halt) {
	sets := make([]members, len(groups))
	var named members
	restIs := r.strand.rest
	for i, ts := range groups {
		for _, t := range ts {
			if t.Kind == "rest" || t.Kind == "clients" {
				continue
			}
			m, h := r.members(t)
			if h != nil {
				return nil, h
			}
			sets[i] |= m
			named |= m
		}
	}
	if named != 0 {
		restIs = r.all() &^ named
	}
	lists := make([][]uint64, len(groups))
	for i, ts := range groups {
		if ts.has("rest") {
			sets[i] |= restIs
		}
		lists[i] = sets[i].list()
		if len(lists[i]) == 0 && !ts.has("clients") {
			return nil, &halt{outcome: Vacuous, why: fmt.Sprintf("%s means no member now", ts)}
		}
	}
	r.strand.rest = restIs
	return lists, nil
}

// endpoints returns the members that clients connect to who are told via whom; nil, which
// is all, if they are not.
func (r *run) endpoints(via Targets) ([]uint64, *halt) {
	if len(via) == 0 {
		return nil, nil
	}
	return r.peek(via)
}

// peek resolves targets without changing who the rest are.
func (r *run) peek(ts Targets) ([]uint64, *halt) {
	rest := r.strand.rest
	defer func() { r.strand.rest = rest }()
	return r.resolve(ts)
}

// members is a set of members: bit i-1 is member i.
type members uint64

func setOf(ids ...uint64) members {
	var m members
	for _, id := range ids {
		m |= 1 << (id - 1)
	}
	return m
}

func (m members) has(id uint64) bool { return m&(1<<(id-1)) != 0 }

// size returns the number of members in the set.
func (m members) size() int { return bits.OnesCount64(uint64(m)) }

// list returns the members in order.
func (m members) list() []uint64 {
	var ids []uint64
	for id := uint64(1); m>>(id-1) != 0; id++ {
		if m.has(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// everybody is the set of all members there ever may be.
const everybody = ^members(0)

// all returns the members that have ever started and were not removed.
func (r *run) all() members {
	var all members
	for id := uint64(1); id <= uint64(r.c.Size()); id++ {
		if v := r.c.Member(id); v.Incarnation > 0 && !v.Removed {
			all |= setOf(id)
		}
	}
	return all
}

// voters returns the members that vote.
func (r *run) voters() members {
	var voters members
	for _, m := range r.c.Roster() {
		if !m.Learner {
			voters |= setOf(m.ID)
		}
	}
	return voters
}

// running returns the members whose process runs and that were not removed.
func (r *run) running() []uint64 {
	var ids []uint64
	for id := uint64(1); id <= uint64(r.c.Size()); id++ {
		if v := r.c.Member(id); v.State == cluster.Up && !v.Removed {
			ids = append(ids, id)
		}
	}
	return ids
}

// members returns who a target means now. An empty set is an answer.
func (r *run) members(t Target) (members, *halt) {
	switch t.Kind {
	case "n":
		return setOf(t.Member), nil
	case "$":
		m, bound := r.vars[t.Var]
		if !bound {
			return 0, &halt{outcome: Vacuous, why: fmt.Sprintf("$%s has no value", t.Var)}
		}
		return m, nil
	case "all":
		return r.all(), nil
	case "leader":
		leader := r.c.Leader()
		if leader == 0 {
			return 0, &halt{outcome: Vacuous, why: "there is no leader now; a wait for one belongs before this"}
		}
		return setOf(leader), nil
	case "followers":
		up := setOf(r.running()...)
		if leader := r.c.Leader(); leader != 0 {
			up &^= setOf(leader)
		}
		return up, nil
	case "any":
		return r.draw(1, everybody), nil
	case "minority":
		return r.draw((r.voters().size()-1)/2, r.voters()), nil
	case "majority":
		return r.draw(r.quorum(), r.voters()), nil
	case "quorum":
		return r.drawFrom(r.quorum(), r.voters()), nil
	}
	panic("scenarios: no target of kind " + t.Kind)
}

func (r *run) quorum() int { return r.voters().size()/2 + 1 }

// draw returns n running members of a set, or as many as there are.
func (r *run) draw(n int, of members) members {
	return r.drawFrom(n, setOf(r.running()...)&of)
}

// drawFrom returns n members of a set, or as many as there are.
func (r *run) drawFrom(n int, of members) members {
	all := of.list()
	r.rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return setOf(all[:min(n, len(all))]...)
}

// addresses returns the endpoints that the targets mean, given who their members
// are: the members, and the clients if the targets include them.
func (r *run) addresses(ids []uint64, ts Targets) []trace.Addr {
	var addrs []trace.Addr
	for _, id := range ids {
		addrs = append(addrs, trace.Addr(id))
	}
	if ts.has("clients") {
		for i := range r.clients.Count() {
			addrs = append(addrs, trace.Client(i))
		}
	}
	return addrs
}

// core returns the members that must do without the others, and whether they are a
// quorum: those that were mended last, as far as they run; or, as long as nobody was,
// the largest set of running members that can all reach each other.
func (r *run) core() (ids []uint64, quorum bool) {
	up := r.running()
	if r.mended != 0 {
		core := setOf(up...) & r.mended
		return core.list(), (core & r.voters()).size() >= r.quorum()
	}
	for start := range up {
		group := []uint64{up[start]}
		for _, id := range up {
			if id != up[start] && !slices.ContainsFunc(group, func(other uint64) bool { return r.parted(id, other) }) {
				group = append(group, id)
			}
		}
		if len(group) > len(ids) {
			ids = group
		}
		if len(ids) == len(up) {
			break
		}
	}
	slices.Sort(ids)
	return ids, (setOf(ids...) & r.voters()).size() >= r.quorum()
}

// parted reports whether packets do not pass between two members, one way at
// least.
func (r *run) parted(a, b uint64) bool {
	n, x, y := r.c.Network(), trace.Addr(a), trace.Addr(b)
	return n.IsCut(x, y) || n.IsCut(y, x) || n.IsHeld(x, y) || n.IsHeld(y, x)
}
