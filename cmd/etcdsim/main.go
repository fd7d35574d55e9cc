// Command etcdsim runs etcd in a simulated universe: a scenario and a seed
// decide everything that happens.
//
//	etcdsim run leader-kill --seed 7
//	etcdsim list
package main

import (
	"os"
	"runtime/debug"
)

func main() {
	// A run lives for milliseconds and its heap is small: collecting less often
	// is worth a quarter of the time.
	collectAt(400)
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// collectAt lets the heap grow by so many percent between two collections. GOGC, if
// it is set, has the last word.
func collectAt(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
