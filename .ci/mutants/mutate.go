package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
)

// mutant is one place of a package, broken in one way.
type mutant struct {
	n    int // opens its guard; from 1
	file string
	line int
	// what is broken: "never: `a < b`".
	what string

	tests   []string // that come to the place
	outcome outcome
	by      string // the test that noticed it
}

// String prints a mutant and what came of it: a line of a report.
func (m *mutant) String() string {
	s := fmt.Sprintf("%s:%d: %s", m.file, m.line, m.what)
	switch m.outcome {
	case "":
		return s
	case noticed, endless:
		return s + " -- " + string(m.outcome) + " by " + m.by
	}
	return s + " -- " + string(m.outcome)
}

// An edit puts text into a file. Edits nest as the code does: what opens at the same
// place stands in the order in which it was made, what closes in the reverse.
type edit struct {
	at    int
	close bool
	text  string
}

// mutator goes through a file and writes guards around what may be broken.
type mutator struct {
	p       *pkg
	file    *file
	edits   []edit
	mutants []*mutant
	first   int // number of its first mutant
	// imports are the names under which packages are known in the file.
	imports map[string]string
	parents []ast.Node
}

// mutate finds the mutants of the chosen files, and puts their guards into the texts.
func (p *pkg) mutate(chosen func(file string) bool) ([]*mutant, error) {
	var all []*mutant
	for _, f := range p.files {
		if !chosen(f.name) {
			continue
		}
		m := &mutator{p: p, file: f, first: len(all) + 1, imports: map[string]string{}}
		for _, spec := range f.ast.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return nil, err
			}
			for _, imported := range p.itself.Imports() {
				if imported.Path() == path {
					m.imports[path] = imported.Name()
				}
			}
			if spec.Name != nil {
				m.imports[path] = spec.Name.Name
			}
		}
		for _, decl := range f.ast.Decls {
			if d, ok := decl.(*ast.FuncDecl); ok && d.Body != nil {
				m.walk(d)
			}
		}
		all = append(all, m.mutants...)
		f.guarded = m.apply()
	}
	return all, nil
}

// apply returns the text of the file with all edits made.
func (m *mutator) apply() []byte {
	order := make([]int, len(m.edits))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		a, b := m.edits[i], m.edits[j]
		switch {
		case a.at != b.at:
			return a.at - b.at
		case a.close != b.close && a.close:
			return -1
		case a.close != b.close:
			return 1
		case a.close:
			return j - i
		}
		return i - j
	})
	var text []byte
	done := 0
	for _, i := range order {
		e := m.edits[i]
		text = append(text, m.file.original[done:e.at]...)
		text = append(text, e.text...)
		done = e.at
	}
	return append(text, m.file.original[done:]...)
}

// breaks makes a mutant at a node, and returns the number that opens its guard.
func (m *mutator) breaks(n ast.Node, format string, args ...any) int {
	at := m.p.fset.Position(n.Pos())
	one := &mutant{n: m.first + len(m.mutants), file: m.file.name, line: at.Line, what: fmt.Sprintf(format, args...)}
	m.mutants = append(m.mutants, one)
	return one.n
}

// around puts text before and after a node. The closing text may be empty.
func (m *mutator) around(n ast.Node, before, after string) {
	m.edits = append(m.edits, edit{at: m.offset(n.Pos()), text: before})
	if after != "" {
		m.edits = append(m.edits, edit{at: m.offset(n.End()), close: true, text: after})
	}
}

func (m *mutator) offset(pos token.Pos) int { return m.p.fset.Position(pos).Offset }

// text returns the source of a node.
func (m *mutator) text(n ast.Node) string {
	return string(m.file.original[m.offset(n.Pos()):m.offset(n.End())])
}

// short returns the source of a node on one line.
func (m *mutator) short(n ast.Node) string {
	s := strings.Join(strings.Fields(m.text(n)), " ")
	if r := []rune(s); len(r) > 100 {
		s = string(r[:99]) + "…"
	}
	return "`" + s + "`"
}

// walk visits a node and everything below it, outer nodes first.
func (m *mutator) walk(root ast.Node) {
	ast.Inspect(root, func(n ast.Node) bool {
		if n == nil {
			m.parents = m.parents[:len(m.parents)-1]
			return true
		}
		m.visit(n)
		m.parents = append(m.parents, n)
		return true
	})
}

func (m *mutator) parent() ast.Node {
	if len(m.parents) == 0 {
		return nil
	}
	return m.parents[len(m.parents)-1]
}

