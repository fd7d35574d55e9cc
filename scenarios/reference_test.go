package scenarios_test

import (
	"os"
	"strings"
	"testing"

	"etcdsim/scenarios"
)

const referenceFile = "../docs/language.md"

// The reference page is what the tables say.
//
//	go test ./scenarios -run TestReferencePage -update
func TestReferencePage(t *testing.T) {
	want := scenarios.Reference()
	if *update {
		if err := os.WriteFile(referenceFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(referenceFile)
	if err != nil || string(got) != want {
		t.Errorf("docs/language.md is not what the language is, %v: go test ./scenarios -run TestReferencePage -update", err)
	}
}

// spoilers say how to spoil the example of a statement that it does not fail
// without: these do nothing, but look. All other statements are left out.
var spoilers = map[string]func(line string) string{
	"expect":  negate,
	"update":  negate,
	"get":     func(line string) string { return strings.ReplaceAll(line, "==", "!=") },
	"cover":   func(line string) string { return strings.ReplaceAll(line, ">=", ">=1000000") },
	"forbid":  leaveOut,
	"promote": negate,
	"ended":   func(line string) string { return strings.TrimSpace(line) + " digest=" + strings.Repeat("0", 32) + "\n" },
}

func leaveOut(string) string { return "" }

// negate turns a statement around.
func negate(line string) string {
	if rest, negative := strings.CutPrefix(line, "! "); negative {
		return rest
	}
	return "! " + line
}

// spoil changes every line of a scenario that begins with a verb; of a block all its
// lines.
func spoil(text, verb string) string {
	change := spoilers[verb]
	if change == nil {
		change = leaveOut
	}
	var lines []string
	inside := false
	for line := range strings.Lines(text) {
		word, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "! "), " ")
		switch {
		case word == verb && (verb == "repeat" || verb == "concurrently"):
			inside = true
		case inside:
			inside = !strings.HasPrefix(line, "end")
		case word == verb:
			lines = append(lines, change(line))
		default:
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// Every statement has an example, which passes because of it: without the statement,
// or with it spoiled, it does not.
func TestExamples(t *testing.T) {
	for _, verb := range scenarios.Verbs() {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			text := scenarios.Example(verb)
			f, err := scenarios.Parse(verb, text)
			if err != nil || text == "" {
				t.Fatalf("examples/%s.scn: expected a scenario that shows the statement: %v", verb, err)
			}
			if scenarios.Format(f) != text {
				t.Errorf("examples/%s.scn is not canonical: etcdsim fmt -w scenarios/examples", verb)
			}
			for seed := range uint64(3) {
				if r := must(t, f, seed, scenarios.Options{}); r.Outcome != scenarios.Pass {
					t.Fatalf("etcdsim run scenarios/examples/%s.scn --seed %d\n%s", verb, seed, tell(r))
				}
			}
			spoiled, err := scenarios.Parse(verb, spoil(text, verb))
			if err != nil {
				return // what it names is not there
			}
			for seed := range uint64(3) {
				if r := must(t, spoiled, seed, scenarios.Options{}); r.Outcome == scenarios.Pass {
					t.Errorf("the example passes with seed %d though the statement is spoiled:\n%s", seed, scenarios.Format(spoiled))
				}
			}
		})
	}
}

// Every statement has a mistake of its own among the tests of errors.
func TestEveryStatementHasAMistake(t *testing.T) {
	for _, verb := range scenarios.Verbs() {
		found := false
		for _, m := range mistakes {
			_, said, _ := strings.Cut(m.want, ": ")
			found = found || strings.HasPrefix(said, verb+":") || strings.HasPrefix(said, verb+".")
		}
		if !found {
			t.Errorf("no mistake in the arguments of %s is tested", verb)
		}
	}
}

func TestUnknownStatementsHaveNoHelp(t *testing.T) {
	if scenarios.HelpOn("klil") != "" || scenarios.Example("klil") != "" || scenarios.Example("../library/steady") != "" {
		t.Error("there is help on what is no statement")
	}
}
