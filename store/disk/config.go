package disk

import (
	"time"

	"etcdsim/sim"
)

// Config is how a device behaves. The zero value is a perfect one: a sync takes
// no time, and a crash loses exactly what was not synced.
type Config struct {
	// Sync is how long a sync takes, drawn when it starts.
	Sync sim.Range
	// Keep is the probability that a crash loses nothing, because all that was
	// written had reached the platter in time.
	Keep sim.Ratio
	// Torn is the probability that a crash that does not keep everything tears
	// the unsynced end of a file instead of losing it whole.
	Torn sim.Ratio
	// Garbage is the probability that a missing sector within a torn file holds
	// garbage instead of zeros.
	Garbage sim.Ratio
	// Capacity is how many bytes the device holds; 0 means no limit.
	Capacity sim.Size
}

// Default is a solid-state disk in a machine that loses power now and then.
func Default() Config {
	return Config{
		Sync:    sim.Range{Min: time.Millisecond, Max: 3 * time.Millisecond},
		Keep:    sim.Percent(10),
		Torn:    sim.Percent(50),
		Garbage: sim.Percent(25),
	}
}

var options = sim.Options[Config]{Component: "disk", All: []sim.Option[Config]{
	sim.RangeOption("sync", "how long a sync takes", func(c *Config) *sim.Range { return &c.Sync }),
	sim.RatioOption("keep", "probability that a crash loses nothing of what was not synced",
		func(c *Config) *sim.Ratio { return &c.Keep }),
	sim.RatioOption("torn", "probability that a crash tears unsynced writes instead of losing them",
		func(c *Config) *sim.Ratio { return &c.Torn }),
	sim.RatioOption("garbage", "probability that a sector missing in a torn write holds garbage, not zeros",
		func(c *Config) *sim.Ratio { return &c.Garbage }),
	sim.SizeOption("capacity", "bytes the device holds; 0 is unlimited", func(c *Config) *sim.Size { return &c.Capacity }),
}}

// Set changes one option by its name, as in "disk sync=1ms..3ms". The error
// names the option and says what was expected.
func (c *Config) Set(name, value string) error { return options.Set(c, name, value) }

// String prints every option so that Set reads it back.
func (c Config) String() string { return options.Format(&c) }

// Options lists the options with their defaults, for the help.
func Options() []sim.Setting {
	c := Default()
	return options.Describe(&c)
}
