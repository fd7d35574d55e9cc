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
	// is worth a quarter of the time. GOGC still has the last word.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}
