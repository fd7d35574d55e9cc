package compare

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"etcdsim/node"
	"etcdsim/sim"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// member is a simulated cluster of one member, with a client beside it.
type member struct {
	names
	*cluster.Cluster
	got     map[uint64]node.Answer
	streams map[int]*memberStream
	byOp    map[uint64]*memberStream
	// brief are leases so short that they might expire by themselves, and when they
	// were granted.
	brief map[int64]sim.Time
	// parts are those of snapshots, by operation.
	parts map[uint64]*[]node.Answer
}

type memberStream struct {
	op    uint64
	heard []store.WatchResponse
	sightings
	progress int64
}

// self is the client.
var self = trace.Client(0)

var errBroken = errors.New("the simulated member broke down")

func newMember(settings ...func(*cluster.Config)) (*member, error) {
	cfg := cluster.DefaultConfig()
	cfg.Nodes = 1
	cfg.Node.Tick, cfg.Node.ElectionTicks = tick, electionTicks
	for _, set := range settings {
		set(&cfg)
	}
	c, err := cluster.New(cfg, 1, trace.NewLog())
	if err != nil {
		return nil, err
	}
	m := &member{
		names: newNames(1), Cluster: c,
		got: map[uint64]node.Answer{}, streams: map[int]*memberStream{}, byOp: map[uint64]*memberStream{},
		brief: map[int64]sim.Time{}, parts: map[uint64]*[]node.Answer{},
	}
	c.Attach(self, m)
	return m, m.ready()
}

// ready waits until the member serves.
func (m *member) ready() error {
	if err := m.until("it serves", func() bool { return m.Leader() != 0 && m.Converged() }); err != nil {
		return err
	}
	return m.pass(200 * time.Millisecond) // it tells its name
}

func (m *member) restart() error {
	m.Stop(1)
	if err := m.until("it stops", func() bool { return m.Member(1).State == cluster.Down }); err != nil {
		return err
	}
	m.Start(1)
	clear(m.streams)
	clear(m.byOp)
	return m.ready()
}

func (m *member) close() {}

// Answer takes what the member answers.
func (m *member) Answer(a node.Answer) {
	st := m.byOp[a.Op]
	switch {
	case m.parts[a.Op] != nil:
		*m.parts[a.Op] = append(*m.parts[a.Op], a)
	case !a.Streamed:
		m.got[a.Op] = a
	case st != nil && a.Err == nil:
		st.heard = append(st.heard, *a.Result.(*store.WatchResponse))
	}
}

// Wake is for endpoints that set timers.
func (m *member) Wake(uint64) {}

// until lets events happen until the condition holds.
func (m *member) until(what string, holds func() bool) error {
	for deadline := m.Now().Add(patience); !holds(); {
		if m.NextAt() > deadline {
			return fmt.Errorf("%w: %v passed without that %s", errBroken, patience, what)
		}
		m.Step()
		for _, b := range m.Breakdowns() {
			return fmt.Errorf("%w: %s\n%s", errBroken, b.Text, b.Stack)
		}
	}
	return nil
}

// pass lets so much time pass.
func (m *member) pass(d time.Duration) error {
	end := m.Now().Add(d)
	return m.until("time passes", func() bool { return m.NextAt() > end })
}

