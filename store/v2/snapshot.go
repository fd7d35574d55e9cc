package v2store

import (
	"encoding/binary"
	"hash/crc32"
	"hash/crc64"
	"slices"
	"strings"
)

// A snapshot is, in this order:
//
//	8 bytes    magic and version
//	numbers    index, then the counters of Stats but Watchers
//	the tree   from the root, each directory before its children
//	number     first index of the history, then its events up to the index
//	4 bytes    CRC-32C of all before, big endian
//
// Numbers are varints. Every part has one order, so equal states have equal
// bytes.
const magic = "v2store\x01"

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	ecma       = crc64.MakeTable(crc64.ECMA)
)

// Bits of an encoded inode's flags.
const (
	inodeDir = 1 << iota
	inodeExpires
	inodeEnd
)

// Bits of an encoded event's and of its nodes' flags.
const (
	eventRefresh = 1 << iota
	eventPrev
	eventEnd

	nodeDir     = 1
	nodeValue   = 2
	nodeExpires = 4
	nodeEnd     = 8
)

// Snapshot returns the whole store but its watchers.
func (s *Store) Snapshot() []byte {
	b := s.appendState([]byte(magic), s.stats)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// Hash digests what the log alone determines, which is all but the watchers and
// the count of reads: members that applied the same commands have the same hash.
// It takes as long as a snapshot.
func (s *Store) Hash() uint64 {
	replicated := s.stats
	replicated.Gets = Tally{}
	return crc64.Checksum(s.appendState(nil, replicated), ecma)
}

// Clone returns a copy that shares nothing that either may change. It has no
// watchers.
func (s *Store) Clone() *Store {
	c := &Store{index: s.index, stats: s.stats, history: s.history}
	c.history.ring = slices.Clone(s.history.ring)
	c.expiry = make(expiryHeap, len(s.expiry))
	c.root = s.root.clone(nil, c.expiry)
	return c
}

func (n *inode) clone(parent *inode, expiry expiryHeap) *inode {
	c := *n
	c.parent = parent
	c.children = make([]*inode, len(n.children))
	for i, child := range n.children {
		c.children[i] = child.clone(&c, expiry)
	}
	if c.slot >= 0 {
		expiry[c.slot] = &c
	}
	return &c
}

// counters lists what a snapshot keeps of the statistics.
func (st *Stats) counters() []*uint64 {
	all := make([]*uint64, 0, 15)
	for _, t := range []*Tally{
		&st.Gets, &st.Sets, &st.Deletes, &st.Updates, &st.Creates, &st.CompareAndSwaps, &st.CompareAndDeletes,
	} {
		all = append(all, &t.Success, &t.Fail)
	}
	return append(all, &st.Expired)
}

func (s *Store) appendState(b []byte, st Stats) []byte {
	b = binary.AppendUvarint(b, s.index)
	for _, v := range st.counters() {
		b = binary.AppendUvarint(b, *v)
	}
	b = s.root.append(b)
	b = binary.AppendUvarint(b, s.history.first)
	for i := range s.history.len() {
		b = s.history.at(s.history.first + uint64(i)).append(b)
	}
	return b
}

func (n *inode) append(b []byte) []byte {
	var flags byte
	if n.dir {
		flags |= inodeDir
	}
	if n.expire != 0 {
		flags |= inodeExpires
	}
	b = append(b, flags)
	b = appendText(b, n.name)
	b = binary.AppendUvarint(b, n.created)
	b = binary.AppendUvarint(b, n.modified)
	if n.expire != 0 {
		b = binary.AppendVarint(b, int64(n.expire))
		b = binary.AppendUvarint(b, uint64(n.slot))
	}
	if !n.dir {
		return appendText(b, n.value)
	}
	b = binary.AppendUvarint(b, uint64(len(n.children)))
	for _, c := range n.children {
		b = c.append(b)
	}
	return b
}

func (e *Event) append(b []byte) []byte {
	var flags byte
	if e.Refresh {
		flags |= eventRefresh
	}
	if e.PrevNode != nil {
		flags |= eventPrev
	}
	b = append(b, byte(e.Action), flags)
	b = e.Node.append(b)
	if e.PrevNode != nil {
		b = e.PrevNode.append(b)
	}
	return b
}

// append encodes a node of a write's event, which never shows children.
func (n *Node) append(b []byte) []byte {
	var flags byte
	if n.Dir {
		flags |= nodeDir
	}
	if n.HasValue {
		flags |= nodeValue
	}
	if n.Expiration != 0 {
		flags |= nodeExpires
	}
	b = append(b, flags)
	b = appendText(b, n.Key)
	b = binary.AppendUvarint(b, n.Created)
	b = binary.AppendUvarint(b, n.Modified)
	if n.HasValue {
		b = appendText(b, n.Value)
	}
	if n.Expiration != 0 {
		b = binary.AppendVarint(b, int64(n.Expiration))
		b = binary.AppendVarint(b, n.TTL)
	}
	return b
}

// Restore returns the store that a snapshot was taken of. An error wraps
// [ErrCorrupt].
func Restore(snapshot []byte) (*Store, error) {
	r := reader{what: "snapshot", b: snapshot}
	if len(snapshot) < len(magic)+crc32.Size || string(snapshot[:len(magic)]) != magic {
		r.fail("the magic %q and a checksum", magic)
		return nil, r.err
	}
	body := len(snapshot) - crc32.Size
	want := binary.BigEndian.Uint32(snapshot[body:])
	if got := crc32.Checksum(snapshot[:body], castagnoli); got != want {
		r.at = body
		r.fail("checksum %08x, not %08x", got, want)
		return nil, r.err
	}
	r.b, r.at = snapshot[:body], len(magic)
	s := r.store()
	r.end()
	if r.err != nil {
		return nil, r.err
	}
	return s, nil
}

func (r *reader) store() *Store {
	s := &Store{index: r.uint()}
	for _, v := range s.stats.counters() {
		*v = r.uint()
	}
	s.root = r.inode(nil, s)
	if !s.root.dir || s.root.name != "" || s.root.expire != 0 {
		r.fail("the root to be a directory without name and TTL")
	}
	r.checkHeap(s.expiry)
	r.history(s)
	return s
}

func (r *reader) checkHeap(h expiryHeap) {
	for i, n := range h {
		if n == nil {
			r.fail("a node in place %d of the expiry heap", i)
			return
		}
		if up := (i - 1) / 2; i > 0 && h[up].expire > n.expire {
			r.fail("the expiry heap to be in order at place %d", i)
			return
		}
	}
}

// smallestInode is how many bytes an inode takes at least.
const smallestInode = 5

func (r *reader) inode(parent *inode, s *Store) *inode {
	n := &inode{parent: parent, path: "/", slot: -1}
	flags := r.byte()
	if flags >= inodeEnd {
		r.fail("flags of a node, not %#x", flags)
	}
	n.name = r.text()
	if parent != nil {
		if n.name == "" || strings.Contains(n.name, "/") {
			r.fail("one element of a path, not %q", n.name)
		}
		n.path = parent.path + "/" + n.name
		if parent.parent == nil {
			n.path = "/" + n.name
		}
	}
	n.created, n.modified = r.uint(), r.uint()
	if n.created > n.modified || n.modified > s.index {
		r.fail("created <= modified <= %d, not %d and %d", s.index, n.created, n.modified)
	}
	if flags&inodeExpires != 0 {
		n.expire = Time(r.int())
		r.place(n, s)
	}
	if n.dir = flags&inodeDir != 0; !n.dir {
		n.value = r.text()
		return n
	}
	if count := r.count(smallestInode); count > 0 {
		n.children = make([]*inode, 0, count)
		for range count {
			c := r.inode(n, s)
			if i := len(n.children); i > 0 && n.children[i-1].name >= c.name {
				r.fail("names in order, not %q after %q", c.name, n.children[i-1].name)
			}
			if r.err != nil {
				break
			}
			n.children = append(n.children, c)
		}
	}
	return n
}

// place puts a node where it was in the expiry heap.
func (r *reader) place(n *inode, s *Store) {
	at := r.uint()
	if n.expire == 0 || at > uint64(len(r.b)) {
		r.fail("a place in the expiry heap, not %d", at)
		return
	}
	n.slot = int(at)
	for len(s.expiry) <= n.slot {
		s.expiry = append(s.expiry, nil)
	}
	if s.expiry[n.slot] != nil {
		r.fail("place %d of the expiry heap to be free", at)
	}
	s.expiry[n.slot] = n
}

func (r *reader) history(s *Store) {
	first := r.uint()
	if first == 0 && s.index == 0 {
		return
	}
	if first == 0 || first > s.index || s.index-first >= HistorySize {
		r.fail("a history of 1 to %d events up to %d, not from %d", HistorySize, s.index, first)
		return
	}
	for i := first; i <= s.index && r.err == nil; i++ {
		e := r.event()
		if e.Node.Modified != i {
			r.fail("the event of index %d, not %d", i, e.Node.Modified)
		}
		s.history.add(e)
	}
}

func (r *reader) event() *Event {
	e := &Event{Action: Action(r.byte())}
	flags := r.byte()
	if !e.Action.valid() || e.Action == ActionGet || flags >= eventEnd {
		r.fail("a write's action and flags, not %d and %#x", e.Action, flags)
	}
	e.Refresh = flags&eventRefresh != 0
	e.Node = r.node()
	if flags&eventPrev != 0 {
		e.PrevNode = r.node()
	} else if e.Action != ActionCreate && e.Action != ActionSet {
		r.fail("the previous node of a %v", e.Action)
	}
	return e
}

func (r *reader) node() *Node {
	n := new(Node)
	flags := r.byte()
	if flags >= nodeEnd {
		r.fail("flags of an event's node, not %#x", flags)
	}
	n.Dir, n.HasValue = flags&nodeDir != 0, flags&nodeValue != 0
	n.Key = r.text()
	n.Created, n.Modified = r.uint(), r.uint()
	if n.HasValue {
		n.Value = r.text()
	}
	if flags&nodeExpires != 0 {
		n.Expiration, n.TTL = Time(r.int()), r.int()
	}
	return n
}
