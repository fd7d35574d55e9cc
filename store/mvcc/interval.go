package mvcc

import (
	"slices"
	"sort"
)

// interval is the keys in [begin, end), or all from begin on if unbounded.
type interval struct {
	begin, end string
	unbounded  bool
}

func (v interval) contains(key string) bool {
	return v.begin <= key && (v.unbounded || key < v.end)
}

// ends reports whether a ends before b.
func (v interval) endsBefore(w interval) bool {
	return !v.unbounded && (w.unbounded || v.end < w.end)
}

// intervals finds the watchers whose interval contains a key: a binary search
// tree without pointers. Its nodes lie in a slice sorted by where they begin; the
// root of a part is its middle. The zero value is empty.
type intervals struct {
	nodes []intervalNode
	// stale says that last must be computed anew.
	stale bool
}

type intervalNode struct {
	interval
	// watchers of this interval, in the order of their creation. Never empty.
	watchers []*watcher
	// last is the interval of the part below this node that ends last.
	last interval
}

// locate returns where an interval is, or would be.
func (t *intervals) locate(v interval) (int, bool) {
	i := sort.Search(len(t.nodes), func(i int) bool {
		n := t.nodes[i].interval
		return n.begin > v.begin || n.begin == v.begin && !n.endsBefore(v)
	})
	return i, i < len(t.nodes) && t.nodes[i].interval == v
}

func (t *intervals) add(w *watcher) {
	i, found := t.locate(w.keys)
	if !found {
		t.nodes = slices.Insert(t.nodes, i, intervalNode{interval: w.keys})
		t.stale = true
	}
	t.nodes[i].watchers = addWatcher(t.nodes[i].watchers, w)
}

func (t *intervals) remove(w *watcher) {
	i, found := t.locate(w.keys)
	if !found {
		return
	}
	n := &t.nodes[i]
	if n.watchers = removeWatcher(n.watchers, w); len(n.watchers) == 0 {
		t.nodes = slices.Delete(t.nodes, i, i+1)
		t.stale = true
	}
}

// stab calls visit with the watchers of each interval that contains the key.
func (t *intervals) stab(key string, visit func([]*watcher)) {
	if t.stale && len(t.nodes) > 0 {
		t.refresh(0, len(t.nodes))
	}
	t.stale = false
	t.stabPart(0, len(t.nodes), key, visit)
}

func (t *intervals) stabPart(low, high int, key string, visit func([]*watcher)) {
	for low < high {
		middle := (low + high) / 2
		n := &t.nodes[middle]
		if !n.last.unbounded && n.last.end <= key {
			return
		}
		t.stabPart(low, middle, key, visit)
		if n.begin > key {
			return
		}
		if n.contains(key) {
			visit(n.watchers)
		}
		low = middle + 1
	}
}

// refresh computes which interval of a part, which must not be empty, ends last.
func (t *intervals) refresh(low, high int) interval {
	middle := (low + high) / 2
	n := &t.nodes[middle]
	n.last = n.interval
	if low < middle {
		if left := t.refresh(low, middle); n.last.endsBefore(left) {
			n.last = left
		}
	}
	if middle+1 < high {
		if right := t.refresh(middle+1, high); n.last.endsBefore(right) {
			n.last = right
		}
	}
	return n.last
}
