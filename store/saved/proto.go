package saved

import (
	"fmt"

	"etcdsim/store"
)

// Messages in protobuf, as far as etcd's schema uses them. Fields that are 0 or empty
// are left out, and those that are not known are skipped.

// Wire types of protobuf.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

func appendText(buf []byte, number byte, s string) []byte {
	if s == "" {
		return buf
	}
	return store.AppendString(append(buf, number<<3|wireBytes), s)
}

func appendInt(buf []byte, number byte, v int64) []byte {
	if v == 0 {
		return buf
	}
	return store.AppendUint(append(buf, number<<3|wireVarint), uint64(v))
}

// field is a field of a message. Its tag is the number and the wire type; integer or
// text is set, as the wire type says.
type field struct {
	tag     uint64
	integer uint64
	text    string
}

// integer and text return the tags of fields that hold such a thing. A field whose number
// is known, and which holds something else than the schema says, has another tag: it is
// not known, and skipped, as in Go's protobuf.
func integer(number uint64) (tag uint64) { return number<<3 | wireVarint }
func text(number uint64) (tag uint64)    { return number<<3 | wireBytes }

// maxField is the largest number that a field can have.
const maxField = 1<<29 - 1

// message calls each with the fields of a message, in their order, until it objects. What
// protobuf would read and no etcd writes is an error, too: groups, and integers that are
// longer than they need be.
func message(data string, each func(field) error) error {
	r := store.NewReader(data)
	for r.Left() > 0 {
		f := field{tag: r.Uint()}
		if number := f.tag >> 3; r.Err() == nil && (number < 1 || number > maxField) {
			r.Fail("expected a field of number 1 to %d, found number %d", maxField, number)
		}
		switch f.tag & 7 {
		case wireVarint:
			f.integer = r.Uint()
		case wireBytes:
			f.text = r.String()
		case wireFixed64:
			skip(&r, 8)
		case wireFixed32:
			skip(&r, 4)
		default:
			r.Fail("expected a field, found one of wire type %d", f.tag&7)
		}
		if r.Err() != nil {
			break
		}
		if err := each(f); err != nil {
			return err
		}
	}
	if r.Err() != nil {
		return fmt.Errorf("not a protobuf message: %w", r.Err())
	}
	return nil
}

func skip(r *store.Reader, n int) {
	for range n {
		r.Byte()
	}
}
