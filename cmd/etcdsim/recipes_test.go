package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// recipe reads a document of docs/ci and returns it with the commands in it.
func recipe(t *testing.T, name string) (text string, commands []string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "ci", name))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^(?: *- (?:run: )?|#   )etcdsim (.*)$`).FindAllStringSubmatch(string(data), -1) {
		commands = append(commands, m[1])
	}
	if len(commands) != 2 {
		t.Fatalf("%s: commands %q, want a sweep and a merge", name, commands)
	}
	return string(data), commands
}

// do runs a command that must pass, with few seeds.
func do(t *testing.T, command string) {
	t.Helper()
	command = regexp.MustCompile(`--seeds 1\.\.\d+`).ReplaceAllString(command, "--seeds 1..9")
	var args []string
	for _, word := range strings.Fields(command) {
		if strings.Contains(word, "*") {
			files, err := filepath.Glob(word)
			if err != nil {
				t.Fatal(err)
			}
			args = append(args, files...)
			continue
		}
		args = append(args, word)
	}
	var stdout, stderr bytes.Buffer
	if code := run(args, &stdout, &stderr); code != exitOK {
		t.Fatalf("etcdsim %s: exit code %d\n%s%s", command, code, &stdout, &stderr)
	}
}

// whole returns the JUnit file of the sweep that the shards are parts of.
func whole(t *testing.T) string {
	t.Helper()
	do(t, "sweep --nemesis --seeds 1..9 --junit whole.xml")
	return read(t, "whole.xml")
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What the recipes' shards come to is what one sweep comes to.
func TestRecipeForGitHub(t *testing.T) {
	text, commands := recipe(t, "github.yml")
	if !strings.Contains(text, "shard: [1, 2, 3, 4]\n") {
		t.Fatal("the matrix is not 1 to 4")
	}
	t.Chdir(t.TempDir())
	t.Setenv("GITHUB_STEP_SUMMARY", "summary.md")
	for shard := range 4 {
		do(t, strings.ReplaceAll(commands[0], "${{ matrix.shard }}", fmt.Sprint(shard+1)))
	}
	do(t, commands[1])
	if read(t, "junit.xml") != whole(t) {
		t.Error("the merged results are not those of one sweep")
	}
	if summary := read(t, "summary.md"); !strings.Contains(summary, "### 9 runs: 9 pass\n") {
		t.Errorf("the summary is\n%s", summary)
	}
}

func TestRecipeForKubernetes(t *testing.T) {
	text, commands := recipe(t, "kubernetes.yml")
	for _, must := range []string{`(?m)^  completionMode: Indexed$`, `(?m)^  completions: 8$`, `name: ETCDSIM_SHARDS\n +value: "8"\n`} {
		if !regexp.MustCompile(must).MatchString(text) {
			t.Fatalf("the manifest does not say %s", must)
		}
	}
	// The merge stands in the comment that precedes the manifest.
	merge, sweep := commands[0], commands[1]
	t.Chdir(t.TempDir())
	t.Setenv("ETCDSIM_SHARDS", "8")
	for index := range 8 {
		t.Setenv("JOB_COMPLETION_INDEX", fmt.Sprint(index))
		do(t, strings.ReplaceAll(sweep, "$JOB_COMPLETION_INDEX", fmt.Sprint(index)))
	}
	// A pod that is started again finds its work done.
	do(t, strings.ReplaceAll(sweep, "$JOB_COMPLETION_INDEX", "7"))
	do(t, merge)
	if read(t, "junit.xml") != whole(t) {
		t.Error("the merged results are not those of one sweep")
	}
}
