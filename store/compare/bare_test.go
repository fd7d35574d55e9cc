package compare

import (
	"fmt"
	"maps"
	"slices"

	"etcdsim/store"
	"etcdsim/store/mvcc"
)

// bare is our store alone, with what a member does before and after it but without
// a log: the shortest way from a request to its answer.
type bare struct {
	names
	store    *mvcc.Store
	watchers *mvcc.Watchers
	streams  map[int]*bareStream
}

type bareStream struct {
	*mvcc.Stream

	token string
	sightings

	progress int64
}

// minLeaseTTL is the least time to live of a lease, in seconds; the others
// are defaults of etcd.
const (
	minLeaseTTL = 1
	maxTxnOps   = 128
	maxRequest  = 3 << 19
)

func newBare() *bare {
	s := mvcc.New(mvcc.Config{MinLeaseTTL: minLeaseTTL})
	return &bare{names: newNames(1), store: s, watchers: mvcc.NewWatchers(s), streams: map[int]*bareStream{}}
}

func (b *bare) close() {}

func (b *bare) serve(s step) (answer, error) {
	if s.Request == nil {
		return b.read(), nil
	}
	req := b.resolve(s.Request)
	switch q := req.(type) {
	case *restart:
		return answer{}, b.restart()
	case *store.WatchRequest:
		return b.watch(s, q), nil
	case *store.WatchCancelRequest:
		return b.cancelWatch(s, q), nil
	case *store.StreamCloseRequest:
		if st := b.streams[s.Stream]; st != nil {
			st.Close()
			delete(b.streams, s.Stream)
		}
		return answer{}, nil
	case *store.CompactionRequest:
		b.settleAll()
	case *store.MemberListRequest, *store.MemberAddRequest, *store.MemberRemoveRequest, *store.MemberUpdateRequest,
		*store.MemberPromoteRequest, *store.MoveLeaderRequest, *store.StatusRequest, *store.DefragmentRequest:
		return answer{Unserved: true}, nil
	}
	resp := b.ask(b.token(s.As), req)
	return answer{Response: b.learn(req, resp)}, nil
}

// restart goes on with what the store writes down.
func (b *bare) restart() (err error) {
	b.store, err = mvcc.Decode(mvcc.Config{MinLeaseTTL: minLeaseTTL}, b.store.Encode())
	b.watchers = mvcc.NewWatchers(b.store)
	clear(b.streams)
	b.forgetTokens()
	return err
}

// identify tells who is behind a token, as etcd's AuthInfoFromCtx.
func (b *bare) identify(token string) (mvcc.Identity, *store.Error) {
	if !b.store.AuthEnabled() || token == "" {
		return mvcc.Identity{}, nil
	}
	return b.store.Identify(token)
}

// ask does with a request what a member does.
func (b *bare) ask(token string, req store.Request) store.Response {
	if err := store.Check(req, maxTxnOps); err != nil {
		return store.Response{Err: err}
	}
	switch q := req.(type) {
	case *store.AuthenticateRequest: // whoever asks
		if err := b.store.CheckPassword(q.Name, q.Password); err != nil {
			return store.Response{Err: err}
		}
		return b.apply(mvcc.Identity{}, &store.AuthenticateRequest{Name: q.Name, TokenPrefix: "token"})
	case *store.UserAddRequest:
		hashed := *q
		hashed.Password, hashed.HashedPassword = "", store.HashPassword(q.Password, "salt")
		req = &hashed
	case *store.UserChangePasswordRequest:
		hashed := *q
		if q.Password != "" {
			hashed.Password, hashed.HashedPassword = "", store.HashPassword(q.Password, "salt")
		}
		req = &hashed
	case *store.LeaseGrantRequest:
		if q.ID == 0 {
			req = &store.LeaseGrantRequest{TTL: q.TTL, ID: 1<<62 + int64(len(b.leases))}
		}
	}
	who, err := b.identify(token)
	if err == nil {
		err = b.refuse(who, req)
	}
	if err != nil {
		return store.Response{Err: err}
	}
	if store.ReadOnly(req) {
		return b.store.Read(req)
	}
	return b.apply(who, req)
}

