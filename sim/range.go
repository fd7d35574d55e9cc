package sim

import (
	"fmt"
	"strings"
	"time"
)

// Range is an interval of durations, both ends included. The zero value is
// "no time at all". Invariant of parsed values: 0 <= Min <= Max.
type Range struct{ Min, Max time.Duration }

// ParseRange reads "5ms..15ms", or "10ms" for a range of one value.
func ParseRange(s string) (Range, error) {
	low, high, two := strings.Cut(s, "..")
	if !two {
		high = low
	}
	shortest, err1 := parseDuration(low)
	longest, err2 := parseDuration(high)
	switch {
	case err1 != nil || err2 != nil:
		return Range{}, fmt.Errorf("%q is not a range of durations: expected a form such as 5ms..15ms or 10ms", s)
	case shortest > longest:
		return Range{}, fmt.Errorf("%q is not a range of durations: expected its first end not above its second", s)
	}
	return Range{shortest, longest}, nil
}

// parseDuration is time.ParseDuration without negative values.
func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err == nil && d < 0 {
		err = fmt.Errorf("%q is negative", s)
	}
	return d, err
}

// String prints the range in a form that ParseRange reads back.
func (g Range) String() string {
	if g.Min == g.Max {
		return g.Min.String()
	}
	return g.Min.String() + ".." + g.Max.String()
}

// Within returns a uniform duration of the range. A range of one value draws
// nothing.
func (r *Rand) Within(g Range) time.Duration { return r.Between(g.Min, g.Max) }
