package live

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"etcdsim/node"
	"etcdsim/sim"
	"etcdsim/sim/cluster"
	"etcdsim/sim/outside"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// Config is how a universe is driven.
type Config struct {
	// Speed is how many seconds of virtual time pass in one of real time; 0 means
	// that the clock stands until it is turned, except that time passes while a call
	// waits, up to Grace.
	Speed float64
	// Recorder, if not nil, is given everything that enters.
	Recorder *Recorder
	// Watch, if not nil, is called from the loop when what the outside can see of a
	// member changes. It must return at once.
	Watch func(id uint64, c Condition)
}

// Condition is what the outside can see of a member.
type Condition struct {
	// Up: its process runs, or is paused.
	Up bool
	// Silent: nothing that is sent to it arrives or is answered: it is paused, or
	// cut off from the outside.
	Silent bool
	// Incarnation counts its starts.
	Incarnation uint32
}

// Driver lets a universe happen in real time. Its methods may be called from any
// goroutine.
type Driver struct {
	u    universe
	cfg  Config
	pace pace
	// inbox is where everything comes in.
	inbox   chan message
	quit    chan struct{}
	stopped chan struct{}
	stop    sync.Once

	// What follows belongs to the loop.

	waiting map[uint64]*waiter
	// calls is the number of waiters that are not streams.
	calls int
	// lastInput is when an input entered last.
	lastInput sim.Time
	// turns are the turns of the clock under way, in any order: virtual time hurries ahead
	// from the end of one to that of the next.
	turns []turn
	// stirred reports that the condition of a member may have changed.
	stirred    bool
	conditions []Condition
	// broken is why the universe does not go on, or nil.
	broken error
}

// turn is a turn of the clock up to an instant. Then done is closed.
type turn struct {
	until sim.Time
	done  chan struct{}
}

// message asks the loop to do something.
type message struct {
	// input enters, and w, if not nil, hears of answers.
	input outside.Input
	w     *waiter
	// do, if not nil, is done instead of that.
	do func()
}

// inboxSize is how many messages may wait before whoever sends them waits, too.
const inboxSize = 4096

// Start drives a world from its beginning. It returns when the members serve
// clients; until then virtual time does not wait for anybody.
func Start(w World, cfg Config) *Driver {
	d := &Driver{
		cfg: cfg, inbox: make(chan message, inboxSize), quit: make(chan struct{}), stopped: make(chan struct{}),
		waiting: make(map[uint64]*waiter), stirred: true,
	}
	d.u = universe{w, w.Cluster()}
	w.Opening().Answered = d.answered
	w.Log().Subscribe(trace.Kinds(
		trace.MemberStart, trace.MemberCrash, trace.MemberStop, trace.MemberPause, trace.MemberResume, trace.MemberPanic,
		trace.MemberRemoved, trace.LinkCut, trace.LinkHeal,
	), func(*trace.Event) { d.stirred = true })
	d.u.boot()
	d.pace = newPace(cfg.Speed, time.Now(), d.u.c.Now())
	d.examine()
	d.look()
	go d.loop()
	return d
}

// Stop ends the loop and the recording. Whoever waits for an answer is refused.
// The error is that of the recording.
func (d *Driver) Stop() (err error) {
	d.stop.Do(func() {
		close(d.quit)
		<-d.stopped
		if d.cfg.Recorder != nil {
			err = d.cfg.Recorder.end(d.u.Place(), d.u.Log().Digest())
		}
		d.u.Close()
	})
	return err
}

// quantum is how many events happen before the loop looks for messages.
const quantum = 256

// loop is the only goroutine that touches the universe.
func (d *Driver) loop() {
	defer close(d.stopped)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		d.takeAll()
		due := d.run(quantum)
		d.look()
		if due {
			select {
			case <-d.quit:
				return
			default:
			}
			continue
		}
		if d.cfg.Recorder != nil && len(d.inbox) == 0 {
			d.cfg.Recorder.flush()
		}
		var wake <-chan time.Time
		if wait := d.pace.until(d.u.c.NextAt(), time.Now()); wait >= 0 && d.broken == nil {
			timer.Reset(wait)
			wake = timer.C
		}
		select {
		case m := <-d.inbox:
			d.take(&m)
		case <-wake:
		case <-d.quit:
			return
		}
	}
}

