package scenarios_test

import (
	"fmt"
	"testing"

	"etcdsim/node"
	"etcdsim/scenarios"
)

// whereverItDies lets all members but a laggard work, and die at one point: as many
// as come to it. Something happens for every point to be reached.
const whereverItDies = `cluster nodes=5
node    snapshot=40 catch-up=5 batch=50ms strict-reconfig=off
wait    leader within=20s
load    w clients=4 keys=4 mix=put:4,delete:1,get:2,txn:1 timeout=500ms
let     $laggard = any
isolate $laggard
wait    written w >=100 within=60s
compact keep=20
wait    written w >=50 since=here within=60s
crash   all at=%s
heal
compact
? add   learner within=10s
? defrag all within=5s
wait    crash-at-point >=1 within=20s
crash   all at=nowhere
mend    all
wait    leader within=20s
wait    written w >=30 since=here within=60s
`

// Wherever a member dies in the middle of its work, it comes back, and nothing is
// lost that was promised.
func TestCrashAtEveryPoint(t *testing.T) {
	for _, p := range node.Points() {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(3) {
				if r := play(t, seed, fmt.Sprintf(whereverItDies, p)); r.Outcome != scenarios.Pass {
					t.Errorf("crash at %v:\n%s", p, tell(r))
				}
			}
		})
	}
}
