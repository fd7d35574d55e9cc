// Package record frames bytes, so that whoever reads a file after a crash knows
// where good bytes end, and whether what follows was torn or is damaged.
//
// A file is a sequence of records. Each has a position: its offset in the file,
// or in a longer sequence that is spread over files.
//
//	record  checksum 4 | length 4 | lag 4 | kind 1 | zero 3 | payload | zeros up to a multiple of 8
//
// The checksum (CRC-32C) covers the rest of the record and, beyond it, the
// position: a record is valid at one place only. The lag is the distance back
// from the record to the position through which the sequence was durable when
// the record was written. So a valid record bears witness for what stands before
// it: if a record is not valid and a later one says that its place had been
// durable, no crash tore it, and the medium is at fault.
//
// What the payloads mean is said by whoever keeps the file. Nothing here reads or
// writes a disk, and no bytes make it panic.
package record

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
)

// Kind says what a record holds. Each file has kinds of its own, from 1.
type Kind uint8

// Record is a record as it was read.
type Record struct {
	Kind Kind
	// At is the position of its first byte.
	At int64
	// Durable is the position through which the sequence was durable when the
	// record was written.
	Durable int64
	// Payload is part of the bytes that were read.
	Payload []byte
}

// HeaderBytes is the size of a record without its payload; Alignment is what
// records are padded to.
const (
	HeaderBytes = 16
	Alignment   = 8
)

// Why bytes are no record.
var (
	ErrShort    = errors.New("the record is cut short")
	ErrHeader   = errors.New("no record begins here")
	ErrChecksum = errors.New("the checksum does not match")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Sum is the checksum of bytes that are no record.
func Sum(data []byte) uint32 { return crc32.Checksum(data, castagnoli) }

// Begin appends the place of a record's header. The payload is appended next, and
// End then fills the header in.
func Begin(buf []byte) []byte {
	var header [HeaderBytes]byte
	return append(buf, header[:]...)
}

// End completes the record that begins at start in buf. The record's position is
// at, and the sequence is durable through durable.
func End(buf []byte, start int, kind Kind, at, durable int64) []byte {
	length := len(buf) - start - HeaderBytes
	var zeros [Alignment]byte
	buf = append(buf, zeros[:-len(buf)&(Alignment-1)]...)
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

// Read reads the record at the beginning of data, whose position is at and whose
// kind is not above last. It returns the record's size with its padding.
func Read(data []byte, at int64, last Kind) (Record, int, error) {
	if len(data) < HeaderBytes {
		return Record{}, 0, ErrShort
	}
	kind := binary.LittleEndian.Uint32(data[12:])
	if kind == 0 || kind > uint32(last) {
		return Record{}, 0, ErrHeader
	}
	length := int64(binary.LittleEndian.Uint32(data[4:]))
	size := (HeaderBytes + length + Alignment - 1) / Alignment * Alignment
	if size > int64(len(data)) {
		return Record{}, 0, ErrShort
	}
	if binary.LittleEndian.Uint32(data) != checksum(at, data[4:size]) {
		return Record{}, 0, ErrChecksum
	}
	return Record{
		Kind:    Kind(kind),
		At:      at,
		Durable: at - int64(binary.LittleEndian.Uint32(data[8:])),
		Payload: data[HeaderBytes : HeaderBytes+length : HeaderBytes+length],
	}, int(size), nil
}

// Witness looks in the bytes of a file, of which the first has the position base,
// for a valid record at or behind a position that was written when the sequence
// was durable beyond that position, and returns where it is. The bytes between may
// be anything, so every place is tried at which a record could begin.
func Witness(data []byte, base, at int64, last Kind) (int64, bool) {
	offset := max(0, at-base)
	for offset < int64(len(data)) {
		r, size, err := Read(data[offset:], base+offset, last)
		if err != nil {
			offset += Alignment
			continue
		}
		if r.Durable > at {
			return r.At, true
		}
		offset += int64(size)
	}
	return 0, false
}

// Proven returns the position through which the records of a file, of which the first
// byte has the position base, bear witness that the sequence was durable: damage
// before it cannot be taken for a torn write.
func Proven(data []byte, base int64, last Kind) int64 {
	proven := base
	for offset := int64(0); offset < int64(len(data)); {
		r, size, err := Read(data[offset:], base+offset, last)
		if err != nil {
			break
		}
		proven = max(proven, r.Durable)
		offset += int64(size)
	}
	return proven
}
