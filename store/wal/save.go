package wal

import (
	"fmt"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"etcdsim/store/disk"
	"etcdsim/store/record"
)

const (
	segmentSuffix = ".wal"
	snapSuffix    = ".snap"
)

// Save writes entries and then the hard state, if it is not empty, to the disk's
// buffer. They are durable with the disk's next sync, and visible to raft once
// Append was called. On an error (a full disk) nothing was written.
//
// The order is etcd's: a batch that a crash tears may leave entries without the
// hard state that came with them (whose term may be below theirs then, which
// raft bears), but never a committed index without its entries (which it does
// not).
func (l *Log) Save(state *pb.HardState, entries []*pb.Entry) error {
	if len(entries) == 0 && raft.IsEmptyHardState(state) {
		return nil
	}
	b := l.begin()
	stateAt := l.stateAt
	for _, e := range entries {
		start := b.open()
		b.buf = appendEntry(b.buf, e)
		b.close(start, entryRecord)
	}
	if !raft.IsEmptyHardState(state) {
		stateAt = b.end()
		b.state(hardState{state.GetTerm(), state.GetVote(), state.GetCommit()})
	}
	if err := b.write(); err != nil {
		return err
	}
	if n := len(entries); n > 0 {
		l.next = entries[n-1].GetIndex() + 1
	}
	if !raft.IsEmptyHardState(state) {
		l.state, l.stateAt = hardState{state.GetTerm(), state.GetVote(), state.GetCommit()}, stateAt
		l.settle()
	}
	return nil
}

// batch is a sequence of records that is written whole or not at all.
type batch struct {
	log *Log
	buf []byte
	// base is the position of the first byte of buf.
	base    int64
	durable int64
	// cut reports that the batch begins a new segment.
	cut bool
}

// begin starts a batch, and a new segment if the tail is full.
func (l *Log) begin() batch {
	b := batch{log: l, buf: l.buf[:0], durable: l.durable()}
	if len(l.segments) == 0 {
		b.cut = true
	} else {
		tail := l.segments[len(l.segments)-1]
		b.base, b.cut = tail.end(), tail.file.Size() >= int64(l.config.SegmentSize)
	}
	if b.cut {
		start := b.open()
		b.buf = segmentHeader{first: l.next}.append(b.buf)
		b.close(start, segmentRecord)
		if l.state != (hardState{}) {
			b.state(l.state)
		}
		if l.mark != (marker{}) {
			// Repeated, it does not void the entries before it any more.
			m := l.mark
			m.received = false
			b.marker(m)
		}
	}
	return b
}

// durable returns the position through which the log is durable.
func (l *Log) durable() int64 {
	for len(l.unsettled) > 0 {
		s := l.unsettled[0]
		if s.file.Durable() < s.file.Size() {
			return s.base + s.file.Durable()
		}
		l.unsettled = l.unsettled[1:]
	}
	if len(l.segments) == 0 {
		return 0
	}
	tail := l.segments[len(l.segments)-1]
	return tail.base + tail.file.Durable()
}

func (b *batch) open() int {
	start := len(b.buf)
	b.buf = record.Begin(b.buf)
	return start
}

func (b *batch) close(start int, kind record.Kind) {
	b.buf = record.End(b.buf, start, kind, b.base+int64(start), b.durable)
}

func (b *batch) state(s hardState) {
	start := b.open()
	b.buf = s.append(b.buf)
	b.close(start, stateRecord)
}

func (b *batch) marker(m marker) {
	start := b.open()
	b.buf = m.append(b.buf)
	b.close(start, markerRecord)
}

// end is the position behind the last record.
func (b *batch) end() int64 { return b.base + int64(len(b.buf)) }

// write hands the batch to the disk.
func (b *batch) write() error {
	l := b.log
	l.buf = b.buf
	if !b.cut {
		return l.segments[len(l.segments)-1].file.Append(b.buf)
	}
	name := segmentName(b.base)
	file, err := l.disk.Create(name)
	if err != nil {
		return err
	}
	if err := file.Append(b.buf); err != nil {
		return discard(l.disk, name, err)
	}
	if n := len(l.segments); n > 0 {
		l.unsettled = append(l.unsettled, l.segments[n-1])
	}
	l.segments = append(l.segments, segment{base: b.base, first: l.next, file: file})
	return nil
}

// discard removes a file that could not be written whole, and returns why.
func discard(d *disk.Disk, name string, why error) error {
	if err := d.Remove(name); err != nil {
		panic(fmt.Sprintf("wal: %s was just created and cannot be removed: %v", name, err))
	}
	return why
}

// segmentName is the name of the segment whose first byte has the position.
func segmentName(base int64) string { return fmt.Sprintf("%016x%s", base, segmentSuffix) }
