package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// dialogue is a method in which both sides may send as many messages as they like. What
// etcd generates for those swallows mistakes: who sends nonsense waits for ever. Here it
// is told.
type dialogue struct {
	path, method string
	in, out      func() proto.Message
}

var dialogues = []dialogue{
	{
		"/v3/watch", pb.Watch_Watch_FullMethodName,
		func() proto.Message { return new(pb.WatchRequest) }, func() proto.Message { return new(pb.WatchResponse) },
	},
	{
		"/v3/lease/keepalive", pb.Lease_LeaseKeepAlive_FullMethodName,
		func() proto.Message { return new(pb.LeaseKeepAliveRequest) }, func() proto.Message { return new(pb.LeaseKeepAliveResponse) },
	},
}

// registerDialogues puts our own in place of the generated handlers: the last one that
// is registered for a path serves it.
func registerDialogues(_ context.Context, g *runtime.ServeMux, conn *grpc.ClientConn) error {
	for _, d := range dialogues {
		if err := g.HandlePath(http.MethodPost, d.path, d.handler(g, conn)); err != nil {
			return err
		}
	}
	return nil
}

func (d dialogue) handler(g *runtime.ServeMux, conn *grpc.ClientConn) runtime.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request, _ map[string]string) {
		in, out := runtime.MarshalerForRequest(g, r)
		// Otherwise HTTP/1 throws away what was not read when the first answer is written.
		// HTTP/2 needs none of this.
		_ = http.NewResponseController(w).EnableFullDuplex()
		ctx, cancel := context.WithCancelCause(r.Context())
		defer cancel(nil)
		annotated, err := runtime.AnnotateContext(ctx, g, r, d.method, runtime.WithHTTPPathPattern(d.path))
		var stream grpc.ClientStream
		if err == nil {
			stream, err = conn.NewStream(annotated, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, d.method)
		}
		if err != nil {
			runtime.HTTPError(ctx, g, out, w, r, err)
			return
		}
		go d.listen(in, r.Body.(*limited), stream, cancel)
		annotated = runtime.NewServerMetadataContext(annotated, runtime.ServerMetadata{HeaderMD: metadata.MD{}})
		runtime.ForwardResponseStream(annotated, g, out, w, r, func() (proto.Message, error) {
			m := d.out()
			err := stream.RecvMsg(m)
			if mistake := context.Cause(ctx); err != nil && status.Code(mistake) == codes.InvalidArgument {
				err = mistake
			}
			return m, err
		})
	}
}

// listen passes on what the client sends. It ends with the body, which is closed when
// the answer has ended.
func (d dialogue) listen(in runtime.Marshaler, body *limited, to grpc.ClientStream, cancel context.CancelCauseFunc) {
	for from := in.NewDecoder(body); ; body.another() {
		m := d.in()
		switch err := from.Decode(m); {
		case errors.Is(err, io.EOF):
			_ = to.CloseSend()
			return
		case err != nil:
			cancel(status.Error(codes.InvalidArgument, err.Error()))
			return
		}
		if to.SendMsg(m) != nil {
			return // the answers tell why
		}
	}
}
