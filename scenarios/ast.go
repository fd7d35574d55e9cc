package scenarios

import (
	"fmt"
	"strings"
)

// File is a scenario as its author wrote it: what [Parse] returns and [Format]
// prints. It is not changed by running it, so that many runs may share one.
type File struct {
	// Name is what errors call it: the name of a built-in scenario, or the path.
	Name  string
	Lines []Line
}

// Line is one line: a phase, a statement, a comment, a statement with a comment
// behind it, or nothing.
type Line struct {
	Phase     *Phase
	Statement *Statement
	// Comment holds the '#' and what follows it.
	Comment string
}

// Phase is a comment "# N. title", which opens the N-th phase. Phases are
// numbered from 1 without gaps.
type Phase struct {
	Number int
	Title  string
}

// Statement is one statement.
type Statement struct {
	Pos Pos
	// Not is the prefix "!": the statement holds if what it says does not. Maybe is
	// the prefix "?": what the statement says is attempted; if it concerns nobody now,
	// or is not done in time, the run goes on. At most one of them is set.
	Not, Maybe bool

	Verb string
	// Args belong to the verb.
	Args Args
}

// Args are the arguments of a statement. String prints them in their canonical
// form, which reads back to equal arguments.
type Args interface{ String() string }

// verbWidth is the column that arguments are aligned to.
const verbWidth = 7

// String prints the statement in its canonical form.
func (s *Statement) String() string {
	verb := s.Verb
	switch {
	case s.Not:
		verb = "! " + verb
	case s.Maybe:
		verb = "? " + verb
	}
	args := s.Args.String()
	if args == "" {
		return verb
	}
	return fmt.Sprintf("%-*s %s", verbWidth, verb, args)
}

// String prints the phase as the comment that opens it.
func (p *Phase) String() string { return fmt.Sprintf("# %d. %s", p.Number, p.Title) }

// Format prints a scenario in its canonical form: arguments aligned, options in
// the order of the language, comments and single empty lines kept. The form is
// stable: formatting what it printed changes nothing.
func Format(f *File) string {
	var b strings.Builder
	blank := true // the line before was empty, or there was none
	for i := range f.Lines {
		text := f.Lines[i].String()
		if text == "" && blank {
			continue
		}
		blank = text == ""
		b.WriteString(text)
		b.WriteByte('\n')
	}
	text := strings.TrimRight(b.String(), "\n")
	if text == "" {
		return ""
	}
	return text + "\n"
}

// String prints the line in its canonical form, without a line break.
func (l *Line) String() string {
	switch {
	case l.Phase != nil:
		return l.Phase.String()
	case l.Statement == nil:
		return l.Comment
	case l.Comment == "":
		return l.Statement.String()
	}
	return l.Statement.String() + "  " + l.Comment
}

// Statements returns the statements in order.
func (f *File) Statements() []*Statement {
	var all []*Statement
	for i := range f.Lines {
		if s := f.Lines[i].Statement; s != nil {
			all = append(all, s)
		}
	}
	return all
}
