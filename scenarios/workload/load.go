package workload

import (
	"strconv"
	"time"

	"etcdsim/sim"
)

// Config says what the clients of a load do. Start from [DefaultConfig].
type Config struct {
	// Life is what each client does.
	Life Life
	// Clients is the number of client processes.
	Clients uint64
	// Keys is the number of keys, named Prefix followed by 1, 2...; loads with
	// the same prefix share them.
	Keys   uint64
	Prefix string
	Mix    Mix
	// Chores is what operators do.
	Chores ChoreMix
	// Think is the pause after each answer.
	Think sim.Range
	// Rate is the number of requests a second of the whole load; 0 means that
	// clients only think. A client that is late does not catch up.
	Rate uint64
	// Timeout is how long a client waits for an answer.
	Timeout time.Duration
	// Serializable is the share of reads that ask the member alone, and may be
	// stale.
	Serializable sim.Ratio
	// ValueBytes is the least size of a value; shorter ones are padded.
	ValueBytes uint64
	// TTL is what clients ask for their leases, in whole seconds.
	TTL sim.Range
	// Users is the number of users, u1, u2..., in whose names the clients ask, in
	// turn; 0 means nobody's, or root's once authentication is on.
	Users uint64
	// Ops ends the load after so many requests; 0 means no end.
	Ops uint64
}

// DefaultConfig returns a small mixed load.
func DefaultConfig() Config {
	mix, err := ParseMix("put:5,get:4,txn:1")
	if err != nil {
		panic("workload: the default mix does not parse: " + err.Error())
	}
	return Config{
		Clients: 4, Keys: 3, Prefix: "k", Mix: mix, Chores: ChoreMix{ChoreCompact: 3, ChoreDefrag: 1, ChoreTransfer: 1},
		Think: sim.Range{Min: time.Millisecond, Max: 9 * time.Millisecond}, Timeout: 2 * time.Second,
		TTL: sim.Range{Min: 2 * time.Second, Max: 5 * time.Second},
	}
}

// Bounds of a load's options.
const (
	maxClients    = 10_000
	maxKeys       = 1_000_000
	maxValueBytes = 1 << 20
	maxRate       = 1_000_000
	maxOps        = 1 << 40
	maxUsers      = 100
)

var options = sim.Options[Config]{Component: "load", All: []sim.Option[Config]{
	sim.TextOption("life", "mixed", "what each client does, one of the lives of a load", parseLife, func(c *Config) *Life { return &c.Life }),
	sim.CountOption("clients", "number of clients", 1, maxClients, func(c *Config) *uint64 { return &c.Clients }),
	sim.CountOption("keys", "number of keys", 1, maxKeys, func(c *Config) *uint64 { return &c.Keys }),
	{
		Name: "prefix", Syntax: "k", Doc: "what the names of the keys begin with; loads with one prefix share keys",
		Set: func(c *Config, s string) error { c.Prefix = s; return nil },
		Get: func(c *Config) string { return c.Prefix },
	},
	sim.TextOption("mix", "put:5,get:4", "kinds of requests and their weights", ParseMix, func(c *Config) *Mix { return &c.Mix }),
	sim.TextOption("chores", "compact:3,defrag:1", "what operators do, and how often: compact, defrag, transfer, list, alarms",
		parseChores, func(c *Config) *ChoreMix { return &c.Chores }),
	sim.RangeOption("think", "pause after each answer", func(c *Config) *sim.Range { return &c.Think }),
	sim.CountOption("rate", "requests a second of the whole load, instead of thinking; 0 is none", 0, maxRate,
		func(c *Config) *uint64 { return &c.Rate }),
	sim.DurationOption("timeout", "how long a client waits for an answer", func(c *Config) *time.Duration { return &c.Timeout }),
	sim.RatioOption("serializable", "share of the reads that ask one member alone, and may be stale",
		func(c *Config) *sim.Ratio { return &c.Serializable }),
	sim.RangeOption("ttl", "time to live of leases, in whole seconds", func(c *Config) *sim.Range { return &c.TTL }),
	sim.CountOption("value", "least size of a value in bytes", 0, maxValueBytes, func(c *Config) *uint64 { return &c.ValueBytes }),
	sim.CountOption("users", "users u1, u2... in whose names the clients ask; 0 is nobody", 0, maxUsers,
		func(c *Config) *uint64 { return &c.Users }),
	sim.CountOption("ops", "requests after which the load ends; 0 is no end", 0, maxOps, func(c *Config) *uint64 { return &c.Ops }),
}}

// Set changes one option by its name, as in "load w clients=4". The error names
// the option and says what was expected.
func (c *Config) Set(name, value string) error { return options.Set(c, name, value) }

// Options lists the options with their defaults, for the help.
func Options() []sim.Setting {
	c := DefaultConfig()
	return options.Describe(&c)
}

// Load is a number of clients that draw their requests from one mix.
type Load struct {
	Name    string
	cfg     Config
	cs      *Clients
	keys    []string
	end     string // the end of the range of all keys
	begun   uint64 // requests so far
	stopped bool
	members []*Session
}

// Load starts a load. endpoints are the members its clients connect to; empty
// means all.
func (cs *Clients) Load(name string, cfg Config, endpoints []uint64) *Load {
	l := &Load{Name: name, cfg: cfg, cs: cs, keys: make([]string, cfg.Keys)}
	for i := range l.keys {
		l.keys[i] = cfg.Prefix + strconv.Itoa(i+1)
	}
	// Digits follow the prefix, and ':' follows the digits.
	l.end = cfg.Prefix + ":"
	for i := range cfg.Clients {
		s := cs.Spawn(name, cfg.Timeout, endpoints, l.run)
		if cfg.Users > 0 {
			s.user = UserName(1 + int(i%cfg.Users))
		}
		l.members = append(l.members, s)
	}
	return l
}

// Stop makes the clients end after the request that each has under way.
func (l *Load) Stop() {
	l.stopped = true
	for _, s := range l.members {
		if s.op == 0 {
			s.stop()
		}
	}
}

// startSpread is the time within which the clients of a load begin.
const startSpread = 2 * time.Millisecond

// run is the life of one client of the load.
func (l *Load) run(s *Session) {
	s.Sleep(s.rand.Between(time.Nanosecond, startSpread))
	lives[l.cfg.Life].live(l, s)
}

// mixed draws one request after another from the mix.
func (l *Load) mixed(s *Session) {
	d := dice{load: l, s: s, seen: make([]int64, len(l.keys))}
	for l.more() {
		began := s.Now()
		kind, req := d.draw()
		op := s.Do(kind, req)
		d.learn(&op)
		if !l.stopped {
			s.Sleep(l.pause(s, began))
		}
	}
}

// more reports whether the load goes on, and counts its next request.
func (l *Load) more() bool {
	if l.stopped || l.cfg.Ops > 0 && l.begun == l.cfg.Ops {
		return false
	}
	l.begun++
	return true
}

// pause is how long a client waits before its next request.
func (l *Load) pause(s *Session, began sim.Time) time.Duration {
	if l.cfg.Rate == 0 {
		return s.rand.Between(l.cfg.Think.Min, l.cfg.Think.Max)
	}
	every := time.Duration(len(l.members)) * time.Second / time.Duration(l.cfg.Rate)
	return max(0, began.Add(every).Sub(s.Now()))
}
