package v2store

import (
	"slices"
	"strings"
)

// inode is one node of the tree: a directory or a file.
type inode struct {
	// path is absolute and clean; "/" for the root. name is its last element.
	path, name string
	parent     *inode // nil for the root
	dir        bool
	value      string
	// children of a directory, sorted by name, names unique.
	children []*inode
	// created <= modified <= the store's index.
	created, modified uint64
	// expire is 0 for a permanent node. slot is its place in the expiry heap;
	// Invariant: slot >= 0 exactly if expire != 0.
	expire Time
	slot   int
}

func newRoot() *inode { return &inode{path: "/", dir: true, slot: -1} }

// hidden reports whether listings leave the node out.
func (n *inode) hidden() bool { return n.name[0] == '_' }

// find returns where the child of that name is, or would be.
func (n *inode) find(name string) (int, bool) {
	// POST makes names in order: the end is the likeliest place.
	if last := len(n.children) - 1; last < 0 || n.children[last].name < name {
		return last + 1, false
	}
	return slices.BinarySearchFunc(n.children, name, func(c *inode, name string) int {
		return strings.Compare(c.name, name)
	})
}

// attach inserts child at the place that find gave.
func (n *inode) attach(at int, child *inode) {
	child.parent = n
	n.children = slices.Insert(n.children, at, child)
}

// detach takes the node out of its directory.
func (n *inode) detach() {
	if at, ok := n.parent.find(n.name); ok {
		n.parent.children = slices.Delete(n.parent.children, at, at+1)
	}
}

// show describes the node as events do. levels says how deep a directory's
// visible children are shown: 0 not at all, negative without end.
func (n *inode) show(into *Node, levels int, now Time) {
	*into = Node{Key: n.path, Dir: n.dir, Created: n.created, Modified: n.modified}
	if n.parent == nil {
		into.Key = ""
	}
	if n.expire != 0 {
		into.Expiration, into.TTL = n.expire, n.expire.ttl(now)
	}
	if !n.dir {
		into.Value, into.HasValue = n.value, true
		return
	}
	if levels == 0 || len(n.children) == 0 {
		return
	}
	into.Nodes = make([]*Node, 0, len(n.children))
	for _, c := range n.children {
		if c.hidden() {
			continue
		}
		shown := new(Node)
		c.show(shown, levels-1, now)
		into.Nodes = append(into.Nodes, shown)
	}
}

// lookup returns the node at a clean path.
func (s *Store) lookup(path string) (*inode, *Error) {
	n := s.root
	for end := 0; end+1 < len(path); {
		if !n.dir {
			return nil, s.fail(NotDirectory, n.path)
		}
		var name string
		name, end = element(path, end)
		at, ok := n.find(name)
		if !ok {
			return nil, s.fail(KeyNotFound, path[:end])
		}
		n = n.children[at]
	}
	return n, nil
}

// makeParents returns the directory that holds path, and makes those on the way
// that do not exist. They belong to the write that needs them and carry its
// index, which is the next one.
func (s *Store) makeParents(path string) (*inode, *Error) {
	n := s.root
	for end, last := 0, strings.LastIndexByte(path, '/'); end < last; {
		var name string
		name, end = element(path, end)
		at, ok := n.find(name)
		if !ok {
			n.attach(at, &inode{
				path: path[:end], name: name, dir: true, slot: -1,
				created: s.index + 1, modified: s.index + 1,
			})
		}
		n = n.children[at]
		if !n.dir {
			return nil, s.fail(NotDirectory, n.path)
		}
	}
	return n, nil
}

// element returns the element of a clean path that begins after the slash at
// start, and where it ends.
func element(path string, start int) (name string, end int) {
	rest := path[start+1:]
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		rest = rest[:i]
	}
	return rest, start + 1 + len(rest)
}
