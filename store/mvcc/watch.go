package mvcc

import (
	"slices"
	"time"

	"etcdsim/sim/bug"
	"etcdsim/store"
)

// How a member serves its watchers, as etcd does by default. The member owns the
// clock: it calls Sync and Retry at these periods while there is something to do.
const (
	// SyncPeriod is how often Sync serves watchers that are behind.
	SyncPeriod = 100 * time.Millisecond
	// RetryPeriod is how often Retry tries again to hand over what a stream could
	// not take.
	RetryPeriod = 10 * time.Millisecond

	// streamBuffer is how many responses a stream holds that nobody has taken.
	streamBuffer = 128
	// syncBatch is how many watchers one Sync serves.
	syncBatch = 512
	// syncRevisions is how many revisions one response to a watcher behind holds.
	syncRevisions = 1000
)

// Watchers is all watchers of one member. As in etcd, a watcher is in one of
// these states:
//
//   - synced: it was sent all that concerns it, and is told of each change when
//     it is applied;
//   - unsynced: it is behind, because it began in the past or its stream was slow,
//     and is served from the history by Sync;
//   - victim: a response for it waits until its stream has room again.
//
// A watcher whose next revision was compacted is cancelled. Where etcd picks
// watchers in the random order of a map, the order of their creation decides here.
type Watchers struct {
	store    *Store
	created  uint64 // number of watchers ever created
	synced   group
	unsynced []*watcher // in the order of their creation
	victims  []*watcher // in the order in which they became victims
	touched  []*watcher // working space of notify
}

// NewWatchers returns the watchers of a store, none yet. From now on Apply tells
// them of changes.
func NewWatchers(s *Store) *Watchers {
	w := &Watchers{}
	w.attach(s)
	return w
}

func (ws *Watchers) attach(s *Store) {
	if ws.store != nil {
		ws.store.watchers = nil
	}
	ws.store, s.watchers = s, ws
}

// Restore replaces the store by one that was restored from a snapshot. What lies
// between the two, watchers learn from the history of the new one.
func (ws *Watchers) Restore(s *Store) {
	ws.attach(s)
	if s.cfg.Bugs.Has(bug.WatchRestoreLost) {
		return
	}
	for _, w := range ws.synced.all {
		ws.unsynced = addWatcher(ws.unsynced, w)
		w.state = unsynced
	}
	ws.synced = group{}
}

// Len returns the number of watchers.
func (ws *Watchers) Len() int { return len(ws.synced.all) + len(ws.unsynced) + len(ws.victims) }

// Behind returns the number of watchers that Sync still has to serve.
func (ws *Watchers) Behind() int { return len(ws.unsynced) }

// Waiting returns the number of watchers that Retry still has to serve.
func (ws *Watchers) Waiting() int { return len(ws.victims) }

type watcherState uint8

const (
	synced watcherState = iota
	unsynced
	victim
	finished // compacted, or its stream is closed
)

// watcher is one watcher of a stream.
type watcher struct {
	number uint64 // counts creations
	id     int64
	stream *Stream
	req    *store.WatchRequest
	keys   interval
	single bool // keys is one key
	state  watcherState
	// next is the first revision that the watcher has not been sent.
	next int64
	// progress says that the next periodic notification is due: nothing was sent
	// since the last.
	progress bool
	// pending is what could not be handed over, if the watcher is a victim.
	pending watchBatch
	// events are gathered for one response.
	events []store.Event
}

// watchBatch is some events for one watcher.
type watchBatch struct {
	events   []store.Event
	revision int64
	// more is the revision of the first event that did not fit, or 0.
	more int64
}

// wants reports whether the filters let an event through.
func (w *watcher) wants(e store.Event) bool {
	return !(w.req.NoPut && e.Type == store.EventPut || w.req.NoDelete && e.Type == store.EventDelete)
}

func event(ver *version) store.Event {
	e := store.Event{KV: &ver.kv}
	if !ver.live() {
		e.Type = store.EventDelete
	}
	return e
}

