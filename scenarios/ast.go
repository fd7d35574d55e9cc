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
	// scope is what is in scope after the last line.
	scope Scope
}

// Line is one line: a phase, a statement, a comment, a statement with a comment
// behind it, or nothing. The lines inside of a block belong to the statement
// that opens it.
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
	// Number counts the statements of a file from 1, in the order in which they
	// stand there: what the trace calls this one. Unlike its place it does not
	// change when the file is formatted. Statements that leave no mark of their own in
	// the trace have none.
	Number int
	// Not is the prefix "!": the statement holds if what it says does not. Maybe is
	// the prefix "?": what the statement says is attempted; if it concerns nobody now,
	// or is not done in time, the run goes on. At most one of them is set.
	Not, Maybe bool

	Verb string
	// Args belong to the verb.
	Args Args
	// Branches are the lines inside of a block; empty for all other statements.
	Branches []Branch
}

// Branch is the lines of a block up to the "and" or "end" that closes them.
type Branch struct {
	Lines []Line
	// Comment stands behind the word that closes the branch.
	Comment string
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
// the order of the language, what is inside of blocks indented, comments and
// single empty lines kept. The form is stable: formatting what it printed changes
// nothing.
func Format(f *File) string {
	p := printer{first: true}
	p.lines(f.Lines, 0)
	return p.String()
}

// printer prints lines.
type printer struct {
	strings.Builder
	// first reports that nothing was printed yet here: in the file, or in the
	// branch of a block. gap reports that an empty line is due before the next.
	first, gap bool
}

func (p *printer) lines(lines []Line, depth int) {
	for i := range lines {
		p.line(lines[i].String(), depth)
		s := lines[i].Statement
		if s == nil {
			continue
		}
		for b := range s.Branches {
			p.first = true
			p.lines(s.Branches[b].Lines, depth+1)
			p.first, p.gap = false, false
			word := wordAnd
			if b == len(s.Branches)-1 {
				word = wordEnd
			}
			p.line(behind(word, s.Branches[b].Comment), depth)
		}
	}
}

// indent is what each block moves its lines by.
const indent = "  "

func (p *printer) line(text string, depth int) {
	if text == "" {
		p.gap = !p.first
		return
	}
	if p.gap {
		p.WriteByte('\n')
	}
	p.first, p.gap = false, false
	p.WriteString(strings.Repeat(indent, depth))
	p.WriteString(text)
	p.WriteByte('\n')
}

// behind puts a comment behind a text, if there is one.
func behind(text, comment string) string {
	if comment == "" {
		return text
	}
	return text + "  " + comment
}

// String prints the line in its canonical form, without a line break. Of a block
// it is the line that opens it.
func (l *Line) String() string {
	switch {
	case l.Phase != nil:
		return l.Phase.String()
	case l.Statement == nil:
		return l.Comment
	}
	return behind(l.Statement.String(), l.Comment)
}

// Statements returns the statements in the order in which they stand in the
// file, those inside of blocks included.
func (f *File) Statements() []*Statement { return statementsOf(f.Lines, nil) }

func statementsOf(lines []Line, all []*Statement) []*Statement {
	for i := range lines {
		s := lines[i].Statement
		if s == nil {
			continue
		}
		all = append(all, s)
		for b := range s.Branches {
			all = statementsOf(s.Branches[b].Lines, all)
		}
	}
	return all
}
