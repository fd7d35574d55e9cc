package v2store

import (
	"bytes"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Few names, so that files, directories, hidden nodes and conditions meet; foo
// and foobar, because etcd compares some paths as strings.
var names = []string{"a", "b", "_h", "foo", "foobar"}

func drawPath(t *rapid.T) string {
	return "/" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(names), 0, 3).Draw(t, "path"), "/")
}

func drawCommand(t *rapid.T, now Time, index uint64) Command {
	c := Command{
		Method: rapid.SampledFrom([]Method{
			MethodPut, MethodPut, MethodPut, MethodPost, MethodDelete, MethodQGet, MethodSync,
		}).Draw(t, "method"),
		Path:      drawPath(t),
		Value:     rapid.SampledFrom([]string{"", "v1", "v2"}).Draw(t, "value"),
		Dir:       rapid.IntRange(0, 4).Draw(t, "dir") == 0,
		Recursive: rapid.IntRange(0, 2).Draw(t, "recursive") == 0,
		Refresh:   rapid.IntRange(0, 5).Draw(t, "refresh") == 0,
		PrevExist: rapid.SampledFrom([]Existence{ExistAny, ExistAny, ExistNo, ExistYes}).Draw(t, "prevExist"),
		PrevValue: rapid.SampledFrom([]string{"", "", "v1"}).Draw(t, "prevValue"),
		Time:      now,
	}
	if rapid.IntRange(0, 5).Draw(t, "compareIndex") == 0 {
		c.PrevIndex = max(index, 1)
	}
	if rapid.Bool().Draw(t, "expires") {
		c.Expiration = now.add(rapid.Int64Range(-1, 8).Draw(t, "ttl"))
	}
	return c
}

// TestReplicas applies one log to a store and, at every step, to what its
// snapshot and its clone give: answers, bytes and hashes are the same, and what
// was cloned before is not disturbed. Members that joined late are like those
// that were there from the beginning.
func TestReplicas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := New()
		now := Epoch
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += Time(rapid.SampledFrom([]time.Duration{0, time.Second / 2, 2 * time.Second}).Draw(t, "pause"))
			c := drawCommand(t, now, s.Index())
			decoded, err := DecodeCommand(c.Append(nil))
			if err != nil || decoded != c {
				t.Fatalf("%v decodes as %v, %v", c, decoded, err)
			}

			before := s.Snapshot()
			clone := s.Clone()
			restored, err := Restore(before)
			if err != nil {
				t.Fatalf("before %v: %v", c, err)
			}
			if again := restored.Snapshot(); !bytes.Equal(before, again) {
				t.Fatalf("before %v: a snapshot of the restored store differs", c)
			}

			want := s.Apply(c)
			for _, other := range []struct {
				name  string
				store *Store
			}{{"restored", restored}, {"cloned", clone.Clone()}} {
				if got := other.store.Apply(c); !reflect.DeepEqual(got, want) {
					t.Fatalf("%v on the %s store: %+v, want %+v", c, other.name, got, want)
				}
				if got, want := other.store.Hash(), s.Hash(); got != want {
					t.Fatalf("after %v, the %s store has hash %x, want %x", c, other.name, got, want)
				}
				if !bytes.Equal(other.store.Snapshot(), s.Snapshot()) {
					t.Fatalf("after %v, the %s store differs", c, other.name)
				}
				checkTree(t, other.store)
			}
			checkTree(t, s)
			if !bytes.Equal(clone.Snapshot(), before) {
				t.Fatalf("%v changed a clone made before", c)
			}
			if want.Err != nil && !bytes.Equal(treeOf(s), treeOf(clone)) {
				t.Fatalf("%v failed and changed the tree", c)
			}
		}
	})
}

func treeOf(s *Store) []byte { return s.root.append(nil) }

// checkTree checks the invariants that inode and history state.
func checkTree(t *rapid.T, s *Store) {
	t.Helper()
	expiring := 0
	var walk func(n *inode)
	walk = func(n *inode) {
		if n.created > n.modified || n.modified > s.index {
			t.Fatalf("%s: created %d, modified %d, store at %d", n.path, n.created, n.modified, s.index)
		}
		if (n.slot >= 0) != (n.expire != 0) || n.slot >= 0 && s.expiry[n.slot] != n {
			t.Fatalf("%s: expires %d, place %d of the heap", n.path, n.expire, n.slot)
		}
		if n.slot >= 0 {
			expiring++
		}
		if !n.dir && len(n.children) > 0 || n.dir && n.value != "" {
			t.Fatalf("%s is neither a file nor a directory", n.path)
		}
		for i, c := range n.children {
			if c.parent != n || c.path != clean(n.path+"/"+c.name) {
				t.Fatalf("%s holds %s", n.path, c.path)
			}
			if i > 0 && n.children[i-1].name >= c.name {
				t.Fatalf("%s: children out of order at %q", n.path, c.name)
			}
			walk(c)
		}
	}
	walk(s.root)
	if expiring != len(s.expiry) {
		t.Fatalf("%d nodes expire, %d are in the heap", expiring, len(s.expiry))
	}
	for i := range s.history.len() {
		index := s.history.first + uint64(i)
		if e := s.history.at(index); e.Index() != index {
			t.Fatalf("history: event %d in the place of %d", e.Index(), index)
		}
	}
	if s.history.last != s.index {
		t.Fatalf("history ends at %d, store at %d", s.history.last, s.index)
	}
}

