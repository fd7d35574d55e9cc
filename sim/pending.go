package sim

// Each calls see with every event that has not happened yet, in no particular order.
// It may change an event, but not when that happens.
func (q *Queue[E]) Each(see func(at Time, e *E)) {
	for i := range q.n {
		see(q.soon[i].at, &q.soon[i].event)
	}
	for i := range q.later {
		see(q.later[i].at, &q.later[i].event)
	}
}
