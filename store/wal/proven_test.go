package wal_test

import (
	"errors"
	"testing"

	"etcdsim/store/disk"
	"etcdsim/store/record"
	"etcdsim/store/wal"
)

// Whatever happens to the log where it is proven, it is refused.
func TestProvenDamageIsRefused(t *testing.T) {
	files, _, _ := sample(t)
	proven := wal.Proven(files.disk(t))
	if len(proven) != 3 || proven[0].High != int64(len(files[proven[0].File])) || proven[2].High == 0 {
		t.Fatalf("of three segments these are proven: %+v", proven)
	}
	d := files.disk(t)
	for kind := range disk.NumDamages {
		for places := range 300 {
			for range 1 + places%3 {
				d.Damage(kind, proven)
			}
			var corrupt *record.CorruptError
			if _, err := wal.Open(d, wal.Config{}); !errors.As(err, &corrupt) {
				t.Fatalf("%v in %d places: %v, want a refusal", kind, 1+places%3, err)
			}
			d.Repair()
		}
	}
	open(t, d)
}

// A witness that is not durable proves nothing: a power cut takes it away.
func TestWitnessIsDurable(t *testing.T) {
	for seed := range uint64(40) {
		d := newDisk(disk.Config{}, seed)
		l := create(t, d, wal.Config{})
		for i := range uint64(4) {
			if err := l.Save(nil, newEntries(2+i, 2+i, 1)); err != nil {
				t.Fatal(err)
			}
			if i < 3 && d.Flush() != nil {
				t.Fatal("the disk fails")
			}
		}
		d.Damage(disk.Rot, wal.Proven(d))
		d.Crash()
		var corrupt *record.CorruptError
		if _, err := wal.Open(d, wal.Config{}); !errors.As(err, &corrupt) {
			t.Errorf("seed %d: %v, want a refusal", seed, err)
		}
	}
}
