package etcdsim_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Documents cannot rot: every command in a block marked sh is executed, and what
// the document shows below it must be what comes out.
//
//	$ etcdsim run steady --seed 7      a command; it must exit with 0
//	$ etcdsim run x --seed 7  # exit 64      another exit code
//	shown output, line by line
//	...                                any lines, or none
//
// Without shown output only the exit code counts. Standard output is compared;
// where errors are to be shown, the command ends in 2>&1. A line "?" alone asks for
// the real output, which this writes into the documents:
//
//	go test -run TestDocuments . -update
var update = flag.Bool("update", false, "write the real output of commands into the documents")

// elsewhere are beginnings of commands that are not executed here, and why.
var elsewhere = map[string]string{
	"go test": "this is one of the tests; .ci/run executes what README.md promises",
	".ci/":    "runs the tests itself",
	"git ":    "changes the checkout",
}

// example is a command in a document, with what the document shows of its output.
type example struct {
	file    string
	line    int // of the command, from 1
	command string
	exit    int
	shown   []string
}

// elsewhere reports whether the command is not executed here.
func (e *example) elsewhere() bool {
	for prefix := range elsewhere { // unordered: whether there is one
		if strings.HasPrefix(e.command, prefix) {
			return true
		}
	}
	return false
}

var (
	exitPattern = regexp.MustCompile(`\s+# exit ([0-9]+)$`)
	linkPattern = regexp.MustCompile(`\]\(([^)#: ]+)(#[^) ]*)?\)`)
)

// examples finds the commands of a document.
func examples(f *sourceFile) (list []example, found []finding) {
	fence := ""
	n := 0
	for line := range strings.Lines(string(f.text)) {
		n++
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "```") {
			if fence != "" {
				fence = ""
			} else {
				fence = line
				list = append(list, example{line: -1}) // output belongs to no command yet
			}
			continue
		}
		if fence != "```sh" {
			continue
		}
		last := &list[len(list)-1]
		command, ok := strings.CutPrefix(line, "$ ")
		switch {
		case ok:
			e := example{file: f.name, line: n, command: command}
			if m := exitPattern.FindStringSubmatchIndex(command); m != nil {
				e.exit, _ = strconv.Atoi(command[m[2]:m[3]])
				e.command = command[:m[0]]
			}
			list = append(list, e)
		case last.line < 0:
			found = append(found, finding{f.name, n, "docs", "output without a command: begin with $ and one, or mark the block text"})
		default:
			last.shown = append(last.shown, line)
		}
	}
	list = slices.DeleteFunc(list, func(e example) bool { return e.line < 0 })
	for i, e := range list {
		for len(e.shown) > 0 && e.shown[len(e.shown)-1] == "" { // before the next command
			e.shown = e.shown[:len(e.shown)-1]
		}
		list[i] = e
	}
	return list, found
}

// run executes a command and returns its standard output and exit code.
type run func(command string) (stdout string, exit int, err error)

// check executes an example and compares.
func (e *example) check(run run) *finding {
	fail := func(format string, args ...any) *finding {
		return &finding{e.file, e.line, "docs", fmt.Sprintf("$ %s: ", e.command) + fmt.Sprintf(format, args...)}
	}
	stdout, exit, err := run(e.command)
	switch {
	case err != nil:
		return fail("%v", err)
	case exit != e.exit:
		return fail("exits with %d, want %d; write # exit %d behind it if that is right\n%s", exit, e.exit, exit, stdout)
	case len(e.shown) > 0 && !matches(e.shown, outputLines(stdout)):
		return fail("the document shows\n%s\nbut the output is\n%s\n(-update writes it)", strings.Join(e.shown, "\n"), stdout)
	}
	return nil
}

func outputLines(stdout string) []string {
	return strings.Split(strings.TrimRight(stdout, "\n"), "\n")
}

