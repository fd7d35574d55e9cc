package node

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"etcdsim/sim"
)

// TestDriverAgreesWithRaft proves that a driver sees what raft has ready as raft tells
// it, and that what it takes itself leaves raft as Ready and Advance would: through
// elections, lost messages, snapshots, proposals, reads, handovers and saves that take
// a while. Each member is there twice: one is driven, the other asked.
func TestDriverAgreesWithRaft(t *testing.T) {
	var seen [heavy + 1]int
	var taken [2]int
	snapshots, committed := 0, 0
	for seed := range uint64(60) {
		voters := int(1 + seed%5)
		u := newDrivers(t, seed, voters)
		for range 2000 {
			u.happen()
		}
		committed += len(u.committed)
		for o, n := range u.seen {
			seen[o] += n
		}
		snapshots += u.snapshots
		taken[0], taken[1] = taken[0]+u.taken[0], taken[1]+u.taken[1]
	}
	if snapshots < 20 || committed < 1000 {
		t.Errorf("%d snapshots were installed and %d entries committed: expected 20 and 1000", snapshots, committed)
	}
	if taken[0] < 500 || taken[1] < 5000 {
		t.Errorf("RawNode gave %d Readies, and drivers took %d: expected 500 and 5000", taken[0], taken[1])
	}
	for o, n := range seen {
		if n < 1000 {
			t.Errorf("outlook %d was met %d times: expected 1000", o, n)
		}
	}
}

// Entries of which a part was overwritten while they were saved stay with raft, although
// they were handed out: a driver must not hand them out again. It takes two changes of
// the term during saves, too much for chance.
func TestDriverAfterOverwrittenSave(t *testing.T) {
	u := newDrivers(t, 0, 3)
	const n3 = 2
	step := func(from, term uint64, kind pb.MessageType, index, logTerm uint64, terms ...uint64) {
		var entries []*pb.Entry
		for i, entryTerm := range terms {
			entries = append(entries, &pb.Entry{Index: new(index + uint64(i) + 1), Term: new(entryTerm)})
		}
		m := &pb.Message{
			Type: kind.Enum(), From: &from, To: new(uint64(3)), Term: &term, Index: &index, LogTerm: &logTerm, Entries: entries,
			Commit: new(uint64(1)),
		}
		u.must(u.all[n3].node.Step(m))
		u.must(u.twins[n3].Step(m))
	}
	save := func(want ...uint64) {
		t.Helper()
		u.twins[n3].ready = u.twins[n3].Ready()
		var got []uint64
		for _, e := range u.handOut(n3).Entries {
			got = append(got, e.GetIndex())
		}
		if !slices.Equal(got, want) {
			t.Fatalf("entries %v are saved, expected %v", got, want)
		}
	}
	step(1, 2, pb.MsgApp, 1, 1, 2)
	save(2)
	step(1, 2, pb.MsgApp, 2, 2, 2, 2)
	step(2, 3, pb.MsgHeartbeat, 0, 0)
	u.advance(n3) // raft does not trust a save of an earlier term
	save(3, 4)
	step(2, 3, pb.MsgApp, 3, 2, 3) // overwrites entry 4
	u.advance(n3)
	save(4)
	if u.all[n3].plain {
		t.Error("the driver took this Ready itself: expected it to be left to raft")
	}
	u.advance(n3)
}

// drivers are members' rafts with memory for a disk, and messages between them.
type drivers struct {
	t         *testing.T
	seed      uint64
	rand      sim.Rand
	all       []driver
	twins     []twin
	storage   []*raft.MemoryStorage
	saving    []bool // per member: a Ready was handled, and raft does not know it yet
	messages  []*pb.Message
	committed map[uint64]bool
	applied   []uint64 // per member: the index of the last entry that was handed out
	away      int      // the member that nobody reaches, or none
	snapshots int      // installed
	seen      [heavy + 1]int
	taken     [2]int // Readies by RawNode, and by drivers
}

// twin is a RawNode to which happens what happens to a driver's, and which is handled
// through Readies alone.
type twin struct {
	*raft.RawNode
	timer timer
	ready raft.Ready
}

func newDrivers(t *testing.T, seed uint64, voters int) *drivers {
	u := &drivers{
		t: t, seed: seed, rand: sim.NewRand(seed, "drivers"), saving: make([]bool, voters), applied: make([]uint64, voters),
		committed: map[uint64]bool{},
	}
	ids := make([]uint64, voters)
	for i := range ids {
		ids[i] = uint64(i + 1)
	}
	for _, id := range ids {
		s := raft.NewMemoryStorage()
		meta := &pb.SnapshotMetadata{Index: new(uint64(1)), Term: new(uint64(1)), ConfState: &pb.ConfState{Voters: ids}}
		u.must(s.ApplySnapshot(&pb.Snapshot{Metadata: meta}))
		c := raft.Config{
			ID: id, ElectionTick: 10, HeartbeatTick: 1 + int(seed%3), Storage: s, Applied: 1, MaxSizePerMsg: 1 << 20,
			MaxInflightMsgs: 8, MaxCommittedSizePerReady: 16 * (seed % 2), PreVote: seed%4 < 2, CheckQuorum: seed%3 > 0, Logger: logger{},
		}
		other := c
		m, err := newDriver(&c, sim.NewSeed(seed))
		u.must(err)
		node, err := raft.NewRawNode(&other)
		u.must(err)
		in := look(node)
		u.twins = append(u.twins, twin{RawNode: node, timer: newTimer(&in, sim.NewSeed(seed), id, 10)})
		u.all, u.storage = append(u.all, m), append(u.storage, s)
	}
	return u
}

