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
	// probing. A slot holds the upper half of the hash and the keyID plus 1; 0 is
	// empty. Invariant: the length is a power of two, at least a fifth is empty.
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
	if 5*len(t.heads) > 4*len(t.slots) {
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
