package v2store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"
)

// busyStore has a node of every sort, a TTL order that is not that of names, and
// a history with every action.
func busyStore(t testing.TB) *Store {
	t.Helper()
	s := New()
	now := Epoch.add(100)
	for _, c := range []Command{
		{Method: MethodPut, Path: "/a/b", Value: "1", Expiration: now.add(9)},
		{Method: MethodPut, Path: "/a/_h", Value: "2", Expiration: now.add(5)},
		{Method: MethodPut, Path: "/d", Dir: true, Expiration: now.add(5)},
		{Method: MethodPost, Path: "/q", Value: "3"},
		{Method: MethodPut, Path: "/new", PrevExist: ExistNo},
		{Method: MethodPut, Path: "/new", PrevExist: ExistYes, Value: "4", Expiration: now.add(2)},
		{Method: MethodPut, Path: "/new", PrevValue: "4", Refresh: true, Expiration: now.add(1)},
		{Method: MethodDelete, Path: "/a/b", PrevIndex: 9},
		{Method: MethodDelete, Path: "/a/b", PrevValue: "1"},
		{Method: MethodPut, Path: "/gone", Value: "5"},
		{Method: MethodDelete, Path: "/gone"},
		{Method: MethodQGet, Path: "/"},
		Sync(now.add(1)),
	} {
		c.Time = max(c.Time, now)
		s.Apply(c)
	}
	if s.stats.Expired != 1 || s.index != 11 {
		t.Fatalf("%d expired, index %d; want 1, 11", s.stats.Expired, s.index)
	}
	return s
}

// TestSnapshotDamage damages every byte of a snapshot, and ends it at every byte.
func TestSnapshotDamage(t *testing.T) {
	whole := busyStore(t).Snapshot()
	if _, err := Restore(whole); err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x10
		if _, err := Restore(damaged); !errors.Is(err, ErrCorrupt) {
			t.Errorf("byte %d of %d damaged: %v, want ErrCorrupt", i, len(whole), err)
		}
		if _, err := Restore(whole[:i]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d bytes of %d: %v, want ErrCorrupt", i, len(whole), err)
		}
	}
}

// TestHash: reads and watchers are a member's own business, the rest is not.
func TestHash(t *testing.T) {
	s := busyStore(t)
	other := s.Clone()
	other.Get("/a", true, Epoch)
	if _, err := other.Watch("/a", false, false, 0); err != nil {
		t.Fatal(err)
	}
	if s.Hash() != other.Hash() {
		t.Error("a read or a watcher changed the hash")
	}
	for _, c := range []Command{
		{Method: MethodPut, Path: "/a/_h", Value: "2", Time: Epoch},
		{Method: MethodDelete, Path: "/missing", Time: Epoch}, // only counted
		Sync(Epoch.add(200)),
	} {
		before := s.Hash()
		if s.Apply(c); s.Hash() == before {
			t.Errorf("%v did not change the hash", c)
		}
	}
}

func TestCommandString(t *testing.T) {
	for _, tt := range []struct {
		command Command
		want    string
	}{
		{Sync(7), "SYNC time=7"},
		{Command{Method: MethodQGet, Path: "/a", Recursive: true}, "QGET /a recursive"},
		{Command{Method: MethodPut, Path: "/a", PrevExist: ExistYes, Refresh: true, Expiration: 5}, "PUT /a refresh prevExist=true expiration=5"},
		{Command{Method: MethodPut, Path: "/a", Value: "v", PrevExist: ExistNo}, `PUT /a value="v" prevExist=false`},
		{Command{Method: MethodDelete, Path: "/a", Dir: true, PrevValue: "v", PrevIndex: 3}, `DELETE /a dir prevValue="v" prevIndex=3`},
		{Command{}, "method 0 "},
	} {
		if got := tt.command.String(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// FuzzDecodeCommand: what decodes is accepted by a store and encodes to bytes
// that decode to the same.
func FuzzDecodeCommand(f *testing.F) {
	sync := Sync(Epoch)
	put := Command{Method: MethodPut, Path: "/a", Value: "v", PrevExist: ExistYes, PrevIndex: 3, Expiration: Epoch}
	f.Add(sync.Append(nil))
	f.Add(put.Append(nil))
	f.Add(put.Append(nil)[:9])
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := DecodeCommand(b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%v does not wrap ErrCorrupt", err)
			}
			return
		}
		again, err := DecodeCommand(c.Append(nil))
		if err != nil || again != c {
			t.Fatalf("%v encodes to %v, %v", c, again, err)
		}
		New().Apply(c)
	})
}

// FuzzRestore gives arbitrary bodies a right checksum: what is restored has the
// bytes it was restored from, unless numbers were written in more bytes than
// they need.
func FuzzRestore(f *testing.F) {
	for _, s := range []*Store{New(), busyStore(f)} {
		b := s.Snapshot()
		f.Add(b[len(magic) : len(b)-crc32.Size])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		b := append([]byte(magic), body...)
		b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
		s, err := Restore(b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%v does not wrap ErrCorrupt", err)
			}
			return
		}
		first := s.Snapshot()
		if len(first) > len(b) || len(first) == len(b) && !bytes.Equal(first, b) {
			t.Fatalf("restored from\n%x, snapshot\n%x", b, first)
		}
		again, err := Restore(first)
		if err != nil || !bytes.Equal(again.Snapshot(), first) {
			t.Fatalf("second restore: %v", err)
		}
		// It must be usable, too.
		s.Apply(Sync(1 << 62))
		s.Apply(Command{Method: MethodDelete, Path: "/a", Recursive: true})
		s.Apply(Command{Method: MethodPut, Path: "/a/b"})
	})
}

// TestCloneOfFullHistory: a clone keeps the events that its original forgets.
func TestCloneOfFullHistory(t *testing.T) {
	s := New()
	for range HistorySize {
		s.Apply(Command{Method: MethodPut, Path: "/a", Time: Epoch})
	}
	clone := s.Clone()
	before := clone.Snapshot()
	s.Apply(Command{Method: MethodPut, Path: "/b", Time: Epoch})
	if !bytes.Equal(clone.Snapshot(), before) {
		t.Error("a write to the original changed its clone")
	}
	if _, err := clone.Watch("/a", false, false, 1); err != nil {
		t.Errorf("the clone has forgotten its first event: %v", err)
	}
	if _, err := s.Watch("/a", false, false, 1); err == nil || err.Code != HistoryCleared {
		t.Errorf("the original still knows its first event: %v", err)
	}
}
