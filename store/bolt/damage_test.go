package bolt

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Where things are in the file of sample: the 600 items of bucket b are in nine leaves.
const (
	emptyLeaf  = 3 // of bucket a
	firstLeaf  = 4 // of bucket b
	branchOfB  = firstLeaf + 9
	lastLeaf   = branchOfB + 1 // of bucket c
	topLeaf    = lastLeaf + 1  // of the buckets
	endOfPages = topLeaf + 1
)

// The file of sample, to be damaged.
type damaged []byte

// meta changes both metas.
func (d damaged) meta(change func(*meta)) {
	m, _ := readMeta(string(d[pageHeader:]))
	change(&m)
	copy(d[pageHeader:], m.bytes())
	copy(d[pageSize+pageHeader:], m.bytes())
}

// inMeta changes a byte of both metas, and puts the checksum right.
func (d damaged) inMeta(at int, to byte) {
	for _, page := range []int{0, pageSize} {
		m := d[page+pageHeader:][:metaSize]
		m[at] = to
		order.PutUint64(m[metaSize-8:], checksum(m[:metaSize-8]))
	}
}

// The fields of a page's header.
func (d damaged) number(page int, v uint64) { order.PutUint64(d[page*pageSize:], v) }
func (d damaged) kind(page int, v uint16)   { order.PutUint16(d[page*pageSize+8:], v) }
func (d damaged) count(page int, v uint16)  { order.PutUint16(d[page*pageSize+10:], v) }
func (d damaged) more(page int, v uint32)   { order.PutUint32(d[page*pageSize+12:], v) }

// element returns the i-th element of a page and what is behind it, and set a field of
// it, which begins at a byte of it.
func (d damaged) element(page, i int) []byte { return d[page*pageSize+pageHeader+i*elementSize:] }

func (d damaged) set(page, i, field int, v uint32) { order.PutUint32(d.element(page, i)[field:], v) }

// key returns the key of an item and what is behind it.
func (d damaged) key(page, i int) []byte {
	e := d.element(page, i)
	return e[order.Uint32(e[4:]):]
}

