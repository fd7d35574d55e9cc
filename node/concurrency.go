package node

import (
	"slices"

	"etcdsim/sim"
	"etcdsim/sim/bug"
	"etcdsim/sim/trace"
	"etcdsim/store"
	"etcdsim/store/mvcc"
)

// Locks and elections, after etcd's v3lock and v3election, which are servers over
// its client library (client/v3/concurrency), run inside the member. So is this: a
// process of its own serves each call, step after step in a straight line, by
// transactions, reads and watches that the member makes of itself. What a lock
// promises follows from those.

// services are the calls being served.
type services struct {
	all []*service // in the order of their arrival
	// ready are those whose watch came to have something.
	ready []*service
}

// service is one call being served.
type service struct {
	n    *Node
	call Call
	proc *sim.Proc[wish, reply]
	ask  func(wish) reply

	// asked is the request of the member itself that the process waits for, or 0.
	asked uint64
	// watch is the stream that the process waits on, or nil; listening: it does.
	watch     *mvcc.Stream
	listening bool
	// gone: the client waits no longer. Then only what the process does in the
	// background is still done.
	gone bool
	// background: what is under way does not end with the client's patience.
	background bool
}

// wish is what a process waits for: the answer to a request, or, without one, what
// its watch says next.
type wish struct{ request store.Request }

// reply fulfils a wish, unless the client waits no longer.
type reply struct {
	store.Response
	watched store.WatchResponse
	gone    bool
}

// serveCall begins to serve a call.
func (n *Node) serveCall(c Call) {
	s := &service{n: n, call: c}
	s.proc = sim.NewProc(func(ask func(wish) reply) {
		s.ask = ask
		s.finish(s.serve())
	})
	n.services.all = append(n.services.all, s)
	s.goOn(s.proc.Start())
}

// goOn fulfils wishes until one must be waited for.
func (s *service) goOn(w wish, alive bool) {
	for alive {
		switch {
		case s.gone && !s.background:
			w, alive = s.proc.Resume(reply{gone: true})
		case w.request != nil:
			s.asked = s.n.askFor(s.call.As, w.request, func(r store.Response) {
				s.asked = 0
				s.goOn(s.proc.Resume(reply{Response: r}))
			})
			return
		default:
			r, ok := s.watch.Next()
			if !ok {
				s.listening = true
				return
			}
			w, alive = s.proc.Resume(reply{watched: r})
		}
	}
	s.close()
}

// close forgets a process that has ended or is to end.
func (s *service) close() {
	s.proc.Stop()
	s.unwatch()
	all := &s.n.services.all
	if i := slices.Index(*all, s); i >= 0 {
		*all = slices.Delete(*all, i, i+1)
	}
}

// leave lets the process know that its client waits no longer: it hung up, or its
// deadline passed, which gRPC tells the member.
func (s *service) leave() {
	s.gone = true
	switch {
	case s.background:
	case s.asked != 0:
		s.n.forgetOwn(s.asked)
		s.asked = 0
		s.goOn(s.proc.Resume(reply{gone: true}))
	case s.listening:
		s.listening = false
		s.goOn(s.proc.Resume(reply{gone: true}))
	}
}

// leaveService ends the service of a call that the client does not wait for any
// more, if there is one.
func (n *Node) leaveService(op uint64) {
	for _, s := range n.services.all {
		if s.call.Op == op {
			s.leave()
			return
		}
	}
}

// serveReady goes on with processes whose watches have something.
func (n *Node) serveReady() {
	for len(n.services.ready) > 0 {
		s := n.services.ready[0]
		n.services.ready = n.services.ready[1:]
		if s.listening {
			s.listening = false
			s.goOn(wish{}, true)
		}
	}
}

// closeServices ends all processes where they are.
func (n *Node) closeServices() {
	for _, s := range slices.Clone(n.services.all) {
		s.close()
	}
}

