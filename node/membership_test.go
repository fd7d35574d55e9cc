package node

import (
	"testing"
	"time"

	pb "go.etcd.io/raft/v3/raftpb"

	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store"
	"etcdsim/store/disk"
)

// alone is a cluster of one, its disk at its side.
type alone struct {
	*Node
	t   *testing.T
	now sim.Time
}

func newAlone(t *testing.T, id uint64, founders []uint64) *alone {
	t.Helper()
	log := trace.NewLog()
	n, err := Start(id, founders, DefaultConfig(), disk.New(trace.Addr(id), disk.Default(), 1, log), 0, sim.NewSeed(1), 0, log)
	if err != nil {
		t.Fatal(err)
	}
	return &alone{Node: n, t: t}
}

// do lets an input happen, and every sync that it starts complete. It returns all
// that came out.
func (a *alone) do(in Input) (answers []Answer, messages []*pb.Message, gone []uint64, removed bool) {
	for inputs := []Input{in}; len(inputs) > 0; inputs = inputs[1:] {
		a.now += sim.Time(time.Millisecond)
		out := a.Step(a.now, &inputs[0])
		answers = append(answers, out.Answers...)
		messages = append(messages, out.Messages...)
		gone = append(gone, out.Gone...)
		removed = removed || out.Removed
		for _, s := range out.Syncs {
			inputs = append(inputs, Input{Kind: Synced, Ticket: s.ID})
		}
	}
	return answers, messages, gone, removed
}

// lead ticks until the member leads and serves.
func (a *alone) lead() *alone {
	a.t.Helper()
	for range 100 {
		a.now += sim.Time(a.cfg.Tick)
		a.do(Input{Kind: Tick})
		if a.role == trace.RoleLeader && a.serving {
			return a
		}
	}
	a.t.Fatal("no leader after 100 ticks")
	return nil
}

// ask sends a request of client 0 and returns the answer, if there is one.
func (a *alone) ask(r store.Request) *Answer {
	answers, _, _, _ := a.do(Input{Kind: Request, Call: &Call{Client: trace.Client(0), Op: 7, Request: r}})
	if len(answers) == 0 {
		return nil
	}
	return &answers[0]
}

// A change is answered when raft is done with its entry: the next one, right
// behind the answer, is not dropped (etcd #15528).
func TestOneChangeRightBehindAnother(t *testing.T) {
	a := newAlone(t, 1, []uint64{1}).lead()
	first := a.ask(&store.MemberAddRequest{PeerURLs: []string{"http://x:1"}, Learner: true})
	if first == nil || first.Err != nil {
		t.Fatalf("add: %+v", first)
	}
	second := a.ask(&store.MemberRemoveRequest{ID: 2})
	if second == nil || second.Err != nil {
		t.Fatalf("remove, right behind it: %+v", second)
	}
}

// Who was removed is told so, and gets nothing.
func TestMessagesOfTheRemoved(t *testing.T) {
	a := newAlone(t, 1, []uint64{1}).lead()
	a.ask(&store.MemberAddRequest{PeerURLs: []string{"http://x:1"}, Learner: true})
	a.ask(&store.MemberRemoveRequest{ID: 2})
	vote := &pb.Message{
		Type: pb.MsgPreVote.Enum(), From: new(uint64(2)), To: new(uint64(1)), Term: new(uint64(90)),
		Index: new(uint64(90)), LogTerm: new(uint64(90)),
	}
	before := a.term
	_, messages, gone, _ := a.do(Input{Kind: Receive, Message: vote})
	if len(gone) != 1 || gone[0] != 2 {
		t.Errorf("told %v that they are gone, want n2", gone)
	}
	if len(messages) != 0 || a.term != before {
		t.Errorf("it moved the term from %d to %d, and got %v", before, a.term, messages)
	}
	_, _, gone, _ = a.do(Input{Kind: Receive, Message: &pb.Message{
		Type: pb.MsgPreVote.Enum(), From: new(uint64(3)), To: new(uint64(1)), Term: new(uint64(90)),
	}})
	if len(gone) != 0 {
		t.Errorf("told %v that they are gone, though nobody knows n3", gone)
	}
}

// The removal of another is not taken for the member's own; nor does one that
// joins later know anybody before it has learned of them.
func TestRemovalOfAnother(t *testing.T) {
	a := newAlone(t, 1, []uint64{1}).lead()
	a.ask(&store.MemberAddRequest{PeerURLs: []string{"http://x:1"}, Learner: true})
	_, _, _, removed := a.do(Input{Kind: Request, Call: &Call{Client: trace.Client(0), Op: 8, Request: &store.MemberRemoveRequest{ID: 2}}})
	if removed || a.members.Removed(1) || a.committedRemoval() {
		t.Error("n1 takes the removal of n2 for its own")
	}
	if n := newAlone(t, 2, nil); n.members.Member(2) != nil || len(n.confState.GetVoters()) != 0 {
		t.Error("a member that joins later knows somebody before it has learned of anybody")
	}
}

