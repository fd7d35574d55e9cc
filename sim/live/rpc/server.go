package rpc

import (
	"cmp"
	"context"
	"math"
	"time"
	"unicode/utf8"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"etcdsim/sim/cluster"
	"etcdsim/sim/live"
	"etcdsim/sim/live/token"
	"etcdsim/sim/live/vitals"
	"etcdsim/store"
)

// Config is what a server needs to know.
type Config struct {
	// Driver drives the universe, Member is the one to be served.
	Driver *live.Driver
	Member uint64
	// Cluster is the ID of the cluster.
	Cluster uint64
	// Election is how long members hear nothing from a leader before they elect
	// another.
	Election time.Duration
	// MaxRequest is the size of the largest request that the members take.
	MaxRequest int
	// Tokens, if not nil, sign and verify: the members make tokens that say themselves
	// who asks (node.Config.JWT).
	Tokens *token.Keys
	// CertAuth lets the common name in a client's certificate say who asks, where no
	// token does; etcd's --client-cert-auth.
	CertAuth bool
	// MaxStreams is how many streams a client may have open on one connection; 0 means
	// as many as it likes.
	MaxStreams uint32
	// Counters, if not nil, count what is asked and answered.
	Counters *vitals.Counters
	// Keepalive is etcd's --grpc-keepalive-...; its zero value means etcd's defaults.
	Keepalive Keepalive
}

// Keepalive says how a server and its clients find out that the other is there.
type Keepalive struct {
	// MinTime is the least time between two pings of a client; one that pings more
	// often is sent away.
	MinTime time.Duration
	// Interval is the time without activity after which the server pings, Timeout how
	// long it waits then.
	Interval, Timeout time.Duration
}

// DefaultKeepalive is etcd's.
func DefaultKeepalive() Keepalive {
	return Keepalive{MinTime: 5 * time.Second, Interval: 2 * time.Hour, Timeout: 20 * time.Second}
}

// introduction is how long a client may take to say the first words of HTTP/2.
const introduction = 30 * time.Second

// maxHeader is how large the metadata of a call may be, in bytes: that of a request over
// HTTP, too.
const maxHeader = 64 << 10

// overhead is what etcd allows a message beyond the size of a request.
const overhead = 512 << 10

// server serves one member.
type server struct {
	Config
	pb.UnsafeKVServer
	pb.UnsafeWatchServer
	pb.UnsafeLeaseServer
	pb.UnsafeAuthServer
	pb.UnsafeClusterServer
	pb.UnsafeMaintenanceServer
}

// NewServer returns a gRPC server with all services of the member. It has no
// listener yet.
func NewServer(c Config) *grpc.Server {
	if c.Keepalive == (Keepalive{}) {
		c.Keepalive = DefaultKeepalive()
	}
	if c.Counters == nil {
		c.Counters = &vitals.Counters{}
	}
	s := &server{Config: c}
	g := grpc.NewServer(
		grpc.MaxRecvMsgSize(c.MaxRequest+overhead),
		grpc.MaxSendMsgSize(math.MaxInt32),
		grpc.MaxHeaderListSize(maxHeader),
		grpc.MaxConcurrentStreams(cmp.Or(c.MaxStreams, math.MaxUint32)),
		grpc.ForceServerCodecV2(newCodec()),
		grpc.ConnectionTimeout(introduction),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: c.Keepalive.MinTime}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: c.Keepalive.Interval, Timeout: c.Keepalive.Timeout}),
		grpc.UnaryInterceptor(s.admitCall),
		grpc.StreamInterceptor(s.admitStream),
	)
	pb.RegisterKVServer(g, s)
	pb.RegisterWatchServer(g, s)
	pb.RegisterLeaseServer(g, s)
	pb.RegisterAuthServer(g, s)
	pb.RegisterClusterServer(g, s)
	pb.RegisterMaintenanceServer(g, s)
	registerConcurrency(g, s)
	healthpb.RegisterHealthServer(g, health.NewServer())
	expectAnswers(c.Counters, g)
	return g
}

// What the metadata of a call may hold, as in etcd's rpctypes.
const (
	metaLeader  = "hasleader"
	metaVersion = "client-api-version"
)

var errClientVersion = status.Error(codes.InvalidArgument, "etcdserver: invalid client api version")

// admitCall refuses what etcd refuses by the metadata of a call alone.
func (s *server) admitCall(
	ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
) (answer any, err error) {
	if err = s.admit(ctx, "unary"); err == nil {
		answer, err = handler(ctx, req)
	}
	s.Counters.Answered(handled(info.FullMethod, typeUnary, status.Code(err)))
	return answer, err
}

func (s *server) admitStream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	err := s.mayStream(ss.Context(), info.FullMethod)
	if err == nil {
		err = handler(srv, ss)
	}
	s.Counters.Answered(handled(info.FullMethod, typeOf(info.IsClientStream, info.IsServerStream), status.Code(err)))
	return err
}

// mayStream refuses streams to learners, which send their data only.
func (s *server) mayStream(ctx context.Context, method string) error {
	if err := s.admit(ctx, "stream"); err != nil {
		return err
	}
	learner := false
	if err := s.Driver.Inspect(ctx, func(c *cluster.Cluster) { learner = c.Member(s.Member).Learner }); err != nil {
		return failure(err)
	}
	if learner && method != pb.Maintenance_Snapshot_FullMethodName {
		return refusal(store.ErrNotSupportedForLearner)
	}
	return nil
}

func (s *server) admit(ctx context.Context, kind string) error {
	md, _ := metadata.FromIncomingContext(ctx)
	version := "unknown"
	if v := md.Get(metaVersion); len(v) > 0 {
		version = v[0]
	}
	if !utf8.ValidString(version) {
		return errClientVersion
	}
	s.Counters.Asked(vitals.Client{Type: kind, Version: version})
	if !requiresLeader(ctx) {
		return nil
	}
	leader, err := s.leader(ctx)
	if err == nil && leader == 0 {
		return refusal(store.ErrNoLeader)
	}
	return err
}

// leader returns the leader that the member knows, or 0.
func (s *server) leader(ctx context.Context) (id uint64, err error) {
	err = s.Driver.Inspect(ctx, func(c *cluster.Cluster) { id = c.Member(s.Member).Leader })
	return id, failure(err)
}

// requiresLeader reports whether a call shall fail rather than wait where the
// member knows no leader.
func requiresLeader(ctx context.Context) bool {
	md, _ := metadata.FromIncomingContext(ctx)
	v := md.Get(metaLeader)
	return len(v) > 0 && v[0] == "true"
}

// refusal is an error of the members as gRPC sends it.
func refusal(e *store.Error) error {
	return status.Error(codes.Code(e.Code), e.Text)
}

// failure is an error of the driver or of a context as gRPC sends it.
func failure(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*store.Error); ok { //nolint:errorlint // never wrapped
		return refusal(e)
	}
	return status.FromContextError(err).Err()
}

// header is that of an answer.
func (s *server) header(a *live.Answer) *pb.ResponseHeader {
	return &pb.ResponseHeader{ClusterId: s.Cluster, MemberId: s.Member, Revision: a.Revision, RaftTerm: a.Term}
}

// unary passes a request on, and returns the result with the header of the
// answer.
func unary[R store.Result](ctx context.Context, s *server, r store.Request) (result R, h *pb.ResponseHeader, err error) {
	a, err := s.Driver.Call(ctx, s.Member, s.credential(ctx), r)
	if err != nil {
		return result, nil, failure(err)
	}
	if a.Err != nil {
		return result, nil, refusal(a.Err)
	}
	return a.Result.(R), s.header(&a), nil
}
