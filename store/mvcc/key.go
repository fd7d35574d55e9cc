package mvcc

import (
	"slices"

	"etcdsim/store"
)

// keyID numbers the keys of a table in the order of their first appearance.
type keyID = uint32

// table holds all keys and versions. Only the store that made it adds to it;
// clones read it as it was (see Store.limit).
type table struct {
	versions
	// heads is the place of the newest version, by key.
	heads []place
	// slots finds a key by the hash of its name: open addressing with linear
	// probing. A slot holds the upper half of the hash and the keyID plus 1; 0 is
	// empty. Invariant: the length is a power of two, at least a third is empty.
	slots []uint64
	order order
}

func newTable() *table {
	return &table{versions: newVersions(), slots: make([]uint64, 16)}
}

// hashKey spreads keys over slots. The same value enters the store's hash.
func hashKey(key string) uint64 { return store.MixString(0, key) }

// find returns the number of a key.
func (t *table) find(key string, hash uint64) (keyID, bool) {
	mask := uint64(len(t.slots) - 1)
	for i := hash >> 32 & mask; ; i = (i + 1) & mask {
		slot := t.slots[i]
		if slot == 0 {
			return 0, false
		}
		if slot>>32 == hash>>32 {
			if id := keyID(slot) - 1; t.name(id) == key {
				return id, true
			}
		}
	}
}

// name returns a key by its number.
func (t *table) name(id keyID) string { return t.at(t.heads[id]).kv[0].Key }

// addKey numbers a new key. Its first version, at p, must be there already.
func (t *table) addKey(hash uint64, p place) keyID {
	id := keyID(len(t.heads))
	t.heads = append(t.heads, p)
	if 3*len(t.heads) > 2*len(t.slots) {
		t.growSlots()
	}
	t.fillSlot(hash&^(1<<32-1) | uint64(id+1))
	return id
}

func (t *table) growSlots() {
	old := t.slots
	t.slots = make([]uint64, 2*len(old))
	for _, slot := range old {
		if slot != 0 {
			t.fillSlot(slot)
		}
	}
}

func (t *table) fillSlot(slot uint64) {
	mask := uint64(len(t.slots) - 1)
	i := slot >> 32 & mask
	for t.slots[i] != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = slot
}

// order is all keys in ascending order, in blocks.
// Invariant: no block is empty, and every block but the only one begins with the
// key it names.
type order struct{ blocks []block }

type block struct {
	first string
	ids   []keyID
}

// blockLen bounds a block: large enough that the list of blocks stays short, and
// small enough that inserting moves little.
const blockLen = 128

// cursor is a place in the order of keys, before one of them.
type cursor struct{ block, i int }

// seek returns the place of the first key at or after the given one.
func (t *table) seek(key string) cursor {
	blocks := t.order.blocks
	// The last block that begins at or before the key, if any.
	low, high := 0, len(blocks)
	for low < high {
		if middle := int(uint(low+high) / 2); blocks[middle].first <= key {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == 0 {
		return cursor{}
	}
	return cursor{low - 1, t.before(blocks[low-1].ids, key)}
}

// before returns how many of some sorted keys come before the given one.
func (t *table) before(ids []keyID, key string) int {
	low, high := 0, len(ids)
	for low < high {
		if middle := int(uint(low+high) / 2); t.name(ids[middle]) < key {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// insert puts a new key into the order.
func (t *table) insert(key string, id keyID) {
	o := &t.order
	if len(o.blocks) == 0 {
		o.blocks = append(o.blocks, block{key, append(make([]keyID, 0, 8), id)})
		return
	}
	c := t.seek(key)
	b := &o.blocks[c.block]
	if len(b.ids) == blockLen {
		if c.block == len(o.blocks)-1 && c.i == blockLen {
			// Keys often come in ascending order: leave full blocks behind.
			o.blocks = append(o.blocks, block{key, append(make([]keyID, 0, blockLen), id)})
			return
		}
		o.split(t, c.block)
		if b = &o.blocks[c.block]; c.i > len(b.ids) {
			c.i -= len(b.ids)
			c.block++
			b = &o.blocks[c.block]
		}
	}
	b.ids = slices.Insert(b.ids, c.i, id)
	if c.i == 0 {
		b.first = key
	}
}

// split halves a full block.
func (o *order) split(t *table, i int) {
	const half = blockLen / 2
	ids := o.blocks[i].ids
	upper := append(make([]keyID, 0, blockLen), ids[half:]...)
	o.blocks[i].ids = ids[:half]
	o.blocks = slices.Insert(o.blocks, i+1, block{t.name(upper[0]), upper})
}

// append puts a key that is greater than all others into the order.
func (t *table) appendLast(key string, id keyID) {
	o := &t.order
	if n := len(o.blocks); n > 0 && len(o.blocks[n-1].ids) < blockLen {
		o.blocks[n-1].ids = append(o.blocks[n-1].ids, id)
		return
	}
	o.blocks = append(o.blocks, block{key, append([]keyID(nil), id)})
}
