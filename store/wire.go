package store

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The wire format of this package is made of three things: single bytes,
// integers as base-128 varints (signed ones zigzag first, as in protobuf), and
// strings preceded by their length. It is deterministic: equal values have equal
// bytes, on every machine.

// ErrMalformed is wrapped by every error that decoding reports.
var ErrMalformed = errors.New("malformed encoding")

// AppendUint appends an unsigned integer.
func AppendUint(buf []byte, v uint64) []byte {
	if v < 0x80 {
		return append(buf, byte(v))
	}
	return binary.AppendUvarint(buf, v)
}

// AppendInt appends a signed integer.
func AppendInt(buf []byte, v int64) []byte {
	return AppendUint(buf, uint64(v)<<1^uint64(v>>63))
}

// AppendString appends a string.
func AppendString(buf []byte, s string) []byte {
	return append(AppendUint(buf, uint64(len(s))), s...)
}

// Reader takes apart what the Append functions wrote. The first defect stops it:
// every later read returns a zero value, and Err names the place. So a decoder
// reads straight on and asks once, at the end.
//
// Strings that it returns are parts of the input and keep it alive.
type Reader struct {
	data string
	pos  int
	err  error
}

// NewReader returns a reader of data.
func NewReader(data string) Reader { return Reader{data: data} }

// Left returns the number of bytes not read yet; 0 after a defect.
func (r *Reader) Left() int {
	if r.err != nil {
		return 0
	}
	return len(r.data) - r.pos
}

// Err returns the first defect, or nil.
func (r *Reader) Err() error { return r.err }

// End reports the first defect; bytes left over are one.
func (r *Reader) End() error {
	if r.err == nil && r.pos != len(r.data) {
		r.Fail("%d bytes left over", len(r.data)-r.pos)
	}
	return r.err
}

// Fail records a defect found by the caller, unless there was one before.
func (r *Reader) Fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: at byte %d: %s", ErrMalformed, r.pos, fmt.Sprintf(format, args...))
	}
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if r.err != nil || r.pos >= len(r.data) {
		r.Fail("expected a byte")
		return 0
	}
	b := r.data[r.pos]
	r.pos++
	return b
}

// Uint reads an unsigned integer.
func (r *Reader) Uint() uint64 {
	if r.err == nil && r.pos < len(r.data) {
		if b := r.data[r.pos]; b < 0x80 {
			r.pos++
			return uint64(b)
		}
	}
	return r.longUint()
}

func (r *Reader) longUint() uint64 {
	if r.err != nil {
		return 0
	}
	var v uint64
	for i := range binary.MaxVarintLen64 {
		if r.pos+i >= len(r.data) {
			break
		}
		b := r.data[r.pos+i]
		if i == binary.MaxVarintLen64-1 && b > 1 {
			break // beyond 64 bits
		}
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			if b == 0 && i > 0 {
				break // a shorter form exists: equal values have equal bytes
			}
			r.pos += i + 1
			return v
		}
	}
	r.Fail("expected an integer")
	return 0
}

// Int reads a signed integer.
func (r *Reader) Int() int64 {
	v := r.Uint()
	return int64(v>>1) ^ -int64(v&1)
}

// String reads a string.
func (r *Reader) String() string {
	n := r.Uint()
	if r.err != nil || n > uint64(len(r.data)-r.pos) {
		r.Fail("expected a string of %d bytes, %d are left", n, len(r.data)-r.pos)
		return ""
	}
	s := r.data[r.pos : r.pos+int(n)]
	r.pos += int(n)
	return s
}

// Count reads the length of a list whose elements take at least one byte each,
// so that a damaged length cannot ask for more memory than the input justifies.
func (r *Reader) Count() int {
	n := r.Uint()
	if r.err != nil || n > uint64(len(r.data)-r.pos) {
		r.Fail("expected a list of %d elements, %d bytes are left", n, len(r.data)-r.pos)
		return 0
	}
	return int(n)
}
