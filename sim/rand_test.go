package sim

import (
	"fmt"
	"math"
	"math/bits"
	"testing"
	"time"
)

// TestRandReference: the published SplitMix64 sequence for the state 1234567.
func TestRandReference(t *testing.T) {
	r := Rand{state: 1234567}
	for i, want := range []uint64{
		6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821,
	} {
		if got := r.Uint64(); got != want {
			t.Fatalf("output %d is %d, want %d", i, got, want)
		}
	}
}

// TestRandGolden pins the streams. A change here changes the meaning of every
// seed: it needs a new trace.Version and new golden digests.
func TestRandGolden(t *testing.T) {
	for _, c := range []struct {
		seed uint64
		name string
		want [3]uint64
	}{
		{0, "", [3]uint64{0x0d7293fe83b1a2bc, 0x764ede80904bee69, 0xd63b152c4e5372cd}},
		{1, "net/1->2", [3]uint64{0xead2a9b3ebd6a75e, 0x5b117f037bd9fbcb, 0xa7b3691b73d91144}},
		{1, "net/2->1", [3]uint64{0x0996f847372162b3, 0x19db7a6995c2574d, 0x17dbbc3306eeb394}},
		{2, "net/1->2", [3]uint64{0xb9e92b02fdb66afe, 0x56d2782c189d0a11, 0xa40e807e7911bca3}},
		{math.MaxUint64, "disk/1", [3]uint64{0xa81780225257dac4, 0x3005635be2e92db4, 0x8060fbf73465fc33}},
	} {
		r := NewRand(c.seed, c.name)
		if got := [3]uint64{r.Uint64(), r.Uint64(), r.Uint64()}; got != c.want {
			t.Errorf("seed %d, stream %q: %#x, want %#x", c.seed, c.name, got, c.want)
		}
	}
	r := NewRand(7, "golden")
	got := fmt.Sprint(r.Below(10), r.Below(1<<40), r.Intn(6), r.Between(5*time.Millisecond, 15*time.Millisecond), r.Hit(Percent(50)))
	if want := "5 77480751801 5 7.013677ms true"; got != want {
		t.Errorf("draws of (7, golden) are %s, want %s", got, want)
	}
}

// TestRandStreams: streams of similar names and of neighbouring seeds share
// nothing. Of two unrelated streams of 64-bit numbers each position differs in 32
// bits on average; over 512 of them the sum deviates from 16384 by more than 512 (eight
// standard deviations of 64) once in 10^15.
func TestRandStreams(t *testing.T) {
	const draws = 512
	type stream struct {
		name string
		out  [draws]uint64
	}
	var streams []stream
	for seed := range uint64(4) {
		for _, name := range []string{"net/1->2", "net/2->1", "net/1->3", "disk/1", "disk/2", "client/1", "client/10", ""} {
			r := NewRand(seed, name)
			s := stream{name: fmt.Sprintf("(%d, %s)", seed, name)}
			for i := range s.out {
				s.out[i] = r.Uint64()
			}
			streams = append(streams, s)
		}
	}
	for i, a := range streams {
		for _, b := range streams[:i] {
			differ := 0
			for k := range a.out {
				differ += bits.OnesCount64(a.out[k] ^ b.out[k])
			}
			if differ < 32*draws-512 || differ > 32*draws+512 {
				t.Errorf("streams %s and %s differ in %d of %d bits, want about half", a.name, b.name, differ, 64*draws)
			}
		}
	}
}

// TestRandIndependence: what one component draws does not depend on how often
// others draw.
func TestRandIndependence(t *testing.T) {
	alone := NewRand(9, "disk/1")
	other, beside := NewRand(9, "net/1->2"), NewRand(9, "disk/1")
	for i := range 100 {
		for range i % 3 {
			other.Uint64()
		}
		if a, b := alone.Uint64(), beside.Uint64(); a != b {
			t.Fatalf("draw %d is %#x alone and %#x beside another stream", i, a, b)
		}
	}
}

// uniform fails unless the counts are those of a uniform distribution: Pearson's
// statistic, in integers and scaled by the total, against four times its expected
// value (for the degrees of freedom used here less than once in 10^6).
func uniform(t *testing.T, what string, counts []uint64) {
	t.Helper()
	cells, total, squares := uint64(len(counts)), uint64(0), uint64(0)
	for _, n := range counts {
		total += n
		squares += n * n
	}
	// sum((n - total/cells)^2 / (total/cells)) = (cells*sum(n^2) - total^2) / total
	if excess := cells*squares - total*total; excess > 4*(cells-1)*total {
		t.Errorf("%s: %v is not uniform", what, counts)
	}
}

