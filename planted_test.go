package etcdsim_test

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The rules are tested on trees with planted violations: archives in
// testdata/planted in which a comment "want: rule, rule" marks each line that must
// be reported ("want next:" the line below). What is reported elsewhere is as wrong
// as what is missed.

// plant writes the files into a folder of their own and reads them as a tree.
func plant(t *testing.T, files map[string]string) *tree {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := readTree(root)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// unpack reads an archive: after a comment, each file follows a line of the form
// "-- name --".
func unpack(t *testing.T, archive string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	files, name := map[string]string{}, ""
	for line := range strings.Lines(string(text)) {
		if head, ok := strings.CutPrefix(line, "-- "); ok && strings.HasSuffix(head, " --\n") {
			name = strings.TrimSuffix(head, " --\n")
		} else if name != "" {
			files[name] += line
		}
	}
	return files
}

var wantPattern = regexp.MustCompile(`// want( next)?: (.*)\n`)

// compare holds the findings against the marks in the files.
func compare(t *testing.T, tree *tree, found []finding) {
	t.Helper()
	key := func(file string, line int, rule string) string { return fmt.Sprintf("%s:%d [%s]", file, line, rule) }
	want := map[string]int{}
	for _, f := range tree.files {
		n := 0
		for line := range strings.Lines(string(f.text)) {
			n++
			if m := wantPattern.FindStringSubmatch(line); m != nil {
				at := n
				if m[1] != "" {
					at++
				}
				for rule := range strings.SplitSeq(m[2], ", ") {
					want[key(f.name, at, rule)]++
				}
			}
		}
	}
	if len(want) == 0 {
		t.Fatal("no marks in the planted tree")
	}
	for _, f := range found {
		k := key(f.file, f.line, f.rule)
		if want[k]--; want[k] < 0 {
			t.Errorf("reported without need: %v", f)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if want[k] > 0 {
			t.Errorf("not reported: %s", k)
		}
	}
}

func TestPlantedImports(t *testing.T) {
	tree := plant(t, unpack(t, "testdata/planted/imports.txtar"))
	compare(t, tree, tree.checkImports())
}

func TestPlantedCore(t *testing.T) {
	tree := plant(t, unpack(t, "testdata/planted/core.txtar"))
	if err := tree.checkTypes(tree.coreRooms()); err != nil {
		t.Fatal(err)
	}
	compare(t, tree, tree.checkDeterminism())
}

func TestPlantedTidy(t *testing.T) {
	tree := plant(t, unpack(t, "testdata/planted/tidy.txtar"))
	compare(t, tree, tree.checkTidy())
}

// TestBans plants every row of the two tables of bans.
func TestBans(t *testing.T) {
	files := map[string]string{"go.mod": "module etcdsim\n\ngo 1.26.0\n"}
	n := 0
	add := func(source string, args ...any) {
		n++
		files[fmt.Sprintf("sim/planted%d.go", n)] = "package sim\n\n" + fmt.Sprintf(source, args...)
	}
	for name, b := range bannedPackages {
		add("import _ %q // want: %s\n", name, b.rule)
	}
	for _, name := range []string{"os/exec", "net/http", "log/slog", "math/rand/v2", "runtime/debug"} {
		for up := name; ; up = path.Dir(up) {
			if b, ok := bannedPackages[up]; ok {
				add("import _ %q // want: %s\n", name, b.rule)
				break
			}
		}
	}
	for _, name := range pure {
		add("import _ %q\n", name)
	}
	for name, b := range bannedNames {
		from, what, _ := strings.Cut(name, ".")
		switch from {
		case "builtin":
			add("func init() { %s() } // want: %s\n", what, b.rule)
		case "sync": // types
			add("import p %q\n\nvar _ p.%s // want: %s\n", from, what, b.rule)
		default:
			add("import p %q\n\nvar _ = p.%s // want: %s\n", from, what, b.rule)
		}
	}
	tree := plant(t, files)
	if err := tree.checkTypes(tree.coreRooms()); err != nil {
		t.Fatal(err)
	}
	compare(t, tree, tree.checkDeterminism())
}

// TestText plants what an archive cannot hold.
func TestText(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       int // the line to be reported, or 0
	}{
		{"a.md", "fine\n", 0},
		{"a.md", "", 1},
		{"a.md", "one\ntwo", 2},
		{"a.md", "one\n\n", 2},
		{"a.md", "one\ntwo \nthree\n", 2},
		{"a.md", "one\ntwo\t\nthree\n", 2},
		{"a.md", "one\r\n", 1},
		{"a.md", "\xff\n", 1},
		{"a.md", "one\n  TO" + "DO later\n", 2},
		{"a.go", "package a // FIX" + "ME\n", 1},
		{"a.md", strings.Repeat("x", 200) + "\n", 0},
		{"a.go", "package a\n\n//" + strings.Repeat("x", 138) + "\n", 0},
		{"a.go", "package a\n\n//" + strings.Repeat("x", 139) + "\n", 3},
		{"a.go", "package a\n\n//" + strings.Repeat("é", 138) + "\n", 0},
		{"a.go", "package a\n\n/*\n\t" + strings.Repeat("x", 137) + "\n*/\n", 0},
		{"a.go", "package a\n\n/*\n" + strings.Repeat("x", 141) + "\n*/\n", 4},
		{"a.go", "package a\n\n// https://example.org/" + strings.Repeat("x", 139) + "\n", 0},
	} {
		f := &sourceFile{name: c.name, text: []byte(c.text)}
		if path.Ext(c.name) == ".go" {
			f = plant(t, map[string]string{c.name: c.text}).files[0]
		}
		found := checkText(f)
		switch {
		case c.want == 0 && len(found) > 0:
			t.Errorf("%q: reported without need: %v", c.text, found)
		case c.want > 0 && (len(found) != 1 || found[0].line != c.want):
			t.Errorf("%q: reported %v, want one finding on line %d", c.text, found, c.want)
		}
	}
}
