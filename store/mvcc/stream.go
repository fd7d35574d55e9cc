package mvcc

import (
	"slices"

	"etcdsim/sim/bug"
	"etcdsim/store"
)

// Reasons for which a watcher cannot be created, as etcd words them.
const (
	reasonCompacted = "etcdserver: mvcc: required revision has been compacted"
	reasonEmpty     = "mvcc: watcher range is empty"
	reasonDuplicate = "mvcc: duplicate watch ID provided on the WatchStream"
)

// Stream is a client's stream of watch responses. Watchers put responses in, the
// member takes them out with Next as fast as the client receives them.
type Stream struct {
	watchers *Watchers
	// open are the watchers of the stream that the client has not cancelled, in
	// the order of their creation.
	open   []*watcher
	nextID int64
	// queue holds the responses that nobody has taken, from head on.
	queue []outgoing
	head  int
	// buffered counts the responses in the queue that take room.
	buffered int
	// fragments are the rest of a response that is sent in parts.
	fragments []store.WatchResponse
	// fragmentBytes is the size beyond which responses are split, if the watcher
	// asked for that; 0 for never.
	fragmentBytes int
	closed        bool
	// ready is called when Next, which had nothing, has something.
	ready func()
}

// outgoing is a response before it is taken. Previous values are looked up when
// it is, as in etcd: a compaction in between leaves them out.
type outgoing struct {
	// control is set for answers to requests, which take no room.
	control   *store.WatchResponse
	watcher   *watcher // nil for the progress of all
	events    []store.Event
	revision  int64
	compacted int64
}

// Open returns a new stream. Responses larger than fragmentBytes (0: any size) go
// in parts to watchers that allow it.
func (ws *Watchers) Open(fragmentBytes int) *Stream {
	return &Stream{watchers: ws, fragmentBytes: fragmentBytes}
}

func (st *Stream) full() bool { return st.buffered >= streamBuffer }

func (st *Stream) push(o outgoing) {
	if o.control == nil {
		st.buffered++
	}
	st.queue = append(st.queue, o)
	if st.ready != nil && len(st.queue) == st.head+1 && len(st.fragments) == 0 {
		st.ready()
	}
}

// OnReady has ready called whenever Next has something to give after it had
// nothing. ready must not use the stream.
func (st *Stream) OnReady(ready func()) { st.ready = ready }

// WantsProgress reports whether a watcher of the stream asked to be notified of
// progress: if none did, NotifyProgress has nothing to do.
func (st *Stream) WantsProgress() bool {
	return slices.ContainsFunc(st.open, func(w *watcher) bool { return w.req.ProgressNotify })
}

// Watch creates a watcher. The response that says so, or why not, comes before
// all others of the watcher.
func (st *Stream) Watch(req *store.WatchRequest) {
	if st.closed {
		return
	}
	ws := st.watchers
	resp := &store.WatchResponse{Revision: ws.store.rev, WatchID: store.NoWatcher, Created: true}
	st.push(outgoing{control: resp})
	if resp.CancelReason = st.objection(req); resp.CancelReason != "" {
		resp.Canceled = true
		return
	}
	resp.WatchID = st.assignID(req.WatchID)

	ws.created++
	w := &watcher{number: ws.created, id: resp.WatchID, stream: st, req: req, progress: true}
	w.keys, w.single = watchedKeys(req)
	st.open = append(st.open, w)
	if req.StartRevision == 0 || req.StartRevision > ws.store.rev {
		w.next = max(req.StartRevision, ws.store.rev+1)
		ws.synced.add(w)
	} else {
		w.next, w.state = req.StartRevision, unsynced
		ws.unsynced = addWatcher(ws.unsynced, w)
	}
}

// Refuse tells the client that a watcher it asked for cannot be created.
func (st *Stream) Refuse(reason string) {
	if st.closed {
		return
	}
	st.push(outgoing{control: &store.WatchResponse{
		Revision: st.watchers.store.rev, WatchID: store.NoWatcher, Created: true, Canceled: true, CancelReason: reason,
	}})
}

// objection says why a watcher cannot be created, or "".
func (st *Stream) objection(req *store.WatchRequest) string {
	keys, single := watchedKeys(req)
	switch {
	case req.StartRevision < 0 && !st.watchers.store.cfg.Bugs.Has(bug.WatchNegRev):
		return reasonCompacted
	case !single && !keys.unbounded && keys.begin >= keys.end:
		return reasonEmpty
	case req.WatchID != 0 && st.find(req.WatchID) != nil:
		return reasonDuplicate
	}
	return ""
}

func watchedKeys(req *store.WatchRequest) (keys interval, single bool) {
	keys = interval{begin: req.Key, end: req.RangeEnd}
	if keys.begin == "" {
		keys.begin = "\x00"
	}
	switch keys.end {
	case "":
		return keys, true
	case "\x00":
		return interval{begin: keys.begin, unbounded: true}, false
	}
	return keys, false
}

func (st *Stream) assignID(wanted int64) int64 {
	if wanted != 0 {
		return wanted
	}
	for st.find(st.nextID) != nil {
		st.nextID++
	}
	st.nextID++
	return st.nextID - 1
}

func (st *Stream) find(id int64) *watcher {
	for _, w := range st.open {
		if w.id == id {
			return w
		}
	}
	return nil
}

