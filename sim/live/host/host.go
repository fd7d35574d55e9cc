// Package host puts together what it takes to serve a universe: a scenario that
// goes on, its driver, and an endpoint for each member with etcd's API.
package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"

	"etcdsim/scenarios"
	"etcdsim/sim"
	"etcdsim/sim/cluster"
	"etcdsim/sim/live"
	"etcdsim/sim/live/endpoint"
	"etcdsim/sim/live/gateway"
	"etcdsim/sim/live/older"
	"etcdsim/sim/live/rpc"
	"etcdsim/sim/live/token"
	"etcdsim/sim/live/vitals"
	"etcdsim/sim/trace"
	"etcdsim/store"
	"etcdsim/store/saved"
)

// Default is the scenario of a host that is given none: three members whose network
// and disks are so fast that a client on the same machine hardly notices them.
const Default = `cluster nodes=3
net     latency=10us..30us
disk    sync=10us..50us
node    snapshot=10000 catch-up=5000
`

// Config describes a host.
type Config struct {
	// Scenario is what the universe begins with; nil means Default. Its statements
	// happen before the members are served.
	Scenario *scenarios.File
	// Seed is that of the universe, Options vary the scenario.
	Seed    uint64
	Options scenarios.Options
	// Speed is that of virtual time; see live.Config.
	Speed float64
	// Record, if not nil, is where the recording goes.
	Record io.Writer
	// Address returns the host and port on which a member listens; port 0 means any.
	Address func(id uint64) string
	// TLS says how connections are secured; its zero value means that they are not. With
	// ClientCertAuth, the common name in a client's certificate is a user.
	TLS transport.TLSInfo
	// Tokens, if not nil, are tokens that say themselves who asks; otherwise members
	// remember them.
	Tokens *token.Options
	// Access is who may come over HTTP.
	Access Access
	// NoGateway leaves the API as JSON out.
	NoGateway bool
	// MaxStreams is how many requests and streams a client may have under way on one
	// connection; more wait there. 0 means DefaultMaxStreams.
	MaxStreams uint32
	// Keepalive is that of gRPC.
	Keepalive rpc.Keepalive
	// Failed, if not nil, is told of endpoints that cannot be opened again.
	Failed func(error)
}

// DefaultMaxStreams bounds what one connection may cost. etcd's default is no bound.
const DefaultMaxStreams = 10_000

// Host is a universe that real clients reach.
type Host struct {
	// Driver drives it.
	Driver *live.Driver
	// Settings are those of the universe.
	Settings  cluster.Config
	seed      uint64
	speed     float64
	keepalive rpc.Keepalive
	tls       transport.TLSInfo
	tokens    *token.Keys
	access    Access
	noGateway bool
	streams   uint32
	endpoints *endpoint.Endpoints

	mu sync.Mutex
	// advertised are the members that know their address.
	advertised map[uint64]bool
}