// refuse refuses what etcd refuses before it proposes anything.
func (b *bare) refuse(who mvcc.Identity, req store.Request) *store.Error {
	switch req.(type) {
	case *store.LeaseRevokeRequest:
		if b.store.AuthEnabled() && who.User == "" {
			return store.ErrUserEmpty
		}
		return nil
	case *store.CompactionRequest, *store.AlarmRequest, *store.LeaseGrantRequest:
		return b.store.Admit(who, req)
	}
	if store.ReadOnly(req) {
		return b.store.Admit(who, req)
	}
	return nil
}

func (b *bare) apply(who mvcc.Identity, req store.Request) store.Response {
	p := &store.Proposal{User: who.User, AuthRevision: who.Revision, Request: req}
	if len(store.AppendProposal(nil, p)) > maxRequest {
		return store.Response{Err: store.ErrRequestTooLarge}
	}
	return b.store.Apply(b.store.Applied()+1, p)
}

func (b *bare) watch(s step, req *store.WatchRequest) answer {
	st := b.streams[s.Stream]
	if st == nil {
		st = &bareStream{Stream: b.watchers.Open(0), token: b.token(s.As)}
		b.streams[s.Stream] = st
	}
	resp := b.refuseWatch(st.token, req)
	if resp == nil {
		st.Watch(req)
		resp = b.take(s.Stream, st)
	}
	return answer{Response: b.learn(req, store.Response{Revision: resp.Revision, Result: resp})}
}

// refuseWatch returns the answer to a watcher that the stream's owner may not have.
func (b *bare) refuseWatch(token string, req *store.WatchRequest) *store.WatchResponse {
	if req.StartRevision < 0 {
		return nil // the store refuses that, before rights are looked at
	}
	who, err := b.identify(token)
	if err == nil {
		err = b.store.Admit(who, req)
	}
	if err == nil {
		return nil
	}
	return &store.WatchResponse{
		Revision: b.store.Revision(), WatchID: store.NoWatcher, Created: true, Canceled: true, CancelReason: refusal(err),
	}
}

// refusal is how etcd words an error in a watch response: as Go prints an error of
// gRPC.
func refusal(err *store.Error) string {
	return fmt.Sprintf("rpc error: code = %v desc = %s", err.Code, err.Text)
}

func (b *bare) cancelWatch(s step, req *store.WatchCancelRequest) answer {
	st := b.streams[s.Stream]
	if st == nil {
		return answer{}
	}
	b.settle(s.Stream, st)
	st.Cancel(req.WatchID)
	resp := b.take(s.Stream, st)
	if resp == nil {
		return answer{}
	}
	return answer{Response: b.learn(req, store.Response{Revision: resp.Revision, Result: resp})}
}

// take handles what a stream has. It returns the answer to the last request on it,
// or nil.
func (b *bare) take(number int, st *bareStream) (reply *store.WatchResponse) {
	for resp, ok := st.Next(); ok; resp, ok = st.Next() {
		switch {
		case resp.Created, resp.Canceled && resp.CompactRevision == 0:
			reply = &resp
		case resp.IsProgress():
			st.progress = resp.Revision
		default:
			st.sightings.take(number, &resp)
		}
	}
	return reply
}

// settle lets all streams be told everything, and then asks one how far it is.
func (b *bare) settle(number int, st *bareStream) {
	for b.watchers.Behind() > 0 || b.watchers.Waiting() > 0 {
		b.watchers.Sync()
		b.watchers.Retry()
		for _, other := range slices.Sorted(maps.Keys(b.streams)) { // a full one would never take more
			b.take(other, b.streams[other])
		}
	}
	b.take(number, st)
	st.progress = 0
	st.Progress()
	b.take(number, st)
}

func (b *bare) settleAll() {
	for _, number := range slices.Sorted(maps.Keys(b.streams)) {
		b.settle(number, b.streams[number])
	}
}

func (b *bare) read() answer {
	b.settleAll()
	list := []seen{}
	for _, number := range slices.Sorted(maps.Keys(b.streams)) {
		st := b.streams[number]
		list = append(list, st.report()...)
		list = append(list, seen{Stream: int64(number), ID: store.NoWatcher, Progress: st.progress})
	}
	return answer{Seen: b.rename(list).([]seen)}
}
