package checker

import (
	"testing"

	"etcdsim/checker/history"
	"etcdsim/sim"
)

// Operations are arranged in an order of real time and of the log in which their answers
// are right; some are wrong if and only if the judge objects.
func TestArrange(t *testing.T) {
	for kind := none; kind < numAnomalies; kind++ {
		t.Run(kind.String(), func(t *testing.T) {
			violated := 0
			for seed := range uint64(100) {
				r := recipe{seed: seed, ops: 40, clients: 5, keys: 2, timeouts: sim.Percent(8), anomaly: kind, rate: sim.Percent(10)}
				h := generate(r)
				placed := Arrange(h, Options{})
				wrong, order := 0, make([]*Placed, len(placed)+1)
				for i := range placed {
					if placed[i].Wrong {
						wrong++
					}
					order[placed[i].Rank] = &placed[i]
				}
				if verdict := judgeLin(h).Verdict; (wrong > 0) != (verdict == Violated) {
					t.Errorf("seed %d: %d operations are wrong, the judge says %v", seed, wrong, verdict)
				}
				violated += min(wrong, 1)
				var latest sim.Time
				before := &Placed{}
				for rank := 1; rank < len(order) && order[rank] != nil; rank++ {
					p := order[rank]
					if p.Op.Outcome != history.Unknown && p.Op.Return < latest || p.Index < before.Index || p.Revision < before.Revision {
						t.Fatalf("seed %d: %+v cannot stand behind %+v", seed, p, before)
					}
					if p.Op.Outcome == history.OK && p.Op.Response.Revision != p.Revision {
						t.Fatalf("seed %d: %+v was answered otherwise", seed, p)
					}
					latest, before = max(latest, p.Op.Invoke), p
				}
				if before.Rank == 0 {
					t.Fatalf("seed %d: nothing has a place", seed)
				}
			}
			if (kind == none) != (violated == 0) {
				t.Errorf("%d of 100 histories are wrong", violated)
			}
		})
	}
}

// Without a log nothing has a place.
func TestArrangeWithoutLog(t *testing.T) {
	h := generate(recipe{seed: 1, ops: 10, clients: 2, keys: 1, withoutKnowledge: true})
	if placed := Arrange(h, Options{}); placed != nil {
		t.Errorf("got %+v", placed)
	}
}
