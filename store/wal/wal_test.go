package wal_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"strings"
	"testing"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store/disk"
	"etcdsim/store/wal"
)

// quiet is raft's logger without an output.
var quiet = &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)}

func newDisk(c disk.Config, seed uint64) *disk.Disk { return disk.New(1, c, seed, trace.NewLog()) }

func newEntry(index, term uint64, data string) *pb.Entry {
	return &pb.Entry{Index: &index, Term: &term, Data: []byte(data)}
}

// newEntries returns the entries from one index to another, both included.
func newEntries(first, last, term uint64) []*pb.Entry {
	var entries []*pb.Entry
	for i := first; i <= last; i++ {
		entries = append(entries, newEntry(i, term, fmt.Sprintf("%d in term %d", i, term)))
	}
	return entries
}

func newState(term, vote, commit uint64) *pb.HardState {
	return &pb.HardState{Term: &term, Vote: &vote, Commit: &commit}
}

func newSnapshot(index, term uint64, data string) *pb.Snapshot {
	snap := wal.Genesis([]uint64{1, 2, 3}, []byte(data))
	snap.Metadata.Index, snap.Metadata.Term = &index, &term
	return snap
}

// create begins a log with three voters.
func create(t testing.TB, d *disk.Disk, c wal.Config) *wal.Log {
	t.Helper()
	l, err := wal.Create(d, c, wal.Genesis([]uint64{1, 2, 3}, nil))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func open(t testing.TB, d *disk.Disk) *wal.Log {
	t.Helper()
	l, err := wal.Open(d, wal.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// save saves, and makes entries visible at once, as a member does whose disk is
// fast.
func save(t testing.TB, l *wal.Log, state *pb.HardState, entries []*pb.Entry) {
	t.Helper()
	if err := l.Save(state, entries); err != nil {
		t.Fatal(err)
	}
	l.Append(entries)
}

// describe prints what raft sees of a log: "snap 1/1 | 2/1 3/1 | term 1 vote 2 commit 3",
// entries as index/term.
func describe(t testing.TB, l *wal.Log) string {
	t.Helper()
	snap, err1 := l.Snapshot()
	first, err2 := l.FirstIndex()
	last, err3 := l.LastIndex()
	state, _, err4 := l.InitialState()
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	parts := []string{fmt.Sprintf("snap %d/%d |", snap.GetMetadata().GetIndex(), snap.GetMetadata().GetTerm())}
	if first <= last {
		entries, err := l.Entries(first, last+1, 1<<30)
		if err != nil || uint64(len(entries)) != last-first+1 {
			t.Fatalf("entries %d to %d: %d are there, %v", first, last, len(entries), err)
		}
		for i, e := range entries {
			if e.GetIndex() != first+uint64(i) {
				t.Fatalf("entry %d stands at %d", e.GetIndex(), first+uint64(i))
			}
			parts = append(parts, fmt.Sprintf("%d/%d", e.GetIndex(), e.GetTerm()))
		}
	}
	return strings.Join(parts, " ") + fmt.Sprintf(" | term %d vote %d commit %d", state.GetTerm(), state.GetVote(), state.GetCommit())
}

func TestEmptyDiskHoldsNoLog(t *testing.T) {
	d := newDisk(disk.Config{}, 1)
	if _, err := wal.Open(d, wal.Config{}); !errors.Is(err, wal.ErrNoLog) {
		t.Fatalf("Open of an empty disk = %v, want ErrNoLog", err)
	}
	l, err := wal.Create(d, wal.Config{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	const want = "snap 0/0 | | term 0 vote 0 commit 0"
	if got := describe(t, l); got != want {
		t.Errorf("a log without members: %s\nwant %s", got, want)
	}
	d.Crash()
	l = open(t, d)
	if got := describe(t, l); got != want {
		t.Errorf("opened again: %s\nwant %s", got, want)
	}
	state, conf, err := l.InitialState()
	if state != nil || conf == nil || len(conf.GetVoters()) != 0 || err != nil {
		t.Errorf("InitialState = %v, %v, %v; want no hard state and an empty configuration", state, conf, err)
	}
}

func TestGenesisSurvives(t *testing.T) {
	d := newDisk(disk.Config{}, 1)
	if _, err := wal.Create(d, wal.Config{}, wal.Genesis([]uint64{1, 2, 3}, []byte("empty store"))); err != nil {
		t.Fatal(err)
	}
	d.Crash()
	l := open(t, d)
	if got, want := describe(t, l), "snap 1/1 | | term 1 vote 0 commit 1"; got != want {
		t.Errorf("recovered %s, want %s", got, want)
	}
	snap, _ := l.Snapshot()
	if !proto.Equal(snap, wal.Genesis([]uint64{1, 2, 3}, []byte("empty store"))) {
		t.Errorf("recovered the snapshot %v", snap)
	}
}

func TestFullDiskWritesNothing(t *testing.T) {
	d := newDisk(disk.Config{}, 1)
	l := create(t, d, wal.Config{SegmentSize: 256})
	save(t, l, newState(1, 1, 2), newEntries(2, 20, 1)) // the segment is full
	c := d.Config()
	c.Capacity = 1
	d.SetConfig(c)
	files, used := fmt.Sprint(d.List()), d.Used()
	snap := newSnapshot(30, 2, "received")
	_, created := l.CreateSnapshot(20, &pb.ConfState{Voters: []uint64{1, 2, 3}}, []byte("own"))
	for name, err := range map[string]error{
		"Save":           l.Save(nil, newEntries(21, 21, 1)),
		"SaveSnapshot":   l.SaveSnapshot(snap),
		"CreateSnapshot": created,
	} {
		if !errors.Is(err, disk.ErrFull) {
			t.Errorf("%s on a full disk = %v, want ErrFull", name, err)
		}
	}
	if got := fmt.Sprint(d.List()); got != files || d.Used() != used {
		t.Errorf("the refused writes left %s with %d bytes, want %s with %d", got, d.Used(), files, used)
	}
	c.Capacity = 0
	d.SetConfig(c)
	save(t, l, newState(1, 1, 21), newEntries(21, 21, 1))
	d.Flush()
	want := strings.Replace(describe(t, l), "term 1 vote 0 commit 1", "term 1 vote 1 commit 21", 1)
	d.Crash()
	if got := describe(t, open(t, d)); got != want {
		t.Errorf("recovered %s\nwant %s", got, want)
	}
}

// However little a disk holds, a log is created whole or not at all.
func TestCreateOnASmallDisk(t *testing.T) {
	whole := 0
	for capacity := sim.Size(1); whole < 3; capacity++ {
		d := newDisk(disk.Config{Capacity: capacity}, 1)
		_, err := wal.Create(d, wal.Config{}, wal.Genesis([]uint64{1, 2, 3}, []byte("empty store")))
		switch {
		case errors.Is(err, disk.ErrFull) && whole == 0:
		case err != nil:
			t.Fatalf("on a disk of %d bytes: %v", capacity, err)
		default:
			whole++
			if state := open(t, d).HardState(); state.GetCommit() != 1 {
				t.Fatalf("on a disk of %d bytes a log was created with the state %v, want commit 1", capacity, state)
			}
		}
	}
}

func TestNewerSnapshotIsRefusedTwice(t *testing.T) {
	d := newDisk(disk.Config{}, 1)
	l := create(t, d, wal.Config{})
	save(t, l, newState(1, 1, 5), newEntries(2, 9, 1))
	if _, err := l.CreateSnapshot(5, nil, nil); err != nil {
		t.Fatal(err)
	}
	_, created := l.CreateSnapshot(5, nil, nil)
	for name, err := range map[string]error{
		"CreateSnapshot": created,
		"SaveSnapshot":   l.SaveSnapshot(newSnapshot(4, 1, "")),
		"ApplySnapshot":  l.ApplySnapshot(newSnapshot(5, 1, "")),
	} {
		if !errors.Is(err, raft.ErrSnapOutOfDate) {
			t.Errorf("%s of an old snapshot = %v, want ErrSnapOutOfDate", name, err)
		}
	}
}

func TestReleaseWaitsForTheSync(t *testing.T) {
	d := newDisk(disk.Config{}, 1)
	l := create(t, d, wal.Config{SegmentSize: 256})
	for i := uint64(2); i <= 40; i++ {
		save(t, l, newState(1, 1, i), newEntries(i, i, 1))
	}
	d.Flush()
	before := d.List()
	if _, err := l.CreateSnapshot(30, &pb.ConfState{Voters: []uint64{1, 2, 3}}, []byte("own")); err != nil {
		t.Fatal(err)
	}
	if err := l.Release(30); !errors.Is(err, wal.ErrNotDurable) {
		t.Errorf("release before the snapshot is durable = %v, want ErrNotDurable", err)
	}
	if got := d.List(); len(got) != len(before)+1 {
		t.Errorf("a refused release changed the files from %v to %v", before, got)
	}
	d.Flush()
	if err := l.Release(30); err != nil {
		t.Fatal(err)
	}
	if got := d.List(); len(got) >= len(before) {
		t.Errorf("the release removed nothing: %v", got)
	}
	d.Flush()
	d.Crash()
	got := describe(t, open(t, d))
	if want := "snap 30/1 | 31/1 32/1 33/1 34/1 35/1 36/1 37/1 38/1 39/1 40/1 | term 1 vote 1 commit 40"; got != want {
		t.Errorf("recovered %s\nwant %s", got, want)
	}
}

// TestReleaseWaitsForTheCommit: a snapshot counts only once a hard state that
// commits it is durable, so that until then nothing it replaces may go.
func TestReleaseWaitsForTheCommit(t *testing.T) {
	d := newDisk(disk.Config{}, 1)
	l := create(t, d, wal.Config{SegmentSize: 256})
	for i := uint64(2); i <= 40; i++ {
		save(t, l, nil, newEntries(i, i, 1))
	}
	if _, err := l.CreateSnapshot(30, &pb.ConfState{Voters: []uint64{1, 2, 3}}, []byte("own")); err != nil {
		t.Fatal(err)
	}
	d.Flush()
	if err := l.Release(30); !errors.Is(err, wal.ErrNotDurable) {
		t.Errorf("release of a snapshot that no hard state commits = %v, want ErrNotDurable", err)
	}
	save(t, l, newState(1, 1, 35), nil)
	if err := l.Release(30); !errors.Is(err, wal.ErrNotDurable) {
		t.Errorf("release before the hard state is durable = %v, want ErrNotDurable", err)
	}
	d.Flush()
	if err := l.Release(30); err != nil {
		t.Error(err)
	}
}

// TestRaftRunsOnIt: the library itself takes a log that was begun here, and one
// that was recovered.
func TestRaftRunsOnIt(t *testing.T) {
	d := newDisk(disk.Config{}, 1)
	l, err := wal.Create(d, wal.Config{SegmentSize: 512}, wal.Genesis([]uint64{1}, nil))
	if err != nil {
		t.Fatal(err)
	}
	for incarnation := range 3 {
		snap, _ := l.Snapshot()
		node, err := raft.NewRawNode(&raft.Config{
			ID: 1, ElectionTick: 10, HeartbeatTick: 1, Storage: l, MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 16,
			Applied: snap.GetMetadata().GetIndex(), Logger: quiet,
		})
		if err != nil {
			t.Fatal(err)
		}
		applied := snap.GetMetadata().GetIndex()
		step := func() {
			for node.HasReady() {
				rd := node.Ready()
				save(t, l, rd.HardState, rd.Entries)
				d.Flush()
				for _, e := range rd.CommittedEntries {
					if e.GetIndex() != applied+1 {
						t.Fatalf("incarnation %d: entry %d was committed after %d", incarnation, e.GetIndex(), applied)
					}
					applied++
				}
				node.Advance(rd)
			}
		}
		if err := node.Campaign(); err != nil {
			t.Fatal(err)
		}
		step()
		for i := range 10 {
			if err := node.Propose(fmt.Appendf(nil, "proposal %d", i)); err != nil {
				t.Fatal(err)
			}
			step()
		}
		if want := uint64(1 + 11*(incarnation+1)); applied != want {
			t.Fatalf("incarnation %d applied through %d, want %d", incarnation, applied, want)
		}
		if _, err := l.CreateSnapshot(applied-3, snap.GetMetadata().GetConfState(), nil); err != nil {
			t.Fatal(err)
		}
		if incarnation == 1 { // the others recover from an older snapshot
			d.Flush()
			if err := l.Release(applied - 3); err != nil {
				t.Fatal(err)
			}
		}
		d.Crash()
		l = open(t, d)
	}
}
