package scenarios_test

import (
	"strings"
	"testing"

	"etcdsim/scenarios"
)

// What goes wrong inside of a block ends the run, and is told with its own place.
func TestBlocksFailInside(t *testing.T) {
	for _, c := range []struct {
		name, lines string
		want        scenarios.Outcome
		says        string
	}{
		{
			"the second time", "wait leader within=20s\nrepeat 3\nexpect crashes ==0\nkill n1\nend",
			scenarios.Violation, "line 3 column 1: expect  crashes ==0: in fact: crashes: 1",
		},
		{
			"one branch, while others wait", "concurrently\nwait at 1h\nand\nwait at 1s\nrepeat 2\nexpect crashes\nend\nend",
			scenarios.Violation, "line 6 column 1: expect  crashes: in fact: crashes: 0",
		},
		{
			"a wait in vain beside others", "concurrently\nwait at 20s\nand\npartition n1 | n2 | n3\nwait leader within=5s\nend",
			scenarios.Stuck, "line 5 column 1: wait    leader within=5s: no leader",
		},
		{
			"before anything waited for", "concurrently\nkill leader\nand\nwait at 1s\nend",
			scenarios.Vacuous, "line 2 column 1: kill    leader: there is no leader now",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := play(t, 3, c.lines)
			if got := tell(r); r.Outcome != c.want || !strings.Contains(got, c.says) {
				t.Errorf("want %v and %q:\n%s", c.want, c.says, got)
			}
		})
	}
}

// A run is not changed by how its file is laid out.
func TestLayoutChangesNothing(t *testing.T) {
	plain := "wait leader within=20s\nrepeat 2\nkill any\nrestart all\nwait leader within=20s\nend"
	crooked := "# a story\n\n\nwait   leader   within=20s\n\n  repeat 2 # so\n\n  # comment\n" +
		"kill any\nrestart all\n\nwait leader within=20s\nend"
	if a, b := play(t, 7, plain), play(t, 7, crooked); a.Digest != b.Digest {
		t.Errorf("digest %s, and %s in another layout", a.Digest, b.Digest)
	}
}
