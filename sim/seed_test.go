package sim_test

import (
	"testing"

	"etcdsim/sim"
)

// A seed that is not turned gives the streams of its number.
func TestSeedGivesStreams(t *testing.T) {
	a, b := sim.NewSeed(7).Stream("net/1->2"), sim.NewRand(7, "net/1->2")
	if a != b || sim.NewSeed(7).Origin() != 7 {
		t.Errorf("%v is not %v", a, b)
	}
}

// A turn changes what is drawn afterwards: equal turns alike, others otherwise,
// and each stream in its own way.
func TestTurn(t *testing.T) {
	drawn := map[uint64]bool{}
	for _, name := range []string{"disk/1", "disk/2"} {
		for by := range uint64(100) {
			r := sim.NewRand(7, name)
			before := r.Uint64()
			r.Turn(by)
			again := sim.NewRand(7, name)
			if again.Uint64() != before {
				t.Fatal("a turn changed what had been drawn")
			}
			again.Turn(by)
			first := r.Uint64()
			if again.Uint64() != first {
				t.Fatalf("turned twice by %d, %s gives two streams", by, name)
			}
			s := sim.NewSeed(7)
			s.Turn(by)
			later := s.Stream(name)
			other := sim.NewRand(7, name)
			other.Turn(by)
			if later != other {
				t.Fatalf("a stream derived after a turn is not a stream that was turned")
			}
			if drawn[first] {
				t.Fatalf("%s turned by %d draws what another draws", name, by)
			}
			drawn[first] = true
		}
	}
	a, b := sim.NewRand(1, "x"), sim.NewRand(1, "x")
	if a.Turn(0); a != b {
		t.Error("no turn is a turn")
	}
}
