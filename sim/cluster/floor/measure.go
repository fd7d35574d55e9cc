package floor

import (
	"slices"
	"time"
)

// Cost returns what one round of f takes: the median of five measurements of
// about 50 ms each. f runs as many rounds as it is told.
func Cost(f func(rounds int)) time.Duration {
	const target = 50 * time.Millisecond
	rounds := 1
	for {
		took := clock(func() { f(rounds) })
		if took > target/2 {
			rounds = max(1, int(int64(rounds)*int64(target)/int64(took)))
			break
		}
		rounds *= 2
	}
	costs := make([]time.Duration, 5)
	for i := range costs {
		costs[i] = clock(func() { f(rounds) })
	}
	slices.Sort(costs)
	return costs[len(costs)/2] / time.Duration(rounds)
}

// clock measures real time, which a benchmark may and a simulation may not.
func clock(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}