func (m *member) serve(s step) (answer, error) {
	for _, granted := range m.brief { // unordered: whether there is one
		if m.Now().Sub(granted) > briefly {
			return answer{}, errExpired
		}
	}
	if s.Request == nil {
		return m.read()
	}
	req := m.resolve(s.Request)
	switch q := req.(type) {
	case *restart:
		return answer{}, m.restart()
	case *store.WatchRequest:
		return m.watch(s, q)
	case *store.WatchCancelRequest:
		return m.cancelWatch(s, q)
	case *store.StreamCloseRequest:
		if st := m.streams[s.Stream]; st != nil {
			m.HangUp(st.op)
			delete(m.streams, s.Stream)
		}
		return answer{}, nil
	case *store.CompactionRequest:
		if err := m.settleAll(); err != nil {
			return answer{}, err
		}
	}
	op := m.NextOp()
	m.CallAs(self, 1, op, store.Credential{Token: m.token(s.As)}, req)
	if err := m.until("the request is answered", func() bool { return m.got[op].Op == op }); err != nil {
		return answer{}, fmt.Errorf("%v: %w", s, err)
	}
	resp := m.got[op].Response
	delete(m.got, op)
	switch res := resp.Result.(type) {
	case *store.LeaseGrantResult:
		if res.TTL < 60 {
			m.brief[res.ID] = m.Now()
		}
	case *store.LeaseRevokeResult:
		delete(m.brief, req.(*store.LeaseRevokeRequest).ID)
	}
	return answer{Response: m.learn(req, resp)}, nil
}

func (m *member) watch(s step, req *store.WatchRequest) (answer, error) {
	st := m.streams[s.Stream]
	if st == nil {
		st = &memberStream{op: m.NextOp()}
		m.streams[s.Stream], m.byOp[st.op] = st, st
		m.StreamAs(self, 1, st.op, store.Credential{Token: m.token(s.As)}, &store.StreamOpenRequest{Window: 1 << 40})
	}
	m.Stream(self, 1, st.op, req)
	var resp *store.WatchResponse
	if err := m.until("a watcher is created", func() bool { resp = m.take(s.Stream, st); return resp != nil }); err != nil {
		return answer{}, fmt.Errorf("%v: %w", s, err)
	}
	return answer{Response: m.learn(req, store.Response{Revision: resp.Revision, Result: resp})}, nil
}

func (m *member) cancelWatch(s step, req *store.WatchCancelRequest) (answer, error) {
	st := m.streams[s.Stream]
	if st == nil {
		return answer{}, nil
	}
	if err := m.settle(s.Stream, st); err != nil {
		return answer{}, err
	}
	m.Stream(self, 1, st.op, req)
	err := m.pass(50 * time.Millisecond) // there is no answer about a watcher that does not exist
	resp := m.take(s.Stream, st)
	if err != nil || resp == nil {
		return answer{}, err
	}
	return answer{Response: m.learn(req, store.Response{Revision: resp.Revision, Result: resp})}, nil
}

// take handles what a stream has. It returns the answer to the last request on it,
// or nil.
func (m *member) take(number int, st *memberStream) (reply *store.WatchResponse) {
	for i := range st.heard {
		resp := &st.heard[i]
		switch {
		case resp.Created, resp.Canceled && resp.CompactRevision == 0:
			reply = resp
		case resp.IsProgress():
			st.progress = resp.Revision
		default:
			st.sightings.take(number, resp)
		}
	}
	st.heard = nil
	return reply
}

// settle reads a stream until it has told everything.
func (m *member) settle(number int, st *memberStream) error {
	if err := m.pass(250 * time.Millisecond); err != nil { // those behind are served every 100 ms
		return err
	}
	m.take(number, st)
	st.progress = 0
	m.Stream(self, 1, st.op, &store.WatchProgressRequest{})
	err := m.pass(50 * time.Millisecond)
	m.take(number, st)
	return err
}

func (m *member) settleAll() error {
	for _, number := range slices.Sorted(maps.Keys(m.streams)) {
		if err := m.settle(number, m.streams[number]); err != nil {
			return err
		}
	}
	return nil
}

func (m *member) read() (answer, error) {
	if err := m.settleAll(); err != nil {
		return answer{}, err
	}
	list := []seen{}
	for _, number := range slices.Sorted(maps.Keys(m.streams)) {
		st := m.streams[number]
		list = append(list, st.report()...)
		list = append(list, seen{Stream: int64(number), ID: store.NoWatcher, Progress: st.progress})
	}
	return answer{Seen: m.rename(list).([]seen)}, nil
}