// TestAgainstMap compares the tree with a flat map that follows the events: what
// a client who sees every event believes is what a reader finds.
func TestAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := New()
		seen := map[string]*Node{}
		now := Epoch
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			now += Time(time.Second)
			c := drawCommand(t, now, s.Index())
			from := s.Index()
			result := s.Apply(c)
			if result.Index != s.Index() || result.Err != nil && s.Index() != from {
				t.Fatalf("%v: %+v at %d after %d", c, result, s.Index(), from)
			}
			for i := from + 1; i <= s.Index(); i++ {
				follow(t, seen, s.history.at(i))
			}
			compareWithMap(t, s, seen, now)
		}
	})
}

// follow does to the map what an event tells.
func follow(t *rapid.T, seen map[string]*Node, e *Event) {
	key := e.Node.Key
	if before := seen[key]; (before == nil) != (e.PrevNode == nil) {
		t.Fatalf("%v of %s at %d: PrevNode %+v, believed %+v", e.Action, key, e.Index(), e.PrevNode, before)
	} else if before != nil && (before.Value != e.PrevNode.Value || before.Dir != e.PrevNode.Dir || before.Created != e.PrevNode.Created) {
		t.Fatalf("%v of %s at %d: PrevNode %+v, believed %+v", e.Action, key, e.Index(), e.PrevNode, before)
	}
	switch e.Action {
	case ActionDelete, ActionCompareAndDelete, ActionExpire:
		maps.DeleteFunc(seen, func(k string, _ *Node) bool { return k == key || below(k, key) })
	default:
		for i := range key { // a write makes the directories it needs
			if dir := key[:i]; key[i] == '/' && dir != "" && seen[dir] == nil {
				seen[dir] = &Node{Key: dir, Dir: true, Created: e.Index(), Modified: e.Index()}
			}
		}
		seen[key] = e.Node
	}
}

func compareWithMap(t *rapid.T, s *Store, seen map[string]*Node, now Time) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(seen)) {
		want := seen[key]
		r := s.Get(key, false, now)
		if r.Err != nil {
			t.Fatalf("%s: %v, believed %+v", key, r.Err, want)
		}
		got := r.Event.Node
		if got.Value != want.Value || got.Dir != want.Dir || got.Created != want.Created || got.Expiration != want.Expiration {
			t.Fatalf("%s: %+v, believed %+v", key, got, want)
		}
	}
	// What is listed is what is not hidden.
	var listed, visible []string
	var list func(n *Node)
	list = func(n *Node) {
		for _, c := range n.Nodes {
			listed = append(listed, c.Key)
			list(c)
		}
	}
	list(s.Get("/", true, now).Event.Node)
	for key := range seen { // unordered: sorted below
		if !strings.Contains(key, "/_") {
			visible = append(visible, key)
		}
	}
	slices.Sort(listed)
	slices.Sort(visible)
	if !slices.Equal(listed, visible) {
		t.Fatalf("listed %q, believed %q", listed, visible)
	}
}

// TestHistoryWindow compares the ring with a list of all events.
func TestHistoryWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []*Event
		var h history
		n := rapid.IntRange(0, 3*HistorySize).Draw(t, "events")
		for i := 1; i <= n; i++ {
			key := "/" + names[i%len(names)]
			e := &Event{Action: ActionSet, Refresh: i%13 == 0, Node: &Node{Key: key, Modified: uint64(i)}}
			all = append(all, e)
			h.add(e)
		}
		since := rapid.IntRange(1, n+2).Draw(t, "since")
		path := "/" + rapid.SampledFrom(names).Draw(t, "name")
		recursive := rapid.Bool().Draw(t, "recursive")

		got, err := h.scan(path, recursive, uint64(since))
		oldest := max(n-HistorySize+1, min(n, 1))
		if since < oldest {
			if err == nil || err.Code != HistoryCleared {
				t.Fatalf("scan from %d of %d events: %v, %v; want the error 401", since, n, got, err)
			}
			return
		}
		var want *Event
		for _, e := range all[min(since-1, n):] {
			if e.Node.Key == path && !e.Refresh {
				want = e
				break
			}
		}
		if got != want || err != nil {
			t.Fatalf("scan %s from %d of %d events: %+v, %v; want %+v", path, since, n, got, err, want)
		}
	})
}
