package chronicle

import "etcdsim/sim/trace"

// Live is a chronicle that grows as the run goes on. It is attached before the run
// begins, and keeps everything.
type Live struct {
	Chronicle
	world world
}

// Attach makes it see everything that happens from now on.
func (l *Live) Attach(log *trace.Log) {
	l.world = newWorld()
	log.Subscribe(trace.AllKinds, func(e *trace.Event) {
		l.Total++
		l.Kept++
		l.To = e.At
		l.world.fold(e, &l.Chronicle)
		l.Members, l.Clients = l.world.size()
	})
}

// Ended returns the places of the packets that arrived or were lost since it was
// asked last, among those that were there then.
func (l *Live) Ended() []int {
	ended := l.world.ended
	l.world.ended = nil
	return ended
}
