package etcdtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"etcdsim/scenarios"
	"etcdsim/sim/live/control"
	"etcdsim/sim/live/host"
	"etcdsim/sim/live/pki"
	"etcdsim/store/saved/files"
)

// Options describe a cluster. The zero value is three members on a fast network.
type Options struct {
	// Nodes is the number of members; 0 means 3, or what the scenario says.
	Nodes int
	// Seed decides everything that is left open; 0 means 1.
	Seed uint64
	// Scenario is the text of a scenario to begin with; its statements happen before
	// the members are served. Empty means a universe whose latencies hardly show.
	Scenario string
	// Settings override options of the universe: "net.drop=1%", "node.quota=1MiB".
	Settings []string
	// Flags are etcd's own settings by the names of its flags, without dashes:
	// "quota-backend-bytes". Settings override them.
	Flags map[string]string
	// Security says whether connections are secured. The zero value is in the clear.
	Security Security
	// Frozen lets the clock stand but while a call waits for its answer. Time then
	// passes in Advance, and in what the calls need.
	Frozen bool
}

// Cluster is a cluster that runs.
type Cluster struct {
	host    *host.Host
	t       testing.TB // nil outside of tests
	rec     *os.File
	clients []*clientv3.Client
	// authority certifies members and users, and is nil without TLS.
	authority *pki.Authority
	// cleanups remove files.
	cleanups []func()
}

// Start starts a cluster for a test and ends it with the test. Whatever goes wrong
// with it fails the test at once.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	c := &Cluster{t: t}
	if err := c.start(o); err != nil {
		t.Fatalf("etcdtest: %v", err)
	}
	t.Cleanup(c.Close)
	return c
}

// New starts a cluster outside of tests, which must be closed. Where a method says
// that it fails the test, it panics.
func New(o Options) (*Cluster, error) {
	c := &Cluster{}
	if err := c.start(o); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Cluster) start(o Options) (err error) {
	cfg := host.Config{
		Seed: max(o.Seed, 1), Speed: 1,
		Address: func(uint64) string { return "127.0.0.1:0" },
		Failed:  func(err error) { c.fail("an endpoint: %v", err) },
	}
	if o.Frozen {
		cfg.Speed = 0
	}
	if o.Scenario != "" {
		if cfg.Scenario, err = scenarios.Parse("scenario", o.Scenario); err != nil {
			return err
		}
	}
	cfg.Options.Open = new(files.Opener).Open
	settings := o.Settings
	if o.Nodes != 0 {
		settings = append([]string{fmt.Sprintf("cluster.nodes=%d", o.Nodes)}, settings...)
	}
	for _, text := range settings {
		s, err := scenarios.ParseSetting(text)
		if err != nil {
			return err
		}
		cfg.Options.Settings = append(cfg.Options.Settings, s)
	}
	if c.rec, err = os.CreateTemp("", "etcdtest-*"+scenarios.Suffix); err != nil {
		return err
	}
	if err = c.equip(&o, &cfg); err != nil {
		c.drop()
		return err
	}
	cfg.Record = c.rec
	if c.host, err = host.Start(cfg); err != nil {
		c.drop()
	}
	return err
}

// fail fails the test.
func (c *Cluster) fail(format string, args ...any) {
	if c.t == nil {
		panic("etcdtest: " + fmt.Sprintf(format, args...))
	}
	c.t.Helper()
	c.t.Fatalf("etcdtest: "+format, args...)
}

// drop removes the recording and other files.
func (c *Cluster) drop() {
	_ = c.rec.Close()
	_ = os.Remove(c.rec.Name())
	c.cleanup()
}

func (c *Cluster) cleanup() {
	for _, cleanup := range c.cleanups {
		cleanup()
	}
}

// Close ends the cluster and its clients. After a test that failed the recording
// stays, and the test's log says how it becomes a page for a browser.
func (c *Cluster) Close() {
	c.closeClients()
	err := c.host.Close()
	if c.t == nil || !c.t.Failed() {
		c.drop()
		return
	}
	if err != nil {
		c.t.Logf("etcdtest: the recording cannot be written: %v", err)
	}
	_ = c.rec.Close()
	c.cleanup()
	kept := filepath.Join(filepath.Dir(c.rec.Name()), strings.ReplaceAll(c.t.Name(), "/", "-")+scenarios.Suffix)
	if err := os.Rename(c.rec.Name(), kept); err != nil {
		kept = c.rec.Name()
	}
	page := strings.TrimSuffix(kept, scenarios.Suffix) + ".html"
	c.t.Logf("etcdtest: what happened, judged and as a page: etcdsim replay %s --report %s", kept, page)
}

func (c *Cluster) closeClients() {
	for _, client := range c.clients {
		_ = client.Close()
	}
	c.clients = nil
}

// Endpoints returns the addresses of the members, in the order of their names: n1,
// n2, n3...
func (c *Cluster) Endpoints() []string { return c.host.Endpoints() }

// Client returns a new client of the genuine client library, which knows all members
// and is closed with the cluster.
func (c *Cluster) Client() *clientv3.Client {
	return c.ClientWith(clientv3.Config{Endpoints: c.Endpoints()})
}

// ClientWith returns a new client with a configuration of its own: other endpoints,
// a user, a timeout. Where the cluster has TLS and the configuration says nothing of it,
// the client has a certificate in the name of root.
func (c *Cluster) ClientWith(cfg clientv3.Config) *clientv3.Client {
	if cfg.Logger == nil {
		cfg.Logger = zap.NewNop()
	}
	if cfg.TLS == nil {
		cfg.TLS = c.TLS("")
	}
	client, err := clientv3.New(cfg)
	if err != nil {
		c.fail("a client: %v", err)
	}
	c.clients = append(c.clients, client)
	return client
}

// Do lets a statement of the scenario language take effect: "kill leader",
// "partition n1 | n2 n3", "wait leader within=5s". Waits pass in virtual time, at
// once. It returns what there is to tell, and fails the test if the statement cannot
// be done or does not hold. The words of etcdsim ctl are understood, too.
func (c *Cluster) Do(statement string) string {
	if c.t != nil {
		c.t.Helper()
	}
	note, err := control.Execute(context.Background(), c.host, statement)
	if err != nil {
		c.fail("%s: %v", statement, err)
	}
	return note
}

// Advance turns the clock: so much time passes in the cluster, as fast as it can.
func (c *Cluster) Advance(by time.Duration) {
	if err := c.host.Driver.Advance(context.Background(), by); err != nil {
		c.fail("advance %v: %v", by, err)
	}
}

// Now returns how long the cluster has existed, in its own time.
func (c *Cluster) Now() time.Duration { return time.Duration(c.host.Driver.Now()) }

// Leader returns the name of the leader, or "" while there is none.
func (c *Cluster) Leader() string { return c.host.Leader() }
