package node

import (
	"fmt"
	"slices"
	"time"

	"go.etcd.io/raft/v3"

	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store"
	"etcdsim/store/mvcc"
)

// The watch service, after etcd's api/v3rpc/watch.go. A member serves watchers
// from its own store, whether or not it hears from anybody: what it applies it
// tells, and what it has not applied its watchers do not know.
//
// Responses leave the member as fast as the client takes them. One that has used
// up its window gets nothing more; then its stream fills, its watchers become
// victims, and later they are served from the history (see mvcc.Watchers). So a
// slow client costs the member a bounded amount of memory, and meets compaction
// if it is too slow.

// watching is the watch service of a member. The zero value serves nobody.
type watching struct {
	watchers *mvcc.Watchers // nil until there is somebody to tell
	byOp     map[uint64]*stream
	streams  []*stream // in the order in which they were opened
	// ready are the streams that came to have something to send.
	ready []*stream
	rand  sim.Rand // jitter of the periodic notifications

	// Timers that are set: to serve those behind, to try victims again, to look
	// for a leader.
	syncing, retrying, minding bool
	// leaderless counts the times in a row that no leader was known.
	leaderless int
}

// stream is one client's stream.
type stream struct {
	*mvcc.Stream
	client trace.Addr
	op     uint64
	// window is how many bytes the client takes yet. It falls below 0 by a part of
	// one response.
	window        int64
	requireLeader bool
	// Progress is notified at every multiple of interval after opened, while
	// notifying.
	opened    sim.Time
	interval  time.Duration
	notifying bool
}

const (
	// grpcOverhead is what etcd allows a message beyond a request's size.
	grpcOverhead = 512 << 10
	// leaderlessMax is how many elections' time a member knows no leader before it
	// ends the streams that require one; etcd's maxNoLeaderCnt.
	leaderlessMax = 3
)

// Watchers returns the watchers of the member's store. Who asks for them may open
// streams of its own; the member serves those who are behind, until the process
// ends.
func (n *Node) Watchers() *mvcc.Watchers {
	if n.watch.watchers == nil {
		n.watch.watchers = mvcc.NewWatchers(n.kv)
		n.watch.byOp = make(map[uint64]*stream)
		n.watch.rand = n.seed.Stream(fmt.Sprintf("watch/%d", n.id))
	}
	return n.watch.watchers
}

// Watching returns the number of watchers that this member serves.
func (n *Node) Watching() int {
	if n.watch.watchers == nil {
		return 0
	}
	return n.watch.watchers.Len()
}

// onStream takes in a request on a stream.
func (n *Node) onStream(c Call) {
	if req, ok := c.Request.(*store.StreamOpenRequest); ok {
		n.openStream(c, req)
		return
	}
	if req, ok := c.Request.(*store.HTTPRequest); ok {
		if err := n.admit(c); err != nil {
			n.endStream(c.Client, c.Op, err)
			return
		}
		n.serveHTTP(c, req)
		return
	}
	if store.Service(c.Request) {
		if err := n.admit(c); err != nil {
			n.endStream(c.Client, c.Op, err)
			return
		}
		n.serveCall(c)
		return
	}
	if _, closing := c.Request.(*store.StreamCloseRequest); closing {
		n.leaveService(c.Op)
		n.leaveOlder(c.Op)
	}
	s := n.watch.byOp[c.Op]
	if s == nil {
		// The stream was another process's, or has ended.
		n.endStream(c.Client, c.Op, store.ErrConnectionReset)
		return
	}
	switch req := c.Request.(type) {
	case *store.WatchRequest:
		if n.kv.AuthEnabled() && req.StartRevision >= 0 { // a negative one is refused first
			if err := n.mayRead(&c); err != nil {
				s.refuseWatch(err)
				return
			}
		}
		s.Watch(req)
		n.setProgress(s)
	case *store.WatchCancelRequest:
		s.Cancel(req.WatchID)
	case *store.WatchProgressRequest:
		s.Progress()
	case *store.StreamTakenRequest:
		s.window += req.Bytes
		n.flush(s)
	case *store.StreamPingRequest:
		n.tell(s.client, s.op, store.Response{Result: pong})
	case *store.StreamCloseRequest:
		n.forgetStream(s)
	}
}

var pong = &store.StreamPong{}

func (n *Node) openStream(c Call, req *store.StreamOpenRequest) {
	if err := n.admit(c); err != nil {
		n.endStream(c.Client, c.Op, err)
		return
	}
	if req.RequireLeader && n.leader == raft.None {
		n.endStream(c.Client, c.Op, store.ErrNoLeader)
		return
	}
	s := &stream{
		Stream: n.Watchers().Open(int(n.cfg.MaxRequest) + grpcOverhead),
		client: c.Client, op: c.Op, window: req.Window, requireLeader: req.RequireLeader, opened: n.now,
	}
	if s.window <= 0 {
		s.window = store.DefaultWindow
	}
	s.OnReady(func() { n.watch.ready = append(n.watch.ready, s) })
	n.watch.byOp[s.op] = s
	n.watch.streams = append(n.watch.streams, s)
	n.mindLeader()
}

