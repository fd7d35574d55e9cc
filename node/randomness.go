package node

import (
	"fmt"
	"reflect"
	"unsafe"

	"go.etcd.io/raft/v3"

	"etcdsim/sim"
)

// This is the one file that reaches into raft. The library draws each election
// timeout from crypto/rand and offers no hook; everything else about it is
// deterministic. After every call into a RawNode the timeout it drew is
// replaced by a pure function of (seed, member, term, role): the same
// distribution, our own choice. There is no global state, so any number of
// simulations run in one process, and crypto/rand is left alone for those who
// need it, such as TLS.
//
// raft redraws only in becomeFollower, becomeCandidate and becomeLeader, which
// change term or role; a pure function of both needs no detection of redraws.
// becomePreCandidate does not redraw, and here does: the distribution is the
// same, since the value a pre-candidate would have kept was drawn alike.
//
// What is reached is named below and checked when the program starts; a test
// fails when an upgrade of raft moves it.

// raftFields are the offsets, within raft's unexported state, of what this file
// reads and writes.
type raftFields struct {
	raft                                uintptr // in RawNode
	term, state, lead, timeout, elapsed uintptr // in raft.raft
	err                                 error
}

var fields = findRaftFields(reflect.TypeFor[raft.RawNode]())

func findRaftFields(rawNode reflect.Type) (f raftFields) {
	inner, ok := rawNode.FieldByName("raft")
	if !ok || inner.Type.Kind() != reflect.Pointer || inner.Type.Elem().Kind() != reflect.Struct {
		f.err = fmt.Errorf("raft.RawNode has no field %q that points to a struct: this build knows raft v3.7.0", "raft")
		return f
	}
	f.raft = inner.Offset
	find := func(name string, want reflect.Type) uintptr {
		field, ok := inner.Type.Elem().FieldByName(name)
		if !ok || field.Type != want {
			f.err = fmt.Errorf("raft's state has no field %q of type %v: this build knows raft v3.7.0", name, want)
		}
		return field.Offset
	}
	f.term = find("Term", reflect.TypeFor[uint64]())
	f.state = find("state", reflect.TypeFor[raft.StateType]())
	f.lead = find("lead", reflect.TypeFor[uint64]())
	f.timeout = find("randomizedElectionTimeout", reflect.TypeFor[int]())
	f.elapsed = find("electionElapsed", reflect.TypeFor[int]())
	return f
}

// timer owns the election timeout of one RawNode.
type timer struct {
	seed          uint64 // of this member's stream
	electionTicks int

	term    *uint64
	state   *raft.StateType
	lead    *uint64
	timeout *int
	elapsed *int

	// The timeout belongs to drawnTerm and drawnState.
	drawn      int
	drawnTerm  uint64
	drawnState raft.StateType
}

// newTimer takes over the election timeout of rn.
func newTimer(rn *raft.RawNode, seed sim.Seed, member uint64, electionTicks int) timer {
	inner := *(*unsafe.Pointer)(unsafe.Add(unsafe.Pointer(rn), fields.raft))
	t := timer{
		seed:          seedOf(seed, member),
		electionTicks: electionTicks,
		term:          (*uint64)(unsafe.Add(inner, fields.term)),
		state:         (*raft.StateType)(unsafe.Add(inner, fields.state)),
		lead:          (*uint64)(unsafe.Add(inner, fields.lead)),
		timeout:       (*int)(unsafe.Add(inner, fields.timeout)),
		elapsed:       (*int)(unsafe.Add(inner, fields.elapsed)),
	}
	t.draw()
	return t
}

// seedOf derives the seed of one member's timeouts.
func seedOf(seed sim.Seed, member uint64) uint64 {
	r := seed.Stream(fmt.Sprintf("raft/%d", member))
	return r.Uint64()
}

// settle restores our timeout. It must follow every call that may have changed
// the member's term or role.
func (t *timer) settle() {
	if *t.term != t.drawnTerm || *t.state != t.drawnState {
		t.draw()
	}
	*t.timeout = t.drawn
}

// draw chooses the timeout for the present term and role: uniform in
// [ElectionTick, 2*ElectionTick), as raft's own (Raft paper, section 5.2).
func (t *timer) draw() {
	t.drawnTerm, t.drawnState = *t.term, *t.state
	z := sim.Mix(t.seed + sim.Mix(t.drawnTerm<<2|uint64(t.drawnState)))
	t.drawn = t.electionTicks + int(z%uint64(t.electionTicks))
	*t.timeout = t.drawn
}
