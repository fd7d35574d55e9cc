package wal_test

import (
	"math"
	"testing"

	pb "go.etcd.io/raft/v3/raftpb"

	"etcdsim/store/disk"
	"etcdsim/store/wal"
)

// grown is a log with so many visible entries of 100 bytes.
func grown(b *testing.B, entries uint64) (*disk.Disk, *wal.Log) {
	d := newDisk(disk.Config{}, 1)
	l := create(b, d, wal.Config{})
	for i := uint64(2); i < entries+2; i++ {
		save(b, l, nil, []*pb.Entry{newEntry(i, 1, string(make([]byte, 100)))})
	}
	d.Flush()
	return d, l
}

// BenchmarkSave is one entry of 100 bytes and a hard state, as a follower saves
// for each message, with the sync that follows. Every 10,000 entries a snapshot
// releases the old segments.
func BenchmarkSave(b *testing.B) {
	d := newDisk(disk.Config{}, 1)
	l := create(b, d, wal.Config{})
	index, term, vote := uint64(1), uint64(1), uint64(1)
	entry := newEntry(index, 1, string(make([]byte, 100)))
	entries := []*pb.Entry{entry}
	commit := uint64(1)
	state := &pb.HardState{Term: &term, Vote: &vote, Commit: &commit}
	b.ReportAllocs()
	for b.Loop() {
		index++
		*entry.Index, commit = index, index-1
		if err := l.Save(state, entries); err != nil {
			b.Fatal(err)
		}
		d.Synced(d.Sync().ID)
		if index%10_000 == 0 {
			b.StopTimer()
			snap := newSnapshot(index, 1, "")
			if err := l.SaveSnapshot(snap); err != nil {
				b.Fatal(err)
			}
			commit = index
			if err := l.Save(state, nil); err != nil {
				b.Fatal(err)
			}
			d.Flush()
			if err := l.Release(index); err != nil {
				b.Fatal(err)
			}
			d.Flush()
			b.StartTimer()
		}
	}
}

// BenchmarkAppend makes one entry visible, with a compaction every 1,000.
func BenchmarkAppend(b *testing.B) {
	l := create(b, newDisk(disk.Config{}, 1), wal.Config{})
	index, term := uint64(1), uint64(1)
	b.ReportAllocs()
	for b.Loop() {
		index++
		at := index
		l.Append([]*pb.Entry{{Index: &at, Term: &term}})
		if index%1000 == 0 {
			if err := l.Compact(index - 200); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkTerm(b *testing.B) {
	_, l := grown(b, 1000)
	i := uint64(2)
	for b.Loop() {
		if _, err := l.Term(i); err != nil {
			b.Fatal(err)
		}
		i = 2 + (i*7)%1000
	}
}

// BenchmarkEntries asks for the last ten, as a leader does for a follower, with
// a size that must be added up and with none.
func BenchmarkEntries(b *testing.B) {
	_, l := grown(b, 1000)
	for _, c := range []struct {
		name string
		size uint64
	}{{"limited", 1 << 20}, {"unlimited", math.MaxUint64}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if entries, err := l.Entries(992, 1002, c.size); err != nil || len(entries) != 10 {
					b.Fatal(len(entries), err)
				}
			}
		})
	}
}

// BenchmarkOpen recovers 1,000 entries of 100 bytes.
func BenchmarkOpen(b *testing.B) {
	d, _ := grown(b, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wal.Open(d, wal.Config{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCreate(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		create(b, newDisk(disk.Config{}, 1), wal.Config{})
	}
}
