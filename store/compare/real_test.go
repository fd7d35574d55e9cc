package compare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/authpb"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3election/v3electionpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3lock/v3lockpb"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"etcdsim/store"
	"etcdsim/store/saved"
)

// server answers the steps of a sequence.
type server interface {
	// serve answers a step. An error says that this run proves nothing.
	serve(s step) (answer, error)
	close()
}

// real is an etcd at the other end of a gRPC connection.
type real struct {
	*etcd
	names
	streams map[int]*realStream
	// brief are leases so short that they might expire by themselves, and when they
	// were granted.
	brief map[int64]time.Time
	// rewrote: there was a transaction that may have deleted a key and put it again.
	rewrote bool
	added   int64 // the second of the last attempt to add a member
	// began is what it began with, if that was restored.
	began *saved.Snapshot
}

// patience is how long an answer may take.
const patience = 20 * time.Second

// briefly is how long a lease of the shortest time to live surely lives.
const briefly = 700 * time.Millisecond

var (
	errSilent  = errors.New("etcd does not answer")
	errDeadly  = errors.New("this would be the end of etcd, or of the comparison")
	errExpired = errors.New("a lease may have expired by itself, so slow is this machine")
)

func newReal(e *etcd) *real {
	return &real{
		etcd: e, names: newNames(uint64(e.etcd.Server.MemberID())),
		streams: map[int]*realStream{}, brief: map[int64]time.Time{},
	}
}

func (r *real) close() {
	r.hangUp()
	r.etcd.close()
}

func (r *real) hangUp() {
	for _, st := range r.streams { // unordered: each ends by itself
		st.cancel()
	}
	clear(r.streams)
}

func (r *real) restart() error {
	r.hangUp()
	r.stop()
	return r.start()
}

func (r *real) serve(s step) (answer, error) {
	for _, granted := range r.brief { // unordered: whether there is one
		if time.Since(granted) > briefly {
			return answer{}, errExpired
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if token := r.token(s.As); token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "token", token)
	}
	req := s.Request
	if req != nil {
		req = r.local(r.resolve(req))
	}
	switch q := req.(type) {
	case nil:
		return r.read()
	case *restart:
		return answer{}, r.restart()
	case *store.WatchRequest:
		return r.watch(s, q)
	case *store.WatchCancelRequest:
		return r.cancelWatch(s, q)
	case *store.StreamCloseRequest:
		return r.closeStream(s)
	case *store.CompactionRequest:
		// What watchers were told of is read before it is gone.
		if err := r.settleAll(); err != nil {
			return answer{}, err
		}
	}
	if err := r.survives(ctx, req); err != nil {
		return answer{}, err
	}
	resp, err := r.ask(ctx, req)
	if ctx.Err() != nil {
		return answer{}, fmt.Errorf("%w: %v", errSilent, s)
	}
	if err != nil {
		st := status.Convert(err)
		return answer{Response: store.Response{Err: &store.Error{Code: store.Code(st.Code()), Text: st.Message()}}}, nil
	}
	r.mindLeases(req, resp)
	return answer{Response: r.learn(req, resp)}, nil
}

