package scenarios_test

import (
	"strings"
	"testing"

	"etcdsim/scenarios"
	"etcdsim/sim/bug"
)

// If the disks of a majority lie, acknowledged writes are gone when the power fails, and
// the judges say so.
func TestLyingMajorityIsSeen(t *testing.T) {
	for seed := range uint64(3) {
		r := play(t, seed, `cluster nodes=3
disk keep=0% torn=0%
wait leader within=20s
load w clients=2 timeout=500ms
lie all
wait written w >=50 within=20s
unload w
wait elapsed 1s
kill all
expect promise-broken ==3
repair all
start all
wait leader within=20s`)
		j, _ := r.Report.Judgement("durability")
		if r.Outcome != scenarios.Violation || len(j.Violations) == 0 {
			t.Errorf("want a violation of durability:\n%s", tell(r))
		}
	}
}

// What a member acknowledges after its process has died is gone with the power, if it has
// not synced what it read: raft's invariants see that, and clients feel it.
func TestUnsyncedRestartLosesAcknowledgedWrites(t *testing.T) {
	for seed := range uint64(3) {
		r := must(t, scenarios.Lookup("process-death"), seed, scenarios.Options{Bugs: bug.Set(0).With(bug.UnsyncedRestart)})
		for _, judge := range []string{"durability", "linearizability", "raft"} {
			if j, _ := r.Report.Judgement(judge); len(j.Violations) == 0 {
				t.Errorf("want a violation of %s:\n%s", judge, tell(r))
			}
		}
	}
}

// Random damage never goes beyond what a majority can make up.
func TestDamageSparesAMajority(t *testing.T) {
	for _, last := range []string{"wipe n3", "damage n1 n3", "damage n3 kind=garbage"} {
		r := play(t, 1, "wait leader within=20s\nload w\nwait written w >=50 within=20s\nwait elapsed 500ms\nwipe n2\n"+last)
		if got := tell(r); r.Outcome != scenarios.Vacuous || !strings.Contains(got, "where a majority of 3 needs 2; force=on") {
			t.Errorf("%s after a disk was wiped:\n%s", last, got)
		}
	}
}
