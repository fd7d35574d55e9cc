package nemesis

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"etcdsim/scenarios"
)

// Finding is what is worth remembering of one seed. It is small and can be written
// down, so that a long sweep can go on where it was.
type Finding struct {
	Seed    uint64
	Outcome string
	Digest  string
	// Nodes and Election are the size of the cluster and its election timeout.
	Nodes    int
	Election time.Duration
	// Profiles are what clients did.
	Profiles []string
	// Injected are the kinds of faults in the plan, Effective those of them that had
	// an effect.
	Injected, Effective []string
	// Operations, Events and Elapsed are the run's, the last in virtual time.
	Operations, Events uint64
	Elapsed            time.Duration
	// Probes are the rare things that happened.
	Probes []string
}

// Find notes what became of a plan.
func Find(p *Plan, r *scenarios.Result) Finding {
	f := Finding{
		Seed: p.Seed, Outcome: r.Outcome.String(), Digest: r.Digest.String(), Nodes: p.Nodes, Election: p.Election,
		Profiles: p.Profiles, Operations: r.Counts.Operations, Events: r.Counts.Events, Elapsed: r.Counts.Elapsed.Sub(0),
	}
	for i := range kinds {
		k := &kinds[i]
		if !slices.ContainsFunc(p.Faults(), func(f Fault) bool { return f.Kind == k.name }) {
			continue
		}
		f.Injected = append(f.Injected, k.name)
		if slices.ContainsFunc(k.effect, func(meter string) bool { return r.Counts.Meter(meter) > 0 }) {
			f.Effective = append(f.Effective, k.name)
		}
	}
	for _, p := range r.Counts.Probes {
		f.Probes = append(f.Probes, p.Name)
	}
	return f
}

// Census adds up findings. The zero value has none.
type Census struct {
	seeds               int
	outcomes            map[string]int
	nodes               map[string]int
	elections           map[string]int
	profiles            map[string]int
	injected, effective map[string]int
	probes              map[string]int
	operations, events  uint64
	elapsed             time.Duration
}

// Add counts a finding.
func (c *Census) Add(f Finding) {
	if c.outcomes == nil {
		for _, m := range []*map[string]int{&c.outcomes, &c.nodes, &c.elections, &c.profiles, &c.injected, &c.effective, &c.probes} {
			*m = map[string]int{}
		}
	}
	c.seeds++
	c.outcomes[f.Outcome]++
	c.nodes[fmt.Sprint(f.Nodes)]++
	c.elections[f.Election.String()]++
	tally(c.profiles, f.Profiles)
	tally(c.injected, f.Injected)
	tally(c.effective, f.Effective)
	tally(c.probes, f.Probes)
	c.operations += f.Operations
	c.events += f.Events
	c.elapsed += f.Elapsed
}

func tally(counts map[string]int, names []string) {
	for _, n := range names {
		counts[n]++
	}
}

// Write prints the census.
func (c *Census) Write(w io.Writer) error {
	var b strings.Builder
	n := max(1, c.seeds)
	fmt.Fprintf(&b, "%d seeds; on average %d operations, %d events, %v of virtual time\n",
		c.seeds, c.operations/uint64(n), c.events/uint64(n), (c.elapsed / time.Duration(n)).Round(time.Millisecond))
	for _, row := range []struct {
		name   string
		counts map[string]int
	}{{"outcomes", c.outcomes}, {"members", c.nodes}, {"election timeouts", c.elections}, {"clients", c.profiles}} {
		fmt.Fprintf(&b, "%s: %s\n", row.name, spread(row.counts))
	}
	fmt.Fprintf(&b, "\n%-12s %9s %10s\n", "fault", "injected", "effective")
	for i := range kinds {
		k := kinds[i].name
		fmt.Fprintf(&b, "%-12s %9d %10d\n", k, c.injected[k], c.effective[k])
	}
	fmt.Fprintf(&b, "\nprobes: %s\n", spread(c.probes))
	_, err := io.WriteString(w, b.String())
	return err
}

// spread prints counts, the greatest first.
func spread(counts map[string]int) string {
	names := slices.Sorted(maps.Keys(counts))
	slices.SortStableFunc(names, func(a, b string) int { return counts[b] - counts[a] })
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = fmt.Sprintf("%s %d", name, counts[name])
	}
	return strings.Join(parts, ", ")
}
