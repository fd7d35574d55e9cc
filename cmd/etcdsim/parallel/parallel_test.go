package parallel_test

import (
	"sync/atomic"
	"testing"

	"etcdsim/cmd/etcdsim/parallel"
)

// The first in order is found, whoever is quicker, and nothing before it is left
// out.
func TestFirst(t *testing.T) {
	for _, jobs := range []int{0, 1, 2, 7} {
		for _, n := range []int{0, 1, 5, 100} {
			for first := range n + 1 {
				asked := make([]atomic.Bool, n)
				want := first
				if first == n {
					want = -1
				}
				got := parallel.First(jobs, n, func(i int) bool {
					asked[i].Store(true)
					return i == first || i > first && i%3 == 0
				})
				if got != want {
					t.Fatalf("%d jobs, %d of %d: got %d", jobs, first, n, got)
				}
				for i := range asked[:first] {
					if !asked[i].Load() {
						t.Fatalf("%d jobs, %d of %d: %d was not asked", jobs, first, n, i)
					}
				}
			}
		}
	}
}

func TestEach(t *testing.T) {
	var sum atomic.Int64
	parallel.Each(3, 101, func(i int) { sum.Add(int64(i)) })
	if sum.Load() != 5050 {
		t.Errorf("the sum is %d", sum.Load())
	}
}
