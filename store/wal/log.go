package wal

import (
	"fmt"
	"math"
	"math/bits"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"etcdsim/sim"
	"etcdsim/store/disk"
)

// Log is one member's log in one incarnation. It implements raft.Storage. It is
// not for concurrent use: raft calls it from within the member's own step.
type Log struct {
	config Config
	disk   *disk.Disk

	// What raft sees.

	// hardState is what recovery found. Raft asks for it once.
	hardState *pb.HardState
	snapshot  *pb.Snapshot
	// entries[0] stands for the entry before the first: its index and term are
	// kept, its content is not. Invariant: entries[i] has the index of entries[0]
	// plus i, and elements are never overwritten in place, since raft holds
	// slices of them.
	entries []*pb.Entry
	// before is the index of entries[0], which raft asks for all the time.
	before uint64

	// What is written; see save.go.

	// segments, oldest first. The last one is the tail.
	segments []segment
	// unsettled are closed segments that may not be durable yet, oldest first.
	unsettled []segment
	// state and mark are the newest of their kind that were written.
	state hardState
	mark  marker
	// stateAt and markAt are the positions of their records, and markFile is the
	// snapshot's file.
	stateAt, markAt int64
	markFile        *disk.File
	// settledAt is the position of the record with which mark counts: its own,
	// or that of the first hard state that commits it if that came later.
	settledAt int64
	// next is the index behind the last entry that was written.
	next uint64
	// buf is where a batch is put together.
	buf []byte

	recovery Recovery
}

// Config is how a log is kept.
type Config struct {
	// SegmentSize is the size at which a segment file is full: the batch that
	// finds it so begins the next. 0 means the default.
	SegmentSize sim.Size
	// ReleaseEarly is a defect to switch on: Release does not wait until the snapshot
	// is durable.
	ReleaseEarly bool
	// TrustCache is another: Open takes what it reads for durable.
	TrustCache bool
}

// Default is for simulations, in which a log should be cut many times in a run:
// segments of 64 KiB. (etcd's are of 64 MB.)
func Default() Config { return Config{SegmentSize: 64 << 10} }

// segment is a file of the log.
type segment struct {
	// base is the position of its first byte.
	base int64
	// first is the index of the entry that came next when it began.
	first uint64
	file  *disk.File
}

// end is the position behind its last byte.
func (s segment) end() int64 { return s.base + s.file.Size() }

var _ raft.Storage = (*Log)(nil)

// InitialState returns the recovered hard state and the configuration as of the
// newest snapshot. Part of raft.Storage.
func (l *Log) InitialState() (*pb.HardState, *pb.ConfState, error) {
	return l.hardState, l.snapshot.GetMetadata().GetConfState(), nil
}

// Entries returns the entries from low up to but not including high, as many as
// weigh no more than maxSize together, but at least one. Part of raft.Storage.
func (l *Log) Entries(low, high, maxSize uint64) ([]*pb.Entry, error) {
	before := l.before
	switch {
	case low <= before:
		return nil, raft.ErrCompacted
	case high > l.last()+1:
		panic(fmt.Sprintf("wal: entries up to %d were asked for, but the last index is %d", high, l.last()))
	case len(l.entries) == 1:
		return nil, raft.ErrUnavailable
	}
	entries := l.entries[low-before : high-before]
	if maxSize != math.MaxUint64 {
		entries = limit(entries, maxSize)
	}
	return entries[:len(entries):len(entries)], nil
}

// limit returns as many entries as weigh no more than maxSize together, but at
// least one.
func limit(entries []*pb.Entry, maxSize uint64) []*pb.Entry {
	size := uint64(0)
	for i, e := range entries {
		size += entrySize(e)
		if size > maxSize && i > 0 {
			return entries[:i]
		}
	}
	return entries
}

// entrySize is the size of an entry in protobuf, as raft counts it, without the
// cost of asking protobuf.
func entrySize(e *pb.Entry) uint64 {
	size := 0
	if e.Type != nil {
		size += 1 + varintSize(uint64(*e.Type))
	}
	if e.Term != nil {
		size += 1 + varintSize(*e.Term)
	}
	if e.Index != nil {
		size += 1 + varintSize(*e.Index)
	}
	if e.Data != nil {
		size += 1 + varintSize(uint64(len(e.Data))) + len(e.Data)
	}
	return uint64(size)
}

func varintSize(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

// Term returns the term of an entry, or of the one before the first. Part of
// raft.Storage.
func (l *Log) Term(index uint64) (uint64, error) {
	before := l.before
	if index < before {
		return 0, raft.ErrCompacted
	}
	if index-before >= uint64(len(l.entries)) {
		return 0, raft.ErrUnavailable
	}
	return l.entries[index-before].GetTerm(), nil
}

// LastIndex returns the index of the last entry. Part of raft.Storage.
func (l *Log) LastIndex() (uint64, error) { return l.last(), nil }

// FirstIndex returns the index of the first entry that Entries can return, or
// of the one that will be. Part of raft.Storage.
func (l *Log) FirstIndex() (uint64, error) { return l.before + 1, nil }

// Snapshot returns the newest snapshot. It is shared and must not be changed.
// Part of raft.Storage.
func (l *Log) Snapshot() (*pb.Snapshot, error) { return l.snapshot, nil }

// last is the index of the last entry.
func (l *Log) last() uint64 { return l.before + uint64(len(l.entries)) - 1 }

// Append makes entries visible to raft, replacing those of their index and
// above. It is called once a sync has made what Save wrote durable. The entries
// are kept, not copied, and must not be changed.
func (l *Log) Append(entries []*pb.Entry) {
	if len(entries) == 0 {
		return
	}
	before, first := l.before, entries[0].GetIndex()
	if first <= before {
		// A snapshot has overtaken the sync.
		skip := before + 1 - first
		if skip >= uint64(len(entries)) {
			return
		}
		entries, first = entries[skip:], before+1
	}
	switch keep := first - before; {
	case keep == uint64(len(l.entries)):
		l.entries = append(l.entries, entries...)
	case keep < uint64(len(l.entries)):
		// The capacity is limited so that the conflicting entries, of which raft
		// may hold slices, stay where they are.
		l.entries = append(l.entries[:keep:keep], entries...)
	default:
		panic(fmt.Sprintf("wal: entry %d would leave a gap behind the last index %d", first, l.last()))
	}
}

// Compact drops the entries through an index from memory; the bytes stay until
// Release. The index must be applied, and not beyond the last.
func (l *Log) Compact(index uint64) error {
	before := l.before
	if index <= before {
		return raft.ErrCompacted
	}
	if index > l.last() {
		panic(fmt.Sprintf("wal: compaction through %d, but the last index is %d", index, l.last()))
	}
	rest := l.entries[index-before:]
	entries := make([]*pb.Entry, len(rest), len(rest)+len(rest)/2+8)
	copy(entries, rest)
	entries[0] = placeholder(rest[0].GetIndex(), rest[0].GetTerm())
	l.entries, l.before = entries, index
	return nil
}

// placeholder is an entry without content.
func placeholder(index, term uint64) *pb.Entry {
	s := &entrySlot{term: term, index: index}
	s.entry.Term, s.entry.Index = &s.term, &s.index
	return &s.entry
}
