// Package gateway speaks etcd's v3 API as JSON over plain HTTP, at /v3/...: the
// mapping that etcd generates from its API definitions, in front of the member's
// own gRPC server. 64-bit numbers are strings and bytes are base64, as protobuf
// prescribes; a stream is a line of JSON for each message.
package gateway

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"go.etcd.io/etcd/api/v3/etcdserverpb/gw"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"etcdsim/sim/live/rpc"
)

// pipe is the size of the buffers between the gateway and its server.
const pipe = 256 << 10

// Register adds the gateway to a mux. The server must have all its services; it is
// served within the process as well from now on, until it stops. closing frees
// what the gateway holds.
func Register(mux *http.ServeMux, server *grpc.Server, maxMessage int) (closing func(), err error) {
	l := bufconn.Listen(pipe)
	go func() { _ = server.Serve(l) }()
	conn, err := grpc.NewClient("passthrough:///member",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(1<<31-1)),
	)
	if err != nil {
		return nil, err
	}
	closing = func() {
		_ = conn.Close()
		_ = l.Close()
	}
	g := runtime.NewServeMux(runtime.WithMarshalerOption(runtime.MIMEWildcard, &runtime.HTTPBodyMarshaler{
		Marshaler: &runtime.JSONPb{
			MarshalOptions:   protojson.MarshalOptions{UseProtoNames: true},
			UnmarshalOptions: protojson.UnmarshalOptions{DiscardUnknown: true},
		},
	}))
	for _, register := range []func(context.Context, *runtime.ServeMux, *grpc.ClientConn) error{
		gw.RegisterKVHandler, gw.RegisterWatchHandler, gw.RegisterLeaseHandler, gw.RegisterClusterHandler,
		gw.RegisterMaintenanceHandler, gw.RegisterAuthHandler, registerConcurrency, registerDialogues,
	} {
		if err := register(context.Background(), g, conn); err != nil {
			closing()
			return nil, err
		}
	}
	mux.Handle("/v3/", limit(g, int64(maxMessage)*2)) // base64 and names take room
	return closing, nil
}

// registerConcurrency adds the services Lock and Election.
func registerConcurrency(_ context.Context, g *runtime.ServeMux, conn *grpc.ClientConn) error {
	for path, m := range map[string]method{ // unordered: each has a path of its own
		"/v3/lock/lock":         {"v3lockpb.Lock", "Lock", "LockRequest", "LockResponse", false},
		"/v3/lock/unlock":       {"v3lockpb.Lock", "Unlock", "UnlockRequest", "UnlockResponse", false},
		"/v3/election/campaign": {"v3electionpb.Election", "Campaign", "CampaignRequest", "CampaignResponse", false},
		"/v3/election/proclaim": {"v3electionpb.Election", "Proclaim", "ProclaimRequest", "ProclaimResponse", false},
		"/v3/election/leader":   {"v3electionpb.Election", "Leader", "LeaderRequest", "LeaderResponse", false},
		"/v3/election/observe":  {"v3electionpb.Election", "Observe", "LeaderRequest", "LeaderResponse", true},
		"/v3/election/resign":   {"v3electionpb.Election", "Resign", "ResignRequest", "ResignResponse", false},
	} {
		if err := g.HandlePath(http.MethodPost, path, m.handler(g, conn)); err != nil {
			return err
		}
	}
	return nil
}

// method is a method of a service that etcd's API module does not have.
type method struct {
	service, name string
	in, out       string // messages of the service's package
	streamed      bool
}

func (m method) message(name string) proto.Message {
	pkg, _, _ := strings.Cut(m.service, ".")
	return rpc.NewMessage(pkg + "." + name)
}

// handler passes a call on, as the generated ones do.
func (m method) handler(g *runtime.ServeMux, conn *grpc.ClientConn) runtime.HandlerFunc {
	full := "/" + m.service + "/" + m.name
	return func(w http.ResponseWriter, r *http.Request, _ map[string]string) {
		in, out := runtime.MarshalerForRequest(g, r)
		ctx, err := runtime.AnnotateContext(r.Context(), g, r, full)
		if err != nil {
			runtime.HTTPError(r.Context(), g, out, w, r, err)
			return
		}
		request := m.message(m.in)
		if err := in.NewDecoder(r.Body).Decode(request); err != nil && !errors.Is(err, io.EOF) {
			runtime.HTTPError(ctx, g, out, w, r, status.Error(codes.InvalidArgument, err.Error()))
			return
		}
		if m.streamed {
			m.stream(ctx, g, conn, full, request, out, w, r)
			return
		}
		response := m.message(m.out)
		var meta runtime.ServerMetadata
		if err := conn.Invoke(ctx, full, request, response, grpc.Header(&meta.HeaderMD), grpc.Trailer(&meta.TrailerMD)); err != nil {
			runtime.HTTPError(runtime.NewServerMetadataContext(ctx, meta), g, out, w, r, err)
			return
		}
		runtime.ForwardResponseMessage(runtime.NewServerMetadataContext(ctx, meta), g, out, w, r, response)
	}
}

// stream passes a stream on, message by message.
func (m method) stream(
	ctx context.Context, g *runtime.ServeMux, conn *grpc.ClientConn, full string, request proto.Message,
	out runtime.Marshaler, w http.ResponseWriter, r *http.Request,
) {
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, full)
	if err == nil {
		err = stream.SendMsg(request)
	}
	if err == nil {
		err = stream.CloseSend()
	}
	if err != nil {
		runtime.HTTPError(ctx, g, out, w, r, err)
		return
	}
	ctx = runtime.NewServerMetadataContext(ctx, runtime.ServerMetadata{HeaderMD: metadata.MD{}})
	runtime.ForwardResponseStream(ctx, g, out, w, r, func() (proto.Message, error) {
		response := m.message(m.out)
		return response, stream.RecvMsg(response)
	})
}
