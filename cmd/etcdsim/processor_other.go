//go:build !unix

package main

import "time"

var started = time.Now()

// processorTime returns for how long this process has run: what it spent on processors
// is not known here.
func processorTime() time.Duration { return time.Since(started) }
