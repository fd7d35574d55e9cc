package nemesis_test

import (
	"slices"
	"testing"
	"time"

	"etcdsim/scenarios"
	"etcdsim/scenarios/nemesis"
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// draws are what the components of a universe drew, as far as the trace shows it.
type draws struct {
	// events are those before the time until, but for statements and phases: they are
	// reached as soon as what precedes them is over.
	events []trace.Event
	until  sim.Time
	// lost says of each packet between two members whether the link lost it, and syncs
	// how long each sync of a disk took. Neither follows a component any further than
	// to what it draws for another reason: the end of the faults, and its own end.
	lost   map[[2]trace.Addr][]bool
	syncs  map[trace.Addr][]uint64
	done   map[trace.Addr]bool
	healed sim.Time
	// nodes are the founding members; who joins later may be another in another run.
	nodes trace.Addr
	last  trace.Event
}

// steady are settings with which each packet on a link that is whole draws the same
// number of times.
var steady = []scenarios.Setting{
	{Section: "net", Name: "drop", Value: "10%"},
	{Section: "net", Name: "duplicate", Value: "0%"},
	{Section: "net", Name: "reorder", Value: "0%"},
}

// observe runs a plan and notes what was drawn.
func observe(t *testing.T, p *nemesis.Plan, until time.Duration) *draws {
	t.Helper()
	d := &draws{
		until: sim.Time(until), healed: sim.Time(p.Healed), nodes: trace.Addr(p.Nodes),
		lost: map[[2]trace.Addr][]bool{}, syncs: map[trace.Addr][]uint64{}, done: map[trace.Addr]bool{},
	}
	o := scenarios.Options{Settings: steady, Observe: func(l *trace.Log) { l.Subscribe(trace.AllKinds, d.see) }}
	if _, err := scenarios.Run(p.File(), p.Seed, o); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *draws) see(e *trace.Event) {
	if e.At < d.until && e.Kind != trace.Action && e.Kind != trace.Phase {
		d.events = append(d.events, *e)
	}
	link := [2]trace.Addr{e.Member, e.Peer}
	switch {
	case e.At >= d.healed || e.Member > d.nodes || e.Peer > d.nodes:
	case e.Kind == trace.MemberCrash || e.Kind == trace.MemberStop:
		d.done[e.Member] = true
	case e.Kind == trace.DiskSync && !d.done[e.Member]:
		d.syncs[e.Member] = append(d.syncs[e.Member], e.B)
	case e.Kind == trace.Send:
		d.lost[link] = append(d.lost[link], false)
	case e.Kind == trace.Drop && d.last.Kind == trace.Send && d.last.ID == e.ID && d.last.At == e.At:
		all := d.lost[link]
		if e.Aux == trace.DropLoss {
			all[len(all)-1] = true
		} else {
			d.lost[link] = all[:len(all)-1] // the link was cut: nothing was drawn
		}
	}
	d.last = *e
}

// others are kinds of faults after which links or disks draw for another reason.
var others = []string{"loss", "hold", "link", "late", "corrupt", "slow", "stall", "damage", "wipe", "fail", "full"}

// A plan without one of its faults is the same run up to that fault; and after it, all
// links and disks go on drawing what they would have drawn.
func TestDrawsBelongToTheirComponents(t *testing.T) {
	packets, syncs, apart := 0, 0, 0
	for seed := uint64(1); seed <= 60; seed++ {
		plan := nemesis.Draw(seed)
		all := plan.Faults()
		if slices.ContainsFunc(all, func(f nemesis.Fault) bool { return slices.Contains(others, f.Kind) }) {
			continue
		}
		n := int(seed) % len(all)
		until := all[n].Actions[0].At
		for _, a := range all[n].Actions {
			until = min(until, a.At)
		}
		whole, less := observe(t, plan, until), observe(t, plan.Without(n), until)
		if !slices.Equal(whole.events, less.events) {
			t.Fatalf("seed %d without %s: the run is another before %v", seed, all[n].Kind, until)
		}
		for link, a := range whole.lost { // unordered: each is looked at by itself
			b := less.lost[link]
			k := min(len(a), len(b))
			if !slices.Equal(a[:k], b[:k]) {
				t.Errorf("seed %d without %s: link n%d->n%d loses other packets", seed, all[n].Kind, link[0], link[1])
			}
			packets += k
			apart += max(len(a), len(b)) - k
		}
		for owner, a := range whole.syncs { // unordered: each is looked at by itself
			b := less.syncs[owner]
			k := min(len(a), len(b))
			if !slices.Equal(a[:k], b[:k]) {
				t.Errorf("seed %d without %s: syncs of n%d take other times", seed, all[n].Kind, owner)
			}
			syncs += k
		}
	}
	if packets < 10_000 || syncs < 1000 || apart < 1000 {
		t.Errorf("%d packets and %d syncs were compared, %d packets are in one run only: expected more", packets, syncs, apart)
	}
}
