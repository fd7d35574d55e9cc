package compare

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// etcd is a real etcd of one member, in this process, and a connection to it.
type etcd struct {
	dir  string
	etcd *embed.Etcd
	conn *grpc.ClientConn
}

// Settings of a member that both sides have, or whose consequences both have. A
// short election makes a start fast, and gives the shortest time to live that a
// lease may have: one and a half elections, rounded up to a second.
const (
	tick          = 10 * time.Millisecond
	electionTicks = 10
)

// startEtcd starts an empty etcd and waits until it serves.
func startEtcd() (*etcd, error) {
	dir, err := os.MkdirTemp("", "etcd") // short: the paths of sockets must be
	if err != nil {
		return nil, err
	}
	e := &etcd{dir: dir}
	if err := e.start(); err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

// start starts the server with what is in its directory, and connects to it.
func (e *etcd) start() (err error) {
	cfg := embed.NewConfig()
	cfg.Name = "n1"
	cfg.Dir = filepath.Join(e.dir, "data")
	cfg.TickMs = uint(tick.Milliseconds())
	cfg.ElectionMs = electionTicks * cfg.TickMs
	cfg.UnsafeNoFsync = true
	cfg.BcryptCost = 4 // the least
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	client := url.URL{Scheme: "unix", Path: filepath.Join(e.dir, "client")}
	peer := url.URL{Scheme: "unix", Path: filepath.Join(e.dir, "peer")}
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)

	if e.etcd, err = embed.StartEtcd(cfg); err != nil {
		return err
	}
	select {
	case <-e.etcd.Server.ReadyNotify():
	case <-time.After(time.Minute):
		return fmt.Errorf("etcd in %s is not ready after a minute", e.dir)
	}
	e.conn, err = grpc.NewClient(client.String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(1<<30)))
	return err
}

// stop ends the server and leaves its data.
func (e *etcd) stop() {
	if e.conn != nil {
		e.conn.Close()
	}
	if e.etcd != nil {
		e.etcd.Close()
	}
	e.conn, e.etcd = nil, nil
}

func (e *etcd) close() {
	e.stop()
	os.RemoveAll(e.dir)
}

// spares starts etcds ahead of their use: a start takes mostly waiting.
type spares struct {
	ready  chan started
	cancel context.CancelFunc
}

type started struct {
	etcd *etcd
	err  error
}

func newSpares(ctx context.Context) *spares {
	ctx, cancel := context.WithCancel(ctx)
	s := &spares{ready: make(chan started), cancel: cancel}
	go func() {
		defer close(s.ready)
		for {
			e, err := startEtcd()
			select {
			case s.ready <- started{e, err}:
			case <-ctx.Done():
				if err == nil {
					e.close()
				}
				return
			}
		}
	}()
	return s
}

func (s *spares) take() (*etcd, error) {
	next := <-s.ready
	return next.etcd, next.err
}

// close ends the starting, and the spare that nobody took.
func (s *spares) close() {
	s.cancel()
	for next := range s.ready {
		if next.err == nil {
			next.etcd.close()
		}
	}
}
