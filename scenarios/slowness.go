package scenarios

import (
	"fmt"
	"strings"

	"etcdsim/sim"
)

// SlowArgs slow members down.
type SlowArgs struct {
	Of Targets
	// Disk is how many times as long syncs take, 0 if that stays as it is.
	Disk uint64
	// CPU is how long each step takes, if Paced.
	CPU   sim.Range
	Paced bool
}

// String prints the arguments as they are written.
func (a SlowArgs) String() string {
	parts := []string{a.Of.String()}
	if a.Disk > 0 {
		parts = append(parts, fmt.Sprintf("disk=%d", a.Disk))
	}
	if a.Paced {
		parts = append(parts, "cpu="+printRange(a.CPU))
	}
	return strings.Join(parts, " ")
}

func (a SlowArgs) targets() []Targets { return []Targets{a.Of} }

const (
	// maxSlow bounds how slow a disk may be: a sync takes minutes then.
	maxSlow = 100_000
	// maxStep bounds how slow a processor may be, in the same way.
	maxStep = 10_000_000_000
)

func parseSlow(p *parser) SlowArgs {
	a := SlowArgs{Of: p.targets(false)}
	if o, found := p.option("disk"); found {
		a.Disk = p.count(o, maxSlow)
	}
	if o, found := p.option("cpu"); found {
		a.Paced = true
		var err error
		if a.CPU, err = sim.ParseRange(o.Value); err != nil || a.CPU.Max > maxStep {
			p.fail(o.Pos.Col, "cpu: %q: expected how long each step takes, such as 1ms..5ms, 10s at most; 0s is fast", o.Value)
		}
	}
	if a.Disk == 0 && !a.Paced {
		p.fail(p.end, "expected disk=N or cpu=DURATION..DURATION, such as disk=20 or cpu=1ms..5ms")
	}
	return a
}

func execSlow(r *run, _ *Statement, a SlowArgs) *halt {
	return r.each(a.Of, "slow: "+strings.TrimPrefix(a.String(), a.Of.String()+" "), func(id uint64) {
		if a.Disk > 0 {
			r.c.Disk(id).Slow(int64(a.Disk))
		}
		if a.Paced {
			r.c.Slow(id, a.CPU)
		}
	})
}