// survives refuses what would end the real etcd, or its quorum. A generator draws
// nothing of that kind; shrinking may come to it.
func (r *real) survives(ctx context.Context, req store.Request) error {
	switch q := req.(type) {
	case *store.LockRequest:
		return r.knownLease(q.Lease)
	case *store.CampaignRequest:
		return r.knownLease(q.Lease)
	case *store.TxnRequest:
		// etcd 3.7.3 panics as it applies a put that keeps what the transaction has
		// deleted, and again after each restart.
		puts, keeps := rewrites(q)
		if keeps {
			return fmt.Errorf("%w: a put that keeps a value or lease which the transaction has deleted", errDeadly)
		}
		r.rewrote = r.rewrote || puts
	case *store.CompactionRequest:
		// A key that was deleted and put in one revision loses its value when that is
		// compacted, and etcd 3.7.3 exits when somebody reads it.
		if r.rewrote {
			return fmt.Errorf("%w: a compaction after a transaction that deleted and put a key", errDeadly)
		}
	case *store.AlarmRequest:
		if q.Action < store.AlarmGet || q.Action > store.AlarmDeactivate {
			return fmt.Errorf("%w: an undefined action on an alarm", errDeadly)
		}
	case *store.MemberUpdateRequest:
		if store.Check(&store.MemberAddRequest{PeerURLs: q.PeerURLs}, maxTxnOps) != nil {
			return fmt.Errorf("%w: a member without a proper URL", errDeadly)
		}
	case *store.MemberAddRequest:
		if q.Learner || store.Check(q, maxTxnOps) != nil {
			return nil
		}
		list, err := pb.NewClusterClient(r.conn).MemberList(ctx, &pb.MemberListRequest{})
		if err != nil {
			return nil // the addition is refused as well
		}
		for _, m := range list.Members {
			for _, u := range m.PeerURLs {
				if slices.Contains(q.PeerURLs, u) {
					return nil // refused: the URL is taken
				}
			}
		}
		return fmt.Errorf("%w: a second voter", errDeadly)
	}
	return nil
}

// knownLease refuses a lease whose ID the server chooses, or has chosen: it would be in
// the name of a key.
func (r *real) knownLease(id int64) error {
	if id == 0 || slices.Contains(r.leases, id) {
		return fmt.Errorf("%w: a lock by a lease that the server named", errDeadly)
	}
	return nil
}

// rewrites tells what a transaction with a delete of all keys from one on does besides:
// etcd does not see that such a delete overlaps with puts. It reports whether there are
// puts, and whether there are some that keep the value or the lease of their key.
func rewrites(txn *store.TxnRequest) (puts, keeps bool) {
	var deletes bool
	var look func(*store.TxnRequest)
	look = func(txn *store.TxnRequest) {
		for _, op := range slices.Concat(txn.Success, txn.Failure) {
			switch op := op.(type) {
			case *store.PutRequest:
				puts, keeps = true, keeps || op.IgnoreValue || op.IgnoreLease
			case *store.DeleteRangeRequest:
				deletes = deletes || op.RangeEnd == "\x00"
			case *store.TxnRequest:
				look(op)
			}
		}
	}
	look(txn)
	return deletes && puts, deletes && keeps
}

// mindLeases notes which leases may expire soon.
func (r *real) mindLeases(req store.Request, resp store.Response) {
	switch q := req.(type) {
	case *store.LeaseGrantRequest:
		if res := resp.Result.(*store.LeaseGrantResult); res.TTL < 60 {
			r.brief[res.ID] = time.Now()
		}
	case *store.LeaseRevokeRequest:
		delete(r.brief, q.ID)
	}
}

// call makes a call and translates its answer.
func call[Q, A any](ctx context.Context, method func(context.Context, Q) (A, error), q Q, translate func(A) store.Response) (store.Response, error) {
	a, err := method(ctx, q)
	if err != nil {
		return store.Response{}, err
	}
	return translate(a), nil
}

// method adapts a method of a generated client.
func method[Q, A, O any](f func(context.Context, Q, ...O) (A, error)) func(context.Context, Q) (A, error) {
	return func(ctx context.Context, q Q) (A, error) { return f(ctx, q) }
}

