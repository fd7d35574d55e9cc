package bolt

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
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
		b := Bucket{Name: name}
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
		if !reflect.DeepEqual(again, buckets) {
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

// The bytes are bbolt's: pages and elements as its internal/common lays them out.
func TestBytes(t *testing.T) {
	meta := func(txn, sum string) string {
		return "0000000000000000" + "0400" + "0000" + "00000000" + // page, kind, count, more
			"edda0ced" + "02000000" + "00100000" + "00000000" + // magic, version, size of a page, flags
			"0400000000000000" + "0000000000000000" + // the buckets are on page 4, sequence 0
			"0200000000000000" + "0500000000000000" + // free pages on page 2, five pages
			txn + sum
	}
	want := []string{
		meta("0000000000000000", "88b4e6c8a24208fc"),
		"01" + meta("0100000000000000", "a9fed5d3ab09031b")[2:],
		"0200000000000000" + "1000" + "0000" + "00000000", // no free page
		"0300000000000000" + "0200" + "0100" + "00000000" +
			"00000000" + "10000000" + "01000000" + "01000000" + "6b76", // k=v
		"0400000000000000" + "0200" + "0100" + "00000000" +
			"01000000" + "10000000" + "01000000" + "10000000" + "62" + "0300000000000000" + "0000000000000000", // bucket b on page 3
	}
	file := Write([]Bucket{{"b", []Item{{"k", "v"}}}})
	if len(file) != len(want)*pageSize {
		t.Fatalf("%d bytes, want %d pages", len(file), len(want))
	}
	for i, text := range want {
		page := make([]byte, pageSize)
		if _, err := hex.Decode(page, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got := file[i*pageSize:][:pageSize]; !bytes.Equal(got, page) {
			t.Errorf("page %d is\n%x, want\n%s", i, bytes.TrimRight(got, "\x00"), text)
		}
	}
}

// A file that a real etcd wrote; saved by it, it has a checksum behind it.
func TestFileOfEtcd(t *testing.T) {
	file, err := os.ReadFile("../../docs/orders.db")
	if err != nil {
		t.Fatal(err)
	}
	buckets, err := Read(string(file))
	var got []string
	for _, b := range buckets {
		got = append(got, fmt.Sprint(b.Name, " ", len(b.Items)))
	}
	want := "alarm 0, auth 1, authRoles 1, authUsers 2, cluster 1, key 8, lease 1, members 1, members_removed 0, meta 5"
	if strings.Join(got, ", ") != want || err != nil {
		t.Errorf("buckets and their items are %v, %v; want %s", got, err, want)
	}
}

// Files are long, and to make one shorter takes a minute each time: with
// -fuzzminimizetime 1x thousands are tried in a second, and a few in a minute without.
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
		if err != nil || !reflect.DeepEqual(again, buckets) {
			t.Errorf("%d buckets were read, and after writing them %d others: %v", len(buckets), len(again), err)
		}
	})
}
