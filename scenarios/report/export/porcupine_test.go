package export_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"etcdsim/scenarios"
	"etcdsim/scenarios/report/export"
	"etcdsim/scenarios/report/page"
	"etcdsim/sim"
	"etcdsim/sim/bug"
)

// visualized is what porcupine's page holds.
type visualized struct {
	Partitions []struct {
		History []struct {
			ClientID    int `json:"ClientId"`
			Description string
			Metadata    string
		}
		PartialLinearizations [][]struct {
			Index            int
			StateDescription string
		}
	}
	Annotations []annotated
}

// annotated is a box in a row that is no operation.
type annotated struct{ Tag, Description string }

// visualize runs a scenario twice and returns the page, which must be the same, and what
// it holds.
func visualize(t *testing.T, name string, seed uint64, o scenarios.Options, from, to sim.Time) (*scenarios.Result, visualized) {
	t.Helper()
	f, err := export.Lookup("porcupine")
	if err != nil {
		t.Fatal(err)
	}
	var pages [2]bytes.Buffer
	var result *scenarios.Result
	for i := range pages {
		file := scenarios.Lookup(name)
		r, c, err := page.Record(file, seed, o, 100_000)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Write(&pages[i], &export.Run{File: file, Result: r, Chronicle: c, From: from, To: to}); err != nil {
			t.Fatal(err)
		}
		result = r
	}
	if !bytes.Equal(pages[0].Bytes(), pages[1].Bytes()) {
		t.Errorf("%s seed %d: two pages of one run differ", name, seed)
	}
	_, data, _ := strings.Cut(pages[0].String(), "const data = ")
	var v visualized
	if err := json.NewDecoder(strings.NewReader(data)).Decode(&v); err != nil || len(v.Partitions) != 1 {
		t.Fatalf("%s seed %d: the page holds %.100q, %v", name, seed, data, err)
	}
	return result, v
}

// tags are the rows that are no client's.
func (v *visualized) tags() (all []string) {
	for _, a := range v.Annotations {
		if a.Tag != "" && !slices.Contains(all, a.Tag) {
			all = append(all, a.Tag)
		}
	}
	slices.Sort(all)
	return all
}

// A run that is linearizable has one linearization, of all operations.
func TestPorcupine(t *testing.T) {
	for _, name := range []string{"leader-kill", "leader-partition", "lossy-network"} {
		r, v := visualize(t, name, 7, scenarios.Options{}, 0, 0)
		p := v.Partitions[0]
		if len(p.PartialLinearizations) != 1 || len(p.PartialLinearizations[0]) != len(p.History) || len(p.History) < 50 {
			t.Errorf("%s: %d linearizations of %d operations", name, len(p.PartialLinearizations), len(p.History))
		}
		if r.Outcome != scenarios.Pass {
			t.Errorf("%s: %v", name, r.Outcome)
		}
		steps := p.PartialLinearizations[0]
		if last := steps[len(steps)-1].StateDescription; !strings.HasPrefix(last, "revision ") {
			t.Errorf("%s: the last state is %q", name, last)
		}
	}
	_, v := visualize(t, "leader-kill", 7, scenarios.Options{}, 0, 0)
	if got := fmt.Sprint(v.tags()); got != "[faults leaders n1 n2 n3 n4 n5 phases]" {
		t.Errorf("rows %s", got)
	}
	for _, a := range v.Annotations {
		if verb, _, _ := strings.Cut(a.Description, " "); a.Tag == "faults" && verb != "kill" && verb != "restart" {
			t.Errorf("%q is among the faults", a.Description)
		}
	}
	for _, want := range []string{"kill $old", "n5, term 2", "down", "leader, term 3"} {
		if !slices.ContainsFunc(v.Annotations, func(a annotated) bool { return a.Description == want }) {
			t.Errorf("nothing says %q", want)
		}
	}
}

// A run that is not has one that goes as far as there is one, and the operation that the
// judge objects to is not in it.
func TestPorcupineOfViolation(t *testing.T) {
	o := scenarios.Options{Bugs: bug.Set(0).With(bug.LeaderLocalRead)}
	r, v := visualize(t, "leader-partition", 8, o, 0, 0)
	exhibits := r.Report.Violations()[0].Ops
	stale := exhibits[len(exhibits)-1].Op
	p := v.Partitions[0]
	if len(p.PartialLinearizations) != 1 {
		t.Fatalf("%d linearizations", len(p.PartialLinearizations))
	}
	placed := map[int]bool{}
	for _, step := range p.PartialLinearizations[0] {
		placed[step.Index] = true
	}
	found := false
	for i, op := range p.History {
		if op.ClientID == stale.Client && strings.Contains(op.Metadata, fmt.Sprintf("%s to %s", stale.Invoke, stale.Return)) {
			found = true
			if placed[i] {
				t.Errorf("%s has a place: %+v", op.Description, op)
			}
		}
	}
	if n := len(placed); !found || n < 50 || n >= len(p.History) {
		t.Errorf("found %v; %d of %d operations have a place", found, n, len(p.History))
	}
	if got := fmt.Sprint(v.tags()); got != "[faults leaders leaders (at once) n1 n2 n3 n4 n5 phases violations]" {
		t.Errorf("rows %s", got)
	}
}

// A window shows what was under way in it, and all of that has a place.
func TestPorcupineOfWindow(t *testing.T) {
	_, whole := visualize(t, "leader-kill", 7, scenarios.Options{}, 0, 0)
	const from, to = 1_500_000_000, 2_500_000_000
	r, part := visualize(t, "leader-kill", 7, scenarios.Options{}, from, to)
	n, all := len(part.Partitions[0].History), len(whole.Partitions[0].History)
	if n == 0 || n >= all || len(part.Partitions[0].PartialLinearizations[0]) != n {
		t.Errorf("%d of %d operations, %d have a place", n, all, len(part.Partitions[0].PartialLinearizations[0]))
	}
	under := 0
	for _, op := range r.History.Ops {
		if op.Invoke <= to && op.Return >= from {
			under++
		}
	}
	free := 0 // operations that no order need hold
	for _, a := range part.Annotations {
		if a.Tag == "" {
			free++
		}
		for _, p := range r.Phases {
			if a.Tag == "phases" && a.Description == p.Title && (p.End < from || p.Start > to) {
				t.Errorf("phase %q is shown, from %v to %v", p.Title, p.Start, p.End)
			}
		}
	}
	if n+free != under {
		t.Errorf("%d and %d operations are shown, %d were under way", n, free, under)
	}
}
