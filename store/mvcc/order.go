package mvcc

import (
	"math/bits"
	"slices"
	"sort"
	"strings"
)

// order is all keys of a table in ascending order, in blocks: a tree of two
// levels. The upper one stays small enough for a slice, a hundredth of the keys.
// Invariant: no block is empty.
type order struct {
	blocks []block
	words  words // of the first keys of the blocks
}

type block struct {
	first string
	words words
	ids   []keyID
}

// blockLen bounds a block: large enough that there are few, and small enough that
// inserting moves little.
const blockLen = 128

// blockStep is by how many keys a block grows: as blocks split when they are full,
// a quarter of each would be empty if it were as long as it may become.
const blockStep = 16

// words makes searching a sorted list of keys cheap: it holds a number for each
// key, so that a search meets the keys themselves, each of them somewhere in
// memory, only where many are much alike.
type words struct {
	// skip is the length of what the keys have in common, or less.
	skip int
	// list holds what wordAt makes of the keys. If two keys have different words,
	// they are in the order of their words.
	list []uint64
}

// longer, as the last byte of a word, says that there is more of the key than the
// word holds.
const longer = 8

// wordAt returns seven bytes of a key from i on, big-endian, with zeros after its
// end, and in the last byte how many bytes there are or longer. Unless that is
// longer, the word tells all of the key but its beginning.
func wordAt(key string, i int) uint64 {
	switch n := len(key) - i; {
	case n > 7:
		return eightBytes(key[i:i+8])&^0xff | longer
	case n <= 0:
		return 0
	case len(key) >= 8:
		return eightBytes(key[len(key)-8:])<<(8*(8-n)) | uint64(n)
	default:
		w := uint64(n)
		for j := range n {
			w |= uint64(key[i+j]) << (56 - 8*j)
		}
		return w
	}
}

func eightBytes(s string) uint64 {
	_ = s[7]
	return uint64(s[7]) | uint64(s[6])<<8 | uint64(s[5])<<16 | uint64(s[4])<<24 |
		uint64(s[3])<<32 | uint64(s[2])<<40 | uint64(s[1])<<48 | uint64(s[0])<<56
}

// before returns how many keys come before the given one, and whether that is the
// next of them. first is the first key, name returns the i-th.
func (x *words) before(key, first string, name func(i int) string) (i int, found bool) {
	n := len(x.list)
	if n == 0 {
		return 0, false
	}
	if x.skip > 0 {
		if prefix := first[:x.skip]; !strings.HasPrefix(key, prefix) {
			if key < prefix {
				return 0, false
			}
			return n, false
		}
	}
	w := wordAt(key, x.skip)
	low := less(x.list, w)
	if low == n || x.list[low] != w {
		return low, false
	}
	if w&0xff != longer {
		return low, true
	}
	// Only keys with the same word are looked at themselves.
	alike := less(x.list[low:], w+1)
	i, found = sort.Find(alike, func(i int) int { return strings.Compare(key, name(low+i)) })
	return low + i, found
}

// less returns how many words of a sorted list are less than w. It has no branch
// that depends on the words: half of them would be mispredicted.
func less(list []uint64, w uint64) int {
	low := 0
	for n := len(list); n > 0; {
		half := (n + 1) / 2
		_, isLess := bits.Sub64(list[low+half-1], w, 0)
		low += half & -int(isLess)
		n -= half
	}
	return low
}

// insert adds the word of a new i-th key. other is one of the keys there were;
// name knows the new one already.
func (x *words) insert(i int, key, other string, name func(i int) string) {
	if common := commonPrefix(key, other, x.skip); common < x.skip {
		x.skip = common
		for j := range x.list {
			k := j
			if j >= i {
				k++
			}
			x.list[j] = wordAt(name(k), common)
		}
	}
	x.list = slices.Insert(x.list, i, wordAt(key, x.skip))
}

// wasteful reports whether all words begin with the same four bytes: then a
// longer skip is worth its price.
func (x *words) wasteful() bool {
	return bits.LeadingZeros64(x.list[0]^x.list[len(x.list)-1]) >= 32
}

// replaceFirst takes note of another first key, which precedes the others.
func (x *words) replaceFirst(key string, name func(i int) string) {
	n := len(x.list)
	if commonPrefix(key, name(n-1), x.skip) < x.skip {
		x.rebuild(n, name)
	} else {
		x.list[0] = wordAt(key, x.skip)
	}
}

