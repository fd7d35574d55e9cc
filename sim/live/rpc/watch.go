package rpc

import (
	"context"
	"errors"
	"io"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc"

	"etcdsim/sim/live"
	"etcdsim/store"
)

// window is how many bytes of a stream may be on their way to its client: what a
// slow client makes the server keep. The member keeps the rest, as long as etcd
// would.
const window = 1 << 20

// Watch implements the service Watch: the client's stream is a stream to the
// member.
func (s *server) Watch(client grpc.BidiStreamingServer[pb.WatchRequest, pb.WatchResponse]) error {
	ctx, cancel := context.WithCancel(client.Context())
	defer cancel()
	open := &store.StreamOpenRequest{RequireLeader: requiresLeader(ctx), Window: window}
	stream, err := s.Driver.Stream(ctx, s.Member, s.credential(ctx), open)
	if err != nil {
		return failure(err)
	}
	defer stream.Close()
	ended := make(chan error, 1)
	go func() {
		err := passOn(ctx, client, stream)
		if err != nil {
			cancel()
		}
		ended <- err
	}()
	taken := int64(0)
	for {
		a, err := stream.Recv(ctx)
		if err != nil {
			select {
			case err := <-ended:
				return err
			default:
				return failure(err)
			}
		}
		if a.Err != nil {
			return refusal(a.Err)
		}
		res := a.Result.(*store.WatchResponse)
		if err := client.Send(s.watchResponse(&a, res)); err != nil {
			return err
		}
		if taken += res.Bytes(); taken >= window/2 {
			if err := stream.Send(ctx, &store.StreamTakenRequest{Bytes: taken}); err != nil {
				return failure(err)
			}
			taken = 0
		}
	}
}

// passOn passes the client's requests on until it closes its side.
func passOn(ctx context.Context, client grpc.BidiStreamingServer[pb.WatchRequest, pb.WatchResponse], stream *live.Stream) error {
	for {
		req, err := client.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var r store.Request
		switch req := req.RequestUnion.(type) {
		case *pb.WatchRequest_CreateRequest:
			if req.CreateRequest == nil {
				continue
			}
			r = toWatch(req.CreateRequest)
		case *pb.WatchRequest_CancelRequest:
			if req.CancelRequest == nil {
				continue
			}
			r = &store.WatchCancelRequest{WatchID: req.CancelRequest.WatchId}
		case *pb.WatchRequest_ProgressRequest:
			r = &store.WatchProgressRequest{}
		default:
			continue // of a later etcd
		}
		if err := stream.Send(ctx, r); err != nil {
			return failure(err)
		}
	}
}

func toWatch(r *pb.WatchCreateRequest) *store.WatchRequest {
	to := &store.WatchRequest{
		Key: string(r.Key), RangeEnd: string(r.RangeEnd), StartRevision: r.StartRevision, WatchID: r.WatchId,
		ProgressNotify: r.ProgressNotify, PrevKV: r.PrevKv, Fragment: r.Fragment,
	}
	for _, f := range r.Filters {
		switch f {
		case pb.WatchCreateRequest_NOPUT:
			to.NoPut = true
		case pb.WatchCreateRequest_NODELETE:
			to.NoDelete = true
		}
	}
	return to
}

func (s *server) watchResponse(a *live.Answer, res *store.WatchResponse) *pb.WatchResponse {
	h := s.header(a)
	h.Revision = res.Revision
	to := &pb.WatchResponse{
		Header: h, WatchId: res.WatchID, Created: res.Created, Canceled: res.Canceled, CancelReason: res.CancelReason,
		CompactRevision: res.CompactRevision, Fragment: res.Fragment,
	}
	for i := range res.Events {
		e := &res.Events[i]
		to.Events = append(to.Events, &mvccpb.Event{Type: mvccpb.Event_EventType(e.Type), Kv: fromKV(e.KV), PrevKv: fromKV(e.PrevKV)})
	}
	return to
}
