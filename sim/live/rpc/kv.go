package rpc

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"etcdsim/store"
)

// Range implements the service KV.
func (s *server) Range(ctx context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error) {
	res, h, err := unary[*store.RangeResult](ctx, s, toRange(r))
	if err != nil {
		return nil, err
	}
	return fromRange(res, h), nil
}

// Put implements the service KV.
func (s *server) Put(ctx context.Context, r *pb.PutRequest) (*pb.PutResponse, error) {
	res, h, err := unary[*store.PutResult](ctx, s, toPut(r))
	if err != nil {
		return nil, err
	}
	return fromPut(res, h), nil
}

// DeleteRange implements the service KV.
func (s *server) DeleteRange(ctx context.Context, r *pb.DeleteRangeRequest) (*pb.DeleteRangeResponse, error) {
	res, h, err := unary[*store.DeleteRangeResult](ctx, s, toDeleteRange(r))
	if err != nil {
		return nil, err
	}
	return fromDeleteRange(res, h), nil
}

// Txn implements the service KV.
func (s *server) Txn(ctx context.Context, r *pb.TxnRequest) (*pb.TxnResponse, error) {
	res, h, err := unary[*store.TxnResult](ctx, s, toTxn(r))
	if err != nil {
		return nil, err
	}
	return fromTxn(res, h), nil
}

// Compact implements the service KV.
func (s *server) Compact(ctx context.Context, r *pb.CompactionRequest) (*pb.CompactionResponse, error) {
	_, h, err := unary[*store.CompactionResult](ctx, s, &store.CompactionRequest{Revision: r.Revision, Physical: r.Physical})
	if err != nil {
		return nil, err
	}
	return &pb.CompactionResponse{Header: h}, nil
}

// firstPart is how many keys the first part of a streamed range has. Later parts
// grow until they are about as large as a request may be.
const firstPart = 10

// RangeStream implements the service KV: the members answer in one piece, which is
// sent in parts. The header and the count come with the last one.
func (s *server) RangeStream(r *pb.RangeRequest, stream grpc.ServerStreamingServer[pb.RangeStreamResponse]) error {
	res, h, err := unary[*store.RangeResult](stream.Context(), s, &store.RangeStreamRequest{Range: *toRange(r)})
	if err != nil {
		return err
	}
	rest := res.KVs
	for n := firstPart; ; {
		part := rest[:min(n, len(rest))]
		rest = rest[len(part):]
		out := &pb.RangeResponse{Kvs: fromKVs(part)}
		if len(rest) == 0 {
			out.Header, out.More, out.Count = h, res.More, res.Count
		}
		if err := stream.Send(&pb.RangeStreamResponse{RangeResponse: out}); err != nil || len(rest) == 0 {
			return err
		}
		switch size := proto.Size(out); {
		case size < s.MaxRequest/2:
			n *= 2
		case size > s.MaxRequest*2:
			n = max(1, n/2)
		}
	}
}