// Cancel ends a watcher; one that does not exist is ignored.
func (st *Stream) Cancel(id int64) {
	w := st.find(id)
	if w == nil {
		return
	}
	st.watchers.forget(w)
	st.open = removeWatcher(st.open, w)
	st.push(outgoing{control: &store.WatchResponse{Revision: st.watchers.store.rev, WatchID: id, Canceled: true}})
}

// Close ends the stream and all its watchers.
func (st *Stream) Close() {
	for _, w := range st.open {
		st.watchers.forget(w)
	}
	*st = Stream{watchers: st.watchers, closed: true}
}

// Progress asks for a response that says up to which revision all watchers of the
// stream have been served. It is only given if they are all synced, and if the
// stream has room.
func (st *Stream) Progress() {
	if len(st.open) > 0 && st.caughtUp(st.open) && !st.full() {
		st.push(outgoing{revision: st.watchers.store.rev})
		if last := len(st.queue) - 1; st.watchers.store.cfg.Bugs.Has(bug.ProgressEarly) {
			st.queue[st.head], st.queue[last] = st.queue[last], st.queue[st.head]
		}
	}
}

// NotifyProgress sends those watchers that asked for it a response without events
// if they are synced and nothing was sent to them since the last time. etcd does
// so every ten minutes.
func (st *Stream) NotifyProgress() {
	for _, w := range st.open {
		if w.req.ProgressNotify {
			if w.progress && st.caughtUp([]*watcher{w}) && !st.full() {
				st.push(outgoing{watcher: w, revision: st.watchers.store.rev})
			}
			w.progress = true
		}
	}
}

// caughtUp reports whether watchers have seen all up to the present revision.
func (st *Stream) caughtUp(watchers []*watcher) bool {
	for _, w := range watchers {
		if w.state != synced || st.watchers.store.rev < w.req.StartRevision {
			return false
		}
	}
	return true
}

// Next takes the next response from the stream, if there is one.
func (st *Stream) Next() (resp store.WatchResponse, ok bool) {
	if len(st.fragments) > 0 {
		resp, st.fragments = st.fragments[0], st.fragments[1:]
		return resp, true
	}
	if st.head == len(st.queue) {
		return resp, false
	}
	o := st.queue[st.head]
	st.queue[st.head] = outgoing{}
	if st.head++; st.head == len(st.queue) {
		st.queue, st.head = st.queue[:0], 0
	}
	if o.control != nil {
		return *o.control, true
	}
	st.buffered--
	resp = store.WatchResponse{Revision: o.revision, WatchID: store.NoWatcher, Events: o.events}
	w := o.watcher
	if w == nil {
		return resp, true
	}
	resp.WatchID = w.id
	if o.compacted != 0 {
		resp.CompactRevision, resp.Canceled = o.compacted, true
		return resp, true
	}
	if len(o.events) > 0 {
		w.progress = false
	}
	if w.req.PrevKV {
		resp.Events = st.withPrevious(o.events)
	}
	if w.req.Fragment && st.fragmentBytes > 0 {
		return st.split(resp), true
	}
	return resp, true
}

// withPrevious returns events with the key-values before them, as far as those
// are still there. The events are shared with other watchers, so they are copied.
func (st *Stream) withPrevious(events []store.Event) []store.Event {
	s := st.watchers.store
	events = slices.Clone(events)
	for i := range events {
		e := &events[i]
		before := e.KV.ModRevision - 1
		if e.Type == store.EventPut && e.KV.CreateRevision == e.KV.ModRevision || before < s.compacted {
			continue
		}
		if ver := s.lookupAt(e.KV.Key, before); ver.live() {
			e.PrevKV = &ver.kv
		}
	}
	return events
}

// split returns the first part of a response and keeps the others for Next.
func (st *Stream) split(resp store.WatchResponse) store.WatchResponse {
	if len(resp.Events) < 2 || encodedResponse(resp.Events) < st.fragmentBytes {
		return resp
	}
	part := resp
	for rest := resp.Events; len(rest) > 0; {
		n, size := 1, encodedEvent(rest[0])
		for n < len(rest) {
			if size += encodedEvent(rest[n]); size >= st.fragmentBytes {
				break
			}
			n++
		}
		part.Events, rest = rest[:n:n], rest[n:]
		part.Fragment = len(rest) > 0
		st.fragments = append(st.fragments, part)
	}
	resp, st.fragments = st.fragments[0], st.fragments[1:]
	return resp
}

func encodedResponse(events []store.Event) int {
	size := 0
	for _, e := range events {
		size += encodedEvent(e)
	}
	return size
}

// encodedEvent returns the size of an event in protobuf, within a response.
func encodedEvent(e store.Event) int {
	size := 2 * int(e.Type)
	for _, kv := range []*store.KeyValue{e.KV, e.PrevKV} {
		if kv != nil {
			n := encodedKV(kv)
			size += encodedVarint(int64(n)) + n
		}
	}
	return size + encodedVarint(int64(size))
}

// Watching is an open watcher as others may see it.
type Watching struct {
	ID int64
	// Key and RangeEnd are what it watches.
	Key, RangeEnd string
	// Next is the first revision that it has not been sent, Synced that nothing waits
	// for it.
	Next   int64
	Synced bool
}

// Watching returns the open watchers of the stream in the order of their creation.
func (st *Stream) Watching() []Watching {
	all := make([]Watching, len(st.open))
	for i, w := range st.open {
		all[i] = Watching{w.id, w.req.Key, w.req.RangeEnd, w.next, w.state == synced}
		if all[i].Synced { // it is told of each change; next is kept only while it is behind
			all[i].Next = st.watchers.store.rev + 1
		}
	}
	return all
}
