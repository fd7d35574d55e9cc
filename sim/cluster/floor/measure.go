package floor

import (
	"slices"
	"time"
)

// Compare runs ours and the bare loop's equivalent in turn, so many times, and
// returns the median of what ours takes, and the median of the ratios of
// neighbouring runs in thousandths. Machines are shared and their speed drifts; two runs next
// to each other meet the same speed. A run should take some milliseconds.
func Compare(times int, ours, bare func()) (cost time.Duration, permille int64) {
	costs, ratios := make([]time.Duration, times), make([]int64, times)
	for i := range times {
		costs[i] = clock(ours)
		ratios[i] = 1000 * int64(costs[i]) / int64(clock(bare))
	}
	slices.Sort(costs)
	slices.Sort(ratios)
	return costs[times/2], ratios[times/2]
}

// clock measures real time, which a benchmark may and a simulation may not.
func clock(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}