// finish answers the client, if it waits.
func (s *service) finish(r store.Response) {
	switch {
	case s.gone:
	case s.call.Streamed:
		s.n.tell(s.call.Client, s.call.Op, r)
	default:
		s.n.answer(s.call.Client, s.call.Op, r, s.n.applied)
	}
}

// do makes a request and waits for the answer. A client that leaves ends the
// waiting; what was asked happens or not.
func (s *service) do(r store.Request) (store.Response, *store.Error) {
	got := s.ask(wish{request: r})
	if got.gone {
		return store.Response{}, store.ErrDeadline
	}
	return got.Response, unknown(got.Err)
}

// doAnyway makes a request and waits for the answer, whether or not the client
// does.
func (s *service) doAnyway(r store.Request) {
	s.background = true
	s.ask(wish{request: r})
	s.background = false
}

// unknown gives an error the code with which it leaves a service: the services
// pass texts on, and gRPC does not know their errors.
func unknown(err *store.Error) *store.Error {
	if err == nil || err.Code == store.Unknown || err.Code == store.DeadlineExceeded {
		return err
	}
	return &store.Error{Code: store.Unknown, Text: err.Text}
}

// watchFrom opens a watch on keys.
func (s *service) watchFrom(key, end string, revision int64) {
	s.unwatch()
	s.watch = s.n.Watchers().Open(0)
	s.watch.OnReady(func() { s.n.services.ready = append(s.n.services.ready, s) })
	s.watch.Watch(&store.WatchRequest{Key: key, RangeEnd: end, StartRevision: revision})
}

func (s *service) unwatch() {
	if s.watch != nil {
		s.watch.Close()
		s.watch = nil
	}
}

// events waits for the next events of the watch.
func (s *service) events() ([]store.Event, *store.Error) {
	for {
		got := s.ask(wish{})
		switch {
		case got.gone:
			return nil, store.ErrDeadline
		case got.watched.Canceled:
			return nil, unknown(store.ErrCompacted)
		case len(got.watched.Events) > 0:
			return got.watched.Events, nil
		}
	}
}

// serve is the life of the process.
func (s *service) serve() store.Response {
	switch r := s.call.Request.(type) {
	case *store.LockRequest:
		return s.lock(r)
	case *store.UnlockRequest:
		got, err := s.do(&store.DeleteRangeRequest{Key: r.Key})
		return answerOf(got.Revision, &store.UnlockResult{}, err)
	case *store.CampaignRequest:
		return s.campaign(r)
	case *store.ProclaimRequest:
		return s.proclaim(r)
	case *store.LeaderRequest:
		kv, revision, err := s.first(r.Name)
		if err == nil && kv == nil {
			err = store.ErrElectionNoLeader
		}
		if err != nil {
			return store.Response{Err: err}
		}
		return store.Response{Revision: revision, Result: &store.LeaderResult{KV: *kv}}
	case *store.ObserveRequest:
		return store.Response{Err: s.observe(r)}
	case *store.ResignRequest:
		return s.resign(r)
	}
	return store.Response{}
}

func answerOf(revision int64, result store.Result, err *store.Error) store.Response {
	if err != nil {
		return store.Response{Err: err}
	}
	return store.Response{Revision: revision, Result: result}
}

// sessionTTL is the time in seconds of a lease that the service grants itself.
const sessionTTL = 60

// session returns the lease to work by.
func (s *service) session(lease int64) (int64, *store.Error) {
	if lease != 0 {
		return lease, nil
	}
	r, err := s.do(&store.LeaseGrantRequest{TTL: sessionTTL})
	if err != nil {
		return 0, err
	}
	return r.Result.(*store.LeaseGrantResult).ID, nil
}

// firstInLine reads the key that was created first.
func firstInLine(name string) *store.RangeRequest {
	prefix, end := store.QueuePrefix(name)
	return &store.RangeRequest{Key: prefix, RangeEnd: end, Limit: 1, SortTarget: store.SortByCreate, SortOrder: store.SortAscend}
}

