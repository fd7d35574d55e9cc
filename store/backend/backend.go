package backend

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"etcdsim/store/disk"
	"etcdsim/store/record"
)

// Kinds of records.
const (
	baseRecord  record.Kind = 1 + iota // an image; the first record of a file
	batchRecord                        // what was applied since

	lastKind = batchRecord
)

// Point is a place in the log: the index and term of an entry.
type Point struct{ Index, Term uint64 }

// Backend is the file of one incarnation of a member. It is not for concurrent
// use.
type Backend struct {
	disk *disk.Disk
	// generation numbers the file.
	generation uint64
	file       *disk.File
	// base is the size of the first record.
	base int64
	// old are the files of earlier generations, to be removed when the base is
	// durable.
	old []string
	// written are the records that are not known to be durable, oldest first.
	written []written
	// point is that of the newest record, durable that of the newest durable one.
	// Invariant: durable.Index <= point.Index.
	point, durable Point
	// buf is where a record is put together.
	buf []byte
}

// written is a record: where it ends, and up to which entry it goes.
type written struct {
	file  *disk.File
	end   int64
	point Point
}

// Create begins a backend on a disk without one. Like every write it is durable
// with the disk's next sync.
func Create(d *disk.Disk, p Point, image []byte) (*Backend, error) {
	b := &Backend{disk: d}
	if err := b.Rewrite(p, image); err != nil {
		return nil, err
	}
	return b, nil
}

// Append writes a batch: what changed since the last record, up to the entry at
// p. On an error (a full disk) nothing was written.
func (b *Backend) Append(p Point, batch []byte) error {
	at := b.file.Size()
	b.frame(batchRecord, p, batch, at, b.file.Durable())
	if err := b.file.Append(b.buf); err != nil {
		return err
	}
	b.note(p)
	return nil
}

// Rewrite begins a new generation: a file that begins with the image of the
// state after the entry at p. The file before it stays until Settle finds the new
// one durable. On an error (a full disk) nothing has changed.
func (b *Backend) Rewrite(p Point, image []byte) error {
	b.generation++
	name := fileName(b.generation)
	file, err := b.disk.Create(name)
	if err == nil {
		b.frame(baseRecord, p, image, 0, 0)
		if err = file.Append(b.buf); err != nil {
			if err := b.disk.Remove(name); err != nil {
				panic(fmt.Sprintf("backend: %s was just created and cannot be removed: %v", name, err))
			}
		}
	}
	if err != nil {
		b.generation--
		return err
	}
	if b.file != nil {
		b.old = append(b.old, b.file.Name())
	}
	b.file, b.base = file, file.Size()
	b.note(p)
	return nil
}

func (b *Backend) note(p Point) {
	b.point = p
	b.written = append(b.written, written{b.file, b.file.Size(), p})
}

// frame puts a record together. Offsets are those in the file.
func (b *Backend) frame(kind record.Kind, p Point, state []byte, at, durable int64) {
	b.buf = slices.Grow(b.buf[:0], record.HeaderBytes+2*binary.MaxVarintLen64+len(state)+record.Alignment)
	b.buf = record.Begin(b.buf)
	b.buf = binary.AppendUvarint(b.buf, p.Index)
	b.buf = binary.AppendUvarint(b.buf, p.Term)
	b.buf = append(b.buf, state...)
	start := position(b.generation)
	b.buf = record.End(b.buf, 0, kind, start+at, start+durable)
}

// Settle takes note of a sync that has completed: it removes the files that a
// durable base replaces, and returns the newest point that no crash can take
// back.
func (b *Backend) Settle() Point {
	if len(b.written) == 0 {
		return b.durable
	}
	n := 0
	for n < len(b.written) && b.written[n].end <= b.written[n].file.Durable() {
		b.durable = b.written[n].point
		n++
	}
	b.written = slices.Delete(b.written, 0, n)
	if len(b.old) > 0 && b.base <= b.file.Durable() {
		for _, name := range b.old {
			if err := b.disk.Remove(name); err != nil {
				panic(fmt.Sprintf("backend: an old generation cannot be removed: %v", err))
			}
		}
		b.old = b.old[:0]
	}
	return b.durable
}

// Point returns that of the newest record, durable or not.
func (b *Backend) Point() Point { return b.point }

// Size returns the number of bytes in the file, and base how many of them are the
// image that it began with.
func (b *Backend) Size() (size, base int64) { return b.file.Size(), b.base }

const (
	suffix = ".db"
	digits = 8
	// offsetBits is the part of a position that is the offset in a file.
	offsetBits = 40
)

// position is that of the first byte of a generation's file.
func position(generation uint64) int64 { return int64(generation) << offsetBits }

func fileName(generation uint64) string { return fmt.Sprintf("%0*x%s", digits, generation, suffix) }

// generationOf returns the generation that a file name stands for.
func generationOf(name string) (uint64, bool) {
	number, ok := strings.CutSuffix(name, suffix)
	if !ok {
		return 0, false
	}
	generation, err := strconv.ParseUint(number, 16, 63-offsetBits)
	return generation, err == nil && name == fileName(generation)
}
