package record

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

const lastKind = 4

func TestRecordsAreBoundToTheirPosition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.Int64Range(0, 1<<40).Draw(t, "position") / Alignment * Alignment
		durable := rapid.Int64Range(max(0, at-1<<31), at).Draw(t, "durable")
		kind := Kind(rapid.IntRange(1, lastKind).Draw(t, "kind"))
		payload := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "payload")

		buf := append(Begin([]byte("before..")), payload...)
		buf = End(buf, 8, kind, at, durable)
		data := slices.Concat(buf[8:], []byte("behind"))
		r, size, err := Read(data, at, lastKind)
		if err != nil || size != len(buf)-8 || size%Alignment != 0 {
			t.Fatalf("a record of %d bytes reads as %d bytes, %v", len(buf)-8, size, err)
		}
		if r.Kind != kind || r.At != at || r.Durable != durable || !bytes.Equal(r.Payload, payload) {
			t.Fatalf("read %+v", r)
		}
		other := rapid.Int64Range(0, 1<<40).Draw(t, "other position")
		if other != at {
			if _, _, err := Read(data, other, lastKind); err == nil {
				t.Fatalf("a record of position %d is valid at %d", at, other)
			}
		}
		// No bit of it may change.
		bit := rapid.IntRange(0, 8*size-1).Draw(t, "bit")
		data[bit/8] ^= 1 << (bit % 8)
		if _, _, err := Read(data, at, lastKind); err == nil {
			t.Fatalf("a record with bit %d of %d flipped is valid", bit, 8*size)
		}
		data[bit/8] ^= 1 << (bit % 8)
		if _, _, err := Read(data[:rapid.IntRange(0, size-1).Draw(t, "cut")], at, lastKind); err == nil {
			t.Fatal("a record that is cut short is valid")
		}
	})
}

func TestLagSaturates(t *testing.T) {
	at := int64(1) << 40
	data := End(Begin(nil), 0, 3, at, 0)
	r, _, err := Read(data, at, lastKind)
	if err != nil || r.Durable != at-(1<<32-1) {
		t.Errorf("a record that lags by a tebibyte says that %d is durable, %v; it may claim no more than it knows", r.Durable, err)
	}
}

// A record bears witness for what stands before the point through which its file
// was durable, and for nothing behind it.
func TestWitness(t *testing.T) {
	const base = 1 << 20
	var data []byte
	var starts []int64
	durable := int64(base) // behind the record before the last
	for i := range 4 {
		start := len(data)
		starts = append(starts, int64(start))
		data = End(append(Begin(data), "twenty bytes of data"...), start, Kind(1+i), base+int64(start), durable)
		durable = base + int64(start)
	}
	for i, start := range starts {
		damaged := slices.Clone(data)
		damaged[start+HeaderBytes] ^= 1
		at := base + start
		witness, found := Witness(damaged, base, at, lastKind)
		// The next record was written when this one was not durable yet.
		if want := i+2 < len(starts); found != want {
			t.Fatalf("record %d is damaged: a witness found: %v, want %v", i, found, want)
		}
		if found && witness != base+starts[i+2] {
			t.Errorf("record %d is damaged: the witness stands at %d, want %d", i, witness, base+starts[i+2])
		}
	}
}

// FuzzRead: no bytes make it panic, and what reads as a record writes as one.
func FuzzRead(f *testing.F) {
	f.Add(End(append(Begin(nil), "payload"...), 0, 2, 64, 8))
	f.Fuzz(func(t *testing.T, data []byte) {
		Witness(data, 64, 64, lastKind)
		r, size, err := Read(data, 64, lastKind)
		if err != nil {
			return
		}
		buf := append(Begin(nil), r.Payload...)
		if buf = End(buf, 0, r.Kind, r.At, r.Durable); !bytes.Equal(buf, data[:size]) {
			// The bytes of the padding are covered by the checksum but mean nothing.
			if again, _, err := Read(buf, 64, lastKind); err != nil || !bytes.Equal(again.Payload, r.Payload) {
				t.Errorf("record %+v comes back as %+v, %v", r, again, err)
			}
		}
	})
}