// ask sends one request that has one answer.
func (r *real) ask(ctx context.Context, req store.Request) (store.Response, error) {
	kv, lease, maintenance, auth := pb.NewKVClient(r.conn), pb.NewLeaseClient(r.conn), pb.NewMaintenanceClient(r.conn), pb.NewAuthClient(r.conn)
	cluster := pb.NewClusterClient(r.conn)
	switch q := req.(type) {
	case *store.RangeRequest:
		return call(ctx, method(kv.Range), toRange(q), fromRange)
	case *store.RangeStreamRequest:
		return r.rangeStream(ctx, kv, toRange(&q.Range))
	case *store.PutRequest:
		return call(ctx, method(kv.Put), toPut(q), fromPut)
	case *store.DeleteRangeRequest:
		return call(ctx, method(kv.DeleteRange), toDelete(q), fromDelete)
	case *store.TxnRequest:
		return call(ctx, method(kv.Txn), toTxn(q), fromTxn)
	case *store.CompactionRequest:
		resp, err := call(ctx, method(kv.Compact), &pb.CompactionRequest{Revision: q.Revision, Physical: q.Physical},
			func(a *pb.CompactionResponse) store.Response { return answered(a.Header, &store.CompactionResult{}) })
		if err == nil && !q.Physical {
			// A second one is refused, but only when the first is done.
			_, _ = kv.Compact(ctx, &pb.CompactionRequest{Revision: q.Revision, Physical: true})
		}
		return resp, err
	case *store.HashKVRequest:
		return call(ctx, method(maintenance.HashKV), &pb.HashKVRequest{Revision: q.Revision}, func(a *pb.HashKVResponse) store.Response {
			return answered(a.Header, &store.HashKVResult{Hash: a.Hash, CompactRevision: a.CompactRevision, HashRevision: a.HashRevision})
		})

	case *store.LeaseGrantRequest:
		return call(ctx, method(lease.LeaseGrant), &pb.LeaseGrantRequest{ID: q.ID, TTL: q.TTL}, func(a *pb.LeaseGrantResponse) store.Response {
			return answered(a.Header, &store.LeaseGrantResult{ID: a.ID, TTL: a.TTL})
		})
	case *store.LeaseRevokeRequest:
		return call(ctx, method(lease.LeaseRevoke), &pb.LeaseRevokeRequest{ID: q.ID}, func(a *pb.LeaseRevokeResponse) store.Response {
			return answered(a.Header, &store.LeaseRevokeResult{})
		})
	case *store.LeaseKeepAliveRequest:
		return r.keepAlive(ctx, lease, q.ID)
	case *store.LeaseTimeToLiveRequest:
		return call(ctx, method(lease.LeaseTimeToLive), &pb.LeaseTimeToLiveRequest{ID: q.ID, Keys: q.Keys}, fromTimeToLive)
	case *store.LeaseLeasesRequest:
		return call(ctx, method(lease.LeaseLeases), &pb.LeaseLeasesRequest{}, func(a *pb.LeaseLeasesResponse) store.Response {
			res := new(store.LeaseLeasesResult)
			for _, l := range a.Leases {
				res.Leases = append(res.Leases, l.ID)
			}
			return answered(a.Header, res)
		})

	case *store.AlarmRequest:
		return call(ctx, method(maintenance.Alarm), &pb.AlarmRequest{
			Action: pb.AlarmRequest_AlarmAction(q.Action), MemberID: q.Alarm.MemberID, Alarm: pb.AlarmType(q.Alarm.Type),
		}, fromAlarms)
	case *store.StatusRequest:
		return call(ctx, method(maintenance.Status), &pb.StatusRequest{}, fromStatus)
	case *store.DefragmentRequest:
		return call(ctx, method(maintenance.Defragment), &pb.DefragmentRequest{}, func(a *pb.DefragmentResponse) store.Response {
			return answered(a.Header, &store.DefragmentResult{})
		})
	case *store.MoveLeaderRequest:
		return call(ctx, method(maintenance.MoveLeader), &pb.MoveLeaderRequest{TargetID: q.Target}, func(a *pb.MoveLeaderResponse) store.Response {
			return answered(a.Header, &store.MoveLeaderResult{})
		})

	case *store.MemberListRequest:
		return call(ctx, method(cluster.MemberList), &pb.MemberListRequest{Linearizable: q.Linearizable}, func(a *pb.MemberListResponse) store.Response {
			return answered(a.Header, &store.MembersResult{Members: r.known(fromMembers(a.Members))})
		})
	case *store.MemberAddRequest:
		r.waitForNextSecond()
		return call(ctx, method(cluster.MemberAdd), &pb.MemberAddRequest{PeerURLs: q.PeerURLs, IsLearner: q.Learner}, func(a *pb.MemberAddResponse) store.Response {
			return answered(a.Header, &store.MemberAddResult{Member: r.known(fromMembers([]*pb.Member{a.Member}))[0], Members: r.known(fromMembers(a.Members))})
		})
	case *store.MemberRemoveRequest:
		return call(ctx, method(cluster.MemberRemove), &pb.MemberRemoveRequest{ID: q.ID}, func(a *pb.MemberRemoveResponse) store.Response {
			return answered(a.Header, &store.MembersResult{Members: r.known(fromMembers(a.Members))})
		})
	case *store.MemberUpdateRequest:
		return call(ctx, method(cluster.MemberUpdate), &pb.MemberUpdateRequest{ID: q.ID, PeerURLs: q.PeerURLs}, func(a *pb.MemberUpdateResponse) store.Response {
			return answered(a.Header, &store.MembersResult{Members: r.known(fromMembers(a.Members))})
		})
	case *store.MemberPromoteRequest:
		return call(ctx, method(cluster.MemberPromote), &pb.MemberPromoteRequest{ID: q.ID}, func(a *pb.MemberPromoteResponse) store.Response {
			return answered(a.Header, &store.MembersResult{Members: r.known(fromMembers(a.Members))})
		})
	}
	if store.Service(req) {
		return r.askService(ctx, req)
	}
	return r.askAuth(ctx, auth, req)
}

