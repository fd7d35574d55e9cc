package node

import (
	"encoding/binary"
	"testing"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"etcdsim/sim"
)

// TestDriverKnows proves that whenever a driver says without asking that
// nothing is ready, raft says so too: through elections, lost messages, proposals,
// reads, handovers and saves that take a while.
func TestDriverKnows(t *testing.T) {
	for seed := range uint64(60) {
		voters := int(1 + seed%5)
		u := newDrivers(t, seed, voters)
		for range 2000 {
			u.happen()
		}
		if len(u.committed) < 5 {
			t.Errorf("seed %d: %d voters committed only %d entries: the test tests nothing", seed, voters, len(u.committed))
		}
	}
}

// drivers are members' rafts with memory for a disk, and messages between them.
type drivers struct {
	t         *testing.T
	seed      uint64
	rand      sim.Rand
	all       []driver
	storage   []*raft.MemoryStorage
	saving    []bool // per member: a Ready was handled, and raft does not know it yet
	messages  []*pb.Message
	committed map[uint64]bool
}

func newDrivers(t *testing.T, seed uint64, voters int) *drivers {
	u := &drivers{
		t: t, seed: seed, rand: sim.NewRand(seed, "drivers"), saving: make([]bool, voters), committed: map[uint64]bool{},
	}
	ids := make([]uint64, voters)
	for i := range ids {
		ids[i] = uint64(i + 1)
	}
	for _, id := range ids {
		s := raft.NewMemoryStorage()
		meta := &pb.SnapshotMetadata{Index: new(uint64(1)), Term: new(uint64(1)), ConfState: &pb.ConfState{Voters: ids}}
		u.must(s.ApplySnapshot(&pb.Snapshot{Metadata: meta}))
		m, err := newDriver(&raft.Config{
			ID: id, ElectionTick: 10, HeartbeatTick: 1 + int(seed%3), Storage: s, Applied: 1, MaxSizePerMsg: 1 << 20,
			MaxInflightMsgs: 8, MaxCommittedSizePerReady: 16 * (seed % 2), PreVote: seed%4 < 2, CheckQuorum: seed%3 > 0, Logger: logger{},
		}, sim.NewSeed(seed))
		u.must(err)
		u.all, u.storage = append(u.all, m), append(u.storage, s)
	}
	return u
}

func (u *drivers) must(err error) {
	if err != nil {
		u.t.Fatal(err)
	}
}

// happen lets one thing happen to one member.
func (u *drivers) happen() {
	i := u.rand.Intn(len(u.all))
	m := &u.all[i]
	switch u.rand.Intn(24) {
	case 0, 1:
		m.tick()
	case 2:
		_ = m.propose([]byte("entry")) // dropped without a leader
	case 3:
		m.readIndex(binary.BigEndian.AppendUint64(nil, u.rand.Uint64()))
	case 4:
		if u.rand.Intn(20) == 0 {
			m.transferLeader(1 + u.rand.Below(uint64(len(u.all))))
		} else if u.rand.Intn(20) == 0 {
			m.reportUnreachable(1 + u.rand.Below(uint64(len(u.all))))
		}
	case 5, 6:
		if u.saving[i] {
			u.saving[i] = false
			m.advance()
		}
	default:
		if n := len(u.messages); n > 0 {
			msg := u.messages[0]
			u.messages = u.messages[1:]
			if i = int(msg.GetTo()) - 1; u.rand.Intn(30) > 0 {
				u.all[i].step(msg)
			}
		}
	}
	u.pump(i)
}

// pump handles what a member's raft has ready, as a member does.
func (u *drivers) pump(i int) {
	m := &u.all[i]
	for m.settle(); !u.saving[i]; m.settle() {
		rd := m.next()
		if rd == nil {
			if m.node.HasReady() {
				u.t.Fatalf("seed %d: n%d has something ready", u.seed, i+1)
			}
			return
		}
		if !raft.IsEmptyHardState(rd.HardState) {
			u.must(u.storage[i].SetHardState(rd.HardState))
		}
		u.must(u.storage[i].Append(rd.Entries))
		u.messages = append(u.messages, rd.Messages...)
		for _, e := range rd.CommittedEntries {
			u.committed[e.GetIndex()] = true
		}
		if rd.MustSync && u.rand.Intn(2) == 0 {
			u.saving[i] = true
			return
		}
		m.advance()
	}
}
