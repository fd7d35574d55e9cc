package sim_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"etcdsim/sim"
)

func TestParseRatio(t *testing.T) {
	for _, c := range []struct {
		in   string
		want sim.Ratio
		text string
	}{
		{"0", sim.Ratio{Num: 0, Den: 1}, "0%"},
		{"1", sim.Ratio{Num: 1, Den: 1}, "100%"},
		{"0%", sim.Ratio{Num: 0, Den: 1}, "0%"},
		{"100%", sim.Ratio{Num: 1, Den: 1}, "100%"},
		{"0.5%", sim.Ratio{Num: 1, Den: 200}, "0.5%"},
		{"12.50%", sim.Ratio{Num: 1, Den: 8}, "12.5%"},
		{"0.0000001%", sim.Ratio{Num: 1, Den: 1e9}, "0.0000001%"},
		{"1/200", sim.Ratio{Num: 1, Den: 200}, "0.5%"},
		{"1/3", sim.Ratio{Num: 1, Den: 3}, "1/3"},
		{"0/5", sim.Ratio{Num: 0, Den: 1}, "0%"},
		{"6/6", sim.Ratio{Num: 1, Den: 1}, "100%"},
		{"1/1000000000", sim.Ratio{Num: 1, Den: 1e9}, "0.0000001%"},
	} {
		got, err := sim.ParseRatio(c.in)
		if err != nil || got != c.want {
			t.Errorf("ParseRatio(%q) = %d/%d, %v, want %d/%d", c.in, got.Num, got.Den, err, c.want.Num, c.want.Den)
		}
		if got.String() != c.text {
			t.Errorf("ParseRatio(%q) prints %q, want %q", c.in, got, c.text)
		}
	}
	if zero := (sim.Ratio{}); zero.String() != "0%" {
		t.Errorf("the zero value prints %q, want 0%%", zero)
	}
}

func TestParseRatioRefuses(t *testing.T) {
	for _, in := range []string{
		"", "%", "2", "-1%", "+1%", "101%", "100.0000001%", "0.00000001%", "1.%", ".5%", "0.5", "1e-2%", "0x1%", "1 %", " 1%",
		"1_0%", "1/0", "0/0", "2/1", "-1/2", "1/-2", "1/2%", "1/1000000001", "1/2/3", "/", "/2", "1/", "99999999999999999999%", "%1",
	} {
		if got, err := sim.ParseRatio(in); err == nil {
			t.Errorf("ParseRatio(%q) = %v, want an error", in, got)
		} else if !strings.Contains(err.Error(), "expected") {
			t.Errorf("ParseRatio(%q): the error does not say what was expected: %v", in, err)
		}
	}
}

// sound fails unless the ratio satisfies its invariant and reads back as itself.
func sound(t interface{ Fatalf(string, ...any) }, r sim.Ratio) {
	if r.Den == 0 || r.Num > r.Den || r.Den > 1e9 {
		t.Fatalf("%d/%d breaks 0 <= Num <= Den <= 1e9, Den > 0", r.Num, r.Den)
	}
	back, err := sim.ParseRatio(r.String())
	if err != nil || uint64(back.Num)*uint64(r.Den) != uint64(r.Num)*uint64(back.Den) {
		t.Fatalf("%d/%d prints as %q, which reads back as %d/%d, %v", r.Num, r.Den, r, back.Num, back.Den, err)
	}
}

func TestRatioRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		den := rapid.Uint32Range(1, 1e9).Draw(t, "den")
		if rapid.Bool().Draw(t, "decimal") {
			den = rapid.SampledFrom([]uint32{1, 2, 5, 10, 64, 100, 1000, 3125, 1e5, 1e7, 1e9}).Draw(t, "den")
		}
		sound(t, sim.Ratio{Num: rapid.Uint32Range(0, den).Draw(t, "num"), Den: den})
	})
}

func FuzzParseRatio(f *testing.F) {
	for _, s := range []string{"0.5%", "1/200", "100%", "1", "0", "0.0000001%", "1/999999937"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := sim.ParseRatio(s); err == nil {
			sound(t, r)
		}
	})
}
