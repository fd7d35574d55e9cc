package mvcc

import (
	"math/bits"
	"testing"

	"etcdsim/store"
)

// Every version of a long chain is found in a logarithmic number of steps.
func TestOldVersionsAreNear(t *testing.T) {
	const n = 5000
	s := New(Config{})
	for range n {
		s.Apply(0, putProposal("k", ""))
	}
	table := s.table
	_, head := table.find("k", hashKey("k"))
	for rev := int64(2); rev <= s.Revision(); rev++ {
		// As newestPlace goes.
		steps, p := 0, head
		for table.at(p).main() > rev {
			steps++
			if ln := table.link(p); table.at(ln.jump).main() > rev {
				p = ln.jump
			} else {
				p = ln.prev
			}
		}
		if got := table.newestPlace(head, everything, rev); got != p || table.at(p).main() != rev {
			t.Fatalf("revision %d: found place %d of revision %d", rev, got, table.at(got).main())
		}
		if most := 3 * bits.Len(n); steps > most {
			t.Fatalf("revision %d of %d is %d steps away, want at most %d", rev, n, steps, most)
		}
	}
	if ver := s.lookupAt("k", 1); ver.live() {
		t.Errorf("a version before the first: %+v", ver.kv)
	}
	if resp := s.Read(&store.RangeRequest{Key: "k", Revision: n / 2}); resp.Result.(*store.RangeResult).KVs[0].ModRevision != n/2 {
		t.Errorf("a read at %d: %+v", n/2, resp)
	}
}
