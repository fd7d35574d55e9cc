package v2store

import (
	"container/heap"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestExpiryOrder compares the order in which nodes of few different expirations
// go with a model that moves the heap as etcd's store does: replacing removes the
// old node before it adds the new one, an update removes and adds, a deletion
// removes the children before their directory, and an expiry the directory
// before its children. Snapshots in between must not show.
func TestExpiryOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := New()
		var m modelHeap
		const far = 1000
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			// Two directories of some files.
			dir := rapid.SampledFrom([]string{"/d", "/e"}).Draw(t, "dir")
			path := dir
			if n := rapid.IntRange(0, 6).Draw(t, "file"); n > 0 {
				path = fmt.Sprintf("%s/%d", dir, n)
			}
			c := Command{
				Method: MethodPut, Path: path, Dir: path == dir, Time: Epoch,
				Expiration: Epoch.add(rapid.Int64Range(1, 3).Draw(t, "ttl")),
			}
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				c.Method, c.Recursive, c.Expiration = MethodDelete, true, 0
			case 1, 2:
				c.PrevExist = ExistYes
			case 3:
				now := rapid.Int64Range(0, 3).Draw(t, "now")
				compareExpired(t, s.Apply(Sync(Epoch.add(now))).Expired, m.expire(Epoch.add(now)))
				continue
			case 4:
				restored, err := Restore(s.Snapshot())
				if err != nil {
					t.Fatal(err)
				}
				s = restored
				continue
			}
			if r := s.Apply(c); r.Err != nil {
				continue
			}
			switch {
			case c.Method == MethodDelete:
				m.removeBelow(path)
				m.remove(path)
			default:
				m.remove(path)
				heap.Push(&m, modelNode{path, c.Expiration})
			}
		}
		compareExpired(t, s.Apply(Sync(Epoch.add(far))).Expired, m.expire(Epoch.add(far)))
	})
}

func compareExpired(t *rapid.T, got []*Event, want []string) {
	t.Helper()
	var paths []string
	for _, e := range got {
		paths = append(paths, e.Node.Key)
	}
	if !slices.Equal(paths, want) {
		t.Fatalf("expired %q, want %q", paths, want)
	}
}

type modelNode struct {
	path   string
	expire Time
}

type modelHeap []modelNode

func (h modelHeap) Len() int           { return len(h) }
func (h modelHeap) Less(i, j int) bool { return h[i].expire < h[j].expire }
func (h modelHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *modelHeap) Push(x any)        { *h = append(*h, x.(modelNode)) }

func (h *modelHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

func (h *modelHeap) remove(path string) {
	if i := slices.IndexFunc(*h, func(n modelNode) bool { return n.path == path }); i >= 0 {
		heap.Remove(h, i)
	}
}

func (h *modelHeap) removeBelow(dir string) {
	var paths []string
	for _, n := range *h {
		if below(n.path, dir) {
			paths = append(paths, n.path)
		}
	}
	slices.Sort(paths)
	for _, path := range paths {
		h.remove(path)
	}
}

func (h *modelHeap) expire(cutoff Time) []string {
	var expired []string
	for len(*h) > 0 && (*h)[0].expire <= cutoff {
		n := heap.Pop(h).(modelNode)
		h.removeBelow(n.path)
		expired = append(expired, n.path)
	}
	return expired
}
