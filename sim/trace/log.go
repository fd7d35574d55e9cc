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
	counts [numKinds]uint64
	// recent are the kinds of the events since they were asked for.
	recent Set
	subs   [numKinds][]subscriber
	probes [numProbes]uint64

	// told is the copy that subscribers see. It lives here, so that an event on
	// its emitter's stack stays there.
	told Event
}

// subscriber is called with events of a kind. Of packets it wants those whose type has
// a bit in types.
type subscriber struct {
	f     func(*Event)
	types uint64
}

// NewLog returns an empty log.
func NewLog() *Log {
	// The digests of different trace versions never meet.
	return &Log{hi: sim.Mix(Version), lo: sim.Mix(^uint64(Version))}
}

// Subscribe calls f with every later event whose kind is in kinds, in order of
// subscription. The event is a copy, valid until f returns or emits.
func (l *Log) Subscribe(kinds Set, f func(*Event)) {
	l.subscribe(kinds, subscriber{f, ^uint64(0)})
}

// SubscribeSends is Subscribe for packets that are sent, of the given types of raft's
// messages, refusals among them. Every third event is a packet, and who listens wants
// few of them.
func (l *Log) SubscribeSends(f func(*Event), types ...uint16) {
	s := subscriber{f: f}
	for _, t := range types {
		s.types |= 1 << t
	}
	l.subscribe(Kinds(Send), s)
}

func (l *Log) subscribe(kinds Set, s subscriber) {
	for k := range numKinds {
		if kinds&(1<<k) != 0 {
			l.subs[k] = append(l.subs[k], s)
		}
	}
}

// Emit stamps the event with the present time and records it. It allocates
// nothing.
func (l *Log) Emit(e Event) {
	e.At = l.Now
	l.count++
	l.counts[e.Kind]++
	l.recent |= 1 << e.Kind
	l.fold(&e)
	subs := l.subs[e.Kind]
	for i := range subs {
		// Types of packets beyond 63 are no messages of raft's, and have no bits.
		if s := &subs[i]; s.types>>(e.Aux&63)&1 != 0 {
			l.told = e
			s.f(&l.told)
		}
	}
}

// fold mixes an event into the digest by four wide multiplications, in the manner
// of wyhash. They do not wait for each other, which makes this three times as
// fast as one after the other.
//
// Why it tells traces apart: the state enters every factor, so order matters.
// Each pair of fields has constants of its own, so fields cannot trade places. If
// one field differs, one factor of one product differs, and so does the product
// (both its halves are kept) unless the other factor is 0, one chance in 2^64. The
// halves are crossed, so that not even then the earlier state is lost.
func (l *Log) fold(e *Event) {
	where := uint64(e.Kind) | uint64(e.Aux)<<16 | uint64(e.Member)<<32 | uint64(e.Peer)<<48
	x1, x0 := bits.Mul64(uint64(e.At)^l.lo^0xa0761d6478bd642f, where^l.hi^0xe7037ed1a0b428db)
	y1, y0 := bits.Mul64(e.Term^l.hi^0x8ebc6af09c88c6e3, e.Index^l.lo^0x589965cc75374cc3)
	z1, z0 := bits.Mul64(e.A^l.lo^0x1d8e4e27c47d124f, e.B^l.hi^0xeb44accab455d165)
	w1, w0 := bits.Mul64(e.ID^l.hi^0x9e6c63d0876a9a47, l.count^l.lo^0xc2b2ae3d27d4eb4f)
	l.hi = bits.RotateLeft64(l.hi, 23) + x0 + y1 + z0 + w1
	l.lo = bits.RotateLeft64(l.lo, 41) + x1 + y0 + z1 + w0
}

// Count returns the number of events so far.
func (l *Log) Count() uint64 { return l.count }

// CountOf returns the number of events of a kind so far.
func (l *Log) CountOf(k Kind) uint64 { return l.counts[k] }

// Recent returns the kinds of the events since the last call. Whoever waits for
// something asks it whether to look again, which costs an event nothing; there can
// be one who does.
func (l *Log) Recent() Set {
	recent := l.recent
	l.recent = 0
	return recent
}

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
