package v2store

import "testing"

// TestReady: those who were told are listed once, in the order in which they
// were, from the root down and for one path as they came.
func TestReady(t *testing.T) {
	s := New()
	watch := func(path string, stream bool) *Watcher {
		w, err := s.Watch(path, true, stream, 0)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	first, below, second, elsewhere := watch("/a", true), watch("/a/b", false), watch("/a", false), watch("/c", false)
	names := map[*Watcher]string{first: "first", below: "below", second: "second", elsewhere: "elsewhere"}

	set := func(path string, want ...string) {
		t.Helper()
		s.Apply(Command{Method: MethodPut, Path: path, Time: Epoch})
		ready := s.Ready()
		for i, w := range ready {
			if i >= len(want) || names[w] != want[i] {
				t.Errorf("set %s: place %d is %s, want %q", path, i, names[w], want)
			}
		}
		if len(ready) != len(want) {
			t.Errorf("set %s: %d are ready, want %q", path, len(ready), want)
		}
	}
	set("/a/b", "first", "second", "below")
	set("/a/b", "first")
	s.Cancel(first)
	s.Cancel(first) // once more does nothing
	set("/a/b")
	if got := s.Stats().Watchers; got != 1 {
		t.Errorf("%d watchers, want 1", got)
	}
	for want := range 2 {
		if e, ok := first.Next(); !ok || e.Index() != uint64(want+1) {
			t.Errorf("a canceled watch gave %+v, want event %d", e, want+1)
		}
	}
	if !first.Done() || elsewhere.Done() {
		t.Error("the canceled watch is not done, or the other is")
	}
}

// TestLateReader: a stream whose reader is always a little late loses nothing
// and does not grow.
func TestLateReader(t *testing.T) {
	s := New()
	w, err := s.Watch("/a", false, true, 0)
	if err != nil {
		t.Fatal(err)
	}
	const late = 7
	for i := range uint64(10 * watcherBuffer) {
		s.Apply(Command{Method: MethodPut, Path: "/a", Time: Epoch})
		if i < late {
			continue
		}
		if e, ok := w.Next(); !ok || e.Index() != i+1-late {
			t.Fatalf("event %d: %+v, %t", i+1-late, e, ok)
		}
	}
	if cap(w.queue) > 4*watcherBuffer {
		t.Errorf("the queue grew to %d", cap(w.queue))
	}
}
