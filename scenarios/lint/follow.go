package lint

import (
	"slices"

	"etcdsim/scenarios"
)

// blinding are the remedies of faults that keep members from converging. Those who
// are down are left out: members converge without them, and that is what such
// scenarios are about.
var blinding = []string{"heal", "release", "resume", "unstall"}

// remedies are the statements that undo harm, with others whose work they do, too.
var remedies = withRemedies(map[string][]string{
	"restart": {"resume"}, "start": {"restart"},
	"mend": {"restart", "resume", "unstall", "repair", "free", "heal", "release"},
})

// withRemedies adds the statements that undo one fault only.
func withRemedies(all map[string][]string) map[string][]string {
	for _, verb := range scenarios.Verbs() {
		if r := scenarios.Remedy(verb); r != "" && all[r] == nil {
			all[r] = nil
		}
	}
	return all
}

// needsMajority are the statements that are not done without a quorum.
var needsMajority = map[string]bool{
	"put": true, "get": true, "delete": true, "add": true, "promote": true, "remove": true, "update": true, "transfer": true,
	"auth": true, "permit": true, "forbid": true, "disarm": true,
}

// follow looks at lines in order, and leaves the world as it is after them.
func (l *linter) follow(w *world, lines []scenarios.Line) {
	for i := range lines {
		if s := lines[i].Statement; s != nil {
			l.statement(w, s)
		}
	}
}

func (l *linter) statement(w *world, s *scenarios.Statement) {
	switch a := s.Args.(type) {
	case scenarios.RepeatArgs:
		// After so many times nothing can change any more.
		for range min(a.Times, uint64(w.nodes)+1) {
			l.follow(w, s.Branches[0].Lines)
		}
		return
	case scenarios.NoArgs:
		l.branches(w, s)
		return
	case scenarios.LoadArgs:
		w.loads[a.Name] = &load{most: a.Config.Ops, alone: a.Config.Serializable.Num > 0 || a.Config.Life != 0}
	case scenarios.NameArgs:
		if known := w.loads[a.Name]; known != nil {
			known.stopped = s
		}
	}
	l.contradicts(w, s)
	l.needs(w, s)
	l.undoes(w, s)
	w.suffer(s)
	w.bind(s)
}

// branches looks at statements that go on at the same time. What one branch does may
// undo, before or after, what another relies on.
func (l *linter) branches(w *world, s *scenarios.Statement) {
	remedied := slices.ContainsFunc(inside(s), func(s *scenarios.Statement) bool {
		_, ok := remedies[s.Verb]
		return ok
	})
	for _, inner := range inside(s) {
		w.had[scenarios.Remedy(inner.Verb)] = true
	}
	before := w.clone()
	for i := range s.Branches {
		b := before.clone()
		b.changing = b.changing || remedied
		if remedied {
			b.faults = map[string]*scenarios.Statement{}
		}
		l.follow(b, s.Branches[i].Lines)
		for _, inner := range statementsOf(s.Branches[i].Lines) {
			w.suffer(inner)
			w.bind(inner)
		}
	}
	if remedied {
		w.down, w.apart, w.split = crowd{}, crowd{}, nil
		w.faults = map[string]*scenarios.Statement{}
	}
}

// inside returns the statements in all branches of a block.
func inside(s *scenarios.Statement) []*scenarios.Statement {
	var all []*scenarios.Statement
	for i := range s.Branches {
		all = append(all, statementsOf(s.Branches[i].Lines)...)
	}
	return all
}

func statementsOf(lines []scenarios.Line) []*scenarios.Statement {
	return (&scenarios.File{Lines: lines}).Statements()
}

// suffer notes what a statement does to the members. An attempt may do nothing; but
// what it may undo does not count any more.
func (w *world) suffer(s *scenarios.Statement) {
	if also, ok := remedies[s.Verb]; ok {
		w.undo(s, append([]string{s.Verb}, also...))
	}
	if s.Maybe {
		return
	}
	if r := scenarios.Remedy(s.Verb); r != "" {
		w.faults[r], w.had[r] = s, true
	}
	switch a := s.Args.(type) {
	case scenarios.MemberArgs:
		switch s.Verb {
		case "stop", "pause":
			w.add(&w.down, a.Of, true, s)
		case "isolate":
			w.add(&w.apart, a.Of, false, s)
		}
	case scenarios.KillArgs:
		w.add(&w.down, a.Of, true, s)
	case scenarios.PartitionArgs:
		if w.parts(a.Groups) {
			w.split = s
		}
	case scenarios.AddArgs, scenarios.ChangeArgs:
		w.changing = true
	}
}

// undo ends faults.
func (w *world) undo(s *scenarios.Statement, kinds []string) {
	var of scenarios.Targets
	if a, ok := s.Args.(scenarios.MemberArgs); ok {
		of = a.Of
	}
	for _, kind := range kinds {
		delete(w.faults, kind)
		switch kind {
		case "restart", "resume":
			w.remove(&w.down, of)
		case "heal":
			w.apart, w.split = crowd{}, nil
		}
	}
}

// contradicts finds faults that befall who has them, and links that are none.
func (l *linter) contradicts(w *world, s *scenarios.Statement) {
	switch a := s.Args.(type) {
	case scenarios.MemberArgs:
		l.twice(s, a.Of)
		if s.Verb == "stop" {
			l.dead(w, s, a.Of)
		}
	case scenarios.KillArgs:
		l.twice(s, a.Of)
		l.dead(w, s, a.Of)
	case scenarios.PacketArgs:
		l.itself(w, s, a.LinkArgs)
	case scenarios.LinkArgs:
		l.itself(w, s, a)
	}
}

