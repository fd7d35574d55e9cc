package scenarios_test

import (
	"strings"
	"testing"

	"etcdsim/scenarios"
)

// stage parses a scenario, lets it happen and leaves it open.
func stage(t *testing.T, text string) *scenarios.Stage {
	t.Helper()
	f, err := scenarios.Parse("stage", text+"\nsession\n")
	if err != nil {
		t.Fatal(err)
	}
	s, err := scenarios.NewStage(f, 7, scenarios.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.Play(); err != nil {
		t.Fatal(err)
	}
	return s
}

// Statements follow one by one, and know the names that came before.
func TestStage(t *testing.T) {
	s := stage(t, "cluster nodes=5\nwait leader within=5s as=$old\nload w clients=2\n")
	for _, c := range []struct{ do, note string }{
		{"wait acked w >=10 within=5s", "w: 1"},
		{"kill $old", " killed"},
		{"wait leader as=$new within=5s", "leads term 3"},
		{"! expect term $new > term $new", ""},
		{"repeat 2\nisolate $new\nheal\nend", "isolated"},
		{"unload w", ""},
		{"restart $old", " restarted"},
		{"wait converged within=10s", ""},
	} {
		done, note, err := s.Do(c.do)
		if err != nil || !strings.Contains(note, c.note) || strings.Join(strings.Fields(done), " ") != strings.Join(strings.Fields(c.do), " ") {
			t.Errorf("%s: %q, %q, %v; want %q", c.do, done, note, err, c.note)
		}
	}
	if n := s.Cluster().Size(); n != 5 {
		t.Errorf("%d members", n)
	}
	if len(s.Cluster().Commits()) > 0 {
		t.Error("what shall be forgotten is kept")
	}
}

// A statement that cannot be, or does not hold, is refused, and the stage goes on.
func TestStageRefuses(t *testing.T) {
	s := stage(t, "")
	for do, want := range map[string]string{
		"kil n1":                "unknown statement",
		"kill $x":               "$x",
		"cluster nodes=5":       "the universe is made before it runs",
		"cover elections>=1":    "nothing is judged here",
		"at 1s":                 "nothing is recorded twice",
		"add n9 within=1s":      "expected n4",
		"kill n1\nkill n2":      "expected one statement",
		"repeat 2":              "end",
		"kill n9":               "n9",
		"expect elections >= 9": "violation",
	} {
		done, _, err := s.Do(do)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", do, err, want)
		}
		if tried := want == "violation"; tried != (done != "") {
			t.Errorf("%s: it is recorded as %q", do, done)
		}
	}
	f, err := scenarios.Parse("stage", "wait leader within=5s")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := scenarios.NewStage(f, 7, scenarios.Options{}); err == nil || !strings.Contains(err.Error(), "expected a session") {
		t.Errorf("without a session: %v", err)
	}
	if _, _, err := s.Do("wait leader within=5s"); err != nil {
		t.Error(err)
	}
}

// The same statements at the same times give the same trace.
func TestStageRepeats(t *testing.T) {
	tell := func() string {
		s := stage(t, "wait leader within=5s as=$l")
		for _, do := range []string{"load w clients=2", "wait acked w >=20 within=5s", "kill $l", "wait leader within=5s"} {
			if _, _, err := s.Do(do); err != nil {
				t.Fatal(err)
			}
		}
		return s.Log().Digest().String()
	}
	if a, b := tell(), tell(); a != b {
		t.Errorf("digest %s, then %s", a, b)
	}
}