func (m *mutator) visit(n ast.Node) {
	switch n := n.(type) {
	case *ast.BlockStmt:
		m.statements(n.List)
	case *ast.CaseClause:
		m.statements(n.Body)
		m.listed(n)
	case *ast.CommClause:
		m.statements(n.Body)
	case *ast.RangeStmt:
		if len(n.Body.List) > 0 {
			m.around(n.Body.List[0], fmt.Sprintf("if mutantOpen(%d) { break }; ", m.breaks(n, "left out: the rounds over %s", m.short(n.X))), "")
		}
	}
	if e, ok := n.(ast.Expr); ok {
		m.forced(e)
	}
	switch n := n.(type) {
	case *ast.BinaryExpr:
		m.boundary(n)
		m.term(n)
	case *ast.CallExpr:
		m.extreme(n)
	}
}

// statements leaves out each statement of a list that may be left out, and empties
// what is returned.
func (m *mutator) statements(list []ast.Stmt) {
	// Alone under a condition, a statement that is left out is a condition that never
	// holds, which is a mutant already.
	alone := false
	if s, ok := m.parent().(*ast.IfStmt); ok && len(list) == 1 && s.Else == nil {
		alone = true
	}
	for _, s := range list {
		switch s := s.(type) {
		case *ast.ReturnStmt:
			if len(s.Results) > 0 {
				m.returned(s)
				continue
			}
		case *ast.ExprStmt:
			if call, ok := s.X.(*ast.CallExpr); ok && m.isBuiltin(call.Fun, "panic") {
				continue
			}
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE || m.blank(s) {
				continue
			}
		case *ast.BranchStmt:
			if s.Tok != token.CONTINUE && s.Tok != token.BREAK {
				continue
			}
		case *ast.IncDecStmt, *ast.DeferStmt, *ast.SendStmt:
		default:
			continue
		}
		if !alone {
			m.around(s, fmt.Sprintf("if !mutantOpen(%d) { ", m.breaks(s, "left out: %s", m.short(s))), " }")
		}
	}
}

// blank reports whether a statement assigns to nothing that has a name.
func (m *mutator) blank(s *ast.AssignStmt) bool {
	return !slices.ContainsFunc(s.Lhs, func(e ast.Expr) bool {
		id, ok := e.(*ast.Ident)
		return !ok || id.Name != "_"
	})
}

// isBuiltin reports whether an expression is the builtin function of that name.
func (m *mutator) isBuiltin(e ast.Expr, names ...string) bool {
	id, ok := e.(*ast.Ident)
	return ok && m.p.info.Types[e].IsBuiltin() && slices.Contains(names, id.Name)
}

// returned makes a return statement return zero values instead.
func (m *mutator) returned(s *ast.ReturnStmt) {
	var results *ast.FieldList
	for _, n := range slices.Backward(m.parents) {
		if f, ok := n.(*ast.FuncLit); ok {
			results = f.Type.Results
			break
		}
		if f, ok := n.(*ast.FuncDecl); ok {
			results = f.Type.Results
			break
		}
	}
	var zeros []string
	for _, field := range results.List {
		for range max(1, len(field.Names)) {
			zeros = append(zeros, "*new("+m.text(field.Type)+")")
		}
	}
	switch {
	case len(s.Results) == 1 && m.text(s.Results[0]) == "false":
		m.around(s, fmt.Sprintf("if mutantOpen(%d) { return true }; ", m.breaks(s, "zero: %s becomes true", m.short(s))), "")
	case len(s.Results) == 1 && m.forcible(s.Results[0]), !slices.ContainsFunc(s.Results, m.worth):
	default:
		m.around(s, fmt.Sprintf("if mutantOpen(%d) { return %s }; ", m.breaks(s, "zero: %s", m.short(s)), strings.Join(zeros, ", ")), "")
	}
}

// worth reports whether an expression may be something else than a zero value.
func (m *mutator) worth(e ast.Expr) bool {
	if c, ok := e.(*ast.CompositeLit); ok {
		_, reference := m.p.info.TypeOf(c).Underlying().(*types.Struct)
		return !reference || len(c.Elts) > 0
	}
	return !slices.Contains([]string{"nil", "false", "0", `""`}, m.text(e))
}

// listed makes the values of a case other values.
func (m *mutator) listed(c *ast.CaseClause) {
	s, ok := m.parents[len(m.parents)-2].(*ast.SwitchStmt)
	if !ok || s.Tag == nil {
		return
	}
	tag := m.p.info.TypeOf(s.Tag)
	basic, ok := tag.Underlying().(*types.Basic)
	spelled, known := m.spell(tag)
	if !ok || !known || basic.Info()&(types.IsInteger|types.IsString) == 0 {
		return
	}
	for _, e := range c.List {
		before := "mutantNumber["
		if basic.Info()&types.IsString != 0 {
			before = "mutantText["
		}
		m.around(e, fmt.Sprintf("%s%s](%d, ", before, spelled, m.breaks(e, "unlisted: case %s", m.short(e))), ")")
	}
}

