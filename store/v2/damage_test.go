package v2store

import (
	"errors"
	"strings"
	"testing"
)

// TestRestoreRefuses plants one impossible thing in a store and takes its
// snapshot, whose checksum is right: the error names what was expected.
func TestRestoreRefuses(t *testing.T) {
	child := func(s *Store, dir, name string) *inode {
		n, err := s.lookup(dir + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, tt := range []struct {
		name string
		do   func(s *Store)
		want string
	}{
		{"names out of order", func(s *Store) {
			c := s.root.children
			c[0], c[1] = c[1], c[0]
		}, "names in order"},
		{"a name twice", func(s *Store) { s.root.children[1].name = s.root.children[0].name }, "names in order"},
		{"a path for a name", func(s *Store) { child(s, "", "a").name = "a/b" }, "one element of a path"},
		{"no name", func(s *Store) { child(s, "", "a").name = "" }, "one element of a path"},
		{"modified in the future", func(s *Store) { child(s, "", "a").modified = s.index + 1 }, "created <= modified"},
		{"created after modified", func(s *Store) { child(s, "", "d").created = 9 }, "created <= modified"},
		{"root is a file", func(s *Store) { s.root.dir, s.root.children = false, nil }, "the root to be a directory"},
		{"root has a name", func(s *Store) { s.root.name = "r" }, "the root to be a directory"},
		{"two in one place", func(s *Store) { s.expiry[0].slot = 1 }, "place 1 of the expiry heap to be free"},
		{"a place left out", func(s *Store) { s.expiry[1].slot = 2 }, "a node in place 1"},
		{"a place out of reach", func(s *Store) { s.expiry[1].slot = 1 << 40 }, "a place in the expiry heap"},
		{"heap out of order", func(s *Store) { s.expiry[0].expire = 1 << 62 }, "the expiry heap to be in order at place 1"},
		{"history too long", func(s *Store) { s.index += HistorySize }, "a history of 1 to 1000 events"},
		{"history with a gap", func(s *Store) { s.history.at(5).Node.Modified = 6 }, "the event of index 5"},
		{"a read in the history", func(s *Store) { s.history.at(5).Action = ActionGet }, "a write's action"},
		{"an unknown action", func(s *Store) { s.history.at(5).Action = ActionExpire + 1 }, "a write's action"},
		{"a deletion of nothing", func(s *Store) { s.history.at(10).PrevNode = nil }, "the previous node of a delete"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := busyStore(t)
			tt.do(s)
			_, err := Restore(s.Snapshot())
			if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "want "+tt.want) {
				t.Errorf("%v, want ErrCorrupt and %q", err, "want "+tt.want)
			}
		})
	}
}

// TestDecodeCommandRefuses: likewise for commands.
func TestDecodeCommandRefuses(t *testing.T) {
	put := Command{Method: MethodPut, Path: "/a", Value: "v"}
	whole := string(put.Append(nil))
	for _, tt := range []struct{ name, bytes, want string }{
		{"nothing", "", "command, byte 0: want a byte"},
		{"version", "\x02" + whole[1:], "want version 1, not 2"},
		{"no method", "\x01\x00" + whole[2:], "want a method, not 0"},
		{"unknown method", "\x01\x06" + whole[2:], "want a method, not 6"},
		{"unknown flag", whole[:2] + "\x20" + whole[3:], "want flags, not 0x20"},
		{"exists and not", whole[:2] + "\x18" + whole[3:], "want flags, not 0x18"},
		{"ends early", whole[:len(whole)-1], "want an unsigned number"},
		{"more follows", whole + "x", "want the end, not 1 more bytes"},
		{"length beyond", whole[:6] + "\x7f", "want a count of at most 0, not 127"},
	} {
		_, err := DecodeCommand([]byte(tt.bytes))
		if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want ErrCorrupt and %q", tt.name, err, tt.want)
		}
	}
}

// TestApplyOfNoMethod: a command that never was one is a mistake of the program.
func TestApplyOfNoMethod(t *testing.T) {
	defer func() {
		if got := recover(); got != "v2store: Apply of a command with method 0" {
			t.Errorf("panic %v", got)
		}
	}()
	New().Apply(Command{})
}
