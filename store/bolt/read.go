package bolt

import (
	"errors"
	"fmt"
)

// ErrCorrupt is wrapped by every error that Read reports.
var ErrCorrupt = errors.New("not an intact bbolt database")

// Read returns the buckets of a file in the order of their names. Names, keys and
// values are parts of the file, which therefore stays in memory as long as they
// do.
func Read(file string) ([]Bucket, error) {
	m, err := newestMeta(file)
	if err != nil {
		return nil, err
	}
	size := uint64(m.pageSize)
	if m.pages > uint64(len(file))/size {
		return nil, corrupt("%d bytes: expected at least %d pages of %d", len(file), m.pages, size)
	}
	r := reader{file: file[:m.pages*size], pageSize: size, seen: make([]bool, m.pages)}
	var top Bucket
	if err := r.tree(&top, m.root, true, 0); err != nil {
		return nil, err
	}
	buckets := make([]Bucket, len(top.Items))
	for i, it := range top.Items {
		buckets[i].Name = it.Key
		if err := r.bucket(&buckets[i], it.Value); err != nil {
			return nil, fmt.Errorf("bucket %q: %w", it.Key, err)
		}
	}
	return buckets, nil
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// The sizes of pages that bbolt tries.
const leastPage, mostPage = 1 << 10, 1 << 24

// newestMeta returns the meta to go by. Where the second one is depends on the size
// of a page, which a damaged first one does not tell: then all sizes are tried.
func newestMeta(file string) (meta, error) {
	at := func(offset int) (meta, bool) {
		if offset+pageHeader > len(file) {
			return meta{}, false
		}
		m, ok := readMeta(file[offset+pageHeader:])
		return m, ok && m.pageSize >= leastPage && m.pageSize <= mostPage && m.pageSize&(m.pageSize-1) == 0
	}
	first, intact := at(0)
	if intact {
		if second, ok := at(int(first.pageSize)); ok && second.pageSize == first.pageSize && second.txn > first.txn {
			return second, nil
		}
		return first, nil
	}
	for size := leastPage; size <= mostPage; size *= 2 {
		if m, ok := at(size); ok && int(m.pageSize) == size {
			return m, nil
		}
	}
	return meta{}, corrupt("%d bytes without a meta page", len(file))
}

// reader walks over the pages of a file.
type reader struct {
	file     string
	pageSize uint64
	// seen are the pages that were visited. None is part of two trees, or twice of
	// one.
	seen []bool
}

// maxDepth bounds the height of a tree: with two elements a page, that of bbolt, no
// file is large enough for more.
const maxDepth = 64

// tree appends the items below a page. Those of the tree of buckets are buckets,
// and all others are not.
func (r *reader) tree(b *Bucket, number uint64, ofBuckets bool, depth int) error {
	if depth == maxDepth {
		return corrupt("page %d: more than %d levels", number, maxDepth)
	}
	p, err := r.page(number)
	if err != nil {
		return err
	}
	switch p.kind {
	case leafPage:
		return p.items(b, ofBuckets)
	case branchPage:
		for i := range p.count {
			if err := r.tree(b, p.below(i), ofBuckets, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return corrupt("page %d: expected a branch or a leaf, found kind %#x", number, p.kind)
}

// bucket reads a bucket that the tree of buckets names.
func (r *reader) bucket(b *Bucket, value string) error {
	if len(value) < bucketSize {
		return corrupt("expected %d bytes that say where it is, found %d", bucketSize, len(value))
	}
	root := uint64At(value, 0)
	if root != 0 {
		return r.tree(b, root, false, 0)
	}
	p, err := cutPage(value[bucketSize:])
	if err != nil {
		return err
	}
	if p.kind != leafPage {
		return corrupt("expected a leaf, found kind %#x", p.kind)
	}
	return p.items(b, false)
}

// page is a page with those that it goes on in.
type page struct {
	number uint64
	kind   uint16
	count  int
	// more is the number of pages that it goes on in.
	more uint64
	// content is what comes after the header.
	content string
}

// page returns the page with a number, which was not visited before.
func (r *reader) page(number uint64) (page, error) {
	pages := uint64(len(r.seen))
	if number >= pages {
		return page{}, corrupt("page %d: expected one before %d", number, pages)
	}
	p, err := cutPage(r.file[number*r.pageSize:])
	switch {
	case err != nil:
		return p, err
	case p.number != number:
		return p, corrupt("page %d: it says that it is page %d", number, p.number)
	case p.more >= pages-number:
		return p, corrupt("page %d: it goes on in %d more, which are not there", number, p.more)
	}
	for i := number; i <= number+p.more; i++ {
		if r.seen[i] {
			return p, corrupt("page %d: it is in use twice", i)
		}
		r.seen[i] = true
	}
	p.content = p.content[:(p.more+1)*r.pageSize-pageHeader]
	if len(p.content) < p.count*elementSize {
		return p, corrupt("page %d: no room for %d elements", number, p.count)
	}
	return p, nil
}

// cutPage reads a header.
func cutPage(data string) (page, error) {
	if len(data) < pageHeader {
		return page{}, corrupt("a page of %d bytes", len(data))
	}
	kinds := uint32At(data, 8)
	p := page{
		number: uint64At(data, 0), kind: uint16(kinds), count: int(kinds >> 16),
		more: uint64(uint32At(data, 12)), content: data[pageHeader:],
	}
	if len(p.content) < p.count*elementSize {
		return p, corrupt("page %d: no room for %d elements", p.number, p.count)
	}
	return p, nil
}

// below returns the page that the i-th element of a branch leads to.
func (p *page) below(i int) uint64 { return uint64At(p.content, i*elementSize+8) }

// items appends the items of a leaf.
func (p *page) items(b *Bucket, ofBuckets bool) error {
	free := uint64(p.count * elementSize) // where the next item may begin
	for i := range p.count {
		e := i * elementSize
		isBucket := uint32At(p.content, e)&bucketFlag != 0
		start := uint64(e) + uint64(uint32At(p.content, e+4))
		middle := start + uint64(uint32At(p.content, e+8))
		end := middle + uint64(uint32At(p.content, e+12))
		switch {
		case start < free || end > uint64(len(p.content)):
			return corrupt("page %d: item %d: it lies outside of the page, or where another one does", p.number, i)
		case isBucket != ofBuckets:
			return corrupt("page %d: item %d: a bucket where none belongs, or none where one does", p.number, i)
		}
		free = end
		it := Item{p.content[start:middle], p.content[middle:end]}
		last := ""
		if n := len(b.Items); n > 0 {
			last = b.Items[n-1].Key
		}
		if it.Key <= last {
			return corrupt("page %d: item %d: expected a key after %q, found %q", p.number, i, last, it.Key)
		}
		b.Items = append(b.Items, it)
	}
	return nil
}
