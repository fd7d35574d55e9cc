package sim

import (
	"math/bits"
	"time"
)

// Rand is a stream of random integers that belongs to one component. Streams
// are derived from the seed by name ("net/2->3", "disk/1", "client/4"), so that
// an additional draw in one component leaves every other stream as it was.
// That is what makes comparing, shrinking and "the same seed, one fault less"
// meaningful.
//
// The generator is SplitMix64 (Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", OOPSLA 2014): eight bytes of state, every
// state on one cycle of length 2^64. There is no floating point: processors may
// round differently, integers they share.
//
// A Rand is not for concurrent use. The zero value is a valid stream, but one
// that belongs to nobody; make streams with [NewRand].
type Rand struct{ state uint64 }

// NewRand returns the stream that seed assigns to name.
func NewRand(seed uint64, name string) Rand {
	// FNV-1a over the name, then two rounds of mixing with the seed: streams of
	// neighbouring seeds and of similar names must not resemble each other.
	h := uint64(0xcbf29ce484222325)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 0x100000001b3
	}
	return Rand{state: Mix(Mix(seed+golden) ^ h)}
}

const golden = 0x9e3779b97f4a7c15

// Mix is SplitMix64's finalizer: a bijection of 64-bit integers in which every
// input bit affects every output bit. It serves wherever a pure function of
// some integers must look random.
func Mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Uint64 returns the next 64 random bits.
func (r *Rand) Uint64() uint64 {
	r.state += golden
	return Mix(r.state)
}

// Below returns a uniform integer in [0, n). It panics if n is 0.
func (r *Rand) Below(n uint64) uint64 {
	if n == 0 {
		panic("sim: Below(0) has nothing to draw from")
	}
	// Lemire, "Fast random integer generation in an interval" (2019): the high
	// half of the product is uniform once the few biased low halves are redrawn.
	hi, lo := bits.Mul64(r.Uint64(), n)
	if lo < n {
		for least := -n % n; lo < least; {
			hi, lo = bits.Mul64(r.Uint64(), n)
		}
	}
	return hi
}

// Intn returns a uniform integer in [0, n). It panics unless n is positive.
func (r *Rand) Intn(n int) int {
	if n <= 0 {
		panic("sim: Intn needs a positive bound")
	}
	return int(r.Below(uint64(n)))
}

// Between returns a uniform duration in [low, high], both ends included. When
// high is not above low it returns low without drawing.
func (r *Rand) Between(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + time.Duration(r.Below(uint64(high-low)+1))
}

// Hit reports true with the probability p. It draws only when the answer is
// open: a probability of 0 or 1 costs nothing and moves no stream.
func (r *Rand) Hit(p Ratio) bool {
	switch {
	case p.Num == 0:
		return false
	case p.Num >= p.Den:
		return true
	}
	return r.Below(uint64(p.Den)) < uint64(p.Num)
}

// Shuffle puts n elements into a uniformly random order by calling swap
// (Fisher and Yates).
func (r *Rand) Shuffle(n int, swap func(i, j int)) {
	for i := n - 1; i > 0; i-- {
		swap(i, r.Intn(i+1))
	}
}
