package bolt

// pageSize is that of the files written: what bbolt chooses on most machines. It
// reads any.
const pageSize = 4096

// Write returns a file of the buckets, which must be in the order of their names.
// The same buckets give the same bytes.
func Write(buckets []Bucket) []byte {
	const first = 3 // after the metas and the list of free pages, of which there are none
	w := writer{buf: make([]byte, first*pageSize, first*pageSize+guess(buckets))}
	top := make([]Item, len(buckets))
	for i := range buckets {
		root := order.AppendUint64(nil, w.tree(buckets[i].Items, 0))
		top[i] = Item{buckets[i].Name, string(append(root, make([]byte, 8)...))}
	}
	m := meta{pageSize: pageSize, root: w.tree(top, bucketFlag), free: 2, pages: uint64(len(w.buf) / pageSize)}
	for i := range uint64(2) {
		m.txn = i
		copy(w.buf[i*pageSize:], append(appendHeader(nil, i, metaPage, 0, 0), m.bytes()...))
	}
	copy(w.buf[m.free*pageSize:], appendHeader(nil, m.free, freelistPage, 0, 0))
	return w.buf
}

// guess returns about what the items take.
func guess(buckets []Bucket) (size int) {
	for i := range buckets {
		for _, it := range buckets[i].Items {
			size += elementSize + len(it.Key) + len(it.Value)
		}
		size += pageSize
	}
	return size + size/8
}

// writer puts page after page into a file.
type writer struct{ buf []byte }

// child is a page as the branch above it names it.
type child struct {
	first string // its first key
	page  uint64
}

// tree writes a tree of items, and returns the page of its root. flags are those of
// all elements of its leaves.
func (w *writer) tree(items []Item, flags uint32) uint64 {
	if len(items) == 0 {
		return w.page(leafPage, 0, nil)
	}
	var level []child
	for len(items) > 0 {
		n := fill(len(items), 1, func(i int) int { return len(items[i].Key) + len(items[i].Value) })
		level = append(level, child{items[0].Key, w.leaf(items[:n], flags)})
		items = items[n:]
	}
	for len(level) > 1 {
		var above []child
		for len(level) > 0 {
			n := fill(len(level), 2, func(i int) int { return len(level[i].first) })
			above = append(above, child{level[0].first, w.branch(level[:n])})
			level = level[n:]
		}
		level = above
	}
	return level[0].page
}

// fill returns how many of n elements go into one page: as many as fit, but no fewer
// than least.
func fill(n, least int, size func(i int) int) int {
	room := pageSize - pageHeader
	for i := range n {
		if room -= elementSize + size(i); room < 0 && i >= least {
			return i
		}
	}
	return n
}

func (w *writer) leaf(items []Item, flags uint32) uint64 {
	elements, data := []byte(nil), []byte(nil)
	for i, it := range items {
		elements = order.AppendUint32(elements, flags)
		elements = order.AppendUint32(elements, place(len(items), i, data))
		elements = order.AppendUint32(elements, uint32(len(it.Key)))
		elements = order.AppendUint32(elements, uint32(len(it.Value)))
		data = append(append(data, it.Key...), it.Value...)
	}
	return w.page(leafPage, len(items), append(elements, data...))
}

func (w *writer) branch(below []child) uint64 {
	elements, data := []byte(nil), []byte(nil)
	for i, c := range below {
		elements = order.AppendUint32(elements, place(len(below), i, data))
		elements = order.AppendUint32(elements, uint32(len(c.first)))
		elements = order.AppendUint64(elements, c.page)
		data = append(data, c.first...)
	}
	return w.page(branchPage, len(below), append(elements, data...))
}

// place returns where the key of the i-th of n elements will be, counted from it.
func place(n, i int, data []byte) uint32 { return uint32((n-i)*elementSize + len(data)) }

// page writes a page, and those that it goes on in, and returns its number.
func (w *writer) page(kind uint16, count int, content []byte) uint64 {
	number := uint64(len(w.buf) / pageSize)
	pages := (pageHeader + len(content) + pageSize - 1) / pageSize
	end := len(w.buf) + pages*pageSize
	w.buf = append(appendHeader(w.buf, number, kind, count, pages-1), content...)
	w.buf = append(w.buf, make([]byte, end-len(w.buf))...)
	return number
}

func appendHeader(buf []byte, number uint64, kind uint16, count, more int) []byte {
	buf = order.AppendUint64(buf, number)
	buf = order.AppendUint16(order.AppendUint16(buf, kind), uint16(count))
	return order.AppendUint32(buf, uint32(more))
}
