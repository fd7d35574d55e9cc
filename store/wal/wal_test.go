package wal_test

import (
	"errors"
	"testing"

	"go.etcd.io/raft/v3/raftpb"

	"etcdsim/sim/trace"
	"etcdsim/store/disk"
	"etcdsim/store/wal"
)

func newEntry(index, term uint64, data string) *raftpb.Entry {
	return &raftpb.Entry{Index: &index, Term: &term, Data: []byte(data)}
}

func newState(term, vote, commit uint64) *raftpb.HardState {
	return &raftpb.HardState{Term: &term, Vote: &vote, Commit: &commit}
}

func TestOpenFindsWhatWasSynced(t *testing.T) {
	d := disk.New(1, disk.Config{}, 7, trace.NewLog())
	if _, err := wal.Open(d, wal.Config{}); !errors.Is(err, wal.ErrNoLog) {
		t.Fatalf("Open of an empty disk = %v, want ErrNoLog", err)
	}
	l, err := wal.Create(d, wal.Config{}, wal.Genesis([]uint64{1, 2, 3}, []byte("empty")))
	if err != nil {
		t.Fatal(err)
	}
	entries := []*raftpb.Entry{newEntry(2, 1, "two"), newEntry(3, 1, "three")}
	if err := l.Save(newState(1, 2, 2), entries); err != nil {
		t.Fatal(err)
	}
	d.Synced(d.Sync().ID)
	if err := l.Save(newState(1, 2, 3), []*raftpb.Entry{newEntry(4, 1, "four")}); err != nil {
		t.Fatal(err)
	}
	d.Crash()

	l, err = wal.Open(d, wal.Config{})
	if err != nil {
		t.Fatal(err)
	}
	first, _ := l.FirstIndex()
	last, _ := l.LastIndex()
	if first != 2 || last != 3 {
		t.Fatalf("recovered entries %d to %d, want 2 to 3", first, last)
	}
	state, conf, err := l.InitialState()
	if err != nil || state.GetCommit() != 2 || state.GetVote() != 2 || len(conf.GetVoters()) != 3 {
		t.Fatalf("recovered %v, %v, %v", state, conf, err)
	}
	got, err := l.Entries(2, 4, 1<<20)
	if err != nil || len(got) != 2 || string(got[1].GetData()) != "three" {
		t.Fatalf("Entries = %v, %v", got, err)
	}
}