// askService sends a request about a lock or an election.
func (r *real) askService(ctx context.Context, req store.Request) (store.Response, error) {
	lock, election := v3lockpb.NewLockClient(r.conn), v3electionpb.NewElectionClient(r.conn)
	switch q := req.(type) {
	case *store.LockRequest:
		return call(ctx, method(lock.Lock), &v3lockpb.LockRequest{Name: []byte(q.Name), Lease: q.Lease}, func(a *v3lockpb.LockResponse) store.Response {
			return answered(a.Header, &store.LockResult{Key: string(a.Key)})
		})
	case *store.UnlockRequest:
		return call(ctx, method(lock.Unlock), &v3lockpb.UnlockRequest{Key: []byte(q.Key)}, func(a *v3lockpb.UnlockResponse) store.Response {
			return answered(a.Header, &store.UnlockResult{})
		})
	case *store.CampaignRequest:
		to := &v3electionpb.CampaignRequest{Name: []byte(q.Name), Lease: q.Lease, Value: []byte(q.Value)}
		return call(ctx, method(election.Campaign), to, func(a *v3electionpb.CampaignResponse) store.Response {
			l := a.Leader
			return answered(a.Header, &store.CampaignResult{Leader: store.LeaderKey{Name: string(l.Name), Key: string(l.Key), Rev: l.Rev, Lease: l.Lease}})
		})
	case *store.ProclaimRequest:
		to := &v3electionpb.ProclaimRequest{Leader: toLeader(q.Leader), Value: []byte(q.Value)}
		return call(ctx, method(election.Proclaim), to, func(a *v3electionpb.ProclaimResponse) store.Response {
			return answered(a.Header, &store.ProclaimResult{})
		})
	case *store.LeaderRequest:
		return call(ctx, method(election.Leader), &v3electionpb.LeaderRequest{Name: []byte(q.Name)}, func(a *v3electionpb.LeaderResponse) store.Response {
			return answered(a.Header, &store.LeaderResult{KV: fromKV(a.Kv)})
		})
	case *store.ResignRequest:
		return call(ctx, method(election.Resign), &v3electionpb.ResignRequest{Leader: toLeader(q.Leader)}, func(a *v3electionpb.ResignResponse) store.Response {
			return answered(a.Header, &store.ResignResult{})
		})
	}
	panic(unknownRequest(req))
}

