//go:build unix

package main

import (
	"syscall"
	"time"
)

// processorTime returns the time that this process has spent on processors, or 0 if
// the system does not say.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
