// Package floor is what every benchmark is measured against, in the same run:
// the bare loop of raft's RawNodes with its in-memory storage and messages
// passed by pointer, and nothing else. It has no clock, no network, no disk, no
// store. Machines differ and are shared; the ratio to the floor hardly changes.
package floor

import (
	"errors"
	"fmt"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// Loop is a cluster of RawNodes of which member 1 leads.
type Loop struct {
	nodes   []*raft.RawNode
	storage []*raft.MemoryStorage
	inbox   []*pb.Message
	applied int
	reads   int
}

// New returns a loop of so many members in which member 1 has been elected.
func New(members int) (*Loop, error) {
	l := &Loop{}
	voters := make([]uint64, members)
	for i := range voters {
		voters[i] = uint64(i + 1)
	}
	for _, id := range voters {
		s := raft.NewMemoryStorage()
		err := s.ApplySnapshot(&pb.Snapshot{Metadata: &pb.SnapshotMetadata{
			Index: new(uint64(1)), Term: new(uint64(1)), ConfState: &pb.ConfState{Voters: voters},
		}})
		if err != nil {
			return nil, err
		}
		n, err := raft.NewRawNode(&raft.Config{
			ID: id, ElectionTick: 10, HeartbeatTick: 1, Storage: s, Applied: 1,
			MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 512, PreVote: true, CheckQuorum: true, Logger: silent{},
		})
		if err != nil {
			return nil, err
		}
		l.nodes, l.storage = append(l.nodes, n), append(l.storage, s)
	}
	if err := l.nodes[0].Campaign(); err != nil {
		return nil, err
	}
	if err := l.drain(); err != nil {
		return nil, err
	}
	if l.nodes[0].BasicStatus().RaftState != raft.StateLeader {
		return nil, errors.New("floor: member 1 did not win its election")
	}
	return l, nil
}

// Put commits one entry on all members.
func (l *Loop) Put(data []byte) error {
	if err := l.nodes[0].Propose(data); err != nil {
		return err
	}
	return l.drain()
}

var readContext = []byte("floor...")

// Read confirms the leadership once with a quorum, for one linearizable read.
func (l *Loop) Read() error {
	l.nodes[0].ReadIndex(readContext)
	return l.drain()
}

// Tick moves every member's clock by one tick.
func (l *Loop) Tick() error {
	for _, n := range l.nodes {
		n.Tick()
	}
	return l.drain()
}

// Done returns the number of entries with data that were applied, over all
// members, and of reads confirmed: proof that the loop did its work.
func (l *Loop) Done() (applied, reads int) { return l.applied, l.reads }

// drain lets the members talk until they have nothing more to say.
func (l *Loop) drain() error {
	for {
		for i, n := range l.nodes {
			for n.HasReady() {
				if err := l.handle(n, l.storage[i]); err != nil {
					return err
				}
			}
		}
		if len(l.inbox) == 0 {
			return nil
		}
		messages := l.inbox
		l.inbox = nil
		for _, m := range messages {
			if err := l.nodes[m.GetTo()-1].Step(m); err != nil {
				return err
			}
		}
	}
}

func (l *Loop) handle(n *raft.RawNode, s *raft.MemoryStorage) error {
	rd := n.Ready()
	if !raft.IsEmptyHardState(rd.HardState) {
		if err := s.SetHardState(rd.HardState); err != nil {
			return err
		}
	}
	if err := s.Append(rd.Entries); err != nil {
		return err
	}
	l.inbox = append(l.inbox, rd.Messages...)
	for _, e := range rd.CommittedEntries {
		if len(e.GetData()) > 0 {
			l.applied++
		}
	}
	l.reads += len(rd.ReadStates)
	n.Advance(rd)
	return nil
}

type silent struct{}

func (silent) Debug(...any)            {}
func (silent) Debugf(string, ...any)   {}
func (silent) Info(...any)             {}
func (silent) Infof(string, ...any)    {}
func (silent) Warning(...any)          {}
func (silent) Warningf(string, ...any) {}
func (silent) Error(...any)            {}
func (silent) Errorf(string, ...any)   {}

func (silent) Fatal(v ...any)            { panic(fmt.Sprint(v...)) }
func (silent) Fatalf(f string, v ...any) { panic(fmt.Sprintf(f, v...)) }
func (silent) Panic(v ...any)            { panic(fmt.Sprint(v...)) }
func (silent) Panicf(f string, v ...any) { panic(fmt.Sprintf(f, v...)) }
