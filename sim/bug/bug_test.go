package bug_test

import (
	"regexp"
	"strings"
	"testing"

	"etcdsim/sim/bug"
)

// TestCatalogueComplete: a defect nobody can look up, or that no judge is named
// for, proves nothing.
func TestCatalogueComplete(t *testing.T) {
	name := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	seen := map[string]bool{}
	for i, b := range bug.All() {
		if int(b.ID) != i {
			t.Errorf("entry %d has the ID %d", i, b.ID)
		}
		if !name.MatchString(b.Name) || seen[b.Name] {
			t.Errorf("entry %d has the name %q: expected lower-case words joined by hyphens, its own", i, b.Name)
		}
		seen[b.Name] = true
		for field, text := range map[string]string{"Reference": b.Reference, "Cause": b.Cause, "Judge": b.Judge, "Scenario": b.Scenario} {
			if text == "" {
				t.Errorf("%s: %s is empty", b.Name, field)
			}
		}
	}
}

func TestParse(t *testing.T) {
	none, err := bug.Parse("")
	if err != nil || none != 0 || none.String() != "" {
		t.Errorf(`Parse("") = %v, %v, want the empty set`, none, err)
	}
	var all []string
	for _, b := range bug.All() {
		all = append(all, b.Name)
		one, err := bug.Parse(b.Name)
		if err != nil || !one.Has(b.ID) || one != none.With(b.ID) {
			t.Errorf("Parse(%q) = %v, %v, want the set of that defect alone", b.Name, one, err)
		}
		for _, other := range bug.All() {
			if one.Has(other.ID) != (other.ID == b.ID) {
				t.Errorf("the set of %s says %v of %s", b.Name, one.Has(other.ID), other.Name)
			}
		}
	}
	// Both directions, whatever the order they were named in.
	names := strings.Join(all, ",")
	set, err := bug.Parse(names)
	if err != nil || set.String() != names {
		t.Errorf("Parse(%q) prints %q, %v", names, set, err)
	}
	if again, err := bug.Parse(all[len(all)-1] + "," + names); err != nil || again != set {
		t.Errorf("naming a defect twice gives %v, %v, want %v", again, err, set)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, in := range []string{"no-such-bug", ",", "ack-before-fsync,", " ack-before-fsync", "ACK-BEFORE-FSYNC"} {
		set, err := bug.Parse(in)
		if err == nil || set != 0 {
			t.Errorf("Parse(%q) = %v, %v, want an error", in, set, err)
		} else if !strings.Contains(err.Error(), "ack-before-fsync") {
			t.Errorf("Parse(%q): the error does not name what there is: %v", in, err)
		}
	}
}
