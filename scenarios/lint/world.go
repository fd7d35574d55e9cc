package lint

import (
	"maps"
	"slices"
	"strconv"

	"etcdsim/scenarios"
)

// world is what is known for certain at some point of a scenario, whatever the
// seed.
type world struct {
	// nodes is the number of members.
	nodes int
	// changing: members come and go, or faults and remedies happen at the same time.
	// How many members are well is not known from there on.
	changing bool
	// down are members that do not run, apart members that nobody reaches.
	down, apart crowd
	// split is the statement that left no group with a quorum, or nil.
	split *scenarios.Statement
	// faults are the statements whose faults are still there, by what undoes them.
	faults map[string]*scenarios.Statement
	// had are all that were ever there.
	had map[string]bool
	// sizes says how many members a variable stands for at least.
	sizes map[string]int
	// loads are the loads so far.
	loads map[string]*load
}

// load is what is known of a load.
type load struct {
	// stopped is the statement that stopped it, or nil.
	stopped *scenarios.Statement
	// most is the number of requests after which it ends by itself; 0 is no end.
	most uint64
	// alone: some of its requests may be answered by a member alone.
	alone bool
}

func newWorld(nodes int) *world {
	return &world{
		nodes: nodes, faults: map[string]*scenarios.Statement{}, had: map[string]bool{},
		sizes: map[string]int{}, loads: map[string]*load{},
	}
}

// clone returns a world that can go on by itself.
func (w *world) clone() *world {
	c := *w
	c.down, c.apart = w.down.clone(), w.apart.clone()
	c.faults, c.had, c.sizes, c.loads = maps.Clone(w.faults), maps.Clone(w.had), maps.Clone(w.sizes), maps.Clone(w.loads)
	return &c
}

// sizeOf returns how many members a scenario begins with.
func sizeOf(f *scenarios.File) int {
	size := ""
	for _, section := range scenarios.Sections() {
		for _, o := range section.Options {
			if section.Name == "cluster" && o.Name == "nodes" {
				size = o.Default
			}
		}
	}
	for _, s := range f.Statements() {
		if a, ok := s.Args.(scenarios.SectionArgs); ok && s.Verb == "cluster" {
			for _, o := range a.Options {
				if o.Name == "nodes" {
					size = o.Value
				}
			}
		}
	}
	n, err := strconv.Atoi(size)
	if err != nil {
		panic("lint: a number of members passed the parser and fails now: " + err.Error())
	}
	return n
}

// quorum is the number of members that make a majority.
func (w *world) quorum() int { return w.nodes/2 + 1 }

// lame reports whether no quorum can be left, and which statement saw to that.
func (w *world) lame() (*scenarios.Statement, bool) {
	switch {
	case w.changing:
		return nil, false
	case w.split != nil:
		return w.split, true
	case w.nodes-w.down.least < w.quorum():
		return w.down.last, true
	case w.nodes-w.apart.least < w.quorum():
		return w.apart.last, true
	}
	return nil, false
}

// crowd is a set of members of which only so much is known.
type crowd struct {
	// least is the least size that it can have.
	least int
	// members are surely in it, by number, each with the statement that last put it there,
	// and so are those that the variables stand for.
	members map[uint64]*scenarios.Statement
	vars    []string
	// drawn: others are in it, too, who may be any.
	drawn bool
	// last is the statement that last added somebody.
	last *scenarios.Statement
}

func (c crowd) clone() crowd {
	c.members, c.vars = maps.Clone(c.members), slices.Clone(c.vars)
	return c
}

// isRunning are the targets that mean running members only: they are not among those
// that are down.
func isRunning(kind string) bool {
	switch kind {
	case "leader", "followers", "any", "minority", "majority":
		return true
	}
	return false
}

// size is how many members a target means at least, all of which run if it is one of
// those that do. Of rest nothing is known.
func (w *world) size(t scenarios.Target) int {
	switch t.Kind {
	case "n", "leader", "any":
		return 1
	case "$":
		return w.sizes[t.Var]
	case "minority":
		return (w.nodes - 1) / 2
	case "majority", "quorum":
		return w.quorum()
	case "all":
		return w.nodes
	}
	return 0
}

