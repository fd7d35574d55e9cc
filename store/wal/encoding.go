package wal

import (
	"encoding/binary"
	"errors"
	"fmt"

	pb "go.etcd.io/raft/v3/raftpb"
)

// The payloads. Integers are unsigned varints unless said otherwise. Decoding
// refuses what ends too soon, goes on too long or holds an unknown value; no
// bytes make it panic.

// errMalformed: the bytes do not decode. Under a valid checksum
// this means another version of the program, not damage.
var errMalformed = errors.New("the payload is malformed")

// formatVersion is written into every segment and snapshot.
const formatVersion = 1

// reader takes values off the front of a payload. Once a value is missing, bad
// is set and all further values are zero.
type reader struct {
	data []byte
	bad  bool
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.bad, r.data = true, nil
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *reader) byte() byte {
	if len(r.data) == 0 {
		r.bad = true
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	return b
}

func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.data)) {
		r.bad, r.data = true, nil
		return nil
	}
	b := r.data[:n:n]
	r.data = r.data[n:]
	return b
}

// end returns an error if a value was missing or bytes are left.
func (r *reader) end() error {
	if r.bad || len(r.data) > 0 {
		return errMalformed
	}
	return nil
}

// Flags of an entry. Absent and zero values are kept apart, because raft counts
// their encoded sizes: a recovered entry must weigh what the original did.
const (
	hasType = 1 << iota
	hasData
	typeShift = iota
)

// appendEntry encodes flags and type, term, index, data.
func appendEntry(buf []byte, e *pb.Entry) []byte {
	flags := byte(e.GetType()) << typeShift
	if e.Type != nil {
		flags |= hasType
	}
	if e.Data != nil {
		flags |= hasData
	}
	buf = append(buf, flags)
	buf = binary.AppendUvarint(buf, e.GetTerm())
	buf = binary.AppendUvarint(buf, e.GetIndex())
	return append(buf, e.Data...)
}

// entrySlot is an entry with the values that its fields point to, so that many
// entries can be allocated in one block.
type entrySlot struct {
	entry       pb.Entry
	term, index uint64
	kind        pb.EntryType
}

// decode fills the slot from a payload. The entry's data is part of the payload.
func (s *entrySlot) decode(payload []byte) error {
	r := reader{data: payload}
	flags := r.byte()
	s.term, s.index = r.uint(), r.uint()
	s.kind = pb.EntryType(flags >> typeShift)
	known := s.kind <= pb.EntryConfChangeV2 && (flags&hasType != 0 || s.kind == 0)
	if r.bad || !known || flags&hasData == 0 && len(r.data) > 0 {
		return errMalformed
	}
	s.entry.Term, s.entry.Index = &s.term, &s.index
	if flags&hasType != 0 {
		s.entry.Type = &s.kind
	}
	if flags&hasData != 0 {
		s.entry.Data = r.data
	}
	return nil
}

// entryIndex returns the index of the entry in a payload that decodes.
func entryIndex(payload []byte) uint64 {
	r := reader{data: payload}
	r.byte()
	r.uint()
	return r.uint()
}

// hardState is a raft hard state as plain values.
type hardState struct{ term, vote, commit uint64 }

func (s hardState) append(buf []byte) []byte {
	buf = binary.AppendUvarint(buf, s.term)
	buf = binary.AppendUvarint(buf, s.vote)
	return binary.AppendUvarint(buf, s.commit)
}

func decodeState(payload []byte) (hardState, error) {
	r := reader{data: payload}
	s := hardState{r.uint(), r.uint(), r.uint()}
	return s, r.end()
}

// marker names a snapshot file from within the log.
type marker struct {
	index, term uint64
	// received reports that the snapshot came from a leader and that the log
	// starts anew behind it: entries before the marker are void.
	received bool
	// sum and size are those of the file.
	sum  uint32
	size uint64
}

