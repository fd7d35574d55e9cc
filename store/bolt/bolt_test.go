package bolt

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// anyBuckets draws buckets with few and many items, short and very long ones.
func anyBuckets(t *rapid.T) []Bucket {
	names := rapid.SliceOfNDistinct(rapid.StringN(1, 8, -1), 0, 4, rapid.ID).Draw(t, "names")
	slices.Sort(names)
	buckets := make([]Bucket, len(names))
	for i, name := range names {
		b := Bucket{Name: name, Items: []Item{}}
		n := rapid.OneOf(rapid.IntRange(0, 3), rapid.IntRange(0, 2000)).Draw(t, "items")
		step := rapid.SampledFrom([]int{0, 1, 7, 40, 500}).Draw(t, "size")
		long := rapid.SampledFrom([]int{0, 0, 5000, 70_000}).Draw(t, "long")
		for j := range n {
			key := fmt.Sprintf("%06d", j) + strings.Repeat("k", j*step%97)
			b.Items = append(b.Items, Item{key, strings.Repeat("v", j*step%1001)})
		}
		if n > 0 {
			b.Items[n/2].Value = strings.Repeat("long", long)
			b.Items[n-1].Key += strings.Repeat("k", long)
		}
		buckets[i] = b
	}
	return buckets
}

func TestReadWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		buckets := anyBuckets(t)
		file := Write(buckets)
		if len(file)%pageSize != 0 {
			t.Fatalf("a file of %d bytes, which are no pages", len(file))
		}
		again, err := Read(string(file))
		if err != nil {
			t.Fatal(err)
		}
		for i := range again {
			if again[i].Items == nil {
				again[i].Items = []Item{}
			}
		}
		if len(buckets) > 0 && !reflect.DeepEqual(again, buckets) || len(again) != len(buckets) {
			t.Fatalf("%d buckets were written, %d others read", len(buckets), len(again))
		}
		if second := Write(again); string(second) != string(file) {
			t.Fatal("the same buckets give other bytes")
		}
	})
}

func sample() []Bucket {
	b := Bucket{Name: "b"}
	for i := range 600 {
		b.Items = append(b.Items, Item{fmt.Sprintf("%04d", i), strings.Repeat("x", 40)})
	}
	return []Bucket{{Name: "a"}, b, {Name: "c", Items: []Item{{"k", "v"}}}}
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
}

// Pages that lead to each other in a circle are noticed.
func TestCircle(t *testing.T) {
	file := Write(sample())
	m, _ := readMeta(string(file[pageHeader:]))
	for number := uint64(3); number < m.pages; number++ {
		at := number * pageSize
		if file[at+8] == branchPage {
			order.PutUint64(file[at+pageHeader+8:], number)
			if _, err := Read(string(file)); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "twice") {
				t.Errorf("a branch that leads to itself: %v", err)
			}
			return
		}
	}
	t.Fatal("no branch in the file")
}

// An inline bucket, as bbolt makes of a small one, is read like another.
func TestInlineBucket(t *testing.T) {
	w := writer{buf: make([]byte, 3*pageSize)}
	inline := writer{}
	inline.leaf([]Item{{"k", "v"}, {"l", ""}}, 0)
	value := string(make([]byte, bucketSize)) + string(inline.buf[:100])
	root := w.tree([]Item{{"small", value}}, bucketFlag)
	m := meta{pageSize: pageSize, root: root, free: 2, pages: uint64(len(w.buf) / pageSize)}
	copy(w.buf, append(appendHeader(nil, 0, metaPage, 0, 0), m.bytes()...))
	got, err := Read(string(w.buf))
	want := []Bucket{{"small", []Item{{"k", "v"}, {"l", ""}}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	w = writer{buf: make([]byte, 3*pageSize)}
	m.root = w.tree([]Item{{"small", value[:20]}}, bucketFlag)
	copy(w.buf, append(appendHeader(nil, 0, metaPage, 0, 0), m.bytes()...))
	if _, err := Read(string(w.buf)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("an inline bucket cut short: error %v, want one", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(string(Write(sample())))
	f.Add(string(Write(nil)))
	f.Add("")
	f.Fuzz(func(t *testing.T, file string) {
		buckets, err := Read(file)
		if err != nil {
			return
		}
		again, err := Read(string(Write(buckets)))
		if err != nil || len(again) != len(buckets) {
			t.Errorf("%d buckets were read, and after writing them %d: %v", len(buckets), len(again), err)
		}
	})
}
