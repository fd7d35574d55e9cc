package sim

import "testing"

// Values of a slab are zero, and each has a place of its own.
func TestSlab(t *testing.T) {
	var s Slab[[2]int]
	seen := make(map[*[2]int]bool)
	for i := range 5 * slabSize / 2 {
		v := s.New()
		if *v != [2]int{} || seen[v] {
			t.Fatalf("value %d is %v, and was given out before: %t", i, *v, seen[v])
		}
		*v, seen[v] = [2]int{i + 1, i + 1}, true
	}
	if n := testing.AllocsPerRun(10*slabSize, func() { s.New() }); n > 0 {
		t.Errorf("%v allocations a value: expected one for %d", n, slabSize)
	}
}
