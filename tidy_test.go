package etcdsim_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// projectTree is the project's own source, read once for all rules.
func projectTree(t *testing.T) *tree {
	t.Helper()
	tree, err := readProject()
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

var readProject = sync.OnceValues(func() (*tree, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	if root, err = filepath.EvalSymlinks(root); err != nil {
		return nil, err
	}
	return readTree(root)
})

// maxLine is the length of a line of Go in characters. A line with a link in it may
// be longer.
const maxLine = 140

// vague are words that say nothing about what a thing is.
var vague = regexp.MustCompile(`(?i)^(utils?|commons?|helpers?|managers?|misc)$`)

// unfinished are marks of work left undone. Spelled apart, or this file would
// break its own rule.
var unfinished = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b`)

// checkTidy looks at how files are written.
func (t *tree) checkTidy() []finding {
	var found []finding
	for _, f := range t.files {
		found = append(found, checkText(f)...)
		if f.ast != nil {
			found = append(found, t.checkNames(f)...)
			if !f.isTest() {
				found = append(found, t.checkDocumented(f)...)
			}
		}
	}
	return append(found, t.checkPackageDocs()...)
}

// checkText looks at the bytes and lines of a file.
func checkText(f *sourceFile) []finding {
	var found []finding
	at := func(line int, text string) { found = append(found, finding{f.name, line, "tidy", text}) }
	switch {
	case len(f.text) == 0:
		at(1, "the file is empty: remove it")
		return found
	case !utf8.Valid(f.text):
		at(1, "the file is not UTF-8")
	case f.text[len(f.text)-1] != '\n':
		at(bytes.Count(f.text, []byte("\n"))+1, "the last line does not end: add a newline")
	case bytes.HasSuffix(f.text, []byte("\n\n")):
		at(bytes.Count(f.text, []byte("\n")), "the file ends in empty lines: remove them")
	}
	n := 0
	for line := range strings.Lines(string(f.text)) {
		n++
		line = strings.TrimSuffix(line, "\n")
		if strings.HasSuffix(line, "\r") {
			at(n, `the line ends in \r\n: write \n`)
		} else if strings.TrimRight(line, " \t") != line {
			at(n, "space at the end of the line: remove it")
		}
		if mark := unfinished.FindString(line); mark != "" {
			at(n, mark+": finish it, or write down the limit as a fact")
		}
		if f.ast != nil && utf8.RuneCountInString(line) > maxLine && !strings.Contains(line, "://") {
			at(n, fmt.Sprintf("the line is too long: break it after at most %d characters", maxLine))
		}
	}
	return found
}

// checkNames looks at the names of packages, files and declared things.
func (t *tree) checkNames(f *sourceFile) []finding {
	var found []finding
	judge := func(pos token.Pos, what, name string) {
		list := words(name)
		if what != "package" && what != "file" { // the last word is the noun: a commonPrefix is a prefix
			list = list[max(0, len(list)-1):]
		}
		for _, word := range list {
			if vague.MatchString(word) {
				found = append(found, t.at(pos, "names", "%s %s: %q says nothing, name what it holds or does", what, name, word))
			}
		}
	}
	judge(f.ast.Package, "package", f.ast.Name.Name)
	judge(f.ast.Package, "file", strings.TrimSuffix(path.Base(f.name), ".go"))
	for _, decl := range f.ast.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			judge(d.Name.Pos(), "func", d.Name.Name)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					judge(s.Name.Pos(), "type", s.Name.Name)
				case *ast.ValueSpec:
					for _, id := range s.Names {
						judge(id.Pos(), d.Tok.String(), id.Name)
					}
				}
			}
		}
	}
	return found
}

var wordPattern = regexp.MustCompile(`[A-Z]+[a-z0-9]*|[a-z0-9]+`)

// words splits a name at underscores, dots and capitals.
func words(name string) []string { return wordPattern.FindAllString(name, -1) }

// checkDocumented: whatever is exported says what it is.
func (t *tree) checkDocumented(f *sourceFile) []finding {
	if f.ast.Name.Name == "main" {
		return nil
	}
	var found []finding
	judge := func(id *ast.Ident, docs ...*ast.CommentGroup) {
		if id.IsExported() && !slices.ContainsFunc(docs, func(c *ast.CommentGroup) bool { return c.Text() != "" }) {
			found = append(found, t.at(id.Pos(), "docs", "%s is exported without a comment: say what it is, its unit, its errors", id.Name))
		}
	}
	for _, decl := range f.ast.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			// Methods of unexported types, and those every reader knows from an
			// interface of the standard library, explain themselves.
			if d.Recv == nil || exportedReceiver(d) && !slices.Contains(wellKnown, d.Name.Name) {
				judge(d.Name, d.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					judge(s.Name, d.Doc, s.Doc, s.Comment)
				case *ast.ValueSpec:
					for _, id := range s.Names {
						judge(id, d.Doc, s.Doc, s.Comment)
					}
				}
			}
		}
	}
	return found
}

// wellKnown are methods that mean the same on every type.
var wellKnown = []string{"Error", "Unwrap", "Len", "Less", "Swap", "Push", "Pop", "MarshalJSON", "UnmarshalJSON"}

func exportedReceiver(d *ast.FuncDecl) bool {
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

// checkPackageDocs: a package says in one place what it is for.
func (t *tree) checkPackageDocs() []finding {
	var found []finding
	for _, room := range t.rooms() {
		var first *sourceFile
		documented := 0
		for _, f := range t.files {
			if f.ast == nil || f.isTest() || f.room() != room {
				continue
			}
			if first == nil {
				first = f
			}
			if f.ast.Doc.Text() != "" {
				if documented++; documented == 2 {
					found = append(found, t.at(f.ast.Package, "docs", "package %s has a second package comment: keep one", room))
				}
			}
		}
		if first != nil && documented == 0 {
			found = append(found, t.at(first.ast.Package, "docs",
				"package %s has no package comment: say its purpose, its model and what it never does", room))
		}
	}
	return found
}

func TestTidy(t *testing.T) { report(t, projectTree(t).checkTidy()) }
