package wal

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
)

// recordType says what a record holds.
type recordType uint8

const (
	// segmentRecord opens a segment file.
	segmentRecord recordType = 1 + iota
	// entryRecord holds one raft entry. It replaces the entries of its index and
	// above that stand before it.
	entryRecord
	// stateRecord holds a hard state. The last one counts.
	stateRecord
	// markerRecord names a snapshot file.
	markerRecord
	numRecordTypes // keep last
)

// headerBytes is the size of a record without its payload; alignment is what
// records are padded to.
const (
	headerBytes = 16
	alignment   = 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// record is a record as it was read.
type record struct {
	kind recordType
	// at is the position of its first byte.
	at int64
	// durable is the position through which the log was durable when the record
	// was written.
	durable int64
	payload []byte
}

// Why bytes are no record.
var (
	errShort    = errors.New("the record is cut short")
	errHeader   = errors.New("no record begins here")
	errChecksum = errors.New("the checksum does not match")
)

// beginRecord appends the place of a record's header. The payload is appended
// next, and endRecord then fills the header in.
func beginRecord(buf []byte) []byte {
	return append(buf, make([]byte, headerBytes)...)
}

// endRecord completes the record that begins at start in buf. The record's
// position is at, and the log is durable up to durable.
func endRecord(buf []byte, start int, kind recordType, at, durable int64) []byte {
	length := len(buf) - start - headerBytes
	for len(buf)%alignment != 0 {
		buf = append(buf, 0)
	}
	header := buf[start:]
	binary.LittleEndian.PutUint32(header[4:], uint32(length))
	binary.LittleEndian.PutUint32(header[8:], uint32(min(at-durable, math.MaxUint32)))
	binary.LittleEndian.PutUint32(header[12:], uint32(kind))
	binary.LittleEndian.PutUint32(header, checksum(at, header[4:]))
	return buf
}

// checksum covers a record after its checksum field, and its position.
func checksum(at int64, rest []byte) uint32 {
	return crc32.Update(uint32(at)^uint32(at>>32), castagnoli, rest)
}

// readRecord reads the record at the beginning of data, whose position is at. It
// returns the record's size with its padding. The payload is part of data.
func readRecord(data []byte, at int64) (record, int, error) {
	if len(data) < headerBytes {
		return record{}, 0, errShort
	}
	kind := binary.LittleEndian.Uint32(data[12:])
	if kind == 0 || kind >= uint32(numRecordTypes) {
		return record{}, 0, errHeader
	}
	length := int64(binary.LittleEndian.Uint32(data[4:]))
	size := (headerBytes + length + alignment - 1) / alignment * alignment
	if size > int64(len(data)) {
		return record{}, 0, errShort
	}
	if binary.LittleEndian.Uint32(data) != checksum(at, data[4:size]) {
		return record{}, 0, errChecksum
	}
	return record{
		kind:    recordType(kind),
		at:      at,
		durable: at - int64(binary.LittleEndian.Uint32(data[8:])),
		payload: data[headerBytes : headerBytes+length : headerBytes+length],
	}, int(size), nil
}
