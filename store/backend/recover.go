package backend

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"etcdsim/store/disk"
	"etcdsim/store/record"
)

// ErrNone: the disk holds no backend. Create begins one.
var ErrNone = errors.New("backend: the disk holds none")

// Reasons of a [record.CorruptError] beside those of single records.
var (
	errOrder     = errors.New("a record stands where its kind cannot")
	errMalformed = errors.New("the record does not say which entry it goes up to")
	errBackwards = errors.New("the record goes up to an earlier entry than the one before it")
	errNoBase    = errors.New("no base is readable")
	errName      = errors.New("the name is not that of a generation")
)

// State is what a backend holds: an image, and the batches on top of it in order.
type State struct {
	// Point is the last entry that the state holds.
	Point
	Image   []byte
	Batches [][]byte
	// CutBytes were cut off the end of the file, and Discarded is the number of
	// newer files, because a crash had torn them.
	CutBytes  int64
	Discarded int
}

// Open recovers a backend from the bytes on a disk. It removes what a crash tore
// and what a newer generation replaces. It returns ErrNone for a disk without
// one, and a *[record.CorruptError] for one that must not be used; the disk is then
// unchanged.
func Open(d *disk.Disk) (*Backend, *State, error) {
	sources, err := load(d)
	if err != nil {
		return nil, nil, err
	}
	var s source
	discarded := 0
	for i := range sources {
		if s, err = sources[i].scan(); err == nil {
			discarded = i
			break
		}
		if torn := errors.Is(err, errNoBase); !torn || i == len(sources)-1 {
			return nil, nil, err
		}
	}
	state := s.state
	state.Discarded = discarded
	if state.CutBytes = int64(len(s.data)) - s.end; state.CutBytes > 0 {
		if err := d.CutTail(s.file.Name(), s.end); err != nil {
			return nil, nil, err
		}
	}
	for _, other := range sources {
		if other.generation != s.generation {
			if err := d.Remove(other.file.Name()); err != nil {
				return nil, nil, err
			}
		}
	}
	return &Backend{
		disk: d, generation: s.generation, file: s.file, base: s.base, point: state.Point, durable: state.Point,
	}, &state, nil
}

// source is the file of a generation, its bytes and what was found in them.
type source struct {
	generation uint64
	file       *disk.File
	data       []byte
	// base and end are where the first and the last valid record end.
	base, end int64
	state     State
}

// load reads the files of all generations, newest first.
func load(d *disk.Disk) ([]source, error) {
	var all []source
	for _, name := range d.List() { // sorted, and so are the generations
		if len(name) < len(suffix) || name[len(name)-len(suffix):] != suffix {
			continue
		}
		generation, ok := generationOf(name)
		if !ok {
			return nil, &record.CorruptError{Of: "backend", File: name, Reason: errName}
		}
		file, err := d.Open(name)
		if err != nil {
			return nil, err
		}
		all = append(all, source{generation: generation, file: file, data: file.Read()})
	}
	if len(all) == 0 {
		return nil, ErrNone
	}
	slices.Reverse(all)
	return all, nil
}

// scan reads the records up to the first that is not valid, which must be where
// a write was torn.
func (s source) scan() (source, error) {
	start := position(s.generation)
	torn := record.ErrShort
	for s.end < int64(len(s.data)) {
		r, size, err := record.Read(s.data[s.end:], start+s.end, lastKind)
		if err != nil {
			if witness, found := record.Witness(s.data, start, start+s.end, lastKind); found {
				at := fmt.Sprintf("offset %d", witness-start)
				return s, &record.CorruptError{Of: "backend", File: s.file.Name(), Offset: s.end, Reason: err, Witness: at}
			}
			torn = err
			break
		}
		if err := s.take(r); err != nil {
			return s, &record.CorruptError{Of: "backend", File: s.file.Name(), Offset: s.end, Reason: err}
		}
		s.end += int64(size)
		if s.base == 0 {
			s.base = s.end
		}
	}
	if s.base == 0 {
		return s, &record.CorruptError{Of: "backend", File: s.file.Name(), Reason: fmt.Errorf("%w: %w", errNoBase, torn)}
	}
	return s, nil
}

// take adds a valid record to the state.
func (s *source) take(r record.Record) error {
	index, n := binary.Uvarint(r.Payload)
	term, m := binary.Uvarint(r.Payload[max(n, 0):])
	switch {
	case n <= 0 || m <= 0:
		return errMalformed
	case (r.Kind == baseRecord) != (s.end == 0):
		return errOrder
	case index < s.state.Index:
		return fmt.Errorf("%w: %d after %d", errBackwards, index, s.state.Index)
	}
	s.state.Point = Point{index, term}
	if r.Kind == baseRecord {
		s.state.Image = r.Payload[n+m:]
	} else {
		s.state.Batches = append(s.state.Batches, r.Payload[n+m:])
	}
	return nil
}