func (u *drivers) must(err error) {
	if err != nil {
		u.t.Fatal(err)
	}
}

// happen lets one thing happen to one member, and to its twin.
func (u *drivers) happen() {
	if u.rand.Intn(200) == 0 {
		u.away = u.rand.Intn(2 * len(u.all))
	}
	i := u.rand.Intn(len(u.all))
	act := func(*raft.RawNode) {}
	switch u.rand.Intn(24) {
	case 0, 1:
		act = (*raft.RawNode).Tick
	case 2:
		act = func(n *raft.RawNode) { _ = n.Propose([]byte("entry")) } // dropped without a leader
	case 3:
		context := binary.BigEndian.AppendUint64(nil, u.rand.Uint64())
		act = func(n *raft.RawNode) { n.ReadIndex(context) }
	case 4:
		if peer := 1 + u.rand.Below(uint64(len(u.all))); u.rand.Intn(20) == 0 {
			act = func(n *raft.RawNode) { n.TransferLeader(peer) }
		} else if u.rand.Intn(20) == 0 {
			act = func(n *raft.RawNode) { n.ReportUnreachable(peer) }
		} else if u.rand.Intn(20) == 0 {
			act = func(n *raft.RawNode) { _ = n.Campaign() } // also beside others who do
		} else {
			u.compact(i)
		}
	case 5, 6:
		if u.saving[i] {
			u.saving[i] = false
			u.advance(i)
		}
	default:
		if n := len(u.messages); n > 0 {
			msg := u.messages[0]
			u.messages = u.messages[1:]
			switch i = int(msg.GetTo()) - 1; {
			case u.rand.Intn(30) > 0 && i != u.away:
				act = func(n *raft.RawNode) { _ = n.Step(msg) }
			case msg.GetType() == pb.MsgSnap:
				i = int(msg.GetFrom()) - 1
				act = func(n *raft.RawNode) { n.ReportSnapshot(msg.GetTo(), raft.SnapshotFailure) }
			}
		}
	}
	act(u.all[i].node)
	act(u.twins[i].RawNode)
	u.pump(i)
}

// compact lets a member's log begin behind what it has applied.
func (u *drivers) compact(i int) {
	s := u.storage[i]
	if snap, err := s.Snapshot(); err != nil || u.saving[i] || u.applied[i] <= snap.GetMetadata().GetIndex() {
		return
	}
	_, err := s.CreateSnapshot(u.applied[i], nil, nil)
	u.must(err)
	u.must(s.Compact(u.applied[i]))
}

func (u *drivers) advance(i int) {
	u.all[i].advance()
	u.twins[i].Advance(u.twins[i].ready)
	u.sameInside(i)
	if n := len(u.all[i].acks); n > 0 {
		u.t.Fatalf("seed %d: n%d keeps %d messages to itself", u.seed, i+1, n)
	}
}

// pump handles what a member's raft has ready, as a member does.
func (u *drivers) pump(i int) {
	m, other := &u.all[i], &u.twins[i]
	for {
		m.timer.settle()
		other.timer.settle()
		if u.saving[i] {
			return
		}
		what := m.outlook()
		u.seen[what]++
		if has := other.HasReady(); has != (what != quiet) {
			u.t.Fatalf("seed %d: n%d sees outlook %d, and raft says %t", u.seed, i+1, what, has)
		}
		if what == quiet {
			return
		}
		if other.ready = other.Ready(); what == light {
			u.passOn(i)
			continue
		}
		if u.handOut(i).MustSync && u.rand.Intn(2) == 0 {
			u.saving[i] = true
			return
		}
		u.advance(i)
	}
}