// created compares the revision that created a key; 0 is that of no key.
func created(key string, revision int64) []store.Compare {
	return []store.Compare{{Key: key, Target: store.CompareCreate, Result: store.CompareEqual, Num: revision}}
}

// lock puts the lease's key at the end of the queue, and waits until all before
// it are gone.
func (s *service) lock(r *store.LockRequest) store.Response {
	lease, err := s.session(r.Lease)
	if err != nil {
		return store.Response{Err: err}
	}
	key := store.QueueKey(r.Name, lease)
	got, err := s.do(&store.TxnRequest{
		Compare: created(key, 0),
		Success: []store.Op{&store.PutRequest{Key: key, Lease: lease}, firstInLine(r.Name)},
		Failure: []store.Op{&store.RangeRequest{Key: key}, firstInLine(r.Name)},
	})
	if err != nil {
		return store.Response{Err: err}
	}
	txn := got.Result.(*store.TxnResult)
	mine := got.Revision
	if !txn.Succeeded { // this lease has queued up before
		mine = txn.Responses[0].Result.(*store.RangeResult).KVs[0].CreateRevision
	}
	owner := txn.Responses[1].Result.(*store.RangeResult).KVs
	if len(owner) == 0 || owner[0].CreateRevision == mine {
		return store.Response{Revision: got.Revision, Result: &store.LockResult{Key: key}}
	}
	s.n.log.Hit(trace.ProbeLockQueued)
	if err := s.waitForDeletes(r.Name, mine-1); err != nil {
		s.doAnyway(&store.DeleteRangeRequest{Key: key})
		return store.Response{Err: err}
	}
	if s.n.bugs.Has(bug.LockNoLeaseCheck) {
		return store.Response{Revision: s.n.kv.Revision(), Result: &store.LockResult{Key: key}}
	}
	// The lease may have ended while the client waited (etcd #11456).
	got, err = s.do(&store.RangeRequest{Key: key})
	switch {
	case err != nil:
		s.doAnyway(&store.DeleteRangeRequest{Key: key})
		return store.Response{Err: err}
	case got.Result.(*store.RangeResult).Count == 0:
		s.n.log.Hit(trace.ProbeLockExpired)
		return store.Response{Err: store.ErrSessionExpired}
	}
	return store.Response{Revision: got.Revision, Result: &store.LockResult{Key: key}}
}

// waitForDeletes waits until no key is left in the queue that was created at a
// revision or before. It watches one key at a time, the one before its own, so that
// a release wakes one waiter and not all of them.
func (s *service) waitForDeletes(name string, revision int64) *store.Error {
	prefix, end := store.QueuePrefix(name)
	defer s.unwatch()
	for {
		got, err := s.do(&store.RangeRequest{
			Key: prefix, RangeEnd: end, MaxCreateRevision: revision,
			Limit: 1, SortTarget: store.SortByCreate, SortOrder: store.SortDescend,
		})
		if err != nil {
			return err
		}
		before := got.Result.(*store.RangeResult).KVs
		if len(before) == 0 {
			return nil
		}
		s.watchFrom(before[0].Key, "", got.Revision)
		if err := s.waitForDelete(); err != nil {
			return err
		}
	}
}

func (s *service) waitForDelete() *store.Error {
	for {
		events, err := s.events()
		if err != nil {
			return err
		}
		if slices.ContainsFunc(events, func(e store.Event) bool { return e.Type == store.EventDelete }) {
			return nil
		}
	}
}

