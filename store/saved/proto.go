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

// field is a field of a message: integer or text is set.
type field struct {
	number  uint64
	integer uint64
	text    string
}

// message calls each with the fields of a message, in their order, until it objects.
func message(data string, each func(field) error) error {
	r := store.NewReader(data)
	for r.Left() > 0 {
		tag := r.Uint()
		f := field{number: tag >> 3}
		switch tag & 7 {
		case wireVarint:
			f.integer = r.Uint()
		case wireBytes:
			f.text = r.String()
		case wireFixed64:
			skip(&r, 8)
			continue
		case wireFixed32:
			skip(&r, 4)
			continue
		default:
			r.Fail("expected a field, found one of wire type %d", tag&7)
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
