package sim

// Queue holds the events of a universe that have not happened yet, ordered by
// (time, sequence): of two events at one instant the one pushed first happens
// first, so the order never depends on the shape of the queue.
//
// Most events of a simulation happen soon after they are pushed: a packet arrives
// within a millisecond, a sync ends within two, while the timers that wait beside
// them are due in a second. So the few events that come next stand in a short
// sorted run, where a push moves only what happens before it, and the others in a
// heap. Once both have grown to the largest number of events pending at a time, a
// push allocates nothing. The zero value is ready for use.
type Queue[E any] struct {
	// soon[:n] are the next events, the very next one last.
	// Invariant: none of them comes after any in later.
	soon [soonMax]queued[E]
	n    int
	// later is a four-ary heap of all others.
	later []queued[E]
	seq   uint64
}

// queued is an event with its place in the order. Events are small; whoever has
// much to say about one keeps it elsewhere and queues the reference.
type queued[E any] struct {
	at    Time
	seq   uint64
	event E
}

func (a *queued[E]) before(b *queued[E]) bool {
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

// soonMax bounds the sorted run. Moving a few events costs less than a heap's
// comparisons, whose outcome no processor can guess; moving many does not.
const soonMax = 16

// Len returns the number of pending events.
func (q *Queue[E]) Len() int { return q.n + len(q.later) }

// NextAt returns the time of the earliest event, or Forever if there is none.
func (q *Queue[E]) NextAt() Time {
	switch {
	case q.n > 0:
		return q.soon[q.n-1].at
	case len(q.later) > 0:
		return q.later[0].at
	}
	return Forever
}

// Push adds an event that happens at the given time.
func (q *Queue[E]) Push(at Time, e E) {
	seq := q.seq
	q.seq++
	if len(q.later) > 0 && at >= q.later[0].at || q.n == soonMax && at >= q.soon[0].at {
		q.rise(queued[E]{at, seq, e})
		return
	}
	if q.n == soonMax {
		q.rise(q.soon[0])
		copy(q.soon[:], q.soon[1:])
		q.n--
	}
	// It follows what is due at the same instant, for that was pushed before.
	i := q.n
	for ; i > 0 && q.soon[i-1].at <= at; i-- {
		q.soon[i] = q.soon[i-1]
	}
	q.soon[i] = queued[E]{at, seq, e}
	q.n++
}

// Pop removes and returns the earliest event. It panics when there is none.
func (q *Queue[E]) Pop() (Time, E) {
	if q.n == 0 {
		q.refill()
	}
	q.n--
	next := &q.soon[q.n]
	at, e := next.at, next.event
	*next = queued[E]{} // the event may hold pointers
	return at, e
}

// refill moves the first events of the heap to the run, which is empty. It leaves
// room there for those that come.
func (q *Queue[E]) refill() {
	if len(q.later) == 0 {
		panic("sim: Pop from an empty queue")
	}
	q.n = min(len(q.later), soonMax/2)
	for i := q.n - 1; i >= 0; i-- {
		q.soon[i] = q.sink()
	}
}

// rise adds an event to the heap.
func (q *Queue[E]) rise(e queued[E]) {
	q.later = append(q.later, e)
	i := len(q.later) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !e.before(&q.later[parent]) {
			break
		}
		q.later[i] = q.later[parent]
		i = parent
	}
	q.later[i] = e
}

// sink removes and returns the first event of the heap. The last one takes its
// place and sinks to where it belongs.
func (q *Queue[E]) sink() queued[E] {
	n := len(q.later) - 1
	first, last := q.later[0], q.later[n]
	q.later[n] = queued[E]{}
	q.later = q.later[:n]
	heap, i := q.later, 0
	for {
		child := 4*i + 1
		if child >= n {
			break
		}
		least := child
		for child++; child < min(4*i+5, n); child++ {
			if heap[child].before(&heap[least]) {
				least = child
			}
		}
		if !heap[least].before(&last) {
			break
		}
		heap[i] = heap[least]
		i = least
	}
	if n > 0 {
		heap[i] = last
	}
	return first
}