// twice finds who is named twice.
func (l *linter) twice(s *scenarios.Statement, of scenarios.Targets) {
	for i, t := range of {
		if slices.Contains(of[:i], t) {
			l.report(s, Contradiction, "%s stands here twice", t)
		}
	}
}

// dead finds whom a statement is to bring down although he is.
func (l *linter) dead(w *world, s *scenarios.Statement, of scenarios.Targets) {
	if s.Maybe || w.changing {
		return
	}
	for _, t := range of {
		by := w.down.members[t.Member]
		if t.Kind == "n" && by != nil && by.Verb != "pause" && !(killsMachine(s) && killsProcess(by)) {
			l.report(s, Contradiction, "%s: %s is down already, since line %d", s.Verb, t, by.Pos.Line)
		}
	}
}

// killsProcess reports that a machine goes on, killsMachine that it does not.
func killsProcess(s *scenarios.Statement) bool {
	a, ok := s.Args.(scenarios.KillArgs)
	return ok && a.MachineUp
}

func killsMachine(s *scenarios.Statement) bool {
	a, ok := s.Args.(scenarios.KillArgs)
	return ok && !a.MachineUp
}

// itself finds links that are none.
func (l *linter) itself(w *world, s *scenarios.Statement, a scenarios.LinkArgs) {
	if len(a.From) == 1 && len(a.To) == 1 && a.From[0] == a.To[0] && w.size(a.From[0]) == 1 {
		l.report(s, Contradiction, "%s: there is no link from %s to itself", s.Verb, a.From[0])
	}
}

// undoes finds remedies without a fault.
func (l *linter) undoes(w *world, s *scenarios.Statement) {
	switch _, undoes := remedies[s.Verb]; {
	case s.Verb == "restart" || s.Verb == "start" || s.Verb == "mend": // they do more
	case undoes && !w.had[s.Verb] && !s.Maybe && !w.changing:
		l.report(s, NothingToUndo, "%s: nothing before this needs it", s.Verb)
	}
}

// needs finds statements that wait for what cannot come.
func (l *linter) needs(w *world, s *scenarios.Statement) {
	l.counts(w, s)
	if s.Not || s.Maybe {
		return
	}
	c := s.Condition()
	if by, lame := w.lame(); lame && w.needsQuorum(s, c) {
		l.report(s, NoQuorum, "%s: since line %d (%s) no majority of the %d members is left that could reach each other",
			s, by.Pos.Line, by.Verb, w.nodes)
		return
	}
	if _, ok := c.(scenarios.ConvergedCondition); !ok || s.Verb != "wait" || w.changing {
		return
	}
	for _, remedy := range blinding {
		if by := w.faults[remedy]; by != nil {
			l.report(s, OpenFault, "%s: what line %d does (%s) is still there: expected %s before this", s, by.Pos.Line, by.Verb, remedy)
		}
	}
}

// needsQuorum reports whether a statement is in vain without a majority.
func (w *world) needsQuorum(s *scenarios.Statement, c scenarios.Condition) bool {
	switch c := c.(type) {
	case scenarios.LeaderCondition, scenarios.ConvergedCondition:
		return s.Verb == "wait"
	case scenarios.CompareCondition:
		known := w.loads[c.Left.Load]
		return s.Verb == "wait" && known != nil && c.Here &&
			(c.Left.Meter == "written" || c.Left.Meter == "acked" && !known.alone)
	}
	if a, ok := s.Args.(scenarios.RequestArgs); ok && a.Serializable {
		return false
	}
	return needsMajority[s.Verb]
}

// counts finds conditions on loads that cannot hold.
func (l *linter) counts(w *world, s *scenarios.Statement) {
	c, ok := s.Condition().(scenarios.CompareCondition)
	if !ok {
		return
	}
	class, verdict := Never, "cannot come"
	if s.Not {
		class, verdict = Always, "cannot come anyway, so that this tests nothing"
	}
	growing := c.Relation == "" || c.Relation == ">=" && c.Right.Number > 0 || c.Relation == ">"
	if !growing || s.Maybe {
		return
	}
	if s.Verb == "expect" && c.Here {
		l.report(s, class, "%s: counting begins now: it %s", s, verdict)
		return
	}
	known := w.loads[c.Left.Load]
	if known == nil || c.Right.Meter != "" || c.Right.Var != "" {
		return
	}
	if known.stopped != nil && c.Here && !w.changing {
		l.report(s, class, "%s: the clients of %s were stopped in line %d: it %s", s, c.Left.Load, known.stopped.Pos.Line, verdict)
	}
	if known.most > 0 && c.Right.Number > known.most {
		l.report(s, class, "%s: %s ends after %d requests: it %s", s, c.Left.Load, known.most, verdict)
	}
}

// end looks at how the members are left.
func (l *linter) end(w *world) {
	within := true
	for _, s := range l.file.Statements() {
		if a, ok := s.Args.(scenarios.LivenessArgs); ok {
			within = a.Within > 0
		}
	}
	if by, lame := w.lame(); lame && within {
		l.report(by, Outage, "%s: no majority of the %d members is left from here to the end, where the cluster must be well: "+
			"expected a remedy, or liveness off", by, w.nodes)
	}
}