// spell writes a type as it is written in this file, if it can be.
func (m *mutator) spell(t types.Type) (string, bool) {
	known := true
	s := types.TypeString(t, func(p *types.Package) string {
		if p == m.p.itself {
			return ""
		}
		name, ok := m.imports[p.Path()]
		known = known && ok
		return name
	})
	switch t := t.(type) {
	case *types.Basic:
		known = known && t.Info()&types.IsUntyped == 0
	case *types.Named:
		known = known && (t.Obj().Exported() || t.Obj().Pkg() == m.p.itself)
	}
	return s, known
}

// forced makes a condition hold always, or never. Of a && b these are: never, and each
// operand always; of a || b: always, and each operand never.
func (m *mutator) forced(e ast.Expr) {
	if !m.forcible(e) {
		return
	}
	always, never := true, true
	switch within := m.parent().(type) {
	case *ast.ParenExpr:
		return
	case *ast.UnaryExpr:
		return
	case *ast.BinaryExpr:
		always, never = within.Op == token.LAND, within.Op == token.LOR
	case *ast.ForStmt:
		always = false // it would be a loop, which says nothing
	}
	if b, ok := ast.Unparen(e).(*ast.BinaryExpr); ok {
		always = always && b.Op != token.LAND
		never = never && b.Op != token.LOR
	}
	if always {
		m.around(e, fmt.Sprintf("(mutantOpen(%d) || (", m.breaks(e, "always: %s", m.short(e))), "))")
	}
	if never {
		m.around(e, fmt.Sprintf("(!mutantOpen(%d) && (", m.breaks(e, "never: %s", m.short(e))), "))")
	}
}

// forcible reports whether an expression is a condition: it decides where the code
// goes on, or is composed by operators.
func (m *mutator) forcible(e ast.Expr) bool {
	tv, ok := m.p.info.Types[e]
	if !ok || tv.Value != nil || !tv.IsValue() {
		return false
	}
	if b, ok := tv.Type.(*types.Basic); !ok || b.Info()&types.IsBoolean == 0 {
		return false
	}
	switch e := e.(type) {
	case *ast.BinaryExpr, *ast.UnaryExpr, *ast.ParenExpr:
		return true
	default:
		switch within := m.parent().(type) {
		case *ast.IfStmt, *ast.ForStmt:
			return true
		case *ast.CaseClause:
			s, ok := m.parents[len(m.parents)-3].(*ast.SwitchStmt)
			return ok && s.Tag == nil && slices.Contains(within.List, e)
		case *ast.BinaryExpr:
			return within.Op == token.LAND || within.Op == token.LOR
		}
	}
	return false
}

// boundary moves the boundary of a comparison by one.
func (m *mutator) boundary(b *ast.BinaryExpr) {
	if m.p.info.Types[b].Value != nil || strings.Contains(m.text(b), "func(") {
		return
	}
	equal := "(" + m.text(b.X) + ") == (" + m.text(b.Y) + ")"
	switch b.Op {
	case token.LSS, token.GTR:
		m.around(b, "(", fmt.Sprintf(" || mutantOpen(%d) && %s)", m.breaks(b, "boundary: %s becomes %s=", m.short(b), b.Op), equal))
	case token.LEQ, token.GEQ:
		m.around(b, "(", fmt.Sprintf(" && !(mutantOpen(%d) && %s))",
			m.breaks(b, "boundary: %s becomes %s", m.short(b), b.Op.String()[:1]), equal))
	}
}

// term leaves out what is added or subtracted.
func (m *mutator) term(b *ast.BinaryExpr) {
	if b.Op != token.ADD && b.Op != token.SUB || m.p.info.Types[b].Value != nil {
		return
	}
	t := m.p.info.TypeOf(b)
	basic, ok := t.Underlying().(*types.Basic)
	if spelled, known := m.spell(t); ok && known && basic.Info()&types.IsNumeric != 0 {
		m.around(b.Y, fmt.Sprintf("mutantTerm[%s](%d, ", spelled, m.breaks(b, "left out: %s %s in %s", b.Op, m.short(b.Y), m.short(b))), ")")
	}
}

// extreme makes max min, and min max.
func (m *mutator) extreme(c *ast.CallExpr) {
	if !m.isBuiltin(c.Fun, "min", "max") || m.p.info.Types[c].Value != nil {
		return
	}
	other := map[string]string{"min": "max", "max": "min"}[m.text(c.Fun)]
	if spelled, known := m.spell(m.p.info.TypeOf(c)); known {
		m.around(c, fmt.Sprintf("mutantEither[%s](%d, ", spelled, m.breaks(c, "%s for %s: %s", other, m.text(c.Fun), m.short(c))),
			", "+other+m.text(c)[len("min"):]+")")
	}
}
