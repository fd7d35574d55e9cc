package nemesis

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// world is what the other parts must know of a universe.
type world struct {
	nodes int
	// election is the election timeout.
	election time.Duration
	// prevote: members ask before they campaign. Without that a member that nobody
	// mends may disturb the others for ever.
	prevote bool
	// snapshots are taken often enough that a laggard needs one.
	snapshots bool
	// users: the clients of some profile log in.
	users bool
}

// minority is how many members may fail.
func (w *world) minority() int { return (w.nodes - 1) / 2 }

// leastTTL is the least time to live that members grant to a lease.
func (w *world) leastTTL() time.Duration {
	return (3*w.election/2 + time.Second - 1).Truncate(time.Second)
}

// universe draws the configuration.
func (p *Plan) universe(profiles []*profile) *world {
	d := newDice(p.Seed, "cluster")
	w := &world{nodes: one(d, 3, 3, 3, 3, 3, 3, 5, 5, 5, 4, 7, 1)}
	tick := one(d, 20*time.Millisecond, 50*time.Millisecond, 50*time.Millisecond, 100*time.Millisecond)
	ticks := one(d, 5, 8, 10, 10, 20)
	if tick == 100*time.Millisecond {
		ticks = min(ticks, 10) // etcd's defaults, or faster
	}
	w.election = tick * time.Duration(ticks)
	w.prevote = d.chance(90)
	p.Nodes, p.Election = w.nodes, w.election

	node := []string{
		"tick=" + tick.String(), fmt.Sprintf("election=%d", ticks),
		"batch=" + one(d, "20ms", "100ms", "100ms", "400ms"),
	}
	if w.snapshots = d.chance(75); w.snapshots {
		every := one(d, 10, 15, 30, 60)
		node = append(node, fmt.Sprintf("snapshot=%d", every), fmt.Sprintf("catch-up=%d", one(d, 2, every/5, every/2)))
	}
	if d.chance(20) {
		node = append(node, fmt.Sprintf("batch-limit=%d", one(d, 1, 5, 20)))
	}
	if d.chance(25) {
		node = append(node, "segment="+one(d, "4KiB", "16KiB"))
	}
	if !w.prevote {
		node = append(node, "prevote=off")
	}
	if ticks >= 8 && d.chance(10) {
		node = append(node, "heartbeat=2")
	}
	for _, c := range profiles {
		if c.node != nil {
			for _, setting := range c.node(newDice(p.Seed, "node/"+c.name)) {
				node = set(node, setting)
			}
		}
	}
	p.Universe = []string{
		fmt.Sprintf("cluster nodes=%d", w.nodes), net(newDice(p.Seed, "net"), w), disk(newDice(p.Seed, "disk")),
		"node " + strings.Join(node, " "),
	}
	return w
}

// set adds a setting, unless another profile has said how it is.
func set(all []string, setting string) []string {
	name, _, _ := strings.Cut(setting, "=")
	if slices.ContainsFunc(all, func(s string) bool { return strings.HasPrefix(s, name+"=") }) {
		return all
	}
	return append(all, setting)
}

// net draws the network. The longest way takes less than a fifth of an election, or
// there would be no leader to disturb.
func net(d *dice, w *world) string {
	longest := w.election / 10
	least := d.time(longest/50, longest/4)
	s := "net latency=" + span(least, least+d.time(time.Millisecond, longest-longest/4))
	if d.chance(40) {
		s += " drop=" + one(d, "0.2%", "1%", "3%")
	}
	if d.chance(30) {
		s += " duplicate=" + one(d, "1%", "5%")
	}
	if d.chance(30) {
		s += " reorder=" + one(d, "1%", "5%", "20%")
	}
	return s
}

// disk draws the disks.
func disk(d *dice) string {
	return fmt.Sprintf("disk sync=%s keep=%s torn=%s garbage=%s",
		one(d, "100us..1ms", "1ms..3ms", "1ms..3ms", "1ms..20ms", "5ms..40ms"),
		one(d, "0%", "10%", "30%"), one(d, "0%", "50%", "90%"), one(d, "0%", "25%", "50%"))
}
