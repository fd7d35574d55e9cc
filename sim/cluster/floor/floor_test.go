package floor_test

import (
	"testing"

	"etcdsim/sim/cluster/floor"
)

// What benchmarks are measured against does all the work: each entry is applied by
// each member, and each read is confirmed.
func TestLoopDoesItsWork(t *testing.T) {
	for _, members := range []int{1, 3, 5} {
		l, err := floor.New(members)
		if err != nil {
			t.Fatal(err)
		}
		const puts, reads = 20, 10
		for i := range puts {
			err := l.Put([]byte("an entry"))
			if err == nil && i < reads {
				err = l.Read()
			}
			if err == nil {
				err = l.Tick()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if applied, confirmed := l.Done(); applied != puts*members || confirmed != reads {
			t.Errorf("%d members applied %d entries and confirmed %d reads, want %d and %d", members, applied, confirmed, puts*members, reads)
		}
	}
}
