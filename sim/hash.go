package sim

import (
	"encoding/binary"
	"math/bits"
)

// Hash is a 64-bit hash of some bytes, the same on every machine, about a
// nanosecond for eight bytes. It identifies log entries in traces; it guards
// against accidents, not adversaries.
func Hash(p []byte) uint64 {
	h := uint64(len(p)) ^ 0xa0761d6478bd642f
	for len(p) >= 8 {
		h = fold(h, binary.LittleEndian.Uint64(p))
		p = p[8:]
	}
	var tail uint64
	for i, b := range p {
		tail |= uint64(b) << (8 * i)
	}
	return fold(h, tail)
}

// fold mixes a word into a hash by one wide multiplication, in the manner of
// wyhash. The old state is added back, so that no word can erase it.
func fold(h, word uint64) uint64 {
	hi, lo := bits.Mul64(h^0xe7037ed1a0b428db, word^0x8ebc6af09c88c6e3)
	return bits.RotateLeft64(h, 29) + (hi ^ lo)
}
