// Package host puts together what it takes to serve a universe: a world, its
// driver, and an endpoint for each member with etcd's API.
package host

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	"etcdsim/sim"
	"etcdsim/sim/live"
	"etcdsim/sim/live/endpoint"
	"etcdsim/sim/live/rpc"
)

// Config describes a host.
type Config struct {
	// World makes the universe, given where clients reach its founders.
	World func(urls []string) (live.World, error)
	// Nodes is the number of founders, Seed that of the universe.
	Nodes int
	Seed  uint64
	// Speed is that of virtual time; see live.Config.
	Speed float64
	// Recorder, if not nil, is given everything that enters.
	Recorder func(urls []string) (*live.Recorder, error)
	// Address returns where a member listens.
	Address func(id uint64) string
	// MaxRequest is the size of the largest request that members take.
	MaxRequest int
	// Keepalive is that of gRPC.
	Keepalive rpc.Keepalive
	// Failed is told of endpoints that cannot be opened again.
	Failed func(error)
}

// Host is a universe that real clients reach.
type Host struct {
	// Driver drives it.
	Driver    *live.Driver
	endpoints *endpoint.Endpoints
}

// Start opens the endpoints and lets the universe begin. When it returns, members
// serve clients.
func Start(cfg Config) (*Host, error) {
	h := &Host{}
	var err error
	h.endpoints, err = endpoint.Reserve(cfg.Nodes, endpoint.Config{
		Address: cfg.Address,
		Failed:  cfg.Failed,
		GRPC: func(id uint64) *grpc.Server {
			return rpc.NewServer(rpc.Config{
				Driver: h.Driver, Member: id, Cluster: sim.Mix(cfg.Seed), MaxRequest: cfg.MaxRequest, Keepalive: cfg.Keepalive,
			})
		},
	})
	if err != nil {
		return nil, err
	}
	if err := h.begin(cfg); err != nil {
		h.endpoints.Close()
		return nil, err
	}
	h.endpoints.Serve()
	h.endpoints.Settle()
	return h, nil
}

func (h *Host) begin(cfg Config) error {
	urls := h.URLs()
	world, err := cfg.World(urls)
	if err != nil {
		return err
	}
	c := live.Config{Speed: cfg.Speed, Watch: h.endpoints.Watch}
	if cfg.Recorder != nil {
		if c.Recorder, err = cfg.Recorder(urls); err != nil {
			world.Close()
			return err
		}
	}
	if h.Driver, err = live.Start(world, c); err != nil {
		world.Close()
	}
	return err
}

// URLs returns where clients reach the members.
func (h *Host) URLs() []string {
	urls := h.endpoints.Addresses()
	for i := range urls {
		urls[i] = "http://" + urls[i]
	}
	return urls
}

// Endpoints returns the hosts and ports of the members, in the order of their IDs.
func (h *Host) Endpoints() []string { return h.endpoints.Addresses() }

// Do lets a statement of the scenario language take effect, and returns when the
// endpoints show what came of it.
func (h *Host) Do(ctx context.Context, statement string) (note string, err error) {
	note, err = h.Driver.Do(ctx, statement)
	h.endpoints.Settle()
	return note, err
}

// Open reserves an address for a member that was announced, so that it tells it when
// it starts.
func (h *Host) Open(ctx context.Context, id uint64) error {
	address, err := h.endpoints.Reserve(id)
	if err != nil {
		return fmt.Errorf("no address for member %d: %w", id, err)
	}
	return h.Driver.Advertise(ctx, id, "http://"+address)
}

// Close ends the universe and its endpoints. The error is that of the recording.
func (h *Host) Close() error {
	err := h.Driver.Stop()
	h.endpoints.Close()
	return err
}
