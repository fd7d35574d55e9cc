package wal_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"etcdsim/store/disk"
	"etcdsim/store/wal"
)

// TestStorageAgainstRafts: what raft sees is what it would see of its own
// storage in memory.
func TestStorageAgainstRafts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, err := wal.Create(newDisk(disk.Config{}, 1), wal.Config{}, wal.Genesis([]uint64{1, 2}, nil))
		if err != nil {
			t.Fatal(err)
		}
		want := raft.NewMemoryStorage()
		if err := want.ApplySnapshot(wal.Genesis([]uint64{1, 2}, nil)); err != nil {
			t.Fatal(err)
		}
		term := uint64(1)
		// held are slices that raft was given; they must never change.
		type lent struct{ slice, copy []*pb.Entry }
		var held []lent
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			first, _ := want.FirstIndex()
			last, _ := want.LastIndex()
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0, 1:
				from := rapid.Uint64Range(max(first-1, 2), last+1).Draw(t, "from")
				if from <= last {
					term++
				}
				entries := newEntries(from, from+rapid.Uint64Range(0, 4).Draw(t, "more"), term)
				l.Append(entries)
				if err := want.Append(entries); err != nil {
					t.Fatal(err)
				}
			case 2:
				index := rapid.Uint64Range(first-1, last).Draw(t, "compact")
				if got, want := l.Compact(index), want.Compact(index); !errors.Is(got, want) {
					t.Fatalf("Compact(%d) = %v, want %v", index, got, want)
				}
			case 3:
				snap, _ := want.Snapshot()
				if snap.GetMetadata().GetIndex() >= last {
					continue
				}
				index := rapid.Uint64Range(max(first-1, snap.GetMetadata().GetIndex()+1), last).Draw(t, "snapshot")
				cs := &pb.ConfState{Voters: []uint64{1, 2, index}, AutoLeave: proto.Bool(false)}
				if _, err := l.CreateSnapshot(index, cs, []byte("x")); err != nil {
					t.Fatal(err)
				}
				if _, err := want.CreateSnapshot(index, cs, []byte("x")); err != nil {
					t.Fatal(err)
				}
			case 4:
				term++
				snap := newSnapshot(last+rapid.Uint64Range(0, 3).Draw(t, "ahead"), term, "received")
				got, want := l.ApplySnapshot(snap), want.ApplySnapshot(snap)
				if !errors.Is(got, want) {
					t.Fatalf("ApplySnapshot(%d) = %v, want %v", snap.GetMetadata().GetIndex(), got, want)
				}
			case 5:
				if low := rapid.Uint64Range(first, last+1).Draw(t, "low"); low <= last {
					entries, err := l.Entries(low, last+1, math.MaxUint64)
					if err != nil {
						t.Fatal(err)
					}
					held = append(held, lent{entries, slices.Clone(entries)})
				}
			}
			compare(t, l, want)
			for _, h := range held {
				if !slices.Equal(h.slice, h.copy) {
					t.Fatal("a slice that was lent has changed")
				}
			}
		}
	})
}

// compare checks every question that raft may ask.
func compare(t *rapid.T, got, want raft.Storage) {
	first, _ := want.FirstIndex()
	last, _ := want.LastIndex()
	gotFirst, _ := got.FirstIndex()
	gotLast, _ := got.LastIndex()
	if gotFirst != first || gotLast != last {
		t.Fatalf("entries %d to %d, want %d to %d", gotFirst, gotLast, first, last)
	}
	for i := max(first, 2) - 2; i <= last+1; i++ {
		gotTerm, gotErr := got.Term(i)
		wantTerm, wantErr := want.Term(i)
		if gotTerm != wantTerm || !errors.Is(gotErr, wantErr) {
			t.Fatalf("Term(%d) = %d, %v; want %d, %v", i, gotTerm, gotErr, wantTerm, wantErr)
		}
	}
	low := rapid.Uint64Range(first-1, last+1).Draw(t, "low")
	high := rapid.Uint64Range(low, last+1).Draw(t, "high")
	if low < high || low < first {
		size := rapid.SampledFrom([]uint64{0, 1, 30, 60, 1 << 20, math.MaxUint64}).Draw(t, "size")
		gotEntries, gotErr := got.Entries(low, high, size)
		wantEntries, wantErr := want.Entries(low, high, size)
		if !slices.Equal(gotEntries, wantEntries) || !errors.Is(gotErr, wantErr) {
			t.Fatalf("Entries(%d, %d, %d) = %d entries, %v; want %d, %v", low, high, size, len(gotEntries), gotErr, len(wantEntries), wantErr)
		}
		if cap(gotEntries) != len(gotEntries) {
			t.Fatalf("Entries(%d, %d, %d) leaves room to append into the log", low, high, size)
		}
	}
	gotSnap, _ := got.Snapshot()
	wantSnap, _ := want.Snapshot()
	_, gotConf, _ := got.InitialState()
	_, wantConf, _ := want.InitialState()
	if !proto.Equal(gotSnap, wantSnap) || !proto.Equal(gotConf, wantConf) {
		t.Fatalf("snapshot %v with %v, want %v with %v", gotSnap, gotConf, wantSnap, wantConf)
	}
}

// TestAppendBehindASnapshot: a sync that completes after a snapshot was installed
// brings entries that the snapshot has overtaken.
func TestAppendBehindASnapshot(t *testing.T) {
	l := create(t, newDisk(disk.Config{}, 1), wal.Config{})
	if err := l.ApplySnapshot(newSnapshot(10, 2, "")); err != nil {
		t.Fatal(err)
	}
	l.Append(newEntries(5, 8, 1))
	if last, _ := l.LastIndex(); last != 10 {
		t.Errorf("entries before the snapshot moved the last index to %d", last)
	}
	l.Append(newEntries(8, 12, 2))
	if got, want := describe(t, l), "snap 10/2 | 11/2 12/2 | term 1 vote 0 commit 1"; got != want {
		t.Errorf("the log is %s, want %s", got, want)
	}
}

func TestMisuseIsNamed(t *testing.T) {
	l := create(t, newDisk(disk.Config{}, 1), wal.Config{})
	save(t, l, nil, newEntries(2, 4, 1))
	for name, misuse := range map[string]func(){
		"a gap":                       func() { l.Append(newEntries(6, 6, 1)) },
		"entries beyond the end":      func() { _, _ = l.Entries(2, 6, 1) },
		"compaction beyond the end":   func() { _ = l.Compact(5) },
		"a snapshot beyond the end":   func() { _, _ = l.CreateSnapshot(5, nil, nil) },
		"release beyond the snapshot": func() { _ = l.Release(2) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if text := fmt.Sprint(recover()); len(text) < 10 || text[:4] != "wal:" {
					t.Errorf("panic %q, want one that names the values", text)
				}
			}()
			misuse()
		})
	}
}
