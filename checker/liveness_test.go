package checker

import (
	"testing"
	"time"

	"etcdsim/checker/history"
)

func TestLiveness(t *testing.T) {
	c := twoPuts()
	c.Members = []history.Member{{ID: 1, Running: true, Applied: 6}, {ID: 2, Running: true, Applied: 6}, {ID: 3, Applied: 2}}
	expect(t, judged(t, "liveness", c.History, Options{Converged: true}), "")
	c.Members[1].Applied, c.Members[1].Commit = 5, 6
	expect(t, judged(t, "liveness", c.History, Options{Converged: true}),
		"In the end n1 has applied the log through index 6, n2 only through 5 (commit index 6).")
	// The last and the first are told, wherever they stand.
	c.Members = []history.Member{
		{ID: 1, Running: true, Applied: 7},
		{ID: 2, Running: true, Applied: 5, Commit: 6},
		{ID: 3, Running: true, Applied: 6},
		{ID: 4, Running: true, Applied: 8},
	}
	expect(t, judged(t, "liveness", c.History, Options{Converged: true}),
		"In the end n4 has applied the log through index 8, n2 only through 5 (commit index 6).")
	expect(t, judged(t, "liveness", c.History, Options{Stalled: []Stall{}}), "") // it was given no time to settle
	nothing := Stall{Awaited: "a leader", Since: ms(100), Within: 2 * time.Second}
	expect(t, judged(t, "liveness", c.History, Options{Stalled: []Stall{nothing}}), "Waited from 0.100s for 2s for a leader.")
	stall := Stall{Awaited: "a leader", Since: ms(100), Within: 2 * time.Second, Found: "n1 follows nobody"}
	o := Options{Stalled: []Stall{stall}}
	expect(t, judged(t, "liveness", c.History, o), "Waited from 0.100s for 2s for a leader. Instead: n1 follows nobody.")
	if code := Judge(c.History, o).ExitCode(); code != ExitLiveness {
		t.Errorf("exit code %d, expected %d", code, ExitLiveness)
	}
}