func toLeader(k *store.LeaderKey) *v3electionpb.LeaderKey {
	if k == nil {
		return nil
	}
	return &v3electionpb.LeaderKey{Name: []byte(k.Name), Key: []byte(k.Key), Rev: k.Rev, Lease: k.Lease}
}

// waitForNextSecond makes sure that etcd does not give out an ID of a member twice: it is
// a hash of the member's URLs and of the second.
func (r *real) waitForNextSecond() {
	for time.Now().Unix() == r.added {
		time.Sleep(10 * time.Millisecond)
	}
	r.added = time.Now().Unix()
}

// askAuth sends a request about users, roles and rights.
func (r *real) askAuth(ctx context.Context, auth pb.AuthClient, req store.Request) (store.Response, error) {
	switch q := req.(type) {
	case *store.AuthEnableRequest:
		return call(ctx, method(auth.AuthEnable), &pb.AuthEnableRequest{}, done[*pb.AuthEnableResponse])
	case *store.AuthDisableRequest:
		return call(ctx, method(auth.AuthDisable), &pb.AuthDisableRequest{}, done[*pb.AuthDisableResponse])
	case *store.AuthStatusRequest:
		return call(ctx, method(auth.AuthStatus), &pb.AuthStatusRequest{}, func(a *pb.AuthStatusResponse) store.Response {
			return answered(a.Header, &store.AuthStatusResult{Enabled: a.Enabled, Revision: a.AuthRevision})
		})
	case *store.AuthenticateRequest:
		return call(ctx, method(auth.Authenticate), &pb.AuthenticateRequest{Name: q.Name, Password: q.Password}, func(a *pb.AuthenticateResponse) store.Response {
			return answered(a.Header, &store.AuthenticateResult{Token: a.Token})
		})
	case *store.UserAddRequest:
		to := &pb.AuthUserAddRequest{Name: q.Name, Password: q.Password}
		if q.NoPassword {
			to.Options = &authpb.UserAddOptions{NoPassword: true}
		}
		return call(ctx, method(auth.UserAdd), to, done[*pb.AuthUserAddResponse])
	case *store.UserDeleteRequest:
		return call(ctx, method(auth.UserDelete), &pb.AuthUserDeleteRequest{Name: q.Name}, done[*pb.AuthUserDeleteResponse])
	case *store.UserChangePasswordRequest:
		return call(ctx, method(auth.UserChangePassword), &pb.AuthUserChangePasswordRequest{Name: q.Name, Password: q.Password}, done[*pb.AuthUserChangePasswordResponse])
	case *store.UserGrantRoleRequest:
		return call(ctx, method(auth.UserGrantRole), &pb.AuthUserGrantRoleRequest{User: q.User, Role: q.Role}, done[*pb.AuthUserGrantRoleResponse])
	case *store.UserRevokeRoleRequest:
		return call(ctx, method(auth.UserRevokeRole), &pb.AuthUserRevokeRoleRequest{Name: q.Name, Role: q.Role}, done[*pb.AuthUserRevokeRoleResponse])
	case *store.UserGetRequest:
		return call(ctx, method(auth.UserGet), &pb.AuthUserGetRequest{Name: q.Name}, func(a *pb.AuthUserGetResponse) store.Response {
			return answered(a.Header, &store.UserGetResult{Roles: a.Roles})
		})
	case *store.UserListRequest:
		return call(ctx, method(auth.UserList), &pb.AuthUserListRequest{}, func(a *pb.AuthUserListResponse) store.Response {
			return answered(a.Header, &store.UserListResult{Users: a.Users})
		})
	case *store.RoleAddRequest:
		return call(ctx, method(auth.RoleAdd), &pb.AuthRoleAddRequest{Name: q.Name}, done[*pb.AuthRoleAddResponse])
	case *store.RoleDeleteRequest:
		return call(ctx, method(auth.RoleDelete), &pb.AuthRoleDeleteRequest{Role: q.Role}, done[*pb.AuthRoleDeleteResponse])
	case *store.RoleGetRequest:
		return call(ctx, method(auth.RoleGet), &pb.AuthRoleGetRequest{Role: q.Role}, fromPermissions)
	case *store.RoleListRequest:
		return call(ctx, method(auth.RoleList), &pb.AuthRoleListRequest{}, func(a *pb.AuthRoleListResponse) store.Response {
			return answered(a.Header, &store.RoleListResult{Roles: a.Roles})
		})
	case *store.RoleGrantPermissionRequest:
		return call(ctx, method(auth.RoleGrantPermission), &pb.AuthRoleGrantPermissionRequest{Name: q.Name, Perm: toPermission(q.Perm)}, done[*pb.AuthRoleGrantPermissionResponse])
	case *store.RoleRevokePermissionRequest:
		return call(ctx, method(auth.RoleRevokePermission), &pb.AuthRoleRevokePermissionRequest{Role: q.Role, Key: []byte(q.Key), RangeEnd: []byte(q.RangeEnd)}, done[*pb.AuthRoleRevokePermissionResponse])
	}
	panic(unknownRequest(req))
}

