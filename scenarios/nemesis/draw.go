package nemesis

import (
	"fmt"
	"slices"
	"time"
)

// Draw returns the plan of a seed.
func Draw(seed uint64) *Plan {
	p := &Plan{Seed: seed}
	chosen := p.choose(newDice(seed, "clients"))
	w := p.universe(chosen)
	for _, c := range chosen {
		p.Profiles = append(p.Profiles, c.name)
		p.Clients = append(p.Clients, c.start(newDice(seed, "client/"+c.name), w)...)
	}
	p.rounds(w)
	return p
}

// choose draws what clients do: mostly one or two things.
func (p *Plan) choose(d *dice) []*profile {
	wanted := one(d, 1, 1, 1, 2, 2, 3)
	var chosen []*profile
	left := make([]int, len(profiles))
	for i := range profiles {
		left[i] = profiles[i].weight
	}
	for range wanted {
		i := d.weighted(left)
		c := &profiles[i]
		left[i] = 0
		for j := range profiles {
			if other := &profiles[j]; slices.Contains(c.apart, other.name) || slices.Contains(other.apart, c.name) {
				left[j] = 0
			}
		}
		chosen = append(chosen, c)
	}
	return chosen
}

// enable draws which kinds of faults there are: mostly few.
func (p *Plan) enable(d *dice) []*kind {
	wanted := one(d, 1, 2, 3, 3, 4, 5, 8, 12)
	var enabled []*kind
	left := make([]int, len(kinds))
	for i := range kinds {
		if kinds[i].drawIn(p) {
			left[i] = kinds[i].weight
		}
	}
	for range wanted {
		if i := d.weighted(left); i >= 0 {
			left[i] = 0
			enabled = append(enabled, &kinds[i])
			p.Kinds = append(p.Kinds, kinds[i].name)
		}
	}
	return enabled
}

// reconfiguring are the kinds of faults that change who the members are.
var reconfiguring = []string{"learner", "replace", "overlap", "wipe"}

// rounds draws the faults and when they happen.
func (p *Plan) rounds(w *world) {
	d := newDice(p.Seed, "rounds")
	enabled := p.enable(newDice(p.Seed, "kinds"))
	now := w.election*5/2 + d.time(least, w.election)
	number := 0
	count := d.count(2, 4)
	for i := range count {
		last := i == count-1
		end := now
		var r Round
		for range one(d, 1, 1, 2, 2, 3) {
			number++
			k := enabled[d.Intn(len(enabled))]
			f := &fault{dice: newDice(p.Seed, fmt.Sprintf("fault/%d", number)), world: w, number: number}
			f.begin = f.time(now, now+w.election*3/2)
			f.end = f.begin + f.length()
			f.open = last && f.chance(40)
			actions := k.draw(f)
			for _, a := range actions {
				end = max(end, a.At)
			}
			r.Faults = append(r.Faults, Fault{k.name, actions})
		}
		p.Rounds = append(p.Rounds, r)
		if now = end; !last && d.chance(60) {
			now += d.time(w.election/2, 3*w.election) // the cluster recovers
		}
	}
	p.mend(d, w, now)
}

// length draws how long a fault lasts: too short for an election, hardly long enough,
// or long enough for the others to go on without the victim.
func (f *fault) length() time.Duration {
	e := f.election
	switch f.Intn(10) {
	case 0, 1, 2:
		return f.time(least, e/2)
	case 3, 4, 5:
		return f.time(e/2, e*3/2)
	}
	return f.time(e*3/2, e*7/2)
}

// mend draws how the faults end.
func (p *Plan) mend(d *dice, w *world, now time.Duration) {
	p.Healed = now + d.time(least, w.election/2)
	p.Mend = []string{calm, "mend all"}
	switch {
	case slices.ContainsFunc(p.Faults(), func(f Fault) bool { return slices.Contains(reconfiguring, f.Kind) }):
		// A change of the members that was under way takes effect now, or is forgotten,
		// though nobody waits for it any more; whoever joins by it must be started, too.
		p.Mend = append(p.Mend, fmt.Sprintf("? wait converged within=%v", 10*w.election), fmt.Sprintf("wait elapsed %v", w.election), "mend all")
	case w.prevote && d.chance(50):
		// The rest has no part in it: a member that some of the others hear and some
		// do not could keep those from following anybody, in etcd as here. It may still
		// speak to all of them, though it hears nothing.
		p.Mend = []string{calm, "let $core = quorum", "mend $core", "? cut $core -> rest"}
		if d.chance(60) {
			p.Mend[3] = "? partition $core | rest"
		}
	}
}