// takeAll takes all messages that are there.
func (d *Driver) takeAll() {
	for {
		select {
		case m := <-d.inbox:
			d.take(&m)
		default:
			return
		}
	}
}

func (d *Driver) take(m *message) {
	if m.do != nil {
		m.do()
		return
	}
	d.enter(m)
}

// enter lets an input enter at the present time. A universe that broke down takes
// none.
func (d *Driver) enter(m *message) {
	in := &m.input
	begins := in.Kind == outside.Ask || in.Kind == outside.Open
	switch {
	case d.broken != nil:
		if begins {
			m.w.put(Answer{Response: store.Response{Err: store.ErrStopped}})
		}
		return
	case m.w != nil && !begins:
		if m.w.over {
			return // it has ended meanwhile
		}
		in.Op = m.w.op
	}
	place := d.arrive()
	if d.u.Opening().Enter(in); begins {
		m.w.op = in.Op
		d.waiting[in.Op] = m.w
		if !m.w.streamed {
			d.calls++
		}
	}
	if in.Kind == outside.HangUp || in.Kind == outside.GiveUp {
		d.forget(m.w)
	}
	if d.cfg.Recorder != nil {
		d.cfg.Recorder.input(place, in)
	}
}

// arrive lets virtual time come to the present, or to the next event, and returns the
// place at which something may enter.
func (d *Driver) arrive() outside.Place {
	d.u.pass(d.pace.at(time.Now()))
	d.lastInput = d.u.c.Now()
	return d.u.Place()
}

func (d *Driver) forget(w *waiter) {
	w.over = true
	if d.waiting[w.op] == w {
		delete(d.waiting, w.op)
		if !w.streamed {
			d.calls--
		}
	}
}

// answered passes an answer on to whoever waits for it.
func (d *Driver) answered(a *node.Answer) {
	w := d.waiting[a.Op]
	if w == nil {
		return
	}
	if !w.streamed || a.Err != nil {
		d.forget(w)
	}
	w.put(Answer{a.Response, a.Term, a.Member})
}

// run lets the events that are due happen, at most so many, and reports whether
// others are due.
func (d *Driver) run(most int) bool {
	if d.broken != nil {
		return false
	}
	horizon := d.horizon(time.Now())
	for range most {
		if d.pace.speed == 0 {
			horizon = d.horizon(d.pace.real) // an answer may have come
		}
		if d.u.c.NextAt() > horizon {
			d.reached(horizon)
			return false
		}
		if d.step(); d.broken != nil {
			return false
		}
	}
	return true
}

// step lets the next event happen.
func (d *Driver) step() {
	d.u.Step()
	d.examine()
}

// examine finds out whether the universe goes on.
func (d *Driver) examine() {
	if faults := d.u.c.Breakdowns(); len(faults) > 0 && d.broken == nil {
		last := faults[len(faults)-1]
		d.broken = errors.New(store.MemberName(last.Member) + " broke down: " + last.Text)
		d.reached(sim.Forever)
	}
}

// horizon returns the time up to which events are due.
func (d *Driver) horizon(now time.Time) sim.Time {
	if len(d.turns) > 0 {
		return slices.MinFunc(d.turns, func(a, b turn) int { return cmp.Compare(a.until, b.until) }).until
	}
	d.pace.forgive(now, d.u.c.Now())
	paced := d.pace.at(now)
	switch {
	case d.pace.speed != 0:
		return max(paced, min(d.lastInput, paced)+Lead)
	case d.calls > 0:
		return d.lastInput.Add(Grace)
	}
	return d.lastInput + Lead
}

// reached ends the turns of the clock that end by then.
func (d *Driver) reached(horizon sim.Time) {
	if len(d.turns) == 0 {
		return
	}
	if d.broken == nil {
		d.u.pass(horizon)
	}
	d.turns = slices.DeleteFunc(d.turns, func(t turn) bool {
		if t.until > horizon {
			return false
		}
		close(t.done)
		return true
	})
	d.pace = newPace(d.pace.speed, time.Now(), d.u.c.Now())
}

