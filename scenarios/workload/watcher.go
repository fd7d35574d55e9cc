package workload

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"etcdsim/checker/history"
	"etcdsim/node"
	"etcdsim/sim"
	"etcdsim/sim/bug"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// watchClient is a client process that watches, as etcd's client/v3 does it. All
// its watchers share one stream. When that breaks it opens another at the next
// member, and creates the watchers again, one after the other, each from the
// revision after the last that it has seen. The application never notices.
type watchClient struct {
	cs        *Clients
	of        *Watches
	cfg       WatchConfig
	index     int
	addr      trace.Addr
	rand      sim.Rand
	endpoints []uint64
	member    uint64
	// stream is the operation of the open stream, or 0.
	stream uint64

	watchers []*watcher
	// creating are those that the member has not confirmed on this stream, in order
	// of their requests; one request is under way at a time.
	creating []*watcher
	// cancelled holds the IDs that the client asked to cancel on this stream.
	cancelled []int64
	// part is what has come of a response that was split.
	part *store.WatchResponse
	// newest is the highest revision that the client was told.
	newest int64

	// inbox holds what has arrived and was not dealt with; busy: the client deals
	// with one. taken counts bytes dealt with that the member does not know of.
	inbox []node.Answer
	busy  bool
	taken int64
	// heard is when the client heard from the member; pinged: it has asked since.
	heard  sim.Time
	pinged bool

	// settled: no watcher is replaced any more. target is the revision that all must
	// be served up to, or 0.
	settled bool
	target  int64
	stopped bool
}

// watcher is one watcher of an application.
type watcher struct {
	*history.Watch
	// id is the one on the present stream, or store.NoWatcher.
	id int64
	// next is the first revision that the watcher has not seen; 0 as long as it
	// begins with the present.
	next int64
	// seen is the revision up to which it has been served for certain.
	seen int64
	// created: it was, once.
	created bool
	// over: the application has cancelled it, or the member has.
	over bool
	// until is when the application cancels it.
	until sim.Time
}

func newWatchClient(cs *Clients, of *Watches, cfg WatchConfig, endpoints []uint64) *watchClient {
	i := cs.take()
	w := &watchClient{
		cs: cs, of: of, cfg: cfg, index: i, addr: trace.Client(i), endpoints: endpoints,
		rand: cs.seed.Stream("client/" + strconv.Itoa(i)),
	}
	w.member = w.endpoint(i)
	cs.c.Attach(w.addr, w)
	cs.watching = append(cs.watching, w)
	return w
}

// What a client is woken for.
const (
	wakeConnect  uint64 = iota // open a stream
	wakeTake                   // the response in hand is dealt with
	wakeAlive                  // see whether the member is there
	wakeProgress               // ask for progress
	wakeChange                 // replace watchers that have lived long enough
)

func (w *watchClient) now() sim.Time { return w.cs.c.Now() }

func (w *watchClient) wakeIn(d time.Duration, token uint64) {
	w.cs.c.WakeAt(w.now().Add(max(d, 1)), w.addr, token)
}

// begin lets the client start a little later than its like.
func (w *watchClient) begin() {
	w.wakeIn(w.rand.Between(time.Nanosecond, startSpread), wakeConnect)
	w.wakeIn(w.cfg.KeepAlive, wakeAlive)
	if w.cfg.Progress.Max > 0 {
		w.wakeIn(w.rand.Within(w.cfg.Progress), wakeProgress)
	}
	if w.cfg.Life.Max > 0 {
		w.wakeIn(w.cfg.Life.Min, wakeChange)
	}
}

// Wake is called by the cluster when a wake is due.
func (w *watchClient) Wake(token uint64) {
	if w.stopped {
		return
	}
	switch token {
	case wakeConnect:
		w.connect()
	case wakeTake:
		w.busy = false
		w.deal()
	case wakeAlive:
		w.checkAlive()
		w.wakeIn(w.cfg.KeepAlive, wakeAlive)
	case wakeProgress:
		if w.target == 0 || !w.busy && len(w.inbox) == 0 {
			// Whoever catches up and reads slowly would not, if each answer called
			// for more of them.
			w.say(&store.WatchProgressRequest{})
		}
		w.wakeIn(w.progressPause(), wakeProgress)
	case wakeChange:
		w.change()
		w.wakeIn(changeEvery, wakeChange)
	}
}

const (
	// changeEvery is how often a client looks for watchers to replace.
	changeEvery = 50 * time.Millisecond
	// urgent is the time between requests for progress near the end.
	urgent = 100 * time.Millisecond
)

func (w *watchClient) progressPause() time.Duration {
	if w.target > 0 {
		return urgent
	}
	return w.rand.Within(w.cfg.Progress)
}