// add adds who the targets of a statement mean. fresh: whoever is drawn is not in the
// crowd yet.
func (w *world) add(c *crowd, ts scenarios.Targets, fresh bool, by *scenarios.Statement) {
	before := c.clone()
	for _, t := range ts {
		known := t.Kind == "n" && before.members[t.Member] != nil || t.Kind == "$" && slices.Contains(before.vars, t.Var)
		n := w.size(t)
		others := len(before.vars) > 0 || before.drawn
		switch {
		case known:
			if t.Kind == "n" {
				c.members[t.Member] = by
			}
			continue
		case t.Kind == "followers":
			c.least = max(c.least, w.nodes-1) // whoever runs, but the leader
		case t.Kind == "all":
			c.least = w.nodes
		case len(ts) == 1 && (fresh && isRunning(t.Kind) || t.Kind == "n" && !others || before.least == 0):
			c.least += n // surely others than those before
		case t.Kind == "n" && !others && onlyNumbers(ts):
			c.least += n
		default:
			c.least = max(c.least, n)
		}
		switch t.Kind {
		case "n":
			if c.members == nil {
				c.members = make(map[uint64]*scenarios.Statement)
			}
			c.members[t.Member] = by
			c.least = max(c.least, len(c.members))
		case "$":
			c.vars = append(c.vars, t.Var)
		default:
			c.drawn = true
		}
	}
	c.least = min(c.least, w.nodes)
	c.last = by
}

func onlyNumbers(ts scenarios.Targets) bool {
	return !slices.ContainsFunc(ts, func(t scenarios.Target) bool { return t.Kind != "n" })
}

// remove takes away who the targets mean. Where that is not known for certain, the
// fewest are left.
func (w *world) remove(c *crowd, ts scenarios.Targets) {
	for _, t := range ts {
		switch t.Kind {
		case "n":
			c.least--
			delete(c.members, t.Member)
		case "$":
			c.least -= w.most(t)
			c.vars = slices.DeleteFunc(c.vars, func(v string) bool { return v == t.Var })
		default:
			*c = crowd{}
		}
	}
	c.least = max(c.least, 0)
	if c.least == 0 {
		*c = crowd{}
	}
}

// most is how many members a variable stands for at most. Those that stand for a
// number of members known are exact.
func (w *world) most(t scenarios.Target) int {
	if n := w.sizes[t.Var]; n > 0 {
		return n
	}
	return w.nodes
}

// bind notes how many members a variable stands for, if that is known.
func (w *world) bind(s *scenarios.Statement) {
	v := s.Binds()
	if v == "" {
		return
	}
	w.down.vars = slices.DeleteFunc(w.down.vars, func(x string) bool { return x == v })
	w.apart.vars = slices.DeleteFunc(w.apart.vars, func(x string) bool { return x == v })
	delete(w.sizes, v)
	if a, ok := s.Args.(scenarios.LetArgs); !ok {
		w.sizes[v] = 1 // a leader, or a new member
	} else if len(a.Of) == 1 && w.size(a.Of[0]) > 0 {
		w.sizes[v] = w.size(a.Of[0])
	}
}

// parts reports whether a partition surely leaves no group with a quorum of members
// that run. Members in no group reach all of them.
func (w *world) parts(groups []scenarios.Targets) bool {
	named, drawn := 0, true // the least number of members named; all of them run
	largest, ends := 0, false
	var numbers []uint64
	numbered := true // nobody is named but by number
	for _, ts := range groups {
		size := 0
		for _, t := range ts {
			n := w.size(t)
			switch {
			case t.Kind == "rest":
				ends = true
				continue
			case t.Kind == "clients":
				continue
			case n == 0 || t.Kind == "quorum":
				return false // nobody knows how many
			case t.Kind == "n" && !slices.Contains(numbers, t.Member):
				numbers = append(numbers, t.Member)
			}
			size += n
			named = max(named, n)
			drawn = drawn && isRunning(t.Kind)
			numbered = numbered && t.Kind == "n"
		}
		largest = max(largest, size)
	}
	if numbered {
		named = len(numbers)
	}
	// others are the members that run and are not named, at most.
	others := w.nodes - named
	switch {
	case drawn:
		others -= w.down.least
	case numbered:
		for id := range w.down.members { // unordered: they are counted
			if !slices.Contains(numbers, id) {
				others--
			}
		}
	}
	if ends {
		largest = max(largest, others)
	} else {
		largest += max(0, others)
	}
	return min(largest, w.nodes-w.down.least) < w.quorum()
}
