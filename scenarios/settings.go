package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"etcdsim/network"
	"etcdsim/node"
	"etcdsim/scenarios/workload"
	"etcdsim/sim"
	"etcdsim/sim/cluster"
	"etcdsim/store/disk"
)

// Setting is one option of a universe: what a scenario writes as "net drop=1%"
// and a command line as "--set net.drop=1%".
type Setting struct{ Section, Name, Value string }

// String prints the setting as ParseSetting reads it.
func (s Setting) String() string { return s.Section + "." + s.Name + "=" + s.Value }

// ParseSetting reads "section.name=value" and checks the value. Section load
// stands for every load of the scenario.
func ParseSetting(text string) (Setting, error) {
	name, value, valued := strings.Cut(text, "=")
	section, option, dotted := strings.Cut(name, ".")
	if !valued || !dotted || option == "" || value == "" {
		return Setting{}, fmt.Errorf("%q: expected SECTION.OPTION=VALUE such as net.drop=1%%", text)
	}
	s := Setting{section, option, value}
	if section == loadSection {
		var scratch workload.Config
		return s, scratch.Set(option, value)
	}
	if section == watchSection {
		var scratch workload.WatchConfig
		return s, scratch.Set(option, value)
	}
	scratch := defaults()
	return s, scratch.set(s)
}

// loadSection is the section whose options belong to loads, watchSection the one
// whose options belong to watching clients.
const (
	loadSection  = "load"
	watchSection = "watch"
)

// Section is a part of the universe that has options, for the help.
type Section struct {
	Name, Doc string
	Options   []sim.Setting
}

// Sections lists the sections with their options.
func Sections() []Section {
	all := make([]Section, 0, len(sections)+2)
	for _, s := range sections {
		all = append(all, Section{s.name, s.doc, s.options()})
	}
	return append(all,
		Section{loadSection, "the clients of every load", workload.Options()},
		Section{watchSection, "all watching clients", workload.WatchOptions()})
}

// universe is the configuration of one run.
type universe struct {
	cluster cluster.Config
	// from names the snapshot that the members begin with; see Options.Open.
	from string
	// loads are settings that apply to every load, watches those that apply to all
	// watching clients.
	loads, watches OptionList
	// known is the number of members that there are once all lines have happened;
	// anybody where requests may add some.
	known uint64
	// session is how the scenario was recorded.
	session SessionArgs
}

func defaults() universe { return universe{cluster: cluster.DefaultConfig()} }

// section is a part of the universe that one statement configures.
type section struct {
	name, doc string
	set       func(u *universe, name, value string) error
	options   func() []sim.Setting
}

var sections = []section{
	{"cluster", "the members", func(u *universe, n, v string) error { return clusterOptions.Set(u, n, v) }, describeCluster},
	{"net", "the network", func(u *universe, n, v string) error { return u.cluster.Net.Set(n, v) }, network.Options},
	{"disk", "the disk of each member", func(u *universe, n, v string) error { return u.cluster.Disk.Set(n, v) }, disk.Options},
	{"node", "each member", func(u *universe, n, v string) error { return u.cluster.Node.Set(n, v) }, node.Options},
}

func describeCluster() []sim.Setting {
	u := defaults()
	return clusterOptions.Describe(&u)
}

// set applies one setting.
func (u *universe) set(s Setting) error {
	if s.Section == loadSection {
		u.loads = append(u.loads, Option{Name: s.Name, Value: s.Value})
		return nil
	}
	if s.Section == watchSection {
		u.watches = append(u.watches, Option{Name: s.Name, Value: s.Value})
		return nil
	}
	i := slices.IndexFunc(sections, func(sec section) bool { return sec.name == s.Section })
	if i < 0 {
		names := make([]string, 0, len(sections)+1)
		for _, sec := range sections {
			names = append(names, sec.name)
		}
		return fmt.Errorf("unknown section %q: expected one of %s", s.Section, strings.Join(append(names, loadSection, watchSection), ", "))
	}
	return sections[i].set(u, s.Name, s.Value)
}

// nothing is what members begin with by default.
const nothing = "nothing"

// clusterOptions are the options of statement cluster.
var clusterOptions = sim.Options[universe]{Component: "cluster", All: []sim.Option[universe]{
	{
		Name: "nodes", Syntax: "5", Doc: "number of members, all voters",
		Set: func(u *universe, s string) error {
			n, err := strconv.ParseUint(s, 10, 16)
			if err != nil || n < 1 || n > cluster.MaxNodes {
				return fmt.Errorf("%q: expected a number from 1 to %d", s, cluster.MaxNodes)
			}
			u.cluster.Nodes = int(n)
			return nil
		},
		Get: func(u *universe) string { return strconv.Itoa(u.cluster.Nodes) },
	},
	{
		Name: "from", Syntax: "FILE", Doc: "a snapshot of etcd's, which the members begin with; a path from the scenario's folder",
		Set: func(u *universe, s string) error {
			u.from = s
			if s == nothing {
				u.from = ""
			}
			return nil
		},
		Get: func(u *universe) string { return cmp.Or(u.from, nothing) },
	},
	sim.SwitchOption("marshal", "send raft messages as bytes, which costs time and changes nothing",
		func(u *universe) *bool { return &u.cluster.Marshal }),
}}