// say sends a request on the stream, if there is one.
func (w *watchClient) say(r store.Request) {
	if w.stream != 0 {
		w.cs.c.Stream(w.addr, w.member, w.stream, r)
	}
}

// connect opens a stream, on which all watchers must be created again.
func (w *watchClient) connect() {
	if w.stream != 0 {
		return
	}
	w.stream = w.cs.c.NextOp()
	w.heard, w.pinged = w.now(), false
	w.say(&store.StreamOpenRequest{RequireLeader: w.cfg.RequireLeader, Window: int64(w.cfg.Window)})
	for !w.settled && uint64(len(w.watchers)) < w.cfg.Watchers {
		w.watchers = append(w.watchers, w.newWatcher(w.drawRequest()))
	}
	w.creating = slices.Clone(w.watchers)
	w.createNext()
}

// lose forgets a stream that broke. What had arrived and was not dealt with is
// lost with it.
func (w *watchClient) lose() {
	w.stream = 0
	w.inbox, w.taken, w.part, w.cancelled = nil, 0, nil, nil
	for _, one := range w.watchers {
		one.id = store.NoWatcher
	}
	w.member = w.next()
	w.wakeIn(w.rand.Between(reconnectMin, reconnectMax), wakeConnect)
}

// endpoint returns the i-th member, counted around.
func (w *watchClient) endpoint(i int) uint64 {
	if len(w.endpoints) > 0 {
		return w.endpoints[i%len(w.endpoints)]
	}
	return uint64(i%w.cs.c.Size()) + 1
}

// next returns the member to try after the present one.
func (w *watchClient) next() uint64 {
	if len(w.endpoints) > 0 {
		return w.endpoint(slices.Index(w.endpoints, w.member) + 1)
	}
	return w.endpoint(int(w.member))
}

// checkAlive pings a member that has been silent, and leaves one that does not
// answer.
func (w *watchClient) checkAlive() {
	switch {
	case w.stream == 0 || w.now().Sub(w.heard) < w.cfg.KeepAlive:
	case w.pinged:
		w.cs.c.HangUp(w.stream)
		w.lose()
	default:
		w.pinged = true
		w.say(&store.StreamPingRequest{})
	}
}

func (w *watchClient) stop() {
	w.stopped = true
	if w.stream != 0 {
		w.cs.c.HangUp(w.stream)
		w.stream = 0
	}
}

// Answer is called by the cluster with what comes from a member. What comes from
// a stream that was given up is late, and ignored.
func (w *watchClient) Answer(a node.Answer) {
	if a.Op != w.stream || w.stopped {
		return
	}
	w.heard, w.pinged = w.now(), false
	if a.Err != nil {
		w.lose()
		return
	}
	if _, ok := a.Result.(*store.WatchResponse); !ok {
		return // it is there
	}
	w.inbox = append(w.inbox, a)
	w.deal()
}

// deal deals with the responses that have arrived, one at a time, at the client's
// pace.
func (w *watchClient) deal() {
	for !w.busy && len(w.inbox) > 0 {
		a := w.inbox[0]
		w.inbox = w.inbox[1:]
		w.take(a.Result.(*store.WatchResponse))
		if w.cfg.Pace.Max > 0 {
			w.busy = true
			w.wakeIn(w.rand.Within(w.cfg.Pace), wakeTake)
		}
	}
}

// take deals with one response.
func (w *watchClient) take(r *store.WatchResponse) {
	// As gRPC does, the client tells the member once a quarter of the window is
	// free again.
	if w.taken += r.Bytes(); w.taken >= int64(w.cfg.Window)/4 {
		w.say(&store.StreamTakenRequest{Bytes: w.taken})
		w.taken = 0
	}
	switch {
	case r.Created:
		w.part = nil
		w.confirm(r)
		return
	case r.Canceled && r.CompactRevision == 0:
		w.part = nil
		w.closed(r)
		return
	}
	if w.part != nil && w.part.WatchID == r.WatchID {
		whole := *w.part
		whole.Events = slices.Concat(w.part.Events, r.Events)
		whole.Fragment = r.Fragment
		r = &whole
	}
	if r.Fragment {
		w.part = r
		return
	}
	w.part = nil
	w.dispatch(r)
}

// dispatch gives a response to the watchers that it is for.
func (w *watchClient) dispatch(r *store.WatchResponse) {
	if r.WatchID == store.NoWatcher && r.IsProgress() {
		for _, one := range slices.Clone(w.watchers) {
			if one.id != store.NoWatcher {
				w.tell(one, r)
			}
		}
		return
	}
	if one := w.find(r.WatchID); one != nil {
		w.tell(one, r)
		return
	}
	w.cancel(r.WatchID) // nobody listens any more
}

