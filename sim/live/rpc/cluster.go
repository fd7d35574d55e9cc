package rpc

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"etcdsim/store"
)

// MemberAdd implements the service Cluster.
func (s *server) MemberAdd(ctx context.Context, r *pb.MemberAddRequest) (*pb.MemberAddResponse, error) {
	res, h, err := unary[*store.MemberAddResult](ctx, s, &store.MemberAddRequest{PeerURLs: r.PeerURLs, Learner: r.IsLearner})
	if err != nil {
		return nil, err
	}
	return &pb.MemberAddResponse{Header: bare(h), Member: fromMember(&res.Member), Members: fromMembers(res.Members)}, nil
}

// MemberRemove implements the service Cluster.
func (s *server) MemberRemove(ctx context.Context, r *pb.MemberRemoveRequest) (*pb.MemberRemoveResponse, error) {
	members, h, err := s.members(ctx, &store.MemberRemoveRequest{ID: r.ID})
	if err != nil {
		return nil, err
	}
	return &pb.MemberRemoveResponse{Header: h, Members: members}, nil
}

// MemberUpdate implements the service Cluster.
func (s *server) MemberUpdate(ctx context.Context, r *pb.MemberUpdateRequest) (*pb.MemberUpdateResponse, error) {
	members, h, err := s.members(ctx, &store.MemberUpdateRequest{ID: r.ID, PeerURLs: r.PeerURLs})
	if err != nil {
		return nil, err
	}
	return &pb.MemberUpdateResponse{Header: h, Members: members}, nil
}

// MemberList implements the service Cluster.
func (s *server) MemberList(ctx context.Context, r *pb.MemberListRequest) (*pb.MemberListResponse, error) {
	members, h, err := s.members(ctx, &store.MemberListRequest{Linearizable: r.Linearizable})
	if err != nil {
		return nil, err
	}
	return &pb.MemberListResponse{Header: h, Members: members}, nil
}

// MemberPromote implements the service Cluster.
func (s *server) MemberPromote(ctx context.Context, r *pb.MemberPromoteRequest) (*pb.MemberPromoteResponse, error) {
	members, h, err := s.members(ctx, &store.MemberPromoteRequest{ID: r.ID})
	if err != nil {
		return nil, err
	}
	return &pb.MemberPromoteResponse{Header: h, Members: members}, nil
}

func (s *server) members(ctx context.Context, r store.Request) ([]*pb.Member, *pb.ResponseHeader, error) {
	res, h, err := unary[*store.MembersResult](ctx, s, r)
	if err != nil {
		return nil, nil, err
	}
	return fromMembers(res.Members), bare(h), nil
}

// bare takes the revision out of a header: answers about members have none.
func bare(h *pb.ResponseHeader) *pb.ResponseHeader {
	h.Revision = 0
	return h
}
