package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"etcdsim/store/disk"
)

// Statements about disks.

// count reads a number from 1 to most off an option.
func (p *parser) count(o Option, most uint64) uint64 {
	n, err := strconv.ParseUint(o.Value, 10, 63)
	if err != nil || n < 1 || n > most {
		p.fail(o.Pos.Col, "%s: %q: expected a number from 1 to %d", o.Name, o.Value, most)
	}
	return n
}

// DamageArgs damage disks, or wipe them.
type DamageArgs struct {
	Of   Targets
	Kind disk.Damage
	// Sectors is how many places are damaged; 0 for a disk that is wiped.
	Sectors uint64
	// Force: even if no majority is left with what it has promised to keep.
	Force bool
}

// String prints the arguments as they are written.
func (a DamageArgs) String() string {
	s := a.Of.String()
	if a.Kind != disk.Rot {
		s += " kind=" + a.Kind.String()
	}
	if a.Sectors > 1 {
		s += fmt.Sprintf(" sectors=%d", a.Sectors)
	}
	if a.Force {
		s += " force=on"
	}
	return s
}

func (a DamageArgs) targets() []Targets { return []Targets{a.Of} }

// maxSectors bounds the places that one statement damages.
const maxSectors = 1000

func parseDamage(p *parser) DamageArgs {
	a := parseWipe(p)
	a.Sectors = 1
	if o, found := p.option("kind"); found {
		kinds := make([]string, disk.NumDamages)
		for k := range disk.NumDamages {
			kinds[k] = k.String()
		}
		i := slices.Index(kinds, o.Value)
		if i < 0 {
			p.fail(o.Pos.Col, "kind: %q: expected one of %s", o.Value, strings.Join(kinds, ", "))
		}
		a.Kind = disk.Damage(max(i, 0))
	}
	if o, found := p.option("sectors"); found {
		a.Sectors = p.count(o, maxSectors)
	}
	return a
}

func parseWipe(p *parser) DamageArgs {
	a := DamageArgs{Of: p.targets(false)}
	if o, found := p.option("force"); found {
		if a.Force = o.Value == "on"; !a.Force {
			p.fail(o.Pos.Col, "force: %q: expected on", o.Value)
		}
	}
	return a
}

// sparing resolves the members whose disks are to be spoiled. Unless it is forced, a
// majority must be left that has kept all its promises: what random faults destroy then
// can be made up from the others.
func (r *run) sparing(a DamageArgs) ([]uint64, *halt) {
	ids, h := r.resolve(a.Of)
	if h != nil || a.Force {
		return ids, h
	}
	spoiled := setOf(ids...)
	for _, id := range r.voters().list() {
		if r.c.Spoiled(id) {
			spoiled |= setOf(id)
		}
	}
	if sound := r.voters() &^ spoiled; sound.size() < r.quorum() {
		return nil, &halt{outcome: Vacuous, why: fmt.Sprintf(
			"that would leave sound disks to %s only, where a majority of %d needs %d; force=on does it all the same",
			orNobody(sound.list()), r.voters().size(), r.quorum())}
	}
	return ids, nil
}

func execDamage(r *run, _ *Statement, a DamageArgs) *halt {
	ids, h := r.sparing(a)
	if h != nil {
		return h
	}
	for _, id := range ids {
		if !r.c.Damage(id, a.Kind, a.Sectors) {
			return &halt{outcome: Vacuous, why: fmt.Sprintf("the disk of n%d holds nothing yet that is durable for sure", id)}
		}
	}
	r.note("the disk of "+names(ids)+" damaged", false)
	return nil
}

func execWipe(r *run, _ *Statement, a DamageArgs) *halt {
	ids, h := r.sparing(a)
	if h != nil {
		return h
	}
	for _, id := range ids {
		r.c.Wipe(id)
	}
	r.note(names(ids)+" wiped", false)
	return nil
}

func execLie(r *run, _ *Statement, a MemberArgs) *halt {
	return r.each(a.Of, "with a disk that lies", func(id uint64) { r.c.Disk(id).Lie() })
}

// FailArgs let disks fail.
type FailArgs struct {
	Of Targets
	// Syncs is how many syncs fail, and nothing else; 0 if everything does.
	Syncs uint64
}

// String prints the arguments as they are written.
func (a FailArgs) String() string {
	if a.Syncs == 0 {
		return a.Of.String()
	}
	return fmt.Sprintf("%s syncs=%d", a.Of, a.Syncs)
}

func (a FailArgs) targets() []Targets { return []Targets{a.Of} }

// maxSyncs bounds the syncs that one statement lets fail.
const maxSyncs = 1000

func parseFail(p *parser) FailArgs {
	a := FailArgs{Of: p.targets(false)}
	if o, found := p.option("syncs"); found {
		a.Syncs = p.count(o, maxSyncs)
	}
	return a
}

func execFail(r *run, _ *Statement, a FailArgs) *halt {
	if a.Syncs > 0 {
		return r.each(a.Of, "with a disk whose syncs fail", func(id uint64) { r.c.Disk(id).FailSyncs(a.Syncs) })
	}
	return r.each(a.Of, "with a disk that fails", func(id uint64) { r.c.Disk(id).Fail() })
}

func execRepair(r *run, _ *Statement, a MemberArgs) *halt { return r.each(a.Of, "repaired", r.repair) }

func (r *run) repair(id uint64) {
	r.c.Unwipe(id)
	r.c.Disk(id).Repair()
}
