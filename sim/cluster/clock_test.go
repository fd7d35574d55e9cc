package cluster_test

import (
	"slices"
	"time"
)

// clock measures real time: benchmarks may, simulations may not.
func clock(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
