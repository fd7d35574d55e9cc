package sim

import (
	"fmt"
	"math/bits"
	"strings"
	"time"
)

// Clock is what a machine shows for the time: two readings, as operating systems
// have. The steady one only ever goes forward, at the clock's own pace; it
// measures durations, and Go's timers, tickers and time.Since go by it. The wall
// clock is the steady one and an offset, which somebody may change at any time.
//
// The zero value is a true clock: it shows virtual time itself. A clock that runs
// at another pace differs from the moment on at which it was given that pace.
type Clock struct {
	// since is the true time of the last change of pace, and shown the steady
	// reading at that time.
	since, shown Time
	drift        Drift
	// offset is how far the wall clock is ahead of the steady one.
	offset time.Duration
}

// Steady returns the steady reading at a true time not before the last change of
// pace. At earlier times, of which the clock keeps no account, it is taken to have
// been true.
func (c Clock) Steady(at Time) Time {
	if at < c.since || c.drift == 0 {
		return c.shown + (at - c.since)
	}
	return c.shown.Add(c.drift.Shows(at.Sub(c.since)))
}

// Wall returns the reading of the wall clock at a true time.
func (c Clock) Wall(at Time) Time { return c.Steady(at) + Time(c.offset) }

// Wait returns how long it truly takes, from a true time on, until the steady
// reading has advanced by d.
func (c Clock) Wait(at Time, d time.Duration) time.Duration {
	if c.drift == 0 {
		return d
	}
	due := c.Steady(at).Add(d) - c.shown
	return (c.since + Time(scale(uint64(due), parts, c.drift.pace(), true))).Sub(at)
}

// Drift returns the present deviation of the clock's pace.
func (c Clock) Drift() Drift { return c.drift }

// Offset returns how far the wall clock is ahead of the steady one.
func (c Clock) Offset() time.Duration { return c.offset }

// SetDrift changes the clock's pace from a true time on. Neither reading jumps.
func (c *Clock) SetDrift(at Time, d Drift) {
	c.shown, c.since, c.drift = c.Steady(at), at, d
}

// SetOffset turns the wall clock: it jumps.
func (c *Clock) SetOffset(offset time.Duration) { c.offset = offset }

// parts is the denominator of a Drift.
const parts = 1_000_000

// Drift is how much faster than true time a clock runs, in parts per million; of a
// slow clock it is negative. The zero value is no drift at all.
// Invariant of parsed values: MinDrift <= d <= MaxDrift.
type Drift int64

// The bounds of a Drift: a clock at a tenth of its pace, and one at double pace.
// Quartz is within 100 parts per million; virtual machines have been seen to lose
// a tenth of their time.
const (
	MinDrift = -900_000 * Drift(1)
	MaxDrift = 1_000_000 * Drift(1)
)

func (d Drift) pace() uint64 { return uint64(parts + d) }

// ParseDrift reads "+10%", "-0.02%", "0%", or "-50ppm".
func ParseDrift(s string) (Drift, error) {
	bad := fmt.Errorf("%q is not a drift: expected -90%% to +100%%, such as +10%% or -50ppm", s)
	amount, negative := strings.CutPrefix(s, "-")
	if !negative {
		amount = strings.TrimPrefix(amount, "+")
	}
	if n, ok := strings.CutSuffix(amount, "ppm"); ok {
		amount = n + "/1000000"
	} else if !strings.HasSuffix(amount, "%") {
		return 0, bad
	}
	ratio, err := ParseRatio(amount)
	if err != nil {
		return 0, bad
	}
	scaled := uint64(ratio.Num) * parts
	d := Drift(scaled / uint64(ratio.Den))
	if negative {
		d = -d
	}
	if scaled%uint64(ratio.Den) != 0 || d < MinDrift || d > MaxDrift {
		return 0, bad
	}
	return d, nil
}

// String prints the drift in a form that ParseDrift reads back.
func (d Drift) String() string {
	sign, n := "+", uint32(d)
	if d < 0 {
		sign, n = "-", uint32(-d)
	}
	if n == 0 {
		return "0%"
	}
	return sign + reduce(uint64(n), parts).String()
}

// Takes returns how long it truly takes a clock of this pace to show that t has
// passed; 0 for what is not positive.
func (d Drift) Takes(t time.Duration) time.Duration {
	return time.Duration(scale(uint64(max(t, 0)), parts, d.pace(), true))
}

// Shows returns what a clock of this pace shows to have passed when t has.
func (d Drift) Shows(t time.Duration) time.Duration {
	return time.Duration(scale(uint64(max(t, 0)), d.pace(), parts, false))
}

// scale returns n*num/den, rounded up if asked, at most Forever.
func scale(n, num, den uint64, up bool) uint64 {
	hi, lo := bits.Mul64(n, num)
	if hi >= den {
		return uint64(Forever)
	}
	quotient, rest := bits.Div64(hi, lo, den)
	if up && rest > 0 {
		quotient++
	}
	return min(quotient, uint64(Forever))
}