// Whatever is wrong, the error says what and where.
func TestErrorsSayWhatIsWrong(t *testing.T) {
	const flags, place, keyLen, valueLen, below = 0, 4, 8, 12, 8 // fields of elements
	for _, c := range []struct {
		name   string
		damage func(damaged)
		want   string
	}{
		{"another program's", func(d damaged) { d.inMeta(0, 7) }, "without a meta page"},
		{"another version", func(d damaged) { d.inMeta(4, 1) }, "without a meta page"},
		{"pages of 3 KiB", func(d damaged) { d.meta(func(m *meta) { m.pageSize = 3 << 10 }) }, "without a meta page"},
		{"pages of 512 bytes", func(d damaged) { d.meta(func(m *meta) { m.pageSize = 512 }) }, "without a meta page"},
		{"pages of 32 MiB", func(d damaged) { d.meta(func(m *meta) { m.pageSize = 1 << 25 }) }, "without a meta page"},
		{"a page too many", func(d damaged) { d.meta(func(m *meta) { m.pages++ }) }, "expected at least 17 pages of 4096"},
		{"a root that is none", func(d damaged) { d.meta(func(m *meta) { m.root = m.pages }) }, "page 16: expected one before 16"},
		{"a root that is a meta", func(d damaged) { d.meta(func(m *meta) { m.root = 1 }) }, "page 1: expected a branch or a leaf"},

		{"another number", func(d damaged) { d.number(firstLeaf, 5) }, "page 4: it says that it is page 5"},
		{"an unknown kind", func(d damaged) { d.kind(firstLeaf, 3) }, "page 4: expected a branch or a leaf, found kind 0x3"},
		{"too many elements", func(d damaged) { d.count(firstLeaf, 256) }, "page 4: no room for 256 elements"},
		{"too many elements at the end", func(d damaged) { d.count(topLeaf, 256) }, "page 15: no room for 256 elements"},
		{"it goes on behind the end", func(d damaged) { d.more(topLeaf, 1) }, "page 15: it goes on in 1 more"},
		{"it goes on for ever", func(d damaged) { d.more(firstLeaf, 1<<32-1) }, "page 4: it goes on in 4294967295 more"},
		{"it goes on in another's", func(d damaged) { d.more(emptyLeaf, 1) }, "page 4: it is in use twice"},
		{"two buckets in one page", func(d damaged) { copy(d.key(topLeaf, 0), "a\x04") }, "page 4: it is in use twice"},

		{"a bucket in a bucket", func(d damaged) { d.set(firstLeaf, 2, flags, bucketFlag) }, "page 4: item 2: a bucket where none belongs"},
		{"an item beside buckets", func(d damaged) { d.set(topLeaf, 1, flags, 0) }, "page 15: item 1: a bucket where none belongs"},
		{"an item among the elements", func(d damaged) { d.set(firstLeaf, 0, place, elementSize) }, "page 4: item 0: it lies outside"},
		{"an item over the next one", func(d damaged) { d.set(firstLeaf, 0, valueLen, 41) }, "page 4: item 1: it lies outside"},
		{"an item behind its page", func(d damaged) { d.set(lastLeaf, 0, valueLen, pageSize) }, "page 14: item 0: it lies outside"},
		{"an empty key", func(d damaged) { d.set(firstLeaf, 0, keyLen, 0) }, `page 4: item 0: expected a key after "", found ""`},
		{"a smaller key", func(d damaged) { d.key(firstLeaf, 1)[0] = ' ' }, `page 4: item 1: expected a key after "0000", found " 001"`},
		{"the same key", func(d damaged) { d.key(firstLeaf, 1)[3] = '0' }, `page 4: item 1: expected a key after "0000", found "0000"`},
		{"a branch that leads to itself", func(d damaged) { d.set(branchOfB, 0, below, branchOfB) }, "page 13: it is in use twice"},
		{"leaves in another order", func(d damaged) {
			d.set(branchOfB, 0, below, firstLeaf+1)
			d.set(branchOfB, 1, below, firstLeaf)
		}, `page 4: item 0: expected a key after "`},
	} {
		file := damaged(Write(sample()))
		if _, err := Read(string(file)); err != nil || len(file) != endOfPages*pageSize {
			t.Fatalf("the sample has %d bytes: %v", len(file), err)
		}
		c.damage(file)
		if _, err := Read(string(file)); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that says %s", c.name, err, c.want)
		}
	}
}

// setMeta writes the i-th meta.
func setMeta(file []byte, i uint32, m meta) { copy(file[i*m.pageSize+pageHeader:], m.bytes()) }

// A tree is as high as a tree can be, and no higher.
func TestHeight(t *testing.T) {
	for height, ok := range map[int]bool{maxDepth: true, maxDepth + 1: false} {
		w := writer{buf: make([]byte, 3*pageSize)}
		m := meta{pageSize: pageSize, root: w.leaf(nil, 0)}
		for range height - 1 {
			m.root = w.branch([]child{{"k", m.root}})
		}
		m.pages = uint64(len(w.buf) / pageSize)
		setMeta(w.buf, 0, m)
		if _, err := Read(string(w.buf)); (err == nil) != ok {
			t.Errorf("%d levels: error %v", height, err)
		}
	}
}

// Machines have pages of other sizes, and so have their files.
func TestPageSizes(t *testing.T) {
	for size := uint32(1 << 10); size <= 1<<16; size *= 2 {
		file := make([]byte, 4*size)
		m := meta{pageSize: size, root: 3, free: 2, pages: 4}
		copy(file[3*size:], appendHeader(nil, 3, leafPage, 0, 0))
		setMeta(file, 1, m)
		for range 2 { // without the first meta, and with it
			if buckets, err := Read(string(file)); err != nil || len(buckets) > 0 {
				t.Errorf("pages of %d bytes: %v, %v", size, buckets, err)
			}
			setMeta(file, 0, m)
		}
	}
}

