package sim_test

import (
	"strings"
	"testing"
	"time"

	"etcdsim/sim"
)

func TestRangeText(t *testing.T) {
	for _, c := range []struct {
		in, out string
		want    sim.Range
	}{
		{"5ms..15ms", "5ms..15ms", sim.Range{Min: 5 * time.Millisecond, Max: 15 * time.Millisecond}},
		{"10ms", "10ms", sim.Range{Min: 10 * time.Millisecond, Max: 10 * time.Millisecond}},
		{"2s..2s", "2s", sim.Range{Min: 2 * time.Second, Max: 2 * time.Second}},
		{"0s..1us", "0s..1µs", sim.Range{Max: time.Microsecond}},
		{"0", "0s", sim.Range{}},
	} {
		got, err := sim.ParseRange(c.in)
		if err != nil || got != c.want {
			t.Errorf("ParseRange(%q) = %v, %v; want %v", c.in, got, err, c.want)
			continue
		}
		if got.String() != c.out {
			t.Errorf("%q prints as %q, want %q", c.in, got.String(), c.out)
		}
		if again, err := sim.ParseRange(got.String()); err != nil || again != got {
			t.Errorf("ParseRange(%q) = %v, %v; want %v", got.String(), again, err, got)
		}
	}
	for _, in := range []string{"", "..", "5ms..", "..5ms", "5", "-1ms..5ms", "15ms..5ms", "1ms..2ms..3ms", "soon"} {
		if got, err := sim.ParseRange(in); err == nil || !strings.Contains(err.Error(), "expected") {
			t.Errorf("ParseRange(%q) = %v, %v; want an error that says what was expected", in, got, err)
		}
	}
}

func TestSizeText(t *testing.T) {
	for _, c := range []struct {
		in, out string
		want    sim.Size
	}{
		{"0", "0", 0},
		{"512", "512B", 512},
		{"512B", "512B", 512},
		{"1000", "1KB", 1000},
		{"64KiB", "64KiB", 64 << 10},
		{"10MB", "10MB", 10e6},
		{"1024MiB", "1GiB", 1 << 30},
		{"3GB", "3GB", 3e9},
	} {
		got, err := sim.ParseSize(c.in)
		if err != nil || got != c.want || got.String() != c.out {
			t.Errorf("ParseSize(%q) = %v (%d), %v; want %q (%d)", c.in, got, got, err, c.out, c.want)
			continue
		}
		if again, err := sim.ParseSize(got.String()); err != nil || again != got {
			t.Errorf("ParseSize(%q) = %v, %v; want %v", got.String(), again, err, got)
		}
	}
	for _, in := range []string{"", "B", "-1", "1.5MB", "10 MB", "9223372036854775808", "9000000000GiB", "many"} {
		if got, err := sim.ParseSize(in); err == nil || !strings.Contains(err.Error(), "expected") {
			t.Errorf("ParseSize(%q) = %v, %v; want an error that says what was expected", in, got, err)
		}
	}
}

type settings struct {
	Delay sim.Range
	Loss  sim.Ratio
	Limit sim.Size
}

var settingsTable = sim.Options[settings]{Component: "thing", All: []sim.Option[settings]{
	sim.RangeOption("delay", "how long it takes", func(s *settings) *sim.Range { return &s.Delay }),
	sim.RatioOption("loss", "how often it fails", func(s *settings) *sim.Ratio { return &s.Loss }),
	sim.SizeOption("limit", "how much it takes", func(s *settings) *sim.Size { return &s.Limit }),
}}

func TestOptions(t *testing.T) {
	var s settings
	for _, pair := range [][2]string{{"delay", "1ms..2ms"}, {"loss", "1/4"}, {"limit", "2KiB"}} {
		if err := settingsTable.Set(&s, pair[0], pair[1]); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := settingsTable.Format(&s), "delay=1ms..2ms loss=25% limit=2KiB"; got != want {
		t.Errorf("Format = %q, want %q", got, want)
	}
	help := settingsTable.Describe(&s)
	if want := (sim.Setting{Name: "loss", Syntax: "0.5%", Default: "25%", Doc: "how often it fails"}); help[1] != want {
		t.Errorf("Describe()[1] = %+v, want %+v", help[1], want)
	}

	before := s
	for _, c := range []struct{ name, value, want string }{
		{"loss", "200%", `thing.loss: "200%" is not a probability: expected`},
		{"delay", "fast", `thing.delay: "fast" is not a range of durations: expected`},
		{"lost", "1%", "thing.lost: unknown option (did you mean loss?): expected one of delay, loss, limit"},
	} {
		err := settingsTable.Set(&s, c.name, c.value)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("Set(%q, %q) = %v, want %q...", c.name, c.value, err, c.want)
		}
		if s != before {
			t.Fatalf("a refused Set(%q, %q) changed %+v to %+v", c.name, c.value, before, s)
		}
	}
}
