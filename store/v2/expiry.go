package v2store

import "container/heap"

// expiryHeap holds the nodes that have a TTL, the earliest expiration first.
//
// Nodes that expire at the same instant go in the order in which the heap's own
// moves left them, as in etcd. That order depends on all insertions and removals
// before, so snapshots keep it (see inode.slot); etcd rebuilds the heap in map
// order instead, and its members may then expire such nodes in different orders.
type expiryHeap []*inode

func (h expiryHeap) Len() int           { return len(h) }
func (h expiryHeap) Less(i, j int) bool { return h[i].expire < h[j].expire }

func (h expiryHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].slot, h[j].slot = i, j
}

// Push and Pop serve container/heap; the store uses the methods below them.
func (h *expiryHeap) Push(x any) {
	n := x.(*inode)
	n.slot = len(*h)
	*h = append(*h, n)
}

func (h *expiryHeap) Pop() any {
	last := len(*h) - 1
	n := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	n.slot = -1
	return n
}

func (h *expiryHeap) add(n *inode) {
	if n.expire != 0 {
		heap.Push(h, n)
	}
}

// pop takes out the node that expires first. etcd does so before it removes what
// is below the node, which matters to the order of equal expirations.
func (h *expiryHeap) pop() *inode { return heap.Pop(h).(*inode) }

func (h *expiryHeap) remove(n *inode) {
	if n.slot >= 0 {
		heap.Remove(h, n.slot)
	}
}

// change gives the node another expiration; 0 makes it permanent.
func (h *expiryHeap) change(n *inode, expire Time) {
	h.remove(n)
	n.expire = expire
	h.add(n)
}
