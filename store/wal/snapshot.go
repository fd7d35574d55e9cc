package wal

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"etcdsim/store/disk"
	"etcdsim/store/record"
)

// Genesis is the snapshot that the log of every founding member starts from:
// index 1, term 1, the voters, and the state of an empty store. All members must
// be given the same.
func Genesis(voters []uint64, data []byte) *pb.Snapshot {
	index, term := uint64(1), uint64(1)
	// Absent fields are filled in now: raft would do so later, when the snapshot is
	// shared.
	return pb.EnsureSnapshot(&pb.Snapshot{
		Data:     data,
		Metadata: &pb.SnapshotMetadata{Index: &index, Term: &term, ConfState: &pb.ConfState{Voters: slices.Clone(voters)}},
	})
}

// Create begins a log on a disk without one, and makes it durable at once. The
// log starts from a snapshot (see Genesis), or, if that is nil, empty and
// without members: a member that joins later and learns everything from a
// leader.
func Create(d *disk.Disk, config Config, snap *pb.Snapshot) (*Log, error) {
	l := newLog(d, config)
	if snap != nil {
		l.restart(snap)
		if err := l.writeSnapshot(snap, false); err != nil {
			return nil, err
		}
		l.state = hardState{term: snap.GetMetadata().GetTerm(), commit: snap.GetMetadata().GetIndex()}
		l.hardState = l.state.proto()
		if err := l.Save(l.hardState, nil); err != nil {
			return nil, err
		}
	} else {
		b := l.begin()
		if err := b.write(); err != nil {
			return nil, err
		}
	}
	if err := d.Flush(); err != nil {
		return nil, err
	}
	return l, nil
}

func newLog(d *disk.Disk, config Config) *Log {
	if config.SegmentSize == 0 {
		config.SegmentSize = Default().SegmentSize
	}
	return &Log{
		disk: d, config: config, next: 1,
		snapshot: pb.EnsureSnapshot(nil),
		entries:  []*pb.Entry{placeholder(0, 0)},
	}
}

// proto returns the state as raft takes it: nil if it is empty.
func (s hardState) proto() *pb.HardState {
	if s == (hardState{}) {
		return nil
	}
	return &pb.HardState{Term: &s.term, Vote: &s.vote, Commit: &s.commit}
}

// restart empties the log in memory and lets it begin behind a snapshot.
func (l *Log) restart(snap *pb.Snapshot) {
	l.snapshot, l.before = snap, snap.GetMetadata().GetIndex()
	l.entries = []*pb.Entry{placeholder(l.before, snap.GetMetadata().GetTerm())}
}

// SaveSnapshot writes a snapshot received from a leader to the disk's buffer:
// its file, then its marker. It must come before the Save of the hard state that
// goes with it. On an error nothing was written that counts.
func (l *Log) SaveSnapshot(snap *pb.Snapshot) error {
	if snap.GetMetadata().GetIndex() <= l.mark.index {
		return fmt.Errorf("snapshot %d: %w: %d is saved", snap.GetMetadata().GetIndex(), raft.ErrSnapOutOfDate, l.mark.index)
	}
	if err := l.writeSnapshot(snap, true); err != nil {
		return err
	}
	l.next = snap.GetMetadata().GetIndex() + 1
	return nil
}

// ApplySnapshot makes a received snapshot visible to raft: the log begins anew
// behind it. It is called once a sync has made what SaveSnapshot wrote durable.
// The snapshot is kept, not copied, and must not be changed.
func (l *Log) ApplySnapshot(snap *pb.Snapshot) error {
	if index := snap.GetMetadata().GetIndex(); index <= l.snapshot.GetMetadata().GetIndex() {
		return fmt.Errorf("snapshot %d: %w: %d is there", index, raft.ErrSnapOutOfDate, l.snapshot.GetMetadata().GetIndex())
	}
	l.restart(snap)
	return nil
}

