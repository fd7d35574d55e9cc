package rpc

import (
	"context"
	"strconv"
	"strings"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"etcdsim/store"
)

// Alarm implements the service Maintenance.
func (s *server) Alarm(ctx context.Context, r *pb.AlarmRequest) (*pb.AlarmResponse, error) {
	res, h, err := unary[*store.AlarmResult](ctx, s, &store.AlarmRequest{
		Action: store.AlarmAction(r.Action), Alarm: store.Alarm{MemberID: r.MemberID, Type: store.AlarmType(r.Alarm)},
	})
	if err != nil {
		return nil, err
	}
	to := &pb.AlarmResponse{Header: h}
	for _, a := range res.Alarms {
		to.Alarms = append(to.Alarms, &pb.AlarmMember{MemberID: a.MemberID, Alarm: pb.AlarmType(a.Type)})
	}
	return to, nil
}

// Status implements the service Maintenance.
func (s *server) Status(ctx context.Context, _ *pb.StatusRequest) (*pb.StatusResponse, error) {
	res, h, err := unary[*store.StatusResult](ctx, s, &store.StatusRequest{})
	if err != nil {
		return nil, err
	}
	return &pb.StatusResponse{
		Header: h, Version: res.Version, StorageVersion: res.StorageVersion,
		DbSize: res.DBSize, DbSizeInUse: res.DBSizeInUse, DbSizeQuota: res.DBSizeQuota,
		Leader: res.Leader, RaftIndex: res.RaftIndex, RaftTerm: res.RaftTerm, RaftAppliedIndex: res.RaftAppliedIndex,
		IsLearner: res.IsLearner, Errors: res.Errors, DowngradeInfo: &pb.DowngradeInfo{},
	}, nil
}

// Defragment implements the service Maintenance.
func (s *server) Defragment(ctx context.Context, _ *pb.DefragmentRequest) (*pb.DefragmentResponse, error) {
	if _, _, err := unary[*store.DefragmentResult](ctx, s, &store.DefragmentRequest{}); err != nil {
		return nil, err
	}
	return &pb.DefragmentResponse{}, nil
}

// Hash implements the service Maintenance.
func (s *server) Hash(ctx context.Context, _ *pb.HashRequest) (*pb.HashResponse, error) {
	res, h, err := unary[*store.BackendHashResult](ctx, s, &store.BackendHashRequest{})
	if err != nil {
		return nil, err
	}
	return &pb.HashResponse{Header: h, Hash: res.Hash}, nil
}

// HashKV implements the service Maintenance.
func (s *server) HashKV(ctx context.Context, r *pb.HashKVRequest) (*pb.HashKVResponse, error) {
	res, h, err := unary[*store.HashKVResult](ctx, s, &store.HashKVRequest{Revision: r.Revision})
	if err != nil {
		return nil, err
	}
	return &pb.HashKVResponse{Header: h, Hash: res.Hash, CompactRevision: res.CompactRevision, HashRevision: res.HashRevision}, nil
}

// MoveLeader implements the service Maintenance.
func (s *server) MoveLeader(ctx context.Context, r *pb.MoveLeaderRequest) (*pb.MoveLeaderResponse, error) {
	if _, _, err := unary[*store.MoveLeaderResult](ctx, s, &store.MoveLeaderRequest{Target: r.TargetID}); err != nil {
		return nil, err
	}
	return &pb.MoveLeaderResponse{}, nil
}

// Snapshot implements the service Maintenance.
func (s *server) Snapshot(_ *pb.SnapshotRequest, client grpc.ServerStreamingServer[pb.SnapshotResponse]) error {
	ctx := client.Context()
	stream, err := s.Driver.Stream(ctx, s.Member, s.credential(ctx), &store.SnapshotRequest{})
	if err != nil {
		return failure(err)
	}
	defer stream.Close()
	for data := true; ; {
		a, err := stream.Recv(ctx)
		if err != nil {
			return failure(err)
		}
		if a.Err != nil {
			return refusal(a.Err)
		}
		part := a.Result.(*store.SnapshotResult)
		if err := client.Send(&pb.SnapshotResponse{
			RemainingBytes: part.RemainingBytes, Blob: part.Blob, Version: part.Version,
		}); err != nil {
			return err
		}
		if !data {
			return nil // that was the checksum
		}
		data = part.RemainingBytes > 0
	}
}

var (
	// errDowngrade refuses what the simulation has only one version for.
	errDowngrade = status.Error(codes.Unimplemented, "etcdsim: members of the simulation have one version and cannot be downgraded")
	// errAction refuses what no version of etcd does.
	errAction = status.Error(codes.Unknown, "etcdserver: unknown method")
)

// Downgrade implements the service Maintenance, up to the point where members would
// change their version.
func (s *server) Downgrade(ctx context.Context, r *pb.DowngradeRequest) (*pb.DowngradeResponse, error) {
	// Who may do it is decided as for any other change of the cluster.
	_, h, err := unary[*store.HashKVResult](ctx, s, &store.HashKVRequest{})
	if err != nil {
		return nil, err
	}
	switch r.Action {
	case pb.DowngradeRequest_CANCEL:
	case pb.DowngradeRequest_VALIDATE, pb.DowngradeRequest_ENABLE:
		if err := checkTarget(r.Version); err != nil {
			return nil, err
		}
		if r.Action == pb.DowngradeRequest_ENABLE {
			return nil, errDowngrade
		}
	default:
		return nil, errAction
	}
	return &pb.DowngradeResponse{Header: h, Version: clusterVersion}, nil
}

const (
	clusterVersion = "3.7"
	lowerMinor     = 6
)

// checkTarget accepts one minor version below that of the cluster, as etcd does.
func checkTarget(v string) error {
	parts := strings.Split(v, ".")
	if len(parts) == 2 {
		parts = append(parts, "0")
	}
	if len(parts) != 3 {
		return rpctypes.ErrGRPCWrongDowngradeVersionFormat
	}
	var n [3]int
	for i, part := range parts {
		var err error
		if n[i], err = strconv.Atoi(part); err != nil || n[i] < 0 {
			return rpctypes.ErrGRPCWrongDowngradeVersionFormat
		}
	}
	if n[0] != 3 || n[1] != lowerMinor {
		return rpctypes.ErrGRPCInvalidDowngradeTargetVersion
	}
	return nil
}
