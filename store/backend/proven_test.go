package backend_test

import (
	"errors"
	"testing"

	"etcdsim/store/backend"
	"etcdsim/store/disk"
	"etcdsim/store/record"
)

// Whatever happens to the backend where it is proven, it is refused.
func TestProvenDamageIsRefused(t *testing.T) {
	m := newModel(1)
	for range 40 {
		m.next(t, "some state that takes some room ", false)
		m.beginSync()
		m.endSync(0)
	}
	size, _ := m.backend.Size()
	proven := backend.Proven(m.disk)
	if len(proven) != 1 || proven[0].High < size/2 || proven[0].High >= size {
		t.Fatalf("of %d bytes these are proven: %+v", size, proven)
	}
	for kind := range disk.NumDamages {
		for places := range 300 {
			for range 1 + places%3 {
				m.disk.Damage(kind, proven)
			}
			var corrupt *record.CorruptError
			if _, _, err := backend.Open(m.disk); !errors.As(err, &corrupt) {
				t.Fatalf("%v in %d places: %v, want a refusal", kind, 1+places%3, err)
			}
			m.disk.Repair()
		}
	}
	if err := m.restart(); err != nil {
		t.Error(err)
	}
}

// A witness that is not durable proves nothing: a power cut takes it away.
func TestWitnessIsDurable(t *testing.T) {
	for seed := range uint64(40) {
		m := newModel(seed)
		m.disk.SetConfig(disk.Config{})
		for range 3 {
			m.next(t, "a batch ", false)
			m.beginSync()
			m.endSync(0)
		}
		m.next(t, "a batch that is not durable ", false)
		m.disk.Damage(disk.Rot, backend.Proven(m.disk))
		m.disk.Crash()
		var corrupt *record.CorruptError
		if _, _, err := backend.Open(m.disk); !errors.As(err, &corrupt) {
			t.Errorf("seed %d: %v, want a refusal", seed, err)
		}
	}
}
