package sim

// Queue holds the events of a universe that have not happened yet, ordered by
// (time, sequence): of two events at one instant the one pushed first happens
// first, so the order never depends on the shape of the heap.
//
// The heap is four-ary over small keys; payloads stay in a slab and are moved
// twice, in and out. Once the slab has grown to the largest number of events
// pending at a time, a push allocates nothing. The zero value is ready for use.
type Queue[E any] struct {
	heap []queueKey
	slab []E
	free []uint32
	seq  uint64
}

type queueKey struct {
	at   Time
	seq  uint64
	slot uint32
}

func (a queueKey) before(b queueKey) bool {
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

// Len returns the number of pending events.
func (q *Queue[E]) Len() int { return len(q.heap) }

// NextAt returns the time of the earliest event, or Forever if there is none.
func (q *Queue[E]) NextAt() Time {
	if len(q.heap) == 0 {
		return Forever
	}
	return q.heap[0].at
}

// Push adds an event that happens at the given time.
func (q *Queue[E]) Push(at Time, e E) {
	var slot uint32
	if n := len(q.free); n > 0 {
		slot = q.free[n-1]
		q.free = q.free[:n-1]
		q.slab[slot] = e
	} else {
		slot = uint32(len(q.slab))
		q.slab = append(q.slab, e)
	}
	key := queueKey{at, q.seq, slot}
	q.seq++

	q.heap = append(q.heap, key)
	i := len(q.heap) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !key.before(q.heap[parent]) {
			break
		}
		q.heap[i] = q.heap[parent]
		i = parent
	}
	q.heap[i] = key
}

// Pop removes and returns the earliest event. It panics when there is none.
func (q *Queue[E]) Pop() (Time, E) {
	if len(q.heap) == 0 {
		panic("sim: Pop from an empty queue")
	}
	top := q.heap[0]
	n := len(q.heap) - 1
	last := q.heap[n]
	q.heap = q.heap[:n]
	if n > 0 {
		q.sink(last)
	}
	e := q.slab[top.slot]
	var zero E
	q.slab[top.slot] = zero // the payload may hold pointers
	q.free = append(q.free, top.slot)
	return top.at, e
}

// sink places key, starting from the root's vacancy.
func (q *Queue[E]) sink(key queueKey) {
	heap, i := q.heap, 0
	for {
		first := 4*i + 1
		if first >= len(heap) {
			break
		}
		least := first
		for child := first + 1; child < min(first+4, len(heap)); child++ {
			if heap[child].before(heap[least]) {
				least = child
			}
		}
		if !heap[least].before(key) {
			break
		}
		heap[i] = heap[least]
		i = least
	}
	heap[i] = key
}