// CreateSnapshot makes a snapshot of the member's own state as of an applied
// index: visible to raft at once, written to the disk's buffer, durable with the
// next sync. Entries are not dropped; Compact and Release do that. The data is
// kept, not copied, and must not be changed.
func (l *Log) CreateSnapshot(index uint64, confState *pb.ConfState, data []byte) (*pb.Snapshot, error) {
	if newest := max(l.mark.index, l.snapshot.GetMetadata().GetIndex()); index <= newest {
		return nil, fmt.Errorf("snapshot %d: %w: %d is there", index, raft.ErrSnapOutOfDate, newest)
	}
	term, err := l.Term(index)
	if err != nil {
		panic(fmt.Sprintf("wal: snapshot at %d, but the log holds %d to %d: %v", index, l.before, l.last(), err))
	}
	snap := pb.EnsureSnapshot(&pb.Snapshot{Data: data, Metadata: &pb.SnapshotMetadata{Index: &index, Term: &term, ConfState: confState}})
	if err := l.writeSnapshot(snap, false); err != nil {
		return nil, err
	}
	l.snapshot = snap
	return snap, nil
}

// writeSnapshot writes a snapshot's file and then its marker.
func (l *Log) writeSnapshot(snap *pb.Snapshot, received bool) error {
	data := appendSnapshot(make([]byte, 0, len(snap.GetData())+64), snap)
	m := marker{
		index: snap.GetMetadata().GetIndex(), term: snap.GetMetadata().GetTerm(),
		received: received, sum: record.Sum(data), size: uint64(len(data)),
	}
	file, err := l.disk.Create(m.file())
	if err != nil {
		return err
	}
	if err := file.Append(data); err != nil {
		return discard(l.disk, file.Name(), err)
	}
	b := l.begin()
	at := b.end()
	b.marker(m)
	if err := b.write(); err != nil {
		return discard(l.disk, file.Name(), err)
	}
	l.mark, l.markAt, l.markFile = m, at, file
	l.settledAt = math.MaxInt64
	l.settle()
	return nil
}

// settle notes the moment from which the newest snapshot counts.
func (l *Log) settle() {
	if l.settledAt == math.MaxInt64 && l.state.commit >= l.mark.index {
		l.settledAt = max(l.markAt, l.stateAt)
	}
}

// readSnapshot reads the snapshot that a marker names.
func readSnapshot(d *disk.Disk, m marker) (*pb.Snapshot, error) {
	file, err := d.Open(m.file())
	if err != nil {
		return nil, &record.CorruptError{Of: "wal", File: m.file(), Reason: err}
	}
	data := file.Read()
	if uint64(len(data)) != m.size || record.Sum(data) != m.sum {
		return nil, &record.CorruptError{Of: "wal", File: m.file(), Reason: record.ErrChecksum}
	}
	snap, err := decodeSnapshot(data)
	if err != nil {
		return nil, &record.CorruptError{Of: "wal", File: m.file(), Reason: err}
	}
	return snap, nil
}

// ErrNotDurable: a snapshot does not replace anything before it is durable.
var ErrNotDurable = errors.New("the snapshot is not durable yet")

// Release removes from the disk what the newest snapshot makes superfluous: older
// snapshots, and the segments that hold only entries through the given index,
// which the snapshot must cover. It returns an error that wraps ErrNotDurable if
// the snapshot, its marker, or a hard state that commits it is not durable yet.
func (l *Log) Release(index uint64) error {
	if index > l.mark.index {
		panic(fmt.Sprintf("wal: release through %d, but the newest snapshot is at %d", index, l.mark.index))
	}
	if l.mark == (marker{}) {
		return nil
	}
	if settled := l.markFile.Durable() == l.markFile.Size() && l.durable() > l.settledAt; !settled && !l.config.ReleaseEarly {
		return fmt.Errorf("release through %d: snapshot %d: %w", index, l.mark.index, ErrNotDurable)
	}
	// Each segment repeats the hard state and the marker at its beginning, so
	// that it can be the first once it is durable.
	drop := 0
	for next := 1; next < len(l.segments); next++ {
		if s := l.segments[next]; s.first <= index+1 && s.file.Durable() > 0 {
			drop = next
		}
	}
	for _, s := range l.segments[:drop] {
		if err := l.disk.Remove(s.file.Name()); err != nil {
			return err
		}
	}
	l.segments = l.segments[drop:]
	for _, name := range l.disk.List() {
		// Names are in the order of the indexes.
		if isSnapshot(name) && name < l.mark.file() {
			if err := l.disk.Remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}