func (w *watchClient) find(id int64) *watcher {
	for _, one := range w.watchers {
		if one.id == id && id != store.NoWatcher {
			return one
		}
	}
	return nil
}

// cancel asks the member once to cancel a watcher of the stream.
func (w *watchClient) cancel(id int64) {
	if !slices.Contains(w.cancelled, id) {
		w.cancelled = append(w.cancelled, id)
		w.say(&store.WatchCancelRequest{WatchID: id})
	}
}

// tell gives a response to a watcher, and notes where it would go on.
func (w *watchClient) tell(one *watcher, r *store.WatchResponse) {
	w.record(one, 0, r)
	switch {
	case r.CompactRevision != 0:
		w.compacted(one, r.CompactRevision)
		return
	case len(r.Events) > 0:
		one.next = r.Events[len(r.Events)-1].KV.ModRevision + 1
		one.seen = max(one.seen, one.next-1)
	default:
		one.seen = max(one.seen, r.Revision)
		one.next = r.Revision + 1
		if w.cs.bugs.Has(bug.ResumeDup) {
			one.next = r.Revision
		}
	}
	if w.target > 0 && one.seen >= w.target {
		w.end(one)
	}
}

// end cancels a watcher for its application.
func (w *watchClient) end(one *watcher) {
	if one.id != store.NoWatcher {
		w.cancel(one.id)
	}
	w.drop(one)
}

// compacted ends a watcher whose revisions are gone. Its application begins anew
// with what is left.
func (w *watchClient) compacted(one *watcher, revision int64) {
	w.of.Compacted++
	id := one.id
	w.drop(one)
	w.cancel(id)
	again := one.Request
	again.StartRevision = revision
	w.add(again)
}

// closed takes the news that a watcher has ended, mostly because the client asked.
func (w *watchClient) closed(r *store.WatchResponse) {
	w.cancelled = slices.DeleteFunc(w.cancelled, func(id int64) bool { return id == r.WatchID })
	if one := w.find(r.WatchID); one != nil {
		w.record(one, 0, r)
		w.drop(one)
	}
}

// add makes another watcher.
func (w *watchClient) add(r store.WatchRequest) {
	one := w.newWatcher(r)
	w.watchers = append(w.watchers, one)
	if w.stream == 0 {
		return
	}
	w.creating = append(w.creating, one)
	if len(w.creating) == 1 {
		w.createNext()
	}
}

func (w *watchClient) newWatcher(r store.WatchRequest) *watcher {
	one := &watcher{
		Watch: &history.Watch{Client: w.index, Load: w.of.Name, Request: r},
		id:    store.NoWatcher, next: r.StartRevision, until: sim.Forever,
	}
	if w.cfg.Life.Max > 0 {
		one.until = w.now().Add(w.rand.Within(w.cfg.Life))
	}
	w.cs.watches = append(w.cs.watches, one.Watch)
	return one
}

// drop forgets a watcher.
func (w *watchClient) drop(one *watcher) {
	one.over, one.id = true, store.NoWatcher
	w.watchers = slices.DeleteFunc(w.watchers, func(other *watcher) bool { return other == one })
}

// createNext sends the next request for a watcher. The member confirms them in
// their order.
func (w *watchClient) createNext() {
	for len(w.creating) > 0 && w.creating[0].over {
		w.creating = w.creating[1:]
	}
	if len(w.creating) == 0 {
		return
	}
	one := w.creating[0]
	r := one.Request
	r.StartRevision = one.next
	w.say(&r)
}

// confirm takes the answer to the request that is under way.
func (w *watchClient) confirm(r *store.WatchResponse) {
	w.newest = max(w.newest, r.Revision)
	if len(w.creating) == 0 {
		return // nobody asked
	}
	one := w.creating[0]
	w.creating = w.creating[1:]
	switch {
	case one.over: // cancelled meanwhile
		if r.WatchID != store.NoWatcher {
			w.cancel(r.WatchID)
		}
	case r.Canceled:
		w.record(one, one.next, r)
		w.drop(one)
	default:
		w.record(one, one.next, r)
		one.id = r.WatchID
		if one.created {
			w.of.Resumed++
		} else {
			w.of.Created++
		}
		one.created = true
		if one.next == 0 {
			// From now on the watcher begins with this revision, wherever it goes on:
			// what was written since then must not be missed.
			one.next = r.Revision
		}
	}
	w.createNext()
}

