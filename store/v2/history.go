package v2store

import (
	"fmt"
	"strings"
)

// HistorySize is how many events a store remembers.
const HistorySize = 1000

// history is the last HistorySize events, one for each index without a gap: the
// event of index i is at i modulo the size. It grows with the first events, so
// that small stores stay small.
type history struct {
	ring []*Event
	// first and last are the oldest and newest index remembered; both are 0 as
	// long as there is none.
	first, last uint64
}

func (h *history) add(e *Event) {
	i := e.Index()
	if h.last == 0 {
		h.first = i
	}
	h.last = i
	if i-h.first >= HistorySize {
		h.first++
	}
	at := int(i % HistorySize)
	for len(h.ring) <= at {
		h.ring = append(h.ring, nil)
	}
	h.ring[at] = e
}

func (h *history) at(index uint64) *Event { return h.ring[index%HistorySize] }

func (h *history) len() int {
	if h.last == 0 {
		return 0
	}
	return int(h.last-h.first) + 1
}

// scan returns the first event since an index, which is not 0, that a watch of
// path would have been told; nil if there was none yet.
//
// As etcd does, the history is less discreet than a live watch: a recursive scan
// also finds hidden nodes.
func (h *history) scan(path string, recursive bool, since uint64) (*Event, *Error) {
	if since < h.first {
		return nil, &Error{
			Code:  HistoryCleared,
			Cause: fmt.Sprintf("the requested history has been cleared [%d/%d]", h.first, since),
		}
	}
	for i := since; i <= h.last; i++ {
		if e := h.at(i); !e.Refresh && concerns(e, path, recursive) {
			return e, nil
		}
	}
	return nil, nil
}

// concerns reports whether a past event matters to a watch of path: it happened
// there, below there if recursive, or removed a directory that path lies in.
func concerns(e *Event, path string, recursive bool) bool {
	key := e.Node.Key
	if key == path {
		return true
	}
	if recursive && below(key, path) {
		return true
	}
	removed := e.Action == ActionDelete || e.Action == ActionExpire
	// As etcd does, this compares strings, not paths: removing the directory /foo
	// also ends a wait on /foobar.
	return removed && e.PrevNode.Dir && strings.HasPrefix(path, e.PrevNode.Key)
}

// below reports whether key is the path of a node under the directory dir.
func below(key, dir string) bool {
	if dir == "/" {
		return true
	}
	return len(key) > len(dir) && key[len(dir)] == '/' && key[:len(dir)] == dir
}
