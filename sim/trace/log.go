package trace

import (
	"fmt"
	"math/bits"

	"etcdsim/sim"
)

// Digest identifies a trace: equal digests mean that the same events happened
// in the same order at the same times. It guards against accidents, not
// adversaries.
type Digest struct{ hi, lo uint64 }

// String prints 32 hexadecimal digits.
func (d Digest) String() string { return fmt.Sprintf("%016x%016x", d.hi, d.lo) }

// Set is a set of event kinds.
type Set uint64

// Kinds returns the set of the given kinds.
func Kinds(kinds ...Kind) Set {
	var s Set
	for _, k := range kinds {
		s |= 1 << k
	}
	return s
}

// AllKinds contains every kind.
const AllKinds = ^Set(0)

// numKinds must fit a Set.
const _ = uint(64 - numKinds)

// Log receives the events of one universe. It keeps a running digest and passes
// each event to the subscribers of its kind; it stores nothing itself. A Log is
// not for concurrent use. The zero value is not ready: use [NewLog].
type Log struct {
	// Now is the universe's clock. The owner of the event queue moves it;
	// events are stamped with it.
	Now sim.Time

	hi, lo uint64
	count  uint64
	subs   [numKinds][]func(*Event)
	probes [numProbes]uint64
}

// NewLog returns an empty log.
func NewLog() *Log {
	// The digests of different trace versions never meet.
	return &Log{hi: sim.Mix(Version), lo: sim.Mix(^uint64(Version))}
}

// Subscribe calls f with every later event whose kind is in kinds, in order of
// subscription. The event is valid only during the call and must not be changed.
func (l *Log) Subscribe(kinds Set, f func(*Event)) {
	for k := range numKinds {
		if kinds&(1<<k) != 0 {
			l.subs[k] = append(l.subs[k], f)
		}
	}
}

// Emit stamps the event with the present time and records it.
func (l *Log) Emit(e Event) {
	e.At = l.Now
	l.count++
	l.fold(uint64(e.At), uint64(e.Kind)|uint64(e.Aux)<<16|uint64(e.Member)<<32|uint64(e.Peer)<<48)
	l.fold(e.Term, e.Index)
	l.fold(e.A, e.B)
	l.lo ^= sim.Mix(e.ID + l.count)
	for _, f := range l.subs[e.Kind] {
		f(&e)
	}
}

// fold mixes two words into the state by one wide multiplication, in the manner
// of wyhash. The state enters both factors, so order matters; the halves are
// crossed, so that a factor of zero cannot erase what came before.
func (l *Log) fold(a, b uint64) {
	hi, lo := bits.Mul64(a^l.lo^0xa0761d6478bd642f, b^l.hi^0xe7037ed1a0b428db)
	l.hi, l.lo = bits.RotateLeft64(l.hi, 23)+lo, bits.RotateLeft64(l.lo, 41)^hi
}

// Count returns the number of events so far.
func (l *Log) Count() uint64 { return l.count }

// Digest returns the digest of the events so far.
func (l *Log) Digest() Digest { return Digest{l.hi, sim.Mix(l.lo ^ l.count)} }

// Hit notes that a rare thing happened. The first time it is also an event.
func (l *Log) Hit(p ProbeID) {
	l.probes[p]++
	if l.probes[p] == 1 {
		l.Emit(Event{Kind: Probe, ID: uint64(p)})
	}
}

// Hits returns how often the rare thing happened.
func (l *Log) Hits(p ProbeID) uint64 { return l.probes[p] }
