package compare

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/authpb"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3election/v3electionpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3lock/v3lockpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"etcdsim/scenarios"
	"etcdsim/sim/live/host"
	"etcdsim/store"
)

// Each method of the API is called in every name that authentication tells apart, at a
// real etcd and at a served member: both let the same in, and refuse the others in the
// same words.
func TestRights(t *testing.T) {
	e, err := startEtcd()
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	h, err := host.Start(host.Config{
		Seed: 1, Speed: 1, Address: func(uint64) string { return "127.0.0.1:0" },
		Options: scenarios.Options{Settings: []scenarios.Setting{
			{Section: "cluster", Name: "nodes", Value: "1"}, {Section: "node", Name: "tick", Value: tick.String()},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	ours, err := grpc.NewClient(h.Endpoints()[0], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ours.Close() }()

	servers := []*guarded{{conn: e.conn}, {conn: ours}}
	for _, g := range servers {
		g.admit(t)
	}
	compared := 0
	for _, c := range attempts {
		for _, who := range []string{nobody, "nothing", "nonsense", "alice", store.Root} {
			if who == store.Root && c.changes {
				continue
			}
			compared++
			if etcd, ours := servers[0].call(t, c, who), servers[1].call(t, c, who); etcd != ours {
				t.Errorf("%s {%v} of %s:\netcd says %s\nours says %s", c.method, c.in, who, etcd, ours)
			}
		}
	}
	t.Logf("%d answers compared", compared)
}

// Methods that nobody calls here could let everybody in.
func TestRightsOfAllMethods(t *testing.T) {
	called := map[string]bool{}
	for _, c := range attempts {
		called[c.method] = true
	}
	for _, s := range []*grpc.ServiceDesc{
		&pb.KV_ServiceDesc, &pb.Watch_ServiceDesc, &pb.Lease_ServiceDesc, &pb.Cluster_ServiceDesc, &pb.Maintenance_ServiceDesc,
		&pb.Auth_ServiceDesc, &v3lockpb.Lock_ServiceDesc, &v3electionpb.Election_ServiceDesc,
	} {
		var names []string
		for _, m := range s.Methods {
			names = append(names, m.MethodName)
		}
		for _, m := range s.Streams {
			names = append(names, m.StreamName)
		}
		for _, name := range names {
			if method := "/" + s.ServiceName + "/" + name; !called[method] {
				t.Errorf("no call of %s", method)
			}
		}
	}
}

// nobody shows no token.
const nobody = "nobody"

// guarded is a server with authentication.
type guarded struct {
	conn *grpc.ClientConn
	// tokens are what is shown, by whose they are.
	tokens map[string]string
}

// admit adds root, and alice, who may read k and nothing else, and some things that
// calls are about; then it switches authentication on.
func (g *guarded) admit(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	kv, leases, auth := pb.NewKVClient(g.conn), pb.NewLeaseClient(g.conn), pb.NewAuthClient(g.conn)
	_, e1 := leases.LeaseGrant(ctx, &pb.LeaseGrantRequest{ID: 7, TTL: 1000})
	_, e2 := leases.LeaseGrant(ctx, &pb.LeaseGrantRequest{ID: 8, TTL: 1000})
	_, e3 := kv.Put(ctx, &pb.PutRequest{Key: []byte("secret"), Lease: 7})
	_, e4 := auth.UserAdd(ctx, &pb.AuthUserAddRequest{Name: store.Root, Password: store.Root})
	_, e5 := auth.UserGrantRole(ctx, &pb.AuthUserGrantRoleRequest{User: store.Root, Role: store.Root})
	_, e6 := auth.UserAdd(ctx, &pb.AuthUserAddRequest{Name: "alice", Password: "alice"})
	_, e7 := auth.RoleAdd(ctx, &pb.AuthRoleAddRequest{Name: "other"})
	_, e8 := auth.RoleAdd(ctx, &pb.AuthRoleAddRequest{Name: "reader"})
	_, e9 := auth.RoleGrantPermission(ctx, &pb.AuthRoleGrantPermissionRequest{
		Name: "reader", Perm: &authpb.Permission{PermType: authpb.READ, Key: []byte("k")},
	})
	_, e10 := auth.UserGrantRole(ctx, &pb.AuthUserGrantRoleRequest{User: "alice", Role: "reader"})
	_, e11 := auth.AuthEnable(ctx, &pb.AuthEnableRequest{})
	if err := errors.Join(e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11); err != nil {
		t.Fatal(err)
	}
	g.tokens = map[string]string{"nothing": "", "nonsense": "nonsense.3"}
	for _, user := range []string{"alice", store.Root} {
		made, err := auth.Authenticate(ctx, &pb.AuthenticateRequest{Name: user, Password: user})
		if err != nil {
			t.Fatal(err)
		}
		g.tokens[user] = made.Token
	}
}

// call calls a method in somebody's name and returns how it ended. Of a stream that is
// its first answer.
func (g *guarded) call(t *testing.T, c attempt, who string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // an observer whom nobody refuses waits
	defer cancel()
	if who != nobody {
		ctx = metadata.AppendToOutgoingContext(ctx, "token", g.tokens[who])
	}
	// What is answered without an error is compared in other tests. Only a watch is refused
	// by an answer.
	var answer proto.Message = &emptypb.Empty{}
	watch := &pb.WatchResponse{}
	if c.method == pb.Watch_Watch_FullMethodName {
		answer = watch
	}
	stream, err := g.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, c.method)
	if err == nil {
		err = errors.Join(stream.SendMsg(c.in), stream.CloseSend())
	}
	if err == nil {
		err = stream.RecvMsg(answer)
	}
	st := status.Convert(err)
	return st.Code().String() + " " + st.Message() + watch.CancelReason
}

// attempt is a call of a method.
type attempt struct {
	method string
	in     proto.Message
	// changes: root would change what others are about.
	changes bool
}

var attempts = []attempt{
	{method: pb.KV_Range_FullMethodName, in: &pb.RangeRequest{Key: []byte("k")}},
	{method: pb.KV_Range_FullMethodName, in: &pb.RangeRequest{Key: []byte("secret")}},
	{method: pb.KV_RangeStream_FullMethodName, in: &pb.RangeRequest{Key: []byte("secret")}},
	{method: pb.KV_Put_FullMethodName, in: &pb.PutRequest{Key: []byte("k")}},
	{method: pb.KV_Put_FullMethodName, in: &pb.PutRequest{Key: []byte("k"), Lease: 7}},
	{method: pb.KV_DeleteRange_FullMethodName, in: &pb.DeleteRangeRequest{Key: []byte("k"), PrevKv: true}},
	{method: pb.KV_Txn_FullMethodName, in: &pb.TxnRequest{}},
	{method: pb.KV_Txn_FullMethodName, in: &pb.TxnRequest{Compare: []*pb.Compare{{Key: []byte("secret")}}}},
	{method: pb.KV_Compact_FullMethodName, in: &pb.CompactionRequest{Revision: 99999}},

	{method: pb.Watch_Watch_FullMethodName, in: watchOf("k")},
	{method: pb.Watch_Watch_FullMethodName, in: watchOf("secret")},

	{method: pb.Lease_LeaseGrant_FullMethodName, in: &pb.LeaseGrantRequest{ID: 7, TTL: 100}},
	{method: pb.Lease_LeaseRevoke_FullMethodName, in: &pb.LeaseRevokeRequest{ID: 99}},
	{method: pb.Lease_LeaseRevoke_FullMethodName, in: &pb.LeaseRevokeRequest{ID: 7}, changes: true},
	{method: pb.Lease_LeaseKeepAlive_FullMethodName, in: &pb.LeaseKeepAliveRequest{ID: 7}},
	{method: pb.Lease_LeaseTimeToLive_FullMethodName, in: &pb.LeaseTimeToLiveRequest{ID: 7}},
	{method: pb.Lease_LeaseTimeToLive_FullMethodName, in: &pb.LeaseTimeToLiveRequest{ID: 7, Keys: true}},
	{method: pb.Lease_LeaseTimeToLive_FullMethodName, in: &pb.LeaseTimeToLiveRequest{ID: 99}},
	{method: pb.Lease_LeaseLeases_FullMethodName, in: &pb.LeaseLeasesRequest{}},

	{method: pb.Cluster_MemberAdd_FullMethodName, in: &pb.MemberAddRequest{}},
	{method: pb.Cluster_MemberRemove_FullMethodName, in: &pb.MemberRemoveRequest{ID: 99}},
	{method: pb.Cluster_MemberUpdate_FullMethodName, in: &pb.MemberUpdateRequest{ID: 99, PeerURLs: []string{"http://x:1"}}},
	{method: pb.Cluster_MemberPromote_FullMethodName, in: &pb.MemberPromoteRequest{ID: 99}},
	{method: pb.Cluster_MemberList_FullMethodName, in: &pb.MemberListRequest{}},
	{method: pb.Cluster_MemberList_FullMethodName, in: &pb.MemberListRequest{Linearizable: true}},

	{method: pb.Maintenance_Alarm_FullMethodName, in: &pb.AlarmRequest{}},
	{method: pb.Maintenance_Alarm_FullMethodName, in: &pb.AlarmRequest{Action: pb.AlarmRequest_DEACTIVATE, Alarm: pb.AlarmType_NOSPACE}},
	{
		method: pb.Maintenance_Alarm_FullMethodName, changes: true,
		in: &pb.AlarmRequest{Action: pb.AlarmRequest_ACTIVATE, Alarm: pb.AlarmType_NOSPACE},
	},
	{method: pb.Maintenance_Status_FullMethodName, in: &pb.StatusRequest{}},
	{method: pb.Maintenance_Defragment_FullMethodName, in: &pb.DefragmentRequest{}},
	{method: pb.Maintenance_Hash_FullMethodName, in: &pb.HashRequest{}},
	{method: pb.Maintenance_HashKV_FullMethodName, in: &pb.HashKVRequest{}},
	{method: pb.Maintenance_Snapshot_FullMethodName, in: &pb.SnapshotRequest{}},
	{method: pb.Maintenance_MoveLeader_FullMethodName, in: &pb.MoveLeaderRequest{TargetID: 99}},
	{method: pb.Maintenance_Downgrade_FullMethodName, in: &pb.DowngradeRequest{Action: pb.DowngradeRequest_VALIDATE, Version: "3.5.0"}},
	{method: pb.Maintenance_Downgrade_FullMethodName, in: &pb.DowngradeRequest{Action: pb.DowngradeRequest_CANCEL}},
	{method: pb.Maintenance_Downgrade_FullMethodName, in: &pb.DowngradeRequest{Action: 77}},

	{method: pb.Auth_Authenticate_FullMethodName, in: &pb.AuthenticateRequest{Name: "alice", Password: "wrong"}},
	{method: pb.Auth_AuthStatus_FullMethodName, in: &pb.AuthStatusRequest{}},
	{method: pb.Auth_AuthEnable_FullMethodName, in: &pb.AuthEnableRequest{}},
	{method: pb.Auth_AuthDisable_FullMethodName, in: &pb.AuthDisableRequest{}, changes: true},
	{method: pb.Auth_UserAdd_FullMethodName, in: &pb.AuthUserAddRequest{Password: "x"}},
	{method: pb.Auth_UserAdd_FullMethodName, in: &pb.AuthUserAddRequest{Name: "x", Password: "x"}, changes: true},
	{method: pb.Auth_UserDelete_FullMethodName, in: &pb.AuthUserDeleteRequest{Name: "alice"}, changes: true},
	{method: pb.Auth_UserGet_FullMethodName, in: &pb.AuthUserGetRequest{Name: "alice"}},
	{method: pb.Auth_UserGet_FullMethodName, in: &pb.AuthUserGetRequest{Name: store.Root}},
	{method: pb.Auth_UserGet_FullMethodName, in: &pb.AuthUserGetRequest{}},
	{method: pb.Auth_UserList_FullMethodName, in: &pb.AuthUserListRequest{}},
	{method: pb.Auth_UserChangePassword_FullMethodName, in: &pb.AuthUserChangePasswordRequest{Name: "alice", Password: "x"}, changes: true},
	{method: pb.Auth_UserGrantRole_FullMethodName, in: &pb.AuthUserGrantRoleRequest{User: "alice", Role: store.Root}, changes: true},
	{method: pb.Auth_UserRevokeRole_FullMethodName, in: &pb.AuthUserRevokeRoleRequest{Name: "alice", Role: "reader"}, changes: true},
	{method: pb.Auth_RoleAdd_FullMethodName, in: &pb.AuthRoleAddRequest{Name: "y"}, changes: true},
	{method: pb.Auth_RoleDelete_FullMethodName, in: &pb.AuthRoleDeleteRequest{Role: "other"}, changes: true},
	{method: pb.Auth_RoleGet_FullMethodName, in: &pb.AuthRoleGetRequest{Role: "reader"}},
	{method: pb.Auth_RoleGet_FullMethodName, in: &pb.AuthRoleGetRequest{Role: "other"}},
	{method: pb.Auth_RoleList_FullMethodName, in: &pb.AuthRoleListRequest{}},
	{
		method: pb.Auth_RoleGrantPermission_FullMethodName, changes: true,
		in: &pb.AuthRoleGrantPermissionRequest{Name: "other", Perm: &authpb.Permission{Key: []byte("q")}},
	},
	{
		method: pb.Auth_RoleRevokePermission_FullMethodName, changes: true,
		in: &pb.AuthRoleRevokePermissionRequest{Role: "reader", Key: []byte("k")},
	},

	{method: v3lockpb.Lock_Lock_FullMethodName, in: &v3lockpb.LockRequest{Name: []byte("l"), Lease: 7}},
	{method: v3lockpb.Lock_Lock_FullMethodName, in: &v3lockpb.LockRequest{Name: []byte("m")}},
	{method: v3lockpb.Lock_Unlock_FullMethodName, in: &v3lockpb.UnlockRequest{Key: []byte("l/x")}},
	{method: v3electionpb.Election_Leader_FullMethodName, in: &v3electionpb.LeaderRequest{Name: []byte("e")}},
	{method: v3electionpb.Election_Campaign_FullMethodName, in: &v3electionpb.CampaignRequest{Name: []byte("e"), Lease: 8}},
	{method: v3electionpb.Election_Proclaim_FullMethodName, in: &v3electionpb.ProclaimRequest{Leader: leads}},
	{method: v3electionpb.Election_Resign_FullMethodName, in: &v3electionpb.ResignRequest{Leader: leads}},
	{method: v3electionpb.Election_Observe_FullMethodName, in: &v3electionpb.LeaderRequest{Name: []byte("f")}},
}

var leads = &v3electionpb.LeaderKey{Name: []byte("e"), Key: []byte("e/1"), Rev: 1, Lease: 8}

func watchOf(key string) *pb.WatchRequest {
	return &pb.WatchRequest{RequestUnion: &pb.WatchRequest_CreateRequest{CreateRequest: &pb.WatchCreateRequest{Key: []byte(key)}}}
}
