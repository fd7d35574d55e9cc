package scenarios

import (
	"fmt"
	"slices"
	"strconv"
)

// Blocks: statements that hold other statements, up to a line "end". Blocks may
// stand inside of blocks.

// The words that close the branch of a block.
const (
	wordAnd = "and"
	wordEnd = "end"
)

// blockKind says what a block may be made of.
type blockKind struct {
	// branching reports that "and" divides it into branches.
	branching bool
	// repeating reports that what it holds happens more than once.
	repeating bool
}

var (
	repeated   = blockKind{repeating: true}
	concurrent = blockKind{branching: true}
)

// openBlock is a block whose end has not been read yet.
type openBlock struct {
	statement *Statement
	kind      *blockKind
	// lines are those of the branch under way.
	lines []Line
	// before is what was in scope at the beginning of the block, after all that its
	// branches so far have introduced: branches do not see each other's names,
	// whose time is uncertain there; what follows the block sees them all.
	before bindings
	after  bindings
}

// inside returns where the present line belongs.
func (r *reader) inside() *[]Line {
	if len(r.open) == 0 {
		return &r.lines
	}
	return &r.open[len(r.open)-1].lines
}

// begin opens the block of a statement.
func (r *reader) begin(s *Statement) {
	b := &openBlock{statement: s, kind: lookup(s.Verb).block, before: r.scope.bindings.clone()}
	r.open = append(r.open, b)
	if b.kind.repeating {
		r.scope.repeating++
	}
}

// close reads "and" or "end".
func (r *reader) close(words []word, comment string) *Error {
	w := words[0]
	fail := func(at word, text string) *Error {
		return &Error{Pos: Pos{Col: at.col}, Text: fmt.Sprintf("%s: %s", w.text, text)}
	}
	if len(words) > 1 {
		return fail(words[1], fmt.Sprintf("%q is too much: expected %s alone", words[1].text, w.text))
	}
	if len(r.open) == 0 {
		return fail(w, "no block is open here: expected an earlier repeat or concurrently")
	}
	b := r.open[len(r.open)-1]
	if w.text == wordAnd && !b.kind.branching {
		return fail(w, fmt.Sprintf("%s has one branch only: expected end", b.statement.Verb))
	}
	if !slices.ContainsFunc(b.lines, func(l Line) bool { return l.Statement != nil }) {
		return fail(w, fmt.Sprintf("expected a statement in every branch of %s", b.statement.Verb))
	}
	b.statement.Branches = append(b.statement.Branches, Branch{b.lines, comment})
	b.lines = nil
	b.after.add(&r.scope.bindings)
	if w.text == wordAnd {
		r.scope.bindings = b.before.clone()
		return nil
	}
	if b.kind.branching && len(b.statement.Branches) == 1 {
		return fail(w, fmt.Sprintf("expected \"and\" and another branch of %s first", b.statement.Verb))
	}
	r.scope.bindings = b.after
	if b.kind.repeating {
		r.scope.repeating--
	}
	r.open = r.open[:len(r.open)-1]
	return nil
}

// closed returns an error if a block has no end.
func (r *reader) closed() *Error {
	if len(r.open) == 0 {
		return nil
	}
	s := r.open[len(r.open)-1].statement
	return &Error{Pos: s.Pos, Text: s.Verb + ": expected a line \"end\" after it", Unfinished: true}
}

// lists are the names by kind.
func (b *bindings) lists() [4]*[]string {
	return [...]*[]string{&b.vars, &b.numbers, &b.loads, &b.watches}
}

// clone returns bindings that can be changed by themselves.
func (b *bindings) clone() bindings {
	var c bindings
	c.add(b)
	return c
}

// add adds what is in scope elsewhere.
func (b *bindings) add(other *bindings) {
	to := b.lists()
	for i, from := range other.lists() {
		for _, name := range *from {
			if !slices.Contains(*to[i], name) {
				*to[i] = append(*to[i], name)
			}
		}
	}
}

// RepeatArgs say how often a block happens.
type RepeatArgs struct{ Times uint64 }

// String prints the arguments as they are written.
func (a RepeatArgs) String() string { return strconv.FormatUint(a.Times, 10) }

// maxRepeat bounds how often a block happens.
const maxRepeat = 1_000_000

func parseRepeat(p *parser) RepeatArgs {
	at := p.at()
	a := RepeatArgs{p.number("how many times")}
	if a.Times < 1 || a.Times > maxRepeat {
		p.fail(at, "%d times: expected 1 to %d", a.Times, maxRepeat)
	}
	return a
}

// NoArgs are the arguments of a statement that has none.
type NoArgs struct{}

// String returns nothing.
func (NoArgs) String() string { return "" }

func parseNothing(*parser) NoArgs { return NoArgs{} }
