package lint_test

import (
	"os"
	"strings"
	"testing"

	"etcdsim/scenarios"
	"etcdsim/scenarios/lint"
)

func check(t *testing.T, text string) []lint.Finding {
	t.Helper()
	f, err := scenarios.Parse("x.scn", text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return lint.Check(f)
}

// Nonsense of each class, and what is said about it.
func TestNonsenseIsFound(t *testing.T) {
	flagged := map[lint.Class]bool{}
	for _, c := range []struct {
		class      lint.Class
		text, says string
	}{
		{
			lint.NoQuorum, "cluster nodes=5\nkill n5\npartition n1 n2 | n3 n4\nwait leader within=20s\nheal\nrestart all",
			"x.scn:4:1: wait    leader within=20s: since line 3 (partition) no majority of the 5 members is left",
		},
		{lint.NoQuorum, "kill any\nkill any\nwait leader within=20s\nrestart all", "x.scn:3:1: wait    leader within=20s: since line 2 (kill)"},
		{lint.NoQuorum, "kill majority\nput a 1 within=5s\nrestart all", "x.scn:2:1: put"},
		{lint.NoQuorum, "stop n1\nload w\nkill n3\nwait written w since=here within=1s\nrestart all", "x.scn:4:1: wait"},
		{lint.NoQuorum, "kill any\npartition minority | rest\nwait converged within=20s\nheal\nrestart all", "x.scn:3:1: wait"},
		{lint.NoQuorum, "pause n1 n2\nwait leader within=20s\nresume all", "x.scn:2:1: wait"},
		{lint.NoQuorum, "isolate n1 n2\nwait leader within=20s\nheal", "x.scn:2:1: wait"},
		{lint.NoQuorum, "repeat 3\nkill any\nwait leader within=9s\nend\nrestart all", "x.scn:3:1: wait"},
		{lint.NoQuorum, "concurrently\nkill n1 n2\nwait leader within=9s\nand\nwait at 9s\nend\nrestart all", "x.scn:3:1: wait"},
		{lint.OpenFault, "cut n1 -> n2\nwait converged within=20s", "what line 1 does (cut) is still there"},
		{lint.OpenFault, "stall n1\nwait converged within=20s\nunstall n1", "expected unstall before this"},
		{lint.OpenFault, "pause n1\nwait converged within=20s\nresume n1", "expected resume before this"},
		{lint.OpenFault, "hold n1 -> n2\nwait converged within=20s\nrelease", "expected release before this"},
		{lint.Outage, "wait leader within=20s\nkill majority", "no majority of the 3 members is left from here to the end"},
		{lint.Outage, "cluster nodes=4\npartition n1 n2 | rest", "x.scn:2:1: partition"},
		{lint.Unused, "wait leader as=$l within=20s", "x.scn:1:1: $l: nobody reads it"},
		{lint.Unused, "let $n = elections", "$n: nobody reads it"},
		{lint.Unused, "add as=$new within=20s", "$new: nobody reads it"},
		{lint.Never, "load w\nwait acked w within=5s\nunload w\nwait acked w since=here within=5s", "the clients of w were stopped in line 3"},
		{lint.Never, "load w ops=10\nwait acked w >=11 within=5s", "w ends after 10 requests: it cannot come"},
		{lint.Never, "expect elections since=here", "counting begins now: it cannot come"},
		{lint.Always, "load w\nwait at 1s\nunload w\n! wait acked w since=here within=5s", "cannot come anyway, so that this tests nothing"},
		{lint.NothingToUndo, "repair all", "x.scn:1:1: repair: nothing before this needs it"},
		{lint.NothingToUndo, "heal", "x.scn:1:1: heal: nothing before this needs it"},
		{lint.NothingToUndo, "kill n1\nresume n1\nrestart n1", "x.scn:2:1: resume: nothing before this needs it"},
		{lint.Contradiction, "kill n1\nkill n1\nrestart n1", "x.scn:2:1: kill: n1 is down already, since line 1"},
		{lint.Contradiction, "kill n1 machine=up\nkill n1 machine=up\nrestart n1", "x.scn:2:1: kill: n1 is down already, since line 1"},
		{lint.Contradiction, "kill n1 machine=up\nkill n1\nkill n1\nrestart n1", "x.scn:3:1: kill: n1 is down already, since line 2"},
		{lint.Contradiction, "kill n1\nkill n2\nkill n1\nrestart all", "x.scn:3:1: kill: n1 is down already, since line 1"},
		{lint.Contradiction, "kill n1 n1\nrestart n1", "n1 stands here twice"},
		{lint.Contradiction, "cut n1 -> n1\nheal", "there is no link from n1 to itself"},
		{lint.Contradiction, "packet n1 -> n1 drop", "x.scn:1:1: packet: there is no link from n1 to itself"},
		{lint.Uncaused, "cover taken", "taken>=1: nothing here brings it about: expected one of packet"},
		{lint.Idle, "load w\npacket n1 -> n2 drop", "x.scn:1:1: load: the scenario ends before its clients"},
		{lint.Idle, "wait leader within=20s\nload w", "x.scn:2:1: load: the scenario ends before its clients can have done anything"},
		{lint.Uncaused, "cover blocked", "x.scn:1:1: blocked>=1: nothing here brings it about: expected one of partition, isolate, cut"},
		{lint.Uncaused, "net reorder=1%\ncover reordered>=1 dropped>=2", "x.scn:2:1: dropped>=2: nothing here brings it about"},
	} {
		flagged[c.class] = true
		found := check(t, c.text)
		said := false
		for _, f := range found {
			said = said || f.Class == c.class && strings.Contains(f.String(), c.says)
		}
		if !said || len(found) != 1 {
			t.Errorf("want one finding of class %v with %q, got %v in\n%s", c.class, c.says, found, c.text)
		}
	}
	for _, c := range lint.Classes() {
		if !flagged[c] {
			t.Errorf("no test has a finding of class %v", c)
		}
	}
}

// What looks like nonsense and is not: a legal neighbour of each class.
func TestSenseIsNotFound(t *testing.T) {
	for _, text := range []string{
		"",
		"cluster nodes=5\nkill n5\npartition n1 n2 | n3\nwait leader within=20s\nheal\nrestart all", // n4 reaches both
		"cluster nodes=5\nkill n5\npartition n1 n2 n3 | n4\nwait leader within=20s\nheal\nrestart all",
		"cluster nodes=5\nkill n5 n4\nwait leader within=20s\nrestart all",
		"kill any\n? kill any\nwait leader within=20s\nrestart all",
		"wait leader as=$a within=1s\nkill $a\nwait leader as=$b within=5s\nrestart $a\nkill $b\nwait leader within=9s\nrestart $b",
		"kill majority\n! put a 1 within=1s\nget a serializable within=1s\n! wait leader in=rest within=5s\nrestart all",
		"kill n1\nkill n2\nrestart n1\nwait leader within=20s\nrestart n2",
		"kill majority\nrestart all\nwait converged within=20s",
		"kill majority\nmend quorum\nwait leader within=20s",
		"kill majority\nliveness off",
		"isolate n1\nisolate any\nwait leader within=20s\nheal",
		"repeat 3\nkill any\nwait leader within=9s\nrestart all\nend",
		"concurrently\nkill n1 n2\nwait leader within=9s\nand\nrestart n1\nend\nrestart all",
		"concurrently\nwait at 1s\nheal\nand\npartition n1 | rest\nend",
		"cut n1 -> n2\nwait leader within=20s\nheal\nwait converged within=20s",
		"kill n1\nwait converged within=20s",
		"cluster nodes=5\npartition n1 n2 n3 | n3 n4 n5\nwait leader within=20s\nheal", // n3 is a bridge
		"add as=$new within=20s\nstart $new\nremove n1 within=20s\nkill n2\nwait leader within=20s",
		"let $n = elections\nwait elections > $n within=5s",
		"load w\nwait acked w >=10 within=5s\nunload w\nexpect acked w >=10\n! wait acked w >=1000 within=1s",
		"load w ops=10\nwait acked w >=10 within=5s",
		"! expect elections",
		"pause n1\nkill n1\nrestart n1",
		"pause n1\nkill n2\nkill n1\nrestart all",
		"kill n1 machine=up\nkill n2\nkill n1\nrestart all", // n1 loses its power only at the end
		"flap n1 <-> n2 up=1s..2s down=1s..2s\nheal\nwait converged within=9s\nlie n1\nrepair n1",
		"load w\nrestart n1",
		"wait leader within=20s\npacket n1 -> n2 double within=5s\npacket n1 -> n2 drop within=5s\ncover duplicated reordered taken",
		"link n1 -> n2 drop=1% duplicate=1% reorder=1%\nwait at 1s\ncover dropped duplicated reordered",
		"load w\npacket n1 -> n2 drop within=5s",
		"net drop=1%\npartition n1 | rest\nheal\ncover dropped>=1 blocked>=1 split-vote>=0",
	} {
		if found := check(t, text); len(found) > 0 {
			t.Errorf("found %v in\n%s", found, text)
		}
	}
}

// The scenarios that people learn from mean what they say.
func TestLibraryIsClean(t *testing.T) {
	for _, f := range scenarios.Library() {
		for _, finding := range lint.Check(f) {
			t.Errorf("scenarios/library/%v", finding)
		}
	}
}

// So do the examples of the reference.
func TestExamplesAreClean(t *testing.T) {
	for _, verb := range scenarios.Verbs() {
		for _, finding := range check(t, scenarios.Example(verb)) {
			t.Errorf("scenarios/examples/%s.scn: %v", verb, finding)
		}
	}
}

// Lint reads any scenario that parses without a panic.
func FuzzCheck(f *testing.F) {
	for _, s := range scenarios.Library() {
		f.Add(scenarios.Format(s))
	}
	forms, err := os.ReadFile("../testdata/forms.scn")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(forms))
	f.Fuzz(func(t *testing.T, text string) {
		file, err := scenarios.Parse("fuzz.scn", text)
		if err != nil {
			return
		}
		for _, finding := range lint.Check(file) {
			if finding.Pos.Line < 1 || finding.Text == "" {
				t.Errorf("%q: a finding without a place or a text: %+v", text, finding)
			}
		}
	})
}
