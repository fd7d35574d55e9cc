// Package bolt reads and writes the files of bbolt, the database in which etcd
// keeps what a member knows, whole and in memory.
//
// # Model
//
// A file is pages of equal size. Pages 0 and 1 are metas: the newer of the two
// that are intact says where everything else begins, so that a write which was
// cut short leaves the older one to go by. What it names is a B+ tree of buckets,
// and each bucket is a tree of its own: branch pages lead from the first key of
// each page below to that page, leaf pages hold keys and values. A page whose
// content is too large goes on in the pages after it.
//
//	meta 0 | meta 1 | free pages | leaf | leaf | branch | ... | leaf of buckets
//
// [Write] makes such a file, and [Read] takes the buckets from one, however it
// came about. The format is that of go.etcd.io/bbolt, version 2, and numbers are
// little-endian whatever the processor.
//
// # Why not bbolt
//
// bbolt maps a file into memory and believes what it finds there. It needs a file,
// which a simulated member has not; it does not run in a browser; on another
// byte order it reads nothing; and a damaged file makes it fault, panic or walk in
// circles. Here each page is visited once and each length is checked, so that
// any bytes give buckets or an error. bbolt itself judges the files in the tests
// of store/compare.
//
// # What it never does
//
// It changes no file in place, and knows no transactions. Buckets within buckets,
// which etcd does not use, are refused.
package bolt

// Bucket is a part of a database with keys of its own.
type Bucket struct {
	Name string
	// Items are in the order of their keys, no key twice or empty.
	Items []Item
}

// Item is a key and its value, any bytes.
type Item struct{ Key, Value string }
