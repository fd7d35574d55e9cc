package live

import (
	"context"
	"sync"

	"etcdsim/sim/outside"
	"etcdsim/store"
)

// Answer is what a member answers.
type Answer struct {
	store.Response
	// Term is the raft term of the member, Member its ID; 0 if no member answered.
	Term, Member uint64
}

// waiter is whoever waits for the answers to an operation.
type waiter struct {
	streamed bool
	// op and over belong to the loop.
	op   uint64
	over bool

	mu      sync.Mutex
	answers []Answer
	// some has room for one: that there is an answer.
	some chan struct{}
}

func newWaiter(streamed bool) *waiter {
	return &waiter{streamed: streamed, some: make(chan struct{}, 1)}
}

// put adds an answer.
func (w *waiter) put(a Answer) {
	w.mu.Lock()
	w.answers = append(w.answers, a)
	w.mu.Unlock()
	select {
	case w.some <- struct{}{}:
	default:
	}
}

// take removes the oldest answer.
func (w *waiter) take() (a Answer, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.answers) == 0 {
		return a, false
	}
	a = w.answers[0]
	w.answers[0] = Answer{}
	w.answers = w.answers[1:]
	return a, true
}

// next waits for an answer.
func (w *waiter) next(ctx context.Context, stopped <-chan struct{}) (Answer, error) {
	for {
		if a, ok := w.take(); ok {
			return a, nil
		}
		select {
		case <-w.some:
		case <-ctx.Done():
			return Answer{}, ctx.Err()
		case <-stopped:
			return Answer{Response: store.Response{Err: store.ErrStopped}}, nil
		}
	}
}

// Call sends a request to a member, in somebody's name, and waits for the answer. The
// error is that of the context: the member is told that nobody waits any more, but
// nobody knows what became of the request until then. What the member refuses is in the
// answer.
func (d *Driver) Call(ctx context.Context, member uint64, as store.Credential, r store.Request) (Answer, error) {
	w := newWaiter(false)
	input := outside.Input{Kind: outside.Ask, Member: member, As: as, Request: r}
	if err := d.send(ctx, message{input: input, w: w}); err != nil {
		return refused(err)
	}
	a, err := w.next(ctx, d.stopped)
	if err != nil {
		_ = d.send(context.WithoutCancel(ctx), message{input: outside.Input{Kind: outside.GiveUp}, w: w})
	}
	return a, err
}

// refused turns what the driver itself refuses into an answer.
func refused(err error) (Answer, error) {
	if err, ok := err.(*store.Error); ok { //nolint:errorlint // never wrapped
		return Answer{Response: store.Response{Err: err}}, nil
	}
	return Answer{}, err
}

// Stream is an operation that is answered until an answer is an error.
type Stream struct {
	d *Driver
	w *waiter
}

// Stream opens a stream to a member with its first request, in whose name the whole
// stream is. It must be closed.
func (d *Driver) Stream(ctx context.Context, member uint64, as store.Credential, r store.Request) (*Stream, error) {
	s := &Stream{d, newWaiter(true)}
	return s, d.send(ctx, message{input: outside.Input{Kind: outside.Open, Member: member, As: as, Request: r}, w: s.w})
}

// Send sends another request on the stream. After the stream's end it does nothing.
func (s *Stream) Send(ctx context.Context, r store.Request) error {
	return s.d.send(ctx, message{input: outside.Input{Kind: outside.Send, Request: r}, w: s.w})
}

// Recv returns the next answer. The error is that of the context.
func (s *Stream) Recv(ctx context.Context) (Answer, error) { return s.w.next(ctx, s.d.stopped) }

// Close hangs up.
func (s *Stream) Close() {
	_ = s.d.send(context.Background(), message{input: outside.Input{Kind: outside.HangUp}, w: s.w})
}
