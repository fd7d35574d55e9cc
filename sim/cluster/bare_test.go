package cluster_test

import (
	"testing"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// bare is the floor that every benchmark is measured against, in the same run:
// RawNodes with raft's in-memory storage and messages passed by pointer, in one
// loop, with nothing else. It has no clock, no network, no disk, no store.
type bare struct {
	nodes    []*raft.RawNode
	storage  []*raft.MemoryStorage
	inbox    []*pb.Message
	applied  int // entries with data, over all members
	confirms int // ReadIndex answers
}

func newBare(tb testing.TB, members int) *bare {
	b := &bare{}
	voters := make([]uint64, members)
	for i := range voters {
		voters[i] = uint64(i + 1)
	}
	for _, id := range voters {
		s := raft.NewMemoryStorage()
		if err := s.ApplySnapshot(&pb.Snapshot{Metadata: &pb.SnapshotMetadata{
			Index: new(uint64(1)), Term: new(uint64(1)), ConfState: &pb.ConfState{Voters: voters},
		}}); err != nil {
			tb.Fatal(err)
		}
		n, err := raft.NewRawNode(&raft.Config{
			ID: id, ElectionTick: 10, HeartbeatTick: 1, Storage: s, Applied: 1,
			MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 512, PreVote: true, CheckQuorum: true, Logger: quiet{},
		})
		if err != nil {
			tb.Fatal(err)
		}
		b.nodes, b.storage = append(b.nodes, n), append(b.storage, s)
	}
	if err := b.nodes[0].Campaign(); err != nil {
		tb.Fatal(err)
	}
	b.drain()
	if b.nodes[0].BasicStatus().RaftState != raft.StateLeader {
		tb.Fatal("bare loop: member 1 did not win its election")
	}
	return b
}

// drain lets the members talk until they have nothing more to say.
func (b *bare) drain() {
	for {
		for i, n := range b.nodes {
			for n.HasReady() {
				rd := n.Ready()
				if !raft.IsEmptyHardState(rd.HardState) {
					b.storage[i].SetHardState(rd.HardState)
				}
				b.storage[i].Append(rd.Entries)
				b.inbox = append(b.inbox, rd.Messages...)
				for _, e := range rd.CommittedEntries {
					if len(e.GetData()) > 0 {
						b.applied++
					}
				}
				b.confirms += len(rd.ReadStates)
				n.Advance(rd)
			}
		}
		if len(b.inbox) == 0 {
			return
		}
		messages := b.inbox
		b.inbox = nil
		for _, m := range messages {
			b.nodes[m.GetTo()-1].Step(m)
		}
	}
}

func (b *bare) put(data []byte) {
	b.nodes[0].Propose(data)
	b.drain()
}

var readContext = []byte("12345678")

func (b *bare) read() {
	b.nodes[0].ReadIndex(readContext)
	b.drain()
}

func (b *bare) tick() {
	for _, n := range b.nodes {
		n.Tick()
	}
	b.drain()
}

type quiet struct{}

func (quiet) Debug(...any)              {}
func (quiet) Debugf(string, ...any)     {}
func (quiet) Info(...any)               {}
func (quiet) Infof(string, ...any)      {}
func (quiet) Warning(...any)            {}
func (quiet) Warningf(string, ...any)   {}
func (quiet) Error(...any)              {}
func (quiet) Errorf(string, ...any)     {}
func (quiet) Fatal(v ...any)            { panic(v) }
func (quiet) Fatalf(f string, v ...any) { panic(f) }
func (quiet) Panic(v ...any)            { panic(v) }
func (quiet) Panicf(f string, v ...any) { panic(f) }
