package bolt

import (
	"encoding/binary"
	"hash/fnv"
)

// The layout of a file: bbolt's internal/common. All pages begin with
//
//	number                                      8 bytes
//	kind, count of elements, pages it goes on   2, 2 and 4 bytes
//
// A meta holds
//
//	magic, version, size of a page, flags       4 bytes each
//	page of the buckets, their sequence         8 bytes each
//	page of the free pages, number of pages     8 bytes each
//	transaction                                 8 bytes
//	FNV-1a of the above                         8 bytes
//
// an element of a branch
//
//	place of the key, its length                4 bytes each
//	page                                        8 bytes
//
// and an element of a leaf
//
//	flags, place of the key                     4 bytes each
//	lengths of the key and of the value         4 bytes each
//
// with the value behind the key. Places count from the element.
const (
	pageHeader    = 16
	metaSize      = 64
	elementSize   = 16
	bucketSize    = 16
	magic         = 0xed0cdaed
	formatVersion = 2

	branchPage   = 0x01
	leafPage     = 0x02
	metaPage     = 0x04
	freelistPage = 0x10

	// bucketFlag marks an element of a leaf whose value is a bucket: the page of its
	// root and a sequence. Page 0 means that a leaf page follows within the value.
	bucketFlag = 0x01
)

var order = binary.LittleEndian

// meta is what a meta page says.
type meta struct {
	pageSize uint32
	root     uint64
	free     uint64
	pages    uint64
	txn      uint64
}

// bytes returns the meta as it stands in a file.
func (m *meta) bytes() (buf []byte) {
	for _, v := range []uint32{magic, formatVersion, m.pageSize, 0} {
		buf = order.AppendUint32(buf, v)
	}
	for _, v := range []uint64{m.root, 0, m.free, m.pages, m.txn} {
		buf = order.AppendUint64(buf, v)
	}
	return order.AppendUint64(buf, checksum(buf))
}

// readMeta reads a meta, and reports whether it is an intact one.
func readMeta(data string) (m meta, ok bool) {
	if len(data) < metaSize {
		return m, false
	}
	const body = metaSize - 8
	m = meta{
		pageSize: uint32At(data, 8), root: uint64At(data, 16), free: uint64At(data, 32),
		pages: uint64At(data, 40), txn: uint64At(data, 48),
	}
	return m, uint32At(data, 0) == magic && uint32At(data, 4) == formatVersion && uint64At(data, body) == checksum([]byte(data[:body]))
}

func uint32At(s string, i int) uint32 {
	return uint32(s[i]) | uint32(s[i+1])<<8 | uint32(s[i+2])<<16 | uint32(s[i+3])<<24
}

func uint64At(s string, i int) uint64 { return uint64(uint32At(s, i)) | uint64(uint32At(s, i+4))<<32 }

func checksum(data []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(data) // it never fails
	return h.Sum64()
}
