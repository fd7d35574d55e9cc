package main

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
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// pkg is a package with the types of its expressions.
type pkg struct {
	name   string // its folder, slash-separated, from the root of the module
	dir    string
	fset   *token.FileSet
	files  []*file
	info   *types.Info
	itself *types.Package
	tests  [][]byte // the texts of its tests
	// rapid: they use that library, which keeps what failed beside them unless told not to.
	rapid bool
}

// file is one of its files that are no tests.
type file struct {
	name     string // without the folder
	original []byte
	guarded  []byte // with mutants; nil if it has none
	ast      *ast.File
}

// listed is what "go list" tells about a package, as far as it matters here.
type listed struct {
	ImportPath   string
	Dir          string
	Export       string
	GoFiles      []string
	TestGoFiles  []string
	XTestGoFiles []string
	TestImports  []string
	XTestImports []string
	DepOnly      bool
	Module       *struct{ Dir string }
}

// load reads the one package that a pattern names.
func load(pattern string) (*pkg, error) {
	cmd := exec.Command("go", "list", "-deps", "-export",
		"-json=ImportPath,Dir,Export,GoFiles,TestGoFiles,XTestGoFiles,TestImports,XTestImports,DepOnly,Module", pattern)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var target *listed
	export := map[string]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		export[l.ImportPath] = l.Export
		if !l.DepOnly {
			if target != nil {
				return nil, errors.New("several packages: expected one in each argument")
			}
			target = &l
		}
	}
	if target == nil || target.Module == nil {
		return nil, errors.New("no package of a module")
	}

	p := &pkg{dir: target.Dir, fset: token.NewFileSet(), info: &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}}
	p.rapid = slices.Contains(append(target.TestImports, target.XTestImports...), "pgregory.net/rapid")
	name, err := filepath.Rel(target.Module.Dir, target.Dir)
	if err != nil {
		return nil, err
	}
	p.name = filepath.ToSlash(name)
	var parsed []*ast.File
	for _, name := range target.GoFiles {
		f := &file{name: name}
		if f.original, err = os.ReadFile(filepath.Join(p.dir, name)); err != nil {
			return nil, err
		}
		if f.ast, err = parser.ParseFile(p.fset, name, f.original, parser.SkipObjectResolution); err != nil {
			return nil, err
		}
		p.files, parsed = append(p.files, f), append(parsed, f.ast)
	}
	for _, name := range append(target.TestGoFiles, target.XTestGoFiles...) {
		text, err := os.ReadFile(filepath.Join(p.dir, name))
		if err != nil {
			return nil, err
		}
		p.tests = append(p.tests, text)
	}
	config := types.Config{Importer: importer.ForCompiler(p.fset, "gc", func(path string) (io.ReadCloser, error) {
		if export[path] == "" {
			return nil, fmt.Errorf("no export data for %q", path)
		}
		return os.Open(export[path])
	})}
	p.itself, err = config.Check(target.ImportPath, p.fset, parsed, p.info)
	return p, err
}