// handOut takes a Ready from both, and writes it down. The twin's is taken already.
func (u *drivers) handOut(i int) *raft.Ready {
	m, other := &u.all[i], &u.twins[i]
	rd := m.next()
	if m.plain {
		u.taken[1]++
	} else {
		u.taken[0]++
	}
	u.sameInside(i)
	u.same(i, rd.Messages, rd.ReadStates)
	if !sameState(rd, &other.ready) {
		u.t.Fatalf("seed %d: n%d has %s ready, and raft %s", u.seed, i+1, contents(rd), contents(&other.ready))
	}
	if !raft.IsEmptyHardState(rd.HardState) {
		u.must(u.storage[i].SetHardState(rd.HardState))
	}
	if !raft.IsEmptySnap(rd.Snapshot) {
		u.must(u.storage[i].ApplySnapshot(rd.Snapshot))
		u.applied[i] = rd.Snapshot.GetMetadata().GetIndex()
		u.snapshots++
	}
	u.must(u.storage[i].Append(rd.Entries))
	u.messages = append(u.messages, rd.Messages...)
	for _, e := range rd.CommittedEntries {
		u.committed[e.GetIndex()] = true
		u.applied[i] = e.GetIndex()
	}
	return rd
}

// passOn handles what is ready without a Ready.
func (u *drivers) passOn(i int) {
	m, other := &u.all[i], &u.twins[i]
	messages, reads := m.take()
	u.same(i, messages, reads)
	if rd := &other.ready; rd.MustSync || !sameState(rd, &raft.Ready{}) {
		u.t.Fatalf("seed %d: n%d passes on messages, and raft says %s", u.seed, i+1, contents(rd))
	}
	u.messages = append(u.messages, messages...)
	m.giveBack(messages)
	other.Advance(other.ready)
	u.sameInside(i)
}

// sameInside fails unless raft stands inside as its twin does, so far as a driver
// reaches.
func (u *drivers) sameInside(i int) {
	a, b := &u.all[i].inside, look(u.twins[i].RawNode)
	for what, pair := range map[string][2]uint64{
		"term":       {*a.term, *b.term},
		"vote":       {*a.vote, *b.vote},
		"leader":     {*a.lead, *b.lead},
		"state":      {uint64(*a.state), uint64(*b.state)},
		"committed":  {*a.committed, *b.committed},
		"applying":   {*a.applying, *b.applying},
		"offset":     {*a.offset, *b.offset},
		"inProgress": {*a.inProgress, *b.inProgress},
		"fresh":      {uint64(len(*a.fresh)), uint64(len(*b.fresh))},
		"messages":   {uint64(len(*a.messages) + len(*a.afterAppend)), uint64(len(*b.messages) + len(*b.afterAppend))},
		"reads":      {uint64(len(*a.reads)), uint64(len(*b.reads))},
	} {
		if pair[0] != pair[1] {
			u.t.Fatalf("seed %d: n%d has %s %d inside, and its twin %d", u.seed, i+1, what, pair[0], pair[1])
		}
	}
	if !proto.Equal(*a.told, *b.told) || !proto.Equal(*a.snapshot, *b.snapshot) {
		u.t.Fatalf("seed %d: n%d told %v and has %v inside, and its twin %v and %v", u.seed, i+1, *a.told, *a.snapshot, *b.told, *b.snapshot)
	}
}

// same fails unless the twin has the same messages and answers to reads ready.
func (u *drivers) same(i int, messages []*pb.Message, reads []raft.ReadState) {
	rd := &u.twins[i].ready
	same := len(messages) == len(rd.Messages) && len(reads) == len(rd.ReadStates)
	for k := 0; same && k < len(messages); k++ {
		same = proto.Equal(messages[k], rd.Messages[k])
	}
	for k := 0; same && k < len(reads); k++ {
		same = reads[k].Index == rd.ReadStates[k].Index && bytes.Equal(reads[k].RequestCtx, rd.ReadStates[k].RequestCtx)
	}
	if !same {
		u.t.Fatalf("seed %d: n%d has %v and %v ready, and raft %v and %v", u.seed, i+1, messages, reads, rd.Messages, rd.ReadStates)
	}
}

// sameState reports whether two Readies say the same but for messages and reads.
func sameState(a, b *raft.Ready) bool {
	return proto.Equal(a.HardState, b.HardState) && proto.Equal(a.Snapshot, b.Snapshot) &&
		slices.EqualFunc(a.Entries, b.Entries, sameEntry) && slices.EqualFunc(a.CommittedEntries, b.CommittedEntries, sameEntry) &&
		a.MustSync == b.MustSync &&
		(a.SoftState == nil) == (b.SoftState == nil) && (a.SoftState == nil || *a.SoftState == *b.SoftState)
}

func sameEntry(a, b *pb.Entry) bool {
	return a.GetIndex() == b.GetIndex() && a.GetTerm() == b.GetTerm() && a.GetType() == b.GetType() && bytes.Equal(a.GetData(), b.GetData())
}

// contents says what a Ready holds. Printed as it is, it is its hard state.
func contents(rd *raft.Ready) string {
	return fmt.Sprintf("%v, %v, snapshot %d, entries %v, committed %v, to sync %t",
		rd.SoftState, rd.HardState, rd.Snapshot.GetMetadata().GetIndex(), rd.Entries, rd.CommittedEntries, rd.MustSync)
}
