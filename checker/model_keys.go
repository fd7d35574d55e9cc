package checker

import (
	"strings"

	"etcdsim/store"
)

// revision is the keys as they were at one revision, and the way to the older
// ones. It never changes.
type revision struct {
	number int64
	root   *keyNode
	// hash is of all writes up to here, and tells most histories apart.
	hash uint64
	// prev is the revision before; jump skips a number of them that grows with
	// the distance, so that any older revision is a logarithmic number of steps
	// away (Myers, "An applicative random-access stack", 1983). At the first
	// revision both lead to itself.
	prev, jump *revision
}

func firstRevision() *revision {
	r := &revision{number: 1}
	r.prev, r.jump = r, r
	return r
}

// after returns the revision after r, with the given keys; sum is the hash of
// what was written.
func (r *revision) after(root *keyNode, sum uint64) *revision {
	next := &revision{number: r.number + 1, root: root, hash: store.Mix(r.hash, sum), prev: r, jump: r}
	if near, far := r.jump, r.jump.jump; r.number-near.number == near.number-far.number {
		next.jump = far
	}
	return next
}

// at returns the older revision with the given number, from 1 to r's own.
func (r *revision) at(number int64) *revision {
	for r.number > number {
		if r.jump.number >= number {
			r = r.jump
		} else {
			r = r.prev
		}
	}
	return r
}

// equal reports whether two revisions came about by the same writes: they have
// equal keys, and so have all revisions before them.
func (r *revision) equal(o *revision) bool {
	for r != o {
		if r.number != o.number || r.hash != o.hash || !r.root.equal(o.root) {
			return false
		}
		if r.first() || o.first() { // of two stores that began apart
			return r.first() && o.first()
		}
		r, o = r.prev, o.prev
	}
	return true
}

func (r *revision) first() bool { return r.prev == r }

// keyNode is a node of the ordered map from key to key-value, a treap (Seidel
// and Aragon, 1996): ordered by key, and as a heap by a hash of the key. The
// shape therefore depends on the keys alone, and equal maps are equal trees.
// Nodes never change; a write copies the few on its way. The nil node is the
// empty map.
type keyNode struct {
	kv          *store.KeyValue // never changes either
	weight      uint64
	left, right *keyNode
}

// weigh hashes a key (FNV-1a, with the high bits folded in).
func weigh(key string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 0x100000001b3
	}
	return h ^ h>>32
}

// get returns the key-value, or nil. It must not be changed.
func (n *keyNode) get(key string) *store.KeyValue {
	for n != nil {
		switch order := strings.Compare(key, n.kv.Key); {
		case order < 0:
			n = n.left
		case order > 0:
			n = n.right
		default:
			return n.kv
		}
	}
	return nil
}

// put returns the map with kv in it, which must not change any more.
func (n *keyNode) put(kv *store.KeyValue) *keyNode {
	if n == nil {
		return &keyNode{kv: kv, weight: weigh(kv.Key)}
	}
	c := &keyNode{n.kv, n.weight, n.left, n.right}
	switch order := strings.Compare(kv.Key, n.kv.Key); {
	case order == 0:
		c.kv = kv
	case order < 0:
		c.left = n.left.put(kv)
		if up := c.left; up.weight > c.weight { // rotate: up is ours, it was just made
			c.left, up.right = up.right, c
			return up
		}
	default:
		c.right = n.right.put(kv)
		if up := c.right; up.weight > c.weight {
			c.right, up.left = up.left, c
			return up
		}
	}
	return c
}

// delete returns the map without the key, which must be in it.
func (n *keyNode) delete(key string) *keyNode {
	if key == n.kv.Key {
		return join(n.left, n.right)
	}
	c := &keyNode{n.kv, n.weight, n.left, n.right}
	if key < n.kv.Key {
		c.left = n.left.delete(key)
	} else {
		c.right = n.right.delete(key)
	}
	return c
}

// join returns the map of two maps of which the first ends before the second
// begins.
func join(a, b *keyNode) *keyNode {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.weight > b.weight:
		return &keyNode{a.kv, a.weight, a.left, join(a.right, b)}
	}
	return &keyNode{b.kv, b.weight, join(a, b.left), b.right}
}

// ascend visits the keys of an etcd range in order: an empty end means the key
// alone, "\x00" all keys from key on, anything else the keys in [key, end).
func (n *keyNode) ascend(key, end string, visit func(*store.KeyValue)) {
	if end == "" {
		if kv := n.get(key); kv != nil {
			visit(kv)
		}
		return
	}
	n.walk(key, end, end == "\x00", visit)
}

func (n *keyNode) walk(key, end string, open bool, visit func(*store.KeyValue)) {
	for n != nil {
		switch {
		case n.kv.Key < key:
			n = n.right
		case !open && n.kv.Key >= end:
			n = n.left
		default:
			n.left.walk(key, end, open, visit)
			visit(n.kv)
			n = n.right
		}
	}
}

// equal reports whether two maps are equal. It looks only where they share
// nothing.
func (n *keyNode) equal(o *keyNode) bool {
	return n == o ||
		n != nil && o != nil && (n.kv == o.kv || *n.kv == *o.kv) && n.left.equal(o.left) && n.right.equal(o.right)
}
