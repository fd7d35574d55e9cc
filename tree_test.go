package etcdsim_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module is the name of this project's Go module. Planted trees use it too.
const module = "etcdsim"

// finding is a broken rule and the place where it is broken.
type finding struct {
	file string
	line int
	rule string
	text string // what is wrong, and what to do instead
}

func (f finding) String() string {
	return fmt.Sprintf("%s:%d: %s [%s]", f.file, f.line, f.text, f.rule)
}

// report fails the test with each finding, in the order of files and lines.
func report(t *testing.T, findings []finding) {
	t.Helper()
	slices.SortStableFunc(findings, func(a, b finding) int {
		if c := strings.Compare(a.file, b.file); c != 0 {
			return c
		}
		return a.line - b.line
	})
	for _, f := range findings {
		t.Error(f)
	}
}

// sourceFile is one text file of the project.
type sourceFile struct {
	name string // slash-separated, from the root of the module
	text []byte
	ast  *ast.File // nil unless the file is Go
}

func (f *sourceFile) isTest() bool { return strings.HasSuffix(f.name, "_test.go") }

// room returns the folder of the file, "." at the root.
func (f *sourceFile) room() string { return path.Dir(f.name) }

// tree is the source of a module, read from its files.
type tree struct {
	root  string
	fset  *token.FileSet
	files []*sourceFile

	// What checkTypes found: the rooms that compile, and what their names mean.
	typed map[string]bool
	info  *types.Info
}

// textFiles are the kinds of files that the rules read.
var textFiles = []string{".go", ".md", ".mod", ".scn", ".sh", ".yml"}

// isModule reports whether a folder is a module of its own: it is no part of the
// simulator, and keeps its own house.
func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// readTree reads and parses the text files below root, except testdata, other
// modules, hidden folders other than .ci, and what runs leave behind.
func readTree(root string) (*tree, error) {
	t := &tree{root: root, fset: token.NewFileSet()}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ = filepath.Rel(root, name)
		name = filepath.ToSlash(name)
		base := path.Base(name)
		if d.IsDir() {
			hidden := strings.HasPrefix(base, ".") && name != "." && name != ".ci"
			if hidden || base == "testdata" || name == "runs" || name != "." && isModule(filepath.Join(root, name)) {
				return fs.SkipDir
			}
			return nil
		}
		if !slices.Contains(textFiles, path.Ext(base)) && path.Dir(name) != ".ci" {
			return nil
		}
		f := &sourceFile{name: name}
		if f.text, err = os.ReadFile(filepath.Join(root, name)); err != nil {
			return err
		}
		if path.Ext(name) == ".go" {
			if f.ast, err = parser.ParseFile(t.fset, name, f.text, parser.ParseComments|parser.SkipObjectResolution); err != nil {
				return err
			}
		}
		t.files = append(t.files, f)
		return nil
	})
	return t, err
}

// at makes a finding at a position of a parsed file.
func (t *tree) at(pos token.Pos, rule, format string, args ...any) finding {
	p := t.fset.Position(pos)
	return finding{file: p.Filename, line: p.Line, rule: rule, text: fmt.Sprintf(format, args...)}
}

// rooms returns the folders that hold Go files, sorted.
func (t *tree) rooms() []string {
	var rooms []string
	for _, f := range t.files {
		if f.ast != nil && !slices.Contains(rooms, f.room()) {
			rooms = append(rooms, f.room())
		}
	}
	slices.Sort(rooms)
	return rooms
}

// listed is what "go list" tells about a package, as far as it matters here.
type listed struct {
	ImportPath string
	Dir        string
	Export     string
	GoFiles    []string
	DepOnly    bool
	Error      *struct{ Err string }
}

// checkTypes resolves the names in the non-test files of the given rooms. The
// packages they import come as the compiler's export data, from the build cache
// that running the tests has filled anyway. An error says which rooms do not
// compile; the others are resolved all the same.
func (t *tree) checkTypes(rooms []string) error {
	args := []string{"list", "-e", "-deps", "-export", "-json=ImportPath,Dir,Export,GoFiles,DepOnly,Error"}
	for _, room := range rooms {
		args = append(args, "./"+room)
	}
	cmd := exec.Command("go", args...) // go test puts its own go first in the path
	cmd.Dir = t.root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go list: %w\n%s", err, stderr.Bytes())
	}

	var broken []error
	export := map[string]string{}
	var packages []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		export[p.ImportPath] = p.Export
		switch {
		case p.Error != nil:
			broken = append(broken, fmt.Errorf("%s: %s", p.ImportPath, p.Error.Err))
		case !p.DepOnly:
			packages = append(packages, p)
		}
	}

	t.typed = map[string]bool{}
	t.info = &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{},
		Uses:  map[*ast.Ident]types.Object{},
		Defs:  map[*ast.Ident]types.Object{},
	}
	config := types.Config{
		Importer: importer.ForCompiler(t.fset, "gc", func(path string) (io.ReadCloser, error) {
			if export[path] == "" {
				return nil, fmt.Errorf("no export data for %q", path)
			}
			return os.Open(export[path])
		}),
	}
	for _, p := range packages {
		var files []*ast.File
		room := ""
		for _, f := range t.files {
			if f.ast != nil && filepath.Join(t.root, f.room()) == p.Dir && slices.Contains(p.GoFiles, path.Base(f.name)) {
				files, room = append(files, f.ast), f.room()
			}
		}
		if _, err := config.Check(p.ImportPath, t.fset, files, t.info); err != nil {
			broken = append(broken, err)
			continue
		}
		t.typed[room] = true
	}
	return errors.Join(broken...)
}