// serveWatchers sends what watchers were told in this step, and sets the timers
// for those who must be served later.
func (n *Node) serveWatchers() {
	w := &n.watch
	for i := 0; i < len(w.ready); i++ { //nolint:intrange // flushing one may make more ready
		n.flush(w.ready[i])
	}
	clear(w.ready)
	w.ready = w.ready[:0]
	if !w.syncing && w.watchers.Behind() > 0 {
		w.syncing = true
		n.setTimer(n.untilBeat(mvcc.SyncPeriod), tokenWatchSync)
	}
	if !w.retrying && w.watchers.Waiting() > 0 {
		w.retrying = true
		n.log.Hit(trace.ProbeWatchSlow)
		n.setTimer(mvcc.RetryPeriod, tokenWatchRetry)
	}
}

// flush sends what a stream has, as far as its client takes it.
func (n *Node) flush(s *stream) {
	for s.window > 0 {
		r, ok := s.Next()
		if !ok {
			return
		}
		if r.CompactRevision != 0 {
			n.log.Hit(trace.ProbeWatchCompacted)
		}
		s.window -= r.Bytes()
		n.tell(s.client, s.op, store.Response{Revision: r.Revision, Result: &r})
	}
}

// tell puts one more answer to a stream into the output.
func (n *Node) tell(client trace.Addr, op uint64, r store.Response) {
	if client == nobody {
		return
	}
	n.answer(client, op, r, n.applied)
	n.out.Answers[len(n.out.Answers)-1].Streamed = true
}

// endStream tells a client that its stream has ended.
func (n *Node) endStream(client trace.Addr, op uint64, why *store.Error) {
	n.tell(client, op, store.Response{Err: why})
}

func (n *Node) forgetStream(s *stream) {
	s.Close()
	delete(n.watch.byOp, s.op)
	n.watch.streams = slices.DeleteFunc(n.watch.streams, func(other *stream) bool { return other == s })
}

// syncWatchers serves those who are behind. If that got some of them on, but not
// all, etcd goes on after the time that it took.
func (n *Node) syncWatchers() {
	n.watch.syncing = false
	before := n.watch.watchers.Behind()
	if left := n.watch.watchers.Sync(); left > 0 && left < before {
		n.watch.syncing = true
		n.setTimer(syncTook, tokenWatchSync)
	}
}

// syncTook stands for the time that one round of serving takes.
const syncTook = time.Millisecond

func (n *Node) retryWatchers() {
	n.watch.retrying = false
	n.watch.watchers.Retry()
}

// restoreWatchers lets the watchers go on from a store that replaces the member's.
func (n *Node) restoreWatchers() {
	if n.watch.watchers != nil {
		n.watch.watchers.Restore(n.kv)
		n.log.Hit(trace.ProbeWatchRestored)
	}
}

// setProgress sets the timer of a stream's periodic notifications, if a watcher
// asked for them.
func (n *Node) setProgress(s *stream) {
	if s.notifying || !s.WantsProgress() {
		return
	}
	if s.interval == 0 {
		s.interval = n.progressInterval()
	}
	s.notifying = true
	n.setTimer(s.interval-n.now.Sub(s.opened)%s.interval, tokenWatchProgress|Token(s.op)<<tokenBits)
}

// progressInterval returns the configured interval and up to a tenth more, so that
// streams that were opened together do not ask for everything together.
func (n *Node) progressInterval() time.Duration {
	w := &n.watch
	interval := max(n.cfg.WatchProgress, minWatchProgress)
	return interval + w.rand.Between(0, interval/10-1)
}

// minWatchProgress is the least interval that etcd accepts.
const minWatchProgress = 100 * time.Millisecond

func (n *Node) notifyProgress(op uint64) {
	s := n.watch.byOp[op]
	if s == nil {
		return
	}
	s.NotifyProgress()
	s.notifying = false
	n.setProgress(s)
}

// mindLeader sets the timer that looks for a leader, if a stream requires one.
func (n *Node) mindLeader() {
	w := &n.watch
	if w.minding {
		return
	}
	if !slices.ContainsFunc(w.streams, func(s *stream) bool { return s.requireLeader }) {
		w.leaderless = 0
	} else {
		w.minding = true
		n.setTimer(n.cfg.Election(), tokenWatchLeader)
	}
}

// checkLeader ends the streams that require a leader once none was known for long.
func (n *Node) checkLeader() {
	w := &n.watch
	w.minding = false
	if n.leader == raft.None {
		w.leaderless++
	} else {
		w.leaderless = 0
	}
	if w.leaderless >= leaderlessMax {
		for _, s := range slices.Clone(w.streams) {
			if s.requireLeader {
				n.endStream(s.client, s.op, store.ErrNoLeader)
				n.forgetStream(s)
			}
		}
	}
	n.mindLeader()
}

// untilBeat returns the time until the next beat of a clock with the period, which
// has beaten since before the member began.
func (n *Node) untilBeat(period time.Duration) time.Duration {
	phase := sim.Mix(n.seed.Origin()^n.id) % uint64(period)
	return period - time.Duration((uint64(n.now)+phase)%uint64(period))
}
