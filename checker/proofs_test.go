package checker

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// Every judge and every guarantee can fail: some history made by hand in the tests of
// this package violates it. Tests say which they proved, and what nobody proved fails
// the tests as a whole.
var proved = map[string]bool{}

// prove notes what a hand-made history made a judge object to.
func prove(j Judgement) {
	for _, v := range j.Violations {
		proved[j.Judge], proved[v.Property] = true, true
	}
	if j.Class == Coverage && j.Verdict == Unknown {
		proved[j.Judge] = true
	}
}

// judges are all of them, as reports name them.
var judges = []string{
	"linearizability", "serializable reads", "durability", "store", "replicas", "leases", "locks", "elections", "auth", "older",
	"watch", "membership", "raft", "crash", "liveness", "coverage",
}

// Whoever reads of a judge can be told what it watches over.
func TestPromises(t *testing.T) {
	for _, judge := range judges {
		if Promise(judge) == "" {
			t.Errorf("nothing is said of what the judge of %s watches over", judge)
		}
	}
	if len(promises) != len(judges) {
		t.Errorf("%d promises of %d judges", len(promises), len(judges))
	}
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if code == 0 && !partial() {
		code = unproved()
	}
	os.Exit(code)
}

// partial reports whether whoever runs the tests asked for some of them, or for their
// names.
func partial() bool {
	for _, name := range []string{"test.run", "test.skip", "test.list"} {
		if flag.Lookup(name).Value.String() != "" {
			return true
		}
	}
	return false
}

func unproved() (code int) {
	want := append([]string(nil), judges...)
	for _, name := range guaranteeNames {
		want = append(want, "watch, "+name)
	}
	want = append(want, invariantNames[:]...)
	for _, name := range want {
		if !proved[name] {
			fmt.Printf("nothing in the tests of this package violates %q: expected a history made by hand that does\n", name)
			code = 1
		}
	}
	return code
}
