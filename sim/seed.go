package sim

// Seed is what the streams of one universe are derived from. In the course of
// things it may be turned: whatever is drawn from then on is drawn anew, while all
// that has been drawn stays. So two universes can share a past and not a future,
// which shows when a matter was decided.
//
// Who holds streams turns them together with the seed that further ones come from.
// The zero value is the seed 0.
type Seed struct{ origin, turn uint64 }

// NewSeed returns the seed of this number, which is not turned.
func NewSeed(n uint64) Seed { return Seed{origin: n} }

// Origin returns the number that the universe began with.
func (s Seed) Origin() uint64 { return s.origin }

// Turned returns how the seed was turned, 0 if it was not.
func (s Seed) Turned() uint64 { return s.turn }

// Turn makes every stream that is derived from now on another one. Equal turns
// give equal streams; 0 is no turn.
func (s *Seed) Turn(by uint64) { s.turn = by }

// Stream returns the stream that the seed assigns to a name.
func (s Seed) Stream(name string) Rand {
	r := NewRand(s.origin, name)
	r.Turn(s.turn)
	return r
}

// Turn makes the rest of the stream another one; 0 is no turn.
func (r *Rand) Turn(by uint64) {
	if by != 0 {
		r.state = Mix(r.state ^ Mix(by+golden))
	}
}
