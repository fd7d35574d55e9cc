package mvcc

import "etcdsim/store"

// keyID numbers the keys of a table in the order of their first appearance.
type keyID = uint32

// table holds all keys and versions. Only the store that made it adds to it;
// clones read it as it was (see Store.limit).
type table struct {
	versions
	// heads is the place of the newest version, by key.
	heads []place
	// slots finds a key by the hash of its name: open addressing with linear
	// probing. A slot holds the upper half of the hash and the place of the key's
	// newest version; 0 is empty. Invariant: at least a fifth is empty.
	slots []uint64
	order order
}

func newTable() *table {
	return &table{versions: newVersions(), slots: make([]uint64, 16)}
}

// hashKey spreads keys over slots. The same value enters the store's hash.
func hashKey(key string) uint64 { return store.MixString(0, key) }

// firstSlot returns where the search for a key begins: its hash, of which the upper
// half counts, divides the slots as a fraction.
func (t *table) firstSlot(hash uint64) uint64 { return hash >> 32 * uint64(len(t.slots)) >> 32 }

// find returns the slot of a key and the place of its newest version, or 0 as the
// place.
func (t *table) find(key string, hash uint64) (slot uint64, p place) {
	for i := t.firstSlot(hash); ; i++ {
		if i == uint64(len(t.slots)) {
			i = 0
		}
		slot := t.slots[i]
		if slot == 0 {
			return i, 0
		}
		if slot>>32 == hash>>32 && t.hasKey(place(slot), key) {
			return i, place(slot)
		}
	}
}

// setHead makes p the newest version of the key that has a slot already.
func (t *table) setHead(slot uint64, p place) {
	t.slots[slot] = t.slots[slot]&^(1<<32-1) | uint64(p)
	t.heads[t.link(p).id] = p
}

// addKey takes in a new key, whose first version is at p.
func (t *table) addKey(key string, hash uint64, p place) {
	id := keyID(len(t.heads))
	t.link(p).id = id
	t.heads = append(t.heads, p)
	if t.crowded(len(t.slots)) {
		t.growSlots()
	}
	t.fillSlot(hash, p)
	t.insert(key, id)
}

// name returns a key by its number.
func (t *table) name(id keyID) string { return t.at(t.heads[id]).kv.Key }

// crowded reports whether so many slots are too few.
func (t *table) crowded(slots int) bool { return 5*len(t.heads) > 4*slots }

// growSlots adds a quarter: so as not to leave much empty.
func (t *table) growSlots() {
	old := t.slots
	t.slots = make([]uint64, len(old)+len(old)/4)
	for _, slot := range old {
		if slot != 0 {
			t.fillSlot(slot, place(slot))
		}
	}
}

func (t *table) fillSlot(hash uint64, p place) {
	i := t.firstSlot(hash)
	for t.slots[i] != 0 {
		if i++; i == uint64(len(t.slots)) {
			i = 0
		}
	}
	t.slots[i] = hash&^(1<<32-1) | uint64(p)
}

// index makes slots and order anew for a table that has versions and heads. ids
// are all keys in ascending order.
func (t *table) index(ids []keyID) {
	size := len(t.slots)
	for t.crowded(size) {
		size += size / 4
	}
	t.slots = make([]uint64, size)
	for _, p := range t.heads {
		t.fillSlot(hashKey(t.at(p).kv.Key), p)
	}
	for _, id := range ids {
		t.appendLast(t.name(id), id)
	}
}
