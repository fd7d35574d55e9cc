package sim_test

import (
	"math"
	"testing"
	"time"

	"etcdsim/sim"
)

func TestTimeString(t *testing.T) {
	for _, c := range []struct {
		t    sim.Time
		want string
	}{
		{0, "0.000s"},
		{1, "0.000s"},
		{sim.Time(999_999), "0.000s"},
		{sim.Time(time.Millisecond), "0.001s"},
		{sim.Time(1104*time.Millisecond + 999_999), "1.104s"},
		{sim.Time(time.Hour), "3600.000s"},
		{-sim.Time(1500 * time.Millisecond), "-1.500s"},
		{math.MinInt64, "-9223372036.854s"},
		{sim.Forever - 1, "9223372036.854s"},
		{sim.Forever, "forever"},
	} {
		if got := c.t.String(); got != c.want {
			t.Errorf("Time(%d) prints %q, want %q", int64(c.t), got, c.want)
		}
	}
}

// TestTimeAdd: a deadline far beyond the end must not turn into one in the past.
func TestTimeAdd(t *testing.T) {
	for _, c := range []struct {
		t    sim.Time
		d    time.Duration
		want sim.Time
	}{
		{5, 7, 12},
		{5, -7, -2},
		{sim.Forever - 1, 1, sim.Forever},
		{sim.Forever - 1, 2, sim.Forever},
		{sim.Forever, math.MaxInt64, sim.Forever},
		{sim.Forever, -1, sim.Forever - 1},
	} {
		if got := c.t.Add(c.d); got != c.want {
			t.Errorf("Time(%d).Add(%d) = %d, want %d", int64(c.t), int64(c.d), int64(got), int64(c.want))
		}
	}
	if got := sim.Time(12).Sub(5); got != 7 {
		t.Errorf("Time(12).Sub(5) = %d, want 7", got)
	}
}
