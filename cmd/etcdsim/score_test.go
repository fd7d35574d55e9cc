package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"etcdsim/checker"
	"etcdsim/scenarios"
	"etcdsim/sim/bug"
)

// Searches that gave up count as longer than any; the median is that of all.
func TestMedians(t *testing.T) {
	const s = time.Second
	all := []found{
		{Starts: 5, Seeds: []int{1, 4, 9}, Times: []time.Duration{s, 2 * s, 12 * s}},
		{Starts: 5, Seeds: []int{3, 5}, Times: []time.Duration{s, 2 * s}},
		{Starts: 4, Seeds: []int{2, 7, 8, 30}, Times: []time.Duration{s, 3 * s, 20 * s, 30 * s}},
	}
	for i, want := range [][2]string{{"9", "12.00"}, {"-", "-"}, {"7", "3.00"}} {
		if seeds, time := all[i].medianSeeds(), all[i].medianTime(); seeds != want[0] || time != want[1] {
			t.Errorf("%+v: medians %s and %s, want %v", all[i], seeds, time, want)
		}
	}
	search := scorer{starts: 5, limit: time.Minute}
	if got := search.summary(all); !strings.HasPrefix(got, "3 defects: 1 found within 10s, 2 found within 1m0s of a processor") {
		t.Errorf("the summary is %q", got)
	}
}

// A search goes from seed to seed until the judge of the defect objects, whoever else
// does.
func TestScore(t *testing.T) {
	var tried []uint64
	s := scorer{
		ctx: context.Background(), starts: 2, limit: time.Minute, patience: 100 * time.Millisecond,
		plans: func(seed uint64) *scenarios.File {
			tried = append(tried, seed)
			if seed%startsApart < 3 {
				return scenarios.Lookup("one-member-away")
			}
			return scenarios.Lookup("slow-leader")
		},
	}
	id := slices.IndexFunc(bug.All(), func(b bug.Bug) bool { return b.Name == "lease-read" })
	one, err := s.score(bug.All()[id])
	if err != nil || one.First < 3 || len(one.Seeds) != 2 || one.Seeds[0] < 3 || one.Seeds[1] < one.Seeds[0] {
		t.Errorf("%+v, %v", one, err)
	}
	if !slices.Contains(tried, 1) || !slices.Contains(tried, startsApart+1) {
		t.Errorf("tried are %v", tried)
	}
	if one.Finding != "linearizability" || one.Statements == 0 {
		t.Errorf("it is shrunk to %d statements, which fail by %q", one.Statements, one.Finding)
	}
	r := &scenarios.Result{Report: checker.Report{Judgements: []checker.Judgement{
		{Judge: "raft", Violations: make([]checker.Violation, 1)}, {Judge: "leases"}, {Judge: "watch", Violations: make([]checker.Violation, 2)},
	}}}
	if got := otherJudges(r, "raft"); !slices.Equal(got, []string{"watch"}) || seenBy(r, "leases") || !seenBy(r, "watch") {
		t.Errorf("beside the judge of raft object %v", got)
	}
}
