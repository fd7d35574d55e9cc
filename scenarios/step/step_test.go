package step_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"etcdsim/scenarios"
	"etcdsim/scenarios/step"
	"etcdsim/sim"
)

// files is where sessions save.
type files map[string]string

func (f files) save(name, text string) error {
	f[name] = text
	return nil
}

func begin(t *testing.T, scenario string, seed uint64, o scenarios.Options) *step.Session {
	t.Helper()
	if scenario == "" {
		return beginFile(t, nil, seed, o)
	}
	return beginFile(t, scenarios.Lookup(scenario), seed, o)
}

// beginText begins with a text, and seed 3.
func beginText(t *testing.T, text string) *step.Session {
	t.Helper()
	f, err := scenarios.Parse("text.scn", text)
	if err != nil {
		t.Fatal(err)
	}
	return beginFile(t, f, 3, scenarios.Options{})
}

func beginFile(t *testing.T, f *scenarios.File, seed uint64, o scenarios.Options) *step.Session {
	t.Helper()
	s, err := step.New(f, seed, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// do types lines, none of which may be a mistake, and returns what was said to the
// last of them.
func do(t *testing.T, s *step.Session, lines ...string) (said string) {
	t.Helper()
	for _, line := range lines {
		var err error
		if said, err = s.Do(line, nil); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	return said
}

// digest returns the digest of the universe as it is.
func digest(t *testing.T, s *step.Session) string {
	t.Helper()
	_, after, _ := strings.Cut(do(t, s, "look"), "digest ")
	d, _, _ := strings.Cut(after, "\n")
	return d
}

// A scenario that somebody walks through is the scenario.
func TestWalkIsARun(t *testing.T) {
	for _, name := range []string{"leader-kill", "lock-contention", "lossy-network", "member-replace"} {
		want, err := scenarios.Run(scenarios.Lookup(name), 3, scenarios.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := begin(t, name, 3, scenarios.Options{})
		do(t, s, "next", "", "next 2", "next all", "end")
		if got := s.Result(); got.Digest != want.Digest || got.Outcome != want.Outcome {
			t.Errorf("%s seed 3: walked through: %v %v, run: %v %v", name, got.Outcome, got.Digest, want.Outcome, want.Digest)
		}
	}
}

// Who goes on up to an instant is there, and goes on from there to the same end.
func TestNextTo(t *testing.T) {
	s := begin(t, "leader-kill", 3, scenarios.Options{})
	for _, at := range []time.Duration{500 * time.Millisecond, 2 * time.Second, 2 * time.Second, 3 * time.Second} {
		do(t, s, "next to "+at.String())
		if now := s.Now(); now != sim.Time(at) {
			t.Errorf("next to %s: it is %s", at, now)
		}
	}
	if told := do(t, s, "next to 1h"); !strings.Contains(told, "leads term") || len(s.Story().Lines) < 10 {
		t.Errorf("up to an instant beyond the end: %s", told)
	}
}

// What does not hold ends the way to an instant behind it, and is told with its line.
func TestNextToBehindTheEnd(t *testing.T) {
	s := beginText(t, "repeat  2\n  wait    elapsed 1ms\nend\nexpect  elections >=9\nwait    at 1s\n")
	if told := do(t, s, "next to 1h"); !strings.Contains(told, "elections >=9") {
		t.Errorf("told is %q", told)
	}
	if last := len(s.Story().Lines); last != 2 {
		t.Errorf("%d lines happened, want the two up to the end", last)
	}
	if do(t, s, "end"); s.Result().Failure == nil || s.Result().Failure.Pos.Line != 4 {
		t.Errorf("the failure is %+v, want one of line 4", s.Result().Failure)
	}
}

// A recorded session that somebody walked through, and changed, is a recording that knows
// its end, whether the walk is over or not.
func TestSavedSession(t *testing.T) {
	s := beginText(t, "session\nat      3s\nask     n1 {\"put\":{\"Key\":\"k\"}}\nat      4s\n")
	do(t, s, "next to 3.5s", "kill n3", "next all")
	for _, end := range []string{"look", "end"} {
		do(t, s, end)
		saved := files{}
		if _, err := s.Do("save walk", saved.save); err != nil {
			t.Fatal(err)
		}
		r, err := scenarios.Replay("walk.scn", saved["walk.scn"])
		if err != nil || r.Outcome != scenarios.Pass || r.Counts.Crashes != 1 ||
			!strings.Contains(saved["walk.scn"], "ended   digest="+r.Story.String()) {
			t.Errorf("after %s: %v; replayed with %v, %v of\n%s", end, err, r.Outcome, r.Story, saved["walk.scn"])
		}
	}
}

// walk draws what a person may type into a session.
func walk(rnd *sim.Rand, loads int) string {
	lines := []string{
		"next", "next", "next", "event", "event 7", "message", "message 3", "election", "for 10ms", "for 150ms", "back", "back 2",
		"look", "look all", "look log all", "look store all", "look leases all", "look watchers all", "look disk all",
		"look n1->n2", "look c0->n3", "look clients", "trace 5", "story", "drop", "kill any", "restart all", "partition minority | rest",
		"heal", "expect elections >=0", "put x 1 within=5s", "? wait converged within=1s", "# a thought", "stall any", "unstall all",
		"cut n1 -> n2", "hold n2 <-> n3", "release", "back to 500ms", "back to 1s", fmt.Sprintf("load x%d clients=2", loads),
	}
	return lines[rnd.Intn(len(lines))]
}

// Whatever is typed, the story is a scenario that gives the same digest as a file.
func TestStoryIsAScenario(t *testing.T) {
	for seed := uint64(1); seed <= 30; seed++ {
		rnd := sim.NewRand(seed, "walk")
		s := begin(t, []string{"", "leader-kill", "lease-expiry"}[seed%3], seed, scenarios.Options{})
		var typed []string
		for i := range 40 {
			line := walk(&rnd, i)
			typed = append(typed, line)
			_, _ = s.Do(line, nil) // mistakes are typed, too
		}
		saved := files{}
		if _, err := s.Do("save walk", saved.save); err != nil {
			t.Fatal(err)
		}
		do(t, s, "end")
		f, err := scenarios.Parse("walk.scn", saved["walk.scn"])
		if err != nil {
			t.Fatalf("seed %d: what was saved does not parse: %v\n%s\ntyped %q", seed, err, saved["walk.scn"], typed)
		}
		r, err := scenarios.Run(f, seed, scenarios.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Result(); got.Digest != r.Digest || got.Outcome != r.Outcome {
			t.Errorf("seed %d: the session ended with %v %v, its file with %v %v\n%s\ntyped %q",
				seed, got.Outcome, got.Digest, r.Outcome, r.Digest, saved["walk.scn"], typed)
		}
	}
}

// Going back leads to what was, and forth again to what had been.
func TestBackAndForth(t *testing.T) {
	s := begin(t, "leader-kill", 5, scenarios.Options{})
	do(t, s, "next 3")
	three := digest(t, s)
	do(t, s, "next 4")
	seven := digest(t, s)
	do(t, s, "back 4")
	if got := digest(t, s); got != three {
		t.Errorf("after going back the digest is %s, it was %s", got, three)
	}
	do(t, s, "next 4")
	if got := digest(t, s); got != seven {
		t.Errorf("after going forth again the digest is %s, it was %s", got, seven)
	}
	do(t, s, "back to 400ms")
	if s.Now() != 400*sim.Time(1_000_000) {
		t.Errorf("back to 400ms: it is %v", s.Now())
	}
}

// After a mistake everything is as it was, and the mistake says what was expected.
func TestMistakes(t *testing.T) {
	s := begin(t, "", 1, scenarios.Options{})
	do(t, s, "cluster nodes=3", "wait leader within=10s as=$l", "load w")
	before, story := digest(t, s), do(t, s, "story")
	for _, c := range [][2]string{
		{"jump", `"jump" is neither a command nor a statement: help lists them`},
		{"kill $x", "$x has no value yet"},
		{"kill n7", "expected n1 to n3"},
		{"load w", "there is a load or a watch w already"},
		{"cluster nodes=5", "expected this line before the first statement that acts"},
		{"wait leader", "expected within="},
		{"# 2. too early", "phase 2: expected phase 1"},
		{"event no", "expected a whole number from 1"},
		{"until 1ms", "back to 1ms goes back"},
		{"for ever", "expected a duration"},
		{"for", "expected a time such as 500ms"},
		{"back to there", "expected an instant"},
		{"back to 100h", "expected an earlier instant"},
		{"look n9", "there are 3 members"},
		{"look sky", "expected nothing, a member"},
		{"look n1 more", `"more" is too much`},
		{"look log", "expected nothing, a member"},
		{"look c99->n1", "expected c0 or another"},
		{"look $x", "stands for no member"},
		{"next", "nothing of the scenario is ahead"},
		{"next to", "expected a whole number from 1"},
		{"next to lunch", "expected an instant"},
		{"next to 1ms", "back to 1ms goes back"},
		{"save", "expected the name of a file"},
		{"end now", `"now" is too much`},
		{"help jump", `"jump" is neither`},
		{"drop x", "expected a whole number from 1"},
	} {
		_, err := s.Do(c[0], nil)
		if err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %v, want %q", c[0], err, c[1])
		}
	}
	if got := digest(t, s); got != before {
		t.Errorf("mistakes moved the universe: digest %s, want %s", got, before)
	}
	if got := do(t, s, "story"); got != story {
		t.Errorf("mistakes changed the story:\n%s\nwant\n%s", got, story)
	}
	do(t, s, "kill $l", "end")
	if _, err := s.Do("kill n1", nil); err == nil || !strings.Contains(err.Error(), "the session has ended") {
		t.Errorf("a statement after the end: %v", err)
	}
}

// A statement that does not hold ends the run as in a file; from there one can look
// around, and go back.
func TestAHaltCanBeTakenBack(t *testing.T) {
	s := begin(t, "", 1, scenarios.Options{})
	said := do(t, s, "wait leader within=10s", "expect crashes >=1")
	if !strings.Contains(said, "✗ violation: in fact: crashes: 0") {
		t.Errorf("what does not hold was told as %q", said)
	}
	do(t, s, "look", "story")
	if _, err := s.Do("for 1s", nil); err == nil || !strings.Contains(err.Error(), "expected back") {
		t.Errorf("a statement after the halt: %v", err)
	}
	do(t, s, "back", "for 1s", "end")
	if r := s.Result(); r.Outcome != scenarios.Pass {
		t.Errorf("the end after going back: %v", r.Outcome)
	}
}

func TestBlocksAreTypedLineByLine(t *testing.T) {
	s := begin(t, "", 1, scenarios.Options{})
	do(t, s, "wait leader within=10s", "repeat 3", "wait elapsed 1s")
	if !s.Unfinished() {
		t.Fatal("the block is not open")
	}
	if _, err := s.Do("no such", nil); err == nil {
		t.Error("a mistake inside of a block passes")
	}
	at := s.Now()
	do(t, s, "end")
	if passed := s.Now().Sub(at); passed != 3*1_000_000_000 || s.Unfinished() {
		t.Errorf("the block took %v, want 3s", passed)
	}
	do(t, s, "concurrently", "")
	if s.Unfinished() {
		t.Error("an empty line does not give the block up")
	}
}

// What is interrupted never happened: no file could interrupt itself there.
func TestInterruptedIsTakenBack(t *testing.T) {
	interrupt := false
	s := begin(t, "", 1, scenarios.Options{Interrupted: func() bool {
		was := interrupt
		interrupt = false
		return was
	}})
	do(t, s, "wait leader within=10s")
	before := digest(t, s)
	interrupt = true
	if said := do(t, s, "for 1h"); said != "interrupted, and taken back\n" {
		t.Errorf("an interrupted line said %q", said)
	}
	if got := digest(t, s); got != before {
		t.Errorf("after an interruption the digest is %s, it was %s", got, before)
	}
}

func TestComplete(t *testing.T) {
	s := begin(t, "", 1, scenarios.Options{})
	do(t, s, "cluster nodes=3", "wait leader within=10s as=$old", "load writers")
	for _, c := range []struct{ line, want string }{
		{"ele", "election"},
		{"parti", "partition"},
		{"kill $", "$old"},
		{"kill n", "n1 n2 n3"},
		{"kill fol", "followers"},
		{"wait conv", "converged"},
		{"wait acked wri", "write-torn writers written"},
		{"wait leader with", "within="},
		{"! wait elec", "elections"},
		{"net lat", "latency="},
		{"look wa", "watchers"},
		{"next a", "all"},
		{"help parti", "partition"},
		{"nonsense a", ""},
	} {
		if got := strings.Join(s.Complete(c.line), " "); got != c.want {
			t.Errorf("%q: %q, want %q", c.line, got, c.want)
		}
	}
}

// Each aspect of a member shows what is there.
func TestLook(t *testing.T) {
	s := begin(t, "", 4, scenarios.Options{})
	do(t, s, "cluster nodes=3", "wait leader within=10s as=$l", "load w clients=2 keys=2", "load le life=lease clients=1",
		"watch all clients=1", "wait acked w >=20 within=10s", "let $f = followers", "hold $l -> $f", "for 20ms")
	for line, want := range map[string][]string{
		"look":             {"leader", "follows n", "held, ", "a request under way"},
		"look leader":      {"leader of term", "committed up to", "revision", "replicate", "watchers"},
		"look log leader":  {"index  term", "applied", "not committed", "put k"},
		"look store n1":    {"k1 = ", "version"},
		"look store n1 k1": {"1 keys", "k1 = "},
		"look leases all":  {"granted for", "left", "counted by the leader"},
		"look watchers all": {
			"watcher 0 of", "up to date",
		},
		"look disk n1":   {"disk well", ".wal", "durable"},
		"look n1->n2":    {"n1->n2", "n2->n1", "latency="},
		"look clients":   {"c0", "asks n", "since", "watches ", "was told of"},
		"look c0->n1":    {"c0->n1", "request"},
		"look $l":        {"leader of term"},
		"trace 3":        {"events before these"},
		"help":           {"message", "partition"},
		"help wait":      {"CONDITION", "lets virtual time pass"},
		"help end":       {"judges"},
		"look log $l 2":  {"entries"},
		"look store all": {"n1 ", "n2 ", "n3 "},
	} { // unordered: each stands for itself
		said := do(t, s, line)
		for _, text := range want {
			if !strings.Contains(said, text) {
				t.Errorf("%s: does not show %q:\n%s", line, text, said)
			}
		}
	}
	do(t, s, "clock n1 drift=+10%", "fill n2")
	if said := do(t, s, "look"); !strings.Contains(said, "clock drifts by +10%") || !strings.Contains(said, "disk full") {
		t.Errorf("faults are not shown:\n%s", said)
	}
	do(t, s, "free n2", "stall n2", "for 1s", "kill n2 machine=up", "fail n3")
	if said := do(t, s, "look n2"); !strings.Contains(said, "down; disk stalled, its machine has ") || !strings.Contains(said, "not synced") {
		t.Errorf("what a process has left is not shown:\n%s", said)
	}
	if said := do(t, s, "look disk n3"); !strings.Contains(said, "disk fails") || !strings.Contains(said, "input/output error") {
		t.Errorf("a disk that fails is not shown:\n%s", said)
	}
	do(t, s, "repair n3", "kill $l")
	if said := do(t, s, "look log $l"); !strings.HasSuffix(said, "  down\n") {
		t.Errorf("a log of who is down: %q", said)
	}
}
