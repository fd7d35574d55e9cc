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

// Add returns the instant d after t.
func (t Time) Add(d time.Duration) Time { return t + Time(d) }

// Sub returns the time that passed from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// String prints seconds with milliseconds, as "1.104s": the form of every
// report. It truncates rather than rounds, so that an event never appears to
// happen after its deadline.
func (t Time) String() string {
	if t == Forever {
		return "forever"
	}
	sign := ""
	if t < 0 {
		sign, t = "-", -t
	}
	return fmt.Sprintf("%s%d.%03ds", sign, t/1e9, t/1e6%1e3)
}