// A member that joins later serves nobody before it knows itself, and campaigns
// for nothing.
func TestJoiningMemberWaits(t *testing.T) {
	a := newAlone(t, 4, nil)
	for range 100 {
		a.now += sim.Time(a.cfg.Tick)
		if _, messages, _, _ := a.do(Input{Kind: Tick}); len(messages) > 0 {
			t.Fatalf("it sends %v to nobody that it could know", messages)
		}
	}
	for _, r := range []store.Request{
		&store.PutRequest{Key: "k"}, &store.RangeRequest{Key: "k", Serializable: true}, &store.MemberListRequest{},
	} {
		if got := a.ask(r); got != nil {
			t.Errorf("%s: got %+v, want no answer", store.Describe(r), got)
		}
	}
	if len(a.Pending()) == 0 {
		t.Error("nobody waits: the requests are lost")
	}
}

// Connections count for as long as they have lasted, and in the quorum that would
// be (etcd's isConnectedToQuorumAfterAddingNewMemberSince and mayRemoveMember).
func TestConnectionsDecide(t *testing.T) {
	const long, short = sim.Time(0), sim.Time(58 * time.Second)
	now := sim.Time(60 * time.Second)
	for _, tt := range []struct {
		voters    uint64
		connected []sim.Time // to 2, 3...
		add       *store.Error
		removeOwn *store.Error
		remove2   *store.Error
	}{
		{1, nil, nil, store.ErrNotEnoughStarted, nil},
		{2, []sim.Time{long}, nil, nil, nil},
		{2, []sim.Time{short}, store.ErrUnhealthy, store.ErrUnhealthy, store.ErrUnhealthy},
		{2, []sim.Time{Unconnected}, store.ErrUnhealthy, store.ErrUnhealthy, nil},
		{3, []sim.Time{long, long}, nil, nil, nil},
		{3, []sim.Time{long, short}, store.ErrUnhealthy, store.ErrUnhealthy, store.ErrUnhealthy},
		{3, []sim.Time{Unconnected, long}, store.ErrUnhealthy, store.ErrUnhealthy, nil},
		{5, []sim.Time{long, long, long, Unconnected}, nil, nil, nil},
		{5, []sim.Time{long, long, short, Unconnected}, store.ErrUnhealthy, store.ErrUnhealthy, store.ErrUnhealthy},
	} {
		var founders []uint64
		for id := range tt.voters {
			founders = append(founders, id+1)
		}
		a := newAlone(t, 1, founders)
		a.Node.now = now
		a.reconfig.connected = append([]sim.Time{Unconnected, 0}, tt.connected...)
		if got := a.mayAdd(&store.MemberAddRequest{}); got != tt.add {
			t.Errorf("%d voters, connected since %v: add: got %v, want %v", tt.voters, tt.connected, got, tt.add)
		}
		if got := a.mayRemove(1); got != tt.removeOwn {
			t.Errorf("%d voters, connected since %v: remove itself: got %v, want %v", tt.voters, tt.connected, got, tt.removeOwn)
		}
		if tt.voters > 1 {
			if got := a.mayRemove(2); got != tt.remove2 {
				t.Errorf("%d voters, connected since %v: remove n2: got %v, want %v", tt.voters, tt.connected, got, tt.remove2)
			}
		}
		a.cfg.StrictReconfig = false
		if a.mayAdd(&store.MemberAddRequest{}) != nil || a.mayRemove(1) != nil {
			t.Errorf("%d voters: refused although strict-reconfig is off", tt.voters)
		}
	}
}

// The log is kept while a snapshot travels, and for a while after it arrived.
func TestLogIsKeptForWhoGotASnapshot(t *testing.T) {
	a := newAlone(t, 1, []uint64{1}).lead()
	if a.catchingUp() {
		t.Error("somebody is catching up before anything was sent")
	}
	a.withPresentState(&pb.Message{Type: pb.MsgSnap.Enum(), To: new(uint64(2)), From: new(uint64(1))})
	a.Node.now += sim.Time(time.Hour)
	if !a.catchingUp() {
		t.Error("the log is not kept for a snapshot under way")
	}
	a.snapshotArrived(2, true)
	a.Node.now += sim.Time(catchUpTime - 1)
	if !a.catchingUp() {
		t.Error("the log is not kept for who has just got a snapshot")
	}
	a.Node.now++
	if a.catchingUp() {
		t.Error("the log is kept for ever")
	}
	a.withPresentState(&pb.Message{Type: pb.MsgSnap.Enum(), To: new(uint64(2)), From: new(uint64(1))})
	a.snapshotArrived(2, false)
	if a.catchingUp() {
		t.Error("the log is kept for a snapshot that was lost")
	}
}