// rebuild computes the words of n keys anew.
func (x *words) rebuild(n int, name func(i int) string) {
	x.skip = commonPrefix(name(0), name(n-1), len(name(0)))
	x.list = x.list[:0]
	for i := range n {
		x.list = append(x.list, wordAt(name(i), x.skip))
	}
}

// commonPrefix returns the length of what two keys have in common, at most limit.
func commonPrefix(a, b string, limit int) int {
	n := 0
	for n < min(limit, len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// names returns the keys of a block by their position.
func (t *table) names(b *block) func(int) string {
	return func(i int) string { return t.name(b.ids[i]) }
}

func (o *order) firsts() func(int) string {
	return func(i int) string { return o.blocks[i].first }
}

// newBlock returns a block of one key with room for some.
func newBlock(key string, id keyID, room int) block {
	b := block{first: key, ids: append(make([]keyID, 0, room), id)}
	b.words = words{len(key), append(make([]uint64, 0, room), 0)}
	return b
}

// cursor is a place in the order of keys, before one of them.
type cursor struct{ block, i int }

// seek returns the place of the first key at or after the given one. There must
// be keys.
func (t *table) seek(key string) cursor {
	o := &t.order
	b, found := o.words.before(key, o.blocks[0].first, o.firsts())
	if !found {
		b-- // the key lies within the block before, if anywhere
	}
	if b < 0 {
		return cursor{}
	}
	in := &o.blocks[b]
	i, _ := in.words.before(key, in.first, t.names(in))
	return cursor{b, i}
}

// insert puts a new key into the order.
func (t *table) insert(key string, id keyID) {
	o := &t.order
	if len(o.blocks) == 0 {
		t.appendLast(key, id)
		return
	}
	c := t.seek(key)
	b := &o.blocks[c.block]
	if len(b.ids) == blockLen {
		if c.block == len(o.blocks)-1 && c.i == blockLen {
			// Keys often come in ascending order: leave full blocks behind.
			t.addBlock(len(o.blocks), newBlock(key, id, blockLen))
			return
		}
		t.split(c.block)
		if b = &o.blocks[c.block]; c.i > len(b.ids) {
			c.i -= len(b.ids)
			b = &o.blocks[c.block+1]
		}
	}
	b.grow()
	b.ids = slices.Insert(b.ids, c.i, id)
	b.words.insert(c.i, key, b.first, t.names(b))
	if c.i == 0 { // only the first block takes keys before its first
		b.first = key
		o.words.replaceFirst(key, o.firsts())
	}
}

// grow makes room for one more key.
func (b *block) grow() {
	if n := len(b.ids); n == cap(b.ids) {
		b.ids = append(make([]keyID, 0, n+blockStep), b.ids...)
		b.words.list = append(make([]uint64, 0, n+blockStep), b.words.list...)
	}
}

// split halves a full block.
func (t *table) split(i int) {
	const half = blockLen / 2
	b := &t.order.blocks[i]
	upper := block{
		first: t.name(b.ids[half]),
		ids:   append(make([]keyID, 0, half+blockStep), b.ids[half:]...),
		words: words{b.words.skip, append(make([]uint64, 0, half+blockStep), b.words.list[half:]...)},
	}
	b.ids = append(make([]keyID, 0, half+blockStep), b.ids[:half]...)
	b.words.list = append(make([]uint64, 0, half+blockStep), b.words.list[:half]...)
	for _, part := range []*block{b, &upper} {
		if part.words.wasteful() {
			part.words.rebuild(half, t.names(part))
		}
	}
	t.addBlock(i+1, upper)
}

// addBlock puts in a block.
func (t *table) addBlock(i int, b block) {
	o := &t.order
	if len(o.blocks) == 0 {
		o.words.skip = len(b.first)
	}
	o.blocks = slices.Insert(o.blocks, i, b)
	o.words.insert(i, b.first, o.blocks[0].first, o.firsts())
}

// appendLast puts in a key that is greater than all others.
func (t *table) appendLast(key string, id keyID) {
	o := &t.order
	if n := len(o.blocks); n > 0 && len(o.blocks[n-1].ids) < blockLen {
		b := &o.blocks[n-1]
		b.ids = append(b.ids, id)
		b.words.insert(len(b.ids)-1, key, b.first, t.names(b))
		return
	}
	t.addBlock(len(o.blocks), newBlock(key, id, 8))
}
