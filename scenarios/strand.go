package scenarios

import "etcdsim/sim"

// Strands are sequences of statements that go on at the same time. A scenario is
// one strand; each branch of a block concurrently is one more while the block
// lasts. Only one of them acts at an instant: the others wait for something, and
// where several could go on, the first in the file does.

// strand is one of them.
type strand struct {
	// rest is who rest are where a statement names nobody.
	rest members
	// yield lets the other strands go on until a condition holds or its deadline has
	// come, and reports whether it holds. It is nil for the scenario itself, which
	// lets time pass instead.
	yield func(watch) bool
}

// lines executes the lines of a block.
func (r *run) lines(lines []Line) *halt {
	for i := range lines {
		if s := lines[i].Statement; s != nil {
			if h := r.execute(s); h != nil {
				return h
			}
		}
	}
	return nil
}

func execRepeat(r *run, st *Statement, a RepeatArgs) *halt {
	for range a.Times {
		if h := r.lines(st.Branches[0].Lines); h != nil {
			return h
		}
	}
	return nil
}

// branch is a strand of a block that is under way.
type branch struct {
	strand
	proc *sim.Proc[watch, bool]
	// awaits is what it waits for, if it is not over.
	awaits watch
	over   bool
	// halted is why it ended before its last statement.
	halted *halt
}

// execConcurrently lets the branches of a block go on beside each other. The first
// that halts ends them all.
func execConcurrently(r *run, st *Statement, _ NoArgs) *halt {
	branches := make([]*branch, len(st.Branches))
	defer func() {
		for _, b := range branches {
			if b != nil {
				b.proc.Stop()
			}
		}
	}()
	for i := range branches {
		b := &branch{strand: strand{rest: r.strand.rest}}
		b.proc = sim.NewProc(func(await func(watch) bool) {
			b.yield = await
			b.halted = r.lines(st.Branches[i].Lines)
		})
		branches[i] = b
		if h := r.goOn(b, b.proc.Start); h != nil {
			return h
		}
	}
	for {
		w, over := together(branches)
		if over {
			return nil
		}
		if _, h := r.await(w, 0); h != nil {
			return h
		}
		for _, b := range branches {
			if b.over {
				continue
			}
			holds := b.awaits.holds()
			if !holds && r.c.Now() < b.awaits.deadline {
				continue
			}
			resume := func() (watch, bool) { return b.proc.Resume(holds || b.awaits.by != 0) }
			if h := r.goOn(b, resume); h != nil {
				return h
			}
		}
	}
}

// goOn lets a branch act until it waits for something.
func (r *run) goOn(b *branch, act func() (watch, bool)) *halt {
	outer := r.strand
	r.strand = &b.strand
	awaits, alive := act()
	r.strand = outer
	b.awaits, b.over = awaits, !alive
	return b.halted
}

// together is the condition that a branch can go on. It reports whether all are
// over.
func together(branches []*branch) (w watch, over bool) {
	w = watch{by: sim.Forever, state: func() string { return "" }}
	over = true
	for _, b := range branches {
		if !b.over {
			over = false
			w.wakes |= b.awaits.wakes
			w.by = min(w.by, b.awaits.deadline)
		}
	}
	w.holds = func() bool {
		for _, b := range branches {
			if !b.over && b.awaits.holds() {
				return true
			}
		}
		return false
	}
	return w, over
}