// Start opens the endpoints and lets the universe begin. When it returns, members
// serve clients.
func Start(cfg Config) (_ *Host, err error) {
	if cfg.Scenario == nil {
		if cfg.Scenario, err = scenarios.Parse("default", Default); err != nil {
			return nil, err
		}
	}
	if cfg.Scenario.Session() != nil {
		return nil, fmt.Errorf("%s is a recorded session: expected a scenario without one", cfg.Scenario.Name)
	}
	h := &Host{
		seed: cfg.Seed, speed: cfg.Speed, keepalive: cfg.Keepalive, tls: cfg.TLS, access: cfg.Access, noGateway: cfg.NoGateway,
		streams: cmp.Or(cfg.MaxStreams, DefaultMaxStreams), advertised: make(map[uint64]bool),
	}
	e := endpoint.Config{Address: cfg.Address, Failed: cfg.Failed, Process: h.process, MaxStreams: int(min(h.streams, math.MaxInt32))}
	if !cfg.TLS.Empty() {
		if e.TLS, err = cfg.TLS.ServerConfig(); err != nil {
			return nil, fmt.Errorf("TLS: %w", err)
		}
		cfg.TLS.ConfigureCRLVerification(e.TLS)
	}
	if cfg.Tokens != nil {
		if h.tokens, err = token.New(*cfg.Tokens); err != nil {
			return nil, fmt.Errorf("tokens: %w", err)
		}
		cfg.Options.Settings = append(slices.Clone(cfg.Options.Settings), selfContained(cfg.Tokens.TTL)...)
	}
	if h.Settings, err = scenarios.Configure(cfg.Scenario, cfg.Options); err != nil {
		return nil, err
	}
	if h.endpoints, err = endpoint.Reserve(h.Settings.Nodes, e); err != nil {
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

// selfContained are the settings of members whose tokens live so long and say
// themselves who asks.
func selfContained(ttl time.Duration) []scenarios.Setting {
	return []scenarios.Setting{
		{Section: "node", Name: "jwt", Value: "on"},
		{Section: "node", Name: "token-ttl", Value: ttl.String()},
	}
}

// process returns what answers for a member's process: etcd's v3 API over gRPC, and
// what etcd tells over plain HTTP.
func (h *Host) process(id uint64) (endpoint.Process, error) {
	counters := &vitals.Counters{}
	server := rpc.NewServer(rpc.Config{
		Driver: h.Driver, Member: id, Cluster: h.ClusterID(), Election: h.Settings.Node.Election(),
		MaxRequest: int(h.Settings.Node.MaxRequest), Keepalive: h.keepalive, Counters: counters,
		Tokens: h.tokens, CertAuth: h.tls.ClientCertAuth, MaxStreams: h.streams,
	})
	mux := http.NewServeMux()
	vitals.Register(mux, vitals.Member{
		Driver: h.Driver, ID: id, Patience: h.Settings.Node.RequestTimeout(), Counters: counters,
	})
	older.Register(mux, older.Member{Driver: h.Driver, ID: id})
	p := endpoint.Process{GRPC: server, HTTP: h.guard(id, mux)}
	if h.noGateway {
		return p, nil
	}
	var err error
	p.Close, err = gateway.Register(mux, server, int(h.Settings.Node.MaxRequest))
	return p, err
}

// begin makes the universe and its driver.
func (h *Host) begin(cfg Config) (err error) {
	f, err := session(cfg, h.URLs(), h.Settings.From)
	if err != nil {
		return err
	}
	stage, err := scenarios.NewStage(f, cfg.Seed, cfg.Options)
	if err != nil {
		return err
	}
	if err := stage.Play(); err != nil {
		stage.Close()
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	c := live.Config{Speed: cfg.Speed, Watch: h.endpoints.Watch}
	if cfg.Record != nil {
		if c.Recorder, err = live.NewRecorder(cfg.Record, scenarios.Format(f)); err != nil {
			stage.Close()
			return fmt.Errorf("the recording: %w", err)
		}
	}
	h.Driver = live.Start(stage, c)
	if h.tokens != nil {
		h.tokens.Begin(time.Now().Add(-time.Duration(h.Driver.Now())))
	}
	return nil
}

// session returns the scenario, and behind it the beginning of a session that says how
// to make the same universe again.
func session(cfg Config, urls []string, from *saved.Snapshot) (*scenarios.File, error) {
	a := scenarios.SessionArgs{
		Seed: cfg.Seed, Seeded: true, Bugs: cfg.Options.Bugs, Trace: trace.Version, Settings: cfg.Options.Settings,
		Snapshot: scenarios.Embed(from),
	}
	for i, url := range urls {
		a.URLs = append(a.URLs, scenarios.MemberURL{Member: uint64(i + 1), URL: url})
	}
	const title = "# etcdsim serve recorded this; etcdsim replay lets it happen again.\n"
	return scenarios.Parse(cfg.Scenario.Name, title+scenarios.Format(cfg.Scenario)+"session "+a.String()+"\n")
}

// ClusterID returns the ID of the cluster, as etcd's API shows it.
func (h *Host) ClusterID() uint64 { return sim.Mix(h.seed) }

// Speed is that at which the clock goes when it does not stand.
func (h *Host) Speed() float64 {
	if h.speed == 0 {
		return 1
	}
	return h.speed
}

// URLs returns where clients reach the members.
func (h *Host) URLs() []string {
	urls := h.endpoints.Addresses()
	for i := range urls {
		urls[i] = h.url(urls[i])
	}
	return urls
}

// url returns the URL of an address.
func (h *Host) url(address string) string {
	if h.tls.Empty() {
		return "http://" + address
	}
	return "https://" + address
}

// Endpoints returns the hosts and ports of the members, in the order of their IDs.
func (h *Host) Endpoints() []string { return h.endpoints.Addresses() }

// Do lets a statement of the scenario language take effect, and returns when the
// endpoints show what came of it.
func (h *Host) Do(ctx context.Context, statement string) (note string, err error) {
	if err := h.prepare(ctx); err != nil {
		return "", err
	}
	note, err = h.Driver.Do(ctx, statement)
	h.endpoints.Settle()
	return note, err
}

// Settle waits until the endpoints show how the members are.
func (h *Host) Settle() { h.endpoints.Settle() }

// Reserve takes the address of a member that will be added, ahead of time.
func (h *Host) Reserve(id uint64) (string, error) { return h.endpoints.Reserve(id) }

// prepare takes an address for each member that was announced: the next statement
// may start it, and it tells its address then.
func (h *Host) prepare(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var announced []uint64
	err := h.Driver.Inspect(ctx, func(c *cluster.Cluster) {
		for _, m := range c.Roster() {
			if m.ID > uint64(h.Settings.Nodes) && !h.advertised[m.ID] {
				announced = append(announced, m.ID)
			}
		}
	})
	for _, id := range announced {
		address, failed := h.Reserve(id)
		if failed != nil {
			return errors.Join(err, failed)
		}
		err = errors.Join(err, h.Driver.Advertise(ctx, id, h.url(address)))
		h.advertised[id] = true
	}
	return err
}

// Close ends the universe and its endpoints. The error is that of the recording.
func (h *Host) Close() error {
	err := h.Driver.Stop()
	h.endpoints.Close()
	return err
}

// MaxSpeed is the most that virtual time may be asked to pass in one unit of real
// time; whether it can is another matter.
const MaxSpeed = 1_000_000

// ParseSpeed reads a speed.
func ParseSpeed(text string) (float64, error) {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || !(x >= 0 && x <= MaxSpeed) {
		return 0, fmt.Errorf("%q: expected a number from 0 to %d", text, MaxSpeed)
	}
	return x, nil
}

// Address returns where a member listens, or "" if it has no address.
func (h *Host) Address(id uint64) string { return h.endpoints.Address(id) }

// Leader returns the name of the leader, or "" while there is none.
func (h *Host) Leader() (name string) {
	_ = h.Driver.Inspect(context.Background(), func(c *cluster.Cluster) {
		if id := c.Leader(); id != 0 {
			name = store.MemberName(id)
		}
	})
	return name
}
