package sweep

import (
	"context"
	"sync"
	"time"

	"etcdsim/scenarios"
	"etcdsim/scenarios/report"
)

// Source gives the scenario of a run: a file, or what a generator makes of the
// seed. It is called by several workers at once.
type Source func(Task) *scenarios.File

// Pool runs the runs of a list on several workers.
type Pool struct {
	Header  Header
	Source  Source
	Options scenarios.Options
	// Jobs is the number of workers, at least 1.
	Jobs int
	// Until is when no further run is begun; zero is never.
	Until time.Time
	// Emit takes the records, one after the other in the order of the list. No
	// further run is begun once it returns false.
	Emit func(*report.Record) (more bool)
}

// ahead is how many runs, for each worker, may be done before the one that is
// next to come out.
const ahead = 256

// patience is how long workers get to notice that the sweep is stopped. Their
// runs look up every few thousand events; a judge does not.
const patience = 500 * time.Millisecond

// Run lets the runs from the n-th on happen. It returns when all are done, or
// soon after the time is up, Emit has had enough, or the context ends; runs
// under way are then finished, but for the last case, where they are dropped. The
// error is a scenario's: what is wrong with it, no run has shown.
func (p *Pool) Run(ctx context.Context, n uint64) error {
	w := &work{pool: p, ctx: ctx, next: n, out: n, end: p.Header.Size(), done: map[uint64]*report.Record{}}
	w.room.L = &w.mu
	options := p.Options
	options.Interrupted = func() bool { return ctx.Err() != nil }
	var workers sync.WaitGroup
	for range max(p.Jobs, 1) {
		workers.Go(func() { w.work(options) })
	}
	finished := make(chan struct{})
	go func() {
		workers.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-ctx.Done():
		w.stop(nil)
		select {
		case <-finished:
		case <-time.After(patience):
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	return w.err
}

// work is what workers share. Invariant: done holds the records of places from
// out on, out <= next.
type work struct {
	pool *Pool
	ctx  context.Context
	end  uint64

	mu   sync.Mutex
	room sync.Cond // there is room in done, or nothing more to do
	// next is the place to begin next, out the one whose record comes out next.
	next, out uint64
	done      map[uint64]*report.Record
	// stopped: no further run is begun. closed: nothing more comes out.
	stopped, closed bool
	err             error
}

// work runs until nothing is left.
func (w *work) work(options scenarios.Options) {
	for {
		n, task, ok := w.take()
		if !ok {
			return
		}
		r, err := scenarios.Run(w.pool.Source(task), task.Seed, options)
		if err != nil {
			w.stop(err)
			return
		}
		if r.Outcome == scenarios.Interrupted {
			w.stop(nil)
			return
		}
		w.put(n, report.NewRecord(n, r))
	}
}

// take returns the next place to run, once there is room for its record.
func (w *work) take() (n uint64, t Task, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		for w.next < w.end && !w.pool.Header.Shard.owns(w.next) {
			w.next++
		}
		late := !w.pool.Until.IsZero() && !time.Now().Before(w.pool.Until)
		switch {
		case w.stopped || late || w.next >= w.end:
			return 0, t, false
		case len(w.done) >= ahead*max(w.pool.Jobs, 1):
			w.room.Wait()
			continue
		}
		n = w.next
		w.next++
		if t, ok = w.pool.Header.Task(n); ok {
			return n, t, true
		}
		w.done[n] = nil
		w.drain()
	}
}

// put hands in a record, and lets out what can come out.
func (w *work) put(n uint64, rec *report.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done[n] = rec
	w.drain()
}

// drain lets out records in the order of the list.
func (w *work) drain() {
	for !w.closed {
		for w.out < w.next && !w.pool.Header.Shard.owns(w.out) {
			w.out++
		}
		rec, ok := w.done[w.out]
		if !ok {
			break
		}
		delete(w.done, w.out)
		w.out++
		if rec != nil && !w.pool.Emit(rec) {
			w.stopped, w.closed = true, true
		}
	}
	w.room.Broadcast()
}

// stop lets no further run begin.
func (w *work) stop(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	if w.err == nil {
		w.err = err
	}
	w.room.Broadcast()
}
