package rpc

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"etcdsim/sim/live"
	"etcdsim/store"
)

// The services Lock and Election. Their messages are defined in etcd's server
// module, which would bring the whole server along; here they are described at
// run time, with the same names and numbers (see messages.go). Requests that may
// wait for long travel on a stream of the universe, so that the member learns when
// nobody waits any more.

// operation is what one method does with a request.
type operation func(ctx context.Context, s *server, in message) (message, error)

// message reads and writes the fields of a message by their names.
type message struct{ *dynamicpb.Message }

func newMessage(name string) message {
	return message{dynamicpb.NewMessage(concurrencyMessages[name])}
}

func (m message) field(name string) protoreflect.FieldDescriptor {
	return m.Descriptor().Fields().ByName(protoreflect.Name(name))
}

func (m message) text(name string) string { return string(m.Get(m.field(name)).Bytes()) }

func (m message) number(name string) int64 { return m.Get(m.field(name)).Int() }

func (m message) setText(name, v string) {
	m.Set(m.field(name), protoreflect.ValueOfBytes([]byte(v)))
}

func (m message) setNumber(name string, v int64) { m.Set(m.field(name), protoreflect.ValueOfInt64(v)) }

// setMessage sets a field to a message of a generated type, or to one of these.
func (m message) setMessage(name string, v proto.Message) {
	m.Set(m.field(name), protoreflect.ValueOfMessage(v.ProtoReflect()))
}

// leader reads a field with a LeaderKey; nil if it is not set.
func (m message) leader() *store.LeaderKey {
	if !m.Has(m.field("leader")) {
		return nil
	}
	key := message{m.Get(m.field("leader")).Message().Interface().(*dynamicpb.Message)}
	return &store.LeaderKey{Name: key.text("name"), Key: key.text("key"), Rev: key.number("rev"), Lease: key.number("lease")}
}

// lasting passes on a request that may wait.
func lasting[R store.Result](ctx context.Context, s *server, r store.Request) (result R, h *pb.ResponseHeader, err error) {
	stream, err := s.Driver.Stream(ctx, s.Member, s.credential(ctx), r)
	if err != nil {
		return result, nil, failure(err)
	}
	defer stream.Close()
	a, err := stream.Recv(ctx)
	if err != nil {
		return result, nil, failure(err)
	}
	if a.Err != nil {
		return result, nil, refusal(a.Err)
	}
	return a.Result.(R), s.header(&a), nil
}

// headed returns a response that consists of its header, if there is no error.
func headed(name string, h *pb.ResponseHeader, err error) (message, error) {
	if err != nil {
		return message{}, err
	}
	out := newMessage(name)
	out.setMessage("header", h)
	return out, nil
}

var lockMethods = map[string]operation{
	"Lock": func(ctx context.Context, s *server, in message) (message, error) {
		res, h, err := lasting[*store.LockResult](ctx, s, &store.LockRequest{Name: in.text("name"), Lease: in.number("lease")})
		out, err := headed("v3lockpb.LockResponse", h, err)
		if err == nil {
			out.setText("key", res.Key)
		}
		return out, err
	},
	"Unlock": func(ctx context.Context, s *server, in message) (message, error) {
		_, h, err := lasting[*store.UnlockResult](ctx, s, &store.UnlockRequest{Key: in.text("key")})
		return headed("v3lockpb.UnlockResponse", h, err)
	},
}

var electionMethods = map[string]operation{
	"Campaign": func(ctx context.Context, s *server, in message) (message, error) {
		res, h, err := lasting[*store.CampaignResult](ctx, s, &store.CampaignRequest{
			Name: in.text("name"), Value: in.text("value"), Lease: in.number("lease"),
		})
		out, err := headed("v3electionpb.CampaignResponse", h, err)
		if err == nil {
			key := newMessage("v3electionpb.LeaderKey")
			key.setText("name", res.Leader.Name)
			key.setText("key", res.Leader.Key)
			key.setNumber("rev", res.Leader.Rev)
			key.setNumber("lease", res.Leader.Lease)
			out.setMessage("leader", key)
		}
		return out, err
	},
	"Proclaim": func(ctx context.Context, s *server, in message) (message, error) {
		_, h, err := lasting[*store.ProclaimResult](ctx, s, &store.ProclaimRequest{Leader: in.leader(), Value: in.text("value")})
		return headed("v3electionpb.ProclaimResponse", h, err)
	},
	"Leader": func(ctx context.Context, s *server, in message) (message, error) {
		res, h, err := lasting[*store.LeaderResult](ctx, s, &store.LeaderRequest{Name: in.text("name")})
		if err != nil {
			return message{}, err
		}
		return leaderMessage(h, res), nil
	},
	"Resign": func(ctx context.Context, s *server, in message) (message, error) {
		_, h, err := lasting[*store.ResignResult](ctx, s, &store.ResignRequest{Leader: in.leader()})
		return headed("v3electionpb.ResignResponse", h, err)
	},
}

func leaderMessage(h *pb.ResponseHeader, res *store.LeaderResult) message {
	out := newMessage("v3electionpb.LeaderResponse")
	out.setMessage("header", h)
	out.setMessage("kv", fromKV(&res.KV))
	return out
}

// observe tells of each leader of an election. Why it ends without the client's doing is
// not told, as etcd does not: an observer that is refused hears of no leader.
func (s *server) observe(in message, client grpc.ServerStream) error {
	ctx := client.Context()
	stream, err := s.Driver.Stream(ctx, s.Member, s.credential(ctx), &store.ObserveRequest{Name: in.text("name")})
	if err != nil {
		return failure(err)
	}
	defer stream.Close()
	for {
		var a live.Answer
		if a, err = stream.Recv(ctx); err != nil {
			return failure(err)
		}
		if a.Err != nil {
			return nil
		}
		if err := client.SendMsg(leaderMessage(s.header(&a), a.Result.(*store.LeaderResult)).Message); err != nil {
			return err
		}
	}
}

// registerConcurrency adds the two services to a server.
func registerConcurrency(g *grpc.Server, s *server) {
	g.RegisterService(describeService("v3lockpb.Lock", lockMethods), s)
	election := describeService("v3electionpb.Election", electionMethods)
	election.Streams = []grpc.StreamDesc{{
		StreamName: "Observe", ServerStreams: true,
		Handler: func(srv any, client grpc.ServerStream) error {
			in := newMessage("v3electionpb.LeaderRequest")
			if err := client.RecvMsg(in.Message); err != nil {
				return err
			}
			return srv.(*server).observe(in, client)
		},
	}}
	g.RegisterService(election, s)
}

func describeService(name string, methods map[string]operation) *grpc.ServiceDesc {
	desc := &grpc.ServiceDesc{ServiceName: name, HandlerType: (*any)(nil)}
	pkg := string(protoreflect.FullName(name).Parent())
	for method, do := range methods { // unordered: each has a name of its own
		full := "/" + name + "/" + method
		desc.Methods = append(desc.Methods, grpc.MethodDesc{
			MethodName: method,
			Handler: func(srv any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
				in := newMessage(pkg + "." + method + "Request")
				if err := decode(in.Message); err != nil {
					return nil, err
				}
				handle := func(ctx context.Context, req any) (any, error) {
					out, err := do(ctx, srv.(*server), message{req.(*dynamicpb.Message)})
					if err != nil {
						return nil, err
					}
					return out.Message, nil
				}
				if intercept == nil {
					return handle(ctx, in.Message)
				}
				return intercept(ctx, in.Message, &grpc.UnaryServerInfo{Server: srv, FullMethod: full}, handle)
			},
		})
	}
	return desc
}
