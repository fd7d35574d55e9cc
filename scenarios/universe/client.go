package universe

import (
	"errors"
	"fmt"
	"time"

	"etcdsim/checker/history"
	"etcdsim/scenarios"
	"etcdsim/scenarios/workload"
	"etcdsim/sim"
	"etcdsim/store"
)

// ErrUnknown: the outcome of a write is not known, and never will be. It may have
// happened, and it may yet happen. A client must not take it for a refusal.
var ErrUnknown = errors.New("the outcome is unknown")

// ErrNotFound: there is no such key.
var ErrNotFound = errors.New("there is no such key")

// Client is one client process. Its methods are for its own body.
type Client struct {
	u *Universe
	s *workload.Session
}

// Process is a client as its story sees it.
type Process struct {
	Name    string
	session *workload.Session
	done    bool
}

// Done reports that the client's body has ended.
func (p *Process) Done() bool { return p.done }

// Stop makes the client end after the request that it has under way.
func (p *Process) Stop() { p.session.Leave() }

// timeout is how long a client waits for an answer.
const timeout = 2 * time.Second

// Client starts a client, which may ask the members given or, without any, all. It
// goes on beside the story whenever time passes, until its body ends or the story
// does.
func (u *Universe) Client(name string, body func(*Client), at ...Member) *Process {
	endpoints := make([]uint64, len(at))
	for i, m := range at {
		endpoints[i] = uint64(m)
	}
	p := &Process{Name: name}
	p.session = u.play.Clients().Spawn(name, timeout, endpoints, func(s *workload.Session) {
		u.tell(func() { body(&Client{u, s}) })
		p.done = true
	})
	u.processes = append(u.processes, p)
	return p
}

// Join waits until clients have ended by themselves.
func (u *Universe) Join(within time.Duration, processes ...*Process) {
	for _, p := range processes {
		u.Wait(within, "the client "+p.Name+" to come to its end", p.Done)
	}
}

// Now returns the virtual time.
func (c *Client) Now() sim.Time { return c.s.Now() }

// Sleep lets virtual time pass.
func (c *Client) Sleep(d time.Duration) { c.s.Sleep(d) }

// Rand returns the client's own stream of random numbers.
func (c *Client) Rand() *sim.Rand { return c.s.Rand() }

// Expect ends the whole story unless what it says is so.
func (c *Client) Expect(so bool, format string, args ...any) {
	if !so {
		c.u.halt(scenarios.Violation, fmt.Sprintf(format, args...), "it is not so ("+here()+")")
	}
}

// Do sends a request and waits for its answer, for two seconds at most. The error is
// ErrUnknown, or the refusal, a [*store.Error]. After a failure of the member or the
// connection the client goes to another member; it never asks again by itself.
func (c *Client) Do(req store.Request) (store.Response, error) {
	op := c.s.Do(workload.KindOf(req), req)
	switch op.Outcome {
	case history.OK:
		return op.Response, nil
	case history.Unknown:
		if op.Response.Err != nil {
			return op.Response, fmt.Errorf("%w: %w", ErrUnknown, op.Response.Err)
		}
		return op.Response, fmt.Errorf("%w: no answer within %v", ErrUnknown, timeout)
	}
	return op.Response, op.Response.Err
}

// Put writes a key and returns the revision that it then has.
func (c *Client) Put(key, value string) (revision int64, err error) {
	resp, err := c.Do(&store.PutRequest{Key: key, Value: value})
	return resp.Revision, err
}

// Get reads a key. The error is ErrNotFound if there is none.
func (c *Client) Get(key string) (store.KeyValue, error) {
	resp, err := c.Do(&store.RangeRequest{Key: key})
	if err != nil {
		return store.KeyValue{}, err
	}
	kvs := resp.Result.(*store.RangeResult).KVs
	if len(kvs) == 0 {
		return store.KeyValue{}, ErrNotFound
	}
	return *kvs[0], nil
}

// Delete deletes a key and reports whether there was one.
func (c *Client) Delete(key string) (deleted bool, err error) {
	resp, err := c.Do(&store.DeleteRangeRequest{Key: key})
	if err != nil {
		return false, err
	}
	return resp.Result.(*store.DeleteRangeResult).Deleted > 0, nil
}

// Swap writes a key if it was last written at a revision (0: if there is no such key)
// and reports whether it did.
func (c *Client) Swap(key string, at int64, value string) (swapped bool, err error) {
	resp, err := c.Do(&store.TxnRequest{
		Compare: []store.Compare{{Key: key, Target: store.CompareMod, Num: at}},
		Success: []store.Op{&store.PutRequest{Key: key, Value: value}},
	})
	if err != nil {
		return false, err
	}
	return resp.Result.(*store.TxnResult).Succeeded, nil
}

// Grant asks for a lease, with a time to live in seconds.
func (c *Client) Grant(ttl int64) (lease int64, err error) {
	resp, err := c.Do(&store.LeaseGrantRequest{TTL: ttl})
	if err != nil {
		return 0, err
	}
	return resp.Result.(*store.LeaseGrantResult).ID, nil
}

// Retry does something until it succeeds. It is for what may be done twice.
func (c *Client) Retry(do func() error) {
	for do() != nil {
		c.Sleep(c.s.Rand().Between(10*time.Millisecond, 100*time.Millisecond))
	}
}