func TestRandUniform(t *testing.T) {
	r := NewRand(3, "uniform")
	const draws = 60_000

	below := make([]uint64, 10)
	for range draws {
		below[r.Below(10)]++
	}
	uniform(t, "Below(10)", below)

	// Without the rejection every multiple of 3 would come twice as often as the
	// other numbers below 3/4 of 2^64.
	thirds := make([]uint64, 3)
	for range draws {
		thirds[r.Below(3<<62)%3]++
	}
	uniform(t, "Below(3<<62) modulo 3", thirds)

	between := make([]uint64, 7)
	for range draws {
		between[r.Between(10, 16)-10]++
	}
	uniform(t, "Between(10, 16)", between)

	dice := make([]uint64, 6)
	for range draws {
		dice[r.Intn(6)]++
	}
	uniform(t, "Intn(6)", dice)

	orders := make([]uint64, 24)
	for range draws {
		p := [4]byte{0, 1, 2, 3}
		r.Shuffle(4, func(i, j int) { p[i], p[j] = p[j], p[i] })
		orders[rank(p)]++
	}
	uniform(t, "Shuffle(4)", orders)

	bit := make([]uint64, 64)
	for range draws {
		for u := r.Uint64(); u != 0; u &= u - 1 {
			bit[bits.TrailingZeros64(u)]++
		}
	}
	uniform(t, "bits of Uint64", bit)

	coin := make([]uint64, 2)
	for range draws {
		if r.Hit(Ratio{1, 2}) {
			coin[0]++
		} else {
			coin[1]++
		}
	}
	uniform(t, "Hit(1/2)", coin)

	// One in 200, expected 300 times: between 210 and 390 is five deviations.
	rare := 0
	for range draws {
		if r.Hit(Ratio{1, 200}) {
			rare++
		}
	}
	if rare < 210 || rare > 390 {
		t.Errorf("Hit(1/200) hit %d times of %d, want about 300", rare, draws)
	}
}

// rank numbers the orders of four elements from 0 to 23 (its Lehmer code).
func rank(p [4]byte) int {
	n := 0
	for i := range p {
		smaller := 0
		for _, q := range p[i+1:] {
			if q < p[i] {
				smaller++
			}
		}
		n = n*(4-i) + smaller
	}
	return n
}

// TestRandCertain: what is certain costs no draw, so that switching a fault off
// or to always moves no other decision.
func TestRandCertain(t *testing.T) {
	r := NewRand(1, "certain")
	before := r
	for _, c := range []struct {
		p    Ratio
		want bool
	}{{Ratio{}, false}, {Ratio{0, 1}, false}, {Percent(0), false}, {Percent(100), true}, {Ratio{1, 1}, true}, {Ratio{5, 5}, true}} {
		if got := r.Hit(c.p); got != c.want {
			t.Errorf("Hit(%d/%d) = %v", c.p.Num, c.p.Den, got)
		}
	}
	if d := r.Between(7, 7); d != 7 {
		t.Errorf("Between(7, 7) = %d", d)
	}
	if d := r.Between(7, 3); d != 7 {
		t.Errorf("Between(7, 3) = %d, want the low end", d)
	}
	r.Shuffle(1, func(i, j int) { t.Errorf("Shuffle(1) swaps %d and %d", i, j) })
	r.Shuffle(0, func(i, j int) { t.Errorf("Shuffle(0) swaps %d and %d", i, j) })
	if r != before {
		t.Error("a certain outcome moved the stream")
	}
}

func TestRandBounds(t *testing.T) {
	r := NewRand(1, "bounds")
	for range 1000 {
		if n := r.Below(1); n != 0 {
			t.Fatalf("Below(1) = %d", n)
		}
		if d := r.Between(0, math.MaxInt64); d < 0 {
			t.Fatalf("Between(0, MaxInt64) = %d", d)
		}
	}
	for name, f := range map[string]func(){
		"Below(0)": func() { r.Below(0) }, "Intn(0)": func() { r.Intn(0) }, "Intn(-1)": func() { r.Intn(-1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s did not panic", name)
				}
			}()
			f()
		}()
	}
}

func BenchmarkRand(b *testing.B) {
	r := NewRand(1, "bench")
	b.Run("Uint64", func(b *testing.B) {
		for b.Loop() {
			r.Uint64()
		}
	})
	b.Run("Below", func(b *testing.B) {
		for b.Loop() {
			r.Below(1000)
		}
	})
	b.Run("NewRand", func(b *testing.B) {
		for b.Loop() {
			NewRand(1, "net/1->2")
		}
	})
}