// done translates an answer that says no more than that.
func done[A interface{ GetHeader() *pb.ResponseHeader }](a A) store.Response {
	return answered(a.GetHeader(), &store.AuthResult{})
}

func fromTimeToLive(a *pb.LeaseTimeToLiveResponse) store.Response {
	res := &store.LeaseTimeToLiveResult{ID: a.ID, TTL: a.TTL, GrantedTTL: a.GrantedTTL}
	for _, key := range a.Keys {
		res.Keys = append(res.Keys, string(key))
	}
	slices.Sort(res.Keys) // etcd's order is that of a map
	return answered(a.Header, res)
}

// local puts the server's own addresses in place of the simulator's.
func (r *real) local(req store.Request) store.Request {
	var urls []string
	switch q := req.(type) {
	case *store.MemberAddRequest:
		urls = q.PeerURLs
	case *store.MemberUpdateRequest:
		urls = q.PeerURLs
	}
	for i, u := range urls {
		if u == store.PeerURL(1) {
			urls[i] = "unix://" + r.dir + "/peer"
		}
	}
	return req
}

// known puts the simulator's addresses in place of the server's own.
func (r *real) known(members []store.Member) []store.Member {
	for i := range members {
		m := &members[i]
		for _, urls := range [][]string{m.PeerURLs, m.ClientURLs} {
			for j, u := range urls {
				switch u {
				case "unix://" + r.dir + "/peer":
					urls[j] = store.PeerURL(1)
				case "unix://" + r.dir + "/client":
					urls[j] = store.ClientURL(1)
				}
			}
		}
	}
	return members
}

// rangeStream adds up the parts of a range.
func (r *real) rangeStream(ctx context.Context, kv pb.KVClient, q *pb.RangeRequest) (store.Response, error) {
	stream, err := kv.RangeStream(ctx, q)
	if err != nil {
		return store.Response{}, err
	}
	sum := new(pb.RangeResponse)
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return fromRange(sum), nil
		}
		if err != nil {
			return store.Response{}, err
		}
		p := part.RangeResponse
		sum.Kvs = append(sum.Kvs, p.Kvs...)
		if p.Header != nil {
			sum.Header, sum.More, sum.Count = p.Header, p.More, p.Count
		}
	}
}

func (r *real) keepAlive(ctx context.Context, lease pb.LeaseClient, id int64) (store.Response, error) {
	stream, err := lease.LeaseKeepAlive(ctx)
	if err != nil {
		return store.Response{}, err
	}
	if err := stream.Send(&pb.LeaseKeepAliveRequest{ID: id}); err != nil {
		return store.Response{}, err
	}
	a, err := stream.Recv()
	if err != nil {
		return store.Response{}, err
	}
	_ = stream.CloseSend()
	return answered(a.Header, &store.LeaseKeepAliveResult{ID: a.ID, TTL: a.TTL}), nil
}
