package rpc

import (
	"context"
	"errors"
	"io"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"

	"etcdsim/store"
)

// LeaseGrant implements the service Lease.
func (s *server) LeaseGrant(ctx context.Context, r *pb.LeaseGrantRequest) (*pb.LeaseGrantResponse, error) {
	res, h, err := unary[*store.LeaseGrantResult](ctx, s, &store.LeaseGrantRequest{ID: r.ID, TTL: r.TTL})
	if err != nil {
		return nil, err
	}
	return &pb.LeaseGrantResponse{Header: h, ID: res.ID, TTL: res.TTL}, nil
}

// LeaseRevoke implements the service Lease.
func (s *server) LeaseRevoke(ctx context.Context, r *pb.LeaseRevokeRequest) (*pb.LeaseRevokeResponse, error) {
	_, h, err := unary[*store.LeaseRevokeResult](ctx, s, &store.LeaseRevokeRequest{ID: r.ID})
	if err != nil {
		return nil, err
	}
	return &pb.LeaseRevokeResponse{Header: h}, nil
}

// LeaseTimeToLive implements the service Lease.
func (s *server) LeaseTimeToLive(ctx context.Context, r *pb.LeaseTimeToLiveRequest) (*pb.LeaseTimeToLiveResponse, error) {
	res, h, err := unary[*store.LeaseTimeToLiveResult](ctx, s, &store.LeaseTimeToLiveRequest{ID: r.ID, Keys: r.Keys})
	if err != nil {
		return nil, err
	}
	to := &pb.LeaseTimeToLiveResponse{Header: h, ID: res.ID, TTL: res.TTL, GrantedTTL: res.GrantedTTL}
	for _, key := range res.Keys {
		to.Keys = append(to.Keys, []byte(key))
	}
	return to, nil
}

// LeaseLeases implements the service Lease.
func (s *server) LeaseLeases(ctx context.Context, _ *pb.LeaseLeasesRequest) (*pb.LeaseLeasesResponse, error) {
	res, h, err := unary[*store.LeaseLeasesResult](ctx, s, &store.LeaseLeasesRequest{})
	if err != nil {
		return nil, err
	}
	to := &pb.LeaseLeasesResponse{Header: h}
	for _, id := range res.Leases {
		to.Leases = append(to.Leases, &pb.LeaseStatus{ID: id})
	}
	return to, nil
}

// LeaseKeepAlive implements the service Lease: each renewal on the stream is a
// request of its own.
func (s *server) LeaseKeepAlive(client grpc.BidiStreamingServer[pb.LeaseKeepAliveRequest, pb.LeaseKeepAliveResponse]) error {
	ended := make(chan error, 1)
	go func() { ended <- s.keepAlive(client) }()
	if !requiresLeader(client.Context()) {
		return <-ended
	}
	return s.mindLeader(client.Context(), ended)
}

func (s *server) keepAlive(client grpc.BidiStreamingServer[pb.LeaseKeepAliveRequest, pb.LeaseKeepAliveResponse]) error {
	for {
		r, err := client.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		res, h, err := unary[*store.LeaseKeepAliveResult](client.Context(), s, &store.LeaseKeepAliveRequest{ID: r.ID})
		if err != nil {
			return err
		}
		if err := client.Send(&pb.LeaseKeepAliveResponse{Header: h, ID: r.ID, TTL: res.TTL}); err != nil {
			return err
		}
	}
}

// A stream that requires a leader ends when the member knew none each of
// leaderlessMax times that it was looked, an election apart; etcd's monitorLeader.
const leaderlessMax = 3

// mindLeader waits for the end of a stream that requires a leader.
func (s *server) mindLeader(ctx context.Context, ended <-chan error) error {
	ticker := time.NewTicker(s.Election)
	defer ticker.Stop()
	for missed := 0; ; {
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
			return failure(ctx.Err())
		case <-ticker.C:
		}
		leader, err := s.leader(ctx)
		switch {
		case err != nil:
			return err
		case leader != 0:
			missed = 0
		default:
			missed++
		}
		if missed == leaderlessMax {
			return refusal(store.ErrNoLeader)
		}
	}
}
