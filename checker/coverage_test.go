package checker

import (
	"testing"
)

func TestCoverage(t *testing.T) {
	met := Requirement{What: "elections", Least: 2, Met: 2}
	o := Options{Cover: []Requirement{met}}
	expect(t, judged(t, "coverage", twoPuts().History, o), "")
	o.Cover = append(o.Cover, Requirement{What: "packet-lost", Least: 1}, Requirement{What: "write-torn", Least: 3, Met: 2})
	j := judged(t, "coverage", twoPuts().History, o)
	prove(j)
	if j.Verdict != Unknown || j.Note != "packet-lost: 0 of at least 1, write-torn: 2 of at least 3" {
		t.Errorf("got %v %q", j.Verdict, j.Note)
	}
	if code := Judge(twoPuts().History, o).ExitCode(); code != ExitUnknown {
		t.Errorf("exit code %d, expected %d", code, ExitUnknown)
	}
}
