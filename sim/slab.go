package sim

// Slab makes values many at a time: where one of a kind is made at every other event,
// most of its cost is the allocation. A slab is freed when nobody refers to any of its
// values any more, so they should live about equally long. The zero value is ready for
// use.
type Slab[T any] struct{ free []T }

// slabSize is the number of values in a slab.
const slabSize = 64

// New returns a zero T.
func (s *Slab[T]) New() *T {
	if len(s.free) == 0 {
		s.free = make([]T, slabSize)
	}
	t := &s.free[0]
	s.free = s.free[1:]
	return t
}