// notify tells the synced watchers of the versions from place first on, which one
// transaction has just written.
func (ws *Watchers) notify(first place) {
	if len(ws.synced.all) == 0 {
		return
	}
	t := ws.store.table
	last, rev := t.next-1, ws.store.rev
	touched := ws.touched[:0]
	for p := first; p <= last; p++ {
		e := event(t.at(p))
		var shared []store.Event // one slice for all whom this one event concerns
		ws.synced.of(e.KV.Key, func(watchers []*watcher) {
			for _, w := range watchers {
				if rev < w.next {
					continue // it begins in the future
				}
				if len(w.events) == 0 {
					touched = append(touched, w)
				}
				if first == last {
					if shared == nil {
						shared = []store.Event{e}
					}
					w.events = shared
				} else {
					w.events = append(w.events, e)
				}
			}
		})
	}
	slices.SortFunc(touched, byCreation)
	for _, w := range touched {
		batch := watchBatch{events: w.events, revision: rev}
		w.events = nil
		sent := w.send(batch)
		if !sent || !ws.store.cfg.Bugs.Has(bug.WatchRestoreRewind) {
			w.next = rev + 1
		}
		if !sent {
			ws.synced.remove(w)
			ws.suffer(w, batch)
		}
	}
	clear(touched)
	ws.touched = touched[:0]
}

// suffer makes a watcher a victim.
func (ws *Watchers) suffer(w *watcher, batch watchBatch) {
	w.state, w.pending = victim, batch
	ws.victims = append(ws.victims, w)
}

// Sync serves watchers that are behind, from the history, and cancels those whose
// history was compacted. It returns the number of watchers still behind; if that
// fell but is not 0, etcd goes on at once.
func (ws *Watchers) Sync() int {
	s := ws.store
	chosen := slices.Clone(ws.unsynced[:min(syncBatch, len(ws.unsynced))])
	oldest := s.rev + 1
	for i, w := range chosen {
		if w.next < s.compacted && !(w.stream.full() && s.cfg.Bugs.Has(bug.WatchSlowSkip)) {
			ws.compacted(w)
			chosen[i] = nil
			continue
		}
		oldest = min(oldest, w.next)
	}
	chosen = slices.DeleteFunc(chosen, func(w *watcher) bool { return w == nil })
	batches := ws.history(chosen, oldest)
	if oldest < 0 { // only with bug.WatchNegRev: no revision is below 0, and none found
		batches = make([]watchBatch, len(chosen))
	}
	for i, w := range chosen {
		w.next = max(w.next, s.rev+1)
		if s.cfg.Bugs.Has(bug.WatchRestoreFuture) {
			w.next = s.rev + 1
		}
		ws.resume(w, batches[i])
	}
	return len(ws.unsynced)
}

// compacted cancels a watcher that needs what is no longer there. If its stream
// has no room for that news, a later Sync tries again.
func (ws *Watchers) compacted(w *watcher) {
	if w.stream.full() {
		return
	}
	w.stream.push(outgoing{watcher: w, compacted: ws.store.compacted})
	ws.unsynced = removeWatcher(ws.unsynced, w)
	w.state = finished
}

// resume sends a watcher that was behind its part of the history.
func (ws *Watchers) resume(w *watcher, batch watchBatch) {
	if batch.more != 0 {
		w.next = batch.more
	}
	switch {
	case len(batch.events) > 0 && !w.send(batch):
		ws.unsynced = removeWatcher(ws.unsynced, w)
		ws.suffer(w, batch)
	case batch.more == 0:
		ws.unsynced = removeWatcher(ws.unsynced, w)
		ws.synced.add(w)
		w.state = synced
	}
}

// history returns for each of some watchers the events from revision from on that
// it has not been sent, up to syncRevisions revisions each.
func (ws *Watchers) history(watchers []*watcher, from int64) []watchBatch {
	s := ws.store
	batches := make([]watchBatch, len(watchers))
	var chosen group
	index := make(map[*watcher]int, len(watchers))
	for i, w := range watchers {
		chosen.add(w)
		index[w] = i
		batches[i].revision = s.rev
	}
	revisions := make([]int, len(watchers))
	for p := s.table.since(from, s.limit); p < min(s.table.next, s.limit); p++ {
		e := event(s.table.at(p))
		chosen.of(e.KV.Key, func(watchers []*watcher) {
			for _, w := range watchers {
				i := index[w]
				if e.KV.ModRevision < w.next || batches[i].more != 0 {
					continue
				}
				events := batches[i].events
				if len(events) == 0 || events[len(events)-1].KV.ModRevision < e.KV.ModRevision {
					if revisions[i]++; revisions[i] > syncRevisions {
						batches[i].more = e.KV.ModRevision
						continue
					}
				}
				batches[i].events = append(events, e)
			}
		})
	}
	return batches
}

