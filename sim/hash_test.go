package sim_test

import (
	"testing"

	"pgregory.net/rapid"

	"etcdsim/sim"
)

// TestHashGolden pins the hash: it is part of every trace.
func TestHashGolden(t *testing.T) {
	for _, c := range []struct {
		in   string
		want uint64
	}{
		{"", 0x9903cb3c831a7bf6},
		{"\x00", 0x2a47500c0793bad5},
		{"12345678", 0x8a06a796e73ce71d},
		{"123456789", 0xd62d0437711e4cbd},
	} {
		if got := sim.Hash([]byte(c.in)); got != c.want {
			t.Errorf("Hash(%q) = %#016x, want %#016x", c.in, got, c.want)
		}
	}
}

// TestHashTells: bytes that differ in one place, in length or in the order of
// two words have different hashes.
func TestHashTells(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "bytes")
		h := sim.Hash(p)
		i := rapid.IntRange(0, len(p)-1).Draw(t, "at")
		q := append([]byte(nil), p...)
		q[i] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if sim.Hash(q) == h {
			t.Fatalf("%x and %x have one hash", p, q)
		}
		if sim.Hash(append(p, 0)) == h || sim.Hash(p[:len(p)-1]) == h {
			t.Fatalf("%x and the same one byte longer or shorter have one hash", p)
		}
		if len(p) >= 16 && string(p[:8]) != string(p[8:16]) {
			q = append(append(append([]byte(nil), p[8:16]...), p[:8]...), p[16:]...)
			if sim.Hash(q) == h {
				t.Fatalf("%x and %x have one hash", p, q)
			}
		}
	})
}

func BenchmarkHash(b *testing.B) {
	p := make([]byte, 100)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		sim.Hash(p)
	}
}
