// Package parallel asks one question of many things on several processors, and
// answers as if they had been asked one after the other.
package parallel

import (
	"sync"
)

// First returns the least i below n for which ask is true, or -1. It asks jobs of
// them at a time, in order, and asks none behind one that is known to be true.
func First(jobs, n int, ask func(i int) bool) int {
	var mu sync.Mutex
	next, first := 0, n
	var workers sync.WaitGroup
	for range min(max(jobs, 1), n) {
		workers.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= n {
					return
				}
				yes := ask(i)
				mu.Lock()
				if yes && i < first {
					first = i
					// Those before i are under way; none behind it matters.
					next = n
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	if first == n {
		return -1
	}
	return first
}

// Each does something n times, jobs of them at a time.
func Each(jobs, n int, do func(i int)) {
	First(jobs, n, func(i int) bool {
		do(i)
		return false
	})
}
