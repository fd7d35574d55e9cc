package lint

import (
	"fmt"
	"slices"
	"strings"

	"etcdsim/scenarios"
)

// Class says what kind of mistake a finding is.
type Class uint8

// The classes.
const (
	// NoQuorum: what the statement waits for or asks needs a majority of members that
	// reach each other, and there is none.
	NoQuorum Class = iota
	// OpenFault: a fault is still there when members are to converge.
	OpenFault
	// Outage: the scenario ends without a quorum, and yet the cluster is to be well.
	Outage
	// Unused: a variable gets a value that nobody reads.
	Unused
	// Never: what is awaited or expected cannot come.
	Never
	// Always: what must not come cannot come anyway, so that the statement tests
	// nothing.
	Always
	// NothingToUndo: no fault precedes its remedy.
	NothingToUndo
	// Contradiction: a fault befalls who has it already, or a link that is none.
	Contradiction
	// Idle: clients start, and the scenario ends without giving them time.
	Idle
	// Uncaused: cover asks for what nothing in the scenario can bring about.
	Uncaused
	numClasses // keep last
)

var classes = [numClasses]string{
	NoQuorum: "no-quorum", OpenFault: "open-fault", Outage: "outage", Unused: "unused", Never: "never", Always: "always",
	NothingToUndo: "nothing-to-undo", Contradiction: "contradiction", Idle: "idle", Uncaused: "uncaused",
}

// String returns the name of the class.
func (c Class) String() string { return classes[c] }

// Classes lists all classes.
func Classes() []Class {
	all := make([]Class, numClasses)
	for i := range all {
		all[i] = Class(i)
	}
	return all
}

// Finding is a statement that cannot mean what it says.
type Finding struct {
	File  string
	Pos   scenarios.Pos
	Class Class
	// Text says what is wrong, and why.
	Text string
}

// String prints the finding as compilers do: "file:line:column: text (class)".
func (f Finding) String() string {
	return fmt.Sprintf("%s:%d:%d: %s (%s)", f.File, f.Pos.Line, f.Pos.Col, f.Text, f.Class)
}

// Check returns what is wrong with a scenario, in the order of its lines. Nothing is
// wrong with a recorded session: it shows what happened, not what somebody meant.
func Check(f *scenarios.File) []Finding {
	if f.Session() != nil {
		return nil
	}
	l := &linter{file: f}
	l.variables()
	l.causes()
	l.idle()
	w := newWorld(sizeOf(f))
	l.follow(w, f.Lines)
	l.end(w)
	slices.SortStableFunc(l.found, func(a, b Finding) int {
		if a.Pos.Line != b.Pos.Line {
			return a.Pos.Line - b.Pos.Line
		}
		return a.Pos.Col - b.Pos.Col
	})
	return l.found
}

// linter collects findings.
type linter struct {
	file  *scenarios.File
	found []Finding
}

// report adds a finding, unless the statement has one of this class already: what
// stands in a block is looked at more than once.
func (l *linter) report(s *scenarios.Statement, class Class, format string, args ...any) {
	f := Finding{l.file.Name, s.Pos, class, fmt.Sprintf(format, args...)}
	if !slices.ContainsFunc(l.found, func(g Finding) bool { return g.Pos == f.Pos && g.Class == f.Class }) {
		l.found = append(l.found, f)
	}
}

// variables finds variables that nobody reads.
func (l *linter) variables() {
	used := map[string]bool{}
	for _, s := range l.file.Statements() {
		for _, v := range s.Uses() {
			used[v] = true
		}
	}
	for _, s := range l.file.Statements() {
		if v := s.Binds(); v != "" && !used[v] {
			l.report(s, Unused, "$%s: nobody reads it", v)
		}
	}
}

// caused lists what brings counters about that nothing else does: verbs, or options
// of the universe. A counter that is not here may have any cause.
var caused = map[string][]string{
	"blocked":      undoneBy("heal"),
	"held":         {"hold"},
	"pauses":       {"pause"},
	"stops":        {"stop", "restart"},
	"dropped":      {"net.drop", "link"},
	"duplicated":   {"net.duplicate", "link", "packet"},
	"reordered":    {"net.reorder", "link", "packet"},
	"taken":        {"packet"},
	"removals":     {"remove"},
	"conf-changes": {"add", "promote", "remove"},
	"learners":     {"add"},
}

// undoneBy are the statements whose harm a remedy undoes.
func undoneBy(remedy string) []string {
	var all []string
	for _, verb := range scenarios.Verbs() {
		if scenarios.Remedy(verb) == remedy {
			all = append(all, verb)
		}
	}
	return all
}

// causes finds counters that cover asks for in vain.
func (l *linter) causes() {
	present := map[string]bool{}
	for _, s := range l.file.Statements() {
		present[s.Verb] = true
		if a, ok := s.Args.(scenarios.SectionArgs); ok {
			for _, o := range a.Options {
				present[s.Verb+"."+o.Name] = true
			}
		}
	}
	for _, s := range l.file.Statements() {
		a, ok := s.Args.(scenarios.CoverArgs)
		if !ok {
			continue
		}
		for _, b := range a.Bounds {
			causes := caused[b.Counter]
			if b.Least > 0 && causes != nil && !slices.ContainsFunc(causes, func(c string) bool { return present[c] }) {
				l.report(s, Uncaused, "%s: nothing here brings it about: expected one of %s", b, strings.Join(causes, ", "))
			}
		}
	}
}

// idle finds clients that are not given any time: what follows them waits for
// nothing.
func (l *linter) idle() {
	all := l.file.Statements()
	for i, s := range all {
		switch s.Args.(type) {
		case scenarios.LoadArgs, scenarios.WatchArgs:
			if !slices.ContainsFunc(all[i+1:], takesTime) {
				l.report(s, Idle, "%s: the scenario ends before its clients can have done anything: expected a wait after it", s.Verb)
			}
		}
	}
}

// takesTime reports whether virtual time passes during a statement.
func takesTime(s *scenarios.Statement) bool {
	if a, ok := s.Args.(scenarios.PacketArgs); ok {
		return a.Within > 0
	}
	switch s.Verb {
	case "wait", "restart":
		return true
	}
	return needsMajority[s.Verb]
}
