package checker

import (
	"slices"

	"etcdsim/sim/trace"
)

// backendAccount is what is known of the state on a member's disk. Of the
// records that were written since the last one that is durable, a crash may leave
// any number, but nothing else: the state that a member starts from is that of
// one record, with the data that belongs to its index. From there on each entry
// of the log is applied once, which the invariant of applying in order sees to.
type backendAccount struct {
	// written are the indexes of the records that a restart may find, in order.
	// Invariant: the first one is durable, if any is.
	written []uint64
	durable uint64
	// opened is what the present incarnation found, known if found is set.
	opened uint64
	found  bool
}

// stateCommitted follows a record to the disk.
func (v *Invariants) stateCommitted(m *memberAccount, e *trace.Event) {
	k := &m.state
	if n := len(k.written); n > 0 && e.Index < k.written[n-1] {
		v.report(stateRecovered, e, "n%d wrote its state at index %d after that at index %d", m.id, e.Index, k.written[n-1])
	}
	k.written = append(k.written, e.Index)
}

// stateSettled notes what no crash can take back any more.
func (v *Invariants) stateSettled(m *memberAccount, e *trace.Event) {
	k := &m.state
	i := slices.Index(k.written, e.Index)
	if i < 0 {
		v.report(stateRecovered, e, "the state of n%d at index %d became durable, but was never written", m.id, e.Index)
		return
	}
	k.written = slices.Delete(k.written, 0, i)
	k.durable = e.Index
}

// stateOpened checks the state that a restart finds.
func (v *Invariants) stateOpened(m *memberAccount, e *trace.Event) {
	k := &m.state
	if e.Index < k.durable {
		v.report(restartDurable, e, "n%d restarted with its state at index %d, though that at index %d was durable", m.id, e.Index, k.durable)
	} else if len(k.written) > 0 && !slices.Contains(k.written, e.Index) {
		v.report(stateRecovered, e, "n%d restarted with its state at index %d, where it never wrote one", m.id, e.Index)
	}
	if e.Index < uint64(len(v.applied)) {
		if mark := v.applied[e.Index]; mark.term != 0 && mark.store != e.B {
			v.report(stateRecovered, e, "n%d took the state that it found for that of index %d: the hash is %016x, n%d had %016x there",
				m.id, e.Index, e.B, mark.member, mark.store)
		}
	}
	*k = backendAccount{written: append(k.written[:0], e.Index), durable: e.Index, opened: e.Index, found: true}
}

// stateStarted checks that a member goes on from the state that it found.
func (v *Invariants) stateStarted(m *memberAccount, e *trace.Event) {
	if k := &m.state; k.found && e.A != k.opened {
		v.report(stateRecovered, e, "n%d started at applied index %d, but its state is that of index %d", m.id, e.A, k.opened)
	}
}
