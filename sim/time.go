package sim

import (
	"fmt"
	"time"
)

// Time is an instant of virtual time: nanoseconds since the universe began.
// The zero value is the beginning. Durations are time.Duration.
type Time int64

// Forever is later than every instant a simulation reaches.
const Forever = Time(1<<63 - 1)

// Add returns the instant d after t, and Forever where that would lie beyond: a
// far deadline never wraps into the past.
func (t Time) Add(d time.Duration) Time {
	sum := t + Time(d)
	if d > 0 && sum < t {
		return Forever
	}
	return sum
}

// Sub returns the time that passed from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// String prints seconds with milliseconds, as "1.104s": the form of every
// report. It truncates rather than rounds, so that an event never appears to
// happen after its deadline.
func (t Time) String() string {
	if t == Forever {
		return "forever"
	}
	sign, ns := "", uint64(t)
	if t < 0 {
		sign, ns = "-", -ns
	}
	return fmt.Sprintf("%s%d.%03ds", sign, ns/1e9, ns/1e6%1e3)
}