// A file cut short, and one with a byte changed, give an error, or what is there:
// a byte of a value, or one that nothing depends on, changes nothing else.
func TestDamage(t *testing.T) {
	file := string(Write(sample()))
	for n := 0; n < len(file); n += 97 {
		if _, err := Read(file[:n]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("the first %d of %d bytes: error %v, want one", n, len(file), err)
		}
	}
	refused := 0
	for at := 0; at < len(file); at += 61 {
		for _, flip := range []byte{1, 0x80, 0xff} {
			bad := []byte(file)
			bad[at] ^= flip
			buckets, err := Read(string(bad))
			if err != nil && !errors.Is(err, ErrCorrupt) {
				t.Fatalf("byte %d: %v", at, err)
			}
			if err != nil {
				refused++
			}
			for i := range buckets {
				if !slices.IsSortedFunc(buckets[i].Items, func(a, b Item) int { return strings.Compare(a.Key, b.Key) }) {
					t.Fatalf("byte %d: bucket %q is not in order", at, buckets[i].Name)
				}
			}
		}
	}
	if refused == 0 {
		t.Error("no damage was noticed")
	}
}

// The second meta stands in for a damaged first one, and the newer one counts.
func TestMetas(t *testing.T) {
	file := Write(sample())
	file[pageHeader+20] ^= 1
	if _, err := Read(string(file)); err != nil {
		t.Errorf("with the second meta alone: %v", err)
	}
	file[pageSize+pageHeader+20] ^= 1
	if _, err := Read(string(file)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("without any meta: error %v, want one", err)
	}

	file = Write(sample())
	older, _ := readMeta(string(file[pageHeader:]))
	newer := older
	newer.txn, newer.root = 7, older.pages // one that cannot be
	copy(file[pageSize+pageHeader:], newer.bytes())
	if _, err := Read(string(file)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a newer meta that leads nowhere: error %v, want one", err)
	}
	for name, change := range map[string]func(*meta){
		"no newer":     func(m *meta) { m.txn = older.txn },
		"another size": func(m *meta) { m.pageSize *= 2 },
	} { // unordered: each is judged alone
		m := newer
		change(&m)
		copy(file[pageSize+pageHeader:], m.bytes())
		if _, err := Read(string(file)); err != nil {
			t.Errorf("a second meta that leads nowhere, and is %s: %v", name, err)
		}
	}
	setMeta(file, 1, newer)
	file[pageSize+pageHeader+metaSize-1] ^= 1
	if _, err := Read(string(file)); err != nil {
		t.Errorf("a newer meta that is damaged: %v", err)
	}

	// What looks like a meta where none is, counts for nothing.
	file = Write(sample())
	copy(file[leastPage+pageHeader:], newer.bytes())
	file[pageHeader] ^= 1
	if _, err := Read(string(file)); err != nil {
		t.Errorf("with the second meta, and another before it: %v", err)
	}
}

// An inline bucket, as bbolt makes of a small one, is read like another.
func TestInlineBucket(t *testing.T) {
	inline := func(kind uint16, count int, content string) string {
		return string(appendHeader(make([]byte, bucketSize), 0, kind, count, 0)) + content
	}
	small := writer{}
	small.leaf([]Item{{"k", "v"}, {"l", ""}}, 0)
	for _, c := range []struct {
		name, value string
		items       []Item
		wrong       string
	}{
		{"small", string(make([]byte, bucketSize)) + string(small.buf[:100]), []Item{{"k", "v"}, {"l", ""}}, ""},
		{"empty", inline(leafPage, 0, ""), nil, ""},
		{"less than a bucket", "fifteen bytes..", nil, `bucket "b": not an intact bbolt database: expected 16 bytes`},
		{"cut short", inline(leafPage, 0, "")[:bucketSize+pageHeader-1], nil, "a page of 15 bytes"},
		{"a branch", inline(branchPage, 0, ""), nil, "expected a leaf, found kind 0x1"},
		{"more elements than there is room for", inline(leafPage, 2, strings.Repeat("x", 2*elementSize-1)), nil, "no room for 2 elements"},
	} {
		w := writer{buf: make([]byte, 3*pageSize)}
		m := meta{pageSize: pageSize, root: w.tree([]Item{{"b", c.value}}, bucketFlag), pages: 4}
		setMeta(w.buf, 0, m)
		got, err := Read(string(w.buf))
		switch want := []Bucket{{"b", c.items}}; {
		case c.wrong == "" && (err != nil || !reflect.DeepEqual(got, want)):
			t.Errorf("%s: got %v, %v; want %v", c.name, got, err, want)
		case c.wrong != "" && (!errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), c.wrong)):
			t.Errorf("%s: error %v, want one that says %s", c.name, err, c.wrong)
		}
	}
}