// record writes down what a watcher was told.
func (w *watchClient) record(one *watcher, from int64, r *store.WatchResponse) {
	w.newest = max(w.newest, r.Revision)
	one.Answers = append(one.Answers, history.WatchAnswer{
		At: w.now(), Member: w.member, Stream: w.stream, From: from, Response: r,
	})
	e := trace.Event{
		Kind: trace.Watched, Member: w.addr, Peer: trace.Addr(w.member), Index: uint64(r.WatchID), ID: w.stream,
		A: store.HashResponse(store.Response{Revision: r.Revision, Result: r}), B: uint64(r.Revision),
	}
	if r.Created {
		e.Aux |= trace.WatchCreated
		if one.created {
			e.Aux |= trace.WatchResumed
		}
	}
	if r.Canceled {
		e.Aux |= trace.WatchCanceled
	}
	if r.CompactRevision != 0 {
		e.Aux |= trace.WatchCompacted
	}
	w.of.Events += uint64(len(r.Events))
	if r.IsProgress() {
		e.Aux |= trace.WatchProgress
		w.of.Progress++
	}
	w.cs.log.Emit(e)
}

// change replaces the watchers that have lived long enough, and makes up for those
// that were refused.
func (w *watchClient) change() {
	if w.settled || w.stream == 0 {
		return
	}
	for _, one := range slices.Clone(w.watchers) {
		if w.now() >= one.until {
			w.end(one)
		}
	}
	for uint64(len(w.watchers)) < w.cfg.Watchers {
		w.add(w.drawRequest())
	}
}

// drawRequest draws what an application asks for.
func (w *watchClient) drawRequest() store.WatchRequest {
	cfg, rand := &w.cfg, &w.rand
	key := func() string { return cfg.Prefix + strconv.Itoa(1+rand.Intn(int(cfg.Keys))) }
	// Digits follow the prefix, and ':' follows the digits.
	r := store.WatchRequest{Key: key()}
	switch rand.Intn(8) {
	case 0, 1:
		r.Key, r.RangeEnd = cfg.Prefix, cfg.Prefix+":"
	case 2, 3:
		r.RangeEnd = cfg.Prefix + ":"
	case 4:
		r.RangeEnd = "\x00"
	case 5:
		r.Key, r.RangeEnd = "", "\x00"
	}
	r.PrevKV = rand.Hit(cfg.PrevKV)
	r.Fragment = rand.Intn(2) == 0
	r.ProgressNotify = rand.Hit(cfg.Notify)
	if rand.Hit(cfg.Filter) {
		r.NoPut = rand.Intn(2) == 0
		r.NoDelete = !r.NoPut
	}
	switch {
	case w.newest == 0:
	case rand.Hit(cfg.Past):
		r.StartRevision = 1 + int64(rand.Below(uint64(w.newest)))
	case rand.Hit(cfg.Future):
		r.StartRevision = w.newest + 1 + int64(rand.Below([]uint64{aheadMax, farAheadMax}[rand.Intn(2)]))
	case rand.Hit(cfg.Odd):
		if r.StartRevision = -1 - int64(rand.Below(2)); rand.Intn(2) == 0 {
			r.StartRevision, r.Key, r.RangeEnd = 0, cfg.Prefix+":", cfg.Prefix
		}
	}
	return r
}

// aheadMax is how far ahead of what is known a watcher may begin, or farAheadMax.
const aheadMax, farAheadMax = 20, 1000

// catchUp makes the client ask for progress until all its watchers have been
// served up to the revision. One that begins after that, or has been served and
// would be created again after it, would keep its stream from answering: it ends.
func (w *watchClient) catchUp(revision int64, members []uint64) {
	w.settled = true
	reachable := func(m uint64) bool { return slices.Contains(members, m) }
	if w.stopped || len(w.endpoints) > 0 && !slices.ContainsFunc(w.endpoints, reachable) {
		return
	}
	for _, one := range slices.Clone(w.watchers) {
		if one.next > revision {
			w.end(one)
		}
	}
	w.target = revision
	w.retreat(members)
	w.wakeIn(urgent, wakeProgress)
}

// retreat makes the client use only some of its members: the others may be in any
// state, and it would wait for them.
func (w *watchClient) retreat(members []uint64) {
	if len(w.endpoints) > 0 {
		members = slices.DeleteFunc(slices.Clone(members), func(m uint64) bool { return !slices.Contains(w.endpoints, m) })
	}
	w.endpoints = members
	switch {
	case slices.Contains(members, w.member):
	case w.stream != 0:
		w.cs.c.HangUp(w.stream)
		w.lose()
	default: // it was about to open one there
		w.member = w.next()
	}
}

// behind says which watcher has not been served up to the revision to be caught
// up with, or nothing.
func (w *watchClient) behind() string {
	for _, one := range w.watchers {
		if one.seen < w.target {
			return fmt.Sprintf("client %d has not been told by n%d of everything up to rev %d, only to %d: %s",
				w.index, w.member, w.target, one.seen, store.Describe(&one.Request))
		}
	}
	return ""
}
