package network

import (
	"time"

	"etcdsim/sim"
)

// Config is how a directed link behaves. The zero value is a perfect network:
// packets arrive at once and in order.
type Config struct {
	// Latency is how long a packet travels, beside the time its bytes take to
	// get on the wire.
	Latency sim.Range
	// Drop is the probability that a packet is lost.
	Drop sim.Ratio
	// Duplicate is the probability that a packet that is not Once arrives twice.
	Duplicate sim.Ratio
	// Reorder is the probability that a packet leaves the line: it neither waits
	// for those before it nor do those after it wait for it, and it is late by
	// up to another Latency.Max.
	Reorder sim.Ratio
	// Tail is the probability that a packet is much too late: by twice Latency.Max, by
	// four times that half as often, and so on, up to a thousand times. It stays in the
	// line, so those behind it wait, as behind a packet that TCP sends again.
	Tail sim.Ratio
	// Corrupt is the probability that a packet changes on the way. Its checksum tells,
	// and the receiver throws it away.
	Corrupt sim.Ratio
	// Bandwidth in bytes a second; 0 means unlimited. A packet takes the wire for
	// its size, and later ones queue behind it.
	Bandwidth sim.Size
	// Queue is how many bytes may wait for the wire, those that it is taking
	// included; 0 means no limit. A packet that finds the wire idle is never
	// refused. Without Bandwidth nothing waits.
	Queue sim.Size
}

// plain reports that packets are only late, and arrive in the order in which they were
// sent: what most links do.
func (c *Config) plain() bool {
	return c.Drop.Num|c.Duplicate.Num|c.Reorder.Num|c.Tail.Num|c.Corrupt.Num == 0 && c.Bandwidth == 0
}

// Default is a local network: a millisecond to five, nothing lost.
func Default() Config {
	return Config{Latency: sim.Range{Min: time.Millisecond, Max: 5 * time.Millisecond}}
}

var options = sim.Options[Config]{Component: "net", All: []sim.Option[Config]{
	sim.RangeOption("latency", "how long a packet travels", func(c *Config) *sim.Range { return &c.Latency }),
	sim.RatioOption("drop", "probability that a packet is lost", func(c *Config) *sim.Ratio { return &c.Drop }),
	sim.RatioOption("duplicate", "probability that a packet arrives twice (proposals and client packets never do)",
		func(c *Config) *sim.Ratio { return &c.Duplicate }),
	sim.RatioOption("reorder", "probability that a packet may overtake and be overtaken", func(c *Config) *sim.Ratio { return &c.Reorder }),
	sim.RatioOption("tail", "probability that a packet is late by twice the longest latency, half as often by four times that, and so on",
		func(c *Config) *sim.Ratio { return &c.Tail }),
	sim.RatioOption("corrupt", "probability that a packet changes on the way, and is thrown away for its checksum",
		func(c *Config) *sim.Ratio { return &c.Corrupt }),
	sim.SizeOption("bandwidth", "bytes a second on each directed link; 0 is unlimited", func(c *Config) *sim.Size { return &c.Bandwidth }),
	sim.SizeOption("queue", "bytes that may wait for a link's wire; 0 is unlimited", func(c *Config) *sim.Size { return &c.Queue }),
}}

// Set changes one option by its name, as in "net drop=0.5%". The error names
// the option and says what was expected.
func (c *Config) Set(name, value string) error { return options.Set(c, name, value) }

// String prints every option so that Set reads it back.
func (c Config) String() string { return options.Format(&c) }

// Options lists the options with their defaults, for the help.
func Options() []sim.Setting {
	c := Default()
	return options.Describe(&c)
}
