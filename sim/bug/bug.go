// Package bug is the catalogue of switchable defects: real bugs of etcd and its
// raft library, re-created in this project's own code around the unmodified
// library, one line each at the place where it belongs. A switched-on defect
// proves that the judge which must see it can fail.
package bug

import (
	"fmt"
	"strings"

	"etcdsim/sim/spelling"
)

// Set is a set of switched-on defects. The zero value is a correct system.
type Set uint64

// Has reports whether the defect is switched on.
func (s Set) Has(b ID) bool { return s&(1<<b) != 0 }

// With returns the set with the defect switched on.
func (s Set) With(b ID) Set { return s | 1<<b }

// All returns the catalogue in order.
func All() []Bug {
	all := make([]Bug, numBugs)
	for i := range all {
		all[i] = catalogue[i]
		all[i].ID = ID(i)
	}
	return all
}

// Parse reads names separated by commas. The empty string is the empty set.
func Parse(names string) (Set, error) {
	var s Set
	if names == "" {
		return s, nil
	}
next:
	for name := range strings.SplitSeq(names, ",") {
		for i, b := range catalogue {
			if b.Name == name {
				s = s.With(ID(i))
				continue next
			}
		}
		known := make([]string, 0, numBugs)
		for _, b := range catalogue {
			known = append(known, b.Name)
		}
		return 0, fmt.Errorf("unknown bug %q%s: expected one of %s", name, spelling.DidYouMean(name, known), strings.Join(known, ", "))
	}
	return s, nil
}

// String returns the names, separated by commas.
func (s Set) String() string {
	var names []string
	for i, b := range catalogue {
		if s.Has(ID(i)) {
			names = append(names, b.Name)
		}
	}
	return strings.Join(names, ",")
}
