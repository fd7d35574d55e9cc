package disk

import (
	"errors"
	"fmt"
	"slices"
)

// Errors of a device.
var (
	// ErrFull: the device has no room for the write. Nothing was written.
	ErrFull = errors.New("no space left on device")
	// ErrExist: a file of that name exists.
	ErrExist = errors.New("file exists")
	// ErrNotExist: there is no file of that name.
	ErrNotExist = errors.New("file does not exist")
	// ErrIO: the device fails. Of a write nothing was written.
	ErrIO = errors.New("input/output error")
)

// chunkBytes is the unit in which files grow. A power of two, and a multiple of
// Sector.
const chunkBytes = 8 << 10

// File is a named sequence of bytes that grows at its end. A handle is good for
// one incarnation of its owner: after a crash files are opened again.
type File struct {
	disk *Disk
	name string
	// chunks hold the bytes; all are full but the last.
	// Invariant: len(chunks) is size/chunkBytes, rounded up.
	chunks [][]byte
	// size counts all bytes, covered those that a sync was started for, and
	// stable those that are durable. Invariant: stable <= covered <= size.
	size, covered, stable int64
	// named reports that the file's name is durable.
	named bool
	// kept and keptName are what is durable in truth, where a sync has lied.
	// Invariant: kept <= stable.
	kept     int64
	keptName bool
	// holes are the bytes that failed syncs were to write: they are read back, no later
	// sync writes them, and a crash shows that they are not there. In order, and apart:
	// none is empty, and none begins where another one ends.
	holes []span
	// dirty reports that the file is on the disk's list of those that the next
	// sync covers.
	dirty bool
	// overlays are the injected faults that lie over the bytes.
	overlays []overlay
}

// span is the bytes of a file from low up to high.
type span struct{ low, high int64 }

func (s span) empty() bool { return s.high <= s.low }

// unsettled reports whether anything of the file is not durable.
func (f *File) unsettled() bool { return f.size > f.stable || !f.named }

// Name returns the file's name.
func (f *File) Name() string { return f.name }

// Size returns the number of bytes in the file, durable or not.
func (f *File) Size() int64 { return f.size }

// Durable returns how many bytes no crash can take away.
func (f *File) Durable() int64 { return f.stable }

// Append writes data to the end of the file: all of it, or nothing and an error
// that wraps ErrFull or ErrIO. The data is copied.
func (f *File) Append(data []byte) error {
	d := f.disk
	if d.failing {
		return fmt.Errorf("append of %d bytes to %s: %w", len(data), f.name, ErrIO)
	}
	if d.limit > 0 && d.used+int64(len(data)) > d.limit {
		return fmt.Errorf("append of %d bytes to %s: %w (%d of %d in use)", len(data), f.name, ErrFull, d.used, d.limit)
	}
	d.used += int64(len(data))
	d.soil(f)
	for len(data) > 0 {
		at := f.size % chunkBytes
		if at == 0 {
			f.chunks = append(f.chunks, d.newChunk())
		}
		n := copy(f.chunks[len(f.chunks)-1][at:], data)
		f.size += int64(n)
		data = data[n:]
	}
	return nil
}

// Read returns a copy of the file's bytes, as the device reads them now.
func (f *File) Read() []byte {
	data := f.pristine()
	for i := range f.overlays {
		f.overlays[i].put(data)
	}
	return data
}

// pristine returns a copy of the file's bytes as they were written.
func (f *File) pristine() []byte {
	data := make([]byte, f.size)
	rest := data
	for _, chunk := range f.chunks {
		rest = rest[copy(rest, chunk):]
	}
	return data
}

// cut ends the file at a smaller size. What of the rest was durable still is.
func (f *File) cut(size int64) {
	d := f.disk
	d.used -= f.size - size
	keep := int((size + chunkBytes - 1) / chunkBytes)
	for i := keep; i < len(f.chunks); i++ {
		d.spare = append(d.spare, f.chunks[i])
		f.chunks[i] = nil
	}
	f.chunks = f.chunks[:keep]
	f.size, f.covered, f.stable, f.kept = size, min(f.covered, size), min(f.stable, size), min(f.kept, size)
	for i := range f.holes {
		f.holes[i].high = min(f.holes[i].high, size)
	}
	f.holes = slices.DeleteFunc(f.holes, span.empty)
	f.overlays = slices.DeleteFunc(f.overlays, func(o overlay) bool { return o.at >= size })
}

// sector returns the bytes from low to high, which lie within one sector.
func (f *File) sector(low, high int64) []byte {
	start := low % chunkBytes
	return f.chunks[low/chunkBytes][start : start+high-low]
}