// matches reports whether the lines are those shown, in which "..." stands for
// any lines.
func matches(shown, lines []string) bool {
	switch {
	case len(shown) == 0:
		return len(lines) == 0
	case shown[0] == "...":
		for i := range len(lines) + 1 {
			if matches(shown[1:], lines[i:]) {
				return true
			}
		}
		return false
	}
	return len(lines) > 0 && lines[0] == shown[0] && matches(shown[1:], lines[1:])
}

// rewrite puts the real output below each command whose output is shown whole.
func rewrite(text []byte, list []example, run run) ([]byte, error) {
	lines := strings.Split(string(text), "\n")
	for _, e := range slices.Backward(list) { // from the end: line numbers stay valid
		if e.elsewhere() || len(e.shown) == 0 || slices.Contains(e.shown, "...") {
			continue
		}
		stdout, _, err := run(e.command)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", e.file, e.line, err)
		}
		lines = slices.Replace(lines, e.line, e.line+len(e.shown), outputLines(stdout)...)
	}
	return []byte(strings.Join(lines, "\n")), nil
}

// shell builds the binary and returns a run that finds it, in a folder that looks
// like the root of the project and can be written to.
func shell(t *testing.T) run {
	t.Helper()
	bin, dir := t.TempDir(), t.TempDir()
	build := exec.Command("go", "build", "-o", bin, "./cmd/etcdsim")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build ./cmd/etcdsim: %v\n%s", err, out)
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == "runs" || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if err := os.Symlink(filepath.Join(root, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return func(command string) (string, int, error) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		// What a reader starts with "go run" is the binary that was built.
		command = strings.ReplaceAll(command, "go run ./cmd/etcdsim", "etcdsim")
		cmd := exec.CommandContext(ctx, "sh", "-c", command)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
		var stdout bytes.Buffer
		cmd.Stdout = &stdout
		err := cmd.Run()
		var exit *exec.ExitError
		switch {
		case ctx.Err() != nil:
			return "", 0, errors.New("did not end within a minute")
		case errors.As(err, &exit):
			return stdout.String(), exit.ExitCode(), nil
		}
		return stdout.String(), 0, err
	}
}

func TestDocuments(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the binary and runs every command in the documents")
	}
	var found []finding
	run := shell(t)
	executed := 0
	for _, f := range projectTree(t).files {
		if path.Ext(f.name) != ".md" {
			continue
		}
		if *update {
			list, _ := examples(f)
			text, err := rewrite(f.text, list, run)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(text, f.text) {
				if err := os.WriteFile(f.name, text, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			f = &sourceFile{name: f.name, text: text}
		}
		list, bad := examples(f)
		found = append(found, bad...)
		for _, e := range list {
			if e.elsewhere() {
				continue
			}
			executed++
			if bad := e.check(run); bad != nil {
				found = append(found, *bad)
			}
		}
	}
	if executed == 0 {
		t.Error("no document shows a command")
	}
	report(t, found)
}

// TestLinks: a link from one document to another file of the project leads
// somewhere.
func TestLinks(t *testing.T) {
	var found []finding
	for _, f := range projectTree(t).files {
		if path.Ext(f.name) == ".md" {
			found = append(found, checkLinks(f)...)
		}
	}
	report(t, found)
}

func checkLinks(f *sourceFile) []finding {
	var found []finding
	n := 0
	for line := range strings.Lines(string(f.text)) {
		n++
		for _, m := range linkPattern.FindAllStringSubmatch(line, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(f.name), m[1])); err != nil {
				found = append(found, finding{f.name, n, "docs", "the link leads nowhere: " + m[1]})
			}
		}
	}
	return found
}

// TestArchitectureNamesRooms: whoever looks for a package by its name finds it in
// ARCHITECTURE.md.
func TestArchitectureNamesRooms(t *testing.T) {
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range projectTree(t).rooms() {
		if room != "." && !bytes.Contains(text, []byte("`"+room+"`")) {
			t.Errorf("ARCHITECTURE.md does not mention `%s`: say in one line what it holds", room)
		}
	}
}