// campaign queues up like a lock, with a value. Other than a lock it does not look,
// in the end, whether its own key is still there; nor does etcd.
func (s *service) campaign(r *store.CampaignRequest) store.Response {
	lease, err := s.session(r.Lease)
	if err != nil {
		return store.Response{Err: err}
	}
	key := store.QueueKey(r.Name, lease)
	got, err := s.do(&store.TxnRequest{
		Compare: created(key, 0),
		Success: []store.Op{&store.PutRequest{Key: key, Value: r.Value, Lease: lease}},
		Failure: []store.Op{&store.RangeRequest{Key: key}},
	})
	if err != nil {
		return store.Response{Err: err}
	}
	leader := store.LeaderKey{Name: r.Name, Key: key, Rev: got.Revision, Lease: lease}
	if txn := got.Result.(*store.TxnResult); !txn.Succeeded {
		old := txn.Responses[0].Result.(*store.RangeResult).KVs[0]
		leader.Rev = old.CreateRevision
		if old.Value != r.Value {
			if again := s.proclaim(&store.ProclaimRequest{Leader: &leader, Value: r.Value}); again.Err != nil {
				s.resign(&store.ResignRequest{Leader: &leader})
				return again
			}
		}
	}
	if err := s.waitForDeletes(r.Name, leader.Rev-1); err != nil {
		if s.gone {
			s.doAnyway(resignation(&leader))
		}
		return store.Response{Err: err}
	}
	return store.Response{Revision: got.Revision, Result: &store.CampaignResult{Leader: leader}}
}

// proclaim writes the leader's value, as long as it leads.
func (s *service) proclaim(r *store.ProclaimRequest) store.Response {
	if r.Leader == nil {
		return store.Response{Err: store.ErrMissingLeaderKey}
	}
	got, err := s.do(&store.TxnRequest{
		Compare: created(r.Leader.Key, r.Leader.Rev),
		Success: []store.Op{&store.PutRequest{Key: r.Leader.Key, Value: r.Value, Lease: r.Leader.Lease}},
	})
	if err == nil && !got.Result.(*store.TxnResult).Succeeded {
		err = store.ErrElectionNotLeader
	}
	return answerOf(got.Revision, &store.ProclaimResult{}, err)
}

func resignation(leader *store.LeaderKey) *store.TxnRequest {
	return &store.TxnRequest{
		Compare: created(leader.Key, leader.Rev),
		Success: []store.Op{&store.DeleteRangeRequest{Key: leader.Key}},
	}
}

// resign deletes the leader's key, if it is still that of the leadership.
func (s *service) resign(r *store.ResignRequest) store.Response {
	if r.Leader == nil {
		return store.Response{Err: store.ErrMissingLeaderKey}
	}
	got, err := s.do(resignation(r.Leader))
	return answerOf(got.Revision, &store.ResignResult{}, err)
}

// first returns the key of the leader, or nil.
func (s *service) first(name string) (kv *store.KeyValue, revision int64, err *store.Error) {
	got, err := s.do(firstInLine(name))
	if err != nil {
		return nil, 0, err
	}
	if kvs := got.Result.(*store.RangeResult).KVs; len(kvs) > 0 {
		kv = kvs[0]
	}
	return kv, got.Revision, nil
}

// observe tells of the leader, of what it proclaims, and of its successors, until
// the client leaves.
func (s *service) observe(r *store.ObserveRequest) *store.Error {
	prefix, end := store.QueuePrefix(r.Name)
	for {
		kv, revision, err := s.first(r.Name)
		if err != nil {
			return err
		}
		if kv == nil {
			s.watchFrom(prefix, end, revision)
			if kv, err = s.firstPut(); err != nil {
				return err
			}
			revision = kv.ModRevision
		}
		s.tellLeader(revision, kv)
		s.watchFrom(kv.Key, "", revision+1)
		for leads := true; leads; {
			events, err := s.events()
			if err != nil {
				return err
			}
			for _, e := range events {
				if leads = e.Type == store.EventPut; !leads {
					break
				}
				s.tellLeader(e.KV.ModRevision, e.KV)
			}
		}
	}
}

// firstPut waits for a key to be put.
func (s *service) firstPut() (*store.KeyValue, *store.Error) {
	for {
		events, err := s.events()
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			if e.Type == store.EventPut {
				return e.KV, nil
			}
		}
	}
}

func (s *service) tellLeader(revision int64, kv *store.KeyValue) {
	s.n.tell(s.call.Client, s.call.Op, store.Response{Revision: revision, Result: &store.LeaderResult{KV: *kv}})
}
