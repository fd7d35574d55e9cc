package sim

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A clock that gains a tenth shows 11 s after 10; set right again, it keeps the
// second that it gained.
func TestClock(t *testing.T) {
	second := Time(time.Second)
	var c Clock
	if got := c.Steady(7 * second); got != 7*second {
		t.Errorf("a true clock shows %v at 7 s", got)
	}
	c.SetDrift(10*second, 100_000)
	for _, at := range []struct{ real, shown Time }{{10 * second, 10 * second}, {20 * second, 21 * second}, {9 * second, 9 * second}} {
		if got := c.Steady(at.real); got != at.shown {
			t.Errorf("a clock that gains a tenth since 10 s shows %v at %v, want %v", got, at.real, at.shown)
		}
	}
	if got, want := c.Wait(20*second, 11*time.Second), 10*time.Second; got != want {
		t.Errorf("11 s take it %v, want %v", got, want)
	}
	c.SetDrift(20*second, 0)
	c.SetOffset(-5 * time.Second)
	if steady, wall := c.Steady(30*second), c.Wall(30*second); steady != 31*second || wall != 26*second {
		t.Errorf("set right at 20 s and turned back by 5 s: it shows %v and %v at 30 s, want 31 s and 26 s", steady, wall)
	}
}

// Whatever happens to its pace, a clock never goes back, and a wait ends as soon as
// the clock shows that it is over.
func TestClockIsSteady(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c Clock
		at := Time(rapid.Int64Range(0, 1e15).Draw(t, "start"))
		for range rapid.IntRange(1, 5).Draw(t, "changes") {
			before := c.Steady(at)
			c.SetDrift(at, Drift(rapid.Int64Range(int64(MinDrift), int64(MaxDrift)).Draw(t, "drift")))
			if after := c.Steady(at); after != before {
				t.Fatalf("the change of pace moved the clock from %d to %d", before, after)
			}
			at += Time(rapid.Int64Range(0, 1e12).Draw(t, "pass"))
			if now := c.Steady(at); now < before {
				t.Fatalf("the clock went back from %d to %d", before, now)
			}
			d := time.Duration(rapid.Int64Range(1, 1e12).Draw(t, "wait"))
			due, wait := c.Steady(at).Add(d), Time(c.Wait(at, d))
			if c.Steady(at+wait) < due || c.Steady(at+wait-1) >= due {
				t.Fatalf("from %d, %d ns shall be over %d ns later; the clock shows %d then, %d before, due is %d",
					at, d, wait, c.Steady(at+wait), c.Steady(at+wait-1), due)
			}
			// Where between two nanoseconds the clock stands is not known.
			if takes := Time(c.Drift().Takes(d)); takes-wait > 10 || wait-takes > 10 {
				t.Fatalf("%d ns took %d, not %d", d, wait, takes)
			}
		}
	})
}

func TestDriftReadsBack(t *testing.T) {
	for text, want := range map[string]Drift{
		"+10%": 100_000, "-0.02%": -200, "0%": 0, "-50ppm": -50, "+100%": MaxDrift, "-90%": MinDrift, "5%": 50_000,
	} {
		got, err := ParseDrift(text)
		if err != nil || got != want {
			t.Errorf("ParseDrift(%q) = %d, %v; want %d", text, got, err, want)
		}
		if again, err := ParseDrift(got.String()); err != nil || again != got {
			t.Errorf("%q prints as %q, which reads as %d, %v", text, got, again, err)
		}
	}
	for _, text := range []string{"", "fast", "-91%", "+101%", "1/3", "+-1%", "0.00001%", "1000001ppm", "%"} {
		if d, err := ParseDrift(text); err == nil || !strings.Contains(err.Error(), "expected -90% to +100%") {
			t.Errorf("ParseDrift(%q) = %d, %v; want an error that says what is expected", text, d, err)
		}
	}
}