// look tells the watcher which members look different from outside.
func (d *Driver) look() {
	if !d.stirred {
		return
	}
	d.stirred = false
	for id := uint64(1); id <= uint64(d.u.c.Size()); id++ {
		if uint64(len(d.conditions)) < id {
			d.conditions = append(d.conditions, Condition{})
		}
		now := d.u.condition(id)
		if now == d.conditions[id-1] {
			continue
		}
		d.conditions[id-1] = now
		if d.cfg.Watch != nil {
			d.cfg.Watch(id, now)
		}
	}
}

// send gives the loop a message.
func (d *Driver) send(ctx context.Context, m message) error {
	select {
	case d.inbox <- m:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-d.stopped:
		return store.ErrStopped
	}
}

// Inspect calls f with the cluster, to be looked at and not to be changed. Nothing
// happens meanwhile.
func (d *Driver) Inspect(ctx context.Context, f func(*cluster.Cluster)) error {
	return d.inside(ctx, func() { f(d.u.c) })
}

// inside does something within the loop and waits for it.
func (d *Driver) inside(ctx context.Context, f func()) error {
	done := make(chan struct{})
	if err := d.send(ctx, message{do: func() { f(); close(done) }}); err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-d.stopped:
		return store.ErrStopped
	}
}

// Do lets a statement take effect, and returns what there is to tell of it. If it
// takes virtual time, that passes at once.
func (d *Driver) Do(ctx context.Context, statement string) (note string, err error) {
	failed := d.inside(ctx, func() {
		if err = d.broken; err != nil {
			return
		}
		var done string
		place := d.arrive()
		if done, note, err = d.u.Do(statement); done != "" && d.cfg.Recorder != nil {
			d.cfg.Recorder.statement(place, done)
		}
		d.examine()
		d.pace = newPace(d.pace.speed, time.Now(), d.u.c.Now())
		d.look()
	})
	return note, errors.Join(failed, err)
}

// Advertise sets where clients reach a member from its next start on.
func (d *Driver) Advertise(ctx context.Context, id uint64, url string) error {
	return d.inside(ctx, func() {
		d.enter(&message{input: outside.Input{Kind: outside.Advertise, Member: id, URL: url}})
	})
}

// Now returns the virtual time.
func (d *Driver) Now() (now sim.Time) {
	_ = d.inside(context.Background(), func() { now = d.u.c.Now() })
	return now
}

// SetSpeed changes how fast virtual time passes; 0 lets the clock stand.
func (d *Driver) SetSpeed(ctx context.Context, speed float64) error {
	return d.inside(ctx, func() { d.pace = newPace(speed, time.Now(), d.u.c.Now()) })
}

// Advance turns the clock: so much virtual time passes as fast as it can, while
// clients go on. It returns when the time has passed, or when the context has ended: then
// the clock is let go where it is. The error is also that of Err.
func (d *Driver) Advance(ctx context.Context, by time.Duration) error {
	done := make(chan struct{})
	err := d.send(ctx, message{do: func() {
		if d.broken != nil {
			close(done)
			return
		}
		d.turns = append(d.turns, turn{d.u.c.Now().Add(by), done})
	}})
	if err != nil {
		return err
	}
	select {
	case <-done:
		return d.Err()
	case <-ctx.Done():
		_ = d.inside(context.WithoutCancel(ctx), func() {
			d.turns = slices.DeleteFunc(d.turns, func(t turn) bool { return t.done == done })
			d.pace = newPace(d.pace.speed, time.Now(), d.u.c.Now())
		})
		return ctx.Err()
	case <-d.stopped:
		return store.ErrStopped
	}
}

// StepEvents lets so many events happen, whatever the clock says.
func (d *Driver) StepEvents(ctx context.Context, n int) error {
	return d.inside(ctx, func() {
		for range n {
			if d.broken == nil {
				d.step()
			}
		}
		d.pace = newPace(d.pace.speed, time.Now(), d.u.c.Now())
	})
}

// Conditions returns what the outside can see of each member, by ID - 1.
func (d *Driver) Conditions(ctx context.Context) (all []Condition, err error) {
	err = d.inside(ctx, func() { all = slices.Clone(d.conditions) })
	return all, err
}

// Err returns why the universe does not go on: a member broke down through a
// defect. It returns nil as long as it does.
func (d *Driver) Err() (err error) {
	_ = d.inside(context.Background(), func() { err = d.broken })
	return err
}
