package record_test

import (
	"errors"
	"testing"

	"etcdsim/store/record"
)

// An error names the place, the reason, and what bears witness.
func TestCorruptError(t *testing.T) {
	e := &record.CorruptError{Of: "wal", File: "0.wal", Offset: 8, Reason: record.ErrChecksum}
	if want := "wal: 0.wal is damaged at offset 8: the checksum does not match"; e.Error() != want || !errors.Is(e, record.ErrChecksum) {
		t.Errorf("%q, expected %q, which wraps the reason", e, want)
	}
	e.Witness = "position 24"
	if want := "wal: 0.wal is damaged at offset 8: the checksum does not match" +
		" (no torn write: it was durable when the record at position 24 was written)"; e.Error() != want {
		t.Errorf("%q, expected %q", e, want)
	}
}
