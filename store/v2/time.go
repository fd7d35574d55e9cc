package v2store

import (
	"math"
	"time"
)

// Time is an instant: nanoseconds since 1970-01-01 UTC, the form in which etcd
// writes expirations to its log. The zero value means that there is none.
type Time int64

// Epoch is 2000-01-01 UTC, the first expiration that a new node may have: etcd
// takes earlier ones for damage and makes the node permanent. A simulation
// whose clock starts at 0 adds its time to Epoch.
const Epoch Time = 946_684_800_000_000_000

const second = Time(time.Second)

// add returns the instant some seconds later. It wraps around, as etcd does, so
// that an absurd TTL lies in the past.
func (t Time) add(seconds int64) Time { return t + Time(seconds)*second }

// ttl returns the whole seconds that are left at now until the expiration t,
// rounded up; it is 0 or negative once t has passed.
func (t Time) ttl(now Time) int64 {
	left := t - now
	switch { // time.Time.Sub saturates
	case now > 0 && left > t:
		left = math.MinInt64
	case now < 0 && left < t:
		left = math.MaxInt64
	}
	seconds := int64(left / second)
	if left%second > 0 {
		seconds++
	}
	return seconds
}

// appendJSON appends the instant as encoding/json writes a time.Time.
func (t Time) appendJSON(b []byte) []byte {
	b = append(b, '"')
	b = time.Unix(0, int64(t)).UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}
