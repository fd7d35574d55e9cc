package workload

import (
	"time"

	"etcdsim/sim"
)

// WatchConfig says what the watching clients of a name do. Start from
// [DefaultWatchConfig].
type WatchConfig struct {
	// Clients is the number of client processes, Watchers how many watchers each
	// has. All watchers of a client share one stream.
	Clients, Watchers uint64
	// Keys and Prefix are what is watched: as in [Config].
	Keys   uint64
	Prefix string
	// Shares of the watchers: that ask for previous key-values, leave out events of
	// one type, begin in the past, begin in the future, ask to be notified of
	// progress, and are refused.
	PrevKV, Filter, Past, Future, Notify, Odd sim.Ratio
	// Life is how long a watcher lives before its application cancels it and begins
	// another; 0 is to the end.
	Life sim.Range
	// Progress is the time between two requests for progress on a stream; 0 is
	// none.
	Progress sim.Range
	// Pace is how long the client takes over each response. What has arrived in the
	// meantime fills its window, Window bytes.
	Pace   sim.Range
	Window sim.Size
	// KeepAlive is the silence after which the client asks whether the member is
	// still there; after as much more it takes the next one.
	KeepAlive time.Duration
	// RequireLeader ends a stream whose member has lost its leader.
	RequireLeader bool
}

// DefaultWatchConfig returns a few watchers that read as fast as they can.
func DefaultWatchConfig() WatchConfig {
	return WatchConfig{
		Clients: 2, Watchers: 3, Keys: 3, Prefix: "k",
		PrevKV: sim.Percent(30), Filter: sim.Percent(10), Past: sim.Percent(30), Future: sim.Percent(5),
		Notify: sim.Percent(20), Odd: sim.Percent(2),
		Life:     sim.Range{Min: time.Second, Max: 5 * time.Second},
		Progress: sim.Range{Min: 200 * time.Millisecond, Max: time.Second},
		Window:   64 << 10, KeepAlive: time.Second, RequireLeader: true,
	}
}

const maxWatchers = 10_000

var watchOptions = sim.Options[WatchConfig]{Component: "watch", All: []sim.Option[WatchConfig]{
	sim.CountOption("clients", "number of clients, each with a stream", 1, maxClients, func(c *WatchConfig) *uint64 { return &c.Clients }),
	sim.CountOption("watchers", "watchers of each client", 1, maxWatchers, func(c *WatchConfig) *uint64 { return &c.Watchers }),
	sim.CountOption("keys", "number of keys, as in load", 1, maxKeys, func(c *WatchConfig) *uint64 { return &c.Keys }),
	{
		Name: "prefix", Syntax: "k", Doc: "what the names of the keys begin with, as in load",
		Set: func(c *WatchConfig, s string) error { c.Prefix = s; return nil },
		Get: func(c *WatchConfig) string { return c.Prefix },
	},
	sim.RatioOption("prev", "share of the watchers that ask for previous key-values", func(c *WatchConfig) *sim.Ratio { return &c.PrevKV }),
	sim.RatioOption("filter", "share that leave out puts or deletes", func(c *WatchConfig) *sim.Ratio { return &c.Filter }),
	sim.RatioOption("past", "share that begin in the past", func(c *WatchConfig) *sim.Ratio { return &c.Past }),
	sim.RatioOption("future", "share that begin in the future", func(c *WatchConfig) *sim.Ratio { return &c.Future }),
	sim.RatioOption("notify", "share that ask to be notified of progress", func(c *WatchConfig) *sim.Ratio { return &c.Notify }),
	sim.RatioOption("odd", "share that must be refused", func(c *WatchConfig) *sim.Ratio { return &c.Odd }),
	sim.RangeOption("life", "how long a watcher lives before another takes its place; 0s is to the end",
		func(c *WatchConfig) *sim.Range { return &c.Life }),
	sim.RangeOption("progress", "time between requests for progress; 0s is none", func(c *WatchConfig) *sim.Range { return &c.Progress }),
	sim.RangeOption("pace", "time that a client takes over each response", func(c *WatchConfig) *sim.Range { return &c.Pace }),
	sim.SizeOption("window", "bytes that a client takes in before it has dealt with any", func(c *WatchConfig) *sim.Size { return &c.Window }),
	sim.DurationOption("keep-alive", "silence after which a client asks whether the member is there",
		func(c *WatchConfig) *time.Duration { return &c.KeepAlive }),
	sim.SwitchOption("require-leader", "a member that has lost its leader ends the stream",
		func(c *WatchConfig) *bool { return &c.RequireLeader }),
}}

// Set changes one option by its name, as in "watch w clients=4". The error names
// the option and says what was expected.
func (c *WatchConfig) Set(name, value string) error { return watchOptions.Set(c, name, value) }

// WatchOptions lists the options with their defaults, for the help.
func WatchOptions() []sim.Setting {
	c := DefaultWatchConfig()
	return watchOptions.Describe(&c)
}

// Watches is the watching clients of one name.
type Watches struct {
	Name    string
	clients []*watchClient

	// Created, Events, Progress, Resumed and Compacted count what the clients were
	// told: watchers created, events, responses that only say how far they are,
	// watchers that went on over another stream, and watchers that were cancelled
	// because of a compaction.
	Created, Events, Progress, Resumed, Compacted uint64
}

// Watch starts watching clients. endpoints are the members they connect to; empty
// means all.
func (cs *Clients) Watch(name string, cfg WatchConfig, endpoints []uint64) *Watches {
	ws := &Watches{Name: name}
	for range cfg.Clients {
		w := newWatchClient(cs, ws, cfg, endpoints)
		ws.clients = append(ws.clients, w)
		w.begin()
	}
	return ws
}

// Stop makes the clients hang up.
func (ws *Watches) Stop() {
	for _, w := range ws.clients {
		w.stop()
	}
}

// Settle makes the clients keep the watchers that they have.
func (ws *Watches) Settle() {
	for _, w := range ws.clients {
		w.settled = true
	}
}

// CatchUp makes the clients that can use one of the members ask for progress until
// their watchers have been served up to the revision.
func (ws *Watches) CatchUp(revision int64, members []uint64) {
	for _, w := range ws.clients {
		w.catchUp(revision, members)
	}
}

// Behind says which client has not been served so far, or nothing.
func (ws *Watches) Behind() string {
	for _, w := range ws.clients {
		if s := w.behind(); s != "" {
			return s
		}
	}
	return ""
}
