package v2store

import (
	"slices"
	"strings"
)

// watcherBuffer is how many events a watcher holds for a reader that is slow.
const watcherBuffer = 100

// Watcher waits for an event at a path: for one, or with stream for all that
// follow. It belongs to the member that was asked, not to the replicated state:
// snapshots and clones are without watchers.
type Watcher struct {
	path      string
	recursive bool
	stream    bool
	// since is the first index of interest; start the store's index when the
	// watch began.
	since, start uint64
	// queue[taken:] are the events that the reader has not taken yet.
	queue []*Event
	taken int
	// listening: the hub knows the watcher. ready: it is on the hub's list of
	// those that were told something.
	listening, ready bool
}

// Next takes the oldest event that the watcher was told; false if there is none.
func (w *Watcher) Next() (*Event, bool) {
	if w.taken == len(w.queue) {
		return nil, false
	}
	e := w.queue[w.taken]
	w.queue[w.taken] = nil
	// Now and then the rest moves to the front, so that a stream whose reader is
	// always a little late does not grow.
	if w.taken++; w.taken == len(w.queue) || w.taken == watcherBuffer {
		w.queue, w.taken = slices.Delete(w.queue, 0, w.taken), 0
	}
	return e, true
}

// StartIndex returns the store's index when the watch began.
func (w *Watcher) StartIndex() uint64 { return w.start }

// Done reports that no event will come any more: the only one was taken, the
// watch was canceled, or it was a stream whose reader fell more than 100 events
// behind. The stream of a past index is done after one event, because etcd finds
// one in its history and does not go on listening.
func (w *Watcher) Done() bool { return !w.listening && w.taken == len(w.queue) }

// Watch waits for an event at a path, with recursive also for those below it,
// from index since on; 0 means after the present index. An event that the
// history knows is there at once (see [Watcher.Next]); others come with later
// commands (see [Store.Ready]). It fails if the history does not reach back.
func (s *Store) Watch(p string, recursive, stream bool, since uint64) (*Watcher, *Error) {
	p = clean(p)
	if since == 0 {
		since = s.index + 1
	}
	past, err := s.history.scan(p, recursive, since)
	if err != nil {
		err.Index = s.index
		return nil, err
	}
	w := &Watcher{path: p, recursive: recursive, stream: stream, since: since, start: s.index}
	if past != nil {
		w.queue = []*Event{past}
		return w, nil
	}
	s.hub.listen(w)
	return w, nil
}

// Cancel ends a watch. What it was told already can still be taken.
func (s *Store) Cancel(w *Watcher) { s.hub.leave(w) }

// Ready returns the watchers that were told something since it was called last,
// in the order in which they were. The slice is valid until the next command.
func (s *Store) Ready() []*Watcher {
	ready := s.hub.ready
	for _, w := range ready {
		w.ready = false
	}
	s.hub.ready = ready[:0]
	return ready
}

// hub knows the watchers that listen.
type hub struct {
	// byPath holds the watchers of each path in the order in which they came. It
	// is only ever looked up, never ranged over.
	byPath map[string][]*Watcher
	count  int
	ready  []*Watcher
}

func (h *hub) listen(w *Watcher) {
	if h.byPath == nil {
		h.byPath = map[string][]*Watcher{}
	}
	h.byPath[w.path] = append(h.byPath[w.path], w)
	h.count++
	w.listening = true
}

func (h *hub) leave(w *Watcher) {
	if !w.listening {
		return
	}
	ws := h.byPath[w.path]
	at := slices.Index(ws, w)
	h.keep(w.path, slices.Delete(ws, at, at+1))
	h.dismiss(w)
}

func (h *hub) dismiss(w *Watcher) {
	w.listening = false
	h.count--
}

func (h *hub) keep(path string, ws []*Watcher) {
	if len(ws) == 0 {
		delete(h.byPath, path)
		return
	}
	h.byPath[path] = ws
}

// publish tells those who watch the event's path or a directory above it, from
// the root down.
func (h *hub) publish(e *Event) {
	if h.count == 0 {
		return
	}
	key := e.Node.Key
	h.tell(e, "/", false)
	for end := 0; end < len(key); {
		_, end = element(key, end)
		h.tell(e, key[:end], false)
	}
}

// tell tells the watchers of exactly one path. removed says that the node there
// was removed by an event of a directory above, which concerns every watcher.
//
// As etcd does, the watchers of a removed node are told before it is removed and
// again when the event is published: a stream sees its own deletion twice.
func (h *hub) tell(e *Event, path string, removed bool) {
	ws := h.byPath[path]
	if len(ws) == 0 || hiddenFrom(path, e.Node.Key) {
		return
	}
	own := e.Node.Key == path
	kept := ws[:0]
	for _, w := range ws {
		if (own || removed || w.recursive) && e.Index() >= w.since && !h.hand(w, e) {
			h.dismiss(w)
			continue
		}
		kept = append(kept, w)
	}
	clear(ws[len(kept):])
	h.keep(path, kept)
}

// hand gives the watcher an event and reports whether it goes on listening.
func (h *hub) hand(w *Watcher, e *Event) bool {
	if len(w.queue)-w.taken == watcherBuffer {
		return false
	}
	w.queue = append(w.queue, e)
	if !w.ready {
		w.ready = true
		h.ready = append(h.ready, w)
	}
	return w.stream
}

// hiddenFrom reports whether, seen from a directory, the key is hidden or lies in
// something hidden. Nothing is hidden from a watcher below the key.
func hiddenFrom(dir, key string) bool {
	if len(dir) > len(key) {
		return false
	}
	if dir == "/" {
		dir = ""
	}
	return strings.Contains(key[len(dir):], "/_")
}