// TestExamples: what is told apart in a document.
func TestExamples(t *testing.T) {
	doc := "text\n```sh\n$ first  # exit 2\nout 1\n\nout 2\n\n$ second\n```\n" +
		"$ no command\n```text\n$ neither\n```\n```sh\n$ third\n...\n```\n"
	list, found := examples(&sourceFile{name: "a.md", text: []byte(doc)})
	want := []example{
		{"a.md", 3, "first", 2, []string{"out 1", "", "out 2"}},
		{"a.md", 8, "second", 0, nil},
		{"a.md", 15, "third", 0, []string{"..."}},
	}
	if !reflect.DeepEqual(list, want) || len(found) > 0 {
		t.Errorf("found %+v and %v, want %+v", list, found, want)
	}
	if _, found := examples(&sourceFile{name: "a.md", text: []byte("```sh\nout\n```\n")}); len(found) != 1 || found[0].line != 2 {
		t.Errorf("output without a command gives %v", found)
	}
}

// TestExampleCheck: a document that shows what did not come out is found out.
func TestExampleCheck(t *testing.T) {
	prints := func(stdout string, exit int) run {
		return func(string) (string, int, error) { return stdout, exit, nil }
	}
	for _, c := range []struct {
		name  string
		exit  int
		shown []string
		run   run
		good  bool
	}{
		{"same", 0, []string{"a", "b"}, prints("a\nb\n", 0), true},
		{"nothing shown", 0, nil, prints("a\nb\n", 0), true},
		{"another line", 0, []string{"a", "c"}, prints("a\nb\n", 0), false},
		{"line missing", 0, []string{"a"}, prints("a\nb\n", 0), false},
		{"line too many", 0, []string{"a", "b", "c"}, prints("a\nb\n", 0), false},
		{"elided", 0, []string{"a", "...", "d"}, prints("a\nb\nc\nd\n", 0), true},
		{"elided nothing", 0, []string{"a", "...", "b"}, prints("a\nb\n", 0), true},
		{"elided too much", 0, []string{"...", "c"}, prints("a\nb\n", 0), false},
		{"asked for", 0, []string{"?"}, prints("a\n", 0), false},
		{"exit code", 0, nil, prints("", 1), false},
		{"expected exit code", 1, nil, prints("", 1), true},
		{"missing exit code", 1, nil, prints("", 0), false},
		{"error", 0, nil, func(string) (string, int, error) { return "", 0, errors.New("broken") }, false},
	} {
		e := example{"a.md", 1, "cmd", c.exit, c.shown}
		if bad := e.check(c.run); (bad == nil) != c.good {
			t.Errorf("%s: found %v, want good = %v", c.name, bad, c.good)
		}
	}
}

// TestExampleRewrite: real output replaces what is shown whole, nothing else.
func TestExampleRewrite(t *testing.T) {
	doc := "```sh\n$ a\n?\n\n$ b\nold\nolder\n$ c\n...\n$ d\n$ go test ./...\nok\n```\nend\n"
	list, _ := examples(&sourceFile{name: "a.md", text: []byte(doc)})
	got, err := rewrite([]byte(doc), list, func(command string) (string, int, error) { return command + "1\n" + command + "2\n", 0, nil })
	if want := "```sh\n$ a\na1\na2\n\n$ b\nb1\nb2\n$ c\n...\n$ d\n$ go test ./...\nok\n```\nend\n"; err != nil || string(got) != want {
		t.Errorf("rewritten to %q, %v, want %q", got, err, want)
	}
}

func TestCheckLinks(t *testing.T) {
	f := &sourceFile{name: "a.md", text: []byte("[a](doc.go) [b](https://example.org/x)\n[c](no/such.md#x) [d](#here) [e](testdata/)\n")}
	if found := checkLinks(f); len(found) != 1 || found[0].line != 2 {
		t.Errorf("found %v, want the one link on line 2 that leads nowhere", found)
	}
}