// Retry tries again to hand over what streams had no room for. It returns the
// number of watchers for which it failed.
func (ws *Watchers) Retry() int {
	waiting := ws.victims
	ws.victims = nil
	for _, w := range waiting {
		if w.pending.more != 0 {
			w.pending.revision = w.pending.more - 1 // as etcd has it the second time
		}
		if !w.send(w.pending) {
			ws.victims = append(ws.victims, w)
			continue
		}
		if w.pending.more != 0 {
			w.next = w.pending.more
		}
		w.pending = watchBatch{}
		if w.next <= ws.store.rev {
			ws.unsynced = addWatcher(ws.unsynced, w)
			w.state = unsynced
		} else {
			ws.synced.add(w)
			w.state = synced
		}
	}
	return len(ws.victims)
}

// send hands over the events that the watcher's filters let through, and reports
// whether the stream had room.
func (w *watcher) send(batch watchBatch) bool {
	events := batch.events
	if w.req.NoPut || w.req.NoDelete {
		events = nil
		for _, e := range batch.events {
			if w.wants(e) {
				events = append(events, e)
			}
		}
	}
	if len(events) == 0 {
		return true
	}
	if w.stream.full() {
		return false
	}
	w.stream.push(outgoing{watcher: w, events: events, revision: batch.revision})
	return true
}

// forget removes a watcher from whatever state it is in.
func (ws *Watchers) forget(w *watcher) {
	switch w.state {
	case synced:
		ws.synced.remove(w)
	case unsynced:
		ws.unsynced = removeWatcher(ws.unsynced, w)
	case victim:
		ws.victims = slices.DeleteFunc(ws.victims, func(v *watcher) bool { return v == w })
	}
	w.state = finished
}

// group finds watchers by the keys they watch. The zero value is empty.
type group struct {
	all    []*watcher // in the order of their creation
	byKey  map[string][]*watcher
	ranges intervals
}

func (g *group) add(w *watcher) {
	g.all = addWatcher(g.all, w)
	if !w.single {
		g.ranges.add(w)
		return
	}
	if g.byKey == nil {
		g.byKey = make(map[string][]*watcher)
	}
	g.byKey[w.keys.begin] = addWatcher(g.byKey[w.keys.begin], w)
}

func (g *group) remove(w *watcher) {
	g.all = removeWatcher(g.all, w)
	if !w.single {
		g.ranges.remove(w)
		return
	}
	if left := removeWatcher(g.byKey[w.keys.begin], w); len(left) > 0 {
		g.byKey[w.keys.begin] = left
	} else {
		delete(g.byKey, w.keys.begin)
	}
}

// of calls visit with the watchers of a key, in one or several parts.
func (g *group) of(key string, visit func([]*watcher)) {
	if watchers := g.byKey[key]; len(watchers) > 0 {
		visit(watchers)
	}
	g.ranges.stab(key, visit)
}

func byCreation(a, b *watcher) int {
	if a.number < b.number {
		return -1
	}
	if a.number > b.number {
		return 1
	}
	return 0
}

// addWatcher puts a watcher into a list in the order of creation.
func addWatcher(list []*watcher, w *watcher) []*watcher {
	if n := len(list); n == 0 || list[n-1].number < w.number {
		return append(list, w)
	}
	i, _ := slices.BinarySearchFunc(list, w, byCreation)
	return slices.Insert(list, i, w)
}

func removeWatcher(list []*watcher, w *watcher) []*watcher {
	if i, found := slices.BinarySearchFunc(list, w, byCreation); found {
		return slices.Delete(list, i, i+1)
	}
	return list
}