func (m marker) append(buf []byte) []byte {
	received := byte(0)
	if m.received {
		received = 1
	}
	buf = append(buf, received)
	buf = binary.AppendUvarint(buf, m.index)
	buf = binary.AppendUvarint(buf, m.term)
	buf = binary.AppendUvarint(buf, m.size)
	return binary.LittleEndian.AppendUint32(buf, m.sum)
}

func decodeMarker(payload []byte) (marker, error) {
	r := reader{data: payload}
	flag := r.byte()
	m := marker{received: flag == 1, index: r.uint(), term: r.uint(), size: r.uint()}
	sum := r.bytes(4)
	if r.bad || flag > 1 {
		return marker{}, errMalformed
	}
	m.sum = binary.LittleEndian.Uint32(sum)
	return m, r.end()
}

// file returns the name of the snapshot's file.
func (m marker) file() string { return fmt.Sprintf("%016x-%016x%s", m.index, m.term, snapSuffix) }

// segmentHeader is the payload of a segment's first record.
type segmentHeader struct {
	// first is the index of the entry that comes next when the segment begins.
	// Invariant: all segments before it hold no entry at or above it that counts.
	first uint64
}

func (h segmentHeader) append(buf []byte) []byte {
	return binary.AppendUvarint(append(buf, formatVersion), h.first)
}

func decodeSegmentHeader(payload []byte) (segmentHeader, error) {
	r := reader{data: payload}
	if version := r.byte(); version != formatVersion {
		return segmentHeader{}, fmt.Errorf("%w: format version %d, expected %d", errMalformed, version, formatVersion)
	}
	h := segmentHeader{first: r.uint()}
	return h, r.end()
}

// appendSnapshot encodes a snapshot file: version, metadata, data. The file has
// no checksum of its own; its marker holds that.
func appendSnapshot(buf []byte, snap *pb.Snapshot) []byte {
	meta := snap.GetMetadata()
	buf = append(buf, formatVersion)
	buf = binary.AppendUvarint(buf, meta.GetIndex())
	buf = binary.AppendUvarint(buf, meta.GetTerm())
	buf = appendConfState(buf, meta.GetConfState())
	return append(buf, snap.GetData()...)
}

func decodeSnapshot(data []byte) (*pb.Snapshot, error) {
	r := reader{data: data}
	if version := r.byte(); version != formatVersion {
		return nil, fmt.Errorf("%w: format version %d, expected %d", errMalformed, version, formatVersion)
	}
	index, term := r.uint(), r.uint()
	cs, err := decodeConfState(&r)
	if err != nil || r.bad {
		return nil, errMalformed
	}
	snap := &pb.Snapshot{Metadata: &pb.SnapshotMetadata{Index: &index, Term: &term, ConfState: cs}}
	if len(r.data) > 0 {
		snap.Data = r.data
	}
	return pb.EnsureSnapshot(snap), nil
}

// appendConfState encodes the four sets of members, each with its length before
// it, and whether a joint configuration ends by itself.
func appendConfState(buf []byte, cs *pb.ConfState) []byte {
	for _, set := range [][]uint64{cs.GetVoters(), cs.GetLearners(), cs.GetVotersOutgoing(), cs.GetLearnersNext()} {
		buf = binary.AppendUvarint(buf, uint64(len(set)))
		for _, id := range set {
			buf = binary.AppendUvarint(buf, id)
		}
	}
	if cs.GetAutoLeave() {
		return append(buf, 1)
	}
	return append(buf, 0)
}

func decodeConfState(r *reader) (*pb.ConfState, error) {
	cs := &pb.ConfState{}
	for _, set := range []*[]uint64{&cs.Voters, &cs.Learners, &cs.VotersOutgoing, &cs.LearnersNext} {
		n := r.uint()
		if n > uint64(len(r.data)) {
			return nil, errMalformed
		}
		for range n {
			*set = append(*set, r.uint())
		}
	}
	auto := r.byte()
	if r.bad || auto > 1 {
		return nil, errMalformed
	}
	leave := auto == 1
	cs.AutoLeave = &leave
	return cs, nil
}
